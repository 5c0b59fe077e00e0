# SPDX-License-Identifier: MIT
"""The moments at which the power can be cut: what of the recorded writes is on the disk then.

A disk may write in any order what no flush separates. So at a cut there is on the disk: all that
was flushed, and any part of what was written since, also one write in part. DATA and PERSIST may
be on one disk, which a flush for one of them flushes for both, or on two. A write that passed the
disk's cache (FUA) was over before the next of that kind, and is taken to be over before the writes
that were recorded after it."""

import collections

DENSITIES = (0.2, 0.5, 0.8)  # share of the writes since the flush that made it
TEAR = 0.3  # how often one of them is cut off

# All entries below @whole, those of @more, and the first @torn_bytes of number @torn; the power was
# cut when all below @time had been recorded
Moment = collections.namedtuple("Moment", "whole more torn torn_bytes time",
                                defaults=((), None, 0, 0))


def is_after(moment, end):
    """Whether the power was cut when what had written the entries below @end was over: all of it is
    there, or has to be."""
    return moment.time > end or moment.whole >= end or \
        set(range(moment.whole, end)) <= set(moment.more)


def is_before(moment, begin):
    """Whether no entry from @begin on is there."""
    more = [*moment.more, *([] if moment.torn is None else [moment.torn])]
    return moment.whole <= begin and all(at < begin for at in more)


def epochs(entries):
    """(first, end) of the entries that no flush separates, in turn."""
    first = 0
    for at in range(1, len(entries) + 1):
        if at == len(entries) or entries[at].flushes != entries[first].flushes:
            yield first, at
            first = at


def is_safe(entry, now, apart):
    """Whether it was flushed when there had been as many flushes as before the entry @now."""
    if apart:
        return entry.flushes[entry.part] < now.flushes[entry.part]
    return entry.flushes != now.flushes


def reordered(entries, first, end, unit, apart, chance):
    """A moment in an epoch, and what chance wants to be on the disk then."""
    time = chance.randint(first + 1, end)
    apart, density = chance.random() < apart, chance.choice(DENSITIES)
    there = [is_safe(entry, entries[time - 1], apart) or entry.fua for entry in entries[:time]]
    large = [at for at, entry in enumerate(entries[:time])
             if not there[at] and len(entry.what) > unit]
    whole = there.index(False) if False in there else time
    more = [at for at in range(whole, time) if there[at] or chance.random() < density]
    if not large or chance.random() > TEAR:
        return Moment(whole, tuple(more), time=time)
    torn = chance.choice(large)
    units = chance.randrange(1, -(-len(entries[torn].what) // unit))
    return Moment(whole, tuple(at for at in more if at != torn), torn, units * unit, time)


def choose(entries, begin, each, most, unit, apart, chance):
    """Moments from number @begin on: all between two writes, and @each of each epoch in another
    order; but not more than @most, which may be None. In the order of what they have whole.

    @unit: bytes that the disk writes wholly or not at all; @apart: share of the orders in which the
    parts are disks of their own"""
    found = [Moment(whole, time=whole) for whole in range(begin, len(entries) + 1)]
    for first, end in epochs(entries):
        if end > begin and end - first > 1:
            found += [reordered(entries, first, end, unit, apart, chance) for _ in range(each)]
    if most is not None and most < len(found):
        found = chance.sample(found, most)
    return sorted(found, key=lambda moment: moment.whole)


class Disk:
    """The bytes of a disk before the first write, and after some of them."""

    CHUNK = 1 << 16
    SECTOR = 512

    def __init__(self, path, entries):
        self.entries = entries
        self.chunks = {}  # but for those that are empty
        with open(path, "rb") as file:
            for number, chunk in enumerate(iter(lambda: file.read(self.CHUNK), b"")):
                if chunk.count(0) < len(chunk):
                    self.chunks[number] = chunk
            self.bytes = file.tell()
        self.whole, self.sectors = 0, {}  # what is not as it was, after so many writes

    def _first(self, sector):
        number, at = divmod(sector * self.SECTOR, self.CHUNK)
        return self.chunks.get(number, bytes(self.CHUNK))[at:at + self.SECTOR]

    def _put(self, sectors, entry, size=None):
        what = entry.what[:size]
        for at in range(0, len(what), self.SECTOR):
            sector, now = entry.place + at // self.SECTOR, what[at:at + self.SECTOR]
            if now == self._first(sector):
                sectors.pop(sector, None)
            else:
                sectors[sector] = now

    def at(self, moment):
        """What differs then from before the first write: bytes by sector. Ask in the order of
        what the moments have whole."""
        for entry in self.entries[self.whole:moment.whole]:
            self._put(self.sectors, entry)
        self.whole = moment.whole
        found = dict(self.sectors)
        for at in sorted({*moment.more, *([] if moment.torn is None else [moment.torn])}):
            self._put(found, self.entries[at],
                      moment.torn_bytes if at == moment.torn else None)
        return found

    def rewind(self):
        """To before the first write."""
        self.whole, self.sectors = 0, {}

    def write(self, sectors, path):
        """The disk with these differences, to a file."""
        with open(path, "r+b", buffering=0) as file:
            file.truncate(0)
            file.truncate(self.bytes)
            for number, chunk in self.chunks.items():
                file.seek(number * self.CHUNK)
                file.write(chunk)
            for sector, what in sectors.items():
                file.seek(sector * self.SECTOR)
                file.write(what)
