# SPDX-License-Identifier: MIT
"""The operations whose writes are recorded: what a device has before each, and what is done."""

import collections
import os
import random
import shutil

from device import FIRMWARE, run, write
from facts import content_path, digest

CONTENT = 20_000  # bytes of a package's content
CONFIG = {f"etc/factory-config/{name}": f"{name}\n" * 300 for name in ("hostname", "net/eth0", "users")}
# file of a package: name, version, epoch
PACKAGES = {"plain": ("plain", "1.0", 1), "plain2": ("plain", "2.0", 2), "keep": ("keep", "1.0", 0),
            "keep2": ("keep", "2.0", 0), "more": ("more", "1.0", 0), "new": ("new", "1.0", 0)}


# @data, @persist: packages that are in the stores, by their files; @before(device): what else is
# done before, in a boot that was completed; @warm(device): the same in the boot of the operation;
# @act(device): the operation; @boots: it is a boot (ONLY), or goes on in the next one (AFTER);
# @steps: it is several steps; @settings of the configuration and @cmdline of the kernel
Operation = collections.namedtuple(
    "Operation", "act data persist before warm boots steps settings cmdline", defaults=(
        ("plain",), ("keep",), None, None, None, False, {}, "quiet"))
ONLY, AFTER = "only", "after"


def make_packages(vendor):
    """What all of them need, in the folder of @vendor; {digest: (name, version)} of packages and
    their contents."""
    chance, digests = random.Random(1), {}
    for file, (name, version, epoch) in PACKAGES.items():
        shutil.rmtree(vendor.folder + "/trees", ignore_errors=True)
        content = vendor.tree(name, {content_path(name): chance.randbytes(CONTENT)})
        made = vendor.make(name, content, version=version, options=("--epoch", str(epoch)))
        place = f"{vendor.folder}/{file}/{name}.wmopkg"
        os.makedirs(os.path.dirname(place))
        os.rename(made, place)
        digests[digest(place)] = digests[digest(f"{content}/{content_path(name)}")] = (name, version)
    for number, words in ((7, ("--name", "none=1")), (8, ("--package", path(vendor.folder, "plain")))):
        run(vendor.tool, "denylist", "--number", str(number), *words, *vendor.signing("keys"),
            f"{vendor.folder}/denylist-{number}")
    write(vendor.folder + "/set.json", SET)
    run(vendor.tool, "set", "--number", "3", *vendor.signing("keys"), vendor.folder + "/set.json",
        vendor.folder + "/site.set")
    return digests


# replaces on both stores, adds to DATA, and removes 'more' from it
SET = """{"type": "set", "format": 1, "packages": [
{"source": "plain2/plain.wmopkg"}, {"source": "keep2/keep.wmopkg", "persistent": true},
{"source": "new/new.wmopkg"}]}
"""


def path(folder, file):
    return f"{folder}/{file}/{PACKAGES[file][0]}.wmopkg"


def type_in(*words):
    """Type a command; {} is the folder of the test."""
    return lambda device: device.tell(*[word.format(device.work) for word in words])


def install(file, *words):
    return lambda device: device.tell("install", *words, path(device.work, file))


OPERATIONS = {
    "install": Operation(install("new")),
    "replace": Operation(install("plain2")),
    "apply": Operation(type_in("apply", "--yes", "{}/site.set"), data=("plain", "more")),
    "denylist": Operation(type_in("denylist", "{}/denylist-8"),
                          before=type_in("denylist", "{}/denylist-7")),
}
FIRMWARE_WITH_CONFIG = FIRMWARE | CONFIG
