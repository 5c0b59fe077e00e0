# SPDX-License-Identifier: MIT
"""The boot whose power case_floors cuts; what it leaves behind is on the host."""

from device import Device


def test_boot(work, build):
    device = Device(work, build, data=work + "/data", persist=work + "/persist",
                    run=work + "/run")
    device.activate()
