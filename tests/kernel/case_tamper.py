# SPDX-License-Identifier: MIT
"""Packages that were changed after they were signed: none of them is ever active, each
for its own reason, and a good one beside them is."""

import json
import os
import shutil
import struct

from device import Device, Vendor, equal, run

BLOCK = 4096


def layout(path):
    """Where the parts of a package lie, from its sizes (docs: the package file)."""
    with open(path, "rb") as file:
        head = file.read(16)
        manifest_bytes, signature_bytes = struct.unpack("<II", head[8:])
        manifest = json.loads(file.read(manifest_bytes))
    signature = 16 + manifest_bytes
    padding = signature + signature_bytes
    tree = (padding + BLOCK - 1) // BLOCK * BLOCK
    data = (manifest["image"]["bytes"] + BLOCK - 1) // BLOCK
    levels = []
    blocks = data
    while blocks > 1:
        blocks = (blocks + 127) // 128
        levels.append(blocks)
    image = tree + sum(levels) * BLOCK
    parts = {"magic": 0, "manifest-size": 8, "signature-size": 12,
             "manifest": 16 + manifest_bytes // 2, "signature": padding - 9, "certificate": signature + 400,
             "padding": tree - 1, "image-first": image,
             "image-middle": image + data // 2 * BLOCK + 7,
             "image-last": image + (data - 1) * BLOCK}
    place = tree
    for level in reversed(range(len(levels))):
        parts[f"tree-{level}"] = place
        place += levels[level] * BLOCK
    return parts, image + data * BLOCK, len(levels)


REASONS = {"magic": ("bad-magic",), "manifest-size": ("bad-length", "bad-signature"),
           "signature-size": ("bad-signature", "bad-padding", "bad-length"),
           "manifest": ("bad-signature",), "signature": ("bad-signature",),
           "certificate": ("bad-signature",),
           "padding": ("bad-padding",), "tree-0": ("tree-mismatch",),
           "tree-1": ("tree-mismatch",), "tree-2": ("tree-mismatch",),
           "image-first": ("image-mismatch",), "image-middle": ("image-mismatch",),
           "image-last": ("image-mismatch",), "shorter": ("bad-length",),
           "longer": ("bad-length",), "halved": ("bad-length",)}


def flip(path, place, bit=0):
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << bit]))


def vary(vendor, source, parts):
    """One package for each way to change @source, called after what was changed."""
    places, size, _ = layout(source)
    equal(os.path.getsize(source), size, "size of " + source)
    for part in parts:
        target = vendor.path(part)
        shutil.copy(source, target)
        if part == "shorter":
            os.truncate(target, size - BLOCK)
        elif part == "halved":
            os.truncate(target, 100)
        elif part == "longer":
            with open(target, "ab") as file:
                file.write(bytes(BLOCK))
        else:
            flip(target, places[part])


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("good", {"good": "good\n"})
    small = vendor.make("small", {"file": os.urandom(5 * BLOCK)})
    middle = vendor.make("middle", {"file": os.urandom(200 * BLOCK)})
    large = vendor.make("large", {"file": os.urandom(16500 * BLOCK)})
    equal([layout(path)[2] for path in (small, middle, large)], [1, 2, 3], "levels")
    vary(vendor, small, ["magic", "manifest-size", "signature-size", "manifest",
                         "signature", "certificate", "padding", "shorter", "longer", "halved"])
    vary(vendor, middle, ["tree-1", "image-first", "image-middle", "image-last"])
    vary(vendor, large, ["tree-2"])
    os.rename(vendor.path("tree-2"), vendor.path("large-tree-2"))
    vary(vendor, large, ["tree-0"])


def check_refused(device, name, codes, verdict="Invalid"):
    package = device.package(name)
    equal((package["verification"], package["active"]), (verdict, False), name)
    if package["reason"]["code"] not in codes:
        raise AssertionError(f"{name}: {package['reason']} instead of one of {codes}")
    lines = [line for line in device.log() if line.startswith((f"wmopkg: {name} ", f"wmopkg: {name}:"))]
    equal(len(lines), 1, name)
    wanted = f"{verdict}, not active: {package['reason']['code']}: "
    assert wanted in lines[0], lines
    shown = device.show(name)
    equal((shown["verification"], shown["active"], shown["status"], shown["reason"]["code"]),
          (verdict, False, "inactive", package["reason"]["code"]), name)


def test_small_and_middle(work, build):
    names = ["magic", "manifest-size", "signature-size", "manifest", "signature",
             "certificate", "padding", "shorter", "longer", "halved", "tree-1", "image-first",
             "image-middle", "image-last"]
    with Device(work, build) as device:
        for name in ["good", *names]:
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        equal(device.see("good"), "good\n")
        equal(device.see("file"), None)
        for name in names:
            check_refused(device, name, REASONS[name])
        equal(device.package("good")["active"], True)


def test_three_levels(work, build):
    with Device(work, build) as device:
        for name in ("good", "large-tree-2", "tree-0"):
            device.install(f"{work}/packages/{name}.wmopkg", link=True)
        device.activate()
        equal(device.see("good"), "good\n")
        equal(device.see("file"), None)
        check_refused(device, "large-tree-2", REASONS["tree-2"])
        check_refused(device, "tree-0", REASONS["tree-0"])


def test_three_levels_sound(work, build):
    with Device(work, build) as device:
        device.install(f"{work}/packages/large.wmopkg", link=True)
        device.activate()
        equal(device.package("large")["active"], True)
        run("cmp", device.root("file"), work + "/trees/large/file")


def test_allow_untrusted_allows_none_of_it(work, build):
    """Allow Untrusted is about who signed, never about what does not match."""
    names = ["magic", "manifest", "signature", "certificate", "padding", "shorter", "tree-1",
             "image-middle"]
    with Device(work, build) as device:
        device.boot_with("wmopkg.allow_untrusted=1")
        for name in ["good", *names]:
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        equal(device.see("good"), "good\n")
        equal(device.see("file"), None)
        for name in names:
            check_refused(device, name, REASONS[name])
