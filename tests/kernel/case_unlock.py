# SPDX-License-Identifier: MIT
"""Allow Untrusted at boot, on a device with an anchor: with an unlock statement alone."""

import json
import os
import time

from device import Device, Vendor, equal, read, run, write
from mounts import unmount_now

DAY = 24 * 60 * 60
ASKED = "quiet wmopkg.allow_untrusted=1"
NO_STATEMENT = ("Allow Untrusted does not count on this device without an unlock statement "
                "(serial number: SN-1): ")
ALWAYS = NO_STATEMENT + "the configuration sets anchor = always"
UNREADABLE = NO_STATEMENT + ("Secure Boot counts as on, because the UEFI variable SecureBoot cannot "
                             "be read: No such device (it takes UEFI runtime services and "
                             "efivarfs)")
VARIABLE = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
UNSIGNED = {"code": "no-signature", "message": "it has no signature"}


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("plain", {"etc/plain": "plain\n"})
    vendor.make("unsigned", {"etc/unsigned": "unsigned\n"}, signer=None)
    vendor.make("liar", {"etc/serial": "SN-1\n"})
    now = int(time.time())
    write(work + "/until", str(now - DAY))
    for name, serial, until, keys in (
            ("good", "SN-1", now + 30 * DAY, "keys"), ("foreign", "SN-2", now + 30 * DAY, "keys"),
            ("stranger", "SN-1", now + 30 * DAY, "other"), ("past", "SN-1", now - DAY, "keys")):
        run(vendor.tool, "unlock", "--serial", serial, "--allow", "untrusted", "--not-after",
            str(until), "--key", f"{work}/{keys}/unlock.key", "--cert",
            f"{work}/{keys}/unlock.pem", f"{work}/{name}.unlock")


def new_device(work, build, **settings):
    device = Device(work, build, **{"anchor": "always", "serial": "SN-1", **settings})
    for name in ("plain", "unsigned"):
        device.install(f"{work}/packages/{name}.wmopkg")
    device.boot_with(ASKED)
    device.reboot()
    return device


def put(device, work, name):
    """An unlock statement as somebody who can write PERSIST would put it there."""
    folder = device.base + "/persist/wmopkg"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(f"{work}/{name}.unlock", "rb") as file, open(folder + "/unlock", "wb") as to:
        to.write(file.read())


def timeless(text):
    """A reason without what the time was when it was told."""
    return text.split(", and by this device it is ")[0]


def check(device, active, locked=""):
    device.activate()
    equal(device.package("plain")["active"], True)
    package = device.package("unsigned")
    equal((package["verification"], package["active"], package["reason"]),
          ("Unsigned", active, UNSIGNED))
    equal(device.see("etc/unsigned"), "unsigned\n" if active else None)
    state = device.state()
    equal((state["allow_untrusted"], state["locked"]["code"],
           timeless(state["locked"]["message"])), (active, "locked" if locked else "ok", locked))
    lines = [timeless(line) for line in device.log_of_boot()]
    equal(lines.count(f"wmopkg: {locked}"), 1 if locked else 0, lines)
    equal(lines.count("wmopkg: Allow Untrusted is set: packages of any origin may be active"),
          1 if active else 0, lines)
    told = device.tell("show", "json")  # after what is warned of
    shown = json.loads(told[told.index("{"):])
    equal((shown["allow_untrusted"], timeless(shown.get("locked", {}).get("message", ""))),
          (active, locked))


def test_without_an_anchor(work, build):
    with new_device(work, build, anchor="none") as device:
        check(device, True)


def test_not_asked_for(work, build):
    with new_device(work, build) as device:
        device.tell("unlock", work + "/good.unlock")
        device.boot_with("quiet")
        check(device, False)


def test_secure_boot_is_not_known(work, build):
    """This kernel has no UEFI at all, as one whose command line hides it: that proves nothing."""
    with new_device(work, build, anchor="efi") as device:
        check(device, False, UNREADABLE)
        equal(device.state()["anchor"],
              {"present": True, "evidence": "variable-unreadable",
               "message": UNREADABLE.removeprefix(NO_STATEMENT)})
        device.tell("unlock", work + "/good.unlock")
        device.reboot()
        check(device, True)


def test_secure_boot_is_forged(work, build):
    """Files where the variable, the boot parameters and the state of lockdown would be."""
    page = bytearray(4096)
    for variable, secure_boot, lockdown, evidence in (
            (b"\6\0\0\0\0", 2, "[none] integrity", "variable-unreadable"),
            (b"\6\0\0\0\0", 3, "[none] integrity", "kernel"),
            # this one the device reads by a mount of its own
            (b"\6\0\0\0\0", 2, "none [integrity]", "variable-unreadable")):
        with new_device(work, build, anchor="efi") as device:
            run("mount", "-t", "tmpfs", "tmpfs", "/sys")
            try:
                for folder in ("firmware/efi/efivars", "kernel/boot_params", "kernel/security"):
                    os.makedirs("/sys/" + folder)
                page[0x1ec] = secure_boot
                for path, content in ((f"firmware/efi/efivars/{VARIABLE}", variable),
                                      ("kernel/boot_params/data", bytes(page)),
                                      ("kernel/security/lockdown", lockdown.encode())):
                    with open("/sys/" + path, "wb") as file:
                        file.write(content)
                told = device.tell("unlock", "json")
            finally:
                unmount_now("/sys")
            equal(json.loads(told)["anchor"]["evidence"], evidence)
            equal(json.loads(told)["allow_untrusted"], False)


def test_locked_unlocked_and_locked_again(work, build):
    with new_device(work, build) as device:
        check(device, False, ALWAYS)
        device.tell("unlock", work + "/good.unlock")
        equal(device.see("etc/unsigned"), None)
        device.reboot()
        check(device, True)
        assert "nosuid" in device.stack_flags(), device.stack_flags()
        device.reboot()
        check(device, True)
        device.tell("unlock", "clear", "--yes")
        device.reboot()
        check(device, False, ALWAYS)


def test_statements_that_do_not_count(work, build):
    locked = "Allow Untrusted does not count on this device: the unlock statement "
    until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(int(read(work + "/until"))))
    for name, why in (("foreign", locked + "is for serial number SN-2, and this device is SN-1"),
                      ("stranger", ALWAYS), ("past", locked + "was good until " + until)):
        with new_device(work, build) as device:
            put(device, work, name)
            check(device, False, why)
            if name == "stranger":
                assert any(line.startswith("wmopkg: unlock statement: the signer does not chain")
                           for line in device.log_of_boot()), device.log_of_boot()


def test_nobody_says_who_the_device_is_but_its_firmware(work, build):
    """A package that claims another serial number where the configuration looks for it."""
    firmware = {"etc/serial": "SN-2\n"}
    with Device(work, build, firmware=firmware, anchor="always", serial="/etc/serial") as device:
        device.install(work + "/packages/liar.wmopkg")
        device.install(work + "/packages/unsigned.wmopkg")
        device.boot_with(ASKED)
        device.activate()
        equal(device.see("etc/serial"), "SN-1\n")
        equal(device.state()["device"]["serial"], "SN-2")
        told = device.tell("unlock", work + "/good.unlock", status=3)
        assert "is for serial number SN-1, and this device is SN-2" in told, told
        device.reboot()
        device.activate()
        equal(device.package("unsigned")["active"], False)
