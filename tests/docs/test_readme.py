#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The commands of README.md that need no device work as they are written there."""

import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ["WMOPKG_BUILD"]


def commands(heading):
    """The indented lines below a heading."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        section = file.read().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return "\n".join(line[4:] for line in section.splitlines() if re.match(" {4}|$", line))


class Readme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        work = tempfile.TemporaryDirectory(prefix="wmopkg-test-readme-")
        cls.addClassCleanup(work.cleanup)
        cls.work = work.name
        os.symlink(BUILD, f"{cls.work}/build")

    def run_lines(self, text):
        done = subprocess.run(["sh", "-euc", text], cwd=self.work, capture_output=True,
                              text=True, check=False,
                              env={**os.environ, "PATH": f"{self.work}/build/installer:"
                                                         f"{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def test_1_making_a_package(self):
        output = self.run_lines(commands("Making a package"))
        self.assertIn("\nVerification: Signed\n", output)

    def test_2_without_a_device(self):
        output = self.run_lines(commands("Trying it without a device"))
        self.assertIn("    PKG: Signed\n", output)
        self.assertRegex(output, r"│branding +1\.0 +False +Signed +ACME branding +│")
        self.assertIn("  branding 1.0: Signed, active, on trial: boot 1 of 3\n", output)

    def test_3_statements(self):
        """The statements of the section on trust, loaded on the device of the one before."""
        self.run_lines("echo 'serial = EX-000042' >> try/wmopkg.conf")
        text = commands("Trust")
        self.assertIn("\nwmopkg unlock ", text)
        text = re.sub(r"(?m)^wmopkg ", "wmopkg --config try/wmopkg.conf ", text)
        text = text.replace("2026-12-31", "2099-12-31")
        output = self.run_lines(text)
        self.assertIn("Unlocked until 2099-12-31: untrusted.", output)
        self.assertIn("Deny list 7 is in force", output)
        self.assertIn("install       branding 1.0: Signed", output)


if __name__ == "__main__":
    unittest.main()
