#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rooms of the source tree and the links between them.

A unit is a .c file with its .h file and its _private.h file. It links to another unit if
it includes its header, or if its object refers to a symbol that the other's object
defines. The order of folders and rooms is the order of subdir() in the meson.build files,
so that it is written once.

Fails on a circle of units, on a link to a later room, on a room with too many files, and
on two files with one base name that are not listed here as one meaning.

	links.py BUILD			every fault
	links.py BUILD ROOM...		those that name one of these rooms
	links.py BUILD --dot		the links of the rooms for graphviz
"""

import collections
import json
import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FOLDERS = ("verity", "overlay", "factory", "initramfs", "installer")
UNITS_MAX = 25  # of one room

# Base names that more than one room has, each with its one meaning.
ONE_MEANING = {
    "audit": "the audit log",
    "base": "the firmware's tree, that packages lie over",
    "catalog": "a catalogue of packages",
    "commands": "the functions behind the commands of a program",
    "denylist": "a deny list",
    "factory_reset": "a factory reset",
    "inspect": "show what a file says, without judging it",
    "main": "main() of a program",
    "passphrase": "the passphrase of a key",
    "seed": "the first copy of the factory configuration",
    "sign": "make a signature",
    "statement": "a signed statement",
    "trials": "the trials of packages",
    "unlock": "an unlock statement",
    "verify": "verify what the room is about",
    "which": "which package supplies a path",
}

# Folders that are each an end of the way: they never link to each other.
ENDS = ("initramfs", "installer")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def sources():
    """Every .c and .h file of the five folders, relative to the top."""
    found = []
    for folder in FOLDERS:
        for place, _, names in os.walk(os.path.join(ROOT, folder)):
            found += [os.path.relpath(os.path.join(place, name), ROOT)
                      for name in names if name.endswith((".c", ".h"))]
    return sorted(found)


def rooms_in_order():
    """The rooms, first those that everything else may use."""
    order = []
    for folder in FOLDERS:
        for name in re.findall(r"(?m)^subdir\('([\w-]+)'\)", read(f"{folder}/meson.build")):
            order.append(f"{folder}/{name}")
        order.append(folder)
    return order


def unit_of(path):
    return os.path.splitext(path)[0].removesuffix("_private")


def room_of(unit):
    return os.path.dirname(unit)


def include_links(files):
    links = collections.defaultdict(set)
    known = set(files)
    for path in files:
        for header in re.findall(r'(?m)^#include "([^"]+)"', read(path)):
            if header in known and unit_of(header) != unit_of(path):
                links[unit_of(path), unit_of(header)].add(f"includes {header}")
    return links


def objects(build):
    """{source: object file} of the folders, not of the tests; each source once."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        commands = json.load(file)
    found = {}
    for command in commands:
        path = os.path.relpath(os.path.join(command["directory"], command["file"]), ROOT)
        if (path.startswith(tuple(folder + "/" for folder in FOLDERS))
                and not command["output"].startswith("tests/")):
            found[path] = os.path.join(command["directory"], command["output"])
    return found


def symbols(paths):
    """(defined, undefined) names that other objects can see, by object."""
    listed = subprocess.run(["nm", "-P", "-g", *paths], stdout=subprocess.PIPE, text=True,
                            check=True).stdout
    found = {path: (set(), set()) for path in paths}
    for line in listed.splitlines():
        if line.endswith(":"):
            defined, undefined = found[line[:-1]]
            continue
        name, kind = line.split()[:2]
        (undefined if kind in "Uw" else defined).add(name)
    return found


def call_links(build):
    defines, needs = {}, {}
    of_objects = objects(build)
    found = symbols(of_objects.values())
    for path, obj in of_objects.items():
        defined, undefined = found[obj]
        for name in defined - {"main"}:
            defines[name] = unit_of(path)
        needs[unit_of(path)] = undefined
    links = collections.defaultdict(set)
    for unit, names in needs.items():
        for name in names:
            other = defines.get(name, unit)
            if other != unit:
                links[unit, other].add(f"uses {name}")
    return links, len(needs)


def circles(links):
    """The strongly connected components that have more than one unit (Tarjan)."""
    graph = collections.defaultdict(set)
    for start, end in links:
        graph[start].add(end)
    number, low, stack, on_stack, found = {}, {}, [], set(), []

    def visit(unit):
        number[unit] = low[unit] = len(number)
        stack.append(unit)
        on_stack.add(unit)
        for other in sorted(graph[unit]):
            if other not in number:
                visit(other)
                low[unit] = min(low[unit], low[other])
            elif other in on_stack:
                low[unit] = min(low[unit], number[other])
        if low[unit] == number[unit]:
            members = []
            while True:
                members.append(stack.pop())
                on_stack.discard(members[-1])
                if members[-1] == unit:
                    break
            if len(members) > 1:
                found.append(sorted(members))

    sys.setrecursionlimit(10000)
    for unit in sorted(graph):
        if unit not in number:
            visit(unit)
    return found


def check_circles(links):
    wrong = []
    for members in circles(links):
        wrong.append("a circle of files: " + ", ".join(members))
        wrong += [f"    {start} {reason}  ({end})"
                  for (start, end), reasons in sorted(links.items())
                  if start in members and end in members for reason in sorted(reasons)]
    return wrong


def check_upward(links):
    rank = {room: place for place, room in enumerate(rooms_in_order())}
    wrong = []
    for (start, end), reasons in sorted(links.items()):
        first, second = room_of(start), room_of(end)
        tops = {first.split("/")[0], second.split("/")[0]}
        for room in (first, second):
            if room not in rank:
                wrong.append(f"{room}/ is not a subdir() of a meson.build file")
        if rank.get(second, 0) > rank.get(first, 0) or tops == set(ENDS):
            wrong.append(f"an upward link: {start} -> {end}: {', '.join(sorted(reasons))}")
    return wrong


def check_names(files):
    where = collections.defaultdict(set)
    for path in files:
        where[os.path.basename(unit_of(path))].add(room_of(path))
    return [f"one base name in different meanings: {name} in {', '.join(sorted(rooms))}"
            for name, rooms in sorted(where.items())
            if len(rooms) > 1 and name not in ONE_MEANING]


def check_sizes(files):
    units = collections.Counter(room_of(unit) for unit in {unit_of(path) for path in files})
    return [f"a room with {count} files, at most {UNITS_MAX}: {room}/"
            for room, count in sorted(units.items()) if count > UNITS_MAX]


def check_purposes(files):
    """Each file begins with its licence and a comment that says what it is for."""
    start = re.compile(r"/\* SPDX-License-Identifier: MIT \*/\n(#pragma once\n)?\n?/\*")
    return [f"does not begin with what it is for: {path}" for path in files
            if not start.match(read(path))]


def print_dot(links):
    rooms = {(room_of(start), room_of(end)) for start, end in links
             if room_of(start) != room_of(end)}
    print("digraph rooms {")
    for start, end in sorted(rooms):
        print(f'\t"{start}" -> "{end}";')
    print("}")


def main():
    if len(sys.argv) < 2:
        return __doc__[__doc__.index("\tlinks.py"):].rstrip()
    build = sys.argv[1]
    files = sources()
    links = include_links(files)
    calls, counted = call_links(build)
    for pair, reasons in calls.items():
        links[pair] |= reasons
    if "--dot" in sys.argv[2:]:
        print_dot(links)
        return 0
    if counted < 100:
        print(f"only {counted} objects in {build}: was it built?")
        return 1
    wrong = (check_circles(links) + check_upward(links) + check_names(files)
             + check_sizes(files) + check_purposes(files))
    rooms = sys.argv[2:]
    shown = [line for line in wrong if not rooms or any(room in line for room in rooms)]
    for line in shown:
        print(line)
    print(f"{len(files)} files, {len(links)} links, "
          f"{sum(line[0] != ' ' for line in wrong)} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
