#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The size of the code: lines, functions, their length, and those that are used once.

A code line is one that is neither blank nor only a comment. The length of a function is
the code lines between its braces. Needs universal-ctags.

	figures.py [FOLDER...]		the whole, and each room
	figures.py --once [FOLDER...]	the functions used once and under seven lines, too
"""

import collections
import json
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FOLDERS = ("verity", "overlay", "factory", "initramfs", "installer")
SHORT = 7  # lines; a function that is used once and shorter is a hop for its reader

COMMENT_OR_TEXT = re.compile(
    r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL)
WORD = re.compile(r"[A-Za-z_]\w+")
Function = collections.namedtuple("Function", "path line name length uses")


def without_comments(text):
    return COMMENT_OR_TEXT.sub(
        lambda found: found[0] if found[0][0] in "\"'" else "\n" * found[0].count("\n"), text)


def sources(folders):
    found = []
    for folder in folders:
        for place, _, names in os.walk(os.path.join(ROOT, folder)):
            found += [os.path.join(place, name) for name in names
                      if name.endswith((".c", ".h"))]
    return sorted(os.path.relpath(path, ROOT) for path in found)


def tags(files):
    listed = subprocess.run(
        ["ctags", "--output-format=json", "--fields=+ne", "--kinds-C=f", "-f", "-", *files],
        stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout
    return [tag for tag in map(json.loads, listed.splitlines())
            if tag.get("kind") == "function" and "end" in tag]


def functions(files, lines, everywhere):
    """Each function of @files; @everywhere: how often each word is in the whole tree."""
    here = {path: collections.Counter(WORD.findall("\n".join(lines[path]))) for path in files}
    for tag in tags(files):
        path, first = tag["path"], tag["line"] - 1
        text = lines[path][first:tag["end"]]
        opening = next(i for i, line in enumerate(text) if "{" in line)
        # not the "static" of a parameter: char ret[static 32]
        head = " ".join(text[:opening + 1]).partition(f"{tag['name']}(")[0]
        own = tag.get("file") or "static" in head
        # besides the definition, and the declaration in a header
        uses = here[path][tag["name"]] - 1 if own else everywhere[tag["name"]] - 2
        length = sum(bool(line.strip()) for line in text[opening + 1:-1])
        yield Function(path, tag["line"], tag["name"], length, uses)


def show(name, paths, lines, found):
    lengths = sorted(function.length for function in found) or [0]
    once = [f for f in found if f.uses == 1 and f.length < SHORT]
    print(f"{name:22} {len({os.path.splitext(path)[0] for path in paths}):6}"
          f" {sum(bool(line.strip()) for path in paths for line in lines[path]):7}"
          f" {len(found):10} {statistics.median(lengths):7g}"
          f" {lengths[len(lengths) * 9 // 10]:6} {100 * len(once) // max(len(found), 1):5} %")
    return once


def main():
    words = sys.argv[1:]
    folders = [word.rstrip("/") for word in words if word != "--once"] or FOLDERS
    files = sources(folders)
    lines = {}
    for path in sources(FOLDERS):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            lines[path] = without_comments(file.read()).split("\n")
    everywhere = collections.Counter()
    for path, text in lines.items():
        everywhere.update(WORD.findall(re.sub(r'"(?:\\.|[^"\\\n])*"', "", "\n".join(text))))
    found = list(functions(files, lines, everywhere))
    print(f"{'':22}  files   lines  functions  median  90 %<  once")
    for room in sorted({os.path.dirname(path) for path in files}):
        show(room, [path for path in files if os.path.dirname(path) == room], lines,
             [f for f in found if os.path.dirname(f.path) == room])
    once = show("all", files, lines, found)
    if "--once" in words:
        for function in once:
            print(f"{function.path}:{function.line}: {function.name}, {function.length} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
