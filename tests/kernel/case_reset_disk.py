# SPDX-License-Identifier: MIT
"""A factory reset of a DATA whose file system is full, read-only, damaged or gone."""

import os
import re

from device import Vendor, equal, read, run, write
from mounts import unmount_now
from resets import LABEL, REFUSED, REQUEST, DiskDevice, ask, blkid, make_packages, names, \
    partition, snapshot

KINDS = ("ext4", "btrfs", "f2fs")


def prepare(work, build):
    make_packages(Vendor(work, build))


def filled(work, build, kind="ext4", **settings):
    """A device that has booted with its package, and so knows its DATA; switched off."""
    device = DiskDevice(work, build, kind, **settings)
    device.mount()
    device.fill()
    device.activate()
    equal(device.see("etc/plain"), "plain\n")
    device.reboot()
    ask(device)
    return device


def wipe(device, offset=0, size=None):
    """Zeros over a part of the disk, or all of it."""
    with open(device.node, "r+b") as disk:
        disk.seek(offset)
        disk.write(bytes(size or device.bytes))
        os.fsync(disk.fileno())
    run("blockdev", "--flushbufs", device.node)


def check_plan(device, *wanted):
    """The steps that the kernel log tells of."""
    said = [re.sub("^data: [a-z+]*: Read-only", "data: NAME: Read-only",
                   line.removeprefix("wmopkg: factory reset: ").split(" (")[0])
            for line in device.log_of_boot() if "factory reset" in line]
    equal(said[1:-1], [line.replace("NODE", device.node) for line in wanted])


DELETING = "deleting all that is on DATA"
REPAIRING = "repairing the file system of DATA"
MAKING = "making a new file system on DATA"


def test_full(work, build):
    """Not a byte is left, not even for root."""
    for kind in KINDS:
        with filled(work, build, kind) as device:
            folder = device.mount()
            for number, size in enumerate(("8M", "64k", "1")):
                for index in range(200):
                    if run("sh", "-c", f"head -c {size} /dev/zero "
                           f">{folder}/filler{number}-{index}", check=False).returncode:
                        break
            device.unmount()
            device.boot_reset()
            check_plan(device, DELETING)


def test_read_only_for_ever(work, build):
    """A feature of ext4 that no mount option changes: it is made anew."""
    with filled(work, build) as device:
        run("tune2fs", "-O", "read-only", device.node)
        device.boot_reset(made=True)
        check_plan(device, DELETING, "data: NAME: Read-only file system", REPAIRING, DELETING,
                   "data: NAME: Read-only file system", MAKING)


def test_mounted_read_only(work, build):
    """By somebody before us."""
    with filled(work, build) as device:
        run("mount", "-o", "ro", device.node, device.mountpoint)
        device.boot_reset()
        check_plan(device, DELETING)


def test_damaged(work, build):
    """A folder that cannot be read: e2fsck puts that right, and the rest is deleted."""
    with filled(work, build) as device:
        block = run("debugfs", "-R", "blocks /config", device.node).stdout.split()[-1]
        wipe(device, int(block) * 1024, 1024)
        device.boot_reset()
        said = [line for line in device.log_of_boot() if "factory reset" in line]
        equal([REPAIRING in line for line in said], [False, False, False, True, False, False],
              said)


def test_first_superblock_gone(work, build):
    """It has no label any more; its partition has a name."""
    with filled(work, build) as device:
        wipe(device, 1024, 1024)
        equal(blkid(device.node), ("", "", ""))
        device.boot_reset()
        check_plan(device, DELETING, "data: NODE holds no known file system, or several",
                   REPAIRING, DELETING)


def test_nothing_left(work, build):
    for kind in KINDS:
        with filled(work, build, kind) as device:
            wipe(device)
            equal(blkid(device.node), ("", "", ""))
            device.boot_reset(made=True)


def test_no_programs(work, build):
    """What cannot be repaired or made anew is left out of the boot, and tried again."""
    write(work + "/nothing", "")
    with filled(work, build) as device:
        run("tune2fs", "-O", "read-only", device.node)
        for program in ("/sbin/e2fsck", "/sbin/mke2fs"):
            run("mount", "--bind", work + "/nothing", program)
        try:
            device.activate()
        finally:
            for program in ("/sbin/e2fsck", "/sbin/mke2fs"):
                unmount_now(program)
        last = device.log_of_boot()[2]
        equal((last.startswith("wmopkg: factory reset: not finished, DATA is left out of this boot: "
                               "read-only: data: "),
               last.endswith(": Read-only file system (the next boot tries again)")),
              (True, True), last)
        equal((device.see("etc/plain"), device.see("etc/keep")), (None, "keep\n"))
        equal(os.path.exists(f"{device.base}/{REQUEST}"), True)
        device.reboot(completed=False)
        device.boot_reset(made=True)


def refused(device, why):
    device.activate()
    equal([line for line in device.log_of_boot() if "factory reset" in line], [REFUSED + why])
    equal(os.path.exists(f"{device.base}/{REQUEST}"), True)


LOST = (f"not-found: data: LABEL={LABEL}: there is no such file system: a name that is lost with "
        "the file system (configure PARTLABEL= or PARTUUID= of the partition) "
        "(the next boot tries again)")


def test_something_else_is_there_now(work, build):
    """It was DATA in earlier boots: that is a hint, and the configuration names another one."""
    with filled(work, build, data=f"LABEL={LABEL}") as device:
        run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "other", device.node)
        refused(device, LOST)
        equal(blkid(device.node)[1], "other")


def test_a_table_of_partitions_is_there_now(work, build):
    """It is no file system, and yet not nothing."""
    with filled(work, build) as device:
        wipe(device)
        partition(device.node, "")
        with open(device.node, "rb") as disk:
            before = disk.read()
        refused(device, f"config: data: {device.node} holds more than one file system, or a "
                "partition table (configure the device that is DATA, or erase its signatures with "
                "wipefs) (the next boot tries again)")
        with open(device.node, "rb") as disk:
            equal(disk.read() == before, True)


def test_another_disk_has_the_name_now(work, build):
    """The one that was DATA has lost it: whose the other one is, nobody knows."""
    with filled(work, build, data=f"LABEL={LABEL}") as device:
        wipe(device)
        other = device.base + "/other"
        with open(other, "wb") as file:
            file.truncate(8 << 20)
        run("mke2fs", "-q", "-t", "ext4", "-L", LABEL, other)
        node = run("losetup", "--find", "--show", other).stdout.strip()
        run("mount", node, device.mountpoint)
        write(device.mountpoint + "/precious", "mine\n")
        unmount_now(device.mountpoint)
        try:
            device.activate()
            device.log_has(f"refused, nothing was deleted: config: data: LABEL={LABEL} is {node} "
                           f"now, but was {device.node}, which is still connected")
            unmount_now(device.mountpoint)
        finally:
            run("losetup", "--detach", node)
        run("mount", "-o", "loop", other, device.mountpoint)
        equal(read(device.mountpoint + "/precious"), "mine\n")
        unmount_now(device.mountpoint)
        # once it is gone, there is nothing of that name
        device.reboot(completed=False)
        refused(device, LOST)


def test_persist_is_on_data(work, build):
    """By a bind mount, which no way upwards leads out of."""
    with DiskDevice(work, build) as device:
        device.reboot(completed=False)
        folder = device.mount()
        os.makedirs(folder + "/persist/packages")
        write(folder + "/precious", "mine\n")
        run("mount", "--bind", folder + "/persist", device.base + "/persist")
        try:
            ask(device)
            device.activate()
            device.log_has(REFUSED + "config: data: PERSIST lies in DATA")
            equal(read(folder + "/precious"), "mine\n")
        finally:
            device.reboot(completed=False)
            unmount_now(device.base + "/persist")


def test_persist_fails_in_between(work, build):
    """What was deleted, but cannot be written down as such, is not used."""
    with filled(work, build) as device:
        ask(device, '{"format":1,"step":"erase","by_bootloader":false,"made":false,"line":0}')
        run("mount", "--bind", device.base + "/persist", device.base + "/persist")
        run("mount", "-o", "remount,bind,ro", device.base + "/persist")
        device.activate()
        equal((device.see("etc/plain"), os.path.ismount(device.mountpoint)), (None, False))
        device.log_has("not finished, DATA is left out of this boot: ")
        device.reboot(completed=False)
        unmount_now(device.base + "/persist")
        device.boot_reset()


def test_never_seen(work, build):
    """Nobody knows what it was called: the configuration knows where it is."""
    with filled(work, build) as device:
        os.unlink(device.base + "/persist/wmopkg/data.json")
        wipe(device)
        device.activate()
        equal(blkid(device.node)[:2], ("ext4", ""))
        equal(device.see("etc/keep"), "keep\n")


def test_never_formatted(work, build):
    """Named by its device, it needs no label."""
    with filled(work, build) as device:
        os.unlink(device.base + "/persist/wmopkg/data.json")
        device.configure(data=device.node)
        wipe(device)
        device.activate()
        equal(blkid(device.node)[:2], ("ext4", ""))
        equal(names(device.mountpoint), ["lost+found"])
        equal(device.see("etc/keep"), "keep\n")


def test_discard(work, build):
    """The disk gives back what it held: it is a file with holes."""
    for kind in ("ext4", "btrfs"):
        with filled(work, build, kind, discard="yes") as device:
            folder = device.mount()
            with open(folder + "/noise", "wb") as file:
                file.write(os.urandom(8 << 20))
            device.unmount()
            run("sync")
            before = os.stat(device.image).st_blocks * 512
            device.boot_reset()
            check_plan(device, DELETING, "discarding the free blocks of DATA")
            run("sync")
            after = os.stat(device.image).st_blocks * 512
            equal(before - after > (7 << 20), True, (before, after))


def test_read_only_disk(work, build):
    """Nothing helps; the request stays."""
    with filled(work, build) as device:
        run("blockdev", "--setro", device.node)
        device.activate()
        last = [line for line in device.log_of_boot() if "factory reset" in line][-1]
        equal(last.startswith("wmopkg: factory reset: not finished, DATA is left out of this boot: "),
              True, last)
        equal((device.see("etc/plain"), device.see("etc/keep")), (None, "keep\n"))
        run("blockdev", "--setrw", device.node)
        device.reboot(completed=False)
        device.boot_reset(made=True)
        equal(snapshot(device.mountpoint), {"lost+found": None})
