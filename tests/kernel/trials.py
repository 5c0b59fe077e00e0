# SPDX-License-Identifier: MIT
"""What the cases on trials share: boots that are completed or not, and what became of it."""

import json

from device import Vendor, equal, read

RECORD = "persist/wmopkg/trials.json"
REASON = "it was left out after boots that were not completed"
WITHOUT = "boots with it were not completed: it is left out until a boot without it is"
APART = "boots with it were not completed: it is left out of this boot, to find the package " \
    "that is the cause"


def make_packages(work, build):
    vendor = Vendor(work, build)
    for name in ("good", "bad", "keep", "new1", "new2"):
        vendor.make(name, {f"etc/{name}": f"{name}\n"})
    return vendor


def trials(device):
    told = json.loads(read(f"{device.base}/{RECORD}"))
    return {package["name"]: (package["state"], package["incomplete"])
            for package in told["packages"]}


def boot(device, completed=False, before=False):
    """One boot more; whether the one before it was completed is @before."""
    device.reboot(completed=before)
    device.activate()
    if completed:
        equal(device.tell("boot-complete"), "")


def fail_boots(device, count=3):
    for _ in range(count):
        boot(device)


def check_quarantined(device, *names, persistent=False):
    for name in names:
        package = device.package(name, persistent)
        equal((package["verification"], package["active"], package["reason"]),
              ("Quarantined", False, {"code": "quarantined", "message": REASON}), name)
        equal(device.see(f"etc/{name}"), None)


def check_suspects(device, *names, persistent=False, message=WITHOUT):
    for name in names:
        package = device.package(name, persistent)
        equal((package["verification"], package["active"], package["reason"]),
              ("Signed", False, {"code": "suspect", "message": message}), name)
        equal(device.see(f"etc/{name}"), None)


def check_active(device, *names, persistent=False):
    for name in names:
        package = device.package(name, persistent)
        equal((package["verification"], package["active"]), ("Signed", True), name)
        equal(device.see(f"etc/{name}"), f"{name}\n")


def bad_and_good(device, work):
    """A device on which `good` has passed, and `bad` was just installed."""
    device.install(work + "/packages/good.wmopkg")
    boot(device, completed=True)
    equal(trials(device)["good"], ("passed", 0))
    device.install(work + "/packages/bad.wmopkg")
