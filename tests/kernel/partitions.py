# SPDX-License-Identifier: MIT
"""A device whose disk has all partitions that a device has; the root and the ESP are mounted."""

import contextlib
import hashlib
import json
import os
import shutil

from case_media import load_file_systems
from device import DISKS, Device, equal, read, run, write
from mounts import unmount_now
from resets import LABEL, MIB, REFUSED, UUID, partition

ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
PARTS = (  # name, MiB, type
    ("esp", 4, ESP), ("firmware", 8, "L"), (LABEL, 16, "L"), ("wmopkg-persist", 8, "L"),
    ("raw", 4, "L"), ("home", 8, "L"), ("fat", 4, "L"), ("squash", 4, "L"))
NEXT = " (the next boot tries again)"


class PartitionedDevice(Device):
    """A disk with all that a device has: the ESP and the root are mounted from it."""

    def __init__(self, work, build, **settings):
        load_file_systems()
        settings = {"data": f"PARTLABEL={LABEL}", "persist": "PARTLABEL=wmopkg-persist", **settings}
        super().__init__(work, build, **settings)
        self.image = self.base + "/image"
        start, lines = 1, []
        for name, mib, kind in PARTS:
            lines.append(f"start={start}MiB, size={mib}MiB, name={name}, type={kind}")
            start += mib
        with open(self.image, "wb") as file:
            file.truncate((start + 1) * MIB)
        partition(self.image, *lines)
        self.disk = run("losetup", "--find", "--partscan", "--show", self.image).stdout.strip()
        DISKS.add(os.path.basename(self.disk))
        self.nodes = {name: f"{self.disk}p{number}" for number, (name, _, _) in
                      enumerate(PARTS, start=1)}
        self.make_file_systems()
        self.mount("firmware", self.base + "/root", "ro")
        self.mount("esp", self.base + "/root/boot/efi", "ro")
        self.data, self.persist = self.base + "/run/data", self.base + "/run/persist"

    def make_file_systems(self):
        nodes = self.nodes
        for name in ("firmware", "home"):
            run("mke2fs", "-q", "-t", "ext4", "-L", name, nodes[name])
        run("mke2fs", "-q", "-t", "ext4", "-L", LABEL, "-U", UUID, nodes[LABEL])
        run("mke2fs", "-q", "-t", "ext4", "-L", "wmopkg-persist", nodes["wmopkg-persist"])
        for name in ("esp", "fat"):
            run("mkfs.vfat", "-n", name.upper(), nodes[name])
        with open(nodes["raw"], "wb") as raw:
            raw.write(b"bootdelay=3" * 1000)
        shutil.copyfile(self.work + "/image.squashfs", nodes["squash"])
        # as it was made by Device
        with self.at("firmware") as folder:
            run("cp", "-a", self.base + "/root/.", folder)
            os.makedirs(folder + "/boot/efi")
        with self.at("esp") as folder:
            write(folder + "/EFI/BOOT/BOOTX64.EFI", "the boot loader\n")
        with self.at(LABEL) as folder:
            os.mkdir(folder + "/packages")
            shutil.copy(self.work + "/packages/plain.wmopkg", folder + "/packages")
            write(folder + "/config/hostname", "example\n")
        with self.at("wmopkg-persist") as folder:
            os.mkdir(folder + "/packages")
            shutil.copy(self.work + "/packages/keep.wmopkg", folder + "/packages")

    def mount(self, name, place, options="rw"):
        os.makedirs(place, exist_ok=True) if not os.path.isdir(place) else None
        run("mount", "-o", options, self.nodes[name], place)

    @contextlib.contextmanager
    def at(self, name):
        """A partition's files, for whoever writes to it while the device is off."""
        place = self.base + "/at"
        self.mount(name, place)
        try:
            yield place
        finally:
            unmount_now(place)

    def off(self, completed=True):
        if completed:
            self.tell("boot-complete")  # warns where DATA is a device that cannot be mounted
        self.reboot(completed=False)
        for folder in (self.data, self.persist):
            while os.path.ismount(folder):
                unmount_now(folder)

    def __exit__(self, failure, *_):
        super().__exit__(failure)
        DISKS.remove(os.path.basename(self.disk))
        run("losetup", "--detach", self.disk)

    def digests(self):
        """What is on each partition, but for the volumes, and for vfat, where a mount is noted."""
        found = {}
        run("sync")
        for name, node in self.nodes.items():
            if name not in (LABEL, "wmopkg-persist", "fat", "esp"):
                run("blockdev", "--flushbufs", node)
                with open(node, "rb") as file:
                    found[name] = hashlib.sha256(file.read()).hexdigest()
        return found

    def partuuid(self, name):
        return run("blkid", "-p", "-s", "PART_ENTRY_UUID", "-o", "value",
                   self.nodes[name]).stdout.strip()

    def resets(self):
        return [line for line in self.log_of_boot() if "factory reset" in line]

    def check_refused(self, *whys):
        """Each in one boot; nothing is changed, and all packages are active."""
        before = self.digests()
        self.activate()
        equal(self.resets(), [REFUSED + why + NEXT for why in whys])
        self.check_untouched(before)

    def check_untouched(self, before):
        equal(self.digests(), before)
        equal((self.see("etc/keep"), self.see("etc/banner")), ("keep\n", "firmware\n"))
        if os.path.ismount(self.base + "/root/boot/efi"):
            equal(self.see("boot/efi/EFI/BOOT/BOOTX64.EFI"), "the boot loader\n")


def start(device):
    """A boot like any other, which leaves what a boot leaves."""
    device.activate()
    equal((device.see("etc/plain"), device.see("etc/keep")), ("plain\n", "keep\n"))
    equal(json.loads(read(device.persist + "/wmopkg/data.json"))["place"],
          "PARTUUID=" + device.partuuid(LABEL))
    device.off()


def ask_on_persist(device):
    with device.at("wmopkg-persist") as persist:
        write(persist + "/wmopkg/factory-reset", "")


def lengthen(node, folder):
    """A folder of ext4: one block has entries, and 2^27 have none. To look for a name in it, or to
    delete it, takes a while, and there may be thousands, and larger ones."""
    run("tune2fs", "-O", "large_dir", node)
    for field, value in (("size", "0x1ffffffc00"), ("blocks", "0x1ffffffe")):
        run("debugfs", "-w", "-R", f"sif {folder} {field} {value}", node)
    run("blockdev", "--flushbufs", node)
