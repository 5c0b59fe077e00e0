# SPDX-License-Identifier: MIT
"""The boots whose power case_audit cuts; what they leave behind is on the host."""

from device import Device, run


def test_boot(work, build):
    device = Device(work, build, data=work + "/data", persist=work + "/persist",
                    run=work + "/run")
    device.activate()
    while True:
        for name in ("good", "plain"):
            run(device.wmopkg, "--config", device.base + "/conf", "install",
                f"{work}/packages/{name}.wmopkg", check=False)
