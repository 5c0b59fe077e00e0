# SPDX-License-Identifier: MIT
"""wmopkg at a terminal, and somebody who types."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios

import bench

PATIENCE_S = 60


class Typist:
    """wmopkg WORDS on a terminal of its own; .screen: all that was shown."""

    def __init__(self, *words, program=bench.WMOPKG, options=("--config", "wmopkg.conf"),
                 env=None, rows=1000, columns=0):
        self.screen, self.seen = "", 0
        self.master, self.terminal = pty.openpty()
        # no end of a page, so no question after it
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.terminal)
        self.process = subprocess.Popen(
            [program, *options, *words], stdin=self.terminal,
            stdout=self.terminal, stderr=self.terminal, start_new_session=True,
            preexec_fn=self._take_terminal, env=env)

    def _take_terminal(self):
        fcntl.ioctl(self.terminal, termios.TIOCSCTTY, 0)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)

    def _read(self):
        if not select.select([self.master], [], [], PATIENCE_S)[0]:
            raise AssertionError(f"nothing more comes after: {self.screen!r}")
        part = os.read(self.master, 65536).decode(errors="replace")
        self.screen += part.replace("\r\n", "\n")

    def expect(self, text):
        """Wait for it, behind what was waited for before."""
        while (place := self.screen.find(text, self.seen)) < 0:
            self._read()
        self.seen = place + len(text)

    def flat(self):
        """All that was shown, and messages that were wrapped as one line."""
        return self.screen.replace("\n  ", " ")

    def type(self, text):
        os.write(self.master, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def end(self):
        """Its exit status; the terminal has to be as it was."""
        status = self.process.wait(PATIENCE_S)
        while select.select([self.master], [], [], 0)[0]:
            self._read()
        as_before = termios.tcgetattr(self.terminal) == self.before
        os.close(self.master)
        os.close(self.terminal)
        if not as_before:
            raise AssertionError("the terminal is not as it was")
        return status
