# SPDX-License-Identifier: MIT
"""Which boots are counted, against whom, and what is remembered of them."""

import errno
import json
import os
import shutil

import uml
from case_trials_cut import PACKAGES
from device import Device, equal, read, run, write
from trials import RECORD, bad_and_good, boot, check_active, check_quarantined, \
    check_suspects, fail_boots, make_packages, trials


def prepare(work, build):
    vendor = make_packages(work, build)
    vendor.make("stranger", {"etc/stranger": "here\n"}, signer="other")
    cut_power(work, build, vendor)


def cut_power(work, build, vendor):
    """Boot a kernel, and kill it as soon as it has counted the boot."""
    cut = work + "/cut"
    record = f"{cut}/{RECORD}"
    for folder in ("data/packages", "persist/packages", "uml", "run"):
        os.makedirs(f"{cut}/{folder}")
    shutil.copytree(work + "/keys", cut + "/keys")
    for number in range(PACKAGES):
        path = vendor.make(f"many{number:02}", {f"many/{number}": f"{number}\n"})
        os.rename(path, f"{cut}/data/packages/many{number:02}.wmopkg")
    equal(uml.boot(cut, build, "trials_cut", 60, cut=lambda: os.path.exists(record)), None,
          "the power was cut")


def test_the_kernel_log_says_what_is_missing(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/bad.wmopkg")
        boot(device)
        assert not any("not completed" in line for line in device.log_of_boot())
        boot(device)
        assert "wmopkg: boot not completed: 1 in a row with these packages; after 3, those " \
            "on trial are left out (no boot of this device ever was: its firmware must " \
            "run 'wmopkg boot-complete')" in device.log_of_boot(), device.log_of_boot()
        boot(device, completed=True)
        boot(device)
        boot(device)
        assert "wmopkg: boot not completed: 1 in a row with these packages; after 3, those " \
            "on trial are left out" in device.log_of_boot(), device.log_of_boot()


def test_completed(work, build):
    """Passed once, a package stays, and saying so twice changes nothing."""
    with Device(work, build) as device:
        device.install(work + "/packages/bad.wmopkg")
        boot(device)
        boot(device)
        boot(device, completed=True)
        equal(trials(device), {"bad": ("passed", 0)})
        before = os.stat(f"{device.base}/{RECORD}").st_ino
        equal(device.tell("boot-complete"), "")
        equal(os.stat(f"{device.base}/{RECORD}").st_ino, before)
        for _ in range(5):
            boot(device, before=True)
            check_active(device, "bad")


def test_it_goes_on(work, build):
    """Those on trial, then all that are not persistent, then all: it always comes up."""
    with Device(work, build) as device:
        device.install(work + "/packages/keep.wmopkg", store="persist")
        bad_and_good(device, work)
        fail_boots(device, 3)
        boot(device)
        check_quarantined(device, "bad")
        check_active(device, "good")
        check_active(device, "keep", persistent=True)
        fail_boots(device, 2)
        boot(device)
        check_quarantined(device, "bad")
        check_suspects(device, "good")
        check_active(device, "keep", persistent=True)
        fail_boots(device, 2)
        boot(device)
        check_quarantined(device, "bad")
        check_suspects(device, "good")
        check_suspects(device, "keep", persistent=True)
        equal(device.is_stacked(), False)
        equal(device.state()["stack"]["code"], "ok")
        fail_boots(device, 4)
        equal(device.see("etc/banner"), "firmware\n")
        # the power came back: what has passed comes back, without a person
        for _ in range(4):
            boot(device, completed=True)
        check_quarantined(device, "bad")
        check_active(device, "good")
        check_active(device, "keep", persistent=True)


def test_safe_mode_and_disabled(work, build):
    """What does not run is not counted, and does not pass."""
    with Device(work, build) as device:
        bad_and_good(device, work)
        boot(device)
        for words in ("wmopkg.safe", "wmopkg.disable=bad"):
            device.boot_with(words)
            for _ in range(3):
                boot(device, completed=True)
            equal(trials(device)["bad"], ("trial", 1))
        device.boot_with("quiet")
        boot(device)
        equal(trials(device), {"good": ("passed", 1), "bad": ("trial", 2)})


def test_what_cannot_be_mounted(work, build):
    """It fails by itself at each boot: that is no reason for a quarantine."""
    with Device(work, build) as device:
        device.install(work + "/packages/bad.wmopkg")
        device.install(work + "/packages/stranger.wmopkg")
        for _ in range(5):
            boot(device, completed=True, before=True)
        equal(device.package("stranger")["verification"], "Untrusted")
        equal(trials(device), {"bad": ("passed", 0)})


def test_switched_off(work, build):
    with Device(work, build, trials=0) as device:
        device.install(work + "/packages/bad.wmopkg")
        for _ in range(5):
            boot(device)
            check_active(device, "bad")
        equal(os.path.exists(f"{device.base}/{RECORD}"), False)
        equal(device.tell("boot-complete"), "")


def test_one_boot(work, build):
    with Device(work, build, trials=1) as device:
        device.install(work + "/packages/bad.wmopkg")
        boot(device)
        check_active(device, "bad")
        boot(device)
        check_quarantined(device, "bad")


def test_no_persist(work, build):
    """Nothing can be counted where nothing is remembered."""
    with Device(work, build, persist="LABEL=not-there") as device:
        device.install(work + "/packages/bad.wmopkg")
        for _ in range(5):
            boot(device, completed=True)
            check_active(device, "bad")
        assert "wmopkg: trials: there is no persist volume to keep them on: no package is " \
            "on trial" in device.log_of_boot(), device.log_of_boot()


def test_damaged_record(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/bad.wmopkg")
        fail_boots(device, 4)
        check_quarantined(device, "bad")
        write(f"{device.base}/{RECORD}", "{")
        told = device.tell("boot-complete", status=1)
        equal(told, "wmopkg: trials.json: not JSON: incomplete at byte 1 (reboot: the next boot "
                    "replaces it)\n")
        boot(device)
        check_active(device, "bad")
        assert any("wmopkg: trials: reset, as they cannot be read: trials.json: not JSON" in line
                   for line in device.log_of_boot()), device.log_of_boot()
        fail_boots(device, 2)
        boot(device)
        check_quarantined(device, "bad")


def test_a_mark_that_no_log_reaches(work, build):
    """It would be the end of the audit log: it is ignored, with one warning."""
    with Device(work, build) as device:
        device.install(work + "/packages/bad.wmopkg")
        boot(device, completed=True)
        record = json.loads(read(f"{device.base}/{RECORD}"))
        write(f"{device.base}/{RECORD}", json.dumps({**record, "audit_number": 9 * 10 ** 14}))
        for count in (1, 0):
            boot(device)
            said = [line for line in device.log_of_boot() if "lines, which no log has" in line]
            equal(len(said), count, said)
            device.tell("audit", "verify")


def test_record_that_cannot_be_written(work, build):
    """The boot goes on, and says so."""
    with Device(work, build) as device:
        device.install(work + "/packages/bad.wmopkg")
        run("mount", "--bind", device.base + "/persist", device.base + "/persist")
        run("mount", "-o", "remount,bind,ro", device.base + "/persist")
        boot(device)
        check_active(device, "bad")
        log = device.log_of_boot()
        assert any("Read-only file system" in line for line in log), log


def test_persist_is_full(work, build):
    """What has a place on it is counted there, and what came of it is remembered."""
    with Device(work, build) as device:
        run("mount", "-t", "tmpfs", "-o", "size=256k,nr_inodes=100", "tmpfs", device.base + "/persist")
        os.makedirs(device.base + "/persist/packages")
        bad_and_good(device, work)
        boot(device)
        with open(device.base + "/persist/other", "wb", buffering=0) as other:
            try:
                while True:
                    other.write(bytes(4096))
            except OSError as error:
                equal(error.errno, errno.ENOSPC)
        fail_boots(device, 2)
        equal(trials(device), {"good": ("passed", 3), "bad": ("trial", 3)})
        boot(device)
        check_quarantined(device, "bad")
        check_active(device, "good")
        equal(device.tell("boot-complete"), "")
        equal(trials(device), {"good": ("passed", 0), "bad": ("quarantined", 0)})


def test_a_folder_is_where_the_record_goes(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/bad.wmopkg")
        os.makedirs(f"{device.base}/{RECORD}/in-the-way")
        fail_boots(device, 4)
        check_quarantined(device, "bad")


def test_folders_are_wherever_the_record_goes(work, build):
    """With files in them, so that nothing can be renamed over them."""
    with Device(work, build) as device:
        device.install(work + "/packages/bad.wmopkg")
        for name in (RECORD, RECORD + ".broken", os.path.dirname(RECORD) + "/.trials.json.new"):
            os.makedirs(f"{device.base}/{name}/in-the-way")
        fail_boots(device, 4)
        check_quarantined(device, "bad")


def test_number_that_cannot_be_changed(work, build):
    """Boots that ended early leave nothing out for ever: a number is believed that can be
    changed."""
    with Device(work, build) as device:
        device.install(work + "/packages/bad.wmopkg")
        persist = device.base + "/persist"
        os.makedirs(persist + "/wmopkg", mode=0o700)
        write(persist + "/wmopkg/begun", "15     \n")
        boot(device)
        equal(device.see("etc/bad"), None)
        equal(read(persist + "/wmopkg/begun"), "14     \n")
        write(persist + "/wmopkg/begun", "15     \n")
        run("mount", "--bind", persist, persist)
        run("mount", "-o", "remount,bind,ro", persist)
        for _ in range(2):
            boot(device)
            check_active(device, "bad")
            log = device.log_of_boot()
            assert any("boots that ended early is ignored: it is 15, and cannot" in line
                       for line in log), log


def test_removed_in_safe_mode(work, build):
    """Whoever had to boot in safe mode to remove the culprit has done it: no other suffers."""
    with Device(work, build) as device:
        bad_and_good(device, work)
        fail_boots(device, 3)
        device.boot_with("wmopkg.safe")
        boot(device, completed=True)
        equal(device.see("etc/good"), None)
        device.tell("remove", "bad", "--yes")
        device.boot_with("quiet")
        boot(device, completed=True)
        check_active(device, "good")
        equal(trials(device), {"good": ("passed", 0)})


def test_the_power_was_cut_before_the_stack(work, build):
    """The boot that the host killed was counted, and never came to its end."""
    cut = work + "/cut"
    equal(os.path.exists(cut + "/run/state.json"), False)
    told = json.loads(read(f"{cut}/{RECORD}"))
    equal([(package["state"], package["incomplete"]) for package in told["packages"]],
          [("trial", 1)] * PACKAGES)
