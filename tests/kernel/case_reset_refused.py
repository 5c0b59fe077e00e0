# SPDX-License-Identifier: MIT
"""A factory reset where DATA, as the configuration has it, is or holds something that must stay:
it is refused, and nothing is changed."""

import os
import shutil
import subprocess

from device import DISKS, Vendor, equal, read, run
from mounts import unmount_now
from partitions import ESP, NEXT, PartitionedDevice, ask_on_persist, start
from resets import DONE, LABEL, REFUSED, make_packages


def prepare(work, build):
    vendor = Vendor(work, build)
    make_packages(vendor)
    vendor.squash("image", {"file": "text\n"})


REFUSALS = (  # what `data` says, and why not
    ("PARTLABEL=firmware", "the root lies in DATA and would be deleted with it (NODE)"),
    ("PARTLABEL=wmopkg-persist", "PERSIST lies in DATA and would be deleted with it (NODE)"),
    ("PARTLABEL=esp", "NODE is in use by the file system at BASE/root/boot/efi (unmount that, or "
     "configure the device that is DATA)"),
    ("PARTLABEL=home", "NODE is in use by the file system at BASE/home (unmount that, or configure "
     "the device that is DATA)"),
    ("PARTLABEL=fat", "NODE holds vfat, which is not a file system of DATA (configure the device "
     "that is DATA, or format it as ext4, btrfs or f2fs)"),
    ("PARTLABEL=squash", "NODE holds squashfs, which is not a file system of DATA (configure the "
     "device that is DATA, or format it as ext4, btrfs or f2fs)"),
    ("DISK", "PERSIST lies in DATA and would be deleted with it (DISK)"),
)


def test_configured_by_mistake(work, build):
    with PartitionedDevice(work, build) as device:
        start(device)
        device.mount("home", device.base + "/home", "ro")
        for data, why in REFUSALS:
            node = device.nodes.get(data.removeprefix("PARTLABEL="), device.disk)
            device.configure(persist="PARTLABEL=wmopkg-persist",
                             data=data.replace("DISK", device.disk))
            ask_on_persist(device)
            for words, what in (("NODE", node), ("DISK", device.disk), ("BASE", device.base)):
                why = why.replace(words, what)
            before = device.digests()
            device.activate()
            equal([line for line in device.resets() if REFUSED in line],
                  [f"{REFUSED}config: data: {why}{NEXT}"])
            device.check_untouched(before)
            # nor is a package of PERSIST taken for the old copy of one of DATA
            equal("wmopkg: data: is the same folder as persist, and counts as missing (configure "
                  "two)" in device.log_of_boot(), data == "PARTLABEL=wmopkg-persist", data)
            device.off()
        unmount_now(device.base + "/home")


def test_not_mounted(work, build):
    """The ESP and other partitions are as safe where nothing has mounted them yet."""
    with PartitionedDevice(work, build) as device:
        start(device)
        unmount_now(device.base + "/root/boot/efi")
        for name, why in (
                ("esp", f"partition NODE has type {ESP.lower()}, which is not one for data "
                 "(configure the partition that is DATA, or change its type to Linux filesystem)"),
                ("home", "NODE is in use as swap, NODE (configure the device that is DATA)"),
                ("raw", "NODE is a part of dm-NUMBER (configure that, if it is DATA)")):
            node = device.nodes[name]
            if name == "home":
                run("mkswap", node)
                run("swapon", node)
            elif name == "raw":
                run("dmsetup", "create", "part", "--table", f"0 2048 linear {node} 0")
                number = run("dmsetup", "info", "-c", "--noheadings", "-o", "minor",
                             "part").stdout.strip()
                why = why.replace("NUMBER", number)
            device.configure(data=node, persist="PARTLABEL=wmopkg-persist")
            ask_on_persist(device)
            before = device.digests()
            device.activate()
            equal([line for line in device.resets() if REFUSED in line],
                  [f"{REFUSED}config: data: {why.replace('NODE', node)}{NEXT}"])
            if name == "home":
                run("swapoff", node)
            elif name == "raw":
                run("dmsetup", "remove", "part")
            device.check_untouched(before)
            device.off()
        with device.at("esp") as folder:
            equal(read(folder + "/EFI/BOOT/BOOTX64.EFI"), "the boot loader\n")


def test_root_in_a_file_on_data(work, build):
    with PartitionedDevice(work, build) as device:
        start(device)
        run("umount", "--recursive", device.base + "/root")
        with device.at(LABEL) as folder:
            shutil.copyfile(device.nodes["firmware"], folder + "/root.img")
        device.mount(LABEL, device.base + "/medium")
        loop = run("losetup", "--find", "--show", device.base + "/medium/root.img").stdout.strip()
        DISKS.add(os.path.basename(loop))
        run("mount", "-o", "ro", loop, device.base + "/root")
        ask_on_persist(device)
        # nothing leads to the file any more, and it is in use still
        run("umount", "--lazy", device.base + "/medium")
        device.activate()
        equal(device.resets(), [f"{REFUSED}config: data: the root lies in DATA and would be deleted "
                                f"with it ({device.nodes[LABEL]}){NEXT}"])
        equal((device.see("etc/plain"), device.see("etc/banner")), ("plain\n", "firmware\n"))
        device.off()
        unmount_now(device.base + "/root")
        run("losetup", "--detach", loop)
        DISKS.remove(os.path.basename(loop))


def test_in_use_where_nobody_sees_it(work, build):
    """In the mount namespace of another process, and by a mount that has no path any more."""
    with PartitionedDevice(work, build) as device:
        start(device)
        node = device.nodes[LABEL]
        os.mkdir(device.base + "/private")
        script = f"mount {node} {device.base}/private && echo ready && exec sleep 600"
        with subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                              stdout=subprocess.PIPE, text=True) as other:
            equal(other.stdout.readline(), "ready\n")
            ask_on_persist(device)
            device.check_refused(f"config: data: {node} is in use by the file system at "
                                 f"{device.base}/private (unmount that, or configure the device "
                                 "that is DATA)")
            equal(device.see("etc/plain"), "plain\n")
            other.kill()
        device.off()
        device.mount(LABEL, device.base + "/private")
        held = os.open(device.base + "/private/config", os.O_RDONLY)
        run("umount", "--lazy", device.base + "/private")
        device.check_refused(f"busy: data: {node} is in use by something else than DATA")
        equal(device.see("etc/plain"), "plain\n")
        os.close(held)
        device.off()
        device.activate()
        equal(device.resets()[-1:], [DONE])
        device.off()


def test_link_in_place_of_the_folder(work, build):
    """DATA is a folder of a partition that others write to."""
    with PartitionedDevice(work, build) as device:
        place = device.base + "/medium"
        os.makedirs(place)
        device.configure(data=place + "/data", persist="PARTLABEL=wmopkg-persist")
        device.off()
        device.mount("home", place)
        run("mount", "-o", "remount,rw", device.base + "/root/boot/efi")
        for target in (device.base + "/root/boot/efi", "../root/boot/efi"):
            if os.path.lexists(place + "/data"):
                os.unlink(place + "/data")
            os.symlink(target, place + "/data")
            ask_on_persist(device)
            device.activate()
            equal(device.resets(), [f"{REFUSED}config: data: {place}/data leads through a symbolic "
                                    f"link (configure the folder itself){NEXT}"])
            equal(read(device.base + "/root/boot/efi/EFI/BOOT/BOOTX64.EFI"), "the boot loader\n")
            device.off()
        unmount_now(place)
