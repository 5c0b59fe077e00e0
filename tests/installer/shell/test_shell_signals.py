#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shell outlives its commands, is told from what was typed for them, and ends with its
terminal as it was."""

import contextlib
import fcntl
import os
import re
import signal
import socket
import struct
import sys
import termios
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import wires  # noqa: E402
from typist import PATIENCE_S, Typist  # noqa: E402

HOST = socket.gethostname().split(".")[0]
TOP = f"{HOST}:/#> "
PACKAGE = f"{HOST}:/package/#> "
QUESTION = "Remove package pkgname (y/N)?"
INSTALLED = bench.INSTALLED.strip()
INTERRUPTED = "interrupted, nothing was installed"


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def wait_for(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


class Signals(bench.Case):
    def shell(self, terminal="vt100"):
        typist = Typist(env=dict(os.environ, TERM=terminal))
        self.addCleanup(typist.process.kill)
        typist.expect(TOP)
        return typist

    def leave(self, typist):
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)

    def silent_server(self):
        """A server that takes connections, and never says a word: its port."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        return server.getsockname()[1]

    def hang(self, typist):
        typist.type(f"package install http://127.0.0.1:{self.silent_server()}/a.wmopkg\n")
        typist.expect("Connecting to 127.0.0.1")
        wait_for(lambda: children(typist.process.pid))
        return children(typist.process.pid)[0]

    def test_pasted_lines(self):
        """Lines typed ahead go where they would have gone had they been waited for."""
        for terminal in ("vt100", "dumb"):
            self.install(self.package)
            typist = self.shell(terminal)
            typist.type(f"package\nremove pkgname\nn\nverify {self.package}\nremove pkgname\ny\n"
                        "do unlock\nshow\nend\nexit\n")
            self.assertEqual(typist.end(), 0)
            shown = typist.screen
            for text in (QUESTION, "Nothing removed.\n", "Verification: Signed\n", QUESTION,
                         "Removed... Changes are applied after reboot.\n",
                         "Unlocked: no\n", "No packages installed.\n"):
                before, found, shown = shown.partition(text)
                self.assertTrue(found, f"{text} is not in {before}")

    def test_interrupted_command(self):
        typist = self.shell()
        for _ in range(2):
            self.hang(typist)
            typist.type("\x03")
            typist.expect(INTERRUPTED)
            typist.expect(TOP)
        typist.type("show\n")
        typist.expect("No packages installed.\n")
        typist.expect(TOP)
        self.assertEqual(children(typist.process.pid), [])
        self.assertEqual(bench.listing("data", "persist"), ["data/packages"])
        self.leave(typist)

    def test_keys_during_a_transfer(self):
        """A bar grows with nothing in the middle of it; numbers are below it where there is room,
        and nothing is left of them."""
        content = bench.read(self.package)
        drip = wires.dripping(wires.answer(content, len(content)), len(content) // 8, 0.2)
        typist = self.shell()
        self.resize(typist, 132)
        for keys, ends in (("show\n", INSTALLED), ("\x03", INTERRUPTED)):
            with contextlib.closing(wires.Wire(drip)) as wire:
                typist.type(f"package install http://127.0.0.1:{wire.port}/pkgname.wmopkg\n")
                typist.expect("|=")
                start = typist.seen
                wait_for(lambda: not typist.echoes())
                typist.expect(" left")
                typist.type(keys)
                typist.expect(ends)
                shown = typist.screen[start:typist.seen]
                self.assertRegex(shown, r"\x1b7\n\d\.\d/3\.\d MiB  \d+ [kM]B/s  0:\d\d left\x1b\[K\x1b8")
                # as a terminal shows it
                shown = re.sub(r"\x1b7.*?\x1b8|\x1bD\x1b\[A", "", shown, flags=re.DOTALL)
                self.assertRegex(shown, "^=*\\|\n\x1b\\[K    PKG: Signed\n" if ends == INSTALLED
                                 else "^=*\n\x1b\\[Kwmopkg: ")
                typist.expect("pkgname  5.26.0" if ends == INSTALLED else TOP)
        self.leave(typist)

    def test_suspended_command(self):
        """Ctrl-Z is for the prompt alone: half an installation is of no use."""
        typist = self.shell()
        child = self.hang(typist)
        typist.type("\x1a")
        time.sleep(0.2)
        os.kill(child, 0)
        typist.type("\x03")
        typist.expect(INTERRUPTED)
        typist.expect(TOP)
        self.leave(typist)

    def test_keys_before_the_first_byte(self):
        """None stands among the messages, and Ctrl-C is not ahead of the last of them."""
        typist = self.shell()
        self.hang(typist)
        wait_for(lambda: not typist.echoes())
        start = typist.seen
        typist.type("show")
        time.sleep(0.2)
        typist.type("\x03")
        typist.expect(INTERRUPTED)
        self.assertRegex(typist.screen[start:], r"^ \(127\.0\.0\.1:\d+\)\nwmopkg: ")
        typist.expect(TOP)
        self.leave(typist)
        # as it was, also where no shell sees to it
        url = f"http://127.0.0.1:{self.silent_server()}/a.wmopkg"
        bench.write("one.json", b'{"type":"set","format":1,"packages":[{"version":"1","source":"' +
                    url.encode() + b'"}]}')
        for words in (("verify", url), ("apply", "one.json"), ("apply", "--check", "one.json")):
            typist = Typist(*words)
            typist.expect("Connecting to")
            wait_for(lambda: not typist.echoes())
            typist.type("\x03")
            self.assertEqual(typist.end(), 1)

    def test_killed_command(self):
        """The shell says so, and mends the terminal."""
        typist = self.shell("dumb")
        child = self.hang(typist)
        changed = termios.tcgetattr(typist.terminal)
        changed[3] &= ~termios.ECHO
        termios.tcsetattr(typist.terminal, termios.TCSANOW, changed)
        os.kill(child, signal.SIGKILL)
        typist.expect("wmopkg: the command was ended: Killed\n")
        typist.expect(TOP)
        self.assertTrue(typist.echoes())
        self.leave(typist)

    def test_ended_with_its_command(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            typist = self.shell()
            child = self.hang(typist)
            typist.process.send_signal(number)
            self.assertEqual(typist.end(), -number)
            self.assertIn(INTERRUPTED, typist.screen)
            self.assertFalse(os.path.exists(f"/proc/{child}"))

    def test_ended_at_the_prompt(self):
        for terminal in ("vt100", "dumb"):
            for number in (signal.SIGTERM, signal.SIGHUP):
                typist = self.shell(terminal)
                typist.type("show")
                typist.expect("show")
                typist.process.send_signal(number)
                self.assertEqual(typist.end(), -number)

    def test_signals_are_keys(self):
        for terminal in ("vt100", "dumb"):
            typist = self.shell(terminal)
            typist.type("package\n")
            typist.expect(PACKAGE)
            for number, prompt in ((signal.SIGINT, PACKAGE), (signal.SIGQUIT, PACKAGE),
                                   (signal.SIGTSTP, TOP)):
                typist.process.send_signal(number)
                typist.expect(prompt)
            self.leave(typist)

    def test_resized_and_stopped(self):
        typist = self.shell()
        typist.type("package sh")
        typist.expect("package sh")
        for columns in (20, 200):
            self.resize(typist, columns)
        typist.process.send_signal(signal.SIGSTOP)
        # who had the terminal since has left it as people have it
        termios.tcsetattr(typist.terminal, termios.TCSANOW, typist.before)
        typist.process.send_signal(signal.SIGCONT)
        wait_for(lambda: not typist.echoes())
        typist.type("ow\n")
        typist.expect("No packages installed.\n")
        self.leave(typist)

    def test_terminal_gone(self):
        typist = self.shell()
        os.close(typist.master)
        self.assertEqual(typist.process.wait(PATIENCE_S), -signal.SIGHUP)
        os.close(typist.terminal)

    def test_keys(self):
        """The keys that terminals have, each as it is sent."""
        typist = self.shell()
        for line, keys in (
                ("the end", "show Xx\x08\x7f\x7f\n"),
                ("delete", "Xshow\x1b[1~\x1b[3~\n"), ("home, end", "how\x1b[Hs\x1b[F \n"),
                ("a word", "show media\x17\n"), ("words", "show x\x1b[1;5D\x0b\n"),
                ("the line", "remove all --yes\x15show\n"), ("what was searched for", "\x12how\n"), ("the last", "\x1b[A\n")):
            with self.subTest(line=line):
                os.write(typist.master, keys.encode("latin-1"))
                typist.expect("No packages installed.\n")
                typist.expect(TOP)
        self.leave(typist)

    def resize(self, typist, columns):
        fcntl.ioctl(typist.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        typist.process.send_signal(signal.SIGWINCH)

    def test_narrow(self):
        """On 20 columns nothing is wider, and lines that are longer can still be edited."""
        self.install(self.package)
        typist = self.shell()
        self.resize(typist, 20)
        for line, ends in (("package install ?", "    on this device\n"),
                           ("package install proto \t", "tftp\n"), ("?", "shell\n")):
            typist.type(line)
            typist.expect(line.rstrip("\t")[-1:])
            start = typist.screen.find("\n", typist.seen) + 1
            while start == 0:
                typist.expect("\n")
                start = typist.seen
            typist.expect(ends)
            shown = typist.screen[start:typist.seen].splitlines()
            self.assertLessEqual(max(map(len, shown)), 20, shown)
            typist.expect("#> ")
            # the cursor never goes back up to where this was
            self.assertNotIn("\x1b[A", typist.screen[start:typist.seen])
            typist.type("\x03")
            typist.expect("^C\n")
            typist.expect("#> ")
        typist.type("package remoXve pkgname --yes" + "\x1b[D" * 16 + "\x7f\x05  # and more of it\n")
        typist.expect("Removed... Changes")
        typist.expect("#> ")
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)

    def test_question_in_an_url(self):
        typist = self.shell()
        typist.type("package install http://127.0.0.1:1/a.wmopkg?key=1 ?")
        typist.expect("  <Enter>         run the command\n")
        typist.expect(f"{TOP}package install http://127.0.0.1:1/a.wmopkg?key=1 ")
        typist.type("\x03")
        typist.expect(TOP)
        self.leave(typist)

    def test_other_bytes(self):
        """What is no character is refused with its line; a line as long as nobody types."""
        typist = self.shell()
        for keys in (b"show \xff\xfe\x80\xc3(\n", b"show\xc3\n"):
            os.write(typist.master, keys)
            typist.expect("nothing was run: the line has bytes that are not UTF-8")
            typist.expect(TOP)
        typist.type("show " + "x" * 3000 + "\n")
        typist.expect("no such package")
        typist.expect(TOP)
        self.leave(typist)


if __name__ == "__main__":
    unittest.main()
