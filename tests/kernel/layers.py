# SPDX-License-Identifier: MIT
"""Stacking as kernels since 6.8 do it, layer by layer, seen in a mount namespace of the
kernel that runs: the kernels of the other cases are older.

    layers.py BUILD
"""

import os
import re
import subprocess
import sys
import tempfile
import traceback

from device import equal, read, run, write
from mounts import unmount_now

NEEDED = (6, 8)
MOST = 498
OPTIONS = "redirect_dir=nofollow,metacopy=off,index=off,nfs_export=off,xino=off"


def shown(target):
    """The options of the stack on `target`, as the kernel has them."""
    lines = [line.split() for line in read("/proc/self/mountinfo").splitlines()]
    return [line[-1].split(",") for line in lines
            if line[4] == target and line[-3:-1] == ["overlay", "wmopkg"]]


class Place:
    """Layers in a tmpfs: engine, root, and `count` packages."""

    def __init__(self, work, count):
        self.base = tempfile.mkdtemp(dir=work)
        self.target = self.base + "/target"
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.base)
        for folder in ("layers/engine", "layers/upper", "layers/work", "target"):
            os.makedirs(f"{self.base}/{folder}")
        self.write("root", "all", "firmware\n")
        self.write("root", "kept", "firmware\n")
        for number in range(1, count + 1):
            self.write(number, str(number), f"{number}\n")
            self.write(number, "all", f"{number}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        run("umount", "-R", "-l", self.base)
        os.rmdir(self.base)

    def write(self, layer, path, text):
        write(f"{self.base}/layers/{layer}/{path}", text)

    def layer(self, layer, path=""):
        return f"{self.base}/layers/{layer}/{path}"

    def see(self, path):
        return read(f"{self.target}/{path}")

    def stack(self, tool, count, *words):
        return run(tool, *words, str(count), self.base + "/layers", self.target, check=False)


def test_most_layers(work, tool):
    """500 of them, told one by one, and shown one by one."""
    with Place(work, MOST) as place:
        done = place.stack(tool, MOST)
        equal((done.returncode, done.stdout), (0, ""))
        equal(len(os.listdir(place.target)), MOST + 2)
        equal(place.see("all"), "1\n")
        equal([word for word in shown(place.target)[0] if word.startswith("lowerdir")],
              ["lowerdir+=" + name for name in
               ["engine", *map(str, range(1, MOST + 1)), "root"]])
        done = place.stack(tool, MOST + 1)
        equal((done.returncode, done.stdout), (
            1, "stack: 499 packages are to be active, and a stack takes 498\n"))
        equal(len(shown(place.target)), 1, "stacks")


def test_over_a_page_of_options(work, tool):
    """What the kernel shows of 500 layers is more than the 4096 bytes it takes as a string."""
    with Place(work, MOST) as place:
        place.stack(tool, MOST)
        assert len(",".join(shown(place.target)[0])) > 4096


def test_string(work, tool):
    """The same in one string, on the same kernel."""
    with Place(work, MOST) as place:
        done = place.stack(tool, MOST, "string")
        equal((done.returncode, done.stdout), (0, ""))
        equal(len(os.listdir(place.target)), MOST + 2)
        equal(place.see("all"), "1\n")
        equal([word for word in shown(place.target)[0] if word.startswith("lowerdir")],
              ["lowerdir=" + ":".join(["engine", *map(str, range(1, MOST + 1)), "root"])])


def test_missing(work, tool):
    """Nothing is mounted, and the message says what is missing where the kernel tells."""
    for words, message in (((), "4 layers cannot be stacked: 2: No such file or directory"),
                           (("string",), "4 layers cannot be stacked: No such file or "
                            "directory")):
        with Place(work, 1) as place:
            done = place.stack(tool, 2, *words)
            equal((done.returncode, done.stdout), (1, f"stack: {message}\n"))
            equal(shown(place.target), [])
            equal(os.listdir(place.target), [])


def test_not_a_folder(work, tool):
    for words in ((), ("string",)):
        with Place(work, 1) as place:
            write(place.layer("2")[:-1], "a file\n")
            done = place.stack(tool, 2, *words)
            equal(done.returncode, 1)
            equal(shown(place.target), [])


def test_read_only(work, tool):
    for words in ((), ("string",)):
        with Place(work, 2) as place:
            place.stack(tool, 2, *words)
            for path in ("all", "new"):
                try:
                    write(place.target + "/" + path, "changed\n")
                    raise AssertionError("it was written")
                except OSError as error:
                    equal(error.errno, 30)


def test_writable(work, tool):
    for words in ((), ("string",)):
        with Place(work, 2) as place:
            done = place.stack(tool, 2, "writable", *words)
            equal((done.returncode, done.stdout), (0, ""))
            write(place.target + "/all", "changed\n")
            os.unlink(place.target + "/kept")
            equal(read(place.layer("upper", "all")), "changed\n")
            equal(read(place.layer(1, "all")), "1\n")
            equal(os.stat(place.layer("upper", "kept")).st_rdev, 0)
            options = shown(place.target)[0]
            assert {"rw", "upperdir=upper", "workdir=work"} <= set(options), options


def mark(path, **attributes):
    for name, value in attributes.items():
        os.setxattr(path, "trusted.overlay." + name, value.encode())


def test_redirected_folder(work, tool):
    """A layer cannot have a folder of another shown as its own."""
    for words in ((), ("string",)):
        with Place(work, 2) as place:
            place.write("root", "secret/key", "the firmware's\n")
            place.write(1, "open/own", "own\n")
            mark(place.layer(1, "open"), redirect="/secret")
            # what happens where it is followed, as the kernel does by itself
            run("mount", "-t", "overlay", "-o",
                f"ro,lowerdir={place.layer(1)}:{place.layer('root')},redirect_dir=follow",
                "other", place.target)
            equal(place.see("open/key"), "the firmware's\n")
            unmount_now(place.target)
            place.stack(tool, 2, *words)
            assert "redirect_dir=nofollow" in shown(place.target)[0], shown(place.target)
            try:
                place.see("open/key")
                raise AssertionError("the redirect was followed")
            except OSError as error:
                equal(error.errno, 1)


def test_redirected_package(work, tool):
    """The same of a package's image, whose attributes the kernel reads."""
    with Place(work, 2) as place:
        place.write("root", "secret/key", "the firmware's\n")
        write(place.base + "/tree/open/own", "own\n")
        write(place.base + "/tree/closed/own", "own\n")
        mark(place.base + "/tree/open", redirect="/secret")
        image = place.base + "/image"
        run("mksquashfs", place.base + "/tree", image, "-noappend", "-no-progress", "-quiet")
        run("mount", "-o", "loop,ro,nodev", image, place.layer(1))
        equal(os.getxattr(place.layer(1, "open"), "trusted.overlay.redirect"), b"/secret")
        for words in ((), ("string",)):
            done = place.stack(tool, 2, *words)
            equal((done.returncode, done.stdout), (0, ""))
            equal(place.see("closed/own"), "own\n")
            try:
                place.see("open/key")
                raise AssertionError("the redirect was followed")
            except OSError as error:
                equal(error.errno, 1)
            unmount_now(place.target)


def test_metacopy(work, tool):
    """Nor a file of another's content under its own owner and mode."""
    for words in ((), ("string",)):
        with Place(work, 2) as place:
            place.write("root", "secret", "the firmware's\n")
            write(place.layer(1, "open"), "")
            os.truncate(place.layer(1, "open"), 15)
            mark(place.layer(1, "open"), redirect="/secret", metacopy="")
            run("mount", "-t", "overlay", "-o",
                f"ro,lowerdir={place.layer(1)}:{place.layer('root')},redirect_dir=follow,"
                "metacopy=on", "other", place.target)
            equal(place.see("open"), "the firmware's\n")
            unmount_now(place.target)
            place.stack(tool, 2, *words)
            try:
                equal(place.see("open"), "\0" * 15)
            except OSError as error:
                equal(error.errno, 1)


def test_package_over_package(work, tool):
    """Whiteouts and opaque folders, of packages over packages and over the firmware."""
    with Place(work, 3) as place:
        for layer in ("root", 3, 2):
            place.write(layer, f"opaque/of-{layer}", "x\n")
            place.write(layer, f"gone/of-{layer}", "x\n")
        place.write(2, "deleted", "2\n")
        place.write("root", "firmware-file", "x\n")
        place.write(1, "opaque/of-1", "x\n")
        mark(place.layer(1, "opaque"), opaque="y")
        for path in ("deleted", "gone", "firmware-file"):
            os.mknod(place.layer(1, path), 0o20600, os.makedev(0, 0))
        place.write(3, "middle/of-3", "x\n")
        place.write(1, "middle/of-1", "x\n")
        place.write("root", "middle/of-root", "x\n")
        os.makedirs(place.layer(2, "middle"))
        mark(place.layer(2, "middle"), opaque="y")
        place.stack(tool, 3)
        equal(os.listdir(place.target + "/opaque"), ["of-1"])
        equal(os.listdir(place.target + "/middle"), ["of-1"])
        equal(sorted(os.listdir(place.target)),
              ["1", "2", "3", "all", "kept", "middle", "opaque"])


def test_over_an_overlay(work, tool):
    """A root that is an overlay is a layer like any other; the kernel allows two levels."""
    for words in ((), ("string",)):
        with Place(work, 2) as place:
            root = place.layer("root")[:-1]
            write(place.base + "/above/above", "above\n")
            for _ in range(2):
                run("mount", "-t", "overlay", "-o", f"lowerdir={place.base}/above:{root}",
                    "other", root)
                done = place.stack(tool, 2, *words)
                if done.returncode == 0:
                    equal((place.see("above"), place.see("kept"), place.see("all")),
                          ("above\n", "firmware\n", "1\n"))
                    unmount_now(place.target)
            equal((done.returncode, done.stdout),
                  (1, f"stack: {root}: the file system is already two overlays deep, and the "
                   "kernel allows two levels: packages need one overlay at most below them\n"))
            equal(shown(place.target), [])


def inside(work, tool):
    failed = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_"):
            continue
        try:
            test(work, tool)
            print("ok   ", name[5:])
        except Exception:  # a failed case is told, and the others go on
            failed += 1
            print("FAIL ", name[5:])
            traceback.print_exc(file=sys.stdout)
    return 1 if failed else 0


def main():
    if sys.argv[1] == "--inside":
        return inside(sys.argv[2], sys.argv[3])
    release = os.uname().release
    found = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", release).groups())
    if found < NEEDED:
        print(f"this needs Linux 6.8 or later to run on, for lowerdir+; this is {release}")
        return 1
    tool = os.path.abspath(sys.argv[1]) + "/tests/kernel/stack"
    with tempfile.TemporaryDirectory(prefix="wmopkg-layers-") as work:
        return subprocess.run(["unshare", "--mount", "--propagation", "private",
                               sys.executable, __file__, "--inside", work, tool],
                              check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
