# SPDX-License-Identifier: MIT
"""Packages are installed, replaced and removed, round after round, with a reboot every few of
them: nothing is left of it, and nothing grows.

DATA and PERSIST are file systems of their own. After each reboot the device is in the same state,
so it has the same files, as much room, and as much memory.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time

import effort
from case_memory import available
from cuts import EXT4, PERSIST_LABEL, CutDevice
from device import Vendor, devices, equal, loops, read, run, wait_gone
from resets import LABEL

ROUNDS, ROUNDS_OF_SAMPLE = 2000, 40
ROUNDS_OF_BOOT = 20
SETTLED_BOOTS = 5  # until folders are as large as they get
CONTENT = 20_000  # bytes of a package's content
AUDIT_BYTES = 16384  # the smallest audit log, which is full soon
NAMES = ("alpha", "beta", "gamma")
# KiB by which memory may differ, as what the kernel keeps for itself comes and goes
DEVICE_KIB, PROGRAM_KIB = 1024, 128


def prepare(work, build):
    vendor = Vendor(work, build)
    for version in ("1.0", "2.0"):
        os.makedirs(f"{work}/{version}")
        for name in ("plain", "keep", *NAMES):
            shutil.rmtree(work + "/trees", ignore_errors=True)
            made = vendor.make(name, {f"usr/share/soak/{name}": os.urandom(CONTENT)},
                               version=version)
            os.rename(made, f"{work}/{version}/{name}.wmopkg")


def new_device(work, build):
    device = CutDevice(work, build, audit_bytes=AUDIT_BYTES)
    device.plug_all()
    for node, label in zip(device.nodes, (LABEL, PERSIST_LABEL)):
        run(*EXT4, "-L", label, node)
    for volume, node, name in zip(device.sizes, device.nodes, ("plain", "keep")):
        os.makedirs(device.folder(volume), exist_ok=True)
        run("mount", node, device.folder(volume))
        os.mkdir(device.folder(volume) + "/packages")
        shutil.copy(f"{work}/1.0/{name}.wmopkg", device.folder(volume) + "/packages")
    device.take_down()
    return device


def lines_of(work, number):
    """The commands of round @number. A package is installed, replaced and removed; each third one
    becomes persistent by it. In the last round of a boot it is removed in the next one only."""
    name = NAMES[number % len(NAMES)]
    persistent = "persistent " if name == "gamma" else ""
    lines = [f"package install {work}/1.0/{name}.wmopkg",
             f"package install {persistent}{work}/2.0/{name}.wmopkg",
             f"package remove {name} --yes"]
    first, last = number % ROUNDS_OF_BOOT == 0, (number + 1) % ROUNDS_OF_BOOT == 0
    before = [f"package remove {NAMES[(number - 1) % len(NAMES)]} --yes"] if first and number else []
    return before + (lines[:-1] if last else lines)


def memory(process):
    """KiB that only this process has in memory; 0 once it is over."""
    try:
        pages = read(f"/proc/{process.pid}/statm").split()
    except FileNotFoundError:
        return 0
    return (int(pages[1]) - int(pages[2])) * 4 if pages else 0


def type_in(device, lines):
    """Type commands at one shell; KiB that it has in memory after the first one, and at most."""
    path = device.base + "/typed"
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
    sizes, told = [], []
    with open(path, "rb") as typed, subprocess.Popen(
            [device.wmopkg, "--config", device.base + "/conf"], stdin=typed,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as shell:
        for line in shell.stdout:
            told.append(line)
            if "Changes are applied" in line:
                sizes.append(memory(shell))
    equal(shell.returncode, 0, "".join(told[-20:]))
    return sizes[0], max(sizes)


def look(device, monitor):
    """Once a boot is completed: what must be the same after each."""
    audit, files, room = 0, {}, {}
    for volume in device.sizes:
        folder, blocks, logs = device.folder(volume), 0, 0
        for above, folders, names in os.walk(folder):
            for name in folders + names:
                path = os.path.join(above, name)
                is_audit = name.startswith("audit.") and name != "audit.head"
                if is_audit:
                    audit, logs = audit + os.stat(path).st_size, logs + 1
                    blocks += os.stat(path).st_blocks // 2
                else:
                    files[os.path.relpath(path, device.base)] = os.stat(path).st_blocks
        free = os.statvfs(folder)
        room[volume] = {"free KiB": free.f_bfree * free.f_frsize // 1024 + blocks,
                        "audit KiB": blocks, "files": free.f_files - free.f_ffree - logs}
    return {"files": files, "room": room, "run": sorted(os.listdir(device.base + "/run")),
            "audit bytes": audit,
            "loops": len(loops()), "devices": len(devices()),
            "numbers": len([block for block in os.listdir("/sys/block") if "loop" in block]),
            "active": sorted((package["name"], package["version"], package["persistent"])
                             for package in device.state()["packages"] if package["active"]),
            "available": available(), "monitor": memory(monitor)}


@contextlib.contextmanager
def monitored(device):
    """A program of the device that runs all the time."""
    with open(device.base + "/events", "wb") as events, subprocess.Popen(
            [device.wmopkg, "--config", device.base + "/conf", "monitor", "json"],
            stdout=events, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT) as monitor:
        try:
            yield monitor
            equal(monitor.poll(), None, "the monitor has ended")
        finally:
            monitor.terminate()


def same_state(one, other):
    """What differs, of two boots with the same packages."""
    found = {key: (one[key], other[key]) for key in ("files", "run", "loops", "devices", "numbers")
             if one[key] != other[key]}
    for volume in one["room"]:
        for key in ("free KiB", "files"):
            pair = one["room"][volume][key], other["room"][volume][key]
            if pair[0] != pair[1]:
                found[volume, key] = pair
    return found


def test_rounds(work, build):
    rounds = effort.choose(ROUNDS, ROUNDS_OF_SAMPLE)
    start, seen, shells = time.monotonic(), [], []
    with new_device(work, build) as device:
        device.boot()
        device.tell("boot-complete")
        with monitored(device) as monitor:
            for first in range(0, rounds, ROUNDS_OF_BOOT):
                shells.append(type_in(device, [line for number in range(first, first + ROUNDS_OF_BOOT)
                                               for line in lines_of(work, number)]))
                os.truncate(device.base + "/events", 0)
                device.take_down()
                equal((wait_gone(loops), wait_gone(devices)), ([], []), "left after a boot")
                device.boot()
                device.tell("boot-complete")
                seen.append(look(device, monitor))
                if len(seen) % 10 == 0:
                    print(f"      {first + ROUNDS_OF_BOOT} rounds, {time.monotonic() - start:.0f} s",
                          json.dumps({key: what for key, what in seen[-1].items() if key != "files"}),
                          flush=True)
        device.tell("audit", "verify")
        check(seen, shells)
        device.take_down()
        for node in device.nodes:
            run("e2fsck", "-f", "-n", node)
        device.pull_all()
    print(f"      {rounds} rounds, {len(seen)} reboots, {time.monotonic() - start:.0f} s")


def check(seen, shells):
    for number, now in enumerate(seen):
        name = NAMES[(ROUNDS_OF_BOOT * (number + 1) - 1) % len(NAMES)]
        equal(now["active"], sorted([("plain", "1.0", False), ("keep", "1.0", True),
                                     (name, "2.0", name == "gamma")]), number)
        equal((now["loops"], now["devices"]), (6, 3), number)
        equal(now["audit bytes"] <= 2 * AUDIT_BYTES, True, (number, now["audit bytes"]))
    for first, most in shells:
        equal(most <= first + PROGRAM_KIB, True, ("the shell grows", first, most))
    for one in seen[0], seen[-1]:
        print("      " + json.dumps({key: what for key, what in one.items() if key != "files"}))
    settled = seen[SETTLED_BOOTS:]
    for number, now in enumerate(settled):
        before = settled[number % len(NAMES)]  # with the same packages
        equal(same_state(before, now), {}, number)
    for key, kib, sign in (("available", DEVICE_KIB, -1), ("monitor", PROGRAM_KIB, 1)):
        early, late = (sum(now[key] for now in part) // len(part)
                       for part in (settled[:len(settled) // 2], settled[len(settled) // 2:])) \
            if len(settled) > 1 else (0, 0)
        print(f"      {key}: {early} KiB in the first half, {late} KiB in the second one")
        equal((late - early) * sign <= kib, True, (key, early, late))
