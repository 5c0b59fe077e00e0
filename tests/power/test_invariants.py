#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each promise is broken by what it must not be: as thousands of boots show none that is, this shows
that one would be seen."""

import copy
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "kernel"))
import invariants  # noqa: E402  pylint: disable=wrong-import-position
from operations import Operation  # noqa: E402  pylint: disable=wrong-import-position

FILE, FOLDER = "100600 0:0", "40700 0:0"
INSTALL = ("install", "plain", "2.0", None, "")
OLD = {
    "boot": 3, "stack": "ok", "denylist": 7, "untrusted": False,
    "installed": {("data", "plain.wmopkg"): ("plain", "1.0"),
                  ("persist", "keep.wmopkg"): ("keep", "1.0")},
    "active": {("plain", False): ("1.0", True, "Signed"), ("keep", True): ("1.0", True, "Signed")},
    "seen": {"plain": ("plain", "1.0"), "keep": ("keep", "1.0")},
    "config": {"hostname": (FILE, "digest")},
    "floors": {"plain": 1}, "trials": {"keep": ("trying", 1)},
    "records": {"denylist": "digest", "time": "digest"},
    "logged": [("install", "keep", "1.0", None, "")], "rings": {"audit.boots": ["a", "b"]},
    "files": {"data/packages": FOLDER, "data/packages/plain.wmopkg": FILE},
    "used": {"data": 100_000, "persist": 100_000},
}
NEW = copy.deepcopy(OLD)
NEW["installed"]["data", "plain.wmopkg"] = NEW["seen"]["plain"] = ("plain", "2.0")
NEW["active"]["plain", False] = ("2.0", True, "Signed")
NEW["floors"]["plain"], NEW["denylist"], NEW["records"]["denylist"] = 2, 8, "another one"
NEW["trials"]["plain"] = ("trying", 1)
NEW["logged"].append(INSTALL)
NEW["rings"]["audit.boots"].append("c")
NEW["used"]["data"] = 110_000


def put(*place_and_value):
    """(where it is in the facts, value); a value of None deletes it."""
    *place, key, value = place_and_value

    def change(facts):
        for name in place:
            facts = facts[name]
        if value is None:
            del facts[key]
        else:
            facts[key] = value
    return change


# what is wrong of a boot that is the old one otherwise: which promise says so, first
WRONG = {
    "another version": ("old_or_new", put("installed", ("data", "plain.wmopkg"), ("plain", "3.0"))),
    "seeded in part": ("old_or_new", put("config", {})),
    "another mode": ("old_or_new", put("config", "hostname", ("100644 0:0", "digest"))),
    "damaged": ("installed_verify", put("installed", ("data", "plain.wmopkg"), "damaged")),
    "not listed": ("installed_verify", put("active", ("plain", False), None)),
    "another verdict": ("installed_verify", put("active", ("plain", False), ("1.0", True, "Invalid"))),
    "not seen": ("installed_verify", put("seen", "plain", None)),
    "no stack": ("installed_verify", put("stack", "stack")),
    "persistent lost": ("no_persistent_lost", put("active", ("keep", True), None)),
    "persistent not active": ("no_persistent_lost", put("active", ("keep", True),
                                                        ("1.0", False, "Signed"))),
    "lower deny list": ("nothing_falls", put("denylist", 6)),
    "higher deny list": ("nothing_falls", put("denylist", 9)),
    "lower floor": ("nothing_falls", put("floors", "plain", 0)),
    "no floor": ("nothing_falls", put("floors", {})),
    "higher floor": ("nothing_falls", put("floors", "plain", 3)),
    "a number of a boot again": ("nothing_falls", put("boot", 2)),
    "a number of a boot left out": ("nothing_falls", put("boot", 4)),
    "another record": ("records_whole", put("records", "denylist", "in part")),
    "no record": ("records_whole", put("records", "time", None)),
    "no trial": ("records_whole", put("trials", {})),
    "another trial": ("records_whole", put("trials", "other", ("trying", 1))),
    "a trial that counts twice": ("records_whole", put("trials", "keep", ("trying", 2))),
    "a line lost": ("logged_once", put("logged", [])),
    "a line twice": ("logged_once", put("logged", [*OLD["logged"], INSTALL, INSTALL])),
    "a line of a boot lost": ("rings_whole", put("rings", "audit.boots", ["b"])),
    "a file left": ("no_leftovers", put("files", "data/other", FILE)),
    "an unfinished file left": ("no_leftovers", put("files", "data/packages/.new", FILE)),
    "permissions": ("no_leftovers", put("files", "data/packages", "40777 0:0")),
    "room lost": ("no_leftovers", put("used", "data", 130_000)),
}


def broken(found, must=None, log=(), **of_operation):
    """The names of the promises that are broken."""
    cut = invariants.Cut(OLD, NEW, found, must, Operation(None, **of_operation), log, 1)
    return [why.split(":")[0] for why in invariants.broken(cut)]


class Invariants(unittest.TestCase):
    def test_sound(self):
        for must, found in (invariants.OLD, OLD), (invariants.NEW, NEW), (None, OLD), (None, NEW):
            self.assertEqual(broken(found, must), [])

    def test_wrong(self):
        self.assertEqual({promise for promise, _ in WRONG.values()},
                         {invariant.__name__ for invariant in invariants.INVARIANTS} -
                         {"no_complaints"})
        for steps in False, True:  # what is cut between two steps may be both, and nothing else
            for what, (promise, change) in WRONG.items():
                found = copy.deepcopy(OLD)
                change(found)
                self.assertIn(promise, broken(found, steps=steps), (what, steps))

    def test_over(self):
        """What has ended is never as before; what has not begun, never as after it."""
        for must, found in (invariants.NEW, OLD), (invariants.OLD, NEW):
            self.assertIn("old_or_new", broken(found, must))
        for key in "floors", "logged", "records", "trials":
            found = NEW | {key: OLD[key]}
            self.assertNotEqual(broken(found, invariants.NEW), [], key)

    def test_line_of_what_has_taken_place(self):
        self.assertEqual(broken(NEW | {"logged": OLD["logged"]}), [])
        self.assertEqual(broken(NEW | {"logged": OLD["logged"]}, once=True), ["logged_once"])

    def test_full_log(self):
        """Of a log that is full, the oldest lines go in one step, and no others."""
        full = {"settings": {"audit_bytes": 1}}
        self.assertEqual(broken(OLD, **full), [])
        self.assertEqual(broken(OLD | {"logged": []}, **full), ["logged_once"])
        self.assertEqual(broken(OLD, invariants.NEW, **full)[-1:], ["logged_once"])

    def test_complaints(self):
        for line in "wmopkg: the record is damaged", "wmopkg: plain 1.0: Signed, not active: memory":
            self.assertEqual(broken(OLD, log=[line]), ["no_complaints"])
        for line in "wmopkg: a line", "wmopkg: plain 1.0: Revoked, not active: revoked":
            self.assertEqual(broken(OLD, log=[line]), [])


if __name__ == "__main__":
    unittest.main()
