#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Large images and small ones side by side: each gets the verdict that it deserves, in the
same order every time, whatever is done first. Run in a directory tree."""

import os
import subprocess
import sys
import unittest

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [TESTS, os.path.join(TESTS, "installer")]
import bench  # noqa: E402  pylint: disable=wrong-import-position
import schema  # noqa: E402  pylint: disable=wrong-import-position

ACTIVATE = os.path.join(os.environ["WMOPKG_BUILD"], "initramfs", "wmopkg-activate")
SIZES = {"large": 9 << 20, "small": 100000}  # either side of JUDGING_LARGE_BYTES


class Judging(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for size, count in SIZES.items():
            os.mkdir(f"{cls.shared}/{size}")
            bench.write(f"{cls.shared}/{size}/noise", os.urandom(count))

    def place(self, name, size, damage):
        path = f"data/packages/{name}.wmopkg"
        os.makedirs("data/packages", exist_ok=True)
        bench.make_package(path, f"{self.shared}/{size}", keys=self.keys)
        if damage:
            with open(path, "r+b") as file:
                file.seek(-5000, os.SEEK_END)
                byte = file.read(1)
                file.seek(-1, os.SEEK_CUR)
                file.write(bytes([byte[0] ^ 1]))

    def told(self):
        done = subprocess.run([ACTIVATE, "--plan", "--config", "wmopkg.conf", "--root",
                               self.folder, "json"], check=True, stdout=subprocess.PIPE)
        told = schema.check("plan", schema.parse(done.stdout))
        return [(package["name"], package["verification"],
                 package.get("reason", {}).get("code", "ok")) for package in told["packages"]]

    def test_all_kinds(self):
        wanted = []
        for index in range(12):
            size, damage = ("large", "small")[index % 2], index % 3 == 0
            name = f"p{index:02}-{size}"
            self.place(name, size, damage)
            wanted.append((name, "Invalid", "image-mismatch") if damage
                          else (name, "Signed", "ok"))
        for _ in range(3):
            self.assertEqual(self.told(), wanted)


if __name__ == "__main__":
    unittest.main()
