# SPDX-License-Identifier: MIT
"""The process that carries out a reset is killed, at the system calls that change something,
at each of them in a long run: whoever runs it again, at once or at the next boot, ends the reset."""

import os

import effort
from device import Vendor, equal, run, write
from resets import REQUEST, DiskDevice, ask, events, make_packages, snapshot

# each with every how many of its calls are tried where it is a sample: odd, as what comes after
# the kill is one thing after an odd number of calls and another after an even one
CALLS = {"unlinkat": 13, "renameat": 5, "fsync": 11, "syncfs": 1, "fchmod": 3}


def prepare(work, build):
    make_packages(Vendor(work, build))


def new_device(work, build):
    device = DiskDevice(work, build)
    folder = device.mount()
    device.fill()
    for number in range(4):
        write(f"{folder}/config/{number}/file", "text\n")
    run("chattr", "+i", folder + "/config/2/file", folder + "/config/3")
    ask(device)
    return device


def activate_and_kill(device, call, count):
    """Kill whoever makes the call number @count; whether anybody did."""
    done = run("strace", "-f", "-qq", "-o", device.base + "/trace", "-e", f"trace={call}",
               "-e", f"inject={call}:signal=KILL:when={count}", device.tool,
               "--config", device.base + "/conf", "--root", device.base + "/root", check=False)
    with open(device.base + "/trace", encoding="utf-8", errors="replace") as trace:
        return "killed by SIGKILL" in trace.read(), done


def check_each(work, build, call, every):
    """A kill at the first, the next, … until there are not so many of them."""
    count = 1 + effort.SEED % every
    killed = True
    while killed:
        with new_device(work, build) as device:
            device.reboot(completed=False)
            killed, _ = activate_and_kill(device, call, count)
            if killed and count % 2:
                device.reboot(completed=False)  # else at once, with all as it was left
            if killed and os.path.exists(device.base + "/run/state.json"):
                os.unlink(device.base + "/run/state.json")
            if killed:
                device.activate()
            equal(snapshot(device.mountpoint), {"lost+found": None}, (call, count))
            equal(os.path.lexists(f"{device.base}/{REQUEST}"), False)
            equal(device.see("etc/keep"), "keep\n", (call, count))
            equal(events(device), ["done, DATA emptied"], (call, count))
            device.unmount()
        count += every
    return count


def test_killed(work, build):
    for call, every in CALLS.items():
        last = check_each(work, build, call, effort.choose(1, every)) - 1
        print(f"      {call}: {last}, seed {effort.SEED}")
