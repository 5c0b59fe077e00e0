# SPDX-License-Identifier: MIT
"""Epochs that this device has run with are floors, whatever becomes of the package."""

import json
import os
import shutil

import uml
from device import Device, Vendor, equal, read, run

RECORD = "persist/wmopkg/floors.json"


def make(vendor, name, epoch, identity="pkg", signer="keys"):
    vendor.make(name, {"etc/epoch": f"{epoch}\n"}, signer=signer,
                options=("--name", identity, "--epoch", str(epoch)))


def prepare(work, build):
    vendor = Vendor(work, build)
    for epoch in (1, 2, 3):
        make(vendor, f"epoch{epoch}", epoch)
    make(vendor, "unsigned", 9, "unsigned", signer=None)
    make(vendor, "foreign", 9, "foreign", signer="other")
    run(vendor.tool, "denylist", "--number", "7", "--name", "none=1", *vendor.signing("keys"),
        work + "/denylist")
    make(vendor, "disabled", 9, "disabled")
    vendor.make("noise", {"etc/noise": "n\n"})
    cut_power(work, build)


def cut_power(work, build):
    """Boot a kernel, and kill it when the first package of it is being mounted."""
    cut = work + "/cut"
    for folder in ("data/packages", "persist/packages", "uml", "run"):
        os.makedirs(f"{cut}/{folder}")
    shutil.copytree(work + "/keys", cut + "/keys")
    shutil.copy(work + "/packages/epoch2.wmopkg", cut + "/data/packages/pkg.wmopkg")
    equal(uml.boot(cut, build, "floors_cut", 60,
                   cut=lambda: os.path.exists(cut + "/run/layers/1")), None, "the power was cut")


def floors(device):
    path = f"{device.base}/{RECORD}"
    return json.loads(read(path))["epochs"] if os.path.exists(path) else {}


def boot(device, completed=True):
    device.reboot(completed)
    device.activate()


def check_downgrade(device, work, epoch=1, floor=2):
    device.install(f"{work}/packages/epoch{epoch}.wmopkg", "pkg")
    boot(device)
    package = device.package("pkg")
    equal((package["verification"], package["active"], package["reason"]), (
        "Downgrade", False, {"code": "downgrade", "message": f"its epoch is {epoch}, and this "
                             f"device has run pkg with epoch {floor}"}))
    equal(device.see("etc/epoch"), None)


def test_rise_and_stay(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/epoch1.wmopkg", "pkg")
        boot(device)
        equal((device.see("etc/epoch"), floors(device)), ("1\n", {"pkg": 1}))
        device.install(work + "/packages/epoch2.wmopkg", "pkg")
        equal(floors(device), {"pkg": 1}, "before it has run")
        boot(device)
        equal((device.see("etc/epoch"), floors(device)), ("2\n", {"pkg": 2}))
        device.remove("pkg")
        boot(device)
        check_downgrade(device, work)
        shutil.rmtree(device.base + "/data/packages")
        os.mkdir(device.base + "/data/packages")
        boot(device)
        check_downgrade(device, work)
        device.install(work + "/packages/epoch2.wmopkg", "pkg")
        boot(device)
        equal(device.package("pkg")["active"], True)
        # another name on disk is the same package
        device.remove("pkg")
        device.install(work + "/packages/epoch3.wmopkg", "other")
        boot(device)
        device.remove("other")
        check_downgrade(device, work, 2, 3)


def test_what_raises_nothing(work, build):
    with Device(work, build) as device:
        device.boot_with("quiet wmopkg.allow_untrusted=1 wmopkg.disable=disabled")
        for name in ("unsigned", "foreign", "disabled"):
            device.install(f"{work}/packages/{name}.wmopkg")
        boot(device)
        for name in ("unsigned", "foreign"):
            equal(device.package(name)["active"], True)
        equal(device.package("disabled")["active"], False)
        equal(os.path.exists(f"{device.base}/{RECORD}"), False, "nor the time")


def test_nothing_is_written_that_did_not_rise(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/epoch1.wmopkg", "pkg")
        boot(device)
        before = os.stat(f"{device.base}/{RECORD}").st_ino
        boot(device)
        equal(os.stat(f"{device.base}/{RECORD}").st_ino, before)


def test_damaged(work, build):
    """All packages go on; the floors begin anew."""
    with Device(work, build) as device:
        device.install(work + "/packages/epoch2.wmopkg", "pkg")
        boot(device)
        with open(f"{device.base}/{RECORD}", "wb") as file:
            file.write(b"{")
        device.install(work + "/packages/epoch1.wmopkg", "pkg")
        boot(device)
        assert any(line.startswith("wmopkg: floors: ") for line in device.log_of_boot())
        equal((device.package("pkg")["active"], floors(device)), (True, {"pkg": 1}))
        equal(read(f"{device.base}/{RECORD}.broken"), "{")


def test_read_only(work, build):
    """What cannot be written is said, and the device comes up; nothing is half in force."""
    with Device(work, build) as device:
        device.install(work + "/packages/epoch1.wmopkg", "pkg")
        boot(device)
        device.install(work + "/packages/epoch2.wmopkg", "pkg")
        persist = device.base + "/persist"
        run("mount", "--bind", persist, persist)
        run("mount", "-o", "remount,bind,ro", persist)
        boot(device, completed=False)
        equal((device.see("etc/epoch"), floors(device)), ("2\n", {"pkg": 1}))
        told = [line for line in device.log_of_boot() if "floors" in line]
        equal(told, ["wmopkg: floors: floors.json: Read-only file system"])
        told = device.tell("denylist", work + "/denylist", status=1)
        assert told.splitlines()[-1].startswith(
            f"wmopkg: {work}/denylist: denylist: Read-only file system"), told
        equal(device.tell("denylist"), "No deny list is in force.\n")
        run("umount", persist)
        boot(device, completed=False)
        equal(floors(device), {"pkg": 2})


def test_number_that_was_not_kept(work, build):
    """The power was cut between the deny list and its number."""
    with Device(work, build) as device:
        device.tell("denylist", work + "/denylist")
        os.unlink(f"{device.base}/{RECORD}")
        boot(device)
        equal(json.loads(read(f"{device.base}/{RECORD}"))["denylist"], 7)


def test_after_a_power_cut(work, build):
    with Device(work, build) as device:
        cut = work + "/cut/persist/wmopkg"
        if os.path.isdir(cut):
            shutil.copytree(cut, device.base + "/persist/wmopkg")
        assert floors(device) in ({}, {"pkg": 2}), floors(device)
        device.install(work + "/packages/epoch2.wmopkg", "pkg")
        boot(device)
        equal((device.package("pkg")["active"], floors(device)), (True, {"pkg": 2}))
