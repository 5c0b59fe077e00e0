# SPDX-License-Identifier: MIT
"""A package that keeps the device from booting is left out, and costs itself alone."""

import os
import shutil

from device import Device, equal, read
from trials import APART, REASON, RECORD, bad_and_good, boot, check_active, \
    check_quarantined, check_suspects, fail_boots, make_packages, trials

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


def boot_as_it_is(device, stops):
    """A boot that is completed, unless one of these is active; which are left out of it."""
    boot(device)
    packages = device.state()["packages"]
    if not any(package["active"] and package["name"] in stops for package in packages):
        equal(device.tell("boot-complete"), "")
    return {package["name"] for package in packages if not package["active"]}


def test_told_apart(work, build):
    """Four on trial, and one of them stops the boot: the others come back by themselves."""
    with Device(work, build) as device:
        device.install(work + "/packages/good.wmopkg")
        boot(device, completed=True)
        device.install(work + "/packages/keep.wmopkg", store="persist")
        for name in ("bad", "new1", "new2"):
            device.install(f"{work}/packages/{name}.wmopkg")
        found = [boot_as_it_is(device, ["bad"]) for _ in range(4)]
        equal(found, [set()] * 3 + [{"bad", "keep", "new1", "new2"}])
        check_suspects(device, "bad", "new1", "new2")
        check_suspects(device, "keep", persistent=True)
        check_active(device, "good")
        log = device.log_of_boot()
        assert "wmopkg: trials: left out, to see whether a boot without them is completed " \
            "('wmopkg boot-complete'): bad, keep, new1, new2" in log, log
        equal(boot_as_it_is(device, ["bad"]), {"new1", "new2"})
        check_suspects(device, "new1", "new2", message=APART)
        log = device.log_of_boot()
        assert "wmopkg: trials: to find the package that stops the boot, this boot is with: bad, " \
            "keep; without: new1, new2" in log, log
        one = " ".join(device.tell("show", "new1").split())
        assert f"Active: no Verification: Signed Reason: {APART} (suspect)" in one, one
        assert "Trial: boots with it were not completed; the next boots tell it from the " \
            "other suspects" in one, one
        assert f"refuse new1 1.0: Signed / suspect: {APART}" in " ".join(device.tell("audit").split())
        for _ in range(4):
            boot_as_it_is(device, ["bad"])
        equal(boot_as_it_is(device, ["bad"]), {"bad"})
        check_quarantined(device, "bad")
        check_active(device, "good", "new1", "new2")
        check_active(device, "keep", persistent=True)
        equal(trials(device), {"good": ("passed", 0), "bad": ("quarantined", 0),
                               "keep": ("passed", 0), "new1": ("passed", 0),
                               "new2": ("passed", 0)})


def test_retry_a_suspect(work, build):
    """A person who knows better ends it for one package; an old record is read as it is."""
    with Device(work, build) as device:
        for name in ("bad", "new1"):
            device.install(f"{work}/packages/{name}.wmopkg")
        fail_boots(device, 3)
        assert "suspicion" not in read(f"{device.base}/{RECORD}")
        boot(device)
        check_suspects(device, "bad", "new1")
        equal(device.tell("retry", "new1"), "new1 is tried again at the next boot.\n")
        boot(device, completed=True)
        check_active(device, "new1")
        check_suspects(device, "bad")


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
