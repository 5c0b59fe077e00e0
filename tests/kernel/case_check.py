# SPDX-License-Identifier: MIT
"""The file systems of DATA and PERSIST are checked before they are mounted. Whoever wrote them
decides how long that takes: it costs what is on that volume, once, and no boot."""

import os
import shutil
import struct
import subprocess
import time

from device import Vendor, equal, read, run, write
from mounts import unmount_now
from partitions import PartitionedDevice, ask_on_persist, lengthen, start
from resets import DONE, LABEL, MIB, UUID, make_packages

SECONDS = 60  # boot_seconds
LIMIT = SECONDS // 6
E2FSCK = "/sbin/e2fsck"
PERSIST = "wmopkg-persist"
# It hangs on the device in the file `hangs`, and cannot be asked to end. It notes its words, and
# whether the boot was counted.
STANDIN = """#!/bin/sh
eval device=\\${$#}
echo "$* $(cat WORK/begun 2>/dev/null)" >>WORK/ran
[ "$device" = "$(cat WORK/hangs)" ] || exec WORK/e2fsck "$@"
trap '' TERM
echo "what it says"
while :; do sleep 1; done
"""
ENDED = ("{name}: {node}: the check of its file system was ended: it was not done within "
         f"{LIMIT} s, and it is not used in this boot (repair it with 'e2fsck -f {{node}}' where "
         "it is not mounted, or make a new file system)")
NOT_AGAIN = ("data: {node}: the last check of its file system did not end: it is mounted "
             "read-only, and checked again at the next boot (repair it with 'e2fsck -f {node}' where it is "
             "not mounted, or reset the device to its factory settings)")


def prepare(work, build):
    vendor = Vendor(work, build)
    make_packages(vendor)
    vendor.squash("image", {"file": "text\n"})
    craft(work + "/crafted")


def craft(path):
    """An ext4 of 16 MiB with 16,384 inodes that are all the same file of 2,000 extents."""
    block, inodes = 1024, 16384
    with open(path, "wb") as file:
        file.truncate(16 * MIB)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-b", str(block), "-N", str(inodes), "-I", "128", "-L",
        LABEL, "-O", "^metadata_csum,^resize_inode,^has_journal,^64bit,^flex_bg", path)
    with open(path + ".file", "wb") as file:
        for number in range(2000):
            file.seek(2 * block * number)
            file.write(b"x" * block)
    run("debugfs", "-w", "-R", f"write {path}.file shared", path)
    with open(path, "r+b") as file:
        image = bytearray(file.read())
        count, per_group = (struct.unpack_from("<I", image, block + at)[0] for at in (0, 40))
        size = struct.unpack_from("<H", image, block + 88)[0]
        tables = [struct.unpack_from("<I", image, 2 * block + 32 * group + 8)[0] * block
                  for group in range(count // per_group)]
        places = [tables[number // per_group] + number % per_group * size
                  for number in range(count)]
        shared = image[places[11]:places[11] + size]
        for place in places[12:]:
            image[place:place + size] = shared
        for group in range(count // per_group):
            for at in (18, 28):  # no inode counts as never used
                struct.pack_into("<H", image, 2 * block + 32 * group + at, 0)
        struct.pack_into("<H", image, block + 58, 2)  # errors were seen
        file.seek(0)
        file.write(image)

MMP = ("{name}: PARTLABEL={label}: {node}: its ext4 has the feature mmp, for a disk of several "
       "hosts, whose mount can take minutes: it is not used (turn it off with 'tune2fs -O ^mmp "
       "{node}', or make a new file system)")


class CheckedDevice(PartitionedDevice):
    """Its e2fsck is another one, which hangs on one device."""

    def __init__(self, work, build):
        super().__init__(work, build, boot_seconds=SECONDS)
        shutil.copy(E2FSCK, self.base + "/e2fsck")
        write(self.base + "/standin", STANDIN.replace("WORK", self.base), 0o755)
        self.hang("")
        os.symlink(self.persist + "/wmopkg/begun", self.base + "/begun")
        run("mount", "--bind", self.base + "/standin", E2FSCK)

    def __exit__(self, failure, *_):
        unmount_now(E2FSCK)
        super().__exit__(failure)

    def hang(self, node):
        write(self.base + "/hangs", node + "\n")

    def ran(self):
        """The devices it was run on since the last call, and how many boots had begun."""
        path = self.base + "/ran"
        lines = read(path).splitlines() if os.path.exists(path) else []
        write(path, "")
        for line in lines:
            equal(line.startswith("-p -j /dev/null /dev/"), True, line)
        return [tuple(line.split()[3:]) for line in lines]

    def nothing_runs(self):
        equal(run("pgrep", "-f", self.base + "/standin", check=False).stdout, "")


def said(device, text):
    equal(device.log_of_boot().count("wmopkg: " + text), 1, device.log_of_boot())


def test_it_does_not_end(work, build):
    """Of DATA: it is not used in that boot, and then read-only, until it is repaired."""
    with CheckedDevice(work, build) as device:
        data, persist = device.nodes[LABEL], device.nodes[PERSIST]
        start(device)
        equal(device.ran(), [(persist,), (data, "1")])
        device.hang(data)
        device.activate()
        equal((device.see("etc/plain"), device.see("etc/keep")), (None, "keep\n"))
        said(device, ENDED.format(name="data", node=data))
        equal(device.ran(), [(persist,), (data, "1")])
        equal((os.path.ismount(device.data), read(device.persist + "/wmopkg/begun")),
              (False, "0      \n"))
        equal("what it says" in read("/run/wmopkg-fsck.log"), True)
        device.nothing_runs()
        device.off()
        device.activate()
        said(device, NOT_AGAIN.format(node=data))
        equal((device.see("etc/plain"), device.see("etc/keep")), ("plain\n", "keep\n"))
        equal(device.ran(), [(persist,)])
        equal(run("findmnt", "-n", "-o", "OPTIONS", device.data).stdout.startswith("ro,"), True)
        # every second boot tries again
        device.off()
        device.activate()
        said(device, ENDED.format(name="data", node=data))
        equal(device.ran(), [(persist,), (data, "1")])
        device.off()
        device.activate()
        said(device, NOT_AGAIN.format(node=data))
        device.off()
        device.hang("")
        device.ran()
        device.activate()
        equal(device.ran(), [(persist,), (data, "1")])
        equal(run("findmnt", "-n", "-o", "OPTIONS", device.data).stdout.startswith("rw,"), True)
        equal(os.path.exists(device.persist + "/wmopkg/unchecked"), False)


def test_note_that_stays(work, build):
    """One that no boot can change does not keep a sound DATA read-only."""
    with CheckedDevice(work, build) as device:
        data, persist = device.nodes[LABEL], device.nodes[PERSIST]
        start(device)
        with open(data, "rb") as file:
            file.seek(1024)
            block = file.read(1024)
        with device.at(PERSIST) as folder:
            write(folder + "/wmopkg/unchecked", block[104:120] + block[64:68] + block[52:54] + b"\0")
        run("tune2fs", "-O", "read-only", persist)
        device.ran()
        device.activate()
        equal((device.see("etc/plain"), [ran[0] for ran in device.ran()]),
              ("plain\n", [persist, data]))
        equal("wmopkg: data: unchecked: Read-only file system" in device.log_of_boot(), True)
        equal(run("findmnt", "-n", "-o", "OPTIONS", device.data).stdout.startswith("rw,"), True)


def test_repaired(work, build):
    """A check that ends, by hand."""
    with CheckedDevice(work, build) as device:
        data, persist = device.nodes[LABEL], device.nodes[PERSIST]
        start(device)
        device.hang(data)
        device.activate()
        device.ran()
        device.off()
        run(device.base + "/e2fsck", "-f", "-p", data)
        device.hang("")
        device.activate()
        equal(device.ran(), [(persist,), (data, "1")])
        equal(run("findmnt", "-n", "-o", "OPTIONS", device.data).stdout.startswith("rw,"), True)


def test_reset(work, build):
    """One that is requested is not delayed by a check, and makes a new file system."""
    with CheckedDevice(work, build) as device:
        data, persist = device.nodes[LABEL], device.nodes[PERSIST]
        start(device)
        device.hang(data)
        device.ran()
        ask_on_persist(device)
        device.activate()
        equal((device.resets()[-1:], device.ran()), ([DONE], [(persist,)]))
        device.off()
        device.activate()
        equal(os.path.exists(device.persist + "/wmopkg/unchecked"), True)
        device.ran()
        device.off()
        ask_on_persist(device)
        device.activate()
        equal([line for line in device.resets() if "new file system" in line or
               line.endswith("its file system is a new one")],
              device.resets()[-2:], device.resets())
        equal((device.ran(), os.path.exists(device.persist + "/wmopkg/unchecked")),
              ([(persist,)], False))
        device.off()
        device.hang("")
        device.activate()
        equal(device.ran(), [(persist,), (data, "1")])


def test_persist(work, build):
    """Of PERSIST: what is on DATA is active."""
    with CheckedDevice(work, build) as device:
        data, persist = device.nodes[LABEL], device.nodes[PERSIST]
        start(device)
        device.hang(persist)
        device.ran()
        device.activate()
        equal((device.see("etc/plain"), device.see("etc/keep")), ("plain\n", None))
        said(device, ENDED.format(name="persist", node=persist))
        equal(device.ran(), [(persist,), (data,)])
        device.nothing_runs()


def wait_for_others(device, label):
    """Its file system, with the same files, says that another host may have it mounted: the kernel
    and e2fsck wait for minutes."""
    node = device.nodes[label]
    with device.at(label) as folder:
        shutil.copytree(folder, device.base + "/saved", symlinks=True)
    run("mke2fs", "-q", "-F", "-t", "ext4", "-O", "mmp,^metadata_csum", "-E",
        "mmp_update_interval=300", "-L", label, "-U", UUID, node)
    with device.at(label) as folder:
        shutil.copytree(device.base + "/saved", folder, dirs_exist_ok=True)
    shutil.rmtree(device.base + "/saved")
    told = dict(line.split(":", 1) for line in run("dumpe2fs", "-h", node).stdout.splitlines()
                if ":" in line)
    with open(node, "r+b") as file:
        file.seek(int(told["MMP block number"]) * int(told["Block size"]) + 4)
        file.write(struct.pack("<I", 7))
    run("blockdev", "--flushbufs", node)


def test_multiple_mount_protection(work, build):
    """Neither is waited for: what is on the other one is active, and a reset makes DATA anew."""
    for name, label in (("persist", PERSIST), ("data", LABEL)):
        with PartitionedDevice(work, build, boot_seconds=SECONDS) as device:
            start(device)
            wait_for_others(device, label)
            device.activate()
            said(device, MMP.format(name=name, label=label, node=device.nodes[label]))
            equal((device.see("etc/plain"), device.see("etc/keep")),
                  ("plain\n", None) if name == "persist" else (None, "keep\n"))
            if name == "data":
                device.off()
                ask_on_persist(device)
                device.activate()
                equal(device.resets()[-1:], [DONE + ", its file system is a new one"])
                equal(os.path.ismount(device.data), True)


def test_crafted(work, build):
    """By hand e2fsck takes hours, and prints hundreds of MiB; the boot keeps a few KiB."""
    with PartitionedDevice(work, build, boot_seconds=SECONDS) as device:
        data = device.nodes[LABEL]
        start(device)
        with open(data, "wb") as file, open(work + "/crafted", "rb") as crafted:
            shutil.copyfileobj(crafted, file)
        run("blockdev", "--flushbufs", data)
        run("rm", "-f", "/run/wmopkg-fsck.log")
        device.activate()
        equal((device.see("etc/plain"), device.see("etc/keep")), (None, "keep\n"))
        said(device, ENDED.format(name="data", node=data))
        assert os.path.getsize("/run/wmopkg-fsck.log") <= 2 * 16384
        equal(subprocess.run(["pgrep", "e2fsck"], check=False).returncode, 1)
        device.off()
        device.activate()
        said(device, NOT_AGAIN.format(node=data))
        equal(device.see("etc/keep"), "keep\n")


def test_folders_without_end(work, build):
    """Nothing is looked for in them: what is on the other store is active, and nothing waits."""
    for name, label, folder in (("persist", PERSIST, "/wmopkg"), ("data", LABEL, "/")):
        with PartitionedDevice(work, build, boot_seconds=SECONDS) as device:
            start(device)
            lengthen(device.nodes[label], folder)
            begun = time.monotonic()
            device.activate()
            equal((device.see("etc/plain"), device.see("etc/keep")),
                  ("plain\n", None) if name == "persist" else (None, "keep\n"))
            assert time.monotonic() - begun < SECONDS
            said(device, f"{name}: its folder '{'wmopkg' if name == 'persist' else '.'}' is larger "
                 "than 64 MiB, and it is not used (repair it with 'e2fsck -f' where it is not "
                 "mounted, or make a new file system)")
            equal(os.path.ismount(f"{device.base}/run/{name}"), False)
            if name == "data":
                device.off()
                ask_on_persist(device)
                device.activate()
                equal((device.resets()[-1:], os.listdir(device.data)), ([DONE], ["lost+found"]))


def test_top_folders(work, build):
    """Nobody but root can put another folder in place of one on a volume, and no flag of the top
    folder keeps records out."""
    with PartitionedDevice(work, build) as device:
        start(device)
        for name in (LABEL, PERSIST):
            with device.at(name) as folder:
                os.chmod(folder, 0o1777)
                run("chattr", "+i", folder)
        device.activate()
        equal((device.see("etc/plain"), device.see("etc/keep")), ("plain\n", "keep\n"))
        equal(sorted(os.listdir(device.persist)), ["lost+found", "packages", "wmopkg"])
        equal(os.stat(device.persist).st_mode & 0o7777, 0o1755)
        said = [line for line in device.log_of_boot() if "top folder" in line]
        equal(said, ["wmopkg: persist: others than its owner could write to its top folder (mode "
                     "1777): now they cannot",
                     "wmopkg: data: others than its owner can write to its top folder (mode 1777), "
                     "and it cannot be changed: Operation not permitted"])
        run("chattr", "-i", device.data)
        device.off()
        device.activate()
        equal(os.stat(device.data).st_mode & 0o7777, 0o1755)
        equal([line for line in device.log_of_boot() if "top folder" in line],
              ["wmopkg: data: others than its owner could write to its top folder (mode 1777): now "
               "they cannot"])
