# SPDX-License-Identifier: MIT
"""Reading a tree of small files through a stack of layers."""

import os
import shutil
import statistics

from boot_target import Target, timed
from device import run, write

FOLDERS = 200
TREE = "usr/share/tree"


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

    MODES = ("names", "lookups", "cold", "warm")

    def __init__(self, build, root, out):
        self.build = build
        tar = ["tar", "cf", out, "-C", root, TREE]
        self.commands = {
            "names": ["find", f"{root}/{TREE}", "-name", "nothing"],
            "lookups": ["find", f"{root}/{TREE}", "-size", "+1G"],
            "cold": tar, "warm": tar}

    def read(self, mode):
        if mode != "warm":
            run("sync")
            run("sh", "-c", "echo 3 >/proc/sys/vm/drop_caches")
            run(self.commands[mode][0], "--version")  # not of the program itself
        return timed(self.build, *self.commands[mode]).ms

    def measure(self, runs):
        """{mode: median ms}; what is warm was read right before."""
        times = {mode: [] for mode in self.MODES}
        for _ in range(runs):
            for mode in self.MODES:
                times[mode].append(self.read(mode))
        return {mode: statistics.median(found) for mode, found in times.items()}


def measure_stack(bench, tree, others):
    """With the package @tree and @others active."""
    with Target(bench.work, bench.build, verify="lazy") as target:
        for name in [tree, *others]:
            target.install(f"{bench.work}/packages/{name}.wmopkg")
        target.activate()
        found = {"stack": Reader(bench.build, target.base + "/root",
                                 target.base + "/out").measure(bench.scale["runs"])}
        if not others:
            found["layer"] = Reader(bench.build, target.base + "/run/layers/1",
                                    target.base + "/out").measure(bench.scale["runs"])
        target.reboot()
        return found


def measure_plain(bench):
    with Target(bench.work, bench.build) as target:
        place = target.base + "/plain"
        os.mkdir(place)
        shutil.copy(bench.work + "/tree.squashfs", target.base)
        run("mount", "-o", "loop,ro", target.base + "/tree.squashfs", place)
        try:
            return Reader(bench.build, place, target.base + "/out").measure(bench.scale["runs"])
        finally:
            run("umount", place)


def print_table(rows, files):
    print(f"  {'':48}{'names':>9}{'lookups':>9}{'cold':>9}{'warm':>9}{'a file':>10}")
    plain = rows[0][1]
    for name, found in rows:
        extra = (found["cold"] - plain["cold"]) * 1000 / files
        print(f"  {name:48}" + "".join(f"{found[mode]:9.0f}" for mode in Reader.MODES)
              + f"{extra:+7.1f} us", flush=True)
    print("  ms. names: find by name, which reads folders alone; lookups: find by size, which "
          "looks at each file;\n  cold, warm: tar c. The caches are dropped before all but warm."
          " a file: tar c, cold, beyond the plain squashfs.")


def explain(stacks, verity, plain, count, places, files):
    """Where the difference comes from, out of what was measured."""
    alone, top, bottom = stacks
    below = count - 1
    if not below:
        return
    print("  What explains it:")
    for what, us in (
            ("dm-verity: a file, its blocks hashed once",
             (verity["cold"] - plain["cold"]) / files),
            ("overlayfs: a file, a second inode and a second open",
             (alone["cold"] - verity["cold"]) / files),
            (f"folders that {count} layers have: a folder and layer, read and merged",
             (top["names"] - alone["names"]) / places / below),
            ("names that no layer above has: a file and layer, a lookup in vain",
             (bottom["lookups"] - top["lookups"]) / files / below)):
        print(f"  {us * 1000:10.2f} us  {what}")


def part_reading(bench):
    files, places = bench.scale["files"], len(folders(bench.scale))
    plain = measure_plain(bench)
    first = measure_stack(bench, "top", [])
    rows = [("plain squashfs", plain), ("squashfs on dm-verity", first["layer"]),
            ("1 package", first["stack"])]
    line = {"tree on top": [[1, first["stack"]["cold"]]],
            "tree at the bottom": [[1, first["stack"]["cold"]]]}
    for count in bench.scale["layers"][1:]:
        apart = [f"p{number:03}" for number in range(count - 1)]
        sharing = [f"folders{number:03}" for number in range(count - 1)]
        stacks = [measure_stack(bench, tree, others)["stack"]
                  for tree, others in (("bottom", apart), ("top", sharing), ("bottom", sharing))]
        rows += zip((f"{count} packages, folders its own",
                     f"{count} packages have its folders, tree on top",
                     f"{count} packages have its folders, tree at the bottom"), stacks)
        line["tree on top"].append([count, stacks[1]["cold"]])
        line["tree at the bottom"].append([count, stacks[2]["cold"]])
    print_table(rows, files)
    explain(stacks, first["layer"], plain, bench.scale["layers"][-1], places, files)
    line["plain squashfs"] = [[count, plain["cold"]] for count in bench.scale["layers"]]
    bench.chart("Lines", f"tar c of {files} files, cold, in folders that all packages have", "ms",
                line)
