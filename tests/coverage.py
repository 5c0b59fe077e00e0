#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which lines and branches of the programs the tests reach.

	coverage.py [--missed] [SUITE...]	by default: fuzz unit peers kernel

Builds into build-coverage/, runs the suites there, and prints what gcovr says of each folder, and
where a test failed. Counts are added to those of earlier runs; delete the folder to start anew.
With --missed, also the lines of verity/ and factory/ that were not reached. The whole is in
build-coverage/coverage/index.html.

A process that has given up its rights, or is killed, does not write what it counted: most of
installer/sandbox, installer/transfer and installer/media runs in such ones.
"""

import collections
import json
import os
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
PATIENCE = "10"  # programs that count are slow


def run(*command, **options):
    return subprocess.run(command, cwd=ROOT, check=True, **options)


def build():
    if not os.path.exists(f"{ROOT}/{BUILD}/build.ninja"):
        run("meson", "setup", *OPTIONS, BUILD, stdout=subprocess.DEVNULL)
    run("ninja", "-C", BUILD, stdout=subprocess.DEVNULL)


def run_suite(suite):
    """Print those tests that failed: they may have reached less."""
    # what cannot write its counts says so here, not where a test reads
    done = subprocess.run(
        ["meson", "test", "-C", BUILD, "--no-rebuild", "-t", PATIENCE, "--suite", suite], cwd=ROOT,
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


def print_missed(files):
    for file in files:
        missed = [line["line_number"] for line in file["lines"]
                  if not line["count"] and not line.get("gcovr/noncode")]
        if not missed or file["file"].split("/")[0] not in JUSTIFIED:
            continue
        with open(f"{ROOT}/{file['file']}", encoding="utf-8") as source:
            text = source.read().split("\n")
        print(file["file"])
        for number in missed:
            print(f"  {number:4} {text[number - 1].strip()}")


def main():
    words = [word for word in sys.argv[1:] if word != "--missed"]
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
            print_missed(json.load(file)["files"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
