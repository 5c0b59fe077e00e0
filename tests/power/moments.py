# SPDX-License-Identifier: MIT
"""The moments at which the power can be cut: what of the recorded writes is on the disk then.

A disk may write in any order what no flush separates. So at a cut there is on the disk: all that
was flushed, and any part of what was written since, also one write in part. A write that passed
the disk's cache (FUA) was over before the next of that kind, and is taken to be over before the
writes that were recorded after it."""

import collections

PAGE = 4096  # what a write that is cut off may end at
DENSITIES = (0.2, 0.5, 0.8)  # share of the writes since the flush that made it
TEAR = 0.3  # how often one of them is cut off

# All entries below @whole, those of @more, and the first @torn_bytes of number @torn
Moment = collections.namedtuple("Moment", "whole more torn torn_bytes",
                                defaults=((), None, 0))


def has(moment, end):
    """Whether all entries below @end are there."""
    return moment.whole >= end or set(range(moment.whole, end)) <= set(moment.more)


def is_before(moment, begin):
    """Whether no entry from @begin on is there."""
    more = [*moment.more, *([] if moment.torn is None else [moment.torn])]
    return moment.whole <= begin and all(at < begin for at in more)


def epochs(entries):
    """(first, end) of the entries that no flush separates, in turn."""
    first = 0
    for at in range(1, len(entries) + 1):
        if at == len(entries) or entries[at].epoch != entries[first].epoch:
            yield first, at
            first = at


def reordered(entries, first, end, chance):
    """A part of an epoch, as chance wants it."""
    end = chance.randint(first + 1, end)
    density = chance.choice(DENSITIES)
    more = [at for at in range(first, end) if entries[at].fua or chance.random() < density]
    large = [at for at in range(first, end)
             if len(entries[at].what) > PAGE and not entries[at].fua]
    if not large or chance.random() > TEAR:
        return Moment(first, tuple(more))
    torn = chance.choice(large)
    pages = chance.randrange(1, -(-len(entries[torn].what) // PAGE))
    return Moment(first, tuple(at for at in more if at != torn), torn, pages * PAGE)


def choose(entries, begin, each, most, chance):
    """Moments from number @begin on: all between two writes, and @each of each epoch in another
    order; but not more than @most, which may be None. In the order of what they have whole."""
    found = [Moment(whole) for whole in range(begin, len(entries) + 1)]
    for first, end in epochs(entries):
        if end > begin and end - first > 1:
            found += [reordered(entries, first, end, chance) for _ in range(each)]
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
