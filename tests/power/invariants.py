# SPDX-License-Identifier: MIT
"""What is true of each boot after a power cut, whenever it was. Each function here is one promise:
it is given what was found, and what a boot before the operation and one after it leave."""

import collections
import os
import re

# @old, @new, @found: see facts.look(); @must: OLD or NEW where only one of them can be, as nothing
# of the operation was on the disk, or it had ended; @operation; @log: lines of the boot
Cut = collections.namedtuple("Cut", "old new found must operation log")
OLD, NEW = "old", "new"
# what changes in one step, all of it together
STEP = ("installed", "active", "seen", "stack", "denylist", "untrusted", "config")
COMPLAINTS = re.compile(r"broken|damaged|anew|cannot|no valid|not active(?!: (revoked|no-signature))")


def need(good, *what):
    if not good:
        raise AssertionError(" ".join(map(str, what)))


def part(facts):
    return {key: facts[key] for key in STEP}


def differences(found, wanted):
    return {key: (found[key], wanted[key]) for key in wanted if found[key] != wanted[key]}


def old_or_new(cut):
    """All that changes in one step is as before the operation or as after it, and after the
    operation has ended it is never as before. What is documented to be several steps may have
    been cut between two of them."""
    whole = {OLD: part(cut.old), NEW: part(cut.new)}
    found = part(cut.found)
    may = {state for state in whole if cut.must in (None, state)}
    if any(found == whole[state] for state in may):
        return
    if cut.operation.steps and cut.must is None:
        installed = cut.found["installed"].items()
        need(cut.new["installed"].items() <= installed <= cut.old["installed"].items(),
             "installed are", installed)
        return
    need(False, "must be", " or ".join(sorted(may)), ":",
         {state: differences(found, whole[state]) for state in may})


def installed_verify(cut):
    """Each installed file is a package as its signer made it, and what is active is seen, as
    dm-verity lets it through."""
    for file, package in cut.found["installed"].items():
        need(package != "damaged", file, "is damaged")
    for (name, _), (version, active, verdict) in cut.found["active"].items():
        if active:
            need(cut.found["seen"].get(name) == (name, version), name, verdict, "is seen as",
                 cut.found["seen"].get(name))
    need(cut.found["stack"] in (cut.old["stack"], cut.new["stack"]), cut.found["stack"])


def no_persistent_lost(cut):
    """A persistent package that the operation does not remove is there and active."""
    for key, (version, active, _) in cut.old["active"].items():
        if key[1] and active and key in cut.new["active"]:
            found = cut.found["active"].get(key, (None, False, None))
            need(found[1] and found[0] in (version, cut.new["active"][key][0]), key, "is", found)


def nothing_falls(cut):
    """Floors and the number of the deny list are never lower than before, and higher only where
    the operation made them so."""
    need(cut.old["denylist"] <= cut.found["denylist"] <= cut.new["denylist"],
         "deny list", cut.found["denylist"])
    for name, epoch in cut.old["floors"].items():
        need(cut.found["floors"].get(name, -1) >= epoch, "floor of", name)
    for name, epoch in cut.found["floors"].items():
        need(epoch <= cut.new["floors"].get(name, -1), "floor of", name, "is", epoch)
    if cut.must == NEW:
        need(cut.found["floors"] == cut.new["floors"], "floors are", cut.found["floors"])


def records_whole(cut):
    """Each record is the old one or the new one. Boots are counted for one set of packages: of
    several steps, each begins to count again, and where more than one boot belongs to the operation
    not all of them may have been counted."""
    need(cut.found["set"] in (cut.old["set"], cut.new["set"]), "the set is another one")
    for name, (state, boots) in cut.found["trials"].items():
        may = [side["trials"][name] for side in (cut.old, cut.new) if name in side["trials"]]
        need((state, boots) in may or (cut.operation.steps or cut.operation.boots) and
             any(state == other and boots < most for other, most in may),
             name, "is", state, boots, "and may be", may)


def no_leftovers(cut):
    """After the boot no file is there that is not there before or after the operation."""
    for path in cut.found["files"] - cut.old["files"] - cut.new["files"]:
        need(False, path, "is left")
    for path in cut.found["files"]:
        name = os.path.basename(path)
        need(not name.startswith(".") or name.endswith(".lock"), path, "is left")


def no_complaints(cut):
    """The boot finds nothing to complain about."""
    for line in cut.log:
        need(not COMPLAINTS.search(line), line)


INVARIANTS = (old_or_new, installed_verify, no_persistent_lost, nothing_falls, records_whole,
              no_leftovers, no_complaints)


def broken(cut):
    """What is not as it must be: NAME: WHY, for each invariant."""
    found = []
    for invariant in INVARIANTS:
        try:
            invariant(cut)
        except AssertionError as why:
            found.append(f"{invariant.__name__}: {why!s:.600}")
    return found
