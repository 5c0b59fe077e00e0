# SPDX-License-Identifier: MIT
"""What the configuration requires: without it no package is active, and the status is 3."""

import json
import os
import shutil

from device import Device, Vendor, equal, mounts_below, read, run, write

BASE = {"etc/base": "base\n"}
STATUS = 3


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("base", BASE)
    vendor.make("feature", {"etc/feature": "feature\n"})
    vendor.make("other", {"etc/other": "other\n"})
    vendor.make("unsigned", {"etc/base": "not ours\n"}, signer=None, options=("--name", "base"))
    vendor.make("foreign", {"etc/base": "not ours\n"}, signer="other", options=("--name", "base"))
    # what the kernel cannot mount, in a package that is as its signer made it
    write(work + "/noise", bytes(range(256)) * 64)
    vendor.seal("noise", work + "/noise")


def new_device(work, build, packages=("base", "feature"), **settings):
    device = Device(work, build, **settings)
    for name in packages:
        device.install(f"{work}/packages/{name}.wmopkg")
    return device


def refused(device, message):
    """Nothing is active, nothing of a stack is left, and state, log and plan say why."""
    before = device.log()
    told = device.activate(STATUS)
    equal(told, f"wmopkg-activate: {message}\n")
    state = device.state()
    equal(state["stack"], {"code": "required", "message": message})
    for package in state["packages"]:
        equal(package["active"], False, package)
        assert package["reason"]["code"] != "ok", package
    equal(device.is_stacked(), False)
    equal(mounts_below(device.base + "/run/layers"), [])
    assert f"wmopkg: no package is active: required: {message}" in device.log()[len(before):], \
        device.log()


def fine(device):
    device.activate()
    equal(device.see("etc/base"), "base\n")
    equal(device.state()["stack"]["code"], "ok")


def planned(device, status):
    done = run(device.tool, "--plan", "--config", device.base + "/conf", "--root",
               device.base + "/root", check=False)
    equal(done.returncode, status, done.stdout)
    return done.stdout


def test_persist(work, build):
    with new_device(work, build, require_persist="yes") as device:
        planned(device, 0)
        fine(device)
        device.reboot()
        place = device.base + "/persist"
        os.rename(place, place + ".away")
        message = f"PERSIST ({place}) is required, and is not mounted"
        assert f"Stack: none: {message}" in planned(device, STATUS)
        refused(device, message)
        os.unlink(device.base + "/run/state.json")
        # a file in its place, and one in the place of its records
        write(place, "")
        refused(device, message)
        os.unlink(place)
        os.rename(place + ".away", place)
        shutil.rmtree(place + "/wmopkg")
        write(place + "/wmopkg", "")
        refused(device, f"PERSIST ({place}) is required, and cannot be read")
        os.unlink(place + "/wmopkg")
        fine(device)


def test_records(work, build):
    """PERSIST is there, and what was denied or cleared cannot be read; what heals by itself, and a
    PERSIST that is read-only, are no reason."""
    prefix = "PERSIST ({base}/persist) is required, and not all of its records can be used: "
    with new_device(work, build, require_persist="yes") as device:
        fine(device)
        records = device.base + "/persist/wmopkg"
        for name, content in (("trials.json", "x"), ("good.json", "x"), ("begun", "x"),
                              ("unlock", "x"), ("audit.log", "x")):
            device.reboot()
            write(f"{records}/{name}", content)
            fine(device)
        for name, content, why in (
                ("floors.json", "{", "floors: "),
                ("floors.json", '{"format":1,"time":0,"denylist":7,"epochs":{}}',
                 "deny list: number 7 was in force on this device, and is missing now"),
                ("denylist", "x", "deny list: ")):
            device.reboot()
            write(f"{records}/{name}", content)
            device.activate(STATUS)
            message = device.state()["stack"]["message"]
            assert message.startswith(prefix.format(base=device.base) + why), message
            # a boot that is refused is none that ended early
            equal(read(records + "/begun").strip(), "0")
            last = json.loads(read(records + "/audit.boots").splitlines()[-1])
            equal(last["detail"][:40], ("refused: " + message)[:40])
            equal(device.is_stacked(), False)
            assert message in planned(device, STATUS)
            os.unlink(f"{records}/{name}")
        # not an error of the storage, but of the same kind: a folder in its place
        device.reboot(completed=False)
        os.mkdir(records + "/denylist")
        device.activate(STATUS)
        os.rmdir(records + "/denylist")
        device.reboot(completed=False)
        fine(device)
        device.reboot()
        run("mount", "--bind", device.base + "/persist", device.base + "/persist")
        run("mount", "-o", "remount,ro,bind", device.base + "/persist")
        fine(device)


def test_persist_not_required(work, build):
    with new_device(work, build, require_persist="no") as device:
        shutil.rmtree(device.base + "/persist")
        fine(device)


def test_packages(work, build):
    with new_device(work, build, require_packages="base") as device:
        planned(device, 0)
        fine(device)
        device.reboot()
        device.remove("base")
        message = "the package base is required, and is not installed"
        assert f"Stack: none: {message}" in planned(device, STATUS)
        told = run(device.tool, "--plan", "--config", device.base + "/conf", "--root",
                   device.base + "/root", "json", check=False).stdout
        equal(json.loads(told[:told.rindex("}") + 1])["failed"]["code"], "required")
        refused(device, message)


def test_one_of_several(work, build):
    with new_device(work, build) as device:
        text = read(device.base + "/conf")
        write(device.base + "/conf", text + 'require_packages = {"base", feature}\n')
        fine(device)
        device.reboot()
        device.remove("feature")
        refused(device, "the package feature is required, and is not installed")


def test_the_name_is_that_of_the_manifest(work, build):
    with new_device(work, build, ("feature",), require_packages="base") as device:
        device.install(f"{work}/packages/other.wmopkg", name="base")
        refused(device, "the package base is required, and is not installed")
        device.install(f"{work}/packages/base.wmopkg", name="anything")
        fine(device)


def test_not_signed_is_not_enough(work, build):
    """Also where it would be active."""
    for name, why in (
            ("unsigned", "no-signature: it has no signature"),
            ("foreign", "untrusted-signer: the signer does not chain to a key of this device")):
        for cmdline in ("quiet", "wmopkg.allow_untrusted=1"):
            with new_device(work, build, (name, "feature"), require_packages="base") as device:
                device.boot_with(cmdline)
                device.activate(STATUS)
                message = device.state()["stack"]["message"]
                assert message.startswith(
                    f"the package base is required, and is not both Signed and active: {why}"), \
                    message
                equal(device.is_stacked(), False)
                equal(device.see("etc/feature"), None)


def test_left_out(work, build):
    """By the boot configuration, by damage, by trials: the reason is told."""
    prefix = "the package base is required, and is not both Signed and active: "
    with new_device(work, build, require_packages="base") as device:
        for words, why in (
                ("wmopkg.safe=1", "safe-mode: the boot configuration leaves all packages out "
                                  "(wmopkg.safe)"),
                ("wmopkg.disable=base", "disabled: the boot configuration leaves it out "
                                        "(wmopkg.disable)")):
            device.boot_with(words)
            refused(device, prefix + why)
            os.unlink(device.base + "/run/state.json")
        device.boot_with("quiet")
        fine(device)
        device.reboot()
        path = device.base + "/data/packages/base.wmopkg"
        with open(path, "r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last[0] ^ 1]))
        device.activate(STATUS)
        assert device.state()["stack"]["message"].startswith(prefix + "image-mismatch: "), \
            device.state()


def test_boots_that_are_refused_are_not_counted(work, build):
    """No package had its turn, so none of them can be the cause."""
    with new_device(work, build, require_packages="base") as device:
        device.remove("base")
        for _ in range(4):
            device.activate(STATUS)
            device.reboot(completed=False)
        device.install(f"{work}/packages/base.wmopkg")
        fine(device)
        equal(device.package("feature")["verification"], "Signed")


def test_power_cuts(work, build):
    """They leave out what is not required, and never what is: that would be for good."""
    with new_device(work, build, ("feature",), require_packages="base") as device:
        device.install(f"{work}/packages/base.wmopkg", store="persist")
        fine(device)
        device.reboot()
        for _ in range(4):
            device.activate()
            device.reboot(completed=False)
        fine(device)
        equal(device.package("feature")["reason"]["code"], "suspect")


def test_it_cannot_be_mounted(work, build):
    """What was verified is left out when it is mounted: the stack of the others goes again."""
    with new_device(work, build, ("noise", "feature"), require_packages="noise") as device:
        planned(device, 0)
        device.activate(STATUS)
        message = device.state()["stack"]["message"]
        assert message.startswith("the package noise is required, and is not both Signed and "
                                  "active: mount-failed: "), message
        equal((device.is_stacked(), device.see("etc/feature")), (False, None))
        equal(mounts_below(device.base + "/run/layers"), [])


def test_the_stack_fails(work, build):
    """For a reason of its own: what is required is not there either."""
    with new_device(work, build, require_packages="base") as device:
        write(device.base + "/run/layers", "in the way")
        told = device.activate(STATUS)
        assert told.startswith("wmopkg-activate: "), told
        equal(device.state()["stack"]["code"], "required")
