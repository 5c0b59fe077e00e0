# SPDX-License-Identifier: MIT
"""A build with -Dlean_initramfs=true passes the tests of the kernel and the machine that its own
code takes part in: devices, their signatures, mounts, volumes, a reset, the engine."""

import os
import subprocess
import sys
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ["WMOPKG_BUILD"] + "-lean"
CASES = ("activate", "tamper", "kernel_signature", "leftovers", "volumes", "special", "superblock",
         "hierarchies", "upper", "engine", "libraries", "boxes", "crowd", "reset", "reset_disk",
         "reset_refused", "uboot", "overlay_root")
TESTS = ("machine/test_plain.py", "initramfs/test_judging.py", "initramfs/test_plan.py")


class Lean(unittest.TestCase):
    @classmethod
    def run_one(cls, *command):
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, "WMOPKG_BUILD": BUILD},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {done.stdout[-6000:]}")

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(f"{BUILD}/build.ninja"):
            cls.run_one("meson", "setup", "-Dwerror=true", "-Dtests=enabled", "-Dlean_initramfs=true", BUILD)
        cls.run_one("ninja", "-C", BUILD)

    def test_file(self):
        self.run_one(sys.executable, "tests/initramfs/test_links.py",
                     f"{BUILD}/initramfs/wmopkg-activate", "lean")

    def test_kernel(self):
        for case in CASES:
            with self.subTest(case):
                self.run_one(sys.executable, "tests/kernel/uml.py", BUILD, case)

    def test_others(self):
        for test in TESTS:
            with self.subTest(test):
                self.run_one(sys.executable, f"tests/{test}")


if __name__ == "__main__":
    unittest.main()
