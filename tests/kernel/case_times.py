# SPDX-License-Identifier: MIT
"""When a boot did what: spans of the steps, and of each package within them."""

import json
import os
import re
import time
import xml.etree.ElementTree as ElementTree

from device import FIRMWARE, Device, Vendor, equal, read, schema, write
from resets import ask

NEVER = {"start_us": 0, "end_us": 0}
ORDER = ["prepare", "volumes", "reset", "trust", "judge", "try", "attach", "stack", "record", "seed"]


def prepare(work, build):
    vendor = Vendor(work, build)
    for name in ("one", "two"):
        vendor.make(name, {f"etc/{name}": name})
    vendor.make("unsigned", {"etc/unsigned": "unsigned"}, signer=None)
    write(work + "/noise", os.urandom(8192))
    vendor.seal("noise", work + "/noise")
    write(work + "/damaged", b"not a package")


def now_us():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def activate(device, status=0):
    """The state, and when it was made."""
    before = now_us()
    device.activate(status)
    return device.state(), (before, now_us())


def check_chain(spans, bounds):
    """One after the other, within @bounds."""
    at = bounds[0]
    for name, span in spans.items():
        assert at <= span["start_us"] <= span["end_us"], (name, spans, bounds)
        at = span["end_us"]
    assert at <= bounds[1], (spans, bounds)


def check_within(span, step):
    assert step["start_us"] <= span["start_us"] <= span["end_us"] <= step["end_us"], (span, step)


def check_steps(state, bounds, missing):
    steps = state["steps"]
    equal(list(steps), ORDER)
    equal([name for name in ORDER if steps[name] == NEVER], missing)
    check_chain({name: steps[name] for name in ORDER if name not in missing}, bounds)


def test_mixed(work, build):
    with Device(work, build) as device:
        for name in ("one", "two", "unsigned", "noise"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.install(work + "/damaged", "damaged")
        state, bounds = activate(device)
        check_steps(state, bounds, ["reset", "seed"])
        for package in state["packages"]:
            check_within(package["judging"], state["steps"]["judge"])
            if package["name"] in ("damaged", "unsigned"):
                equal(package["attaching"], NEVER, package["name"])
            else:  # also of what turns out to be no squashfs
                check_within(package["attaching"], state["steps"]["attach"])
        equal(device.package("noise")["active"], False)
        check_shown(device, state)


def check_shown(device, state):
    """What is shown of it is what is in the state."""
    told = schema.check("timeline", json.loads(device.tell("show", "boot", "json")))
    began = state["steps"]["prepare"]["start_us"]
    equal(told["began_us"], began)
    equal(told["took_us"], state["steps"]["record"]["end_us"] - began)
    for step in told["steps"]:
        span = state["steps"][step["step"]]
        equal((step["start_us"], step["took_us"]),
              (span["start_us"] - began, span["end_us"] - span["start_us"]))
    shown = device.tell("show", "boot")
    for package in state["packages"]:
        equal(len(re.findall(rf"\n  {package['name']} +[0-9.]+ +[0-9.]+[* ]", shown)),
              sum(package[part] != NEVER for part in ("judging", "attaching")), shown)
    ElementTree.fromstring(device.tell("show", "boot", "svg").encode())


def test_nothing_installed(work, build):
    with Device(work, build) as device:
        state, bounds = activate(device)
        check_steps(state, bounds, ["reset", "attach", "stack", "seed"])


def test_seeded(work, build):
    """The state is written once more, so that it has the time of what comes last."""
    firmware = FIRMWARE | {"etc/factory-config/hostname": "example\n"}
    with Device(work, build, firmware=firmware) as device:
        device.install(f"{work}/packages/one.wmopkg")
        state, bounds = activate(device)
        equal(read(device.base + "/data/config/hostname"), "example\n")
        check_steps(state, bounds, ["reset"])
        device.reboot()
        state, bounds = activate(device)
        check_steps(state, bounds, ["reset", "seed"])


def test_reset(work, build):
    """It may take longest of all, and is no part of looking for the volumes."""
    with Device(work, build) as device:
        device.install(f"{work}/packages/one.wmopkg")
        device.activate()
        ask(device)
        device.reboot()
        state, bounds = activate(device)
        check_steps(state, bounds, ["attach", "stack", "seed"])
        equal(state["packages"], [])
        check_shown(device, state)


def test_no_stack(work, build):
    """What was done before it failed is told."""
    with Device(work, build) as device:
        device.install(f"{work}/packages/one.wmopkg")
        write(device.base + "/run/layers", "in the way")
        state, bounds = activate(device, status=1)
        check_steps(state, bounds, ["reset", "attach", "stack", "seed"])
        equal(state["packages"][0]["active"], False)
