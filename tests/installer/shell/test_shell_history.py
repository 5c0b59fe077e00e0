#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the shell remembers of what was typed, and what it never does."""

import os
import socket
import stat
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
from typist import Typist  # noqa: E402

TOP = f"{socket.gethostname().split('.')[0]}:/#> "
UP = "\x1b[A"
KEPT = ".wmopkg_history"


class History(bench.Case):
    def setUp(self):
        super().setUp()
        os.mkdir("home")
        self.file = f"home/{KEPT}"

    def shell(self, home="home"):
        typist = Typist(env=dict(os.environ, TERM="vt100", HOME=os.path.abspath(home)))
        self.addCleanup(typist.process.kill)
        typist.expect(TOP)
        return typist

    def say(self, *lines, home="home"):
        """A shell for these lines alone; all that it showed."""
        typist = self.shell(home)
        for line in lines:
            typist.type(f"{line}\n")
            typist.expect(TOP)
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)
        return typist.screen

    def kept(self):
        return bench.read(self.file).decode().splitlines()

    def test_kept(self):
        self.say("show", "show", "unlock", "", "# nothing", "package show 'a b'",
                 "show " + "x" * 2000)
        self.assertEqual(self.kept(), ["show", "unlock", "package show 'a b'", "exit"])
        self.assertEqual(stat.S_IMODE(os.stat(self.file).st_mode), 0o600)
        self.assertEqual(os.listdir("home"), [KEPT])
        typist = self.shell()
        typist.type(UP * 4)
        typist.expect("show")
        typist.type("\n")
        typist.expect("No packages installed.\n")
        typist.expect(TOP)
        typist.type("exit\n")
        typist.end()
        self.assertEqual(self.kept()[-2:], ["show", "exit"])

    def test_secrets(self):
        secrets = ("package install password geheim 127.0.0.1 a b c",
                   "package install http://bob:geheim@127.0.0.1/a.wmopkg extra words",
                   "install password 'geheim", "pasword password \"geheim\"")
        for secret in secrets:
            typist = self.shell()
            typist.type(f"{secret}\n")
            typist.expect(TOP)
            mark = len(typist.screen)
            typist.type(f"{UP}\x03")
            typist.expect(TOP)
            typist.type("exit\n")
            self.assertEqual(typist.end(), 0)
            self.assertNotIn("geheim", typist.screen[mark:])
            self.assertNotIn("geheim", "".join(self.kept()))

    def test_several_shells(self):
        first, second = self.shell(), self.shell()
        for typist, line in ((first, "show"), (second, "unlock")):
            typist.type(f"{line}\nexit\n")
            self.assertEqual(typist.end(), 0)
        self.assertEqual(self.kept(), ["show", "exit", "unlock", "exit"])

    def test_bounded(self):
        bench.write(self.file, b"".join(b"show x%d\n" % number for number in range(700)))
        self.say()
        self.assertEqual(self.kept(), [f"show x{number}" for number in range(201, 700)] + ["exit"])

    def test_what_is_no_line(self):
        """A file that somebody else has made of it harms nobody."""
        bench.write(self.file, b"show \x1b[2J\n" + b"y" * 5000 + b"\n\xff\n\n\0\nunlock\n")
        typist = self.shell()
        typist.type(f"{UP}\n")
        typist.expect("Unlocked: no\n")
        typist.expect(TOP)
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)
        self.assertNotIn("[2J", typist.screen)

    def test_nowhere_to_keep_it(self):
        os.mkdir("other")
        os.chown("other", 4711, 4711)
        bench.write("secret", b"show secret-line\n")
        os.mkdir("linked")
        os.symlink("../secret", f"linked/{KEPT}")
        os.mkdir("pipe")
        os.mkfifo(f"pipe/{KEPT}")
        os.mkdir("foreign")
        bench.write(f"foreign/{KEPT}", b"show secret-line\n")
        os.chown(f"foreign/{KEPT}", 4711, 4711)
        for home in ("other", "linked", "pipe", "foreign", "missing", "home/none", "secret"):
            with self.subTest(home=home):
                typist = self.shell(home)
                typist.type(f"{UP}\nunlock\n")
                typist.expect("Unlocked: no\n")
                typist.expect(TOP)
                typist.type("exit\n")
                self.assertEqual(typist.end(), 0)
                self.assertNotIn("secret-line", typist.screen)
        self.assertEqual(os.listdir("other"), [])
        self.assertEqual(bench.read("secret"), b"show secret-line\n")

    def test_ended_by_a_signal(self):
        typist = self.shell()
        typist.type("show\n")
        typist.expect("No packages installed.\n")
        typist.expect(TOP)
        typist.process.terminate()
        self.assertEqual(typist.end(), -15)
        self.assertEqual(self.kept(), ["show"])


if __name__ == "__main__":
    unittest.main()
