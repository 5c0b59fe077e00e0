# SPDX-License-Identifier: MIT
"""A device whose power is cut: DATA and PERSIST are two parts of one disk, and there may be a third
one for the bootloader. Every write to that disk is recorded, in one order, by dm-log-writes. So it
can be put together as it was after any of them."""

import bisect
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


# @part: number of the part of the disk that it is on; @flushes: how many came before it, by part;
# @fua: it did not wait for one
Write = collections.namedtuple("Write", "place what part flushes fua")


class Writes:
    """What dm-log-writes recorded, as Documentation/admin-guide/device-mapper/log-writes has it.

    A write is recorded when the flush that it had to wait for is over. So all that is recorded
    before a mark was safe when the mark was set, if the parts are of one disk. They may as well be
    disks of their own: then a flush is for one of them. Where the record does not say for which
    one, as it has no data, it counts for all.

    @path: of the record; @begins: sectors that the parts begin at"""

    def __init__(self, path, begins=(0,)):
        self.entries = []
        self.marks = {}  # how many entries were recorded before it
        flushes = (0,) * len(begins)
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
                part = bisect.bisect_right(begins, place) - 1
                if what:
                    self.entries.append(Write(place, what, part, flushes, bool(flags & FUA)))
                if flags & FLUSH:
                    flushes = tuple(number + (place == 0 or at == part)
                                    for at, number in enumerate(flushes))

    def apply(self, begin, end, image):
        """To a disk image, all from number @begin to before @end."""
        with open(image, "r+b") as disk:
            for entry in self.entries[begin:end]:
                disk.seek(entry.place * self.sector)
                disk.write(entry.what)


class CutDevice(Device):
    """DATA and PERSIST on one disk, in a file; DATA is found by the name of its device, and so is
    a third part of @raw_mib, which has no file system."""

    def __init__(self, work, build, data_mib=4, persist_mib=4, raw_mib=0, firmware=None, **settings):
        load_file_systems()
        super().__init__(work, build, firmware=firmware)
        self.sizes = {"data": data_mib, "persist": persist_mib}
        self.parts = self.sizes | ({"raw": raw_mib} if raw_mib else {})
        self.link, self.raw = self.base + "/node", work + "/raw"
        self.configure(data=self.link, persist=f"LABEL={PERSIST_LABEL}", **settings)
        self.disk = self.base + "/disk"
        self.nodes = []
        with open(self.disk, "wb") as file:
            file.truncate(sum(self.parts.values()) * MIB)

    def name(self, part, node):
        """Whatever the device of a part is today, this is its name; PERSIST has a label."""
        link = {"data": self.link, "raw": self.raw}.get(part)
        if link and os.path.islink(link):
            os.unlink(link)
        if link:
            os.symlink(node, link)

    def plug(self, path, offset=0, size=0):
        words = ["--offset", str(offset), "--sizelimit", str(size)] if size else []
        node = run("losetup", "--find", "--show", *words, path).stdout.strip()
        DISKS.add(os.path.basename(node))
        self.nodes.append(node)
        return node

    def plug_all(self):
        """DATA, PERSIST and what else there is, where they lie on the disk."""
        begin = 0
        for part, size in self.parts.items():
            self.name(part, self.plug(self.disk, begin * MIB, size * MIB))
            begin += size

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
        sectors = sum(self.parts.values()) * MIB // SECTOR
        run("dmsetup", "create", "cuts", "--table", f"0 {sectors} log-writes {lower} {logs}")
        number = run("dmsetup", "info", "--columns", "--noheadings", "--separator", ":",
                     "-o", "major,minor", "cuts").stdout.strip()
        begins = [0]
        for part, size in self.parts.items():
            run("dmsetup", "create", "cut-" + part, "--table", f"0 {size * MIB // SECTOR} linear "
                f"{number} {begins[-1]}")
            begins.append(begins[-1] + size * MIB // SECTOR)
            minor = run("dmsetup", "info", "--columns", "--noheadings", "-o", "minor",
                        "cut-" + part).stdout.strip()
            self.name(part, f"/dev/dm-{minor}")
        life()
        for name in [*["cut-" + part for part in self.parts], "cuts"]:
            run("dmsetup", "remove", "--retry", name)
        self.pull_all()
        writes = Writes(log, begins[:-1])
        os.unlink(log)
        return writes
