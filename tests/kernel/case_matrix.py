# SPDX-License-Identifier: MIT
"""The matrix of verdicts and policies (tests/trust/matrix.py) at boot: what the device
remembers has come to be on it, by boots that ran, and boots that never completed. All the
packages lie in the store at once; state file, kernel log, `show` and `verify` agree.
"""

import os
import sys

from device import Device, equal, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trust"))

import folders  # noqa: E402
import matrix  # noqa: E402

ASKED = "quiet wmopkg.allow_untrusted=1"
TRIES = 3


def prepare(work, build):
    matrix.make(work, build)


def new_device(work, build, **settings):
    return Device(work, build, ring=work + "/ca/ring",
                  **{**matrix.settings("default"), **settings})


def boot(device, complete=True):
    device.reboot(completed=False)
    device.activate()
    if complete:
        device.tell("boot-complete")


def quarantine(work, device):
    """Boots with these packages never complete."""
    device.boot_with(ASKED)
    # one after the other: what is on trial together is told apart, which takes more boots
    for name in matrix.QUARANTINED:
        device.install(f"{work}/packages/{name}.wmopkg")
        for _ in range(TRIES):
            boot(device, complete=False)
            equal(device.package(name)["active"], True, name)
        boot(device)
    for name in matrix.QUARANTINED:
        equal(device.package(name)["verification"], "Quarantined", name)


def raise_floors(work, device):
    """A newer package of each name runs once, then it is removed."""
    names = ["before-" + name for name in matrix.DOWNGRADES]
    for name in names:
        device.install(f"{work}/packages/{name}.wmopkg")
    boot(device)
    for name in names:
        equal(device.package(name)["active"], True, name)
        device.remove(name)


def flags(device):
    """{package: mount options of its layer}, of every layer that is mounted."""
    found = {}
    layers = device.base + "/run/layers"
    for layer in os.listdir(layers):
        folder = f"{layers}/{layer}/member"
        if os.path.isdir(folder):
            options = run("findmnt", "-n", "-o", "OPTIONS", f"{layers}/{layer}").stdout
            found[os.listdir(folder)[0]] = set(options.strip().split(","))
    return found


def check(device, name, expected, lines):
    package = device.package(name)
    message = package["reason"]["message"]
    equal((package["verification"], package["reason"]["code"], package["active"]),
          tuple(expected), f"{name}: {message}")
    equal(device.see("member/" + name), name + "\n" if expected.used else None, name)
    told = device.show(name)
    equal(folders.reason(told), (expected.verdict, expected.code, message), name)
    equal(told["active"], expected.used, name)
    reason = "" if expected.code == "ok" else f": {expected.code}: {message}"
    version = " " + package["version"] if package["version"] else ""
    word = "active" if expected.used else "not active"
    equal(lines.count(f"wmopkg: {name}{version}: {expected.verdict}, {word}{reason}"), 1,
          name)


def check_file(device, work, policy, name):
    """What `verify` says of the file, on a device where all of it is real."""
    told = device.verify(f"{work}/packages/{name}.wmopkg")
    expected = matrix.expected_anew(policy, name)
    equal((*folders.reason(told)[:2], told["accepted"]), tuple(expected), f"verify {name}")
    if name not in matrix.ANEW:
        equal(folders.reason(told), folders.reason(device.show(name)), f"verify {name}")


def check_policy(device, work, policy):
    device.boot_with(matrix.cmdline(policy))
    device.configure(**matrix.settings(policy))
    # not "unlock clear", which is final: policies have the same statement
    if os.path.exists(device.base + "/persist/wmopkg/unlock"):
        os.unlink(device.base + "/persist/wmopkg/unlock")
    if matrix.POLICIES[policy].unlock:
        device.tell("unlock", f"{work}/unlock-{policy}")
    boot(device)
    lines = device.log_of_boot()
    warnings = [line for line in lines if "Allow Untrusted" in line]
    equal(len(warnings), 1 if matrix.POLICIES[policy].warns else 0, f"{policy}: {warnings}")
    equal(all(line.startswith(f"wmopkg: {matrix.POLICIES[policy].warns}") for line in warnings),
          True, f"{policy}: {warnings}")
    table = matrix.expected()[policy]
    for name, expected in table.items():
        check(device, name, expected, lines)
        if policy == "unlocked":
            check_file(device, work, policy, name)
    used = sorted(name for name, expected in table.items() if expected.used)
    mounted = flags(device)
    equal(sorted(mounted), used, policy)
    for name in used:
        equal("nodev" in mounted[name], True, name)
        equal("nosuid" in mounted[name], name.startswith("un"), name)
    stack = device.stack_flags().split(",")
    equal("nodev" in stack, True, policy)
    equal("nosuid" in stack, any(name.startswith("un") for name in used), policy)


def check_policies(work, build, policies):
    with new_device(work, build) as device:
        quarantine(work, device)
        raise_floors(work, device)
        device.tell("denylist", work + "/denylist")
        for name in matrix.MEMBERS:
            if name not in matrix.QUARANTINED:
                device.install(f"{work}/packages/{name}.wmopkg")
        for policy in policies:
            check_policy(device, work, policy)


def test_every_policy(work, build):
    check_policies(work, build, matrix.POLICIES)
