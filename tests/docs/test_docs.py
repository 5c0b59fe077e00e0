#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Documents are listed in docs/README.md, link only to what exists, and say truly which
files an addition touches."""

import os
import re
import sys
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests"))
import tracked  # pylint: disable=wrong-import-position

INDEX = "docs/README.md"
LINK = re.compile(r"\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([\w.-]+/[^`\s]*)`")
SOURCES_MAX = 4  # that an addition touches
# what a name in backticks has that stands for many
PLACEHOLDER = re.compile(r"[*<>…{}]|\b[A-Z]{3,}\b(?!\.md)")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def without_code(text):
    return re.sub(r"(?ms)^```.*?^```$", "", text)


def keys_of_ini(text):
    """Sections and keys, up to what is neither."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"(\[[\w -]+\])|(\w+) = .+", line)
        if match:
            found.append(match.group(1) or match.group(2))
        elif line:
            break
    return found


def anchors(text):
    """What GitHub makes of the headings."""
    found = set()
    for heading in re.findall(r"(?m)^#+ (.*)$", without_code(text)):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


class Documents(unittest.TestCase):
    def setUp(self):
        self.files = tracked.files()
        self.documents = [path for path in self.files
                          if re.fullmatch(r"(docs/)?[^/]+\.md|docs/examples/.+\.md", path)]

    def test_installed_configuration(self):
        """The file that is installed has each key of the table once, with its
        default; one that has none is marked as an example."""
        numbers = {name: eval(value, {"__builtins__": {}})  # of our own header
                   for name, value in re.findall(r"(?m)^#define (OVERLAY_\w+)\s+(\(?\d[\d <]*\)?)",
                                                 read("overlay/config/config.h"))}
        table = read("overlay/config/config.c").partition("struct key keys[] = {")[2].partition("\n};")[0]
        expected = []
        for name, row in re.findall(r'\{"(\w+)", (.*?)\},\n', table + "\n", re.S):
            text = re.search(r'\.text = "(.*?)"', row)
            words = re.search(r'\.words = "(\w+)', row)
            number = re.search(r"\.number = (\w+)", row)
            value = (text or words) and (text or words).group(1) or \
                number and str(numbers.get(number.group(1), "")) or None
            expected.append((name, "none" if name == "upper" else value or None))
        self.assertGreater(len(expected), 30)
        shown, example = [], False
        for line in read("overlay/config/wmopkg.conf").splitlines():
            pair = re.fullmatch(r"#(\w+) = (.+)", line)
            if pair:
                shown.append((pair.group(1), None if example else pair.group(2).strip('"')))
            elif line.startswith("# "):
                example = line.endswith("for example:")
        self.assertEqual(sorted(shown, key=str), sorted(expected, key=str))

    def test_all_are_in_the_index(self):
        self.assertIn(INDEX, self.documents)
        listed = {os.path.normpath(os.path.join("docs", link.partition("#")[0]))
                  for link in LINK.findall(read(INDEX))}
        for path in self.files:
            if re.fullmatch(r"docs/(man/[^/]+|[^/]+\.md|examples/.+\.md)", path) and path != INDEX:
                with self.subTest(document=path):
                    self.assertIn(path, listed)

    def test_links(self):
        found = 0
        for path in self.documents:
            for link in LINK.findall(without_code(read(path))):
                if re.match(r"\w+:", link):
                    continue
                name, _, anchor = link.partition("#")
                target = os.path.normpath(os.path.join(os.path.dirname(path), name)) \
                    if name else path
                with self.subTest(document=path, link=link):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, target)))
                    if anchor:
                        self.assertIn(anchor, anchors(read(target)))
                found += 1
        self.assertGreater(found, 100)

    def test_paths(self):
        """`folder/file` in backticks is there, if the folder is one of the tree."""
        folders = {path.split("/")[0] for path in self.files if "/" in path}
        found = 0
        for path in self.documents:
            for name in QUOTED.findall(without_code(read(path))):
                name = name.partition("::")[0]
                if name.split("/")[0] not in folders or PLACEHOLDER.search(name):
                    continue
                with self.subTest(document=path, name=name):
                    self.assertTrue(os.path.exists(os.path.join(ROOT, name)))
                found += 1
        self.assertGreater(found, 100)

    def test_cross_file(self):
        """The one for meson says what those say that our builds for other processors use."""
        shown = keys_of_ini("\n".join(line[4:] for line in read("docs/integration.md").splitlines()
                                      if line.startswith("    ")).partition("\n[binaries]\n")[2])
        used = [re.search(r'(?s)\nCROSS = """\\\n\[binaries\]\n(.*?)"""', read(path))
                for path in self.files if re.fullmatch(r"tests/releases/\w+\.py", path)]
        used = [keys_of_ini(match.group(1)) for match in used if match]
        self.assertEqual(len(used), 1)
        # our tests run what they build
        used[0].remove("exe_wrapper")
        self.assertEqual(shown, used[0])

    def test_what_to_touch(self):
        """Each file of a row mentions its example, and at most four of them are source."""
        section = read("CONTRIBUTING.md").partition("## What to touch")[2].partition("\n## ")[0]
        rows = [[cell.strip() for cell in line.strip("|").split("|")]
                for line in section.splitlines() if re.match(r"\| an? ", line)]
        self.assertGreaterEqual(len(rows), 7)
        for addition, example, source, documents, tests in rows:
            names = re.findall(r"`([\w./-]+)`", source)
            with self.subTest(addition=addition):
                self.assertLessEqual(len(names), SOURCES_MAX)
                self.assertTrue(all(re.search(r"\.[ch]$", name) for name in names))
            for name in names + re.findall(r"`([\w./-]+)`", documents + tests):
                with self.subTest(addition=addition, name=name):
                    self.assertTrue(example.strip("`").lower() in read(name).lower(),
                                    f"does not mention {example}")


if __name__ == "__main__":
    unittest.main()
