#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No moment leaves out what a flush has made safe, and of what none has, each write is left out, comes
before others, and is cut off in some of them."""

import os
import random
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kernel"))
import moments  # noqa: E402  pylint: disable=wrong-import-position
from cuts import Write  # noqa: E402  pylint: disable=wrong-import-position

UNIT = 512
DATA, PERSIST = 0, 1
# part, flushes before it of each part, sectors, whether it passes the cache
WRITES = [(DATA, (0, 0), 2, False), (PERSIST, (0, 0), 2, False), (DATA, (0, 0), 1, False),
          (DATA, (1, 0), 8, True), (DATA, (1, 0), 2, False), (PERSIST, (1, 0), 4, False),
          (PERSIST, (1, 1), 2, True), (DATA, (1, 1), 2, False)]
ENTRIES = [Write(10 * number, bytes([number + 1]) * sectors * UNIT, part, flushes, fua)
           for number, (part, flushes, sectors, fua) in enumerate(WRITES)]


def there(moment):
    return {*range(moment.whole), *moment.more}


class Moments(unittest.TestCase):
    def setUp(self):
        self.all = moments.choose(ENTRIES, 0, 2000, None, UNIT, 0.5, random.Random(1))

    def test_between_two_writes(self):
        for whole in range(len(ENTRIES) + 1):
            self.assertIn(moments.Moment(whole, time=whole), self.all)

    def test_safe(self):
        for moment in self.all:
            now = ENTRIES[moment.time - 1].flushes if moment.time else (0, 0)
            for at, entry in enumerate(ENTRIES[:moment.time]):
                if entry.fua or entry.flushes[entry.part] < now[entry.part]:
                    self.assertIn(at, there(moment), moment)
            self.assertLess(max(there(moment), default=-1), moment.time or 1, moment)

    def test_each_order(self):
        """Each part of the writes that only the other disk's flush follows, and of the last ones."""
        found = {frozenset(there(moment) & {1, 4, 5}) for moment in self.all if moment.time == 6}
        self.assertEqual(len(found), 8, found)
        self.assertTrue(any(moment.time == 8 and 4 not in there(moment) for moment in self.all))

    def test_one_disk(self):
        """A flush is for all that is on it."""
        for moment in moments.choose(ENTRIES, 0, 2000, None, UNIT, 0, random.Random(1)):
            for at, entry in enumerate(ENTRIES[:moment.time]):
                if entry.flushes != ENTRIES[moment.time - 1].flushes:
                    self.assertIn(at, there(moment), moment)

    def test_torn(self):
        torn = {(moment.torn, moment.torn_bytes) for moment in self.all if moment.torn is not None}
        self.assertEqual({at for at, _ in torn}, {0, 1, 4, 5, 7})
        self.assertEqual({bytes_ for at, bytes_ in torn if at == 5}, {UNIT, 2 * UNIT, 3 * UNIT})
        for moment in self.all:
            self.assertNotIn(moment.torn, there(moment))

    def test_before_and_after(self):
        self.assertTrue(moments.is_before(moments.Moment(3), 3))
        self.assertFalse(moments.is_before(moments.Moment(2, (3,)), 3))
        self.assertFalse(moments.is_before(moments.Moment(2, (), 4, UNIT), 3))
        self.assertTrue(moments.is_after(moments.Moment(2, (2, 3), time=4), 4))
        self.assertFalse(moments.is_after(moments.Moment(2, (3,), time=4), 4))
        # whatever is not there, it was over
        self.assertTrue(moments.is_after(moments.Moment(2, (3, 4), time=5), 4))

    def test_disk(self):
        """What a moment has, and nothing else, is what differs on the disk."""
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(1 << 17)
            disk = moments.Disk(file.name, ENTRIES)
            for moment in self.all[::20]:
                sectors = disk.at(moment)
                disk.write(sectors, file.name)
                file.seek(0)
                content = file.read()
                self.assertEqual(len(content), 1 << 17)
                for at, entry in enumerate(ENTRIES):
                    size = moment.torn_bytes if at == moment.torn else \
                        len(entry.what) if at in there(moment) else 0
                    begin = entry.place * UNIT
                    self.assertEqual(content[begin:begin + len(entry.what)],
                                     entry.what[:size].ljust(len(entry.what), b"\0"), moment)
            disk.rewind()


if __name__ == "__main__":
    unittest.main()
