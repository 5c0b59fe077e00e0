# SPDX-License-Identifier: MIT
"""The parts of boot.py that run in the kernel under test, and what they need."""

import json
import os
import shutil
import statistics

import plot
import sysext
from boot_target import Bare, Ours, Sysext, Target, timed
from calls import part_calls
from device import Vendor, run, write
from reading import part_reading, prepare_reading
from showing import part_show, prepare_showing

MIB = 1 << 20
BLOCK = 4096
TITLES = {
    "sysext": "wmopkg-activate (lazy), systemd-sysext refresh, and the bare sequence",
    "one": "one package of 1 MiB, lazy: what a boot costs whatever is installed",
    "calls": "how often the kernel is asked for something (strace)",
    "full": "every byte verified before anything is mounted",
    "growth": "time over the number of packages (lazy)",
    "memory": "the most that wmopkg-activate has",
    "show": "`wmopkg show` of many packages, some of them pending",
    "reading": "tar c of small files through the stack",
}


class Bench:
    """What the parts share, and what they found."""

    def __init__(self, work, build, scale):
        self.work, self.build, self.scale = work, build, scale
        self.goals, self.charts = [], []

    def chart(self, kind, *values):
        self.charts.append([kind, *values])
        print("\n".join(getattr(plot, kind)(*values).text()), flush=True)

    def goal(self, what, value, sign, goal, unit):
        self.goals.append([what, value, sign, goal, unit])

    def compare(self, sides, turns=None):
        """{name: runs}, the sides taking turns, and each second time the other way round; the
        first turn does not count."""
        runs = {name: [] for name in sides}
        order = list(sides)
        for turn in range((turns or self.scale["runs"]) + 1):
            for name in order:
                done = sides[name].up()
                sides[name].down()
                if turn:
                    runs[name].append(done)
            order.reverse()
        return runs


def median(runs, key="ms"):
    return statistics.median(getattr(run, key) for run in runs)


def print_runs(runs):
    print(f"  {'':34}{'median ms':>11}{'least':>9}{'most':>9}{'processor':>11}{'peak MiB':>10}")
    for name, side in runs.items():
        times = [done.ms for done in side]
        print(f"  {name:34}{median(side):11.1f}{min(times):9.1f}{max(times):9.1f}"
              f"{median(side, 'cpu_ms'):11.1f}{median(side, 'kib') / 1024:10.1f}", flush=True)


def print_steps(name, runs):
    steps = {step: statistics.median(done.steps[step] for done in runs)
             for step in runs[0].steps}
    print(f"  {name}: " + ", ".join(f"{step} {ms:.1f}" for step, ms in steps.items()) + " ms")


def tree_bytes(blocks):
    """Of a hash tree over so many blocks: 128 hashes of 32 bytes in each of its own."""
    total = 0
    while blocks > 1:
        blocks = -(-blocks // 128)
        total += blocks
    return total * BLOCK


def geometry(vendor, path):
    """What `bare` has to know of a package: numbers in bytes, and two hashes."""
    image = json.loads(run(vendor.tool, "inspect", "--json", path).stdout)["image"]
    padded = -(-image["bytes"] // BLOCK) * BLOCK
    start = os.path.getsize(path) - padded
    return [start, padded, start - tree_bytes(padded // BLOCK), image["salt"],
            image["root_hash"]]


def make_random(vendor, name, mib):
    """A package whose image is as large as its content."""
    tree = vendor.tree(name, dict([sysext.release(name)]))
    os.makedirs(f"{tree}/usr/share/{name}")
    with open(f"{tree}/usr/share/{name}/data", "wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))
    path = vendor.make(name, tree)
    shutil.rmtree(tree)
    return path


def make_extension(vendor, name, folder, salt):
    image = f"{folder}/{name}.squashfs"
    run(vendor.tool, "extract", "--image", image, vendor.path(name))
    sysext.make(image, salt, folder, name)
    os.unlink(image)


def prepare(work, build, parts, scale):
    """On the host."""
    vendor = Vendor(work, build)
    small = max([0] + [count for part, count in (
        ("sysext", scale["packages"]), ("calls", scale["packages"]), ("one", 1),
        ("growth", scale["growth"][-1]),
        ("memory", scale["memory"]), ("reading", scale["layers"][-1])) if part in parts])
    shapes = {}
    for number in range(small):
        name = f"p{number:03}"
        shapes[name] = geometry(vendor, make_random(vendor, name, 1))
    write(work + "/shapes.json", json.dumps(shapes))
    if "sysext" in parts:
        os.mkdir(work + "/extensions")
        for number in range(scale["packages"]):
            name = f"p{number:03}"
            make_extension(vendor, name, work + "/extensions", shapes[name][3])
    if "full" in parts:
        count, mib = scale["full"]
        for number in range(count):
            make_random(vendor, f"large{number}", mib)
        make_random(vendor, "whole", count * mib)
    if "reading" in parts:
        prepare_reading(vendor, scale)
    if "show" in parts:
        prepare_showing(vendor, scale)


def part_sysext(bench):
    with Target(bench.work, bench.build, verify="lazy") as target:
        target.fill(bench.scale["packages"])
        runs = bench.compare({"wmopkg-activate": Ours(target), "systemd-sysext": Sysext(target),
                              "bare sequence": Bare(target)},
                             2 * bench.scale["runs"] - 1)
    print_runs(runs)
    for name in ("wmopkg-activate", "bare sequence"):
        print_steps(name, runs[name])
    times = {name: median(side) for name, side in runs.items()}
    bench.chart("Bars", f"{bench.scale['packages']} packages of 1 MiB, lazy: time to activate",
                "ms", list(times.items()))
    ours = times["wmopkg-activate"]
    bench.goal("time against systemd-sysext", ours / times["systemd-sysext"], "at most", 1 / 8,
               "times")
    bench.goal("time against the bare sequence", ours / times["bare sequence"], "at most", 1.5,
               "times")


class Started:
    """wmopkg-activate, which only says its version."""

    def __init__(self, target):
        self.target = target

    def up(self):
        return timed(self.target.build, self.target.tool, "--version")

    def down(self):
        pass


def part_one(bench):
    with Target(bench.work, bench.build, verify="lazy") as target:
        target.fill(1)
        runs = bench.compare({"wmopkg-activate": Ours(target), "  its start": Started(target),
                              "bare sequence": Bare(target)})
    print_runs(runs)
    print_steps("wmopkg-activate", runs["wmopkg-activate"])
    bench.goal("one package: time to activate", median(runs["wmopkg-activate"]), "at most", 40,
               "ms")


class Verify:
    """`wmopkg verify` of one package, which leaves nothing to take down."""

    def __init__(self, target, name):
        self.target, self.name = target, name

    def up(self):
        return timed(self.target.build, self.target.wmopkg, "--config", self.target.base + "/conf",
                     "verify", f"{self.target.base}/{self.name}.wmopkg")

    def down(self):
        pass


def part_full(bench):
    count, mib = bench.scale["full"]
    with Target(bench.work, bench.build) as target:
        for number in range(count):
            target.install(f"{bench.work}/packages/large{number}.wmopkg")
        shutil.copy(bench.work + "/packages/whole.wmopkg", target.base)
        whole = f"wmopkg verify of {count * mib} MiB"
        runs = bench.compare({"full": Ours(target, verify="full"),
                              "lazy": Ours(target, verify="lazy"), whole: Verify(target, "whole")})
    print_runs(runs)
    times = {name: median(side) for name, side in runs.items()}
    size = count * mib
    rates = {"boot, beyond lazy": size / (times["full"] - times["lazy"]) * 1000,
             "wmopkg verify": size / times[whole] * 1000}
    bench.chart("Bars", f"{count} packages of {mib} MiB: every byte verified", "MiB/s",
                list(rates.items()))
    bench.goal("full: rate of verification at boot",
               rates["boot, beyond lazy"] / rates["wmopkg verify"], "at least", 0.85, "times")


def part_growth(bench):
    lines = {"wmopkg-activate": [], "bare sequence": []}
    print(f"  {'packages':>10}{'wmopkg ms':>12}{'a package':>12}{'bare ms':>12}{'a package':>12}"
          f"{'ratio':>8}")
    with Target(bench.work, bench.build, verify="lazy") as target:
        for count in bench.scale["growth"]:
            target.fill(count)
            runs = bench.compare({"wmopkg-activate": Ours(target), "bare sequence": Bare(target)})
            ours, bare = (median(side) for side in runs.values())
            lines["wmopkg-activate"].append([count, ours / count])
            lines["bare sequence"].append([count, bare / count])
            print(f"  {count:10}{ours:12.1f}{ours / count:12.2f}{bare:12.1f}{bare / count:12.2f}"
                  f"{ours / bare:8.2f}", flush=True)
    bench.chart("Lines", "Growth: time for each package", "ms a package", lines)
    each, bare = (dict(line) for line in lines.values())
    last = bench.scale["growth"][-1]
    middle = 16 if 16 in each else bench.scale["growth"][0]
    print(f"  The bare sequence takes {bare[last] / bare[middle]:.2f} times as long for a package "
          f"of {last} as for one of {middle}:\n  that much is the kernel's own.", flush=True)
    bench.goal(f"growth: a package of {last} against one of {middle}", each[last] / each[middle],
               "at most", 1.3, "times")


def part_memory(bench):
    count = bench.scale["memory"]
    with Target(bench.work, bench.build) as target:
        target.fill(count)
        runs = bench.compare({mode: Ours(target, verify=mode) for mode in ("lazy", "full")})
    print_runs(runs)
    peaks = {mode: median(side, "kib") / 1024 for mode, side in runs.items()}
    bench.chart("Bars", f"{count} packages: the most that wmopkg-activate has", "MiB",
                list(peaks.items()))
    bench.goal(f"memory with {count} packages", max(peaks.values()), "at most", 32, "MiB")


PARTS = {"sysext": part_sysext, "one": part_one, "calls": part_calls, "full": part_full, "growth": part_growth,
         "memory": part_memory, "show": part_show, "reading": part_reading}
