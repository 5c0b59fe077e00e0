#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg verify and install with --check-firmware and --check-model: what would be active
there, and why not; to the letter."""

import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402

OLD = "it requires firmware 5.9 or earlier, and this is 6.0"
NEW = "it requires firmware 6.0 or later, and this is 5.0"
HINT = "(ask the vendor for a package made for this firmware, or change the firmware)"
STOPS = f"1 package would no longer be active under firmware 6.0 {HINT}"


class Forecast(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.old = cls.make("old", "--firmware-max", "5.9", keys=cls.keys)
        cls.new = cls.make("new", "--firmware-min", "6.0", keys=cls.keys)
        cls.models = cls.make("models", "--compatible", "Red*", keys=cls.keys)
        cls.unsigned = cls.make("unsigned", "--firmware-min", "6.0")

    def setUp(self):
        super().setUp()
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write('firmware_version = "5.0"\nmodel = "Red 1"\n')

    def place(self, *packages, store="data"):
        os.makedirs(f"{store}/packages", exist_ok=True)
        for package in packages:
            shutil.copy(package, f"{store}/packages")

    def forecast(self, output, *words, errors="", status=0):
        def found():
            """All but what the commands remember until the next boot."""
            return [(path, os.stat(path).st_mtime_ns) for path in bench.listing(".")
                    if not path.startswith("./run")]

        before = found()
        self.check(status, output, errors, "verify", *words)
        self.assertEqual(found(), before, "nothing is changed")

    def test_nothing_installed(self):
        self.forecast("Under firmware 6.0:\nNo packages installed.\n", "--check-firmware", "6.0")

    def test_firmware(self):
        self.place(self.package, self.old, self.new, self.unsigned)
        self.forecast("Under firmware 6.0:\n"
                      "new: would become active\n"
                      f"old: would no longer be active: {OLD}\n"
                      "pkgname: stays active\n"
                      "unsigned: is not active, and would not be active: it has no signature\n",
                      "--check-firmware", "6.0", errors=STOPS, status=3)
        self.forecast("Under firmware 5.1:\n"
                      "new: is not active, and would not be active: it requires firmware 6.0 or later, and "
                      "this is 5.1\n"
                      "old: stays active\npkgname: stays active\n"
                      "unsigned: is not active, and would not be active: it has no signature\n",
                      "--check-firmware", "5.1")
        self.boot("wmopkg.allow_untrusted=1")
        self.assertIn("unsigned: would become active\n",
                      self.wmopkg("verify", "--check-firmware", "6.0").stdout)

    def test_model(self):
        self.place(self.models)
        self.forecast("Under firmware 5.0, model 'Blue':\nmodels: would no longer be active: it "
                      "is for Red*, and this device is 'Blue'\n", "--check-firmware", "5.0",
                      "--check-model", "Blue", status=3,
                      errors="1 package would no longer be active under firmware 5.0, model "
                      "'Blue' (ask the vendor for a package made for this model)")
        self.forecast("Under firmware 5.0, model 'Red 2':\nmodels: stays active\n",
                      "--check-firmware", "5.0", "--check-model", "Red 2")

    def test_what_keeps_it_out_stays(self):
        """The front of a package does not tell all; what does not match is never active."""
        bad = bytearray(bench.read(self.new))
        bad[-1] ^= 1
        os.mkdir("data/packages")
        bench.write("data/packages/new.wmopkg", bad)
        bench.write("data/packages/noise.wmopkg", bytes(5000))
        self.place(self.make("required", "--persistent", "required", "--firmware-min", "6.0",
                             keys=self.keys))
        result = self.wmopkg("verify", "--check-firmware", "6.0")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        lines = result.stdout.splitlines()
        self.assertRegex(lines[1], r"\Anew: is not active, and would not be active: image: block \d+ of "
                         r"\d+, at byte \d+ of the file, does not match\Z")
        self.assertEqual(lines[2:], [
            "noise: is not active, and would not be active: not a package: it does not begin with WMOPKG01",
            "required: is not active, and would not be active: the package asks to be persistent (install "
            "it with: wmopkg install persistent ...)"])

    def test_at_hand(self):
        self.place(self.old)
        shutil.copy(self.package, "old.wmopkg")  # would take its place
        facts = self.wmopkg("verify", "old.wmopkg").stdout
        self.forecast(f"{facts}Under firmware 6.0:\nold (this file): stays active\n", "old.wmopkg",
                      "--check-firmware", "6.0")
        self.forecast(f"{facts}Under firmware 6.0:\nold (this file): stays active\n",
                      "--check-firmware", "6.0", "old.wmopkg")
        result = self.wmopkg("verify", self.old, "--check-firmware", "6.0")
        self.assertEqual((result.returncode, result.stderr), (3, f"wmopkg: {STOPS}\n"))
        self.assertTrue(result.stdout.endswith("Under firmware 6.0:\nold (this file): would no longer "
                                               f"be active: {OLD}\n"))
        result = self.wmopkg("verify", self.new, "--check-firmware", "6.0")
        self.assertEqual(result.returncode, 3, "it is still refused here")
        self.assertIn("new (this file): would become active\nold: would no longer be", result.stdout)

    def test_install(self):
        self.check(0, f"old.wmopkg:\n{bench.BAR}    PKG: Signed\n{bench.INSTALLED}",
                   "warning: old: it would no longer be active under firmware 6.0: " + OLD,
                   "install", self.old, "--check-firmware", "6.0")
        self.check(3, "", f"{self.new}: Incompatible: {NEW} {HINT}", "install", self.new,
                   "--check-firmware", "6.0")

    def test_steers_no_terminal(self):
        self.forecast("Under firmware 6?[2J:\nNo packages installed.\n", "--check-firmware",
                      "6\x1b[2J")


if __name__ == "__main__":
    unittest.main()
