# SPDX-License-Identifier: MIT
"""Reading a tree of small files through a stack of layers."""

import os
import shutil
import statistics

from boot_target import Target, timed
from device import run, write

FOLDERS = 200
TREE = "usr/share/tree"
GOAL, GOAL_PACKAGES = 1.15, 8  # times what it takes without a stack


def folders(scale):
    return [f"{TREE}/d{number:03}" for number in range(min(FOLDERS, scale["files"]))]


def prepare_reading(vendor, scale):
    """The tree, above and below all others; and packages that have its folders, empty."""
    places = folders(scale)
    tree = vendor.tree("tree", {
        f"{places[number % len(places)]}/f{number:05}": os.urandom(512).hex()
        for number in range(scale["files"])})
    vendor.make("top", tree, priority=100)
    vendor.make("bottom", tree, priority=-100)
    run(vendor.tool, "extract", "--image", vendor.folder + "/tree.squashfs", vendor.path("top"))
    shutil.rmtree(tree)
    empty = vendor.tree("empty", {place: None for place in places})
    for number in range(scale["layers"][-1] - 1):
        write(f"{empty}/usr/share/number", f"{number}\n")
        vendor.make(f"folders{number:03}", empty)


class Reader:
    """What reading one tree takes, with the caches of the kernel dropped before and not."""

    MODES = ("names", "listing", "cold", "warm")

    def __init__(self, build, root, out):
        self.build = build
        tar = ["tar", "cf", out, "-C", root, TREE]
        self.commands = {
            "names": ["find", f"{root}/{TREE}", "-name", "nothing"],
            "listing": ["sh", "-c", f"ls -lR {root}/{TREE} >{out}"],
            "cold": tar, "warm": tar}

    def read(self, mode):
        if mode != "warm":
            run("sync")
            run("sh", "-c", "echo 3 >/proc/sys/vm/drop_caches")
            # not of the program itself
            run("ls" if mode == "listing" else self.commands[mode][0], "--version")
        return timed(self.build, *self.commands[mode]).ms


def in_turns(readers, runs):
    """{name: {mode: median ms}}; what is read warm was read right before."""
    times = {name: {mode: [] for mode in Reader.MODES} for name in readers}
    for turn in range(runs + 1):
        for name, reader in readers.items():
            for mode in Reader.MODES:
                ms = reader.read(mode)
                if turn:
                    times[name][mode].append(ms)
    return {name: {mode: statistics.median(found) for mode, found in modes.items()}
            for name, modes in times.items()}


def measure_stack(bench, tree, others):
    """The package @tree and @others active, beside the plain squashfs of the tree."""
    with Target(bench.work, bench.build, verify="lazy") as target:
        plain, out = target.base + "/plain", target.base + "/out"
        shutil.copy(bench.work + "/tree.squashfs", target.base)
        os.mkdir(plain)
        run("mount", "-o", "loop,ro", target.base + "/tree.squashfs", plain)
        for name in [tree, *others]:
            target.install(f"{bench.work}/packages/{name}.wmopkg")
        target.activate()
        places = {"plain": plain, "stack": target.base + "/root"}
        if not others:
            places["layer"] = target.base + "/run/layers/1"
        found = in_turns({name: Reader(bench.build, place, out)
                          for name, place in places.items()}, bench.scale["runs"])
        run("umount", plain)
        target.reboot()
        return found


def beyond(found, mode, place="stack"):
    """What it takes more than the plain squashfs, which was read in turns with it."""
    return found[place][mode] - found["plain"][mode]


def print_row(name, times, found, files):
    more = (times["cold"] - found["plain"]["cold"]) * 1000 / files
    print(f"  {name:48}" + "".join(f"{times[mode]:9.0f}" for mode in Reader.MODES)
          + f"{more:+9.1f} us", flush=True)


def explain(first, stacks, count, places, files):
    """Where the difference comes from, out of what was measured."""
    alone, top, bottom = stacks
    print("  What explains it:")
    for what, ms in (
            ("dm-verity: for each file, its blocks hashed when they are read first",
             beyond(first, "cold", "layer") / files),
            ("overlayfs: for each file, a second name, inode and open",
             (first["stack"]["cold"] - first["layer"]["cold"]) / files),
            (f"{count} layers with the same folders: for each folder and layer, one more to read "
             "and merge", (beyond(top, "names") - beyond(alone, "names")) / places / (count - 1)),
            ("names that the lowest of them alone has: for each file and layer, a lookup in vain",
             (beyond(bottom, "listing") - beyond(top, "listing")) / files / (count - 1))):
        print(f"  {ms * 1000:10.2f} us  {what}")


def part_reading(bench):
    files, places = bench.scale["files"], len(folders(bench.scale))
    print(f"  {'':48}{'names':>9}{'ls -lR':>9}{'cold':>9}{'warm':>9}{'a file':>12}")
    first = measure_stack(bench, "top", [])
    for name, place in (("plain squashfs", "plain"), ("squashfs on dm-verity", "layer"),
                        ("1 package", "stack")):
        print_row(name, first[place], first, files)
    apart_of = {1: first}
    lines = {"tree on top": [[1, first["stack"]["cold"]]],
             "tree at the bottom": [[1, first["stack"]["cold"]]],
             "plain squashfs": [[1, first["plain"]["cold"]]]}
    for count in bench.scale["layers"][1:]:
        apart = [f"p{number:03}" for number in range(count - 1)]
        sharing = [f"folders{number:03}" for number in range(count - 1)]
        stacks = []
        for name, tree, others in (("its folders are in it alone", "bottom", apart),
                                   ("all have its folders, it is on top", "top", sharing),
                                   ("all have its folders, it is lowest", "bottom", sharing)):
            stacks.append(measure_stack(bench, tree, others))
            print_row(f"{count} packages: {name}", stacks[-1]["stack"], stacks[-1], files)
        apart_of[count] = stacks[0]
        for line, found, place in (("tree on top", stacks[1], "stack"),
                                   ("tree at the bottom", stacks[2], "stack"),
                                   ("plain squashfs", stacks[2], "plain")):
            lines[line].append([count, found[place]["cold"]])
    print("  ms. names: find by name, which reads folders alone; ls -lR looks at each "
          "file;\n  cold, warm: tar c. The caches are dropped before all but warm."
          " a file: tar c, cold, beyond the plain\n  squashfs, which is read in turns with each.")
    for count, found in apart_of.items():
        for mode, name in (("cold", "tar c"), ("listing", "ls -lR")):
            share = found["stack"][mode] / found["plain"][mode]
            if count <= GOAL_PACKAGES:
                bench.goal(f"reading: {name}, cold, {count} packages, against none", share,
                           "at most", GOAL, "times")
            else:
                print(f"  {name}, cold, {count} packages: {share:.2f} times what it takes with none")
    explain(first, stacks, bench.scale["layers"][-1], places, files)
    bench.chart("Lines", f"tar c of {files} files, cold, in folders that all packages have", "ms",
                lines)
