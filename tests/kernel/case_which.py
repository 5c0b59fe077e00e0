# SPDX-License-Identifier: MIT
"""What `wmopkg which` says, held to what the kernel shows.

Packages and firmware are grown at random, from a few names, so that they overlap in every
way: files, folders, opaque folders, links, whiteouts, pipes. Each file says in itself where
it is from. For every path of any of them, `which` names that supplier, or why it is gone.

This kernel's squashfs has no attributes, so that packages with opaque folders are not
activated here: those are stacked by hand, of the trees that they were made of.
"""

import json
import os
import random
import stat
import subprocess

import effort
from case_engine import HOSTILE
from device import Device, Vendor, equal, run, write

NAMES = "abcd"
SEEDS = (1, 2)
OPAQUE_SEEDS = (11, 13)
DEPTH = 3

# What a hostile package holds, and the firmware keeps.
ENGINE = ("etc/wmopkg/wmopkg.conf", "etc/wmopkg/keys/root.pem", "usr/bin/wmopkg",
          "usr/sbin/wmopkg-activate", "etc/wmopkg/evil", "etc/wmopkg/keys/evil.pem", "etc/banner",
          "usr/bin/wmopkg/x")

# By priority, which is not the order of their names.
PRIORITIES = {"one": 2, "two": 3, "three": 1}
LAYERS = ("firmware", *PRIORITIES)


def grow(rng, package, opaque, above="", depth=DEPTH):
    """Path to kind: file, folder, opaque, link, whiteout, pipe."""
    kinds = ["file", "folder", "folder", "folder", "link", None, None]
    if package:
        kinds += ["whiteout", "pipe", "file"] + ["opaque", "opaque"] * opaque
    grown = {}
    for name in NAMES:
        kind = rng.choice(kinds)
        if kind is None:
            continue
        grown[above + name] = kind
        if kind in ("folder", "opaque") and depth > 1:
            grown.update(grow(rng, package, opaque, above + name + "/", depth - 1))
    return grown


def layers(seed):
    rng = random.Random(seed)
    return {layer: grow(rng, layer != "firmware", seed in OPAQUE_SEEDS) for layer in LAYERS}


def target(layer, path):
    """Leads to the name after its own; how it is written tells whose it is."""
    after = NAMES[(NAMES.index(path[-1]) + 1) % len(NAMES)]
    return "./" * LAYERS.index(layer) + after


def make(folder, layer, grown, stacked=False):
    """@stacked: as overlayfs wants it, not as `create` takes it."""
    for path, kind in grown.items():
        place = f"{folder}/{path}"
        if kind in ("folder", "opaque"):
            os.makedirs(place)
            if kind == "opaque" and stacked:
                os.setxattr(place, "trusted.overlay.opaque", b"y")
            elif kind == "opaque":
                write(f"{place}/.wh..wh..opq", "")
        elif kind == "file":
            write(place, f"{layer} {path}")
        elif kind == "link":
            os.symlink(target(layer, path), place)
        elif kind == "pipe":
            os.mkfifo(place)
        else:
            os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(0, 0))


def prepare(work, build):
    vendor = Vendor(work, build)
    for seed in SEEDS + OPAQUE_SEEDS:
        grown = layers(seed)
        for layer, priority in PRIORITIES.items():
            tree = f"{work}/trees/{seed}-{layer}"
            os.makedirs(tree)
            make(tree, layer, grown[layer])
            vendor.make(f"{layer}", tree, priority=priority)
            os.rename(vendor.path(layer), f"{work}/packages/{seed}-{layer}.wmopkg")
    for name, files in HOSTILE.items():
        vendor.seal(name, vendor.squash(name, files), priority=1000000)


def ask(device, path):
    done = subprocess.run([device.wmopkg, "--config", device.base + "/conf", "which", "/" + path,
                           "json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    told = json.loads(done.stdout)
    equal(told["now"], told["after_reboot"], path)
    equal(told["unknown"], [], path)
    absent = told["now"][0]["state"] == "absent"
    equal((done.returncode, bool(done.stderr)), (4, True) if absent else (0, False), path)
    return told["now"]


def owner(step):
    return "firmware" if "firmware" in step["owner"] else step["owner"]["package"]


def see(device, path):
    """Kind and content, as the kernel has it; None where nothing is."""
    place = device.root(path)
    try:
        found = os.lstat(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(found.st_mode):
        return "folder", None
    if stat.S_ISLNK(found.st_mode):
        return "link", os.readlink(place)
    if stat.S_ISREG(found.st_mode):
        with open(place, encoding="ascii") as file:
            return "file", file.read()
    return "special", None


def check_step(device, step):
    path = step["path"][1:]
    seen = see(device, path)
    if seen is None:
        equal(step["state"] in ("absent", "deleted", "hidden", "blocked"), True, step)
        return step["state"]
    equal((step["state"], step["kind"]), ("present", seen[0]), step)
    if seen[0] == "file":
        equal(f"{owner(step)} {path}", seen[1], step)
    if seen[0] == "link":
        equal((step["target"], target(owner(step), path)), (seen[1], seen[1]), step)
    return seen[0]


def check_merged(grown, step):
    """A folder is merged of layers that have one there, each with something of it to see."""
    path = step["path"][1:]
    for layer in step["merged"]:
        name = "firmware" if "firmware" in layer else layer["package"]
        equal(grown[name][path] in ("folder", "opaque"), True, step)


def paths_of(grown):
    """All of them, or one for each combination of what the layers have there."""
    paths = sorted({path for entries in grown.values() for path in entries})
    combined = {}
    for path in paths:
        combined.setdefault(tuple(grown[layer].get(path) for layer in LAYERS), path)
    return effort.choose(paths, list(combined.values()))


def check_all(device, grown):
    """How often what was seen."""
    found = {}
    root = os.path.realpath(device.root(""))
    for path in [*paths_of(grown), "a/none", "none"]:
        steps = ask(device, path)
        # what was asked for is what is looked at, but for links above it
        real = os.path.realpath(os.path.dirname(device.root(path)))
        if os.path.isdir(real) and (real + "/").startswith(root + "/"):
            equal(steps[0]["path"], real[len(root):] + "/" + os.path.basename(path), path)
        for step in steps:
            kind = check_step(device, step)
            found[kind] = found.get(kind, 0) + 1
            if kind == "folder":
                check_merged(grown, step)
    return found


def check_found(found, *wanted):
    """The dice have shown all there is."""
    for kind in wanted:
        equal(sum(one.get(kind, 0) for one in found) > 0, True, f"{kind}: {found}")


def install(device, seed):
    for layer in PRIORITIES:
        device.install(f"{device.work}/packages/{seed}-{layer}.wmopkg", name=layer)


def test_every_path(work, build):
    found = []
    for seed in SEEDS:
        with Device(work, build) as device:
            make(device.root(""), "firmware", layers(seed)["firmware"])
            install(device, seed)
            device.activate()
            equal([entry["active"] for entry in device.state()["packages"]], [True] * 3)
            found.append(check_all(device, layers(seed)))
    check_found(found, "file", "folder", "link", "special", "absent", "deleted", "blocked")


def choose(grown, seed):
    """Some folders of the firmware, none within another; and one that it does not have."""
    rng = random.Random(seed)
    chosen = ["none"]
    for path in sorted(path for path, kind in grown.items() if kind == "folder"):
        within = any(path.startswith(other + "/") for other in chosen)
        if not within and rng.random() < 0.6:
            chosen.append(path)
    return chosen


def test_hierarchies(work, build):
    """The same where packages lie over some folders alone."""
    found = []
    for seed in SEEDS:
        for dice in effort.choose((1, 2, 3), (3,)):  # with which there is some of each
            with Device(work, build) as device:
                grown = layers(seed)["firmware"]
                make(device.root(""), "firmware", grown)
                install(device, seed)
                chosen = choose(grown, dice)
                with open(device.base + "/conf", "a", encoding="ascii") as file:
                    file.write("hierarchies = {/" + ", /".join(chosen) + "}\n")
                device.activate()
                found.append(check_all(device, layers(seed)))
    check_found(found, "file", "folder", "link", "special", "absent", "blocked")


def stack(device, seed):
    """What the boot would do where squashfs has attributes, but for the engine's layer."""
    grown = layers(seed)
    order = sorted(PRIORITIES, key=PRIORITIES.get, reverse=True)
    folders = f"{device.base}/run/layers"
    for layer in order + ["root"]:
        os.makedirs(f"{folders}/{layer}")
    run("mount", "--bind", device.root(""), f"{folders}/root")
    for layer in order:
        make(f"{folders}/{layer}", layer, grown[layer], stacked=True)
    run("mount", "-t", "overlay", "overlay", "-o", "ro,lowerdir="
        + ":".join(f"{folders}/{layer}" for layer in order + ["root"]), device.root(""))
    entries = []
    for layer in sorted(order):
        file = os.stat(f"{device.base}/data/packages/{layer}.wmopkg")
        entries.append({
            "name": layer, "persistent": False, "identity": layer, "version": "1.0",
            "description": "made for a test", "verification": "Signed", "active": True,
            "file": {"inode": file.st_ino, "bytes": file.st_size, "changed_ns": file.st_ctime_ns},
            "reason": {"code": "ok", "message": ""}})
    write(f"{device.base}/run/state.json", json.dumps({
        "format": 1, "safe": False, "allow_untrusted": False,
        "stack": {"code": "ok", "message": ""}, "packages": entries}))


def test_opaque(work, build):
    found = []
    for seed in OPAQUE_SEEDS:
        with Device(work, build) as device:
            make(device.root(""), "firmware", layers(seed)["firmware"])
            install(device, seed)
            stack(device, seed)
            found.append(check_all(device, layers(seed)))
    check_found(found, "file", "folder", "hidden", "deleted")


def test_engine(work, build):
    """Whatever a package holds there: the firmware's, as the kernel shows it."""
    for dice, name in enumerate(("hides-parent", "hides-programs", "replaces-parents", "adds-key",
                                 "program-is-folder")):
        with Device(work, build) as device:
            device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            equal(device.package(name)["active"], True)
            for path in effort.choose(ENGINE, ENGINE[dice % 2::2]):
                step = ask(device, path)[0]
                equal(step["state"] == "present", see(device, path) is not None,
                      f"{name}: {step}")
                if step["state"] == "present":
                    equal(owner(step), "firmware", f"{name}: {step}")
