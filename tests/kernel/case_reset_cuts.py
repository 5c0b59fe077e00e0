# SPDX-License-Identifier: MIT
"""The power is cut at the writes of a factory reset: at every one in a long run, else at a
sample of them and at all around the one that brings the request.

DATA and PERSIST are two parts of one disk whose every write is recorded, in order, by
dm-log-writes: from before the request is made until the reset is done and the boot is over.
Then for each write the disk is put together as it was just after that one, the device boots
on it, and has either never been asked, or ends as an undisturbed reset ends.
"""

import json
import os
import shutil

import effort
from cuts import EXT4, MIB, PERSIST_LABEL, CutDevice
from device import Vendor, equal, read, run, wait_gone, write
from mounts import unmount_whole
from resets import LABEL, UUID, blkid, make_packages, names, snapshot

EMPTIED, MADE = "done, DATA emptied", "done, DATA formatted"
PURGED = "done, DATA and PERSIST emptied"
SHARE = 8  # one of so many writes, where it is a sample
# each so many cuts the file systems and the audit log are checked as well
THOROUGH, THOROUGH_OF_SAMPLE = 20, 5


def prepare(work, build):
    make_packages(Vendor(work, build))


def make_disk(device, work):
    """Both file systems, as a device that has run has them."""
    device.plug_all()
    run(*EXT4, "-L", LABEL, "-U", UUID, device.nodes[0])
    run(*EXT4, "-L", PERSIST_LABEL, device.nodes[1])
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


def record(device, ends):
    """Ask for a reset and carry it out on a disk that records; what was written, and is there
    in the end."""
    done = {}

    def life():
        device.tell("factory-reset", "--yes", *(["--purge"] if ends == PURGED else []))
        for volume in ("data", "persist"):
            unmount_whole(device.folder(volume))
        device.boot()
        done.update(look(device))
        device.take_down()

    return device.record(life), done


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


def check_cut(device, image, at, old, done, ends, thorough):
    """The device boots on what was on the disk after write @at; whether it is reset."""
    shutil.copyfile(image, device.disk)
    device.forget_blocks()
    try:
        device.boot()
        found = look(device)
        events = found.pop("resets")
        wanted = {key: done[key] for key in found}
        if events and events[-1] == ends:
            # the request lies on the disk before the line that tells of it
            equal(events in (["requested", ends], [ends]), True, (at, events))
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
        device.take_down()
        if thorough and blkid(device.nodes[0]) != ("", "", ""):
            equal(blkid(device.nodes[0]), ("ext4", LABEL, UUID))
            for node in device.nodes:
                run("e2fsck", "-f", "-n", node)


def break_data(device):
    """Nothing is left of its file system, and what it was called is on PERSIST alone."""
    with open(device.disk, "r+b") as disk:
        disk.write(b"\xff" * (device.sizes["data"] * MIB))


class Cuts:
    """Cuts after one write and another of a recorded reset."""

    def __init__(self, device, writes, old, done, ends):
        self.device, self.writes, self.old, self.done = device, writes, old, done
        self.ends = ends
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
                                       self.ends, len(self.reset) % self.thorough == 0)
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
    with CutDevice(work, build) as device:
        make_disk(device, work)
        if ends == MADE:
            break_data(device)
        shutil.copyfile(device.disk, device.base + "/before")
        device.plug_all()
        device.boot()
        old = look(device)
        device.take_down()
        device.pull_all()
        shutil.copyfile(device.base + "/before", device.disk)
        writes, done = record(device, ends)
        equal((done["active"], done["data"]),
              ({} if ends == PURGED else {"keep": True}, {"lost+found": None}))
        device.plug_all()
        cuts = Cuts(device, writes, old, done, ends)
        first, end = cuts.check_all()
        device.pull_all()
        print(f"      {len(writes.entries)} writes, {len(cuts.reset)} of them tried, seed "
              f"{effort.SEED}: the request is there after write {first}, the reset done after {end}")
        equal((first > 0, end < len(writes.entries)), (True, True))
        equal(wait_gone(lambda: [name for name in names("/dev/mapper") if "cut" in name]), [])
