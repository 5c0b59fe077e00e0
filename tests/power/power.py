#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Cut the power at each write of each operation, and in the orders that a disk may write in.

	power.py [--file-system KIND] [--each N] [--most N] [--apart SHARE] [--twice N] [--some N]
		[--seed N] BUILD-FOLDER [OPERATION...]

In a User-Mode Linux, every write of an operation (operations.py) to DATA, PERSIST and the
environment of U-Boot is recorded in one order. Then the disk is put together as it is at one moment
and another (moments.py), the device boots on it, checks and mounts both file systems, activates the
packages, and all that invariants.py promises is checked; so is the audit log and, of each third
state, both file systems by their own tools after the device is off.

All moments between two writes are tried, and --each other orders of each part that no flush
separates; with --most, not more moments of an operation than so many, and with --some, so many
operations: those that chance chooses. In a share of the orders, --apart, DATA and PERSIST are disks
of their own: a flush of one of them does nothing for the other one. With --twice, the power is cut
again in the boot after so many of these moments: what that boot makes of them, it makes of them
whenever it is cut. What failed is printed at once, how far it is once a minute, and the seed, which
repeats it, first.
"""

import argparse
import collections
import json
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "kernel"))
# pylint: disable=wrong-import-position
import facts  # noqa: E402
import invariants  # noqa: E402
import moments  # noqa: E402
import operations  # noqa: E402
import uml  # noqa: E402
from cuts import EXT4, PERSIST_LABEL, CutDevice  # noqa: E402
from device import Vendor, load_module, run  # noqa: E402
from resets import LABEL  # noqa: E402

THOROUGH = 3  # after one of so many, both file systems are checked in full; each boot checks as usual
FAILURES = 3  # after so many, an operation is given up
UNCHECKED = "the last check of its file system did not end: it is mounted read-only"
AGAIN = 8  # moments of each boot in which the power is cut a second time
PROGRESS_S = 60  # how often an operation says how far it is

# MiB of each volume; bytes that it needs a disk to write wholly or not at all, as its super block has
# a checksum of as many; what makes its file system, with the label and the device at its end; what
# checks it
FileSystem = collections.namedtuple("FileSystem", "mib unit make check")
KINDS = {
    "ext4": FileSystem(4, 1024, (*EXT4, "-L"), ("e2fsck", "-f", "-n")),
    "journalled": FileSystem(4, 1024, (*EXT4, "-L"), ("e2fsck", "-f", "-n")),  # data=journal
    "f2fs": FileSystem(64, 4096, ("mkfs.f2fs", "-q", "-f", "-l"), ("fsck.f2fs", "--dry-run")),
}


class PowerDevice(CutDevice):
    """A device of one operation, as it is before that."""

    made = {}  # disks that more than one of them begins with

    def __init__(self, work, build, operation, kind):
        self.kind, mib = kind, KINDS[kind].mib
        settings = {key: value.replace("WORK", work) if isinstance(value, str) else value
                    for key, value in operation.settings.items()}
        super().__init__(work, build, mib, mib, raw_mib=1 if "uboot_env" in settings else 0,
                         firmware=operations.FIRMWARE_WITH_CONFIG, **settings)
        for module in ("crypto/crc32_generic", "fs/f2fs/f2fs") if kind == "f2fs" else ():
            load_module(module)
        self.operation = operation
        self.boot_with(operation.cmdline)

    def make(self):
        """The disk before the operation, with all that the device has learned in a good boot."""
        key = self.operation.data, self.operation.persist, *self.operation.settings, \
            self.operation.cmdline
        if key not in self.made:
            self.make_first()
            self.made[key] = f"{self.work}/made{len(self.made)}"
            shutil.copyfile(self.disk, self.made[key])
        shutil.copyfile(self.made[key], self.disk)
        if self.operation.before:
            self.plug_all()
            self.boot()
            self.operation.before(self)
            self.take_down()
            self.pull_all()

    def make_first(self):
        self.plug_all()
        for node, label in zip(self.nodes, (LABEL, PERSIST_LABEL)):
            run(*KINDS[self.kind].make, label, node)
            if self.kind == "journalled":
                run("tune2fs", "-o", "journal_data", node)
        for volume, node in zip(self.sizes, self.nodes):
            os.makedirs(self.folder(volume), exist_ok=True)
            run("mount", node, self.folder(volume))
            os.mkdir(self.folder(volume) + "/packages")
            for file in getattr(self.operation, volume):
                shutil.copy(operations.path(self.work, file), self.folder(volume) + "/packages")
        if "raw" in self.parts:
            operations.put_environment(self)
        self.boot()
        self.tell("boot-complete")
        self.take_down()
        self.pull_all()

    def live(self):
        """What is recorded."""
        if self.operation.boots != operations.ONLY:
            self.boot()
        if self.operation.warm:
            self.operation.warm(self)
        self.note("begin")
        self.operation.act(self)
        self.note("end")
        self.take_down()
        if self.operation.boots == operations.AFTER:
            self.boot()
            self.take_down()

    def check_file_systems(self):
        for node, _ in zip(self.nodes, self.sizes):
            run(*KINDS[self.kind].check, node)


class Trial:
    """One operation, recorded, and what it leaves when the power is cut."""

    def __init__(self, device, name, digests):
        self.device, self.name, self.digests = device, name, digests
        device.make()
        before = device.base + "/before"
        shutil.copyfile(device.disk, before)
        self.writes = device.record(device.live)
        self.disk = moments.Disk(before, self.writes.entries)
        os.unlink(before)
        self.begin, self.end = (self.writes.marks[mark] for mark in ("begin", "end"))
        device.plug_all()
        self.tried, self.failures = 0, []

    def boot(self, sectors):
        """On these bytes; what it leaves, how the boot went, and how many boots it took.

        The check of DATA that a cut has ended, if it had taken a while, is documented to cost one
        boot with a read-only DATA: what is to be done there is done in the one after that."""
        device = self.device
        self.disk.write(sectors, device.disk)
        device.forget_blocks()
        boots = 1
        try:
            device.boot()
            log = device.log_of_boot()
            if any(UNCHECKED in line for line in log):
                device.take_down()
                device.boot()
                boots, log = 2, device.log_of_boot()
            found = facts.look(device, self.digests)
            device.tell("audit", "verify")
            return found, log, boots
        finally:
            device.take_down()

    def compared_with(self, moment):
        """What a boot leaves that all others are compared with. It keeps the promises itself: one that
        a limit of time has ended, on a machine that is too busy, is no measure."""
        found, log, boots = self.boot(self.disk.at(moment))
        why = invariants.broken(invariants.Cut(found, found, found, None, self.device.operation, log,
                                               boots))
        if not found["boot"]:
            why.append("PERSIST was not found")
        if why:
            raise AssertionError("\n    ".join(["the boot that others are compared with", *why, *log]))
        return found

    def must_be(self, moment):
        return invariants.NEW if moments.is_after(moment, self.end) else \
            invariants.OLD if moments.is_before(moment, self.begin) else None

    def try_one(self, sectors, old, new, must, *moment):
        """A boot on these bytes; what is found after it, None where it went wrong."""
        found, log = None, []
        self.tried += 1
        try:
            found, log, boots = self.boot(sectors)
            why = invariants.broken(invariants.Cut(old, new, found, must, self.device.operation, log,
                                                   len(moment) + boots - 1))
            if self.tried % THOROUGH == 1:
                self.device.check_file_systems()
        except Exception as failure:  # the boot itself, the audit log or a file system
            why = [traceback.format_exc() if not isinstance(failure, AssertionError) else
                   str(failure)]
        if why:
            self.failures.append(moment)
            print(f"FAIL  {self.name}: {moment}, of {self.begin}..{self.end}:", *why, *log,
                  sep="\n    ", flush=True)
        return found

    def try_twice(self, moment, sectors, old, new, options, chance):
        """Cut the power again in the boot after @moment. It ends as if it had not been."""
        found = self.try_one(sectors, old, new, self.must_be(moment), moment)
        if not found:
            return
        device, first = self.device, self.disk
        device.pull_all()
        first.write(sectors, device.disk)
        before = device.base + "/before"
        shutil.copyfile(device.disk, before)

        def boot():
            device.boot()
            device.take_down()

        writes = device.record(boot)
        # the boot may have been over, and another one follows, which makes further files
        found = found | {"files": new["files"] | found["files"]}
        self.disk = moments.Disk(before, writes.entries)
        os.unlink(before)
        device.plug_all()
        for again in moments.choose(writes.entries, 0, AGAIN, AGAIN, KINDS[device.kind].unit,
                                    options.apart, chance):
            self.try_one(self.disk.at(again), found, found, invariants.NEW, moment, again)
        self.disk = first

    def try_all(self, options, chance):
        start = told = time.monotonic()
        count = len(self.writes.entries)
        old = self.compared_with(moments.Moment(self.begin))
        new = self.compared_with(moments.Moment(count))
        self.disk.rewind()
        chosen = moments.choose(self.writes.entries, self.begin, options.each, options.most,
                                KINDS[self.device.kind].unit, options.apart, chance)
        twice = chance.sample(chosen, min(options.twice, len(chosen))) \
            if not self.device.operation.counts else []
        seen = set()
        for number, moment in enumerate(chosen):
            if time.monotonic() - told > PROGRESS_S:
                told = time.monotonic()
                print(f"      {self.name}: {number} of {len(chosen)} moments, {self.tried} states "
                      f"tried, {len(self.failures)} failed ({told - start:.0f} s)", flush=True)
            sectors = self.disk.at(moment)
            key = hash(frozenset(sectors.items())), moments.is_after(moment, self.end)
            if moment in twice:
                self.try_twice(moment, sectors, old, new, options, chance)
            elif key not in seen:
                self.try_one(sectors, old, new, self.must_be(moment), moment)
            seen.add(key)
            if len(self.failures) >= FAILURES:
                break
        seconds = time.monotonic() - start
        print(f"{'FAIL' if self.failures else 'ok  '}  {self.name}: {count - self.begin} writes, "
              f"{len(chosen)} moments, {self.tried} states tried, {len(self.failures)} failed "
              f"({seconds:.1f} s, {self.tried / seconds:.1f} each second)", flush=True)


def inside(work, options):
    """In the kernel under test."""
    with open(work + "/digests", encoding="utf-8") as file:
        digests = {key: tuple(what) for key, what in json.load(file).items()}
    start, tried, failed = time.monotonic(), 0, 0
    for name in options.operations:
        chance = random.Random(f"{options.seed} {name}")
        try:
            with PowerDevice(work, options.build, operations.OPERATIONS[name],
                             options.file_system) as device:
                trial = Trial(device, name, digests)
                trial.try_all(options, chance)
                device.pull_all()
        except Exception:  # its devices are still there, so that no other operation can follow
            print("FAIL ", name)
            traceback.print_exc(file=sys.stdout)
            return 1
        tried, failed = tried + trial.tried, failed + len(trial.failures)
    print(f"      {len(options.operations)} operations, {tried} states tried, {failed} failed "
          f"({time.monotonic() - start:.0f} s)")
    return 1 if failed else 0


def host(options):
    work = tempfile.mkdtemp(prefix="wmopkg-power-", dir="/var/tmp")
    try:
        os.mkdir(work + "/uml")
        uml.stay_on_one_processor()
        digests = operations.make_packages(Vendor(work, options.build))
        with open(work + "/digests", "w", encoding="utf-8") as file:
            json.dump(digests, file)
        program = " ".join(["python3", os.path.abspath(__file__), "--inside", work,
                            "--file-system", options.file_system,
                            *[f"--{word} {getattr(options, word)}"
                              for word in ("each", "most", "apart", "twice", "seed")
                              if getattr(options, word) is not None],
                            options.build, *options.operations])
        print(f"seed {options.seed}, {options.file_system}, on {uml.linux.kernel()[0]}", flush=True)
        with uml.following(work + "/log"):
            console = uml.boot(work, options.build, None, options.seconds, program=program)
        status = uml.read(work, "status").strip()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"      processor time: {used.ru_utime + used.ru_stime:.1f} s")
        if console is None:
            print("the kernel was still running after", options.seconds, "seconds")
        elif status != "0":
            print("status:", status or "none", "console:", console, sep="\n")
        return 0 if console is not None and status == "0" else 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--inside", metavar="WORK")
    parser.add_argument("--file-system", choices=KINDS, default="ext4")
    parser.add_argument("--each", type=int, default=6)
    parser.add_argument("--most", type=int)
    parser.add_argument("--apart", type=float, default=0)
    parser.add_argument("--twice", type=int, default=0)
    parser.add_argument("--some", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--installed", action="store_true")
    parser.add_argument("build", type=os.path.abspath)
    parser.add_argument("operations", nargs="*", default=[])
    options = parser.parse_args()
    if not options.operations:
        options.operations = [name for name, operation in operations.OPERATIONS.items()
                              if options.file_system in (operation.on or KINDS)]
        if options.some:
            options.operations = random.Random(options.seed).sample(options.operations, options.some)
    uml.linux.installed_only = options.installed
    if options.inside:
        return inside(options.inside, options)
    uml.end_on_signals()
    return host(options)


if __name__ == "__main__":
    sys.exit(main())
