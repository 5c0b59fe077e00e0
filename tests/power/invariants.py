# SPDX-License-Identifier: MIT
"""What is true of each boot after a power cut, whenever it was. Each function here is one promise:
it is given what was found, and what a boot before the operation and one after it leave."""

import collections
import os
import re

# @old, @new, @found: see facts.look(); @must: OLD or NEW where only one of them can be, as nothing
# of the operation was on the disk, or it had ended; @operation; @log: lines of the boot; @boots: how
# many boots there were, with those that were cut
Cut = collections.namedtuple("Cut", "old new found must operation log boots")
OLD, NEW = "old", "new"
# what changes in one step, all of it together
STEP = ("installed", "active", "seen", "stack", "denylist", "untrusted", "config")
ROOM_BYTES = 16 << 10  # by which it may differ, as folders and records grow: less than a package has
COMPLAINTS = re.compile(r"broken|damaged|anew|cannot|no valid|not active(?!: (revoked|no-signature|quarantined|suspect))")


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
        for key in ("stack", "denylist", "untrusted", "config"):
            need(found[key] in (whole[OLD][key], whole[NEW][key]), key, "is", found[key])
        old, new, installed = (side["installed"] for side in (cut.old, cut.new, cut.found))
        need(installed.items() <= old.items() | new.items(), "installed are", installed)
        need({name for _, name in old} & {name for _, name in new} <=
             {name for _, name in installed}, "only installed are", installed)
        return
    need(False, "must be", " or ".join(sorted(may)), ":",
         {state: differences(found, whole[state]) for state in may})


def installed_verify(cut):
    """Each installed file is a package as its signer made it, and is listed with the verdict that
    it has before the operation or after it. What is active is seen, as dm-verity lets it through."""
    for file, package in cut.found["installed"].items():
        need(package != "damaged", file, "is damaged")
    listed = {("persist" if persistent else "data", f"{name}.wmopkg"): (name, version)
              for (name, persistent), (version, _, _) in cut.found["active"].items()}
    need(listed == cut.found["installed"], "listed are", listed, "and installed",
         cut.found["installed"])
    for key, what in cut.found["active"].items():
        may = [side["active"][key] for side in (cut.old, cut.new) if key in side["active"]]
        need(what in may or what[2] == "Revoked" and cut.found["denylist"] > cut.old["denylist"],
             key, "is", what, "and may be", may)
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
    the operation made them so; each boot has the number that follows that of the one before. A purge
    deletes them all, and nothing else does."""
    need(cut.old["boot"] <= cut.found["boot"] < cut.new["boot"] + cut.boots or cut.operation.purges,
         "boot", cut.found["boot"], "after", cut.old["boot"] - 1)
    least = cut.new if cut.operation.purges and part(cut.found) == part(cut.new) else cut.old
    most = cut.old if cut.operation.purges else cut.new
    need(least["denylist"] <= cut.found["denylist"] <= most["denylist"],
         "deny list", cut.found["denylist"])
    for name, epoch in least["floors"].items():
        need(cut.found["floors"].get(name, -1) >= epoch, "floor of", name)
    for name, epoch in cut.found["floors"].items():
        need(epoch <= most["floors"].get(name, -1), "floor of", name, "is", epoch)
    if cut.must == NEW:
        need(cut.found["floors"] == cut.new["floors"], "floors are", cut.found["floors"])


def records_whole(cut):
    """Each record is the old one or the new one. Boots are counted for one set of packages: of
    several steps, each begins to count again, and where more than one boot belongs to the operation
    not all of them may have been counted. One that was cut may have been counted."""
    sides = [side for name, side in ((OLD, cut.old), (NEW, cut.new)) if cut.must in (None, name)]
    for name in cut.found["records"].keys() | cut.old["records"].keys() | cut.new["records"].keys():
        need(cut.found["records"].get(name) in [side["records"].get(name) for side in sides],
             name, "is another one")
    trials = [set(side["trials"]) for side in sides]
    need(set.intersection(*trials) <= cut.found["trials"].keys() <= set.union(*trials),
         "on trial are", *cut.found["trials"])
    for name, (state, boots) in cut.found["trials"].items():
        may = [side["trials"][name] for side in (cut.old, cut.new) if name in side["trials"]]
        fewer = cut.operation.steps or cut.operation.boots
        need(any(state == other and (0 if fewer else most) <= boots < most + cut.boots
                 for other, most in may), name, "is", state, boots, "and may be", may)


def is_part(lines, whole):
    """Whether these are some of @whole, in its order."""
    rest = iter(whole)
    return all(line in rest for line in lines)


def logged_once(cut):
    """The audit log has no line twice, all lines of before, all once the operation has ended; and
    where it is promised, the last one as soon as it has taken place."""
    old, new, found = (side["logged"] for side in (cut.old, cut.new, cut.found))
    same = len(os.path.commonprefix([old, new]))
    if cut.operation.settings.get("audit_bytes"):  # the new line has made room for itself
        need(found == new or cut.must != NEW and found in (old, new[:-1]), len(found),
             "lines, before there were", len(old), "and after it", len(new))
        return
    need(any(found[:same] == side[:same] and is_part(found[same:], side[same:])
             for side in (old, new)) or cut.operation.purges and found[:len(old)] == old,
         "lines are", found[same:])
    if cut.must == NEW or cut.operation.once and part(cut.found) == part(cut.new) != part(cut.old):
        need(found[-1:] == new[-1:], "lines are", found[same:], "instead of", new[same:])
    if cut.must == NEW:
        need(found == new, "lines are", found[same:], "instead of", new[same:])


def rings_whole(cut):
    """The other rings of the audit log have the lines of before the operation. Where the log is
    full, the oldest ones may have made room."""
    for ring, found in cut.found["rings"].items():
        before = os.path.commonprefix([cut.old["rings"][ring], cut.new["rings"][ring]])
        if cut.operation.settings.get("audit_bytes"):
            before = [line for line in before if line in found]
        need(found[:len(before)] == before, ring, "has lost lines")


def no_leftovers(cut):
    """After the boot no file is there that is not there before or after the operation, with the
    same permissions and owners, and no room is lost that belongs to no file that should be there."""
    for path, mode in cut.found["files"].items():
        name = os.path.basename(path)
        may = [side["files"][path] for side in (cut.old, cut.new) if path in side["files"]]
        need(may and (not name.startswith(".") or name.endswith(".lock")), path, "is left")
        need(mode in may, path, "has", mode, "instead of", *may)
    for volume, used in cut.found["used"].items():
        most = max(cut.old["used"][volume], cut.new["used"][volume])
        need(used <= most + ROOM_BYTES, volume, "has", used, "bytes used instead of", most)


def no_complaints(cut):
    """The boot finds nothing to complain about."""
    for line in cut.log:
        need(not COMPLAINTS.search(line) or
             cut.operation.says and re.search(cut.operation.says, line), line)


INVARIANTS = (old_or_new, installed_verify, no_persistent_lost, nothing_falls, records_whole,
              logged_once, rings_whole, no_leftovers, no_complaints)


def broken(cut):
    """What is not as it must be: NAME: WHY, for each invariant."""
    found = []
    for invariant in INVARIANTS:
        try:
            invariant(cut)
        except AssertionError as why:
            found.append(f"{invariant.__name__}: {why!s:.600}")
    return found
