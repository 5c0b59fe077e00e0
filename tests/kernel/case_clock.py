# SPDX-License-Identifier: MIT
"""The matrix of verdicts and policies with a clock that is wrong: it changes no verdict,
and turning it back brings no unlock statement back.
"""

import case_matrix
import matrix
from ca import DAY, write
from device import equal, run
from members import statement_file


def prepare(work, build):
    maker = matrix.make(work, build)
    now = maker.ca.now
    for name, not_after in (("past", now - DAY), ("future", now + DAY)):
        text = matrix.unlock_text(["untrusted"], not_after)
        # a statement's own signing time is a time that has come, too
        write(f"{work}/unlock-{name}", statement_file(maker, text, "unlock", when=-2 * DAY))


def test_clock_at_1970(work, build):
    """The same verdicts, and an unlock statement still runs out, by the time floor."""
    run("date", "-s", "@86400")  # not before the kernel was booted
    case_matrix.check_policies(work, build, ("default", "unlocked"))
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


def test_clock_at_2099(work, build):
    """An unlock statement has run out; nothing else changes."""
    run("date", "-s", "2099-12-31 23:59:59 UTC")
    with case_matrix.new_device(work, build, anchor="always") as device:
        device.boot_with(case_matrix.ASKED)
        device.tell("unlock", f"{work}/unlock-future", status=3)
        for name in ("signed", "unsigned"):
            device.install(f"{work}/packages/{name}.wmopkg")
        case_matrix.boot(device)
        equal(device.package("signed")["active"], True)
        equal(device.package("unsigned")["active"], False)
