# SPDX-License-Identifier: MIT
"""A run that is killed at any moment costs nothing: the next one works."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time

from device import Device, Vendor, devices, equal, loops, run, wait_gone, write

PACKAGES = 6


def prepare(work, build):
    vendor = Vendor(work, build)
    for number in range(PACKAGES):
        vendor.make(f"p{number}", {f"p{number}": f"{number}\n"})
    os.mkdir(work + "/newer")
    shutil.move(vendor.make("p1", {"p1": "newer\n"}, version="2.0"), work + "/newer/p1.wmopkg")
    vendor.make("p1", {"p1": "1\n"})


def start(device):
    return subprocess.Popen([device.tool, "--config", device.base + "/conf",
                             "--root", device.base + "/root"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def is_done(device):
    return os.path.exists(device.base + "/run/state.json")


def check_again(device):
    """Run again after a kill, and see everything in place."""
    if is_done(device):
        return
    device.activate()
    for number in range(PACKAGES):
        equal(device.see(f"p{number}"), f"{number}\n")
        equal(device.package(f"p{number}")["active"], True)
    equal(len(devices()), PACKAGES)


def test_killed_at_any_time(work, build):
    with Device(work, build) as device:
        for number in range(PACKAGES):
            device.install(f"{work}/packages/p{number}.wmopkg")
        begun = time.monotonic()
        device.activate()
        whole = time.monotonic() - begun
    for step in range(1, 13):
        with Device(work, build) as device:
            for number in range(PACKAGES):
                device.install(f"{work}/packages/p{number}.wmopkg")
            with start(device) as process:
                time.sleep(whole * step / 12)
                process.send_signal(signal.SIGKILL)
            check_again(device)


def kill_once_mounted(work, build):
    """Whether the kill came before the end: the machine may have other work."""
    with Device(work, build) as device:
        for number in range(PACKAGES):
            device.install(f"{work}/packages/p{number}.wmopkg")
        with start(device) as process:
            while not os.path.ismount(device.base + "/run/layers/2"):
                assert process.poll() is None, "it ended before it was killed"
            process.send_signal(signal.SIGKILL)
        if is_done(device):
            return False
        assert devices(), "nothing was left behind"
        check_again(device)
        assert any("cleaned up after a run that was cut off" in line
                   for line in device.log()), device.log()
        return True


def test_killed_once_a_layer_is_mounted(work, build):
    assert any(kill_once_mounted(work, build) for _ in range(10)), "never killed in time"


def test_killed_before_the_state(work, build):
    """The stack is there and its state is not: it is taken down and made again."""
    with Device(work, build) as device:
        device.install(work + "/packages/p0.wmopkg")
        device.activate()
        os.remove(device.base + "/run/state.json")
        device.install(work + "/packages/p1.wmopkg")
        device.activate()
        equal(device.see("p1"), "1\n")
        equal(len(devices()), 2)
        covers = run("findmnt", "-n", "-o", "FSTYPE", "--mountpoint",
                     device.base + "/root").stdout.split()
        equal(covers.count("overlay"), 1)


def content(path):
    """A file as the list of changes names it."""
    with open(path, "rb") as file:
        head = file.read(65536)
    return {"bytes": os.path.getsize(path), "head": hashlib.sha256(head).hexdigest()}


def test_set_that_was_cut_off(work, build):
    """A set of changes, over both stores: with its list it is completed, without it never was."""
    for listed in (True, False):
        with Device(work, build) as device:
            device.install(f"{work}/packages/p0.wmopkg", store="persist")
            device.install(f"{work}/packages/p1.wmopkg")
            device.install(f"{work}/packages/p2.wmopkg")
            persist, data = (f"{device.base}/{store}/packages" for store in ("persist", "data"))
            shutil.copy(f"{work}/newer/p1.wmopkg", f"{persist}/.p1.wmopkg.new")
            shutil.copy(f"{work}/packages/p3.wmopkg", f"{data}/.p3.wmopkg.new")
            step = json.dumps({"type": "audit-step", "format": 1, "user": "tester",
                               "time": 1700000000, "after": 0, "lines": [
                                   {"event": "install", "package": "p1", "persistent": True,
                                    "version": "2.0"},
                                   {"event": "set", "persistent": False, "detail": "cut off"}]})
            os.makedirs(f"{device.base}/persist/wmopkg", exist_ok=True)
            write(f"{device.base}/persist/wmopkg/audit.step", step)
            if listed:
                on_data = json.dumps({"type": "changes", "format": 1, "changes": [
                    {"name": "p3", "remove": False, **content(f"{data}/.p3.wmopkg.new")},
                    {"name": "p1", "remove": True, **content(f"{data}/p1.wmopkg")}]})
                write(f"{data}/.set.wmopkg", on_data)
                write(f"{persist}/.set.wmopkg", json.dumps({
                    "type": "changes", "format": 1,
                    "other": hashlib.sha256(on_data.encode()).hexdigest(),
                    "log": hashlib.sha256(step.encode()).hexdigest(), "changes": [
                        {"name": "p1", "remove": False, **content(f"{persist}/.p1.wmopkg.new")},
                        {"name": "p0", "remove": True, **content(f"{persist}/p0.wmopkg")}]}))
            device.activate()
            equal([device.see(f"p{number}") for number in range(4)],
                  [None, "newer\n", "2\n", "3\n"] if listed else ["0\n", "1\n", "2\n", None])
            wait_gone(lambda: [name for store in (persist, data) for name in os.listdir(store)
                               if name.startswith(".") and name != ".lock"])
            equal((sorted(os.listdir(persist)), sorted(os.listdir(data))),
                  (["p1.wmopkg"], ["p2.wmopkg", "p3.wmopkg"]) if listed else
                  (["p0.wmopkg"], ["p1.wmopkg", "p2.wmopkg"]))
            lines = [json.loads(line) for line in device.tell("audit", "json").splitlines()]
            equal([(line["event"], line["user"]) for line in lines if line["user"] == "tester"],
                  [("install", "tester"), ("set", "tester")] if listed else [])
            device.tell("audit", "verify")


def test_set_that_waits(work, build):
    """One that cannot be completed yet is told in the kernel log of each boot."""
    with Device(work, build) as device:
        device.install(f"{work}/packages/p2.wmopkg")
        data = f"{device.base}/data/packages"
        shutil.copy(f"{work}/packages/p3.wmopkg", f"{data}/.p3.wmopkg.new")
        write(f"{data}/.set.wmopkg", json.dumps({
            "type": "changes", "format": 1, "alone": True, "changes": [
                {"name": "p3", "remove": False, **content(f"{data}/.p3.wmopkg.new")}]}))
        os.makedirs(f"{data}/p3.wmopkg/full")
        device.activate()
        equal([device.see("p2"), device.see("p3")], ["2\n", None])
        assert any("store: a set that was applied is not complete: data: p3.wmopkg: " in line and
                   line.endswith("then run 'wmopkg show')") for line in device.log()), device.log()


def test_device_of_a_killed_run(work, build):
    """A device-mapper device that nothing uses goes; one of somebody else stays."""
    with open(work + "/disk", "wb") as file:
        file.truncate(1 << 20)
    loop = run("losetup", "--find", "--show", work + "/disk").stdout.strip()
    try:
        for name in ("wmopkg-0badc0de-o-p0", "somebody-else", "wmopkg-data"):
            run("dmsetup", "create", name, "--table", f"0 8 linear {loop} 0")
        # as it is between its making and the loading of its table
        run("dmsetup", "create", "wmopkg-0badc0de-o-p1", "--notable")
        with Device(work, build) as device:
            device.install(work + "/packages/p0.wmopkg")
            device.activate()
            equal("wmopkg-0badc0de-o-p0" in devices(), False)
            equal("wmopkg-0badc0de-o-p1" in run("dmsetup", "ls").stdout, False)
            equal("somebody-else" in devices(), True)
            equal("wmopkg-data" in devices(), True)
            equal(len(devices()), 3)
            run("umount", "-l", device.base + "/root")
            run("umount", "-R", "-l", device.base)
            run("dmsetup", "remove", "somebody-else")
            run("dmsetup", "remove", "wmopkg-data")
            run("losetup", "--detach", loop)
    finally:
        run("dmsetup", "remove", "somebody-else", check=False)
        run("losetup", "--detach", loop, check=False)
    equal((wait_gone(devices), wait_gone(loops)), ([], []), "left behind")


def kept(device):
    return [name for store in ("data", "persist")
            for name in os.listdir(f"{device.base}/{store}/packages") if name.startswith(".")]


def test_undo(work, build):
    """What is active comes back as it was, by its loop device too; what is kept of a change goes
    with the boot that applies it, and is no unfinished installation."""
    def facts():
        device.shown = {}
        item = device.show("p1")
        return item["status"], item["version"], item.get("running_version")

    with Device(work, build) as device:
        place = device.install(work + "/packages/p1.wmopkg")
        device.activate()
        inode = os.stat(place).st_ino
        for words in (("remove", "p1", "--yes"), ("install", work + "/newer/p1.wmopkg")):
            device.tell(*words)
            equal(facts()[0], "removed" if words[0] == "remove" else "pending")
            equal(device.tell("undo", "--yes"), "Undone... Changes are applied after reboot.\n")
            equal((os.stat(place).st_ino, facts()), (inode, ("active", "1.0", None)))
            equal(device.tell("show", "pending"), "The next reboot changes no package.\n")
            equal(device.see("p1"), "1\n")
        equal(kept(device), [])
        device.tell("install", work + "/newer/p1.wmopkg")
        equal(len(kept(device)), 1)
        device.reboot()
        device.activate()
        equal((facts(), device.see("p1"), kept(device)), (("active", "2.0", None), "newer\n", []))
        assert not any("unfinished" in line for line in device.log()), device.log()
        device.tell("undo", "--yes", status=4)
