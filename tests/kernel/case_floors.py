# SPDX-License-Identifier: MIT
"""Epochs that have completed a boot are floors, whatever becomes of the package."""

import json
import os
import shutil
import struct

import uml
from device import Device, Vendor, equal, read, run
from mounts import unmount_now

RECORD = "persist/wmopkg/floors.json"
PROOFS = "persist/wmopkg/floors"


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
    make(vendor, "pkg-unsigned", 9, signer=None)
    make(vendor, "pkg-foreign", 9, signer="other")
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
    """{identity: epoch}, of the packages whose heads are kept."""
    found = {}
    folder = f"{device.base}/{PROOFS}"
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        with open(f"{folder}/{name}", "rb") as file:
            _, size, _ = struct.unpack("<8sII", file.read(16))
            manifest = json.loads(file.read(size))
        equal(manifest["name"], name)
        found[name] = manifest["epoch"]
    return found


def boot(device, completed=True):
    device.reboot(completed=False)
    device.activate()
    if completed:
        equal(device.tell("boot-complete"), "")


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
        boot(device, completed=False)
        equal((device.see("etc/epoch"), floors(device)), ("2\n", {"pkg": 1}))
        # what did not complete a boot can be replaced by what it replaced
        device.install(work + "/packages/epoch1.wmopkg", "pkg")
        boot(device)
        equal(device.see("etc/epoch"), "1\n")
        device.install(work + "/packages/epoch2.wmopkg", "pkg")
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
        for name in (RECORD, PROOFS, "persist/wmopkg/time"):
            equal(os.path.exists(f"{device.base}/{name}"), False, name)


def test_nothing_is_written_that_did_not_rise(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/epoch1.wmopkg", "pkg")
        boot(device)
        device.tell("denylist", work + "/denylist")
        names = (RECORD, f"{PROOFS}/pkg", "persist/wmopkg/time")
        before = [os.stat(f"{device.base}/{name}").st_ino for name in names]
        boot(device)
        equal([os.stat(f"{device.base}/{name}").st_ino for name in names], before)


def test_damaged(work, build):
    """What proves nothing holds nothing back, and is replaced; a damaged record is said."""
    with Device(work, build) as device:
        device.install(work + "/packages/epoch2.wmopkg", "pkg")
        boot(device)
        for name in (RECORD, f"{PROOFS}/pkg"):
            with open(f"{device.base}/{name}", "wb") as file:
                file.write(b"{")
        device.install(work + "/packages/epoch1.wmopkg", "pkg")
        boot(device)
        assert any(line.startswith("wmopkg: floors: ") for line in device.log_of_boot())
        equal((device.package("pkg")["active"], floors(device)), (True, {"pkg": 1}))
        device.tell("denylist", work + "/denylist")
        equal(read(f"{device.base}/{RECORD}.broken"), "{")


def test_forged(work, build):
    """Somebody who writes PERSIST keeps no package out for good: a number in the words of
    earlier firmware counts until the next boot that is completed, one that nobody signed
    never, and one that was signed only under its own name."""
    with Device(work, build) as device:
        device.install(work + "/packages/epoch1.wmopkg", "pkg")
        os.makedirs(f"{device.base}/{PROOFS}", mode=0o700)
        with open(f"{device.base}/{RECORD}", "w", encoding="ascii") as file:
            json.dump({"format": 1, "time": 0, "denylist": 0, "epochs": {"pkg": 4294967295}}, file)
        boot(device, completed=False)
        equal(device.package("pkg")["reason"]["message"],
              "its epoch is 1, and this device has run pkg with epoch 4294967295, the highest, or "
              "cannot read which (try again)")
        equal(device.tell("boot-complete"), "")
        boot(device)
        equal((device.package("pkg")["active"], floors(device)), (True, {"pkg": 1}))
        for name in ("pkg-unsigned", "pkg-foreign", "disabled"):
            with open(f"{work}/packages/{name}.wmopkg", "rb") as file:
                head = file.read(4096)
            with open(f"{device.base}/{PROOFS}/pkg", "wb") as file:
                file.write(head)
            boot(device)
            equal((device.package("pkg")["active"], floors(device)), (True, {"pkg": 1}), name)


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
        told = device.tell("boot-complete", status=1)
        assert "Read-only file system" in told, told
        equal((device.see("etc/epoch"), floors(device)), ("2\n", {"pkg": 1}))
        told = device.tell("denylist", work + "/denylist", status=1)
        assert told.splitlines()[-1].startswith(
            f"wmopkg: {work}/denylist: denylist: Read-only file system"), told
        equal(device.tell("denylist"), "No deny list is in force.\n")
        unmount_now(persist)
        boot(device)
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
