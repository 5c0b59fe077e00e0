# SPDX-License-Identifier: MIT
"""One identity is one package, whatever its files are called and wherever they lie."""

import json
import os

from device import Device, Vendor, equal

OLD, NEW = "fix 1.0\n", "fix 2.0\n"


def prepare(work, build):
    vendor = Vendor(work, build)

    def make(file, text, version, *options, signer="keys"):
        noise = os.urandom(100000)  # more than what is read first
        vendor.make("fix", vendor.tree(file, {"etc/fix": text, "noise": noise}), signer=signer, version=version,
                    options=options)
        os.rename(vendor.path("fix"), f"{work}/packages/{file}.wmopkg")

    make("old", OLD, "1.0")
    make("new", NEW, "2.0")
    make("again", "fix 2.0, built again\n", "2.0")
    make("epoch", "fix 0.9, epoch 3\n", "0.9", "--epoch", "3")
    make("high", OLD, "1.0", "--priority", "1000")
    make("forged", "forged\n", "99.0", "--epoch", "99", signer=None)
    vendor.make("other", {"etc/other": "other\n"})
    with open(f"{work}/packages/new.wmopkg", "rb") as file:
        content = bytearray(file.read())
    content[-1] ^= 1
    with open(f"{work}/packages/damaged.wmopkg", "wb") as file:
        file.write(content)


def why(name, version, persistent=False, what="identity"):
    return (f"the {'persistent' if persistent else 'ordinary'} package '{name}', version "
            f"{version}, has the same {what} and counts")


def check(device, *, counts, left_out, text):
    """One file counts, the boot, its plan and `show` say which, and why the others do not."""
    planned = {package["name"]: package for package in json.loads(
        device.plan("json"))["packages"]}
    device.activate()
    equal(device.see("etc/fix"), text)
    name, persistent = counts
    equal(device.package(name, persistent)["active"], True)
    equal(planned[name]["active"], True)
    equal(device.show(name)["status"], "active")
    for name, message in left_out.items():
        reason = {"code": "duplicate", "message": message}
        package = [package for package in device.state()["packages"]
                   if package["name"] == name and not package["active"]][0]
        equal(package["reason"], reason)
    return planned


def test_older_on_data(work, build):
    """What an attacker does who can write to DATA, and has an older version."""
    for file in ("old", "high"):
        with Device(work, build) as device:
            device.install(work + "/packages/new.wmopkg", name="fix", store="persist")
            device.install(f"{work}/packages/{file}.wmopkg", name="zzz")
            planned = check(device, counts=("fix", True), text=NEW,
                            left_out={"zzz": why("fix", "2.0", True)})
            equal(planned["zzz"]["reason"]["code"], "duplicate")
            shown = device.show("zzz")
            equal((shown["status"], shown["verification"], shown["reason"]["code"]),
                  ("inactive", "Signed", "duplicate"))
            equal(device.show("fix")["version"], "2.0")


def test_version(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/new.wmopkg", name="aaa")
        device.install(work + "/packages/old.wmopkg", name="zzz")
        check(device, counts=("aaa", False), text=NEW, left_out={"zzz": why("aaa", "2.0")})


def test_persistent_before_version(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/old.wmopkg", name="fix", store="persist")
        device.install(work + "/packages/new.wmopkg", name="zzz")
        check(device, counts=("fix", True), text=OLD, left_out={"zzz": why("fix", "1.0", True)})


def test_epoch_before_version(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/new.wmopkg", name="aaa")
        device.install(work + "/packages/epoch.wmopkg", name="zzz")
        check(device, counts=("zzz", False), text="fix 0.9, epoch 3\n",
              left_out={"aaa": why("zzz", "0.9")})


def test_three_files(work, build):
    """Of the same version, the one that comes first by name."""
    with Device(work, build) as device:
        for file, name in (("new", "b"), ("again", "c"), ("old", "a")):
            device.install(f"{work}/packages/{file}.wmopkg", name=name)
        check(device, counts=("b", False), text=NEW,
              left_out={"a": why("b", "2.0"), "c": why("b", "2.0")})


def test_forgery(work, build):
    """What is only allowed never displaces what is signed, whatever it says of itself."""
    with Device(work, build) as device:
        device.boot_with("wmopkg.allow_untrusted=1")
        device.install(work + "/packages/old.wmopkg", name="fix")
        device.install(work + "/packages/forged.wmopkg", name="aaa", store="persist")
        check(device, counts=("fix", False), text=OLD, left_out={"aaa": why("fix", "1.0")})
        # alone, it is allowed
        device.remove("fix")
        device.reboot()
        device.activate()
        equal(device.see("etc/fix"), "forged\n")


def test_one_that_is_refused_does_not_count(work, build):
    """A forgery that is not allowed, a damaged one, one that is disabled."""
    for file in ("forged", "damaged", "new"):
        with Device(work, build) as device:
            if file == "new":
                device.boot_with("wmopkg.disable=fix")
            device.install(f"{work}/packages/{file}.wmopkg", name="fix", store="persist")
            device.install(work + "/packages/old.wmopkg", name="zzz")
            check(device, counts=("zzz", False), text=OLD, left_out={})


def test_damaged_copies(work, build):
    """Three of them are read in vain, and the next one is not."""
    with Device(work, build) as device:
        for number in range(3):
            device.install(work + "/packages/damaged.wmopkg", name=f"a{number}")
        device.install(work + "/packages/new.wmopkg", name="b")
        device.install(work + "/packages/other.wmopkg")
        device.activate()
        equal(device.see("etc/other"), "other\n")
        equal([device.package(f"a{number}")["reason"]["code"] for number in range(3)],
              ["image-mismatch"] * 3)
        equal(device.package("b")["reason"]["code"], "too-many")


def test_lazy(work, build):
    with Device(work, build, verify="lazy") as device:
        device.install(work + "/packages/new.wmopkg", name="fix", store="persist")
        device.install(work + "/packages/old.wmopkg", name="zzz")
        check(device, counts=("fix", True), text=NEW,
              left_out={"zzz": why("fix", "2.0", True)})


def test_same_name_in_both_stores(work, build):
    """What is left of a move goes when the persistent one is good; anything else that has the
    name on PERSIST costs DATA nothing."""
    for file, text in (("new", NEW), ("damaged", OLD), (None, OLD)):
        with Device(work, build) as device:
            device.install(work + "/packages/old.wmopkg", name="fix")
            if file:
                device.install(f"{work}/packages/{file}.wmopkg", name="fix", store="persist")
            else:
                os.makedirs(device.base + "/persist/packages/fix.wmopkg")
            for _ in range(2):
                device.activate()
                equal(device.see("etc/fix"), text)
                equal(os.listdir(device.base + "/data/packages"),
                      [] if file == "new" else ["fix.wmopkg"])
                device.reboot()
