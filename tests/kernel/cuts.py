# SPDX-License-Identifier: MIT
"""A device whose power is cut: DATA and PERSIST are two parts of one disk, and every write to
that disk is recorded, in one order, by dm-log-writes. So it can be put together as it was after
any of them."""

import collections
import ctypes
import fcntl
import os
import struct
import time

from case_media import load_file_systems
from device import DISKS, Device, equal, load_module, read, run, write
from mounts import unmount_whole

SECTOR = 512
MIB = 1 << 20
LOG_MIB = 64
MAGIC, VERSION = 0x6a736677736872, 1
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
PERSIST_LABEL = "wmopkg-persist"
# small: what is written to it is written to many images
EXT4 = ("mke2fs", "-q", "-F", "-t", "ext4", "-b", "1024", "-I", "128", "-J", "size=1", "-N", "256")
DETACH = 2
BLKFLSBUF = 0x1261
LIBC = ctypes.CDLL(None)


# @epoch: how many flushes of the disk's cache came before it; @fua: it did not wait for one
Write = collections.namedtuple("Write", "place what epoch fua")


class Writes:
    """What dm-log-writes recorded, as Documentation/admin-guide/device-mapper/log-writes has it.

    A write is recorded when the flush that it had to wait for is over. So all that is recorded
    before a mark was safe when the mark was set."""

    def __init__(self, path):
        self.entries = []
        self.marks = {}  # how many entries were recorded before it
        epoch = 0
        with open(path, "rb") as log:
            magic, version, count, self.sector = struct.unpack("<QQQI", log.read(28))
            equal((magic, version), (MAGIC, VERSION))
            log.seek(self.sector)
            for _ in range(count):
                head = log.read(self.sector)
                place, sectors, flags, bytes_ = struct.unpack_from("<QQQQ", head)
                if flags & MARK:
                    self.marks[head[32:32 + bytes_].decode()] = len(self.entries)
                    continue
                if flags & DISCARD:
                    what = bytes(sectors * self.sector)
                else:
                    what = log.read(sectors * self.sector)
                if what:
                    self.entries.append(Write(place, what, epoch, bool(flags & FUA)))
                if flags & FLUSH:
                    epoch += 1

    def apply(self, begin, end, image):
        """To a disk image, all from number @begin to before @end."""
        with open(image, "r+b") as disk:
            for entry in self.entries[begin:end]:
                disk.seek(entry.place * self.sector)
                disk.write(entry.what)


class CutDevice(Device):
    """DATA and PERSIST on one disk, in a file; DATA is found by the name of its device."""

    def __init__(self, work, build, data_mib=4, persist_mib=4, firmware=None, **settings):
        load_file_systems()
        super().__init__(work, build, firmware=firmware)
        self.sizes = {"data": data_mib, "persist": persist_mib}
        self.link = self.base + "/node"
        self.configure(data=self.link, persist=f"LABEL={PERSIST_LABEL}", **settings)
        self.disk = self.base + "/disk"
        self.nodes = []
        with open(self.disk, "wb") as file:
            file.truncate((data_mib + persist_mib) * MIB)

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
        data, persist = (size * MIB for size in self.sizes.values())
        self.name_data(self.plug(self.disk, 0, data))
        self.plug(self.disk, data, persist)

    def pull_all(self):
        for volume in self.sizes:
            unmount_whole(self.folder(volume))
        for node in self.nodes:
            run("losetup", "--detach", node)
            DISKS.remove(os.path.basename(node))
        self.nodes = []

    def forget_blocks(self):
        """The kernel's copies of the blocks of both volumes, where the disk was written to."""
        for node in self.nodes:
            with open(node, "rb") as disk:
                fcntl.ioctl(disk, BLKFLSBUF)

    def folder(self, volume):
        return f"{self.base}/run/{volume}"

    def boot(self):
        self.boots += 1
        write("/dev/kmsg", f"<7>{self.boot_mark()}\n")
        self.activate()

    def take_down(self):
        """What a power cut does to all that is in memory; thousands of times, so without
        umount(8)."""
        for path in self._mounted():
            volume = path.endswith(("/data", "/persist"))
            for _ in range(500):  # the layers of a package end a moment later
                if LIBC.umount2(path.encode(), 0 if volume else DETACH) == 0:
                    break
                time.sleep(0.01)
            else:
                raise AssertionError(f"{path} is in use")
        if os.path.exists(self.base + "/run/state.json"):
            os.unlink(self.base + "/run/state.json")

    def _mounted(self):
        """All that is mounted for this boot, the last first."""
        lines = read("/proc/self/mountinfo").splitlines()
        found = [line.split()[4] for line in lines if line.split()[4].startswith(self.base + "/r")]
        return found[:0:-1]  # but for the tmpfs of the root

    def note(self, name):
        """Note in the record that this moment has come."""
        run("dmsetup", "message", "cuts", "0", "mark", name)

    def record(self, life):
        """Call @life with DATA and PERSIST on a disk that records; what was written."""
        log = self.base + "/log"
        load_module("drivers/md/dm-log-writes")
        with open(log, "wb") as file:
            file.truncate(LOG_MIB * MIB)
        lower, logs = self.plug(self.disk), self.plug(log)
        sectors = sum(self.sizes.values()) * MIB // SECTOR
        run("dmsetup", "create", "cuts", "--table", f"0 {sectors} log-writes {lower} {logs}")
        number = run("dmsetup", "info", "--columns", "--noheadings", "--separator", ":",
                     "-o", "major,minor", "cuts").stdout.strip()
        begin = 0
        for volume, size in self.sizes.items():
            run("dmsetup", "create", "cut-" + volume, "--table", f"0 {size * MIB // SECTOR} linear "
                f"{number} {begin * MIB // SECTOR}")
            begin += size
        number = run("dmsetup", "info", "--columns", "--noheadings", "-o", "minor",
                     "cut-data").stdout.strip()
        self.name_data(f"/dev/dm-{number}")
        life()
        for name in ("cut-data", "cut-persist", "cuts"):
            run("dmsetup", "remove", "--retry", name)
        self.pull_all()
        writes = Writes(log)
        os.unlink(log)
        return writes
