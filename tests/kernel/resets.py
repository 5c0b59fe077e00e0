# SPDX-License-Identifier: MIT
"""What the cases on the factory reset share: a device whose DATA is a disk of its own."""

import json
import os
import shutil

from case_media import load_file_systems
from device import DISKS, Device, equal, load_module, read, run, write
from mounts import unmount_whole

MIB = 1 << 20
LABEL = "wmopkg-data"
UUID = "0b9f5a34-6c1e-4d0a-9d5e-c0ffee00da7a"
REQUEST = "persist/wmopkg/factory-reset"
OBEYED = "persist/wmopkg/factory-reset.done"
REFUSED = "wmopkg: factory reset: refused, nothing was deleted: "
DONE = "wmopkg: factory reset: done: DATA is empty"
MAKE = {
    "ext4": ("mke2fs", "-q", "-F", "-t", "ext4", "-L", LABEL, "-U", UUID),
    "ext2": ("mke2fs", "-q", "-F", "-t", "ext2", "-L", LABEL, "-U", UUID),
    "btrfs": ("mkfs.btrfs", "-q", "-f", "-L", LABEL, "-U", UUID),
    "f2fs": ("mkfs.f2fs", "-q", "-f", "-l", LABEL, "-U", UUID),
}
SIZES = {"ext4": 16, "ext2": 8, "btrfs": 128, "f2fs": 64}


def make_packages(vendor):
    vendor.make("plain", {"etc/plain": "plain\n"})
    vendor.make("keep", {"etc/keep": "keep\n"})


class DiskDevice(Device):
    """DATA is the partition of a disk, a loop device, found by the name of the partition."""

    def __init__(self, work, build, kind="ext4", data=f"PARTLABEL={LABEL}", **settings):
        load_file_systems()
        for module in ("crypto/crc32_generic", "fs/f2fs/f2fs"):
            load_module(module)
        super().__init__(work, build, data=data, **settings)
        self.kind = kind
        self.image = self.base + "/disk"
        self.mountpoint = self.base + "/run/data"
        self.bytes = SIZES[kind] * MIB
        with open(self.image, "wb") as file:
            file.truncate(self.bytes + 2 * MIB)
        partition(self.image, f"start=2048, size={self.bytes // 512}, name={LABEL}")
        self.disk = run("losetup", "--find", "--partscan", "--show", self.image).stdout.strip()
        self.node = self.disk + "p1"
        DISKS.add(os.path.basename(self.disk))
        run(*MAKE[kind], self.node)
        os.makedirs(self.mountpoint)
        self.install(work + "/packages/keep.wmopkg", store="persist")

    def configure(self, **settings):
        super().configure(**{key: value.replace("NODE", getattr(self, "node", ""))
                             if isinstance(value, str) else value
                             for key, value in settings.items()})

    def __exit__(self, failure, *_):
        super().__exit__(failure)
        DISKS.remove(os.path.basename(self.disk))
        run("losetup", "--detach", self.disk)

    def mount(self):
        """DATA, as the device will find it."""
        run("mount", self.node, self.mountpoint)
        return self.mountpoint

    def unmount(self):
        unmount_whole(self.mountpoint)

    def reboot(self, completed=True):
        super().reboot(completed)
        self.unmount()

    def fill(self):
        """An ordinary package, and files of others."""
        os.makedirs(self.mountpoint + "/packages")
        shutil.copy(self.work + "/packages/plain.wmopkg", self.mountpoint + "/packages")
        write(self.mountpoint + "/config/hostname", "example\n")

    def boot_reset(self, made=False):
        """Boot, and see the reset done; a check of what is left."""
        self.activate()
        check_done(self, made)
        equal(names(self.mountpoint), names_of_new(self.kind))
        top = os.stat(self.mountpoint)
        equal((top.st_mode & 0o7777, top.st_uid, top.st_gid), (0o755, 0, 0))
        equal(blkid(self.node), (self.kind, LABEL, UUID))

    def log_has(self, text):
        if not any(text in line for line in self.log_of_boot()):
            raise AssertionError(f"no '{text}' in " + "\n".join(self.log_of_boot()))


def partition(image, *lines):
    """A GPT with these partitions, in the words of sfdisk."""
    run("sh", "-c", 'printf "%s\\n" "label: gpt" "$@" | sfdisk --quiet "$0"', image, *lines)


def names(folder):
    return sorted(os.listdir(folder))


def names_of_new(kind):
    return ["lost+found"] if kind.startswith("ext") else []


def blkid(node):
    """(type, label, UUID) of the file system on a device, each empty where there is none."""
    told = run("blkid", "-p", "-o", "export", node, check=False).stdout
    found = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    return tuple(found.get(tag, "") for tag in ("TYPE", "LABEL", "UUID"))


def ask(device, text=""):
    write(f"{device.base}/{REQUEST}", text)


def events(device):
    """Number of resets that the audit log tells of, which is whole."""
    device.tell("audit", "verify")
    lines = [json.loads(line) for line in device.tell("audit", "json").splitlines()]
    return [line["detail"] for line in lines if line["event"] == "factory-reset"]


def check_done(device, made=False, count=1):
    """The reset took place in this boot, and the persistent package is active in it."""
    last = [line for line in device.log_of_boot() if line.startswith("wmopkg: factory reset: ")]
    equal(last[-1:], [DONE + (", its file system is a new one" if made else "")], last)
    equal([package["name"] for package in device.state()["packages"]], ["keep"])
    equal(device.package("keep", True)["active"], True)
    equal(device.see("etc/keep"), "keep\n")
    equal(device.see("etc/plain"), None)
    equal(os.path.lexists(f"{device.base}/{REQUEST}"), False)
    found = events(device)
    equal((len(found), found[-1]), (count, "done, DATA formatted" if made
                                    else "done, DATA emptied"))


def snapshot(folder):
    """All that is below a folder, by path: what it holds, or what it is."""
    found = {}
    for above, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(above, name)
            found[os.path.relpath(path, folder)] = read(path) if os.path.isfile(path) else None
    return found
