#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg show on terminals of all widths and kinds, to the letter."""

import os
import shutil
import sys
import unicodedata
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402

ROW = """\
╒ Packages ════════════════════════════════════════════════════════════════════╕
│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTION                   │
│pkgname  5.26.0-rev0  False       Signed        Example                       │
└──────────────────────────────────────────────────────────────────────────────┘
"""


def width(line):
    """Columns a terminal gives it."""
    return sum(0 if unicodedata.combining(character) else
               2 if unicodedata.east_asian_width(character) in "WF" else 1
               for character in line)


class Terminal(states.Case):
    def check_terminal(self, columns, output, *words, **environment):
        self.assertEqual(self.terminal(columns, *words, **environment), output)

    def test_none(self):
        self.check_terminal(80, "No packages installed.\n", "show")
        self.check_terminal(20, "No packages\ninstalled.\n", "show")

    def test_widths(self):
        self.install(self.package)
        self.succeed(ROW, "show")
        for columns in (0, 80, 132, 1000):
            self.check_terminal(columns, ROW, "show")
        self.check_terminal(60, """\
╒ Packages ════════════════════════════════════════════════╕
│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTI…│
│pkgname  5.26.0-rev0  False       Signed        Example   │
└──────────────────────────────────────────────────────────┘
""", "show")
        self.check_terminal(40, """\
Packages:
pkgname
  Version: 5.26.0-rev0
  Persistent: False
  Verification: Signed
  Description: Example
""", "show")
        self.check_terminal(20, """\
Packages:
pkgname
  Version:
    5.26.0-rev0
  Persistent: False
  Verification:
    Signed
  Description:
    Example
""", "show")

    def test_ascii(self):
        self.install(self.package)
        plain = ROW.translate({ord("╒"): "+", ord("╕"): "+", ord("└"): "+", ord("┘"): "+",
                               ord("│"): "|", ord("═"): "=", ord("─"): "-"})
        self.check_terminal(80, plain, "show", TERM="dumb", LANG="C.UTF-8")
        self.check_terminal(80, plain, "show", LANG="de_DE.ISO-8859-1")
        for environment in ({}, {"LANG": "C"}, {"LC_ALL": "POSIX"}, {"LANG": "sv_SE.utf8"}):
            self.check_terminal(80, ROW, "show", **environment)
        self.craft("pkgname", description="Dämpfung 減衰 e\u0301")
        shown = self.terminal(80, "show", TERM="dumb")
        self.assertIn("|pkgname  5.26.0-rev0  False       Unsigned      D?mpfung ???? e ", shown)
        self.assertTrue(shown.isascii(), shown)
        self.assertTrue(self.terminal(80, "show", "pkgname", TERM="dumb").isascii())
        # into a file all of it goes, wherever it is called from
        self.assertIn("Dämpfung 減衰 e\u0301", self.wmopkg("show").stdout)

    def test_cut(self):
        """A terminal's columns are not a file's."""
        name, version = "n" * 60 + "-end", "v" * 60 + "-end"
        self.craft(name, version=version, description="漢字" * 42)
        self.assertEqual(self.terminal(80, "show").splitlines()[1:3], [
            "│NAME              VERSION       PERSISTENT  VERIFICATION  DESCRIPTI…  STATE   │",
            "│nnnnnnnnnnnnnnn…  vvvvvvvvvvv…  False       Unsigned      漢字漢字…   Inactive│"])
        self.assertEqual(self.terminal(77, "show").splitlines()[0], "Packages:")
        self.boot("wmopkg.allow_untrusted=1")
        self.assertEqual(self.terminal(80, "show").splitlines()[1:3], [
            "│NAME              VERSION           PERSISTENT  VERIFICATION  DESCRIPTION     │",
            "│nnnnnnnnnnnnnnn…  vvvvvvvvvvvvvvv…  False       Unsigned      漢字漢字漢字漢… │"])
        for line in (name, version, "漢字" * 42):
            self.assertIn(line, self.wmopkg("show").stdout)

    def test_nothing_is_wider(self):
        """Names and texts of all kinds, in every state, on every width."""
        self.craft("n" * 60 + "-end", version="v" * 60 + "-end", description="漢字" * 42)
        self.craft("combining", description="e\u0301" * 80)
        self.craft("words", description="Example " * 31)
        self.craft("a", version="1", description="\u0636" * 100)
        self.place(self.package, "signed")
        self.place(self.package, "out")
        self.booted(self.entry("signed"), self.entry("gone"), self.entry("a", version="0.9"),
                    self.entry("out", active=False, code="disabled", message="漢字" * 40))
        for columns in [*range(10, 140, 7), 67, 68, 79, 81, 200]:
            for words in (("show",), ("show", "words"), ("show", "combining"), ("show", "a")):
                lines = self.terminal(columns, *words).splitlines()
                self.assertLessEqual(max(map(width, lines)), columns, words)
                framed = [line for line in lines if line.startswith(("╒", "│", "└"))]
                self.assertLessEqual(len(set(map(width, framed))), 1, columns)
                if words == ("show",):
                    self.assertEqual(bool(framed), columns >= 78)

    def test_wrapped_between_words(self):
        """What has no frame, on 40 columns; into a file all of it is on its line."""
        self.install(self.package)
        self.place(self.package, "under")
        self.boot("wmopkg.allow_untrusted=1")
        for words in (("audit",), ("conflicts",), ("unlock",), ("help",)):
            shown, whole = self.terminal(40, *words), self.wmopkg(*words).stdout
            self.assertLessEqual(max(map(width, shown.splitlines())), 40, shown)
            self.assertEqual("".join(shown.split()), "".join(whole.split()))
        self.assertNotIn("--More--", shown)

    def test_notes(self):
        """Wrapped between words, the package's name alone at the edge."""
        self.place(self.make("unsigned"), "pkgname")
        notes = self.terminal(80, "show").split("┘\n")[1]
        self.assertEqual(notes, """\
pkgname: not active: it has no signature (install a signed package, or set Allow
    Untrusted in the boot configuration)
""")
        notes = self.terminal(40, "show").split("Example\n")[1]
        self.assertEqual(notes, """\
  State: Inactive
pkgname: not active: it has no signature
    (install a signed package, or set
    Allow Untrusted in the boot
    configuration)
""")
        self.assertEqual(self.wmopkg("show").stdout.split("┘\n")[1],
                         f"pkgname: not active: {bench.UNSIGNED}\n")

    def test_what_steers_a_terminal(self):
        """No manifest with such a text is one."""
        for number, text in enumerate(("\x1b[2J", "a\nb", "a\x7f", "a\u0085", "a\u202egpj.exe",
                                       "a\u2066b", "\u200fa", "a\u2028b", "\ufeffa",
                                       "a\u200bb", "a\u2060b", "\u061ca", "a\u00adb",
                                       "│Signed", "█", "a\ufe0f", "a\U000e0041", "\ue000",
                                       b"a\xff".decode("utf-8", "surrogateescape"),
                                       b"\xe6\xbc".decode("utf-8", "surrogateescape"))):
            for key in ("description", "version"):
                self.craft(f"x{number}{key[0]}", **{key: text})
        output = self.terminal(1000, "show") + self.terminal(1000, "show", "x4d")
        self.assertEqual(output.count(" Invalid "), 40)
        for character in output:
            self.assertNotIn(unicodedata.category(character), ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
                             if character != "\n" else ())
        self.assertIn("it has the character U+202E, which is invisible, a control or a frame",
                      output)
        # the frames are ours: two on a line
        for line in output.splitlines():
            self.assertIn(line.count("│"), (0, 2))

    def test_many(self):
        os.mkdir("data/packages")
        for number in range(300):
            shutil.copy(self.package, f"data/packages/p{number:03}.wmopkg")
        self.booted(*(self.entry(f"p{number:03}") for number in range(300)))
        lines = self.terminal(80, "show").splitlines()
        self.assertEqual(len(lines), 303)
        self.assertEqual([line[1:5] for line in lines[2:-1]],
                         [f"p{number:03}" for number in range(300)])


if __name__ == "__main__":
    unittest.main()
