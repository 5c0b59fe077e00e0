# SPDX-License-Identifier: MIT
"""A factory reset as a boot carries it out: who asks for it, what stays, and that nothing on
DATA withstands it."""

import json
import os
import shutil
import subprocess

from device import Device, Vendor, equal, read, run, write
from mounts import unmount_now
from resets import DONE, OBEYED, REFUSED, REQUEST, DiskDevice, ask, blkid, check_done, events, \
    make_packages, names, snapshot

WORD = "quiet wmopkg.factory_reset=1"


def prepare(work, build):
    make_packages(Vendor(work, build))


def new_device(work, build, **settings):
    """DATA is a folder, with a package and more; a persistent package."""
    device = Device(work, build, **settings)
    device.install(work + "/packages/plain.wmopkg")
    device.install(work + "/packages/keep.wmopkg", store="persist")
    write(device.base + "/data/config/hostname", "example\n")
    device.reboot()
    return device


def check_folder_done(device, count=1):
    check_done(device, count=count)
    equal(names(device.base + "/data"), [])


def test_what_stays(work, build):
    """What PERSIST remembers, but for the trials; who was quarantined is tried again."""
    with new_device(work, build) as device:
        for _ in range(9):
            device.activate()
            device.reboot(completed=False)
        device.activate()
        equal(device.package("keep", True)["reason"]["code"], "suspect")
        record = device.base + "/persist/wmopkg"
        for name in ("floors.json", "time", "denylist", "denylist.copy", "unlock"):
            write(f"{record}/{name}", f"{name}, as it was\n")
        before = {name: read(f"{record}/{name}") for name in names(record)}
        os.mkdir(record + "/floors")
        write(record + "/floors/keep", "a proof\n")
        write(record + "/known_hosts", "a host\n")
        ask(device)
        device.reboot(completed=False)
        device.activate()
        check_folder_done(device)
        equal(device.log_of_boot()[:2], [
            "wmopkg: factory reset: begins, as the request on PERSIST asks for",
            f"wmopkg: factory reset: deleting all that is on DATA ({device.base}/data)"])
        equal(sorted(set(before) - {"begun"}),
              [".lock", "audit.boots", "audit.head", "denylist", "denylist.copy", "floors.json",
               "time", "trials.json", "unlock"])
        for name in ("floors.json", "time", "denylist", "denylist.copy", "unlock"):
            equal(read(f"{record}/{name}"), before[name])
        equal(read(record + "/floors/keep"), "a proof\n")
        equal(read(record + "/known_hosts"), "a host\n")
        equal(read(record + "/audit.boots").startswith(before["audit.boots"]), True)
        trials = json.loads(read(record + "/trials.json"))["packages"]
        equal([(trial["name"], trial["state"], trial["incomplete"]) for trial in trials],
              [("keep", "trial", 1)])
        # and that is all: the next boot is one like any other
        write(device.base + "/data/config/hostname", "mine\n")
        device.reboot()
        device.activate()
        equal(snapshot(device.base + "/data"), {"config": None, "config/hostname": "mine\n"})
        equal(len(events(device)), 1)


def test_any_request_counts(work, build):
    for kind in ("text", "link", "folder", "fifo"):
        with new_device(work, build) as device:
            path = f"{device.base}/{REQUEST}"
            os.makedirs(os.path.dirname(path))
            if kind == "text":
                write(path, '{"format":1,"step":"asked"')
            elif kind == "link":
                os.symlink("/etc/passwd", path)
            elif kind == "folder":
                write(path + "/file", "")
            else:
                os.mkfifo(path)
            device.activate()
            check_folder_done(device)
            equal([name for name in names(os.path.dirname(path)) if "reset" in name], [])


def test_the_bootloader_asks_once(work, build):
    """However long it goes on saying so; and again after a boot in which it did not."""
    with new_device(work, build) as device:
        device.boot_with(WORD)
        device.activate()
        check_folder_done(device)
        equal(device.log_of_boot()[0],
              "wmopkg: factory reset: begins, as the bootloader asks for")
        for _ in range(2):
            device.reboot()
            device.tell("install", work + "/packages/plain.wmopkg")
            device.activate()
            equal(device.see("etc/plain"), "plain\n")
            equal("wmopkg: factory reset: wmopkg.factory_reset=1 was obeyed, and is still set: "
                  "it counts again after a boot without it" in device.log_of_boot(), True)
        device.boot_with("quiet")
        device.reboot()
        device.activate()
        equal(os.path.exists(f"{device.base}/{OBEYED}"), False)
        device.boot_with(WORD)
        device.reboot()
        device.activate()
        check_folder_done(device, count=2)


def test_asked_for_twice(work, build):
    """By a file and by the bootloader: one reset."""
    with new_device(work, build) as device:
        ask(device)
        device.boot_with(WORD)
        device.activate()
        check_folder_done(device)
        device.reboot()
        device.tell("install", work + "/packages/plain.wmopkg")
        device.activate()
        equal(device.see("etc/plain"), "plain\n")
        # a file asks anew, whatever the bootloader says
        ask(device)
        device.reboot()
        device.activate()
        check_folder_done(device, count=2)


def test_the_word_is_deleted_from_uboot(work, build):
    with new_device(work, build, uboot_env=f"{work}/fw_env.config") as device:
        write(work + "/env.text", "bootdelay=3\n")
        for number in ("1", "2"):
            run("mkenvimage", "-r", "-s", "0x2000", "-o", f"{work}/env{number}",
                work + "/env.text")
        write(work + "/fw_env.config", f"{work}/env1 0x0 0x2000\n{work}/env2 0x0 0x2000\n")
        for count in (1, 2):
            run("fw_setenv", "-c", work + "/fw_env.config", "wmopkg.factory_reset", "1")
            device.activate()
            check_folder_done(device, count)
            said = run("fw_printenv", "-c", work + "/fw_env.config").stdout.split()
            equal(said, ["bootdelay=3"])
            # nor is it said again by the older copy when the newer one is damaged one day
            for number in ("1", "2"):
                os.rename(f"{work}/env{number}", f"{work}/env")
                write(f"{work}/env{number}", bytes(0x2000))
                equal(run("fw_printenv", "-c", work + "/fw_env.config").stdout.split(),
                      ["bootdelay=3"], number)
                os.rename(f"{work}/env", f"{work}/env{number}")
            equal(os.path.exists(f"{device.base}/{OBEYED}"), False)
            device.reboot()
            device.tell("install", work + "/packages/plain.wmopkg")


def test_boot_configuration_that_cannot_be_read(work, build):
    """It may say the word still: nobody knows that it does not."""
    with new_device(work, build, uboot_env=f"{work}/fw_env.none") as device:
        write(work + "/fw_env.none", "# none yet\n")
        os.unlink(work + "/fw_env.none")
        device.boot_with(WORD)
        device.reboot()
        device.activate()
        check_folder_done(device)
        device.boot_with("quiet")
        write(work + "/fw_env.none", f"{work}/nowhere 0x0 0x2000\n{work}/nowhere2 0x0 0x2000\n")
        device.reboot()
        device.activate()
        equal(os.path.exists(f"{device.base}/{OBEYED}"), True)


def test_folder_in_the_place_of_the_trials(work, build):
    with new_device(work, build) as device:
        device.activate()
        device.reboot()
        place = device.base + "/persist/wmopkg/trials.json"
        os.unlink(place)
        os.makedirs(place)
        ask(device)
        device.reboot(completed=False)
        device.activate()
        check_folder_done(device)


def refused(device, why):
    before = snapshot(device.base + "/data")
    device.activate()
    said = [line for line in device.log_of_boot() if "factory reset" in line]
    equal((len(said), said[0].startswith(REFUSED), said[0].endswith(why)), (1, True, True), said)
    equal(snapshot(device.base + "/data"), before)
    equal(device.see("etc/plain"), "plain\n")


def test_persist_takes_no_changes(work, build):
    with new_device(work, build) as device:
        ask(device)
        run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", device.base + "/persist")
        ask(device)
        run("mount", "-o", "remount,ro", device.base + "/persist")
        refused(device, "read-only: persist: factory-reset: Read-only file system "
                        "(the next boot tries again)")
        run("mount", "-o", "remount,rw", device.base + "/persist")
        with open(device.base + "/persist/filler", "wb") as file:
            subprocess.run(["head", "-c", "2M", "/dev/zero"], stdout=file, check=False,
                           stderr=subprocess.DEVNULL)
        device.reboot(completed=False)
        refused(device, "No space left on device "
                        "(the next boot tries again)")
        os.unlink(device.base + "/persist/filler")
        os.makedirs(device.base + "/persist/packages")
        device.install(work + "/packages/keep.wmopkg", store="persist")
        device.reboot(completed=False)
        device.activate()
        check_folder_done(device)


def test_no_persist(work, build):
    with new_device(work, build, persist="LABEL=not-there") as device:
        device.boot_with(WORD)
        refused(device, "there is no PERSIST to remember it on")


def test_a_wrong_configuration(work, build):
    """What must stay lies in DATA."""
    with new_device(work, build) as device:
        base = device.base
        ask(device)
        shutil.copytree(base + "/persist", base + "/data/persist")
        device.configure(persist=base + "/data/persist")
        device.activate()
        equal([line for line in device.log_of_boot() if "factory reset" in line],
              [REFUSED + "config: data: PERSIST lies in DATA and would be deleted with it "
               f"({base}/data/persist) (the next boot tries again)"])
        equal(device.see("etc/plain"), "plain\n")
        shutil.rmtree(base + "/data/persist")
        device.configure(run=base + "/data/run")
        os.makedirs(base + "/data/run")
        device.reboot(completed=False)
        device.activate()
        equal([line for line in device.log_of_boot() if "factory reset" in line],
              [REFUSED + "config: data: the folder `run` lies in DATA and would be deleted "
               f"with it ({base}/data/run) (the next boot tries again)"])
        equal(read(base + "/data/config/hostname"), "example\n")


def test_what_a_plan_says(work, build):
    with new_device(work, build) as device:
        ask(device)
        done = run(device.tool, "--config", device.base + "/conf", "--root",
                   device.base + "/root", "--plan")
        equal("factory reset: requested, deletes all that is on DATA" in done.stdout,
              True, done.stdout)
        equal("plain" in done.stdout.split(), False, done.stdout)
        equal(read(device.base + "/data/config/hostname"), "example\n")
        equal(os.path.exists(f"{device.base}/{REQUEST}"), True)


def plant(folder):
    """All that could keep a folder from being emptied."""
    for number, flags in enumerate(("+i", "+a", "+ai")):
        write(f"{folder}/flags{number}/file", "text\n")
        os.makedirs(f"{folder}/flags{number}/sub/sub")
        for path in ("file", "sub/sub", "sub", ""):
            run("chattr", flags, f"{folder}/flags{number}/{path}")
    os.mkdir(folder + "/odd")
    for name in (b"\xff\xfe", b"a\nb", b"-rf", b" ", b"'\"$(x)", b"\x1b[2J", b"x" * 255):
        with open(os.path.join(os.fsencode(folder), b"odd", name), "wb"):
            pass
    os.mkfifo(folder + "/odd/fifo")
    os.mknod(folder + "/odd/null", 0o20666, os.makedev(1, 3))
    os.symlink("/etc", folder + "/odd/link")
    os.mkdir(folder + "/odd/none", 0)
    run("setfattr", "-n", "trusted.test", "-v", "1", folder)
    run("setfattr", "-n", "user.test", "-v", "1", folder)
    os.chmod(folder, 0o1777)
    os.chown(folder, 1000, 1000)
    at = os.open(folder + "/odd", os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("deep", dir_fd=at)
        below = os.open("deep", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


def plant_mounts(device, folder):
    """A bind mount of a folder that must stay, a tmpfs, one on another, one on a file."""
    outside = device.base + "/outside"
    write(outside + "/file", "stays\n")
    for name in ("bind", "tmpfs", "tmpfs/sub"):
        os.makedirs(f"{folder}/mounts/{name}")
        if name == "bind":
            run("mount", "--bind", outside, f"{folder}/mounts/{name}")
        else:
            run("mount", "-t", "tmpfs", "tmpfs", f"{folder}/mounts/{name}")
    run("mount", "-t", "tmpfs", "tmpfs", folder + "/mounts/tmpfs")
    write(folder + "/mounts/file", "")
    run("mount", "--bind", outside + "/file", folder + "/mounts/file")
    return outside


def test_hostile_tree(work, build):
    for kind in ("ext4", "btrfs"):
        with DiskDevice(work, build, kind) as device:
            folder = device.mount()
            device.fill()
            plant(folder)
            outside = plant_mounts(device, folder)
            run("chattr", "+i", folder)
            ask(device)
            device.reboots = 0
            write("/dev/kmsg", f"<7>{device.boot_mark()}\n")
            device.boot_reset()
            equal(snapshot(outside), {"file": "stays\n"})
            equal(os.listxattr(device.mountpoint), [])
            device.unmount()


def test_subvolumes(work, build):
    """Nested, read-only, and snapshots of each other."""
    with DiskDevice(work, build, "btrfs") as device:
        folder = device.mount()
        device.fill()
        run("btrfs", "subvolume", "create", folder + "/vol")
        run("btrfs", "subvolume", "create", folder + "/vol/nested")
        write(folder + "/vol/nested/file", "text\n")
        write(folder + "/vol/dir/file", "text\n")
        run("btrfs", "subvolume", "create", folder + "/vol/dir/deeper")
        run("btrfs", "subvolume", "snapshot", "-r", folder + "/vol", folder + "/snap")
        run("btrfs", "subvolume", "snapshot", "-r", folder + "/vol/nested", folder + "/vol/ro")
        run("btrfs", "property", "set", folder + "/vol", "ro", "true")
        device.reboot(completed=False)
        ask(device)
        device.boot_reset()
        equal(run("btrfs", "subvolume", "list", device.mountpoint).stdout, "")
        device.unmount()


def test_data_is_used_by_somebody_else(work, build):
    """Mounted elsewhere as well: whoever did that may need it."""
    with DiskDevice(work, build) as device:
        folder = device.mount()
        device.fill()
        other = device.base + "/other"
        os.mkdir(other)
        run("mount", "--bind", folder, other)
        before = snapshot(other)
        device.reboot(completed=False)
        ask(device)
        device.activate()
        device.log_has(REFUSED + f"config: data: {device.node} is in use by the file system at "
                       f"{other} (unmount that, or configure the device that is DATA)")
        equal(snapshot(other), before)
        equal(device.see("etc/plain"), "plain\n")
        device.reboot(completed=False)
        unmount_now(other)
        device.boot_reset()
