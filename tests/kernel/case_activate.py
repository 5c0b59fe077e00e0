# SPDX-License-Identifier: MIT
"""What the device looks like with packages on it, and what is told of them."""

import os
import stat

from device import FIRMWARE, Device, Vendor, devices, equal, loops, read, run


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("plain", {"etc/banner": "plain\n", "usr/share/new/file": "new\n"},
                version="5.26.0-rev0")
    vendor.make("alpha", {"etc/banner": "alpha\n", "etc/both": "alpha\n"})
    vendor.make("beta", {"etc/banner": "beta\n", "etc/both": "beta\n"})
    vendor.make("low", {"etc/banner": "low\n", "etc/low": "low\n"}, priority=-5)
    vendor.make("high", {"etc/banner": "high\n"}, priority=5)
    vendor.make("white", {"etc/kept": "whiteout"})
    vendor.make("replace", {"usr/share/tree": "a file now\n"})


def test_plain(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        equal(device.see("usr/share/new/file"), "new\n")
        equal(device.see("etc/kept"), "firmware\n")
