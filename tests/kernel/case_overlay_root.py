# SPDX-License-Identifier: MIT
"""A root that is an overlay already: the stack is mounted over it, as far as the kernel goes."""

import errno
import json
import os

from device import FIRMWARE, Device, Vendor, devices, equal, loops, lowers, run, wait_gone, write
from mounts import only_so_many, unmount_now

OWN = ("etc/wmopkg/wmopkg.conf", "usr/bin/wmopkg")
TOO_DEEP = ("{}: the file system is already two overlays deep, and the kernel allows two levels"
            ": packages need one overlay at most below them")


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("plain", {"etc/banner": "plain\n", "etc/plain": "plain\n",
                          "usr/share/tree/one": "plain\n"})
    vendor.make("deletes", {"etc/mine": "whiteout", "etc/top": "whiteout"})


class Stacked(Device):
    """Its root is an overlay: of the firmware, of one more folder, and maybe of an upper."""

    def __init__(self, work, build, upper=False, place=None, options="", depth=1, **settings):
        super().__init__(work, build, **settings)
        self.folder = place or self.base + "/other"
        for name in ("low", "top", "up", "above"):
            os.makedirs(f"{self.folder}/{name}")
        run("mount", "--move", self.base + "/root", self.folder + "/low")
        write(self.folder + "/top/etc/top", "top\n")
        write(self.folder + "/top/etc/kept", "top\n")
        data = f"lowerdir={self.escape(self.folder)}/top:{self.escape(self.folder)}/low"
        if upper:
            run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.folder + "/up")
            os.mkdir(self.folder + "/up/changes")
            os.mkdir(self.folder + "/up/work")
            write(self.folder + "/up/changes/etc/mine", "mine\n")
            os.mknod(self.folder + "/up/changes/opt", 0o20600, os.makedev(0, 0))
            up = self.folder.replace(",", "\\,")
            data += f",upperdir={up}/up/changes,workdir={up}/up/work"
        run("mount", "-i", "-t", "overlay", "-o", data + options, "other", self.base + "/root")
        for _ in range(1, depth):
            run("mount", "-i", "-t", "overlay", "-o",
                f"lowerdir={self.folder}/above:{self.base}/root", "other", self.base + "/root")

    @staticmethod
    def escape(path):
        return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")

    def mounts(self):
        """What is mounted at the root and below it, as the kernel tells, numbers apart."""
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            lines = [line.split() for line in file]
        return [line[3:] for line in lines if (line[4] + "/").startswith(self.base + "/root/")]

    def overlays(self):
        return [line for line in self.mounts() if "overlay" in line]

    def put(self, *names):
        for name in names:
            self.install(f"{self.work}/packages/{name}.wmopkg")

    def lowers(self):
        return lowers(self.overlays()[-1][-1])

    def check_unchanged(self, before):
        """The root is as it was, and nothing of ours is mounted anywhere."""
        equal(self.mounts(), before)
        equal((self.see("etc/banner"), self.see("etc/top")), ("firmware\n", "top\n"))
        equal((wait_gone(devices), wait_gone(loops)), ([], []))
        equal(run("findmnt", "-R", "-n", "-o", "TARGET", self.base + "/run/layers",
                  check=False).stdout, "")


def test_read_only(work, build):
    with Stacked(work, build) as device:
        before = device.mounts()
        device.put("plain")
        device.activate()
        equal(device.mounts()[:len(before)], before)
        equal(len(device.overlays()), 2)
        equal(device.lowers(), ["engine", "1", "root"])
        equal(device.see("etc/banner"), "plain\n")
        equal(device.see("etc/top"), "top\n")
        equal(device.see("etc/kept"), "top\n")
        equal(device.see("usr/share/tree/two"), "firmware\n")
        equal(device.stack_flags(), "ro,nodev,relatime")
        equal(device.package("plain")["active"], True)
        equal(device.tell("which", "/etc/top"), "/etc/top: file of the firmware\n")
        equal(device.tell("which", "/etc/kept"), "/etc/kept: file of the firmware\n")


def test_nothing_installed(work, build):
    with Stacked(work, build, upper=True) as device:
        before = device.mounts()
        device.activate()
        equal(device.mounts(), before)
        write(device.root("etc/late"), "late\n")


def test_upper(work, build):
    """What the root's own upper holds is seen below the packages; the stack is read-only."""
    with Stacked(work, build, upper=True) as device:
        device.put("plain")
        write(device.root("etc/early"), "early\n")
        write(device.root("etc/banner"), "changed\n")
        equal(device.see("opt"), None)
        device.activate()
        equal(device.lowers(), ["engine", "1", "root"])
        equal(device.stack_flags(), "ro,nodev,relatime")
        equal((device.see("etc/banner"), device.see("etc/plain"), device.see("etc/mine"),
               device.see("etc/early"), device.see("etc/top"), device.see("opt")),
              ("plain\n", "plain\n", "mine\n", "early\n", "top\n", None))
        for path in ("etc/late", *OWN):
            try:
                write(device.root(path), "changed\n")
                raise AssertionError(path)
            except OSError as error:
                equal(error.errno, errno.EROFS)
        equal(os.path.exists(device.folder + "/up/changes/etc/late"), False)


def test_whiteouts(work, build):
    """A package deletes what the root's upper and its layers hold, and only for the stack."""
    with Stacked(work, build, upper=True) as device:
        device.put("deletes")
        device.activate()
        equal((device.see("etc/mine"), device.see("etc/top"), device.see("etc/kept")),
              (None, None, "top\n"))
        unmount_now(device.base + "/root")
        equal((device.see("etc/mine"), device.see("etc/top")), ("mine\n", "top\n"))


def test_engine(work, build):
    """The engine's files are those of the root as it was found."""
    with Stacked(work, build, upper=True) as device:
        device.put("plain")
        device.activate()
        for path in OWN:
            what = FIRMWARE[path]
            equal(device.see(path), what[0] if isinstance(what, tuple) else what)


def test_hierarchies(work, build):
    with Stacked(work, build, upper=True) as device:
        with open(device.base + "/conf", "a", encoding="utf-8") as file:
            file.write("hierarchies = {/usr}\n")
        device.put("plain")
        device.activate()
        equal(device.lowers(), ["engine", "1", "root"])
        equal((device.see("usr/share/tree/one"), device.see("usr/share/tree/two")),
              ("plain\n", "firmware\n"))
        equal((device.see("etc/banner"), device.see("etc/mine"), device.see("etc/top")),
              ("firmware\n", "mine\n", "top\n"))
        write(device.root("etc/late"), "late\n")
        equal(os.path.exists(device.folder + "/up/changes/etc/late"), True)


def test_mounts_below(work, build):
    with Stacked(work, build, upper=True) as device:
        os.mkdir(device.root("etc/mounted"))
        run("mount", "-t", "tmpfs", "tmpfs", device.root("etc/mounted"))
        write(device.root("etc/mounted/x"), "mounted\n")
        device.put("plain")
        device.activate()
        equal(device.see("etc/mounted/x"), "mounted\n")
        equal(device.see("etc/banner"), "plain\n")


def test_odd_names(work, build):
    """Blanks, colons, commas and backslashes in the paths of the root's layers."""
    for upper in (False, True):
        with Device(work, build) as outer:
            with Stacked(work, build, upper=upper, place=outer.base + "/a b:c,d=e") as device:
                device.put("plain")
                device.activate()
                equal((device.see("etc/banner"), device.see("etc/top")), ("plain\n", "top\n"))


def test_paths_that_lead_nowhere(work, build):
    """What the root was mounted from may be renamed or gone: it is not looked for."""
    with Stacked(work, build, upper=True) as device:
        os.rename(device.folder, device.folder + ".gone")
        device.put("plain")
        device.activate()
        equal((device.see("etc/banner"), device.see("etc/mine"), device.see("etc/top")),
              ("plain\n", "mine\n", "top\n"))


def test_options(work, build):
    """However the root was mounted."""
    for option in ("redirect_dir=on", "index=on", "volatile", "metacopy=on"):
        with Stacked(work, build, upper=True, options="," + option) as device:
            device.put("plain")
            device.activate()
            equal((device.see("etc/banner"), device.see("etc/mine")), ("plain\n", "mine\n"))


def test_in_use(work, build):
    """What is open stays what it was."""
    with Stacked(work, build, upper=True) as device:
        device.put("plain")
        with open(device.root("etc/banner"), encoding="utf-8") as file:
            device.activate()
            equal(file.read(), "firmware\n")
        equal(device.see("etc/banner"), "plain\n")


def test_nosuid(work, build):
    """What the root did not allow, the stack does not either."""
    with Stacked(work, build, upper=True) as device:
        run("mount", "-o", "remount,bind,nosuid", device.base + "/root")
        device.put("plain")
        device.activate()
        equal(device.stack_flags(), "ro,nosuid,nodev,relatime")


def test_stack_fails(work, build):
    """The root with its upper and all that is mounted below is as it was."""
    with Stacked(work, build, upper=True) as device:
        os.mkdir(device.root("etc/mounted"))
        run("mount", "-t", "tmpfs", "tmpfs", device.root("etc/mounted"))
        write(device.root("etc/mounted/x"), "mounted\n")
        before = device.mounts()
        device.put("plain")
        with only_so_many(4):
            device.activate(status=1)
        device.check_unchanged(before)
        equal(device.see("etc/mounted/x"), "mounted\n")
        equal(device.see("etc/mine"), "mine\n")
        write(device.root("etc/more"), "more\n")


def test_cut_off(work, build):
    """A run that ended between the stack and its state: taken down, and made again."""
    with Stacked(work, build, upper=True) as device:
        device.put("plain")
        device.activate()
        os.unlink(device.base + "/run/state.json")
        device.activate()
        equal(device.lowers(), ["engine", "1", "root"])
        equal(len(device.overlays()), 2)
        equal((device.see("etc/banner"), device.see("etc/mine")), ("plain\n", "mine\n"))


def test_with_an_upper_of_ours(work, build):
    """`upper` is where changes go; the root's own upper gets no more of them."""
    for upper, place in (("tmpfs", "run/layers/up/upper"), ("DATA/changes", "data/changes/upper")):
        for own in (False, True):
            with Stacked(work, build, upper=own) as device:
                device.configure(upper=upper)
                device.put("plain")
                device.activate()
                equal(device.stack_flags(), "rw,nodev,relatime")
                write(device.root("etc/late"), "late\n")
                write(device.root("etc/top"), "changed\n")
                equal((device.see("etc/late"), device.see("etc/top"), device.see("etc/banner")),
                      ("late\n", "changed\n", "plain\n"))
                equal(device.see("etc/mine"), "mine\n" if own else None)
                equal(os.path.exists(f"{device.base}/{place}/etc/late"), True)
                equal(os.path.exists(device.folder + "/up/changes/etc/late"), False)
                equal([line for line in device.log() if "upper" in line], [])


def test_two_deep(work, build):
    """More than the kernel allows: a clear reason, and the root as it was."""
    for upper in ("none", "tmpfs", "DATA/changes"):
        with Stacked(work, build, depth=2) as device:
            device.configure(upper=upper)
            before = device.mounts()
            device.put("plain")
            message = TOO_DEEP.format(device.base + "/root")
            equal(device.activate(status=1), f"wmopkg-activate: {message}\n")
            equal(device.state()["stack"], {"code": "stack-failed", "message": message})
            shown = device.show("plain")
            equal((shown["active"], shown["reason"]["code"], shown["reason"]["message"]),
                  (False, "stack-failed", message))
            assert message in device.tell("show", "plain"), device.tell("show", "plain")
            device.check_unchanged(before)
            equal([line for line in device.log() if "is not used" in line], [])
            told = run(device.tool, "--config", device.base + "/conf", "--root",
                       device.base + "/root", "--plan", "json", check=False)
            planned = json.loads(told.stdout[:told.stdout.rindex("}") + 1])
            equal(planned["failed"]["message"], message)


def test_two_deep_hierarchy(work, build):
    """All or nothing, as everywhere with hierarchies."""
    with Stacked(work, build, upper=True) as device:
        with open(device.base + "/conf", "a", encoding="utf-8") as file:
            file.write("hierarchies = {/usr, /srv}\n")
        os.makedirs(device.root("srv"))
        place = device.root("srv")
        run("mount", "-t", "overlay", "-o", f"lowerdir={place}:{device.root('etc')}", "other",
            place)
        before = device.mounts()
        device.put("plain")
        equal(device.activate(status=1), f"wmopkg-activate: {TOO_DEEP.format(place)}\n")
        device.check_unchanged(before)
        equal(device.see("srv/banner"), "firmware\n")
