# SPDX-License-Identifier: MIT
"""What `needs` and `conflicts_with` make of a boot: its plan, its log and `show` agree."""

import json
import os
import shutil

import effort
from device import Device, Vendor, equal, run
from trials import boot, check_active, fail_boots

GONE = "it was left out after boots that were not completed"


def prepare(work, build):
    vendor = Vendor(work, build)

    def make(file, name, *options, version="1.0", signer="keys", files=None):
        vendor.make(file, files or {f"etc/{name}": f"{name}\n"}, signer=signer, version=version,
                    options=("--name", name, *options))

    make("base", "base")
    make("base-2", "base", version="2.0")
    make("lib", "lib", "--need", "base>=1.0")
    make("app", "app", "--need", "lib")
    make("app-2", "app", "--need", "base>=2.0")
    make("alone", "alone")
    make("ping", "ping", "--need", "pong")
    make("pong", "pong", "--need", "ping")
    make("rival", "rival", "--conflict", "alone")
    make("forged", "rival", signer=None)
    make("hostile", "hostile", "--conflict", "alone", signer=None)
    make("blocks", "base", files={"etc/base": "base\n", "srv": "whiteout"})
    make("fonts", "fonts", "--need", "noise")
    make("icons", "icons", "--need", "fonts")
    # what the kernel cannot mount, in a package that is as its signer made it
    with open(work + "/noise", "wb") as file:
        file.write(bytes(range(256)) * 64)
    vendor.seal("noise", work + "/noise")


def new_device(work, build, *packages, persist=(), **settings):
    device = Device(work, build, **settings)
    for name in packages:
        device.install(f"{work}/packages/{name}.wmopkg")
    for name in persist:
        device.install(f"{work}/packages/{name}.wmopkg", store="persist")
    return device


def told(packages):
    return {package["name"]: package.get("reason", {}).get("message", "")
            for package in packages if not package["active"]}


def check(device, left_out, planned=None, shown=None):
    """Which packages are not active, and why; the plan before it and `show` after it say the
    same, unless @planned or @shown is what they say."""
    plan = told(json.loads(device.plan("json"))["packages"])
    device.activate()
    packages = device.state()["packages"]
    active = {package["identity"] for package in packages if package["active"]}
    equal(told(packages), left_out)
    equal(plan, left_out if planned is None else planned, "the plan")
    for package in packages:
        name = package["name"]
        equal(device.see(f"etc/{package['identity']}") is not None, package["identity"] in active,
              name)
        wanted = left_out if shown is None else shown
        equal(device.show(name)["status"], "inactive" if name in wanted else "active", name)
        equal(device.show(name).get("reason", {}).get("message", ""), wanted.get(name, ""), name)
        if not package["active"]:
            assert any(line.startswith(f"wmopkg: {name} ") and left_out[name] in line
                       for line in device.log()), device.log()


def test_chain(work, build):
    """Whole, without its end, without its middle; then its end is installed again."""
    with new_device(work, build, "app", "lib", "base", "alone") as device:
        check(device, {})
        device.reboot()
        device.remove("base")
        check(device, {"lib": "it needs base>=1.0, which is not installed",
                       "app": "it needs lib, which is not active: it needs base>=1.0, which is "
                       "not installed"})
        equal(device.package("app")["reason"]["code"], "missing-need")
        equal(device.package("app")["verification"], "Signed")
        device.install(work + "/packages/base-2.wmopkg", name="base")
        device.shown = {}
        equal({name: device.show(name)["status"] for name in ("base", "lib", "app")},
              {"base": "pending", "lib": "pending", "app": "pending"})
        device.reboot()
        check(device, {})
        device.reboot()
        device.remove("lib")
        check(device, {"app": "it needs lib, which is not installed"})


def test_circle(work, build):
    with new_device(work, build, "ping", "pong") as device:
        check(device, {})
        device.reboot()
        device.remove("pong")
        check(device, {"ping": "it needs pong, which is not installed"})


def test_version(work, build):
    """Of two files of one identity the persistent one counts, whichever would do."""
    with new_device(work, build, "base", "app-2") as device:
        check(device, {"app-2": "it needs base>=2.0, and base has version 1.0"})
        device.reboot()
        device.install(work + "/packages/base-2.wmopkg", store="persist")
        duplicate = "the persistent package 'base-2', version 2.0, has the same identity and counts"
        check(device, {"base": duplicate})
        device.reboot()
        device.install(work + "/packages/base-2.wmopkg", name="base")
        shutil.copy(work + "/packages/base.wmopkg",
                    device.base + "/persist/packages/base-2.wmopkg")
        check(device, {"base": duplicate.replace("2.0", "1.0"),
                       "app-2": "it needs base>=2.0, and base has version 1.0 (installed as "
                       "base-2)"})


def test_bootconf(work, build):
    """What the bootloader leaves out takes with it what needs it; with safe mode, all."""
    disabled = "the boot configuration leaves it out (wmopkg.disable)"
    with new_device(work, build, "base", "lib", "alone") as device:
        device.boot_with("wmopkg.disable=base")
        check(device, {"base": disabled, "lib": f"it needs base>=1.0, which is not active: {disabled}"})
        device.reboot()
        device.boot_with("wmopkg.safe")
        safe = "the boot configuration leaves all packages out (wmopkg.safe)"
        check(device, {"base": safe, "lib": safe, "alone": safe})


def test_mount_fails(work, build):
    """One that is as signed, and that the kernel cannot mount: known when it is attached."""
    with new_device(work, build, "noise", "fonts", "icons", "alone") as device:
        why = "it needs noise, which is not active: "
        plan = told(json.loads(device.plan("json"))["packages"])
        equal(plan, {})
        device.activate()
        reasons = told(device.state()["packages"])
        equal(sorted(reasons), ["fonts", "icons", "noise"])
        equal(device.package("noise")["reason"]["code"], "mount-failed")
        equal(reasons["fonts"], why + reasons["noise"])
        equal(reasons["icons"], f"it needs fonts, which is not active: {reasons['fonts']}")
        equal(device.see("etc/alone"), "alone\n")
        equal((device.see("etc/fonts"), device.see("etc/icons")), (None, None))
        equal({name: device.show(name)["status"] for name in reasons},
              {name: "inactive" for name in reasons})


def test_blocks_mount(work, build):
    """One that is left out when the stack is made: the rest of the stack is made again."""
    with new_device(work, build, "blocks", "lib", "app", "alone") as device:
        os.makedirs(device.root("srv"))
        run("mount", "-t", "tmpfs", "tmpfs", device.root("srv"))
        device.activate()
        reasons = told(device.state()["packages"])
        equal(sorted(reasons), ["app", "blocks", "lib"])
        equal(device.package("blocks")["reason"]["code"], "blocks-mount")
        equal(reasons["lib"], "it needs base>=1.0, which is not active (installed as blocks): "
              + reasons["blocks"])
        equal([device.see(f"etc/{name}") for name in ("alone", "base", "lib", "app")],
              ["alone\n", None, None, None])


def test_quarantine(work, build):
    """A new version of what is needed does not complete its boots, and is retried."""
    with new_device(work, build, "base", "lib", trials=3) as device:
        boot(device, completed=True)
        device.install(work + "/packages/base-2.wmopkg", name="base")
        fail_boots(device)
        check_active(device, "base", "lib")
        device.reboot(completed=False)
        check(device, {"base": GONE, "lib": f"it needs base>=1.0, which is not active: {GONE}"})
        equal(device.package("base")["verification"], "Quarantined")
        device.reboot()
        check(device, {"base": GONE, "lib": f"it needs base>=1.0, which is not active: {GONE}"})
        device.tell("retry", "base")
        device.reboot()
        check(device, {})


if effort.LONG:
    def test_suspects(work, build):
        """Two came together, one needs the other: the needed one is tried first, by itself."""
        with new_device(work, build, "alone", trials=3) as device:
            boot(device, completed=True)
            for name in ("base", "lib"):
                device.install(f"{work}/packages/{name}.wmopkg")
            fail_boots(device)
            for _ in range(12):
                active = {name: device.see(f"etc/{name}") is not None for name in ("base", "lib")}
                assert active["base"] or not active["lib"], active
                # `lib` is the cause
                boot(device, completed=False, before=not active["lib"])
            check_active(device, "base", "alone")
            equal(device.package("lib")["reason"]["code"], "quarantined")


def test_conflict(work, build):
    """An ordinary package goes before a persistent one, a new one before one that ran, and
    one that is only allowed before a signed one; whichever of them names the other."""
    def loses(name, kind, where):
        return (f"it conflicts with the {kind} package '{name}', version 1.0, which stays active; "
                f"this is in {where}")

    with new_device(work, build, "alone", "rival") as device:
        check(device, {"rival": loses("alone", "ordinary", "its own manifest")})
        equal(device.package("rival")["reason"]["code"], "conflict")
    # what somebody who writes to DATA could place there
    with new_device(work, build, "alone", persist=("rival",)) as device:
        check(device, {"alone": loses("rival", "persistent", "the manifest of the other")})
    with new_device(work, build, "rival") as device:
        boot(device, completed=True)
        device.reboot()
        device.install(work + "/packages/alone.wmopkg")
        check(device, {"alone": loses("rival", "ordinary", "the manifest of the other")})
    with new_device(work, build, "alone", persist=("hostile",)) as device:
        device.boot_with("wmopkg.allow_untrusted=1")
        check(device, {"hostile": loses("alone", "ordinary", "its own manifest")},
              shown={"hostile": loses("alone", "ordinary", "its own manifest")})


def test_forged(work, build):
    """A forgery that is not allowed meets no need, and conflicts with nothing."""
    with new_device(work, build, "alone", "hostile") as device:
        check(device, {"hostile": "it has no signature"})
    with new_device(work, build, "forged", "alone") as device:
        check(device, {"forged": "it has no signature"})
