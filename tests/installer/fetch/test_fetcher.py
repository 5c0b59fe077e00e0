#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is believed of a process that talks to a server, once a stranger has taken it over."""

import os
import subprocess
import sys
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
import everybody  # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = everybody.runnable(os.path.join(os.environ["WMOPKG_BUILD"], "tests/installer/hostile"))
NOBODY = 64321  # an account of no one
ENDED = "the process that talks to the server was ended: "
BROKEN = ("the process that talks to the server does not keep to its rules, and was ended (do not "
          "trust this server)")


class Fetcher(unittest.TestCase):
    def said(self, attack, *words, user=None, **env):
        done = subprocess.run([PROGRAM, attack, *words], check=True,
                              capture_output=True, text=True, user=user, group=user,
                              extra_groups=[] if user else None, timeout=120,
                              env={**os.environ, **env}).stdout
        counts, end = done.strip().split(": ", 1)
        return [int(count.split()[0]) for count in counts.split(", ")], end

    def test_good(self):
        for user in (None, NOBODY):
            self.assertEqual(self.said("good", user=user), ([5, 0, 0, 0], "done"))

    def test_broken(self):
        for attack in ("no-type", "unknown-type", "large-bytes", "large-text", "no-bytes",
                       "text-without-end", "more-than-text", "missing-text", "flag",
                       "negative-length", "retries", "bad-key", "answers", "accepts",
                       "says-part", "interrupted", "unknown-code", "silent"):
            with self.subTest(attack):
                self.assertEqual(self.said(attack), ([0, 0, 0, 0], BROKEN))

    def test_unchanged(self):
        """Only to who has a version, and then there are no bytes."""
        self.assertEqual(self.said("unchanged"), ([0, 0, 0, 0], BROKEN))
        self.assertEqual(self.said("unchanged", KNOWN='"1"'), ([0, 0, 0, 0], "done"))
        self.assertEqual(self.said("bytes-after-unchanged", KNOWN='"1"'), ([0, 0, 0, 0], BROKEN))
        self.assertEqual(self.said("unchanged-after-bytes", KNOWN='"1"'), ([5, 0, 0, 0], BROKEN))

    def test_garbage(self):
        for user in (None, NOBODY):
            self.assertEqual(self.said("garbage", user=user)[1], BROKEN)

    def test_parts(self):
        """Each byte belongs to what was asked for, and the next part comes after all of one."""
        self.assertEqual(self.said("good-parts", PARTS="1"), ([116, 0, 0, 0], "done"))
        for attack, count in (("part-too-early", 99), ("part-too-late", 101),
                              ("more-than-part", 100), ("less-than-part", 115),
                              ("endless-parts", 116), ("says-part", 0)):
            with self.subTest(attack):
                self.assertEqual(self.said(attack, PARTS="1"), ([count, 0, 0, 0], BROKEN))
        self.assertEqual(self.said("good-parts"), ([100, 0, 0, 0], BROKEN))

    def test_deaf(self):
        """Who gives the parts never waits for who asks for them."""
        (count, *rest), end = self.said("deaf", PARTS="100000")
        self.assertEqual((rest, end), ([0, 0, 0], BROKEN))
        # a pipe has 64 KiB, and one of those is 20 bytes
        self.assertLess(count, 100 + 16 * 4000)

    def test_endless(self):
        """Lines and questions have an end, and bytes end with what the judge accepts."""
        for attack in ("endless-lines", "endless-retries"):
            self.assertEqual(self.said(attack), ([0, 4096, 0, 0], BROKEN))
        self.assertEqual(self.said("endless-passwords"), ([0, 0, 3, 0], BROKEN))
        self.assertEqual(self.said("endless-keys"), ([0, 0, 0, 3], BROKEN))
        self.assertEqual(self.said("endless-bytes"), ([1 << 20, 0, 0, 0], "refused by the judge"))

    def test_questions_that_have_no_place(self):
        for attack in ("endless-passwords", "endless-keys"):
            self.assertEqual(self.said(attack, NOBODY_THERE="1"), ([0, 0, 0, 0], BROKEN))
        self.assertEqual(self.said("endless-keys", "http", "http://127.0.0.1/x.wmopkg"),
                         ([0, 0, 0, 0], BROKEN))

    def test_ends(self):
        self.assertEqual(self.said("half-a-message"), (
            [0, 0, 0, 0], "the process that talks to the server ended with status 0"))
        for attack, name in (("dies", "Aborted"), ("closes", "Killed"),
                             ("starts-a-process", "Bad system call")):
            with self.subTest(attack):
                self.assertEqual(self.said(attack), ([0, 0, 0, 0], ENDED + name))


if __name__ == "__main__":
    unittest.main()
