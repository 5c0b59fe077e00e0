# SPDX-License-Identifier: MIT
"""verify = lazy: what is damaged where the boot looks is left out as ever; what is damaged
further in is active and reads as EIO, never as other bytes. verify = full leaves out
both."""

import errno
import os
import shutil

from case_tamper import BLOCK, REASONS, check_refused, flip, layout, vary
from device import Device, Vendor, equal, run

LATE = {"image-middle": "image-mismatch", "tree-late": "tree-mismatch"}
EARLY = ["magic", "manifest-size", "signature-size", "manifest", "signature", "certificate",
         "padding", "shorter", "longer", "halved", "tree-1", "tree-0", "image-first"]


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("good", {"good": "good\n"})
    vendor.make("one-block", {"one-block": "one\n"})
    # Four leaves; the file is in all of them, what a mount reads in the last.
    source = vendor.make("late", {"late/noise": os.urandom(440 * BLOCK),
                                  "late/small": "small\n", "late/other": os.urandom(50)})
    places, size, levels = layout(source)
    equal((levels, (size - places["image-first"] - 1) // BLOCK // 128), (2, 3), "leaves")
    vary(vendor, source, [*EARLY, "image-middle", "image-last"])
    shutil.copy(source, vendor.path("tree-late"))
    flip(vendor.path("tree-late"), places["tree-0"] + BLOCK + 5)
    parts, size, levels = layout(vendor.path("one-block"))
    equal((levels, size - parts["image-first"]), (0, BLOCK), "a package of one block")
    shutil.copy(vendor.path("one-block"), vendor.path("one-block-bad"))
    flip(vendor.path("one-block-bad"), size - 1)


def noise(device):
    """What reading the damaged file comes to: an error's number, or all its bytes."""
    try:
        with open(device.root("late/noise"), "rb") as file:
            return file.read()
    except OSError as error:
        return error.errno


def check_active(device, name):
    package = device.package(name)
    equal((package["verification"], package["active"], package["reason"]["code"]),
          ("Signed", True, "ok"), name)


def test_sound(work, build):
    """One that nothing is wrong with reads as it was made."""
    with Device(work, build, verify="lazy") as device:
        for name in ("good", "one-block", "late"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        for name in ("good", "one-block", "late"):
            check_active(device, name)
        equal((device.see("good"), device.see("one-block")), ("good\n", "one\n"))
        run("cmp", device.root("late/noise"), work + "/trees/late/late/noise")


def test_damaged_late(work, build):
    """Active, boot after boot; one file of it cannot be read, the others can."""
    for name, code in LATE.items():
        with Device(work, build, verify="lazy") as device:
            for package in ("good", name):
                device.install(f"{work}/packages/{package}.wmopkg")
            for _ in range(2):
                device.activate()
                check_active(device, name)
                equal(noise(device), errno.EIO, name)
                equal((device.see("late/small"), device.see("good"), device.see("etc/banner")),
                      ("small\n", "good\n", "firmware\n"), name)
                run("cmp", device.root("late/other"), work + "/trees/late/late/other")
                check_active(device, name)
                device.reboot()
            # What reads all of it tells.
            equal(device.verify(f"{work}/packages/{name}.wmopkg")["reason"]["code"], code)


def test_damaged_where_a_mount_looks(work, build):
    """The last block holds the tables of the image: no mount, and no harm to others."""
    with Device(work, build, verify="lazy") as device:
        for name in ("good", "image-last"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        check_refused(device, "image-last", ("mount-failed",), "Signed")
        equal((device.see("good"), device.see("late/small")), ("good\n", None))


def test_damaged_early(work, build):
    with Device(work, build, verify="lazy") as device:
        for name in ("good", "one-block-bad", *EARLY):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        for name in EARLY:
            check_refused(device, name, REASONS[name])
        check_refused(device, "one-block-bad", ("image-mismatch",))
        equal((device.see("good"), device.see("late/small"), device.see("one-block")),
              ("good\n", None, None))


def test_full_leaves_out_both(work, build):
    for settings in ({}, {"verify": "full"}):
        with Device(work, build, **settings) as device:
            for name in ("good", *LATE):
                device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            for name, code in LATE.items():
                check_refused(device, name, (code,))
            equal((device.see("good"), device.see("late/small")), ("good\n", None))


def test_installing_reads_all(work, build):
    """The key is about a boot: what is installed is whole."""
    words = {"image-mismatch": "Invalid: image: block 221 of 442",
             "tree-mismatch": "Invalid: hash tree: block 1 of 4 of level 0"}
    with Device(work, build, verify="lazy") as device:
        for name, code in LATE.items():
            told = device.tell("install", f"{work}/packages/{name}.wmopkg", status=3)
            assert words[code] in told, told
        equal(os.listdir(device.base + "/data/packages"), [])


def test_safe_mode_reads_little(work, build):
    """Nothing is mounted, so nobody waits for what would only be read then."""
    with Device(work, build) as device:
        device.boot_with("wmopkg.safe")
        for name in LATE:
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        for name in LATE:
            check_refused(device, name, ("safe-mode",), "Signed")
        equal(device.see("late/small"), None)
