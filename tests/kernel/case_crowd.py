# SPDX-License-Identifier: MIT
"""Whatever lies on DATA, and however much of it: the packages of PERSIST are active, those of
DATA that were in use come next, and what is left out is left out one by one."""

import json
import os
import shutil
import signal
import time

import effort
from case_boxes import Disk, start, test_modules, worker_of
from device import Device, Vendor, equal, read, run, wait_gone, write
import clones  # pylint: disable=wrong-import-order

MOST = 498
KEPT = 3  # packages on PERSIST
FLOOD = 500
JUNK_BYTES = 70000


def prepare(work, build):
    vendor = Vendor(work, build)
    for number in range(KEPT):
        vendor.make(f"keep{number}", {f"etc/keep{number}": "here\n"})
    for name in ("good", "stranger", "other"):
        vendor.make(name, {f"etc/{name}": "here\n"})
    vendor.make("tiny", {"etc/tiny": "here\n"}, signer=None)


def crowded(work, build, **settings):
    """A device with packages on PERSIST and one on DATA, which has completed a boot with them."""
    device = Device(work, build, **settings)
    for number in range(KEPT):
        device.install(f"{work}/packages/keep{number}.wmopkg", store="persist")
    device.install(work + "/packages/good.wmopkg", name="zz-good")
    return device


def check_kept(device, good=True):
    for number in range(KEPT):
        equal(device.see(f"etc/keep{number}"), "here\n", f"keep{number}")
        equal(device.package(f"keep{number}", True)["active"], True)
    equal(device.see("etc/good"), "here\n" if good else None)
    # the state can be read, by those who show it
    told = device.tell("show", "json")
    told = json.loads(told[told.index("{"):])  # after a warning
    equal([package["name"] for package in told["packages"] if package["persistent"]],
          [f"keep{number}" for number in range(KEPT)])


def fill(device, count, content, prefix="a"):
    folder = device.base + "/data/packages"
    for number in range(count):
        with open(f"{folder}/{prefix}{number:06}.wmopkg", "wb") as file:
            file.write(content(number) if callable(content) else content)


def test_links(work, build):
    """Six hundred names of one package: it is one package."""
    with crowded(work, build) as device:
        path = device.install(work + "/packages/other.wmopkg")
        for number in range(600):
            os.link(path, f"{device.base}/data/packages/link{number}.wmopkg")
        device.activate()
        check_kept(device)
        equal(device.see("etc/other"), "here\n")
        equal(device.state()["unlisted"]["data"], {"junk": 0, "links": 600, "over": 0})
        equal(len(device.state()["packages"]), KEPT + 2)
        assert any("600 more hard links to packages" in line for line in device.log()), device.log()


def test_junk(work, build):
    """Of any number: a few are told, and the rest is a number, in one line of the log."""
    kinds = ((2, b""), (60, os.urandom(JUNK_BYTES)), (500, b"WMOPKG01" + bytes(9000)),
             (5000, b"short"), (5000, bytes(9000)))
    for count, content in effort.choose(kinds, kinds[1::2]):
        with crowded(work, build) as device:
            device.activate()
            device.reboot()
            fill(device, count, content)
            begun = time.monotonic()
            device.activate()
            print(f"      {count} files of {len(content)} bytes: "
                  f"{time.monotonic() - begun:.1f} s")
            check_kept(device)
            state = device.state()
            told = [package for package in state["packages"] if package["name"].startswith("a")]
            # on a busy machine, the time for strangers may be over before the last of them
            junk = [package for package in told if package["reason"]["code"] != "too-many"]
            assert len(junk) <= 64, len(junk)
            unlisted = state["unlisted"]["data"]
            equal(unlisted["junk"] + unlisted["over"] + len(told), count, unlisted)
            lines = [line for line in device.log_of_boot() if "not listed: " in line]
            assert len(lines) <= 1, lines
            assert len(device.log_of_boot()) < 64 + 20, device.log_of_boot()


def test_very_many(work, build):
    """So many that no list of them could be written, nor read again."""
    count = 100000 if effort.LONG else 20000
    with crowded(work, build) as device:
        device.activate()
        device.reboot()
        folder = device.base + "/data/packages"
        # by default, a tmpfs has fewer inodes than that
        run("mount", "-o", "remount,nr_inodes=0", device.base)
        for number in range(count):
            os.close(os.open(f"{folder}/a{number:06}.wmopkg", os.O_WRONLY | os.O_CREAT))
        begun = time.monotonic()
        device.activate()
        print(f"      {count} files: {time.monotonic() - begun:.1f} s")
        check_kept(device)
        unlisted = device.state()["unlisted"]["data"]
        equal((unlisted["junk"] + unlisted["over"], len(device.state()["packages"])),
              (count - 64, 64 + KEPT + 1))


def test_names_that_no_package_has(work, build):
    with crowded(work, build) as device:
        for number in range(100):
            write(f"{device.base}/data/packages/\x1b[2J{number}", "x")
        device.activate()
        check_kept(device)
        equal(device.state()["unlisted"]["data"], {"junk": 100, "links": 0, "over": 0})


# Half a minute of processor time. What a small memory takes is in case_memory.py.
if effort.LONG:
    def test_more_than_a_stack_takes(work, build):
        """Packages that may be active, more than there are layers."""
        with crowded(work, build, memory_percent=100, package_seconds=0, boot_seconds=0) as device:
            device.boot_with("wmopkg.allow_untrusted=1")
            device.activate()
            check_kept(device)
            device.reboot()
            clones.place(work + "/packages/tiny.wmopkg", device.base + "/data/packages",
                         (f"a{number:06}" for number in range(FLOOD)))
            device.activate()
            check_kept(device)
            left_out = {package["name"]: package["reason"]["code"]
                        for package in device.state()["packages"] if not package["active"]}
            # good is in the last good set, and comes before those of earlier names
            layers = sum(package["active"] for package in device.state()["packages"])
            equal(layers + len(left_out), FLOOD + KEPT + 1)
            assert layers > 50, layers
            equal(set(left_out.values()) <= {"too-many", "no-memory"}, True, left_out)


def test_leftovers_of_installs(work, build):
    """Those on PERSIST go before the records are written, those on DATA after the packages are
    mounted, and of very many a part in each boot. What cannot be deleted is no hindrance."""
    with crowded(work, build) as device:
        device.activate()
        device.reboot()
        folder = device.base + "/data/packages"
        for number in range(6000):
            write(f"{folder}/.a{number}.wmopkg.new", "")
        write(device.base + "/persist/packages/.b.wmopkg.new", "x")
        device.activate()
        check_kept(device)
        log = device.log_of_boot()
        told = [index for index, line in enumerate(log)
                if "unfinished installations deleted" in line]
        active = [index for index, line in enumerate(log) if ", active" in line]
        equal((len(told), len(active)), (2, KEPT + 1), log)
        assert told[0] < min(active) and max(active) < told[1], log
        left = len(os.listdir(folder)) - 1
        assert 6000 - 4096 <= left < 6000, left
        equal(os.listdir(device.base + "/persist/packages").count(".b.wmopkg.new"), 0)
        device.reboot()
        device.activate()
        equal(os.listdir(folder), ["zz-good.wmopkg"])
        device.reboot()
        for number in range(6000):
            os.mkdir(f"{folder}/.a{number}.wmopkg.new")
        device.activate()
        check_kept(device)


def test_a_folder_of_packages_that_is_none(work, build):
    """A link or a file in place of DATA/packages costs what is on DATA, and nothing else."""
    for kind in ("link", "file", "missing"):
        with crowded(work, build) as device:
            packages = device.base + "/data/packages"
            shutil.rmtree(packages)
            if kind == "link":
                os.symlink(device.base + "/persist/packages", packages)
            elif kind == "file":
                write(packages, "x")
            device.activate()
            check_kept(device, good=False)


def test_boots_that_end_while_packages_are_verified(work, build):
    """They count, and against no package: first strangers stay out, then all of DATA, and the
    packages of PERSIST only after many more."""
    begun = "persist/wmopkg/begun"
    with crowded(work, build) as device:
        device.activate()
        check_kept(device)
        device.reboot()
        device.install(work + "/packages/stranger.wmopkg")
        for count, left_out, after in ((2, (), 0), (3, ("stranger",), 2),
                                       (9, ("stranger", "good"), 5)):
            write(f"{device.base}/{begun}", f"{count:<7}\n")
            device.activate()
            equal(read(f"{device.base}/{begun}"), f"{after:<7}\n")
            check_kept(device, good="good" not in left_out)
            equal(device.see("etc/stranger"), None if "stranger" in left_out else "here\n")
            assert any(f"boot not completed: {count} in a row ended before the packages were "
                       "verified" in line for line in device.log_of_boot()), device.log_of_boot()
            device.reboot(completed=bool(left_out))
        # nothing was quarantined, and all is tried again
        write(f"{device.base}/{begun}", "15     \n")
        device.activate()
        equal(device.is_stacked(), False)
        equal({package["reason"]["code"] for package in device.state()["packages"]},
              {"timed-out"})
        device.reboot()
        for _ in range(3):
            device.activate()
            equal(device.see("etc/keep0"), "here\n")
            device.reboot()
        device.activate()
        check_kept(device)
        equal(device.see("etc/stranger"), "here\n")


def test_counted_before_anything_is_read(work, build):
    """A boot that ends in the middle of it has been counted, against none of them."""
    test_modules()
    with crowded(work, build, package_seconds=0, boot_seconds=0) as device, \
         Disk(device, "ended") as disk:
        shutil.copy(work + "/packages/other.wmopkg", disk.folder)
        disk.forget()
        device.install(disk.folder + "/other.wmopkg", link=True)
        disk.fall_silent()
        with start(device) as process:
            while not os.path.exists(f"{device.base}/persist/wmopkg/begun"):
                time.sleep(0.01)
            while worker_of(process) is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            process.wait()
        disk.heal()
        equal(read(f"{device.base}/persist/wmopkg/begun"), "1      \n")
        equal(os.path.exists(f"{device.base}/persist/wmopkg/trials.json"), False)
        wait_gone(lambda: run("pgrep", "-f", device.tool, check=False).stdout)
        device.activate()
        check_kept(device)
        equal(read(f"{device.base}/persist/wmopkg/begun"), "0      \n")
