# SPDX-License-Identifier: MIT
"""Storage that dies costs a package its box of time, and not the boot; a boot that hangs
for another reason comes up with the firmware alone."""

import json
import os
import re
import signal
import subprocess
import time

import effort
from device import FIRMWARE, Device, Vendor, devices, equal, load_module, read, run, wait_gone, \
    write
from mounts import unmount_now, unmount_whole

GENEROUS = 90  # seconds that nothing here takes, however busy the machine is
PACKAGES = ("good", "other", "sick")
NOT_VERIFIED = ("it was not verified within its time (package_seconds = 2): its storage may "
                "be failing")
NOT_MOUNTED = ("it was not mounted within its time (package_seconds = 2): its storage may "
               "be failing")
NOT_BEGUN = "the time for all packages was over before it was verified (boot_seconds = 4)"
NOT_DONE = "it was not done within its time (boot_seconds = 12)"
BLOCK = 4096
SECTORS = BLOCK // 512


def prepare(work, build):
    vendor = Vendor(work, build)
    for name in (*PACKAGES, "kept"):
        vendor.make(name, {name: name + "\n", "noise-" + name: os.urandom(100 * BLOCK)})


def test_modules(*_):
    """What the disks below are made of."""
    for name in ("dm-delay", "dm-dust", "dm-flakey"):
        load_module("drivers/md/" + name)


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
        run("mkfs.ext4", "-q", "-b", str(BLOCK), file)
        self.loop = run("losetup", "--find", "--show", file).stdout.strip()
        self.sectors = int(run("blockdev", "--getsz", self.loop).stdout)

    def __enter__(self):
        run("dmsetup", "create", self.name, "--table", self.linear())
        number = run("dmsetup", "info", "--columns", "--noheadings", "-o", "minor",
                     self.name).stdout.strip()
        self.node = "/dev/dm-" + number
        run("mount", self.node, self.folder)
        return self

    def __exit__(self, *_):
        """The device goes first: it has files of the disk open."""
        self.heal()
        run("umount", "-R", "-l", self.device.base)
        run("umount", "-l", self.folder, check=False)
        wait_gone(lambda: [name for name in devices() if name != self.name])
        run("dmsetup", "remove", "--retry", self.name)
        run("losetup", "--detach", self.loop)

    def linear(self):
        return f"0 {self.sectors} linear {self.loop} 0"

    def heal(self):
        """It answers again, also what was asked before."""
        run("dmsetup", "resume", self.name)
        self.load(self.linear())

    def load(self, table):
        run("dmsetup", "suspend", "--nolockfs", self.name)
        run("dmsetup", "reload", self.name, "--table", table)
        run("dmsetup", "resume", self.name)

    def forget(self):
        """Nothing of it is in memory after."""
        unmount_now(self.folder)
        run("mount", self.node, self.folder)

    def fall_silent(self):
        """Whatever is asked of it from now on is never answered."""
        run("dmsetup", "suspend", "--noflush", "--nolockfs", self.name)

    def blocks(self, path):
        """Where the file's blocks are, one after the other."""
        found = []
        for line in run("filefrag", "-v", "-b" + str(BLOCK), path).stdout.splitlines():
            extent = re.match(r"\s*\d+:\s*\d+\.\.\s*\d+:\s*(\d+)\.\.\s*(\d+):", line)
            if extent:
                found += range(int(extent[1]), int(extent[2]) + 1)
        return found

    def infect(self, blocks, target):
        """These blocks get another target of device-mapper, `{place}` being where they are."""
        table, end = [], 0
        for block in sorted(blocks):
            place = block * SECTORS
            if place > end:
                table.append(f"{end} {place - end} linear {self.loop} {end}")
            table.append(f"{place} {SECTORS} " + target.format(loop=self.loop, place=place))
            end = place + SECTORS
        if end < self.sectors:
            table.append(f"{end} {self.sectors - end} linear {self.loop} {end}")
        self.load("\n".join(table))


def fill(disk):
    """All packages on the disk, which is DATA; its cache forgets them."""
    os.makedirs(disk.folder + "/packages")
    for name in PACKAGES:
        run("cp", f"{disk.device.work}/packages/{name}.wmopkg", disk.folder + "/packages")
    run("sync")
    return disk.folder + "/packages/sick.wmopkg"


def data_on(work, name, **settings):
    return {"data": f"{work}/{name}.mounted", **settings}


def activate(device, status=0):
    begun = time.monotonic()
    device.activate(status)
    took = time.monotonic() - begun
    assert took < GENEROUS, took


def check_sick(device, disk, code, message=None, verification="Invalid"):
    """It is left out, everybody says why, and the others are active."""
    disk.heal()  # `show` reads the file, too
    equal([device.see(name) for name in PACKAGES], ["good\n", "other\n", None])
    entry = device.package("sick")
    equal((entry["active"], entry["verification"], entry["reason"]["code"]),
          (False, verification, code))
    if message:
        equal(entry["reason"]["message"], message)
    message = entry["reason"]["message"]
    equal(device.show("sick")["reason"]["message"], message)
    assert any(line.startswith("wmopkg: sick") and line.endswith(f"not active: {code}: {message}")
               for line in device.log()), device.log()


def test_storage_that_never_answers(work, build):
    """`timed-out`: all that is read of the file takes forever."""
    with Device(work, build, package_seconds=2) as device, Disk(device, "never") as disk:
        run("cp", work + "/packages/sick.wmopkg", disk.folder)
        disk.forget()
        for name in ("good", "other"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.install(disk.folder + "/sick.wmopkg", link=True)
        disk.fall_silent()
        activate(device)
        check_sick(device, disk, "timed-out", NOT_VERIFIED)


def test_minutes_for_a_block(work, build):
    """The same disk holds the others: only the blocks of one file are slow."""
    for verify in ("full", "lazy"):
        with Device(work, build, **data_on(work, "slow", package_seconds=2, verify=verify)) \
             as device, Disk(device, "slow") as disk:
            sick = fill(disk)
            blocks = disk.blocks(sick)
            disk.forget()
            disk.infect(blocks, "delay {loop} {place} 600000 {loop} {place} 0")
            activate(device)
            check_sick(device, disk, "timed-out", NOT_VERIFIED)


def test_minutes_to_mount(work, build):
    """With `lazy`, what lies late in the image is read when it is mounted."""
    with Device(work, build, **data_on(work, "late", package_seconds=2, verify="lazy")) \
         as device, Disk(device, "late") as disk:
        sick = fill(disk)
        blocks = disk.blocks(sick)[-20:]
        disk.forget()
        disk.infect(blocks, "delay {loop} {place} 600000 {loop} {place} 0")
        activate(device)
        equal(sum("sick" in name for name in devices()), 1, "still waiting")
        check_sick(device, disk, "timed-out", NOT_MOUNTED, "Signed")
        equal(wait_gone(lambda: [name for name in devices() if "sick" in name]), [],
              "left behind")
        equal(len([name for name in devices() if name.startswith("wmopkg-")]), 2)


def test_blocks_that_cannot_be_read(work, build):
    """An error is an answer: nobody waits."""
    with Device(work, build, **data_on(work, "dust")) as device, Disk(device, "dust") as disk:
        sick = fill(disk)
        block = disk.blocks(sick)[50]
        disk.forget()
        disk.load(f"0 {disk.sectors} dust {disk.loop} 0 {BLOCK}")
        run("dmsetup", "message", disk.name, "0", "addbadblock", str(block))
        run("dmsetup", "message", disk.name, "0", "enable")
        activate(device)
        check_sick(device, disk, "io")


def test_flaky(work, build):
    with Device(work, build, **data_on(work, "flaky")) as device, \
         Disk(device, "flaky") as disk:
        sick = fill(disk)
        blocks = disk.blocks(sick)[30:40]
        disk.forget()
        disk.infect(blocks, "flakey {loop} {place} 0 600")
        activate(device)
        check_sick(device, disk, "io")


def test_time_for_all_is_over(work, build):
    """What could not even be begun is left out as well."""
    with Device(work, build, package_seconds=60, boot_seconds=4) as device, \
         Disk(device, "over") as disk:
        run("cp", work + "/packages/sick.wmopkg", disk.folder)
        disk.forget()
        device.install(disk.folder + "/sick.wmopkg", name="a-sick", link=True)
        device.install(work + "/packages/good.wmopkg")
        disk.fall_silent()
        activate(device)
        equal((device.see("good"), device.is_stacked()), (None, False))
        for name in ("a-sick", "good"):
            reason = device.package(name)["reason"]
            equal((reason["code"], reason["message"]), ("timed-out", NOT_BEGUN))


def check_firmware_alone(device, code, message):
    """The root is as it was, and everybody says why."""
    equal((device.is_stacked(), device.see("good")), (False, None))
    equal(device.see("etc/banner"), FIRMWARE["etc/banner"])
    state = device.state()
    equal((state["stack"]["code"], state["stack"]["message"], state["packages"]),
          (code, message, []))
    equal([line for line in device.log() if "no package is active" in line],
          [f"wmopkg: no package is active: {code}: {message}"])
    below = device.base + "/run/layers/"
    equal([line for line in run("findmnt", "-n", "-o", "TARGET", "--list").stdout.split()
           if line.startswith(below)], [])


def test_data_that_never_answers(work, build):
    """Neither when it is mounted nor later: that costs what is on it, and nothing else."""
    settings = {"boot_seconds": 24, "package_seconds": 3}
    for mounted in (False, True):
        with Device(work, build) as device, Disk(device, "dead") as disk:
            fill(disk)
            device.install(work + "/packages/kept.wmopkg", store="persist")
            if mounted:
                disk.forget()
                device.configure(data=disk.folder, **settings)
            else:
                unmount_now(disk.folder)
                device.configure(data=disk.node, **settings)
            disk.fall_silent()
            activate(device)
            equal((device.see("kept"), device.see("good")), ("kept\n", None))
            equal([package["name"] for package in device.state()["packages"]], ["kept"])
            assert "wmopkg: data: it does not answer, and is not used in this boot: its storage " \
                "may be failing" in device.log(), device.log()
            disk.heal()
            wait_gone(lambda device=device: run("pgrep", "-f", device.tool, check=False).stdout)


def test_reset_of_what_is_not_mounted_in_time(work, build):
    """The next boot makes a new file system, and does not try to mount the old one."""
    with Device(work, build) as device, Disk(device, "dead") as disk:
        fill(disk)
        unmount_now(disk.folder)
        device.configure(data=disk.node, boot_seconds=24)
        write(device.base + "/persist/wmopkg/factory-reset", "")
        disk.fall_silent()
        activate(device)
        assert "wmopkg: factory reset: not in this boot: DATA does not answer" in device.log(), \
            device.log()
        noted = json.loads(read(device.base + "/persist/wmopkg/factory-reset"))
        equal((noted["step"], noted["tries"]), ("asked", 3))  # so that it can be cancelled
        disk.heal()
        wait_gone(lambda: run("pgrep", "-f", device.tool, check=False).stdout)
        unmount_whole(device.base + "/run/data")
        activate(device)
        assert "wmopkg: factory reset: done: DATA is empty, its file system is a new one" in \
            device.log(), device.log()


def test_persist_that_never_answers(work, build):
    """When it is mounted: that costs what is on it, and not what is on DATA."""
    with Device(work, build) as device, Disk(device, "dead") as disk:
        unmount_now(disk.folder)
        device.configure(boot_seconds=24, persist=disk.node)
        device.install(work + "/packages/good.wmopkg")
        disk.fall_silent()
        activate(device)
        equal(device.see("good"), "good\n")
        assert "wmopkg: persist: it does not answer, and is not used in this boot: its storage " \
            "may be failing" in device.log(), device.log()
        disk.heal()
        wait_gone(lambda: run("pgrep", "-f", device.tool, check=False).stdout)


def test_persist_that_falls_silent(work, build):
    """Once its folders were read, nothing of the worker's own can get past this, and its
    supervisor does not wait."""
    with Device(work, build) as device, Disk(device, "dead") as disk:
        os.mkdir(disk.folder + "/packages")
        device.configure(boot_seconds=12, persist=disk.folder)
        device.install(work + "/packages/good.wmopkg")
        run("sync")
        os.listdir(disk.folder + "/packages")
        disk.fall_silent()
        activate(device, status=1)
        check_firmware_alone(device, "timed-out", NOT_DONE)
        disk.heal()
        wait_gone(lambda: run("pgrep", "-f", device.tool, check=False).stdout)
        device.activate()
        equal(device.see("good"), "good\n")


def start(device):
    return subprocess.Popen([device.tool, "--config", device.base + "/conf",
                             "--root", device.base + "/root"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def worker_of(process):
    """The process that does the work; None where it has not begun, or is done."""
    found = run("pgrep", "--parent", str(process.pid), check=False).stdout.split()
    return int(found[0]) if found else None


def send(pid, number):
    """It may be done by now."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def stop(pid):
    """Until it stands still: a signal waits for the system call that it comes into. False: it
    is done."""
    send(pid, signal.SIGSTOP)
    state = "R"
    while state not in "tTZX":
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                state = file.read().rpartition(") ")[2][0]
        except (FileNotFoundError, ProcessLookupError):
            return False
    return state in "tT"


def kill_worker(process):
    pid = worker_of(process)
    if pid:
        send(pid, signal.SIGKILL)


def check_all_or_nothing(device, status):
    """Whatever the moment: all of it, or the firmware alone. Then once more."""
    if status == 0:
        equal([device.see(name) for name in PACKAGES], ["good\n", "other\n", "sick\n"])
        return
    equal(device.is_stacked(), False)
    equal(device.see("etc/banner"), FIRMWARE["etc/banner"])
    device.activate()
    equal([device.see(name) for name in PACKAGES], ["good\n", "other\n", "sick\n"])


def kill_after(work, build, seconds):
    """Kill the worker then. True: it was not done."""
    with Device(work, build) as device:
        for name in PACKAGES:
            device.install(f"{work}/packages/{name}.wmopkg")
        with start(device) as process:
            time.sleep(seconds)
            kill_worker(process)
        assert process.returncode in (0, 1), process.returncode
        if process.returncode == 1:
            equal(device.state()["stack"]["message"],
                  "wmopkg-activate was ended by signal 9 before it was done: most likely memory "
                  "ran out (remove packages, or lower memory_percent in the configuration)")
        check_all_or_nothing(device, process.returncode)
        return process.returncode == 1


def test_worker_killed_at_any_time(work, build):
    with Device(work, build) as device:
        for name in PACKAGES:
            device.install(f"{work}/packages/{name}.wmopkg")
        begun = time.monotonic()
        device.activate()
        whole = time.monotonic() - begun
    killed = 0
    # where it was slower when it was measured, once more with less time
    for _ in range(5):
        for step in effort.choose(range(1, 25), (1, 4, 8, 16)):
            killed += kill_after(work, build, whole * step / 24)
        if killed:
            return
        whole /= 4
    raise AssertionError("every one was done before it was killed")


def is_covered(device):
    """Without another process, which would take its time."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return any(f" {device.base}/root " in line and " - overlay " in line for line in file)


def kill_with_the_stack_there(device):
    """The worker runs for a moment at a time until the stack is there. True: its state is
    not."""
    with start(device) as process:
        pid = None
        while pid is None and process.poll() is None:
            pid = worker_of(process)
        # looked at only while it stands still: what is seen stays true until it is killed
        while pid is not None and stop(pid) and not is_covered(device):
            send(pid, signal.SIGCONT)
            time.sleep(0.001)
        between = not os.path.exists(device.base + "/run/state.json")
        kill_worker(process)
    if between:
        equal(process.returncode, 1)
    check_all_or_nothing(device, process.returncode)
    return between


def test_worker_killed_with_the_stack_there(work, build):
    """Between the stack and its state: taken down; after that: everything is in place."""
    for _ in range(20):
        with Device(work, build) as device:
            for name in PACKAGES:
                device.install(f"{work}/packages/{name}.wmopkg")
            if kill_with_the_stack_there(device):
                return
    raise AssertionError("the state was there before it was killed, each time")


def test_told_to_end(work, build):
    """A signal to the supervisor ends the worker, too."""
    with Device(work, build, package_seconds=60, boot_seconds=0) as device, \
         Disk(device, "ended") as disk:
        run("cp", work + "/packages/sick.wmopkg", disk.folder)
        disk.forget()
        device.install(disk.folder + "/sick.wmopkg", link=True)
        disk.fall_silent()
        with start(device) as process:
            while worker_of(process) is None:
                pass
            process.send_signal(signal.SIGTERM)
            equal(process.wait(GENEROUS), 1)
        check_firmware_alone(device, "stack-failed",
                             "wmopkg-activate was ended by signal 15 before it was done")


def test_udev_that_never_answers(work, build):
    """As far as anybody can tell udev runs; nothing waits for its word."""
    with Device(work, build) as device:
        device.install(work + "/packages/good.wmopkg")
        write("/run/udev/control", "")
        try:
            activate(device)
        finally:
            os.unlink("/run/udev/control")
        equal(device.see("good"), "good\n")
