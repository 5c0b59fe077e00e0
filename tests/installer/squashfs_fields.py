# SPDX-License-Identifier: MIT
"""Where each field of an image of squashfs 4.0 lies (Linux fs/squashfs/squashfs_fs.h), if its
tables are not compressed (mksquashfs -noI -noId -noX -noF): to change one of them."""

import collections
import struct

Field = collections.namedtuple("Field", "name offset bytes")

SUPER = [("magic", 4), ("inodes", 4), ("time", 4), ("block size", 4), ("fragments", 4),
         ("compressor", 2), ("block log", 2), ("flags", 2), ("ids", 2), ("major", 2), ("minor", 2),
         ("root", 8), ("bytes used", 8), ("id table", 8), ("xattr table", 8), ("inode table", 8),
         ("directory table", 8), ("fragment table", 8), ("export table", 8)]
SUPER_BYTES = 96
NONE = (1 << 64) - 1
COMPRESSED, META_BYTES = 0x8000, 8192

INODE = [("type", 2), ("mode", 2), ("uid", 2), ("gid", 2), ("time", 4), ("number", 4)]
DEVICE = [("links", 4), ("device", 4)]
FOLDER, FILE, LINK, EXT_FOLDER, EXT_FILE, EXT_LINK = 1, 2, 3, 8, 9, 10
BODIES = {
    FOLDER: [("block", 4), ("links", 4), ("size", 2), ("offset", 2), ("parent", 4)],
    FILE: [("start", 4), ("fragment", 4), ("fragment offset", 4), ("size", 4)],
    LINK: [("links", 4), ("size", 4)],
    4: DEVICE, 5: DEVICE, 6: DEVICE[:1], 7: DEVICE[:1],
    EXT_FOLDER: [("links", 4), ("size", 4), ("block", 4), ("parent", 4), ("index count", 2),
                 ("offset", 2), ("xattrs", 4)],
    EXT_FILE: [("start", 8), ("size", 8), ("sparse", 8), ("links", 4), ("fragment", 4),
               ("fragment offset", 4), ("xattrs", 4)],
    EXT_LINK: [("links", 4), ("size", 4)],
    11: [*DEVICE, ("xattrs", 4)], 12: [*DEVICE, ("xattrs", 4)],
    13: [("links", 4), ("xattrs", 4)], 14: [("links", 4), ("xattrs", 4)],
}
SIZES = {2: "<H", 4: "<I", 8: "<Q"}


class Image:
    """@fields: all of them; each table is read once, from its first byte to its last."""

    def __init__(self, content):
        self.content = content
        self.fields = []
        self.at = {}  # of the super block, by name
        place = 0
        for name, size in SUPER:
            self.at[name] = self.add("super block: " + name, place, size)
            place += size
        self.inodes()
        self.listings()
        self.lookup("id table", self.at["ids"], 4, [("id", 4)])
        self.lookup("fragment table", self.at["fragments"], 16,
                    [("start", 8), ("size", 4), ("unused", 4)])
        self.lookup("export table", self.at["inodes"], 8, [("inode", 8)])
        self.xattrs()

    def get(self, offset, size):
        return struct.unpack_from(SIZES[size], self.content, offset)[0]

    def add(self, name, offset, size):
        """Return: what it says."""
        self.fields.append(Field(name, offset, size))
        return self.get(offset, size)

    def add_all(self, name, offset, fields):
        """Return: what they say, and the byte after them."""
        said = {}
        for field, size in fields:
            said[field] = self.add(f"{name}: {field}", offset, size)
            offset += size
        return said, offset

    def block(self, name, offset):
        """A block of a table: (its first byte, the byte after it)."""
        size = self.add(name + ": size of a block", offset, 2)
        assert size & COMPRESSED, f"{name} is compressed"
        return offset + 2, offset + 2 + (size & ~COMPRESSED)

    def inodes(self):
        offset, end = self.block("inodes", self.at["inode table"])
        assert end == self.at["directory table"], "more than one block of inodes"
        self.inode_at = {}  # by number: the byte of each
        while offset < end:
            start, kind = offset, self.get(offset, 2)
            name = f"inode of type {kind}"
            said, offset = self.add_all(name, offset, INODE)
            self.inode_at[said["number"]] = start
            said, offset = self.add_all(name, offset, BODIES[kind])
            if kind in (LINK, EXT_LINK):
                offset += said["size"] + (4 if kind == EXT_LINK else 0)
            if kind in (FILE, EXT_FILE):
                blocks = said["size"] // self.at["block size"]
                if said["fragment"] == 0xffffffff and said["size"] % self.at["block size"]:
                    blocks += 1
                for _ in range(blocks):
                    self.add(f"{name}: size of a block", offset, 4)
                    offset += 4
            for _ in range(said.get("index count", 0)):
                said_index, offset = self.add_all(
                    name + ": index", offset, [("index", 4), ("start", 4), ("size", 4)])
                offset += said_index["size"] + 1

    def listings(self):
        offset, end = self.block("listings", self.at["directory table"])
        while offset < end:
            said, offset = self.add_all("run of names", offset,
                                        [("count", 4), ("start", 4), ("inode", 4)])
            for _ in range(said["count"] + 1):
                entry, offset = self.add_all(
                    "name", offset, [("offset", 2), ("inode", 2), ("type", 2), ("size", 2)])
                if entry["size"]:
                    self.add("name: its first bytes", offset, 2)
                offset += entry["size"] + 1

    def lookup(self, table, count, size, fields):
        """A table of blocks of entries."""
        if self.at[table] != NONE and count > 0:
            self.lookup_at(table, self.at[table], count, size, fields)

    def xattrs(self):
        place = self.at["xattr table"]
        if place == NONE:
            return
        said, place = self.add_all("attributes", place,
                                   [("start", 8), ("sets", 4), ("unused", 4)])
        self.lookup_at("attributes", place, said["sets"], 16,
                       [("set", 8), ("keys", 4), ("bytes", 4)])
        offset, end = self.block("keys", said["start"])
        while offset < end:
            key, offset = self.add_all("key", offset, [("type", 2), ("size", 2)])
            offset += key["size"]
            value, offset = self.add_all("value", offset, [("size", 4)])
            offset += value["size"]

    def lookup_at(self, name, place, count, size, fields):
        """The first block, where there are more."""
        offset, end = self.block(name, self.add(name + ": place of a block", place, 8))
        for _ in range(min(count, (end - offset) // size)):
            _, offset = self.add_all(name, offset, fields)

    def changed(self, field, value):
        """The content with another value in a field; what does not fit is cut."""
        content = bytearray(self.content)
        struct.pack_into(SIZES[field.bytes], content, field.offset,
                         value % (1 << 8 * field.bytes))
        return bytes(content)

    def values(self, field):
        """What to put there: limits of the type and near what is there, and places."""
        now, bits = self.get(field.offset, field.bytes), 8 * field.bytes
        values = {0, 1, (1 << bits) - 1, (1 << bits) - 2, 1 << (bits - 1), (1 << (bits - 1)) - 1,
                  now + 1, now - 1, now * 2, now ^ 1 << 8, len(self.content)}
        if field.bytes >= 4:
            values |= {1 << 16, META_BYTES, 0xffff, 1 << 20, 1 << 21}
        if field.bytes == 8:
            values |= {self.at[name] for name, size in SUPER if size == 8}
            values |= {1 << 32, 1 << 48, 1 << 62}
        return sorted({value % (1 << bits) for value in values} - {now})


def changes(content):
    """(what is changed, changed content) of each field and each value of it."""
    image = Image(content)
    for field in image.fields:
        for value in image.values(field):
            yield f"{field.name} at {field.offset}: {value:#x}", image.changed(field, value)
