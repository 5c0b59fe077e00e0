# SPDX-License-Identifier: MIT
"""The power is cut at the writes of a factory reset: at every one in a long run, else at a
sample of them and at all around the one that brings the request.

DATA and PERSIST are two parts of one disk whose every write is recorded, in order, by
dm-log-writes: from before the request is made until the reset is done and the boot is over.
Then for each write the disk is put together as it was just after that one, the device boots
on it, and has either never been asked, or ends as an undisturbed reset ends.
"""

import ctypes
import fcntl
import json
import os
import shutil
import struct
import time

import effort
from case_media import load_file_systems
from device import DISKS, Device, Vendor, equal, load_module, read, run, wait_gone, write
from mounts import unmount_whole
from resets import LABEL, UUID, blkid, make_packages, names, snapshot

SECTOR = 512
MIB = 1 << 20
DATA_MIB, PERSIST_MIB, LOG_MIB = 4, 4, 64
MAGIC, VERSION = 0x6a736677736872, 1
DISCARD, MARK = 4, 8
PERSIST_LABEL = "wmopkg-persist"
EMPTIED, MADE = "done, DATA emptied", "done, DATA formatted"
PURGED = "done, DATA and PERSIST emptied"
SHARE = 8  # one of so many writes, where it is a sample
# each so many cuts the file systems and the audit log are checked as well
THOROUGH, THOROUGH_OF_SAMPLE = 20, 5
BLKFLSBUF, DETACH = 0x1261, 2
LIBC = ctypes.CDLL(None)


def prepare(work, build):
    make_packages(Vendor(work, build))


class Writes:
    """What dm-log-writes recorded, as Documentation/admin-guide/device-mapper/log-writes has it."""

    def __init__(self, path):
        self.entries = []
        with open(path, "rb") as log:
            magic, version, count, self.sector = struct.unpack("<QQQI", log.read(28))
            equal((magic, version), (MAGIC, VERSION))
            log.seek(self.sector)
            for _ in range(count):
                head = log.read(self.sector)
                place, sectors, flags, bytes_ = struct.unpack_from("<QQQQ", head)
                if flags & MARK:
                    continue
                if flags & DISCARD:
                    self.entries.append((place, bytes(sectors * self.sector)))
                elif sectors:
                    self.entries.append((place, log.read(sectors * self.sector)))

    def apply(self, begin, end, image):
        """To a disk image, all from number @begin to before @end."""
        with open(image, "r+b") as disk:
            for place, what in self.entries[begin:end]:
                disk.seek(place * self.sector)
                disk.write(what)


class CutDevice(Device):
    """DATA and PERSIST on one disk, in a file; DATA is found by the name of its device."""

    def __init__(self, work, build, done, **settings):
        load_file_systems()
        super().__init__(work, build, **settings)
        self.done = done  # what the audit log says in the end
        self.link = self.base + "/node"
        self.configure(data=self.link, persist=f"LABEL={PERSIST_LABEL}", **settings)
        self.disk = self.base + "/disk"
        self.nodes = []

    def name_data(self, node):
        """Whatever the device is today, this is its name."""
        if os.path.islink(self.link):
            os.unlink(self.link)
        os.symlink(node, self.link)

    def plug(self, path, offset=0, size=0):
        words = ["--offset", str(offset), "--sizelimit", str(size)] if size else []
        node = run("losetup", "--find", "--show", *words, path).stdout.strip()
        DISKS.add(os.path.basename(node))
        self.nodes.append(node)
        return node

    def plug_both(self):
        """DATA and PERSIST, where they lie on the disk."""
        self.name_data(self.plug(self.disk, 0, DATA_MIB * MIB))
        self.plug(self.disk, DATA_MIB * MIB, PERSIST_MIB * MIB)

    def pull_all(self):
        for volume in ("data", "persist"):
            unmount_whole(f"{self.base}/run/{volume}")
        for node in self.nodes:
            run("losetup", "--detach", node)
            DISKS.remove(os.path.basename(node))
        self.nodes = []

    def folder(self, volume):
        return f"{self.base}/run/{volume}"


def make_disk(device, work):
    """Both file systems, as a device that has run has them."""
    with open(device.disk, "wb") as file:
        file.truncate((DATA_MIB + PERSIST_MIB) * MIB)
    device.plug_both()
    options = ("-q", "-F", "-b", "1024", "-I", "128", "-J", "size=1", "-N", "256")
    run("mke2fs", "-t", "ext4", *options, "-L", LABEL, "-U", UUID, device.nodes[0])
    run("mke2fs", "-t", "ext4", *options, "-L", PERSIST_LABEL, device.nodes[1])
    for volume, node, package in (("data", device.nodes[0], "plain"),
                                  ("persist", device.nodes[1], "keep")):
        os.makedirs(device.folder(volume), exist_ok=True)
        run("mount", node, device.folder(volume))
        os.mkdir(device.folder(volume) + "/packages")
        shutil.copy(f"{work}/packages/{package}.wmopkg", device.folder(volume) + "/packages")
    for number in range(12):
        write(f"{device.folder('data')}/config/{number % 3}/{number}", "text\n" * number * 100)
    run("chattr", "+i", device.folder("data") + "/config/1/1", device.folder("data") + "/config/2")
    device.activate()
    equal((device.see("etc/plain"), device.see("etc/keep")), ("plain\n", "keep\n"))
    device.reboot()
    device.pull_all()


def record(device):
    """Ask for a reset and carry it out on a disk that records; what was written."""
    log = device.base + "/log"
    load_module("drivers/md/dm-log-writes")
    with open(log, "wb") as file:
        file.truncate(LOG_MIB * MIB)
    lower, logs = device.plug(device.disk), device.plug(log)
    sectors = (DATA_MIB + PERSIST_MIB) * MIB // SECTOR
    run("dmsetup", "create", "cuts", "--table", f"0 {sectors} log-writes {lower} {logs}")
    number = run("dmsetup", "info", "--columns", "--noheadings", "--separator", ":",
                 "-o", "major,minor", "cuts").stdout.strip()
    for name, begin, size in (("cut-data", 0, DATA_MIB), ("cut-persist", DATA_MIB, PERSIST_MIB)):
        run("dmsetup", "create", name, "--table", f"0 {size * MIB // SECTOR} linear "
            f"{number} {begin * MIB // SECTOR}")
    number = run("dmsetup", "info", "--columns", "--noheadings", "-o", "minor",
                 "cut-data").stdout.strip()
    device.name_data(f"/dev/dm-{number}")
    device.tell("factory-reset", "--yes", *(["--purge"] if device.done == PURGED else []))
    for volume in ("data", "persist"):
        unmount_whole(device.folder(volume))
    boot(device)
    done = look(device)
    take_down(device)
    for name in ("cut-data", "cut-persist", "cuts"):
        run("dmsetup", "remove", "--retry", name)
    device.pull_all()
    return Writes(log), done


def mounted(device):
    """All that is mounted for this boot, the last first."""
    lines = read("/proc/self/mountinfo").splitlines()
    found = [line.split()[4] for line in lines if line.split()[4].startswith(device.base + "/r")]
    return found[:0:-1]  # but for the tmpfs of the root


def take_down(device):
    """What a power cut does to all that is in memory; thousands of times, so without umount(8)."""
    for path in mounted(device):
        volume = path.endswith(("/data", "/persist"))
        for _ in range(500):  # the layers of a package end a moment later
            if LIBC.umount2(path.encode(), 0 if volume else DETACH) == 0:
                break
            time.sleep(0.01)
        else:
            raise AssertionError(f"{path} is in use")
    if os.path.exists(device.base + "/run/state.json"):
        os.unlink(device.base + "/run/state.json")


def boot(device):
    device.boots += 1
    write("/dev/kmsg", f"<7>{device.boot_mark()}\n")
    device.activate()


def told(device):
    """What the audit log says of resets."""
    log = device.folder("persist") + "/wmopkg/audit.log"
    lines = map(json.loads, read(log).splitlines() if os.path.exists(log) else [])
    return [line["detail"] for line in lines if line["event"] == "factory-reset"]


def look(device):
    """All that a boot has left, but what tells one boot from another."""
    persist = device.folder("persist")
    found = {name: what for name, what in snapshot(persist).items()
             if not name.startswith("wmopkg/audit") and name != "wmopkg/data.json"}
    if "wmopkg/trials.json" in found:  # but for the boots that it counts
        found["wmopkg/trials.json"] = [
            (package["name"], package["state"])
            for package in json.loads(found["wmopkg/trials.json"])["packages"]]
    return {
        "data": snapshot(device.folder("data")), "persist": found,
        "resets": told(device),
        "active": {package["name"]: package["active"] for package in device.state()["packages"]},
    }


def check_cut(device, image, at, old, done, thorough):
    """The device boots on what was on the disk after write @at; whether it is reset."""
    shutil.copyfile(image, device.disk)
    for node in device.nodes:
        with open(node, "rb") as disk:
            fcntl.ioctl(disk, BLKFLSBUF)
    try:
        boot(device)
        found = look(device)
        events = found.pop("resets")
        wanted = {key: done[key] for key in found}
        if events and events[-1] == device.done:
            # the request lies on the disk before the line that tells of it
            equal(events in (["requested", device.done], [device.done]), True, (at, events))
            equal({key: what for key, what in found.items() if what != wanted[key]}, {},
                  f"after write {at}: " + "|".join(device.log_of_boot()))
            return True
        equal(events, [], at)
        # the request was not yet there, or there before anybody could note it
        equal({key: found[key] for key in ("data", "active")},
              {key: old[key] for key in ("data", "active")}, f"after write {at}")
        equal("wmopkg/factory-reset" in found["persist"], False, at)
        return False
    finally:
        if thorough:
            device.tell("audit", "verify")
        take_down(device)
        if thorough and blkid(device.nodes[0]) != ("", "", ""):
            equal(blkid(device.nodes[0]), ("ext4", LABEL, UUID))
            for node in device.nodes:
                run("e2fsck", "-f", "-n", node)


def break_data(device):
    """Nothing is left of its file system, and what it was called is on PERSIST alone."""
    with open(device.disk, "r+b") as disk:
        disk.write(b"\xff" * (DATA_MIB * MIB))


class Cuts:
    """Cuts after one write and another of a recorded reset."""

    def __init__(self, device, writes, old, done):
        self.device, self.writes, self.old, self.done = device, writes, old, done
        self.image = device.base + "/image"
        self.reset = {}  # after which write: whether that ended in a reset
        self.thorough = effort.choose(THOROUGH, THOROUGH_OF_SAMPLE)

    def check(self, numbers):
        """Cut after each of these writes; whether the last reset was done before it booted."""
        shutil.copyfile(self.device.base + "/before", self.image)
        applied = 0
        for at in numbers:
            self.writes.apply(applied, at + 1, self.image)
            applied = at + 1
            self.reset[at] = check_cut(self.device, self.image, at, self.old, self.done,
                                       len(self.reset) % self.thorough == 0)
            if self.reset[at] and not any("factory reset" in line
                                          for line in self.device.log_of_boot()):
                return True  # what follows is a boot like any other
        return False

    def check_all(self):
        """(the first after which the request is there, how many until the reset is done)"""
        count = len(self.writes.entries)
        equal(self.check(effort.spread(count, SHARE)), True, "the reset never ends")
        end = max(self.reset)
        last = max(at for at, reset in self.reset.items() if not reset)
        self.check(range(last + 1, min(at for at, reset in self.reset.items() if reset)))
        first = min(at for at, reset in self.reset.items() if reset)
        # once the request is there it is never lost
        equal({at for at, reset in self.reset.items() if reset != (at >= first)}, set(), first)
        return first, end + 1


def test_every_write_of_emptying(work, build):
    check_every_write(work, build, EMPTIED)


def check_every_write(work, build, ends):
    with CutDevice(work, build, ends) as device:
        make_disk(device, work)
        if ends == MADE:
            break_data(device)
        shutil.copyfile(device.disk, device.base + "/before")
        device.plug_both()
        boot(device)
        old = look(device)
        take_down(device)
        device.pull_all()
        shutil.copyfile(device.base + "/before", device.disk)
        writes, done = record(device)
        equal((done["active"], done["data"]),
              ({} if ends == PURGED else {"keep": True}, {"lost+found": None}))
        device.plug_both()
        cuts = Cuts(device, writes, old, done)
        first, end = cuts.check_all()
        device.pull_all()
        print(f"      {len(writes.entries)} writes, {len(cuts.reset)} of them tried, seed "
              f"{effort.SEED}: the request is there after write {first}, the reset done after {end}")
        equal((first > 0, end < len(writes.entries)), (True, True))
        equal(wait_gone(lambda: [name for name in names("/dev/mapper") if "cut" in name]), [])
