# SPDX-License-Identifier: MIT
"""The shell at the serial console, typed at as a technician does."""

import bench
from bench import PACKAGE, TOP
from console import PROMPT

TFTP = """Attempting to download file pkgname.wmopkg, using TFTP

Connecting to 10.0.2.2 (10.0.2.2:69)
pkgname.wmopkg:

0%       25%       50%       75%       100%
|---------+---------+---------+---------|
|=======================================|
    PKG: Signed
Installed... Changes are applied after reboot.
"""
TABLE = """╒ Packages ════════════════════════════════════════════════════════════════════╕
│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTION                   │
│pkgname  5.26.0-rev0  False       Signed        Example                       │
└──────────────────────────────────────────────────────────────────────────────┘
"""
REMOVED = "Removed... Changes are applied after reboot.\n"
ALL_REMOVED = "Removing all packages... Changes are applied after reboot.\n"


class Shell(bench.ShellTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        cls.bench.create("pkgname", cls.bench.tree("branding"), keys=cls.bench.keys,
                         version="5.26.0-rev0")
        cls.device = cls.bench.device(served=cls.bench.packages)

    def test_1_transcript(self):
        """As the guide shows it, at a terminal that can be edited on, and at one that cannot."""
        self.device.start()
        for terminal in ("vt100", "dumb"):
            self.enter(terminal)
            self.assertEqual(self.say("package"), "")
            self.assertEqual(self.say("install proto tftp 10.0.2.2 pkgname.wmopkg"), TFTP)
            if terminal != "dumb":
                self.assertIn(TABLE, self.say("show"))
            said = self.say("remove pkgname", answers=[("Remove package pkgname (y/N)?", "n")])
            self.assertIn("Nothing removed.\n", said)
            said = self.say("remove pkgname", answers=[("Remove package pkgname (y/N)?", "y")])
            self.assertEqual(said, f"Remove package pkgname (y/N)?y\n{REMOVED}")
            self.say("install proto tftp 10.0.2.2 pkgname.wmopkg")
            said = self.say("remove all", answers=[("Remove all packages (y/N)?", "y")])
            self.assertEqual(said, f"Remove all packages (y/N)?y\n{ALL_REMOVED}")
            self.assertIn("No packages installed.", self.say("show"))
            self.assertIn("external", self.say("do show media"))
            self.leave()

    def test_2_keys(self):
        self.enter("vt100")
        self.press("pack\t\n")
        self.device.expect(PACKAGE)
        self.press("install proto ?")
        self.device.expect("protocol of the download (default: ftp, then tftp)")
        self.press("t\t10.0.2.2 pkgname.wmopkg\n")
        self.device.expect("PKG: Signed")
        self.device.expect(PACKAGE)
        self.press("remove p\t\n")
        self.device.expect("Remove package pkgname (y/N)?")
        self.press("\x03")
        self.device.expect(PACKAGE)
        self.press("show me\x03")
        self.device.expect(PACKAGE)
        self.press("\x1a")
        self.device.expect(TOP)
        self.press("package\n")
        self.device.expect(PACKAGE)
        self.press("\x1b[A\x1b[A\n")
        self.device.expect("Remove package pkgname (y/N)?")
        self.press("y\n")
        self.device.expect(REMOVED.strip())
        self.device.expect(PACKAGE)
        self.press("\x04")
        self.device.expect(TOP)
        self.press("\x04")
        self.device.expect(PROMPT)

    def test_3_wrong_words(self):
        self.enter("vt100")
        self.assertEqual(self.say("install 10.0.2.2", TOP),
                         "wmopkg: 'install' is a command of the package context (type: "
                         "package)\n")
        self.say("package")
        self.assertEqual(self.say("install proto tfpt 10.0.2.2 pkgname.wmopkg"),
                         "wmopkg: install: unexpected 'tfpt' (did you mean tftp?)\n"
                         "  install proto tfpt 10.0.2.2 pkgname.wmopkg\n"
                         "                ^\n"
                         "  expected: <ftp|tftp|scp|sftp|http|https>\n")
        said = " ".join(self.say("install proto tftp 10.0.2.2 nothing.wmopkg").split())
        self.assertIn("wmopkg: tftp://10.0.2.2/nothing.wmopkg: ", said)
        self.leave()


if __name__ == "__main__":
    bench.main()
