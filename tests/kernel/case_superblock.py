# SPDX-License-Identifier: MIT
"""A file system on DATA or PERSIST that says that a part of it is on another device: the kernel and
the programs that repair it would write there. It is neither mounted nor repaired, a reset makes a new
one, and no other device is changed."""

import hashlib
import os
import shutil

import resets
from device import DISKS, Device, Vendor, equal, load_module, run, write
from mounts import unmount_now
from resets import LABEL, MIB, REQUEST, DiskDevice, check_done, make_packages, partition

SIZE = 128  # MiB of each partition: what btrfs takes
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
PART = "has a part on another device, which is not used (format it as ext4, btrfs or f2fs, on " \
    "one device)"


def prepare(work, build):
    make_packages(Vendor(work, build))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def forget():
    """What is on the disks is read from them."""
    run("sync")
    run("sh", "-c", "echo 3 >/proc/sys/vm/drop_caches")


class Shared(DiskDevice):
    """The first partition of a disk is DATA or PERSIST, the second one the ESP, which nothing
    mounts. The attacker writes to the first one only."""

    def __init__(self, work, build, make, store="data", **settings):
        resets.load_file_systems()
        for module in ("crypto/crc32_generic", "fs/f2fs/f2fs"):
            load_module(module)
        Device.__init__(self, work, build, **{store: f"PARTLABEL={LABEL}"}, **settings)
        self.image = self.base + "/disk"
        self.mountpoint = f"{self.base}/run/{store}"
        with open(self.image, "wb") as file:
            file.truncate((2 * SIZE + 4) * MIB)
        partition(self.image, f"start=2048, size={SIZE * MIB // 512}, name={LABEL}",
                  f"size={SIZE * MIB // 512}, type={ESP}, name=esp")
        self.disk = run("losetup", "--find", "--partscan", "--show", self.image).stdout.strip()
        self.node, self.esp = self.disk + "p1", self.disk + "p2"
        DISKS.add(os.path.basename(self.disk))
        os.makedirs(self.mountpoint, exist_ok=True)
        if store == "data":
            self.install(work + "/packages/keep.wmopkg", store="persist")
        make(self)
        self.firmware()
        self.before = digest(self.esp)
        self.reboot()

    def firmware(self):
        """The ESP as it left the factory, whatever making the other one has written to it."""
        with open(self.esp, "r+b") as file:
            for _ in range(SIZE):
                file.write(b"FIRMWARE" * (MIB // 8))
        forget()

    def check(self, why):
        forget()
        equal(digest(self.esp) == self.before, True, why)
        equal(digest(self.node) == self.volume, True, why)
        equal(os.path.ismount(self.mountpoint), False, why)

    def check_reset(self, kind):
        """DATA is made anew, without a look at what it names."""
        write(f"{self.base}/{REQUEST}", "")
        forget()
        self.activate()
        forget()
        self.log_has(f"factory reset: {self.node}: its {kind} {PART}")
        check_done(self, made=True)
        equal(digest(self.esp) == self.before, True, kind)
        equal(os.path.ismount(self.mountpoint), True, kind)

    def boot(self):
        forget()
        self.volume = digest(self.node)
        self.activate()


def f2fs(device):
    run("mkfs.f2fs", "-q", "-f", "-l", LABEL, "-c", device.esp, device.node)


def f2fs_copy(device):
    """The first copy names none: the kernel takes the second one once the first is damaged."""
    f2fs(device)
    with open(device.node, "r+b") as file:
        file.seek(1024 + 2201)
        file.write(bytes(8 * 68))


def f2fs_hidden(device):
    """Without its first copy it is no file system for libblkid, but one for fsck.f2fs."""
    f2fs(device)
    with open(device.node, "r+b") as file:
        file.seek(1024)
        file.write(bytes(4))


def btrfs(device):
    run("mkfs.btrfs", "-q", "-f", "-d", "single", "-m", "single", "-L", LABEL, device.node,
        device.esp)


def ext4(device):
    run("mke2fs", "-q", "-F", "-O", "journal_dev", "-b", "4096", device.esp)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-J", "device=" + device.esp,
        "-L", LABEL, device.node)


KINDS = ((f2fs, "f2fs"), (f2fs_copy, "f2fs"), (f2fs_hidden, ""), (btrfs, "btrfs"), (ext4, "ext4"))


def boot_says(device, kind):
    if kind:
        return f"{device.node}: its {kind} {PART}"
    return f"{device.node} holds no known file system, or several (repair it, or format it as " \
        "ext4, btrfs or f2fs)"


def test_data(work, build):
    """A boot does not touch it, and neither a boot nor a reset what it names."""
    for make, kind in KINDS:
        with Shared(work, build, make) as device:
            device.boot()
            device.check(make.__name__)
            device.log_has(boot_says(device, kind))
            equal(device.package("keep", True)["active"], True)
            device.reboot(completed=False)
            device.check_reset(kind or "f2fs")


def test_mounted(work, build):
    """By somebody before us: it is not used either."""
    with Shared(work, build, f2fs) as device:
        run("mount", device.node, device.mountpoint)
        os.makedirs(device.mountpoint + "/packages")
        shutil.copy(work + "/packages/plain.wmopkg", device.mountpoint + "/packages")
        device.activate()
        device.log_has(f"{device.node}: its f2fs {PART}")
        equal((device.see("etc/plain"), device.see("etc/keep")), (None, "keep\n"))
        unmount_now(device.mountpoint)


def test_a_record_does_not_name_the_program(work, build):
    """With PERSIST, the attacker also says that DATA was f2fs, so that fsck.f2fs repairs it."""
    with Shared(work, build, f2fs_hidden) as device:
        write(device.base + "/persist/wmopkg/data.json",
              '{"format":1,"type":"f2fs","place":"/sys/devices/x","bytes":%d}' % (SIZE * MIB))
        device.check_reset("f2fs")


def test_persist(work, build):
    for make, kind in KINDS:
        with Shared(work, build, make, store="persist") as device:
            device.boot()
            device.check(make.__name__)
            device.log_has(boot_says(device, kind))


def test_e2fsck(work, build):
    """A journal elsewhere is neither looked for nor replayed before the mount."""
    def cut_off(device):
        ext4(device)
        run("mount", device.node, device.mountpoint)
        write(device.mountpoint + "/file", "text\n")
        run("sync")
        unmount_now(device.mountpoint)
        run("debugfs", "-w", "-R", "feature needs_recovery", device.node)

    with Shared(work, build, cut_off) as device:
        # this time the journal is where it says, and is somebody else's
        uuid = run("dumpe2fs", "-h", device.node).stdout.split("Journal UUID:")[1].split()[0]
        run("mke2fs", "-q", "-F", "-O", "journal_dev", "-b", "4096", "-U", uuid, device.esp)
        forget()
        before = digest(device.esp)
        device.activate()
        forget()
        equal(digest(device.esp) == before, True)


def test_copy(work, build):
    """Another partition has a copy of PERSIST that was written to since, and udev has shown both to
    the kernel: PERSIST is mounted, and not the copy."""
    def alone(device):
        run("mkfs.btrfs", "-q", "-f", device.node)
        run("mount", device.node, device.mountpoint)
        os.mkdir(device.mountpoint + "/packages")
        shutil.copy(work + "/packages/keep.wmopkg", device.mountpoint + "/packages")
        unmount_now(device.mountpoint)

    with Shared(work, build, alone, store="persist") as device:
        run("dd", f"if={device.node}", f"of={device.esp}", "bs=1M", "status=none")
        run("btrfs", "device", "scan", "--forget")
        run("mount", device.esp, device.mountpoint)
        for name in ("deny", "rival"):
            write(f"{device.mountpoint}/{name}", "text\n")
            run("sync")
        unmount_now(device.mountpoint)
        run("btrfs", "device", "scan", device.esp)
        # Linux before 6.7 takes the copy for the other one, and mounts neither of them
        if not run("mount", device.node, device.mountpoint, check=False).returncode:
            unmount_now(device.mountpoint)
        device.activate()
        equal(device.see("etc/keep"), "keep\n", device.log())
        equal(os.path.exists(device.mountpoint + "/rival"), False)
