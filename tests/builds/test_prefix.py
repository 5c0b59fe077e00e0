# SPDX-License-Identifier: MIT
"""A build for folders that no PATH has: what protects its programs from packages follows them."""

import os
import subprocess
import sys
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ["WMOPKG_BUILD"] + "-prefix"


class Prefix(unittest.TestCase):
    def run_one(self, *command):
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, f"{' '.join(command)}: {done.stdout[-6000:]}")

    def test_engine(self):
        if not os.path.exists(f"{BUILD}/build.ninja"):
            self.run_one("meson", "setup", "-Dwerror=true", "-Dtests=enabled", "--prefix=/opt/x",
                         "--bindir=programs", "--sbindir=system/admin", BUILD)
        self.run_one("ninja", "-C", BUILD)
        self.run_one(sys.executable, "tests/kernel/uml.py", BUILD, "engine")


if __name__ == "__main__":
    unittest.main()
