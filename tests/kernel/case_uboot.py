# SPDX-License-Identifier: MIT
"""The boot configuration in a U-Boot environment, made and changed by U-Boot's own tools,
as wmopkg-activate reads it at boot."""

from device import Device, Vendor, equal, run, write

BYTES = 0x2000
ALLOWED = "Allow Untrusted is set: packages of any origin may be active"


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("plain", {"etc/plain": "plain\n"})
    vendor.make("unsigned", {"etc/unsigned": "unsigned\n"}, signer=None)


def new_device(work, build):
    device = Device(work, build, uboot_env=f"{work}/fw_env.config")
    write(work + "/env.text", "bootdelay=3\nbootcmd=run main\n")
    run("mkenvimage", "-s", str(BYTES), "-o", work + "/env", work + "/env.text")
    write(work + "/fw_env.config", f"{work}/env 0x0 {BYTES:#x}\n")
    for name in ("plain", "unsigned"):
        device.install(f"{work}/packages/{name}.wmopkg")
    device.reboot()
    return device


def set_variable(work, name, value):
    run("fw_setenv", "-c", work + "/fw_env.config", name, value)


def check(device, unsigned, plain=True):
    equal(device.package("unsigned")["active"], unsigned)
    equal(device.package("plain")["active"], plain)
    equal(any(line.endswith(ALLOWED) for line in device.log_of_boot()), unsigned)


def test_allow_untrusted(work, build):
    with new_device(work, build) as device:
        device.activate()
        check(device, False)
        set_variable(work, "wmopkg.allow_untrusted", "1")
        # it was written while the device ran: that boot did not say so, and nothing counts
        device.tell("install", f"{work}/packages/unsigned.wmopkg", status=3)
        device.reboot()
        device.activate()
        check(device, True)
        # the kernel command line has the last word
        device.boot_with("quiet wmopkg.allow_untrusted=0")
        device.reboot()
        device.activate()
        check(device, False)


def test_safe_and_disable(work, build):
    with new_device(work, build) as device:
        set_variable(work, "wmopkg.disable", "plain")
        device.activate()
        check(device, False, plain=False)
        equal(device.package("plain")["reason"]["code"], "disabled")
        set_variable(work, "wmopkg.disable", "other")
        set_variable(work, "wmopkg.safe", "1")
        device.reboot()
        device.activate()
        equal(device.package("plain")["reason"]["code"], "safe-mode")


def test_damaged_environment_asks_for_nothing(work, build):
    with new_device(work, build) as device:
        set_variable(work, "wmopkg.allow_untrusted", "1")
        with open(work + "/env", "r+b") as file:
            file.seek(20)
            file.write(b"X")
        device.activate()
        check(device, False)
