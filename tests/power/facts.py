# SPDX-License-Identifier: MIT
"""What a boot leaves, by what it is about: read by this program itself, as thousands of boots
are looked at."""

import hashlib
import json
import os
import struct

from device import read
from resets import names


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def content_path(name):
    """Where each package of these tests has its only file."""
    return f"usr/share/power/{name}"


def tree(path, look_at):
    """What is below a folder: by path from there, what @look_at says of each path."""
    return {os.path.relpath(f"{above}/{name}", path): look_at(f"{above}/{name}")
            for above, folders, files in os.walk(path) for name in folders + files}


def mode(path):
    """Type, permissions and owners, as text that can be read in a failure."""
    status = os.lstat(path)
    return f"{status.st_mode:o} {status.st_uid}:{status.st_gid}"


def mode_and_content(path):
    return mode(path), digest(path) if os.path.isfile(path) else None


def used_bytes(path):
    """By files and folders: what the file system itself takes is not the same where a reset has
    made a new one."""
    status = os.statvfs(path)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def known(path, digests):
    """Which package, or file of one, that is: name and version."""
    return digests.get(digest(path), "damaged") if os.path.isfile(path) else None


def installed(device, digests):
    """{(store, file): package}, of all that is in the stores but for unfinished files."""
    return {(volume, name): known(f"{folder}/{name}", digests)
            for volume in device.sizes for folder in [device.folder(volume) + "/packages"]
            if os.path.isdir(folder) for name in names(folder) if not name.startswith(".")}


def floors(folder):
    """{identity: epoch}, of the heads of packages that are kept."""
    found = {}
    for name in names(folder) if os.path.isdir(folder) else []:
        if not name.startswith("."):
            with open(f"{folder}/{name}", "rb") as file:
                _, size, _ = struct.unpack("<8sII", file.read(16))
                manifest = json.loads(file.read(size))
            found[manifest["name"]] = manifest["epoch"]
    return found


def trials(path):
    """{name: (state, boots)}"""
    if not os.path.exists(path):
        return {}
    return {package["name"]: (package["state"], package["incomplete"])
            for package in json.loads(read(path))["packages"]}


def digests_of_lines(record, ring, boot):
    """Of the lines of a ring of the audit log, in turn; each has that of the line before in it.
    Not of those of the boot that looks: an operation that is a boot can write the very same."""
    lines = [json.loads(line) for path in (f"{record}/{ring}.1", f"{record}/{ring}")
             if os.path.exists(path) for line in read(path).splitlines()]
    return [line["digest"] for line in lines if line["boot"] < boot]


def logged(record):
    """What was changed, as the audit log has it."""
    found = []
    for path in (record + "/audit.log.1", record + "/audit.log"):
        for line in read(path).splitlines() if os.path.exists(path) else []:
            line = json.loads(line)
            # a reset whose repair was cut off is documented to make a new file system
            detail = line.get("detail", "").replace("formatted", "emptied")
            found.append((*(line.get(key) for key in ("event", "package", "version", "code")),
                          detail))
    return found


RINGS = ("audit.boots", "audit.refusals")  # the third one: logged()
# each of them is replaced as a whole, or has less than a sector; the others are about the boots
RECORDS = ("set", "catalog", "catalog.json", "denylist", "denylist.copy", "unlock", "good.json",
           "time", "begun", "known_hosts")


def look(device, digests):
    """All of it, of a device that is up."""
    state = device.state()
    record = device.folder("persist") + "/wmopkg"
    packages = [name for name, _ in digests.values()]
    config = device.folder("data") + "/config"
    return {
        "boot": state["boot"],
        "installed": installed(device, digests),
        "active": {(package["name"], package["persistent"]):
                   (package["version"], package["active"], package["verification"])
                   for package in state["packages"]},
        "seen": {name: seen for name in packages
                 for seen in [known(device.root(content_path(name)), digests)] if seen},
        "stack": state["stack"]["code"],
        "denylist": state["denylist"],
        "untrusted": state["allow_untrusted"],
        "config": tree(config, mode_and_content) if os.path.isdir(config) else None,
        "floors": floors(record + "/floors"),
        "trials": trials(record + "/trials.json"),
        "records": {name: digest(f"{record}/{name}") for name in RECORDS
                    if os.path.exists(f"{record}/{name}")},
        "logged": logged(record),
        "rings": {ring: digests_of_lines(record, ring, state["boot"]) for ring in RINGS},
        "files": {f"{volume}/{path}": what for volume in device.sizes
                  for path, what in tree(device.folder(volume), mode).items()},
        "used": {volume: used_bytes(device.folder(volume)) for volume in device.sizes},
    }
