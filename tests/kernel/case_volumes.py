# SPDX-License-Identifier: MIT
"""Which disk is DATA or PERSIST, where more than one has the name."""

import os
import shutil

from device import Device, DISKS, Vendor, equal, run, write
from mounts import unmount_now
from partitions import PartitionedDevice, ask_on_persist, start
from resets import DONE, LABEL, MIB, blkid, make_packages, names, partition


def prepare(work, build):
    vendor = Vendor(work, build)
    make_packages(vendor)
    vendor.squash("image", {"file": "text\n"})


def fake(disk, removable):
    """What a disk says of itself."""
    path = os.path.realpath(f"/sys/class/block/{os.path.basename(disk)}") + "/removable"
    write(f"/run/removable{removable}", f"{removable}\n")
    run("mount", "--bind", f"/run/removable{removable}", path)
    return path


class SecondDisk:
    """With one partition of this name, and a file system of this label."""

    def __init__(self, device, name, label):
        self.image = device.base + "/second"
        with open(self.image, "wb") as file:
            file.truncate(12 * MIB)
        partition(self.image, f"start=1MiB, size=8MiB, name={name}")
        self.disk = run("losetup", "--find", "--partscan", "--show", self.image).stdout.strip()
        self.node = self.disk + "p1"
        DISKS.add(os.path.basename(self.disk))
        run("mke2fs", "-q", "-t", "ext4", "-L", label, self.node)
        os.makedirs(device.base + "/at", exist_ok=True)
        run("mount", self.node, device.base + "/at")
        os.mkdir(device.base + "/at/packages")
        write(device.base + "/at/precious", "mine\n")
        unmount_now(device.base + "/at")
        with open(self.node, "rb") as file:
            self.before = file.read()

    def unplug(self):
        run("blockdev", "--flushbufs", self.node)
        with open(self.node, "rb") as file:
            equal(file.read() == self.before, True, "the second disk was written to")
        DISKS.remove(os.path.basename(self.disk))
        run("losetup", "--detach", self.disk)


def test_second_disk(work, build):
    """It never is DATA or PERSIST: the disk that the root is on counts."""
    for key, tag, removable in (("data", "PARTLABEL", 0), ("data", "LABEL", 1),
                                ("persist", "PARTLABEL", 1), ("persist", "LABEL", 0)):
        name = "wmopkg-" + key
        with PartitionedDevice(work, build, **{key: f"{tag}={name}"}) as device:
            second = SecondDisk(device, name, name)
            faked = fake(second.disk, removable)
            start(device)
            ask_on_persist(device)
            device.activate()
            equal(device.resets()[-1:], [DONE], (key, tag))
            device.off()
            # booted from a card, the name is found on the card only
            card = fake(device.disk, 1)
            device.activate()
            equal((device.see("etc/keep"), names(device.data)), ("keep\n", ["lost+found"]))
            device.off()
            unmount_now(card)
            unmount_now(faked)
            second.unplug()


def test_second_disk_where_the_root_is_on_none(work, build):
    """Of two that are built in, none is; one that can be unplugged is, where it is named."""
    with PartitionedDevice(work, build) as device:
        start(device)
        run("umount", "--recursive", device.base + "/root")
        second = SecondDisk(device, LABEL, LABEL)
        ask_on_persist(device)
        device.activate()
        both = sorted([device.nodes[LABEL], second.node])
        said = [line for line in device.log_of_boot() if " have this name" in line]
        equal([all(node in line for node in both) for line in said], [True, True], said)
        equal(os.path.ismount(device.data), False)
        device.off()
        # a stick, where DATA is gone
        faked = fake(second.disk, 1)
        card = fake(device.disk, 1)
        device.configure(data=f"PARTLABEL={LABEL}", persist=device.nodes["wmopkg-persist"])
        device.activate()
        said = [line for line in device.log_of_boot() if "unplugged" in line]
        equal((len(said), os.path.ismount(device.data)), (2, False), said)
        device.off()
        device.configure(data="PARTUUID=" + device.partuuid(LABEL),
                         persist=device.nodes["wmopkg-persist"])
        device.activate()
        equal(device.resets()[-1:], [DONE])
        device.off()
        for path in (faked, card):
            unmount_now(path)
        second.unplug()


def test_folders_of_the_root(work, build):
    """Of the one writable root: they stay writable below the stack, and are what they were."""
    plain = work + "/packages/plain.wmopkg"
    with Device(work, build) as device:
        for data, persist in (("data", "persist"), ("persist/data", "persist"),
                              ("data", "data/persist")):
            folders = {"data": f"{device.base}/root/{data}",
                       "persist": f"{device.base}/root/{persist}"}
            for folder in folders.values():
                os.makedirs(folder + "/packages", exist_ok=True)
            device.configure(**folders)
            device.tell("install", plain)
            device.activate()
            equal(device.see("etc/plain"), "plain\n")
            equal(device.tell("boot-complete"), "")
            device.tell("remove", "--yes", "plain")
            device.tell("install", plain)
            for what in (device.base + "/root", *reversed(sorted(folders.values(), key=len))):
                run("umount", "--recursive", what)
            equal([name for name in os.listdir(folders["data"] + "/packages")
                   if not name.startswith(".")], ["plain.wmopkg"], (data, persist))
            device.reboot(completed=False)
            device.tell("remove", "--yes", "plain")
        # in an initramfs the root is not / yet
        os.makedirs(device.base + "/root/only-there/packages")
        shutil.copy(plain, device.base + "/root/only-there/packages")
        device.configure(data="/only-there")
        device.activate()
        equal(device.see("etc/plain"), "plain\n")


def test_names_of_file_systems(work, build):
    """DATA may call itself as it likes: the name of its partition counts."""
    with PartitionedDevice(work, build) as device:
        for label in ("wmopkg-persist", "firmware"):
            identifier = blkid(device.nodes[label])[2]
            run("e2fsck", "-f", "-p", device.nodes[LABEL], check=False)
            run("tune2fs", "-L", label, "-U", identifier, device.nodes[LABEL])
            device.activate()
            equal((device.see("etc/plain"), device.see("etc/keep")), ("plain\n", "keep\n"))
            equal(os.path.isfile(device.persist + "/packages/keep.wmopkg"), True)
            device.off()
