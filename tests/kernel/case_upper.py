# SPDX-License-Identifier: MIT
"""A stack that can be written to, and where what is written goes."""

import errno
import os

from device import FIRMWARE, Device, Vendor, devices, equal, load_module, loops, read, run, wait_gone, \
    write
from mounts import mounts, mounts_on, only_so_many, unmount, unmount_all

OWN = ("etc/wmopkg/wmopkg.conf", "etc/wmopkg/keys/root.pem", "usr/bin/wmopkg",
       "usr/sbin/wmopkg-activate")
USED = "wmopkg: upper: DATA/changes is not used: {}; changes go into memory and are lost at " \
    "the next boot"


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("plain", {"etc/banner": "plain\n", "opt/plain": "plain\n"})
    vendor.make("other", {"etc/banner": "other\n", "etc/new": "other\n", "etc/wide/x": "x\n"})
    vendor.make("unsigned", {"etc/unsigned": "x\n"}, signer=None)
    for name, kind, size in (("small", "ext4", 2 << 20), ("fat", "vfat", 4 << 20)):
        with open(f"{work}/{name}", "wb") as file:
            file.truncate(size)
        run("mkfs." + kind, f"{work}/{name}")


class Writable(Device):
    """A device with an upper; a reboot forgets what is in memory."""

    def __init__(self, work, build, upper="DATA/changes", **settings):
        super().__init__(work, build, upper=upper, **settings)
        os.makedirs(self.root("opt"))

    def configure(self, hierarchies=None, **settings):
        super().configure(**settings)
        if hierarchies:
            with open(self.base + "/conf", "a", encoding="utf-8") as file:
                file.write(f"hierarchies = {hierarchies}\n")

    def put(self, *names):
        for name in names:
            self.install(f"{self.work}/packages/{name}.wmopkg")

    def reboot(self, completed=True):
        while self.is_stacked():
            unmount(self.base + "/root")
        for place in ("usr", "opt", "etc"):
            unmount_all(self.root(place))
        super().reboot(completed=False)

    def changed(self, path=""):
        return f"{self.base}/data/changes/upper/{path}"

    def again(self):
        self.reboot()
        self.activate()

    def notes(self):
        return [line for line in self.log() if "upper" in line]

    def fails(self, number, function, *words):
        try:
            function(*words)
        except OSError as error:
            equal(error.errno, number, f"{function.__name__} {words}")
            return
        raise AssertionError(f"{function.__name__} {words} worked")

    def check_engine(self):
        """It is the firmware's, and nobody writes to it."""
        for path in OWN:
            what = FIRMWARE[path]
            equal(self.see(path), what[0] if isinstance(what, tuple) else what, path)
            self.fails(errno.EROFS, write, self.root(path), "changed\n")
        equal(sorted(os.listdir(self.root("etc/wmopkg"))), ["keys", "wmopkg.conf"])
        self.fails(errno.EROFS, write, self.root("etc/wmopkg/evil"), "x\n")
        self.fails(errno.EROFS, os.unlink, self.root("etc/wmopkg/wmopkg.conf"))
        self.fails(errno.EBUSY, os.rmdir, self.root("etc/wmopkg"))
        self.fails(errno.EBUSY, os.unlink, self.root("usr/bin/wmopkg"))
        self.fails(errno.EBUSY, os.rename, self.root("etc/wmopkg"), self.root("etc/moved"))
        self.fails(errno.EXDEV, os.rename, self.root("etc"), self.root("moved"))
        self.fails(errno.EXDEV, os.rename, self.root("usr/bin"), self.root("moved"))


def test_none(work, build):
    with Writable(work, build, upper="none") as device:
        device.activate()
        equal(device.is_stacked(), False)
        device.put("plain")
        device.again()
        device.fails(errno.EROFS, write, device.root("etc/mine"), "x\n")


def test_tmpfs(work, build):
    with Writable(work, build, upper="tmpfs") as device:
        device.put("plain")
        device.activate()
        equal(device.stack_flags(), "rw,nodev,relatime")
        equal(device.see("etc/banner"), "plain\n")
        write(device.root("etc/banner"), "changed\n")
        write(device.root("etc/mine"), "mine\n")
        os.unlink(device.root("etc/kept"))
        equal((device.see("etc/banner"), device.see("etc/mine"), device.see("etc/kept")),
              ("changed\n", "mine\n", None))
        device.check_engine()
        equal(device.notes(), [])
        device.again()
        equal((device.see("etc/banner"), device.see("etc/mine"), device.see("etc/kept")),
              ("plain\n", None, "firmware\n"))


def test_without_a_package(work, build):
    with Writable(work, build) as device:
        device.activate()
        equal(device.is_stacked(), True)
        write(device.root("etc/mine"), "mine\n")
        device.check_engine()
        equal(device.state()["packages"], [])
        device.again()
        equal(device.see("etc/mine"), "mine\n")
        equal(device.tell("which", "/etc/kept"), "/etc/kept: file of the firmware\n")


def test_data(work, build):
    """Changes are kept, whatever comes to lie below them."""
    with Writable(work, build) as device:
        os.chmod(device.root(""), 0o711)
        device.put("plain")
        device.activate()
        equal(os.stat(device.root("")).st_mode & 0o777, 0o711)
        equal(device.stack_flags(), "rw,nodev,relatime")
        write(device.root("etc/mine"), "mine\n")
        write(device.root("etc/wide/mine"), "mine\n")
        os.unlink(device.root("etc/kept"))
        os.rename(device.root("etc/banner"), device.root("etc/renamed"))
        os.link(device.root("usr/share/tree/one"), device.root("usr/share/tree/linked"))
        equal(read(device.changed("etc/mine")), "mine\n")
        device.remove("plain")
        device.put("other")
        device.again()
        equal(os.stat(device.root("")).st_mode & 0o777, 0o711)
        equal(device.see("etc/mine"), "mine\n")
        equal(device.see("etc/kept"), None)
        equal(device.see("etc/renamed"), "plain\n")
        equal(device.see("etc/banner"), None)
        equal(device.see("etc/new"), "other\n")
        equal(sorted(os.listdir(device.root("etc/wide"))), ["mine", "x"])
        equal(device.see("usr/share/tree/linked"), "firmware\n")
        equal(device.notes(), [])
        device.check_engine()


def test_unsigned(work, build):
    with Writable(work, build) as device:
        device.put("unsigned")
        device.boot_with("wmopkg.allow_untrusted=1")
        device.activate()
        equal(device.stack_flags(), "rw,nosuid,nodev,relatime")


def test_safe(work, build):
    """What was changed may be what keeps it from booting."""
    with Writable(work, build) as device:
        device.put("plain")
        device.activate()
        write(device.root("etc/mine"), "mine\n")
        device.boot_with("wmopkg.safe=1")
        device.again()
        equal((device.see("etc/mine"), device.see("etc/banner")), (None, "firmware\n"))
        write(device.root("etc/mine"), "lost\n")
        equal(device.notes(), [USED.format("safe mode")])
        device.boot_with("quiet")
        device.again()
        equal((device.see("etc/mine"), device.see("etc/banner")), ("mine\n", "plain\n"))


def test_hierarchies(work, build):
    with Writable(work, build, hierarchies="{/usr, /opt}") as device:
        device.put("plain")
        device.activate()
        write(device.root("opt/plain"), "changed\n")
        write(device.root("usr/share/mine"), "mine\n")
        equal(read(device.changed("opt/plain")), "changed\n")
        equal(device.see("etc/banner"), "firmware\n")
        for path in ("usr/bin/wmopkg", "usr/sbin/wmopkg-activate"):
            device.fails(errno.EROFS, write, device.root(path), "changed\n")
        device.again()
        equal((device.see("opt/plain"), device.see("usr/share/mine")), ("changed\n", "mine\n"))
        equal(device.notes(), [])


def lose(device):
    """In memory, and said so; the device is up, and keeps what it has on DATA."""
    device.put("plain")
    device.activate()
    equal(device.see("etc/banner"), "plain\n")
    write(device.root("etc/mine"), "mine\n")
    device.check_engine()
    equal(len(device.notes()), 1, device.log())
    return device.notes()[0]


def test_data_is_missing(work, build):
    with Writable(work, build, data="LABEL=not-there") as device:
        device.install(work + "/packages/plain.wmopkg", store="persist")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        write(device.root("etc/mine"), "mine\n")
        equal(device.notes(), [USED.format("DATA is not there")])


def test_data_is_read_only(work, build):
    with Writable(work, build) as device:
        device.put("plain")
        run("mount", "--bind", device.base + "/data", device.base + "/data")
        run("mount", "-o", "remount,bind,ro", device.base + "/data")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        write(device.root("etc/mine"), "mine\n")
        equal(device.notes(), [USED.format("DATA/changes: Read-only file system")])


def test_data_turned_read_only(work, build):
    """The folders are there, and cannot be written."""
    with Writable(work, build) as device:
        device.activate()
        device.reboot()
        run("mount", "--bind", device.base + "/data", device.base + "/data")
        run("mount", "-o", "remount,bind,ro", device.base + "/data")
        device.activate()
        write(device.root("etc/mine"), "mine\n")
        equal(len(device.notes()), 1)


def on_image(device, name, options="loop"):
    run("mount", "-o", options, f"{device.work}/{name}", device.base + "/data")
    os.makedirs(device.base + "/data/packages", exist_ok=True)


def test_data_is_full(work, build):
    with Writable(work, build) as device:
        on_image(device, "small")
        device.put("plain")
        with open(device.base + "/data/fill", "wb") as file:
            try:
                while True:
                    file.write(bytes(4096))
                    file.flush()
            except OSError as error:
                equal(error.errno, errno.ENOSPC)
        for number in range(10000):
            try:
                with open(f"{device.base}/data/packages/.{number}", "wb"):
                    pass
            except OSError:
                break
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        write(device.root("etc/mine"), "mine\n")
        equal(len(device.notes()), 1, device.log())
        run("umount", "-R", "-l", device.base)


def test_data_is_no_file_system_for_it(work, build):
    for module in ("fat/fat", "fat/vfat", "nls/nls_cp437", "nls/nls_ascii"):
        load_module("fs/" + module)
    with Writable(work, build) as device:
        on_image(device, "fat", "loop,iocharset=ascii")
        device.put("plain")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        write(device.root("etc/mine"), "mine\n")
        equal(len(device.notes()), 1, device.log())
        run("umount", "-R", "-l", device.base)


def test_damaged_work(work, build):
    with Writable(work, build) as device:
        write(device.base + "/data/changes/work", "a file\n")
        equal(lose(device), USED.format("the folder for changes: work: Not a directory"))


def test_links(work, build):
    """A disk that was changed elsewhere leads nowhere."""
    for place in ("changes", "changes/upper", "changes/work"):
        with Writable(work, build) as device:
            os.makedirs(os.path.dirname(f"{device.base}/data/{place}"), exist_ok=True)
            os.symlink(device.base + "/persist", f"{device.base}/data/{place}")
            said = lose(device)
            assert said.startswith("wmopkg: upper: DATA/changes is not used: "), said
            assert "Not a directory" in said, said
            equal(os.listdir(device.base + "/persist/packages"), [])


REPLACED = "/{} was replaced, and the engine's own files lie in it"
CHANGED = "/{} was changed, and is the engine's own"


def test_hostile(work, build):
    """What was put into the upper elsewhere does not change the engine."""
    def folder(path):
        os.makedirs(path)

    def file(path):
        write(path, "evil\n", 0o755)

    def whiteout(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mknod(path, 0o20600, os.makedev(0, 0))

    def link(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink("/opt", path)

    def opaque(path):
        os.makedirs(path)
        os.setxattr(path, "trusted.overlay.opaque", b"y")

    def redirect(path):
        os.makedirs(path)
        os.setxattr(path, "trusted.overlay.redirect", b"/opt")

    for make, path, message in (
            (whiteout, "etc", REPLACED), (file, "etc", REPLACED), (link, "etc", REPLACED),
            (opaque, "etc", REPLACED), (redirect, "usr", REPLACED), (opaque, "usr/bin", REPLACED),
            (link, "usr/sbin", REPLACED), (whiteout, "usr/sbin", REPLACED),
            (whiteout, "etc/wmopkg", CHANGED), (folder, "etc/wmopkg", CHANGED),
            (link, "etc/wmopkg", CHANGED), (file, "usr/bin/wmopkg", CHANGED),
            (whiteout, "usr/bin/wmopkg", CHANGED), (folder, "usr/sbin/wmopkg-activate", CHANGED),
            (file, "usr/local/bin/wmopkg", CHANGED), (link, "usr/local", REPLACED),
            (redirect, "usr/local/sbin", REPLACED), (file, "bin", REPLACED),
            (link, "bin/wmopkg", CHANGED), (folder, "sbin/wmopkg-web", CHANGED)):
        with Writable(work, build) as device:
            make(device.changed(path))
            write(device.changed("opt/mine"), "mine\n")
            equal(lose(device), USED.format(message.format(path)))
            equal(device.see("opt/mine"), None)
            equal(read(device.changed("opt/mine")), "mine\n")


def test_folders_of_programs(work, build):
    """Where the firmware has no program, what an administrator does to the folder is kept."""
    with Writable(work, build) as device:
        opaque = device.changed("usr/local/bin")
        os.makedirs(opaque)
        os.setxattr(opaque, "trusted.overlay.opaque", b"y")
        write(opaque + "/mine", "mine\n")
        os.mknod(device.changed("sbin"), 0o20600, os.makedev(0, 0))
        device.activate()
        equal(device.see("usr/local/bin/mine"), "mine\n")
        equal(device.notes(), [])
        device.check_engine()
        os.rmdir(device.root("bin"))
        device.again()
        equal((device.notes(), device.see("usr/local/bin/mine")), ([], "mine\n"))


def test_links_to_one_folder(work, build):
    """Of several ways to one program, one is mounted."""
    with Writable(work, build, upper="tmpfs") as device:
        os.symlink("usr/bin", device.root("bin"))
        os.symlink("usr/sbin", device.root("sbin"))
        device.activate()
        device.check_engine()
        equal(len(mounts_on(device.root("usr/bin/wmopkg"))), 1)
        equal(len(mounts_on(device.root("usr/sbin/wmopkg-activate"))), 1)


def test_firmware_without(work, build):
    """A place that the firmware leaves empty stays empty."""
    firmware = {"etc/banner": "firmware\n", "usr/bin/true": "true\n"}
    with Device(work, build, firmware, upper="DATA/changes") as device:
        write(device.base + "/data/changes/upper/usr/bin/wmopkg", "evil\n")
        device.activate()
        equal(device.see("usr/bin/wmopkg"), None)
        equal([line for line in device.log() if "upper" in line],
              [USED.format(CHANGED.format("usr/bin/wmopkg"))])


def test_stack_fails(work, build):
    """With neither place: the root as it was, and nothing left. The kernel takes only so many
    mounts: these are enough for the layers, not for what lies below the root."""
    with Writable(work, build) as device:
        os.mkdir(device.root("etc/mounted"))
        run("mount", "-t", "tmpfs", "tmpfs", device.root("etc/mounted"))
        device.put("plain")
        before = len(list(mounts()))
        device.activate()
        needed = len(list(mounts())) - before
        for fewer in (1, 2, 3):
            device.reboot()
            with only_so_many(needed - fewer):
                device.activate(status=1)
            equal(device.is_stacked(), False)
            equal(device.see("etc/banner"), "firmware\n")
            equal((wait_gone(devices), wait_gone(loops)), ([], []))
            equal(run("findmnt", "-R", "-n", "-o", "TARGET", device.base + "/run/layers",
                      check=False).stdout, "")


def test_cut_off(work, build):
    with Writable(work, build) as device:
        device.put("plain")
        device.activate()
        write(device.root("etc/mine"), "mine\n")
        os.unlink(device.base + "/run/state.json")
        device.activate()
        equal(device.see("etc/mine"), "mine\n")
        device.check_engine()
