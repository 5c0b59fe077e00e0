#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every test is run: a file that is called a test is part of one that meson knows.

Files called test_*.c, test_*.py and kernel/case_*.py are tests, and all others are not:
what tests share has another name. A case may boot another one, by its name. Fails on a
test that is in no list of a meson.build.

	all_run.py BUILD
"""

import fnmatch
import json
import os
import re
import sys

TESTS = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
CASES = os.path.join(TESTS, "kernel")
BOOTS = os.path.join(CASES, "uml.py")  # uml.py BUILD CASE


def written():
    for place, _, names in os.walk(TESTS):
        for name in names:
            if any(fnmatch.fnmatch(name, kind) for kind in ("test_*.c", "test_*.py")) or (
                    place == CASES and fnmatch.fnmatch(name, "case_*.py")):
                yield os.path.join(place, name)


def run(build):
    """The files that the tests of a build are made of."""
    known = {}
    for kind in ("tests", "targets"):
        path = os.path.join(build, "meson-info", f"intro-{kind}.json")
        with open(path, encoding="utf-8") as file:
            known[kind] = json.load(file)
    sources = {}
    for target in known["targets"]:
        for name in target["filename"]:
            sources[name] = [path for part in target["target_sources"]
                             for path in part.get("sources", [])]
    for test in known["tests"]:
        words = [os.path.abspath(word) if os.sep in word else word for word in test["cmd"]]
        for word in words:
            yield word
            yield from sources.get(word, [])
        if BOOTS in words:
            yield from booted(words[-1])


def booted(case):
    path = os.path.join(CASES, f"case_{case}.py")
    yield path
    with open(path, encoding="utf-8") as file:
        for name in re.findall(r'uml\.boot\([^)]*?"(\w+)"', file.read()):
            yield from booted(name)


def main():
    tests = set(written())
    missing = sorted(tests - {os.path.abspath(path) for path in run(sys.argv[1])})
    for path in missing:
        print(f"tests/{os.path.relpath(path, TESTS)}: never run: in no list of a meson.build")
    return 1 if missing or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
