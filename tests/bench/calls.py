# SPDX-License-Identifier: MIT
"""How often the kernel is asked for something."""

import collections
import re

from boot_target import Bare, Ours, Target, timed

GOAL = 40  # for each package, beyond the bare sequence
LARGEST = 24


def count(build, words, place):
    """The system calls of a program and of all that it starts, {name: how many}."""
    timed(build, "strace", "-f", "-qq", "-o", place, *words)
    # what another thread cut in two has a second line, which begins with "<..."
    with open(place, encoding="utf-8", errors="replace") as file:
        return collections.Counter(re.findall(r"(?m)^\d+ +(\w+)\(", file.read()))


def counted(side, place):
    found = count(side.build, side.words_up(), place)
    side.down()
    return found


def each(few, many, packages):
    """What a package more costs, {name: calls}."""
    return {name: (many[name] - few[name]) / packages for name in many | few}


def part_calls(bench):
    packages = bench.scale["packages"] // 2
    sides = {"wmopkg-activate": Ours, "bare sequence": Bare}
    found = {name: [] for name in sides}
    place = bench.work + "/strace"
    with Target(bench.work, bench.build, verify="lazy") as target:
        for number in (1, packages, 2 * packages):
            target.fill(number)
            for name, side in sides.items():
                side(target).up()
                side(target).down()
                found[name].append(counted(side(target), place))
    ours, bare = (each(few, many, packages) for _, few, many in found.values())
    print(f"  {'calls for each package':34}{'wmopkg':>10}{'bare':>10}{'beyond':>10}")
    names = sorted(ours, key=lambda name: bare.get(name, 0) - ours[name])
    for name in names[:LARGEST]:
        if ours[name] or bare.get(name):
            print(f"  {name:34}{ours[name]:10.1f}{bare.get(name, 0):10.1f}"
                  f"{ours[name] - bare.get(name, 0):10.1f}")
    sums = [sum(side.values()) for side in (ours, bare)]
    print(f"  {'all':34}{sums[0]:10.1f}{sums[1]:10.1f}{sums[0] - sums[1]:10.1f}")
    first = [side[0].total() for side in found.values()]
    print(f"  a boot with one package: {first[0]} calls, {first[1]} of them in the bare sequence")
    bench.goal("system calls for each package beyond bare", sums[0] - sums[1], "at most", GOAL, "")
