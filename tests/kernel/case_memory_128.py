# SPDX-License-Identifier: MIT
"""Packages and records on a device of 128 MiB."""

from device import Device, equal, write

# pylint: disable-next=unused-import
from case_memory import prepare, test_files, test_more_than_there_is  # noqa: F401

MEMORY = "128M"

AUDIT = ("audit.log", "audit.refusals", "audit.boots")


def test_records(work, build):
    """Whoever writes to PERSIST does not take the memory of a boot, each time anew."""
    with Device(work, build) as device:
        device.install(f"{work}/packages/keep0.wmopkg")
        records = device.base + "/persist/wmopkg"
        nothing = ",".join(["{}"] * 349000)
        write(records + "/trials.json", '{"type":"trials","format":1,"packages":[' + nothing + "]}")
        device.activate()
        equal(device.see("etc/keep0"), "here\n")
        device.reboot(completed=False)
        for name in AUDIT:
            for file in (name, name + ".1"):
                with open(f"{records}/{file}", "wb") as log:
                    log.truncate(16 << 20)
        device.activate()
        equal(device.see("etc/keep0"), "here\n")
