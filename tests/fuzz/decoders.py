#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which lines of the decoders the corpora reach; fails where a file misses more than 5 % of
its lines, and more than four.

	decoders.py BUILD [--lines]	a build with gcc and -Db_coverage=true

The files are in decoders.txt, each with those of its functions that decode nothing. Lines that
only a lack of memory reaches do not count: no input has it. With --lines, the others are printed.
"""

import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LEAST, FEW = 95, 4
NO_MEMORY = re.compile(r"no_memory\(|\bENOMEM\b|VERITY_E_NO_MEMORY")

Line = collections.namedtuple("Line", "number function count")


def decoders():
    """{file: names of its functions that decode nothing}"""
    found = {}
    with open(f"{HERE}/decoders.txt", encoding="ascii") as file:
        for line in file:
            words = line.split("#")[0].split()
            if words:
                found[words[0]] = set(words[1:])
    return found


def notes(build):
    """{source file: what the compiler noted of it, once for each object}"""
    found = collections.defaultdict(list)
    with open(f"{build}/compile_commands.json", encoding="utf-8") as file:
        for command in json.load(file):
            path = os.path.relpath(os.path.join(build, command["file"]), ROOT)
            found[path].append(os.path.join(build, command["output"][:-2] + ".gcno"))
    return found


def lines_of(objects, counted):
    """The lines of a source file; the count of each is the sum of all objects. @counted: the
    folder that the programs wrote their counts to."""
    counts = collections.Counter()
    for path in objects:
        beside = counted + path[:-len(".gcno")]
        if not os.path.exists(path):
            continue
        os.makedirs(os.path.dirname(beside), exist_ok=True)
        os.symlink(path, beside + ".gcno")
        told = subprocess.run(["gcov", "--json-format", "--stdout", beside + ".gcno"], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for line in json.loads(told)["files"][0]["lines"]:
            counts[line["line_number"], line.get("function_name", "")] += line["count"]
    return [Line(number, function, count) for (number, function), count in sorted(counts.items())]


def read_corpora(build, counted):
    targets = [f"tests/fuzz/{os.path.basename(path)[:-2]}"
               for path in sorted(glob.glob(f"{HERE}/fuzz_*.c"))]
    subprocess.run(["ninja", "-C", build, *targets], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--suite", "fuzz", "--quiet"],
                   check=True, stdout=subprocess.DEVNULL, env={**os.environ, "GCOV_PREFIX": counted})


def judge(path, others, lines, show):
    """Print what is reached of a file. Return: whether it is enough."""
    with open(f"{ROOT}/{path}", encoding="utf-8") as file:
        text = file.read().split("\n")
    lines = [line for line in lines if not NO_MEMORY.search(text[line.number - 1])]
    unknown = others - {line.function for line in lines}
    counted = [line for line in lines if line.function not in others]
    missed = [line for line in counted if not line.count]
    share = 100 * (1 - len(missed) / len(counted)) if counted else 0
    good = (share >= LEAST or len(missed) <= FEW) and bool(counted) and not unknown
    print(f"{'ok  ' if good else 'FAIL'} {share:5.1f} % of {len(counted):3}  {path}")
    for name in sorted(unknown):
        print(f"       no function {name} is there")
    for line in missed if show else []:
        print(f"       {line.number:4} {line.function}: {text[line.number - 1].strip()}")
    return good, len(counted), len(missed)


def main():
    build, show = os.path.abspath(sys.argv[1]), "--lines" in sys.argv
    with tempfile.TemporaryDirectory() as counted:
        read_corpora(build, counted)
        objects = notes(build)
        results = [judge(path, others, lines_of(objects[path], counted), show)
                   for path, others in decoders().items()]
    lines, missed = (sum(result[at] for result in results) for at in (1, 2))
    print(f"{len(results)} files: {100 * (1 - missed / lines):.1f} % of {lines} lines")
    return 0 if results and all(result[0] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
