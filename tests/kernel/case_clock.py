# SPDX-License-Identifier: MIT
"""The matrix of verdicts and policies with a clock that is wrong: it changes no verdict,
and turning it back brings no unlock statement back.
"""

import json
import os
import shutil

import case_matrix
import effort
import matrix
from ca import DAY, YEAR, write
from device import equal, run
from members import signed, statement_file

IGNORED = ("the system clock is more than firmware_years after firmware_built, and is not used "
           "(set the clock)")
CENTURY_21 = 4102444800  # its end


def prepare(work, build):
    maker = matrix.make(work, build)
    now = maker.ca.now
    for name, not_after in (("past", now - DAY), ("future", now + DAY)):
        text = matrix.unlock_text(["untrusted"], not_after)
        # a statement's own signing time is a time that has come, too
        write(f"{work}/unlock-{name}", statement_file(maker, text, "unlock", when=-2 * DAY))
    # build hosts whose clocks are wrong, under roots that say nothing against it
    ca = maker.ca
    ca.issue("fast", "new", years=(-2, 19))
    signed("fast", when=15 * YEAR)(maker, "fast")
    ca.authority("eternal", years=(-20, 7970))
    ca.issue("eternal-leaf", "eternal", years=(-2, 7970))
    signed("eternal-leaf", when=7960 * YEAR)(maker, "eternal")
    for name, what in (("key", {"key": ca.key_id("fast")}),
                       ("hash", {"root_hash": maker.root_hash("fast")})):
        write(f"{work}/denylist-{name}", statement_file(maker, json.dumps({
            "type": "denylist", "format": 1, "number": 1, "deny": [what]}).encode(), "good",
            when=-2 * DAY))


def test_clock_at_1970(work, build):
    """The same verdicts, and an unlock statement still runs out, by the time floor."""
    run("date", "-s", "@86400")  # not before the kernel was booted
    # each takes as long as the rest of this case
    case_matrix.check_policies(work, build, effort.choose(("default", "unlocked"), ("unlocked",)))
    with case_matrix.new_device(work, build, anchor="always", firmware_built="0") as device:
        device.boot_with(case_matrix.ASKED)
        device.install(f"{work}/packages/unsigned.wmopkg")
        device.tell("unlock", f"{work}/unlock-past")  # it knows of no later time
        case_matrix.boot(device)
        equal(device.package("unsigned")["active"], True)
        # signed today: that it was accepted is the device's proof that today has come
        device.install(f"{work}/packages/signed.wmopkg")
        case_matrix.boot(device)
        case_matrix.boot(device)
        equal(device.package("signed")["active"], True)
        equal(device.package("unsigned")["active"], False)
        device.tell("unlock", f"{work}/unlock-past", status=3)
        device.tell("unlock", f"{work}/unlock-future")
        case_matrix.boot(device)
        equal(device.package("unsigned")["active"], True)


def check_clock(work, build, clock, accepted):
    run("date", "-s", clock)
    with case_matrix.new_device(work, build, anchor="always") as device:
        device.boot_with(case_matrix.ASKED)
        told = device.tell("unlock", f"{work}/unlock-future", status=0 if accepted else 3)
        equal(IGNORED in told, accepted, told)
        for name in ("signed", "unsigned"):
            device.install(f"{work}/packages/{name}.wmopkg")
        case_matrix.boot(device)
        equal(device.package("signed")["active"], True)
        equal(device.package("unsigned")["active"], accepted)
        equal(any(IGNORED in line for line in device.log_of_boot()), accepted)
        for line in device.tell("audit", "json").splitlines():
            if line.startswith("{"):
                equal(json.loads(line)["time"] < CENTURY_21, True, line)


def test_clock_at_2050(work, build):
    """An unlock statement has run out; nothing else changes."""
    check_clock(work, build, "2050-12-31 23:59:59 UTC", False)


def test_clock_at_2099(work, build):
    """No firmware gets that old: it is as if there were no clock."""
    check_clock(work, build, "2099-12-31 23:59:59 UTC", True)


def test_clock_at_2106(work, build):
    check_clock(work, build, "2106-02-07 06:28:14 UTC", True)


def unlock(device, work, name, status=0):
    """Whether an unlock statement is accepted; it is not kept."""
    told = device.tell("unlock", f"{work}/unlock-{name}", status=status)
    if status:
        assert "the unlock statement was good until" in told, told
    else:
        os.unlink(device.base + "/persist/wmopkg/unlock")


def test_signer_with_a_wrong_clock(work, build):
    """What it signed raises the time when it has completed a boot, and not before. Removal
    does not help then; a deny list does, by whatever it names it."""
    run("date", "-s", "@86400")
    for what in effort.choose(("key", "hash"), ("hash",)):
        with case_matrix.new_device(work, build, firmware_built="0") as device:
            device.install(f"{work}/packages/fast.wmopkg")
            device.install(f"{work}/packages/signed.wmopkg")
            case_matrix.boot(device, complete=False)
            equal(device.package("fast")["active"], True)
            unlock(device, work, "past")
            case_matrix.boot(device, complete=False)
            unlock(device, work, "past")
            device.tell("boot-complete")
            unlock(device, work, "future", 3)
            device.remove("fast")
            case_matrix.boot(device)
            unlock(device, work, "future", 3)
            device.tell("denylist", f"{work}/denylist-{what}")
            unlock(device, work, "future")
            # the time of what else runs counts again with the next completed boot
            unlock(device, work, "past")
            case_matrix.boot(device)
            unlock(device, work, "future")
            unlock(device, work, "past", 3)


def test_signer_at_the_end_of_time(work, build):
    """The year 9986: the package runs, and raises no time."""
    run("date", "-s", "@86400")
    with case_matrix.new_device(work, build, firmware_built="0") as device:
        shutil.copy(f"{work}/ca/eternal.pem", device.base + "/keys")
        device.install(f"{work}/packages/eternal.wmopkg")
        for _ in range(3):
            case_matrix.boot(device)
            equal(device.package("eternal")["active"], True)
            unlock(device, work, "past")
        equal(os.path.exists(device.base + "/persist/wmopkg/time"), False)
        device.install(f"{work}/packages/signed.wmopkg")
        case_matrix.boot(device)
        unlock(device, work, "past", 3)
        unlock(device, work, "future")


def test_times_that_somebody_wrote(work, build):
    """On PERSIST, in the words of earlier firmware: until the next boot that is completed."""
    run("date", "-s", "@86400")
    for time, status in ((253402300799, 0), (2000000000, 3)):
        with case_matrix.new_device(work, build, firmware_built="0") as device:
            os.makedirs(device.base + "/persist/wmopkg", mode=0o700, exist_ok=True)
            write(device.base + "/persist/wmopkg/floors.json", json.dumps({
                "format": 1, "time": time, "denylist": 0, "epochs": {}}).encode())
            case_matrix.boot(device, complete=False)
            unlock(device, work, "future", status)
            device.tell("boot-complete")
            unlock(device, work, "future")
