# SPDX-License-Identifier: MIT
"""Storage that dies costs a package its box of time, and not the boot."""

import os
import time

from device import Device, Vendor, devices, equal, run, wait_gone

GENEROUS = 60  # seconds that nothing here takes, however busy the machine is


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("good", {"good": "good\n"})
    vendor.make("other", {"other": "other\n"})
    vendor.make("sick", {"sick": "sick\n"})


class Disk:
    """A disk of its own with a file system, over which device-mapper has a say."""

    def __init__(self, device, name):
        self.device = device
        self.name = name
        self.folder = f"{device.work}/{name}.mounted"
        self.node = ""
        file = f"{device.work}/{name}.disk"
        with open(file, "wb") as empty:
            empty.truncate(16 << 20)
        os.makedirs(self.folder, exist_ok=True)
        run("mkfs.ext4", "-q", file)
        self.loop = run("losetup", "--find", "--show", file).stdout.strip()
        self.sectors = int(run("blockdev", "--getsz", self.loop).stdout)

    def __enter__(self):
        run("dmsetup", "create", self.name, "--table", f"0 {self.sectors} linear {self.loop} 0")
        number = run("dmsetup", "info", "--columns", "--noheadings", "-o", "minor",
                     self.name).stdout.strip()
        self.node = "/dev/dm-" + number
        self.mount()
        return self

    def __exit__(self, *_):
        """The device goes first: it has files of the disk open."""
        run("dmsetup", "resume", self.name, check=False)
        run("umount", "-R", "-l", self.device.base)
        run("umount", "-l", self.folder)
        wait_gone(lambda: [name for name in devices() if name != self.name])
        run("dmsetup", "remove", "--retry", self.name)
        run("losetup", "--detach", self.loop)

    def mount(self):
        run("mount", self.node, self.folder)

    def remount(self):
        """Nothing of it is in memory after."""
        run("umount", self.folder)
        self.mount()


def test_storage_that_never_answers(work, build):
    with Device(work, build, package_seconds=2) as device, Disk(device, "never") as disk:
        sick = disk.folder + "/sick.wmopkg"
        run("cp", work + "/packages/sick.wmopkg", sick)
        disk.remount()
        for name in ("good", "other"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.install(sick, link=True)
        run("dmsetup", "suspend", "--noflush", "--nolockfs", disk.name)
        begun = time.monotonic()
        device.activate()
        took = time.monotonic() - begun
        assert took < GENEROUS, took
        equal((device.see("good"), device.see("other"), device.see("sick")),
              ("good\n", "other\n", None))
        entry = device.package("sick")
        equal((entry["active"], entry["verification"], entry["reason"]["code"]),
              (False, "Invalid", "timed-out"))
        equal(entry["reason"]["message"],
              "it was not verified within its time (package_seconds = 2): its storage may "
              "be failing")
        run("dmsetup", "resume", disk.name)
