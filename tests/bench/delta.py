#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many blocks of 4096 bytes a device has to fetch for the next version of a package.

    tests/bench/delta.py [--keep FOLDER] WMOPKG-BUILD...

Each WMOPKG-BUILD is a program of its own, such as those of two commits: sizes are compared with
the first. The trees: two versions of three packages of Debian, as `apt-get download` finds the
oldest and the newest, and a tree of about 60 MB (libc, libraries, systemd, Python, Perl) in which
seven files are changed, and 1 % of them. A change: some bytes in the middle, and a few more.
FOLDER has all of it for the next time.
"""

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

PAIRS = ("libpython3.11-stdlib", "perl-modules-5.36", "linux-libc-dev")
TREE = ("libc6", "libssl3", "bind9-libs", "libglib2.0-0", "perl-base", "systemd",
        "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib")
BLOCK = 4096
GAP = 8  # as installer/receive/block_reuse.c has it


def run(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


def versions(package):
    """The oldest and the newest."""
    found = [line.split("|")[1].strip() for line in run("apt-cache", "madison", package).split("\n")
             if "Packages" in line]
    for i, version in enumerate(found):
        for other in found[i + 1:]:
            if subprocess.run(["dpkg", "--compare-versions", other, "gt", found[0]],
                              check=False).returncode == 0:
                raise SystemExit(f"{package}: {version} is not the newest")
    return found[-1], found[0]


def unpack(folder, package, version, tree):
    """A version of a package of Debian, into a tree."""
    place = f"{folder}/debs/{package}={version}"
    if not os.path.isdir(place):
        os.makedirs(place)
        os.chmod(place, 0o777)
        run("apt-get", "download", "-q", f"{package}={version}", cwd=place)
    os.makedirs(tree, exist_ok=True)
    run("dpkg-deb", "-x", f"{place}/{os.listdir(place)[0]}", tree)


def files_of(tree):
    paths = (os.path.join(place, name) for place, _, names in os.walk(tree) for name in names)
    return sorted(os.path.relpath(path, tree) for path in paths
                  if os.path.isfile(path) and not os.path.islink(path))


def change(tree, changed, share):
    """A copy of a tree with changes in so many files."""
    shutil.copytree(tree, changed, symlinks=True)
    names = [name for name in files_of(changed) if os.path.getsize(f"{changed}/{name}") > 1000]
    choice = random.Random(share)
    for name in choice.sample(names, share):
        path = f"{changed}/{name}"
        with open(path, "rb") as file:
            content = file.read()
        place = choice.randrange(len(content))
        os.unlink(path)
        with open(path, "wb") as file:
            file.write(content[:place] + b"CHANGED " * 8 + content[place + 20:])


def prepare(folder):
    """Name, old tree, new tree."""
    trees = []
    for package in PAIRS:
        sides = [f"{folder}/trees/{package}.{side}" for side in ("old", "new")]
        if not os.path.isdir(sides[1]):
            for side, version in zip(sides, versions(package)):
                unpack(folder, package, version, side)
        trees.append((package, *sides))
    whole = f"{folder}/trees/whole"
    if not os.path.isdir(whole):
        for package in TREE:
            unpack(folder, package, versions(package)[1], whole)
    for share in (7, len(files_of(whole)) // 100):
        if not os.path.isdir(f"{whole}.{share}"):
            change(whole, f"{whole}.{share}", share)
        trees.append((f"{share} files of {len(files_of(whole))}", whole, f"{whole}.{share}"))
    return trees


def blocks_of(program, folder, tree):
    """The blocks of the image, and how long it took to make."""
    package, image = f"{folder}/x.wmopkg", f"{folder}/x.image"
    begin = time.monotonic()
    run(program, "create", "--version", "1", "--description", "x", "--force", tree, package,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})
    took = time.monotonic() - begin
    run(program, "extract", "--image", image, package)
    with open(image, "rb") as file:
        blocks = [hashlib.sha256(block.ljust(BLOCK, b"\0")).digest()
                  for block in iter(lambda: file.read(BLOCK), b"")]
    os.unlink(package)
    os.unlink(image)
    return blocks, took


def fetched(old, new):
    """Blocks to fetch, with short gaps, and in how many parts."""
    had, count, parts, last = set(old), 0, 0, None
    for number, block in enumerate(new):
        if block in had:
            continue
        if last is None or number - last - 1 >= GAP:
            parts += 1
            count += 1
        else:
            count += number - last
        last = number
    return count, parts


def changed_bytes(old, new):
    def content(tree, name):
        try:
            with open(f"{tree}/{name}", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
    sizes = [(os.path.getsize(f"{new}/{name}"), content(old, name) != content(new, name))
             for name in files_of(new)]
    return sum(size for size, changed in sizes if changed) / sum(size for size, _ in sizes)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", metavar="FOLDER")
    parser.add_argument("programs", nargs="+", metavar="WMOPKG-BUILD")
    words = parser.parse_args()
    folder = words.keep or tempfile.mkdtemp(prefix="wmopkg-bench.")
    os.chmod(folder, 0o755)
    try:
        print(f"{'tree':24}{'changed':>9}  program: size, fetched, parts, seconds to make")
        for name, old, new in prepare(folder):
            first = None
            for program in words.programs:
                (before, _), (after, took) = (blocks_of(program, folder, tree)
                                              for tree in (old, new))
                count, parts = fetched(before, after)
                first = first or len(after)
                print(f"{name:24}{changed_bytes(old, new):9.1%}  {program}: "
                      f"{len(after) * BLOCK / (1 << 20):.1f} MiB {len(after) / first - 1:+.1%}, "
                      f"{count / len(after):.1%}, {parts}, {took:.1f}", flush=True)
    finally:
        if not words.keep:
            shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
