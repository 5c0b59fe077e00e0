#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/errors.md lists every error code as the programs know it, and for each a test that
raises it.

	test_errors.py BUILD/tests/installer/errors
"""

import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CASE = re.compile(r"`(tests/[^`:]+)::(\w+)`")
PROGRAM = sys.argv.pop()


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def known():
    output = subprocess.run([PROGRAM], check=True, text=True, stdout=subprocess.PIPE).stdout
    return [line.split("\t") for line in output.splitlines()]


def body(path, case):
    """What a test's function says, with the constants of its file."""
    text = read(path)
    begin = re.search(rf"(?m)^\s*(?:def|static void) {case}\(", text)
    if not begin:
        return None
    end = re.compile(r"(?m)^\}|^(?:    )?def |^class ").search(text, begin.end())
    found = text[begin.start():end.start() if end else len(text)]
    for name, value in re.findall(r'(?m)^([A-Z_]+) = f?"(.*)"$', text):
        found = re.sub(rf"\b{name}\b", lambda _, value=value: value, found)
    # a text may go on in the next line
    return re.sub(r'"\n\s*f?"', "", found)


class Errors(unittest.TestCase):
    def setUp(self):
        self.rows = [[cell.strip() for cell in line.strip("|").split("|")]
                     for line in read("docs/errors.md").splitlines() if line.startswith("| `")]

    def test_list(self):
        self.assertEqual([row[:4] for row in self.rows],
                         [[f"`{name}`", status, meaning, hint]
                          for _, name, status, meaning, hint in known()])

    def test_each_is_raised(self):
        for row, (code, name, _, _, hint) in zip(self.rows, known()):
            with self.subTest(code=name):
                found = CASE.findall(row[4])
                self.assertTrue(found, "no test is named")
                for path, case in found:
                    text = body(path, case)
                    self.assertIsNotNone(text, f"{path} has no {case}")
                    words = (rf"\b(VERITY_E_)?{code}\b", rf"[\"']{name}[\"':]")
                    if hint:
                        words += (re.escape(hint),)
                    self.assertRegex(text, "|".join(words))


if __name__ == "__main__":
    unittest.main()
