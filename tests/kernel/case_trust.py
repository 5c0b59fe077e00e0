# SPDX-License-Identifier: MIT
"""The tree of certificate authorities (tests/trust) at boot: all its packages installed at
once, past the installer. Each gets the verdict of the table for the reason that the
installer gives, in the state file, the kernel log and `show`; the good ones are active
beside all the bad ones. The clock changes none of it.
"""

import json
import os
import sys

from device import Device, equal, read, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trust"))

import folders  # noqa: E402
import members  # noqa: E402
from members import MEMBERS  # noqa: E402


def prepare(work, build):
    maker = members.make(work, build)
    device = folders.Device(work + "/installer", build, maker.ca.folder + "/ring")
    members.deny(maker, device)
    with open(work + "/told", "w", encoding="utf-8") as file:
        json.dump({name: folders.reason(device.told("verify", maker.path(name)))
                   for name in MEMBERS}, file)


def check(device, name, told, lines):
    verdict, code, message = told
    active = verdict == "Signed"
    equal((verdict, code), MEMBERS[name][1:3], f"{name} at the installer: {message}")
    package = device.package(name)
    equal((package["verification"], package["reason"]), (
        verdict, {"code": code, "message": message}), name)
    equal(package["active"], active, name)
    equal(device.see("member/" + name), name + "\n" if active else None, name)
    shown = device.show(name)
    equal(folders.reason(shown), (verdict, code, message), name)
    equal((shown["active"], shown["status"]), (active, "active" if active else "inactive"), name)
    version = " " + package["version"] if package["version"] else ""
    equal(lines.count(f"wmopkg: {name}{version}: {verdict}, " + (
        "active" if active else f"not active: {code}: {message}")), 1, name)


def check_audit(device, told):
    """The packages of the boot are in the audit log, with the same verdict and reason: all that
    are active, and of the others as many as one boot may have lines; the rest is counted."""
    lines = [json.loads(line) for line in device.tell("audit", "json").splitlines()]
    found = {line["package"]: (line["event"], line["verdict"], line.get("code", "ok"),
                               line.get("message", "")) for line in lines if "package" in line}
    wanted = {name: ("activate" if verdict == "Signed" else "refuse", verdict, code, message)
              for name, (verdict, code, message) in told.items()}
    equal(found, {name: wanted[name] for name in found})
    equal([name for name in wanted if wanted[name][0] == "activate" and name not in found], [])
    equal(len(found) + sum(line.get("count", 0) for line in lines), len(wanted))
    device.tell("audit", "verify")


def boot_all(work, build, **settings):
    told = json.loads(read(work + "/told"))
    with Device(work, build, ring=work + "/ca/ring", **settings) as device:
        device.tell("denylist", work + "/denylist")
        for name in MEMBERS:
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        lines = device.log()
        for name in MEMBERS:
            check(device, name, told[name], lines)
        equal(sorted(os.listdir(device.root("member"))),
              sorted(name for name in MEMBERS if told[name][0] == "Signed"))
        equal([package["name"] for package in device.state()["packages"]], sorted(MEMBERS))
        check_audit(device, told)


def test_at_the_right_time(work, build):
    boot_all(work, build)


def test_clock_at_1970(work, build):
    run("date", "-s", "@86400")  # not before the kernel was booted
    boot_all(work, build)


def test_clock_at_2099(work, build):
    run("date", "-s", "2099-12-31 23:59:59 UTC")
    boot_all(work, build, firmware_years="100")  # so that it is believed
