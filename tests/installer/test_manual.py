#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The man pages say what the programs know: their synopsis is the command table's, every
option, word and key is there, and mandoc finds nothing wrong with them.

	test_manual.py MANUAL WMOPKG-BUILD [--write]

MANUAL prints the synopsis; --write puts it into docs/man/wmopkg.8.
"""

import os
import re
import subprocess
import sys
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MAN = os.path.join(ROOT, "docs", "man")
PAGES = ("wmopkg-activate.8", "wmopkg-boot.7", "wmopkg-build.1", "wmopkg-format.5", "wmopkg-web.8",
         "wmopkg.8", "wmopkg.conf.5")
BEGIN, END = '.\\" the command table, by tests/installer/test_manual.py --write\n', '.\\" end\n'


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def output(*command):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def page(name):
    """The page as a person reads it, in one line."""
    path = os.path.join(MAN, name)
    text = output("mandoc", "-T", "utf8", "-O", "width=1000", path)
    return re.sub(r"\s+", " ", re.sub(".\b", "", text))


def synopsis():
    text = read("docs/man/wmopkg.8")
    return text.split(BEGIN)[1].split(END)[0]


class Manual(unittest.TestCase):
    def test_sound(self):
        self.assertEqual(sorted(os.listdir(MAN)), sorted(PAGES))
        for name in PAGES:
            with self.subTest(page=name):
                done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", "-O", "man=%N.%S",
                                       os.path.join(MAN, name)], text=True, check=False,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual(done.stdout, "")

    def test_synopsis(self):
        self.assertEqual(synopsis(), output(MANUAL))

    def test_commands_are_explained(self):
        text = read("docs/man/wmopkg.8")
        explained = set(re.findall(r"(?m)^\.It (?:Cm|Xo Cm) (\S+)", text))
        for name in re.findall(r"(?m)^\.Nm\n\.Cm (\S+)", synopsis()):
            with self.subTest(command=name):
                self.assertIn(name, explained)
        for word in set(re.findall(r"(?:Cm|Fl) (\S+)", synopsis())):
            with self.subTest(word=word):
                self.assertGreater(len(re.findall(rf"(?:Cm|Fl) {re.escape(word)}\b", text)), 1)

    def test_build_options(self):
        known = set(re.findall(r"(?<![\w-])--[a-z-]+", output(BUILD, "help")))
        self.assertGreater(len(known), 30)
        told = page("wmopkg-build.1").replace("\u2010", "-")
        for option in sorted(known):
            with self.subTest(option=option):
                self.assertRegex(told, rf"{option}(?![\w-])")
        for option in set(re.findall(r"(?<![\w-])--[a-z-]+", told)):
            with self.subTest(option=option):
                self.assertIn(option, known)

    def test_configuration(self):
        known = set(re.findall(r'(?m)^\t\{"(\w+)", take_', read("overlay/config/config.c")))
        self.assertGreater(len(known), 12)
        text = read("docs/man/wmopkg.conf.5")
        self.assertEqual(set(re.findall(r"(?m)^\.It Cm (\w+)", text)), known)
        for key in known:
            with self.subTest(key=key):
                self.assertIn(f"`{key}`", read("docs/configuration.md"))

    def test_boot_configuration(self):
        text = read("docs/man/wmopkg-boot.7")
        known = set(re.findall(r'(?m)= \{"wmopkg\.(\w+)", ', read("overlay/config/bootconf.c")))
        self.assertGreater(len(known), 2)
        self.assertEqual(set(re.findall(r"wmopkg\.(\w+)", text)) - {"conf"}, known)

    def test_format(self):
        text = read("docs/man/wmopkg-format.5")
        for key in re.findall(r"(?m)^\| `([\w.]+)`(?:, `([\w.]+)`)? \|",
                              read("docs/format.md").split("## Manifest")[1].split("##")[0]):
            for part in key:
                self.assertIn(part, text)


if __name__ == "__main__":
    write = "--write" in sys.argv
    MANUAL, BUILD = sys.argv[1:3]
    if write:
        head, tail = read("docs/man/wmopkg.8").split(BEGIN)
        after = head + BEGIN + output(MANUAL) + END + tail.split(END)[1]
        with open(os.path.join(MAN, "wmopkg.8"), "w", encoding="utf-8") as page_file:
            page_file.write(after)
    else:
        unittest.main(argv=sys.argv[:1])
