#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/security.md names only tests that exist and that ./check runs, and claims nothing
without one."""

import os
import re
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NAME = re.compile(r"`(tests/[^`:]+)(?:::([^`]+))?`")
MEMBER = re.compile(r"`(?:tests/[^`]+::\w+)` \(([^)]+)\)")
CLAIMS = ("shown by",)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def rows(text):
    """The rows of tables whose last column says which test shows it."""
    claims = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            claims = False
        elif cells[-1] in CLAIMS:
            claims = True
        elif claims and set(line) - set("|-"):
            yield cells


def registered(path):
    """Whether the meson.build of its folder, or of the one above, speaks of it."""
    folder, name = os.path.split(path)
    if not os.path.exists(os.path.join(ROOT, folder, "meson.build")):
        folder = os.path.dirname(folder)
    words = re.split(r"[^\w-]+", read(os.path.join(folder, "meson.build")))
    stem = re.sub(r"^(test|case|fuzz)_", "", os.path.splitext(name)[0])
    return any(word in words for word in (stem, f"test_{stem}", stem.replace("_", "-")))


class Security(unittest.TestCase):
    def setUp(self):
        self.text = read("docs/security.md")
        self.names = sorted(set(NAME.findall(self.text)))

    def test_every_test_exists(self):
        self.assertGreater(len(self.names), 40)
        for path, case in self.names:
            with self.subTest(path=path, case=case):
                self.assertTrue(os.path.isfile(os.path.join(ROOT, path)), "no such file")
                self.assertTrue(registered(path), "not run by anything")
                if case:
                    found = re.search(rf"(?m)^\s*(def|static void) {case}\(", read(path))
                    self.assertTrue(found, "no such case")

    def test_every_claim_has_a_test(self):
        found = 0
        for cells in rows(self.text):
            with self.subTest(row=cells[0]):
                self.assertEqual(len(cells), 3)
                self.assertRegex(cells[2], NAME)
                found += 1
        self.assertGreater(found, 25)

    def test_every_member_exists(self):
        """Names in brackets after a test are packages of the tree, a part with … of many."""
        table = read("tests/trust/members.py")
        for names in MEMBER.findall(self.text):
            for name in names.split(", "):
                with self.subTest(member=name):
                    pattern = re.escape(name).replace("…", "[a-z0-9-]*")
                    self.assertRegex(table, rf'(?m)^    "{pattern}": Member\(')


if __name__ == "__main__":
    unittest.main()
