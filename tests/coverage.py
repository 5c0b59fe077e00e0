#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which lines and branches of the programs the tests reach.

	coverage.py [--missed] [SUITE | TEST...]	by default: fuzz unit peers kernel
	coverage.py --print [--missed]			what earlier runs have counted
	coverage.py --rules				whether uncovered.txt is about this code

Builds into build-coverage/, runs the suites or tests there, and prints what gcovr says of each
folder, and where a test failed. Counts are added to those of earlier runs; delete the folder to
start anew. With --missed, also the lines of verity/ and factory/ that were not reached and that
uncovered.txt gives no reason for; after a run of all suites, one of these is a failure. The whole is
in build-coverage/coverage/index.html.

A process that has given up its rights, or is killed, does not write what it counted: most of
installer/sandbox, installer/transfer and installer/media runs in such ones.
"""

import collections
import fnmatch
import glob
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = "build-coverage"
# Atomic: threads hash an image together. With a seed, an object that is compiled again has the
# same number, and what was counted before still belongs to it.
OPTIONS = ["--buildtype=debug", "-Dtests=enabled", "-Db_coverage=true",
           f"-Dc_args=-include {ROOT}/tests/coverage.h -fprofile-update=atomic "
           "-frandom-seed=wmopkg"]
SUITES = ("fuzz", "unit", "peers", "kernel")
FOLDERS = ("verity", "overlay", "factory", "initramfs", "installer")
JUSTIFIED = ("verity", "factory")
REASONS = f"{ROOT}/tests/uncovered.txt"
PATIENCE = "10"  # programs that count are slow


def run(*command, **options):
    return subprocess.run(command, cwd=ROOT, check=True, **options)


def build():
    if not os.path.exists(f"{ROOT}/{BUILD}/build.ninja"):
        run("meson", "setup", *OPTIONS, BUILD, stdout=subprocess.DEVNULL)
    run("ninja", "-C", BUILD, stdout=subprocess.DEVNULL)


def run_suite(suite):
    """Print those tests that failed: they may have reached less. @suite: or the name of a test"""
    what = ["--suite", suite] if suite in SUITES else [suite]
    # what cannot write its counts says so here, not where a test reads
    done = subprocess.run(
        ["meson", "test", "-C", BUILD, "--no-rebuild", "-t", PATIENCE, *what], cwd=ROOT,
        check=False, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "GCOV_ERROR_FILE": "/dev/null"})
    for line in done.stdout.splitlines():
        if " FAIL " in line or " TIMEOUT " in line or line.startswith("Ok:"):
            print(f"{suite}: {line.strip()}")


def count(files):
    """{folder: [lines, of them reached, branches, of them reached]}"""
    found = collections.defaultdict(lambda: [0, 0, 0, 0])
    for file in files:
        for name in file["filename"].split("/")[0], "all":
            for at, key in enumerate(("line_total", "line_covered", "branch_total", "branch_covered")):
                found[name][at] += file[key]
    return found


def read_rules():
    """[(files, pattern of a line, reason)] of uncovered.txt"""
    rules, reason = [], ""
    with open(REASONS, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("= "):
                reason = line[2:]
            elif line and not line.startswith("#"):
                files, pattern = line.split(None, 1)
                rules.append((files, re.compile(pattern), reason))
    return rules


def source(path):
    with open(f"{ROOT}/{path}", encoding="utf-8") as file:
        return [line.strip() for line in file.read().split("\n")]


def find_reason(rules, path, text, at):
    """Of the line @at of @text, from 0; None where no rule is about it."""
    before = text[at - 1] if at else ""
    return next((reason for files, pattern, reason in rules if fnmatch.fnmatch(path, files) and
                 (pattern.fullmatch(text[at]) or pattern.fullmatch(f"{before} / {text[at]}"))), None)


def check_rules():
    """A rule of which there is no line is about code that is gone. Return: how many there are."""
    texts = {os.path.relpath(path, ROOT): source(os.path.relpath(path, ROOT)) for folder in JUSTIFIED
             for path in glob.glob(f"{ROOT}/{folder}/**/*.[ch]", recursive=True)}
    gone = [(rule[0], rule[1].pattern) for rule in read_rules()
            if not any(find_reason([rule], path, text, at)
                       for path, text in texts.items() if fnmatch.fnmatch(path, rule[0])
                       for at in range(len(text)))]
    for files, pattern in gone:
        print(f"tests/uncovered.txt: no line of {files} is: {pattern}")
    return len(gone)


def print_missed(files):
    """Return: how many lines have no reason."""
    rules, unknown, reasons = read_rules(), 0, collections.Counter()
    for file in files:
        path, text = file["file"], source(file["file"])
        if path.split("/")[0] not in JUSTIFIED:
            continue
        for line in file["lines"]:
            if line["count"] or line.get("gcovr/noncode"):
                continue
            number = line["line_number"]
            reason = find_reason(rules, path, text, number - 1)
            reasons[reason] += 1
            if not reason:
                unknown += 1
                print(f"{path}:{number}: {text[number - 1]}")
    for reason, lines in reasons.most_common():
        print(f"{lines:5} lines: {reason or 'without a reason'}")
    return unknown


def main():
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    if "--rules" in sys.argv:
        return 1 if check_rules() else 0
    if "--print" not in sys.argv:
        build()
        for suite in words or SUITES:
            run_suite(suite)
    folder = f"{ROOT}/{BUILD}/coverage"
    os.makedirs(folder, exist_ok=True)
    filters = [word for name in FOLDERS for word in ("-f", name + "/")]
    run("gcovr", "-r", ".", "--object-directory", BUILD, "-j", str(os.cpu_count()), *filters,
        "--json", f"{folder}/lines.json", "--json-summary", f"{folder}/summary.json",
        "--html-details", f"{folder}/index.html")
    with open(f"{folder}/summary.json", encoding="utf-8") as file:
        counted = count(json.load(file)["files"])
    for name in (*FOLDERS, "all"):
        lines, reached, branches, taken = counted[name]
        print(f"{name:9} {100 * reached / lines:5.1f} % of {lines:5} lines, "
              f"{100 * taken / branches:5.1f} % of {branches:5} branches")
    if "--missed" in sys.argv:
        with open(f"{folder}/lines.json", encoding="utf-8") as file:
            unknown = print_missed(json.load(file)["files"])
        return 1 if unknown and not words and "--print" not in sys.argv else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
