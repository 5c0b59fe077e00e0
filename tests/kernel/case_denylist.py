# SPDX-License-Identifier: MIT
"""What a deny list names is active until the next boot, and never again."""

import json
import os
import shutil

from device import Device, Vendor, equal, run


def prepare(work, build):
    vendor = Vendor(work, build)
    for name in ("bad", "good"):
        vendor.make(name, {f"etc/{name}": f"{name}\n"})
    facts = json.loads(run(vendor.tool, "inspect", "--json", "--keys", work + "/keys",
                           vendor.path("good")).stdout)
    key = facts["signers"][0]["key"]
    for number, entry in ((7, ("--package", vendor.path("bad"))), (8, ("--key-id", key)),
                          (6, ("--name", "good=1"))):
        run(vendor.tool, "denylist", "--number", str(number), *entry, *vendor.signing("keys"),
            f"{work}/denylist-{number}")
    run(vendor.tool, "denylist", "--number", "4294967295", "--package", vendor.path("good"),
        *vendor.signing("other"), work + "/stranger")
    shutil.copytree(work + "/keys", work + "/ring", ignore=shutil.ignore_patterns("*.key"))
    for name in os.listdir(work + "/ring"):
        if name != "root.pem":
            os.unlink(f"{work}/ring/{name}")


def read_bytes(path):
    with open(path, "rb") as file:
        return file.read()


def new_device(work, build):
    device = Device(work, build)
    for name in ("bad", "good"):
        device.install(f"{work}/packages/{name}.wmopkg")
    device.activate()
    for name in ("bad", "good"):
        equal(device.package(name)["active"], True)
    return device


def check(device, name, reason=None):
    package = device.package(name)
    equal((package["verification"], package["active"], package["reason"]), (
        "Revoked" if reason else "Signed", not reason,
        {"code": "revoked" if reason else "ok", "message": reason or ""}), name)
    equal(device.see(f"etc/{name}"), None if reason else f"{name}\n", name)


def test_from_the_next_boot_on(work, build):
    with new_device(work, build) as device:
        told = device.tell("denylist", work + "/denylist-7")
        reason = "deny list 7 names its root hash"
        equal(told, "Deny list 7 is in force: packages that it names stay out after "
                    f"reboot.\nbad: Revoked: {reason}\n")
        equal(device.see("etc/bad"), "bad\n")
        shown = device.show("bad")
        equal((shown["status"], shown["active"], shown["verification"]),
              ("active", True, "Revoked"))
        equal(device.show("good")["verification"], "Signed")
        device.reboot()
        device.activate()
        check(device, "bad", reason)
        check(device, "good")
        equal(device.state()["denylist"], 7)
        assert f"wmopkg: bad 1.0: Revoked, not active: revoked: {reason}" in device.log_of_boot()
        shown = device.show("bad")
        equal((shown["status"], shown["active"]), ("inactive", False))
        # an older one changes nothing, and neither does Allow Untrusted
        device.tell("denylist", work + "/denylist-6", status=3)
        device.boot_with("quiet wmopkg.allow_untrusted=1")
        device.reboot()
        device.activate()
        check(device, "bad", reason)
        check(device, "good")


def test_key(work, build):
    with new_device(work, build) as device:
        device.tell("denylist", work + "/denylist-8")
        device.reboot()
        device.activate()
        for name in ("bad", "good"):
            equal(device.package(name)["verification"], "Revoked")
            equal(device.see(f"etc/{name}"), None)
        equal(device.is_stacked(), False)


def test_signer_leaves_the_key_ring(work, build):
    with new_device(work, build) as device:
        device.tell("denylist", work + "/denylist-7")
        shutil.rmtree(device.base + "/keys")
        os.mkdir(device.base + "/keys")
        shutil.copy(work + "/other/root.pem", device.base + "/keys")
        device.reboot()
        device.activate()
        equal(device.package("bad")["verification"], "Revoked")
        equal(device.package("good")["verification"], "Untrusted")
        assert any("it stays in force" in line for line in device.log_of_boot())


def damage(path):
    with open(path, "r+b") as file:
        file.seek(60)
        byte = file.read(1)[0]
        file.seek(60)
        file.write(bytes([byte ^ 1]))


def test_one_copy_damaged(work, build):
    """The other one counts, and the boot writes it again."""
    for name in ("denylist", "denylist.copy"):
        with new_device(work, build) as device:
            device.tell("denylist", work + "/denylist-7")
            path = device.base + "/persist/wmopkg/" + name
            before = read_bytes(path)
            damage(path)
            device.reboot(completed=False)
            device.activate()
            check(device, "bad", "deny list 7 names its root hash")
            lines = [line for line in device.log_of_boot() if line.startswith("wmopkg: deny list: ")]
            equal(["stays in force by its second copy" in line for line in lines],
                  [True] if name == "denylist" else [], lines)
            equal(read_bytes(path), before)


def test_strangers_list(work, build):
    """With the highest number, in place of the vendor's: on PERSIST, by whoever writes there."""
    with new_device(work, build) as device:
        device.tell("denylist", work + "/denylist-7")
        record = device.base + "/persist/wmopkg/"
        shutil.copy(work + "/stranger", record + "denylist")
        device.reboot()
        device.activate()
        check(device, "bad", "deny list 7 names its root hash")
        check(device, "good")
        # without any of the vendor's it counts, and the next one of the vendor's replaces it
        for name in ("denylist", "denylist.copy"):
            shutil.copy(work + "/stranger", record + name)
        device.reboot()
        device.activate()
        check(device, "bad")
        check(device, "good", "deny list 4294967295 names its root hash")
        equal(device.state()["denylist"], 4294967295)
        told = device.tell("denylist", work + "/denylist-6")
        assert "number 6 takes the place of number 4294967295, which no key" in told, told
        device.tell("denylist", work + "/denylist-7")
        device.reboot()
        device.activate()
        check(device, "bad", "deny list 7 names its root hash")
        check(device, "good")


def test_damaged(work, build):
    """It denies nothing any more, and says so at every boot."""
    with new_device(work, build) as device:
        device.tell("denylist", work + "/denylist-7")
        for name in ("denylist", "denylist.copy"):
            damage(device.base + "/persist/wmopkg/" + name)
        device.reboot()
        device.activate()
        check(device, "bad")
        lines = device.log_of_boot()
        equal(sum(line.startswith("wmopkg: deny list: ") for line in lines), 3, lines)
        assert any("number 7 was in force on this device" in line for line in lines), lines
        equal(device.tell("denylist", work + "/denylist-7").count("bad: Revoked"), 1)
