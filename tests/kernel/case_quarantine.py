# SPDX-License-Identifier: MIT
"""A package that keeps the device from booting is left out, and costs itself alone."""

import os
import shutil

from device import Device, equal
from trials import REASON, bad_and_good, boot, check_active, check_quarantined, fail_boots, \
    make_packages, trials

HINT = "run 'wmopkg retry NAME', or install another version"


def prepare(work, build):
    vendor = make_packages(work, build)
    os.rename(vendor.make("bad2", {"etc/bad": "better\n"}), work + "/better.wmopkg")


def check_show(device):
    shown = device.show("bad")
    equal((shown["status"], shown["active"], shown["verification"], shown["reason"]),
          ("inactive", False, "Quarantined",
           {"code": "quarantined", "message": REASON, "hint": HINT}))
    table = device.tell("show")
    assert "Quarantined" in table, table
    assert f"bad: not active: {REASON} ({HINT})\n" in table, table
    one = device.tell("show", "bad")
    assert f"""Active: no
Verification: Quarantined
Reason: {REASON} (quarantined)
What to do: {HINT}
""" in one, one
    assert "\nTrial: failed, it is quarantined\n" in one, one
    equal(device.show("good")["status"], "active")


def test_quarantined_after_three_boots(work, build):
    with Device(work, build) as device:
        bad_and_good(device, work)
        for count in range(1, 4):
            boot(device)
            check_active(device, "good", "bad")
            equal(trials(device), {"good": ("passed", count), "bad": ("trial", count)})
        boot(device)
        check_active(device, "good")
        check_quarantined(device, "bad")
        equal(trials(device), {"good": ("passed", 1), "bad": ("quarantined", 0)})
        log = device.log_of_boot()
        assert f"wmopkg: bad 1.0: Quarantined, not active: quarantined: {REASON}" in log, log
        boot(device)
        check_quarantined(device, "bad")
        check_show(device)


def test_retry(work, build):
    with Device(work, build) as device:
        bad_and_good(device, work)
        equal(device.tell("retry", "bad", status=1), "wmopkg: bad: it is not quarantined\n")
        equal(device.tell("retry", "worse", status=4),
              "wmopkg: worse: no such package (installed: bad, good)\n")
        fail_boots(device, 4)
        equal(device.tell("retry", "bad"), "bad is tried again at the next boot.\n")
        equal(device.tell("retry", "bad", status=1), "wmopkg: bad: it is not quarantined\n")
        shown = device.show("bad")
        equal((shown["status"], shown["verification"], "reason" in shown),
              ("pending", "Signed", False))
        assert "bad: active after reboot\n" in device.tell("show")
        assert "Active: after reboot\n" in device.tell("show", "bad")
        boot(device)
        equal(trials(device)["bad"], ("trial", 1))
        check_active(device, "bad")


def test_reinstalled(work, build):
    """The same package, or another of its name: either is tried again."""
    for path, text in ((work + "/packages/bad.wmopkg", "bad\n"),
                       (work + "/better.wmopkg", "better\n")):
        with Device(work, build) as device:
            bad_and_good(device, work)
            fail_boots(device, 4)
            os.makedirs(device.base + "/stick")
            shutil.copy(path, device.base + "/stick/bad.wmopkg")
            equal(device.verify(device.base + "/stick/bad.wmopkg")["accepted"], True)
            said = device.tell("install", device.base + "/stick/bad.wmopkg")
            assert "PKG: Signed" in said, said
            equal(device.show("bad")["status"], "pending")
            boot(device, completed=True)
            equal(device.see("etc/bad"), text)
            equal(device.package("bad")["active"], True)
            equal(trials(device)["bad"], ("passed", 0))


def test_removed(work, build):
    with Device(work, build) as device:
        bad_and_good(device, work)
        fail_boots(device, 4)
        equal(device.tell("remove", "bad", "--yes"),
              "Removed... Changes are applied after reboot.\n")
        boot(device)
        equal(trials(device), {"good": ("passed", 2)})
