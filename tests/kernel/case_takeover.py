# SPDX-License-Identifier: MIT
"""A root that is an overlay already: its layers become part of the one stack."""

import errno
import os

from device import FIRMWARE, Device, Vendor, devices, equal, loops, run, write

OWN = ("etc/wmopkg/wmopkg.conf", "usr/bin/wmopkg")


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("plain", {"etc/banner": "plain\n", "etc/plain": "plain\n"})
    vendor.make("blocks", {"etc/mounted": "a file\n"})
    vendor.make("unsigned", {"etc/unsigned": "x\n"}, signer=None)


class Stacked(Device):
    """Its root is an overlay: of the firmware, of one more folder, and maybe of an upper."""

    def __init__(self, work, build, upper=False, place=None, options="", **settings):
        super().__init__(work, build, **settings)
        self.folder = place or self.base + "/former"
        for name in ("low", "top", "up/changes", "up/work"):
            os.makedirs(f"{self.folder}/{name}")
        run("mount", "--move", self.base + "/root", self.folder + "/low")
        write(self.folder + "/top/etc/top", "top\n")
        write(self.folder + "/top/etc/kept", "top\n")
        if upper:
            run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.folder + "/up")
            os.mkdir(self.folder + "/up/changes")
            os.mkdir(self.folder + "/up/work")
            write(self.folder + "/up/changes/etc/mine", "mine\n")
            os.mknod(self.folder + "/up/changes/opt", 0o20600, os.makedev(0, 0))
        data = f"lowerdir={self.escape(self.folder)}/top:{self.escape(self.folder)}/low"
        if upper:
            up = self.folder.replace(",", "\\,")
            data += f",upperdir={up}/up/changes,workdir={up}/up/work"
        run("mount", "-i", "-t", "overlay", "-o", data + options, "former", self.base + "/root")

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
        options = self.overlays()[-1][-1].split(",")
        return [word for word in options if word.startswith("lowerdir")]

    def check_unchanged(self, before):
        equal(self.mounts(), before)
        equal((self.see("etc/banner"), self.see("etc/top")), ("firmware\n", "top\n"))
        equal((devices(), loops()), ([], []))


def test_read_only(work, build):
    with Stacked(work, build) as device:
        device.put("plain")
        device.activate()
        equal(device.lowers(), ["lowerdir=engine:1:root1:root2"])
        equal(device.see("etc/banner"), "plain\n")
        equal(device.see("etc/top"), "top\n")
        equal(device.see("etc/kept"), "top\n")
        equal(device.see("usr/share/tree/one"), "firmware\n")
        equal(device.stack_flags(), "ro,nodev,relatime")
        equal(device.package("plain")["active"], True)
        equal(device.tell("which", "/etc/top"), "/etc/top: file of the firmware\n")
        equal(device.tell("which", "/etc/kept"), "/etc/kept: file of the firmware\n")


def test_nothing_installed(work, build):
    with Stacked(work, build, upper=True) as device:
        before = device.mounts()
        device.activate()
        equal(device.mounts(), before)


def test_upper(work, build):
    """As overlayroot does it, with files that are there already."""
    with Stacked(work, build, upper=True) as device:
        device.put("plain")
        write(device.root("etc/early"), "early\n")
        equal(device.see("opt"), None)
        device.activate()
        equal(len(device.overlays()), 1)
        equal(device.lowers(), ["lowerdir=engine:1:root1:root2"])
        equal(device.stack_flags(), "rw,nodev,relatime")
        equal((device.see("etc/banner"), device.see("etc/mine"), device.see("etc/early"),
               device.see("etc/top")), ("plain\n", "mine\n", "early\n", "top\n"))
        write(device.root("etc/late"), "late\n")
        equal(os.path.exists(device.folder + "/up/changes/etc/late"), True)
        for path in OWN:
            try:
                write(device.root(path), "changed\n")
                raise AssertionError(path)
            except OSError as error:
                equal(error.errno, errno.EROFS)


def test_upper_covers(work, build):
    """What was changed lies above packages."""
    with Stacked(work, build, upper=True) as device:
        write(device.root("etc/banner"), "changed\n")
        device.put("plain")
        device.activate()
        equal((device.see("etc/banner"), device.see("etc/plain")), ("changed\n", "plain\n"))


def test_mounts_below(work, build):
    with Stacked(work, build, upper=True) as device:
        os.mkdir(device.root("etc/mounted"))
        run("mount", "-t", "tmpfs", "tmpfs", device.root("etc/mounted"))
        write(device.root("etc/mounted/x"), "mounted\n")
        device.put("plain")
        device.activate()
        equal(device.see("etc/mounted/x"), "mounted\n")
        equal(device.see("etc/banner"), "plain\n")


def test_moved_below_the_root(work, build):
    """overlayroot moves what it mounted below the root: the paths that are shown lead there."""
    with Stacked(work, build, upper=True) as device:
        os.makedirs(device.root("media/former") + device.folder)
        inside = device.root("media/former") + device.folder
        os.rmdir(inside)
        os.makedirs(device.root(device.folder[1:]))
        for name in ("low", "up"):
            os.makedirs(device.root(f"{device.folder[1:]}/{name}"), exist_ok=True)
            run("mount", "--move", f"{device.folder}/{name}",
                device.root(f"{device.folder[1:]}/{name}"))
        os.makedirs(device.root(f"{device.folder[1:]}/top"))
        run("mount", "--bind", device.folder + "/top", device.root(f"{device.folder[1:]}/top"))
        os.rename(device.folder, device.folder + ".gone")
        device.put("plain")
        device.activate()
        equal((device.see("etc/banner"), device.see("etc/mine"), device.see("etc/top")),
              ("plain\n", "mine\n", "top\n"))
        equal(device.lowers(), ["lowerdir=engine:1:root1:root2"])


def test_odd_names(work, build):
    """Blanks, colons, commas and backslashes, in the kernel's escapes and overlayfs's."""
    for upper in (False, True):
        with Device(work, build) as outer:
            with Stacked(work, build, upper=upper, place=outer.base + "/a b:c,d=e") as device:
                device.put("plain")
                device.activate()
                equal((device.see("etc/banner"), device.see("etc/top")), ("plain\n", "top\n"))
                equal(len(device.overlays()), 1 if upper else 2)


def refused(device, reason, status=1):
    before = device.mounts()
    device.put("plain")
    said = device.activate(status=status)
    equal(said, f"wmopkg-activate: {device.base}/root is an overlay that packages cannot be part "
          f"of: {reason}\n")
    equal(device.state()["stack"]["code"], "stack-failed")
    device.check_unchanged(before)


def test_unresolvable(work, build):
    with Stacked(work, build, upper=True) as device:
        os.rename(device.folder, device.folder + ".gone")
        refused(device, f"its folder {device.folder}/top is not to be found any more")


def test_relative(work, build):
    """A path as of the folder that somebody was in."""
    with Device(work, build) as device:
        root = device.base + "/root"
        run("mount", "-t", "overlay", "-o", "lowerdir=etc:usr", "other", root, cwd=root)
        device.install(work + "/packages/plain.wmopkg")
        said = device.activate(status=1)
        equal(said, f"wmopkg-activate: {root} is an overlay that packages cannot be part of: its "
              "folder etc is not to be found any more\n")
        equal(device.see("banner"), "firmware\n")


def test_something_else_there(work, build):
    """A folder of that name that is not the one."""
    with Stacked(work, build) as device:
        os.rename(device.folder + "/top", device.folder + "/top.gone")
        write(device.folder + "/top/other", "other\n")
        refused(device, "what its folders hold now is not what is seen in it")


def test_options(work, build):
    for option, reason in (("redirect_dir=on", "it is mounted with redirect_dir=on"),
                           ("index=on", "it is mounted with index=on"),
                           ("volatile", "it is mounted with volatile")):
        with Stacked(work, build, upper=True, options="," + option) as device:
            refused(device, reason)


def test_engine_replaced(work, build):
    """An upper that was made to replace the engine is no upper of ours."""
    with Stacked(work, build, upper=True) as device:
        write(device.root("usr/bin/wmopkg"), "evil\n")
        before = device.mounts()
        device.put("plain")
        said = device.activate(status=1)
        equal(said, "wmopkg-activate: /usr/bin/wmopkg was changed, and is the engine's own\n")
        device.check_unchanged(before)


def test_in_use(work, build):
    with Stacked(work, build, upper=True) as device:
        os.mkdir(device.root("etc/mounted"))
        run("mount", "-t", "tmpfs", "tmpfs", device.root("etc/mounted"))
        write(device.root("etc/mounted/x"), "mounted\n")
        before = device.mounts()
        device.put("plain")
        with open(device.root("etc/banner"), encoding="utf-8"):
            said = device.activate(status=1)
        equal(said, f"wmopkg-activate: the overlay at {device.base}/root is in use: Device or "
              "resource busy\n")
        device.check_unchanged(before)
        equal(device.see("etc/mounted/x"), "mounted\n")


def test_put_back(work, build):
    """Unmounted for ours, which then fails: as it was, with all that is mounted below."""
    with Stacked(work, build, upper=True) as device:
        run("mount", "-o", "remount,bind,noatime,nosuid", device.base + "/root")
        os.mkdir(device.folder + "/top/etc/mounted")
        run("umount", device.base + "/root")
        data = (f"lowerdir={device.folder}/top:{device.folder}/low,upperdir={device.folder}"
                f"/up/changes,workdir={device.folder}/up/work")
        run("mount", "-i", "-t", "overlay", "-o", data + ",noatime,nosuid", "former",
            device.base + "/root")
        run("mount", "-t", "tmpfs", "tmpfs", device.root("etc/mounted"))
        write(device.root("etc/mounted/x"), "mounted\n")
        before = device.mounts()
        device.put("blocks")
        said = device.activate(status=1)
        assert "cannot be mounted on the stack" in said, said
        device.check_unchanged(before)
        equal(device.see("etc/mounted/x"), "mounted\n")
        equal(device.see("etc/mine"), "mine\n")
        write(device.root("etc/more"), "more\n")


def test_cut_off(work, build):
    """A run that ended between the stack and its state: the former one, then all anew."""
    with Stacked(work, build, upper=True) as device:
        device.put("plain")
        device.activate()
        write(device.root("etc/late"), "late\n")
        os.unlink(device.base + "/run/state.json")
        device.activate()
        equal(device.lowers(), ["lowerdir=engine:1:root1:root2"])
        equal(len(device.overlays()), 1)
        equal((device.see("etc/banner"), device.see("etc/late"), device.see("etc/mine")),
              ("plain\n", "late\n", "mine\n"))


def test_nosuid(work, build):
    """What the former one did not allow, ours does not either."""
    with Stacked(work, build, upper=True) as device:
        run("mount", "-o", "remount,bind,nosuid", device.base + "/root")
        device.put("plain")
        device.activate()
        equal(device.stack_flags(), "rw,nosuid,nodev,relatime")


def test_with_an_upper_of_ours(work, build):
    """`upper` adds one where there is none, and leaves alone the one that there is."""
    with Stacked(work, build, **{"upper": False}) as device:
        device.configure(upper="tmpfs")
        device.put("plain")
        device.activate()
        write(device.root("etc/mine"), "mine\n")
        equal(device.see("etc/top"), "top\n")
    with Stacked(work, build, upper=True) as device:
        device.configure(upper="DATA/changes")
        device.put("plain")
        device.activate()
        write(device.root("etc/late"), "late\n")
        equal(os.path.exists(device.folder + "/up/changes/etc/late"), True)
        equal(os.path.exists(device.base + "/data/changes"), False)
        assert f"wmopkg: upper: {device.base}/root has one already, and it is kept" in \
            device.log(), device.log()
    equal(sorted(FIRMWARE)[0], "etc/banner")
