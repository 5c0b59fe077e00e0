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


def tree(path):
    """A folder, by path below it: digests of files, None for folders. None where there is none."""
    if not os.path.isdir(path):
        return None
    return {os.path.relpath(f"{above}/{name}", path):
            digest(f"{above}/{name}") if os.path.isfile(f"{above}/{name}") else None
            for above, folders, files in os.walk(path) for name in folders + files}


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


# each of them is replaced as a whole; the others are about the boots
RECORDS = ("set", "catalog", "catalog.json", "denylist", "denylist.copy", "unlock", "good.json")


def look(device, digests):
    """All of it, of a device that is up."""
    state = device.state()
    record = device.folder("persist") + "/wmopkg"
    packages = [name for name, _ in digests.values()]
    return {
        "installed": installed(device, digests),
        "active": {(package["name"], package["persistent"]):
                   (package["version"], package["active"], package["verification"])
                   for package in state["packages"]},
        "seen": {name: seen for name in packages
                 for seen in [known(device.root(content_path(name)), digests)] if seen},
        "stack": state["stack"]["code"],
        "denylist": state["denylist"],
        "untrusted": state["allow_untrusted"],
        "config": tree(device.folder("data") + "/config"),
        "floors": floors(record + "/floors"),
        "trials": trials(record + "/trials.json"),
        "records": {name: digest(f"{record}/{name}") for name in RECORDS
                    if os.path.exists(f"{record}/{name}")},
        "logged": logged(record),
        "files": {f"{volume}/{path}" for volume in device.sizes
                  for path in tree(device.folder(volume))},
    }
