# SPDX-License-Identifier: MIT
"""What a boot would do, told without doing it; and the boot does that."""

import fnmatch
import json
import os
import shutil
import stat

import mounts
from device import FIRMWARE, Device, Vendor, devices, equal, loops, lowers, read, run, schema, \
    wait_gone, write
from mounts import unmount_now
from trials import REASON, bad_and_good, boot

OS_RELEASE = {"etc/os-release": 'VERSION_ID="5.26.0"\n'}


def prepare(work, build):
    vendor = Vendor(work, build)
    for name in ("good", "bad", "keep", "disabled"):
        vendor.make(name, {f"etc/{name}": f"{name}\n"})
    vendor.make("high", {"etc/high": "high\n"}, priority=5)
    vendor.make("low", {"etc/low": "low\n"}, priority=-5)
    vendor.make("unsigned", {"etc/unsigned": "here\n"}, signer=None)
    vendor.make("stranger", {"etc/stranger": "here\n"}, signer="other")
    vendor.make("newer", {"etc/newer": "here\n"}, options=("--firmware-min", "6.0"))
    vendor.make("required", {"etc/required": "here\n"}, options=("--persistent", "required"))
    with open(vendor.path("good"), "rb") as file:
        content = bytearray(file.read())
    content[-1] ^= 1
    write(work + "/damaged.wmopkg", bytes(content))
    run(vendor.tool, "denylist", "--number", "7", "--name", "other=1", *vendor.signing("keys"),
        work + "/denylist")
    run(vendor.tool, "unlock", "--serial", "SN-1", "--allow", "untrusted", "--not-after",
        "2099-12-31", "--key", work + "/keys/unlock.key", "--cert", work + "/keys/unlock.pem",
        work + "/unlock")
    os.makedirs(work + "/volume.d/packages")
    shutil.copy(vendor.path("good"), work + "/volume.d/packages")
    with open(work + "/volume", "wb") as file:
        file.truncate(16 << 20)
    run("mkfs.ext4", "-q", "-L", "wmopkg-plan", "-d", work + "/volume.d", work + "/volume")


def content(path, look):
    if stat.S_ISREG(look.st_mode):
        with open(path, "rb") as file:
            return file.read()
    return os.readlink(path) if stat.S_ISLNK(look.st_mode) else None


# The kernel's own, where it is asked whether it takes one more overlay.
TOO_DEEP = "overlayfs: maximum fs stacking depth exceeded"


def kernel_log(device):
    """Since the device began: the kernel forgets lines that are older."""
    lines = mounts.kernel_log()
    return [line for line in lines[lines.index(device.mark):] if TOO_DEEP not in line]


def snapshot(device):
    """All that a boot changes."""
    files = {}
    for base in ("data", "persist", "run", "keys"):
        for place, folders, names in os.walk(f"{device.base}/{base}"):
            if place.startswith(device.base + "/run/layers/"):
                folders.clear()
                continue
            for path in [place] + [f"{place}/{name}" for name in names]:
                look = os.lstat(path)
                files[path] = (look.st_mode, look.st_size, look.st_mtime_ns, look.st_ctime_ns,
                               content(path, look))
    return {"files": files, "mounts": read("/proc/self/mountinfo"), "devices": devices(),
            "loops": loops(), "log": kernel_log(device)}


def run_plan(device, *words, status=0, root=True):
    """What it prints; nothing is different after it."""
    before = snapshot(device)
    done = run(device.tool, "--plan", "--config", device.base + "/conf",
               *(("--root", device.base + "/root") if root else ()), *words, check=False)
    after = snapshot(device)
    for what, was in before.items():
        equal(after[what], was, what)
    equal(done.returncode, status, done.stdout)
    return done.stdout


def plan(device, status=0):
    told = run_plan(device, "json", status=status)
    return schema.check("plan", json.loads(told[:told.rindex("}") + 1]))


def facts(packages):
    """What a plan and a boot say of packages in the same words."""
    return {package["name"]: (
        package["persistent"], package["verification"], package["active"],
        package.get("reason", {"code": "ok"})["code"],
        package.get("reason", {"message": ""})["message"],
        package.get("version", "")) for package in packages}


def counted(device):
    told = json.loads(read(device.base + "/persist/wmopkg/trials.json"))
    return {package["name"]: ({"trial": "running"}.get(package["state"], package["state"]),
                              package["incomplete"]) for package in told["packages"]}


def check_boot(device, status=0):
    """The boot does as planned; the plan."""
    planned = plan(device, status)
    device.activate(status)
    equal(facts(planned["packages"]), facts(device.state()["packages"]))
    equal({package["name"]: (package["trial"]["state"], package["trial"]["boots"])
           for package in planned["packages"] if "trial" in package}, counted(device))
    equal(planned["trust"]["allow_untrusted"], device.state()["allow_untrusted"])
    equal(planned["device"].get("firmware", ""), device.state()["device"]["firmware"])
    equal("stack" in planned, device.is_stacked())
    if "stack" in planned:
        check_stack(device, planned["stack"])
    return planned


def check_stack(device, stack):
    """Layers are where they were planned, and their devices are called so."""
    line = [line for line in read("/proc/self/mountinfo").splitlines()
            if f" {device.base}/root " in line][-1]
    equal(lowers(line.split(" - ")[1].split(" ", 2)[2]), lowers(stack["options"]))
    equal(device.stack_flags(), stack["flags"] + ",relatime")
    found = devices()
    for layer in stack["layers"]:
        equal(os.path.ismount(layer["path"]), True, layer)
        if "device" in layer:
            equal(len(fnmatch.filter(found, layer["device"])), 1, (layer, found))
    equal(len(found), len([layer for layer in stack["layers"] if "device" in layer]))


def mixed(work, build):
    device = Device(work, build, firmware=FIRMWARE | OS_RELEASE)
    for name in ("good", "high", "low", "unsigned", "stranger", "newer", "required", "disabled"):
        device.install(f"{work}/packages/{name}.wmopkg")
    device.install(work + "/packages/keep.wmopkg", store="persist")
    device.install(work + "/damaged.wmopkg", "damaged")
    write(device.base + "/data/packages/empty.wmopkg", "")
    os.mkdir(device.base + "/data/packages/folder.wmopkg")
    device.boot_with("quiet wmopkg.disable=disabled")
    return device


def test_mixed(work, build):
    with mixed(work, build) as device:
        planned = check_boot(device)
        equal({name: fact[3] for name, fact in facts(planned["packages"]).items()}, {
            "damaged": "image-mismatch", "disabled": "disabled", "empty": "bad-length",
            "folder": "not-a-file", "good": "ok", "high": "ok", "keep": "ok", "low": "ok",
            "newer": "wrong-firmware", "required": "misplaced", "stranger": "untrusted-signer",
            "unsigned": "no-signature"})
        equal([layer.get("package") for layer in planned["stack"]["layers"]],
              [None, "high", "keep", "good", "low", None])
        equal(planned["boot_configuration"]["words"],
              [{"word": "wmopkg.disable", "value": "disabled", "origin": "cmdline"}])
        equal(planned["trust"]["certificates"], ["root.pem"])
        # on the running system the next boot is planned, which finds the same
        again = plan(device)
        equal(facts(again["packages"]), facts(planned["packages"]))
        equal(again["stack"], planned["stack"])
        equal(again["device"], planned["device"])
        device.reboot()
        check_boot(device)


def test_untrusted(work, build):
    with mixed(work, build) as device:
        device.boot_with("wmopkg.allow_untrusted=1 wmopkg.disable=disabled")
        planned = check_boot(device)
        equal(planned["stack"]["flags"], "ro,nosuid,nodev")
        equal({name for name, fact in facts(planned["packages"]).items() if fact[2]},
              {"good", "high", "keep", "low", "stranger", "unsigned"})


def test_locked(work, build):
    with mixed(work, build) as device:
        device.configure(anchor="always", model="EX-7", serial="SN-1")
        device.boot_with("wmopkg.allow_untrusted=1 wmopkg.safe=yes")
        planned = check_boot(device)
        equal(planned["trust"]["locked"]["code"], "locked")
        equal(planned["notes"], [
            "boot configuration: kernel command line: wmopkg.safe: its value is not understood and "
            "has no effect (wmopkg.safe takes 0 or 1)", planned["trust"]["locked"]["message"]])


def test_unlocked(work, build):
    with mixed(work, build) as device:
        device.configure(anchor="always", serial="SN-1")
        device.boot_with("wmopkg.allow_untrusted=1")
        device.tell("unlock", work + "/unlock")
        planned = check_boot(device)
        equal(planned["trust"]["unlock"], {"allow": ["untrusted"], "serial": "SN-1",
                                           "not_after": 4102444799, "counts": True})
        assert "\n  Unlock statement: untrusted\n" in run_plan(device), run_plan(device)
        device.reboot()
        device.configure(anchor="always", serial="SN-2")
        planned = check_boot(device)
        equal((planned["trust"]["unlock"]["counts"], planned["trust"]["allow_untrusted"],
               planned["trust"]["locked"]["code"]), (False, False, "locked"))


def test_denylist(work, build):
    with mixed(work, build) as device:
        device.tell("denylist", work + "/denylist")
        equal(check_boot(device)["trust"]["denylist"], 7)


def test_safe(work, build):
    with mixed(work, build) as device:
        device.boot_with("wmopkg.safe")
        planned = plan(device)
        device.activate()
        equal(facts(planned["packages"]), facts(device.state()["packages"]))
        equal("stack" in planned, False)
        told = run_plan(device)
        assert "\nStack: none, the root is not changed\n" in told, told


def test_debug(work, build):
    """wmopkg.debug prints each step; without it nothing is printed."""
    with mixed(work, build) as device:
        equal("debug:" in device.activate(), False)
        device.reboot()
        device.boot_with("wmopkg.debug")
        shown = device.activate()
        for step in ("volume ", "judged ", "attached ", "mounted ", "stack "):
            assert f"] {step}" in shown, (step, shown)


def test_trials(work, build):
    """Each boot is counted by itself alone, and the quarantine to come is told before it."""
    with Device(work, build) as device:
        bad_and_good(device, work)
        for count in range(1, 4):
            device.reboot(completed=False)
            for _ in range(3):
                plan(device)
            planned = check_boot(device)
            equal({package["name"]: package["trial"] for package in planned["packages"]},
                  {"good": {"state": "passed", "boots": count},
                   "bad": {"state": "running", "boots": count}})
            equal(run_plan(device).count(", on trial: boot"), 1 if count < 3 else 0)
        device.reboot(completed=False)
        planned = check_boot(device)
        bad = [package for package in planned["packages"] if package["name"] == "bad"][0]
        equal((bad["verification"], bad["active"], bad["reason"]["message"], bad["trial"]),
              ("Quarantined", False, REASON, {"state": "quarantined", "boots": 0}))
        boot(device)


def test_factory_reset(work, build):
    """It comes first: what is left is planned without DATA, and without any quarantine."""
    with Device(work, build) as device:
        bad_and_good(device, work)
        device.install(work + "/packages/keep.wmopkg", store="persist")
        for _ in range(10):
            boot(device)
        equal(device.package("keep", True)["reason"]["code"], "suspect")
        write(device.base + "/data/config/hostname", "example\n")
        device.boot_with("wmopkg.factory_reset=1")
        device.reboot(completed=False)
        planned = check_boot(device)
        equal((planned["factory_reset"], planned["notes"]), (True, [
            "factory reset: requested, deletes all that is on DATA"]))
        equal([package["name"] for package in planned["packages"] if package["active"]], ["keep"])
        equal(planned["seeds"][0]["missing"], True)
        equal(os.listdir(device.base + "/data"), [])
        equal(plan(device)["factory_reset"], False)
    with Device(work, build) as device:
        device.install(work + "/packages/good.wmopkg")
        os.rmdir(device.base + "/persist/packages")
        os.rmdir(device.base + "/persist")
        device.boot_with("wmopkg.factory_reset=1")
        planned = plan(device)
        device.activate()
        equal(facts(planned["packages"]), facts(device.state()["packages"]))
        equal((planned["factory_reset"], "refused" in planned["notes"][1]), (False, True))


def test_damaged_records(work, build):
    """What a boot would set aside stays where it is, and is told of."""
    with Device(work, build) as device:
        device.install(work + "/packages/good.wmopkg")
        device.activate()
        for name in ("trials.json", "floors.json", "audit.log", "denylist", "unlock"):
            write(f"{device.base}/persist/wmopkg/{name}", "rubbish")
        write(device.base + "/data/packages/.new.part", "cut off")
        device.reboot(completed=False)
        planned = plan(device)
        equal(len(planned["notes"]), 4, planned["notes"])
        equal([package["trial"] for package in planned["packages"]],
              [{"state": "running", "boots": 1}])
        equal([name for name in os.listdir(device.base + "/persist/wmopkg")
               if name.endswith(".broken")], [])
        check_boot(device)


def test_nothing_there(work, build):
    """No PERSIST, no DATA: a boot would go on without, and make neither."""
    with Device(work, build) as device:
        shutil.rmtree(device.base + "/persist")
        device.install(work + "/packages/good.wmopkg")
        planned = plan(device)
        equal(planned["persist"], {"volume": device.base + "/persist", "state": "missing"})
        equal(len(planned["notes"]), 1)
        device.activate()
        equal(facts(planned["packages"]), facts(device.state()["packages"]))
        device.configure(data="LABEL=not-there")
        planned = plan(device)
        equal((planned["data"]["state"], planned["packages"]), ("missing", []))
        equal(planned["seeds"], [{"source": "/etc/factory-config", "target": "config",
                                  "missing": False}])


def test_volume(work, build):
    """A file system that is not mounted stays so; one that is, is used where it is."""
    loop = run("losetup", "--find", "--show", work + "/volume").stdout.strip()
    with Device(work, build) as device:
        device.configure(data="LABEL=wmopkg-plan")
        planned = plan(device)
        equal(planned["data"], {"volume": "LABEL=wmopkg-plan", "state": "not-mounted",
                                "device": loop, "path": device.base + "/run/data"})
        equal(planned["packages"], [])
        assert f"data: {loop} is not mounted, so what is on it is not known" in planned["notes"], \
            planned["notes"]
        device.activate()
        planned = plan(device)
        equal(planned["data"]["state"], "mounted")
        equal(facts(planned["packages"]), facts(device.state()["packages"]))
        run("umount", "-R", "-l", device.base)
        equal(wait_gone(devices), [])
        run("losetup", "--detach", loop)


def test_no_stack(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/good.wmopkg")
        root = device.base + "/root"
        run("mount", "-t", "overlay", "-o", f"lowerdir={root}/etc:{root}/usr", "other", root)
        run("mount", "-t", "overlay", "-o", f"lowerdir={device.base}/run:{root}", "other", root)
        planned = plan(device, status=1)
        equal(planned["failed"]["code"], "stack-failed")
        equal([package["active"] for package in planned["packages"]], [False])
        told = run_plan(device, status=1)
        assert f"\nStack: none: {root}: the file system is already two overlays deep, " in told, told
        unmount_now(root)
        unmount_now(root)
        write(device.base + "/conf", "date = 1\n")
        told = run_plan(device, status=1)
        assert told.startswith("wmopkg-activate: "), told


def test_how_it_is_stacked(work, build):
    """Hierarchies, an upper without a package, and a root that is an overlay already."""
    with Device(work, build, upper="DATA/changes") as device:
        told = run_plan(device)
        assert f"\nStack over {device.base}/root: rw,nodev\n  changes go to a folder of DATA\n" \
            in told, told
        planned = plan(device)
        equal((planned["config"]["upper"], planned["stack"]["flags"]), ("DATA/changes", "rw,nodev"))
        equal(os.path.exists(device.base + "/data/changes"), False)
    with Device(work, build) as device:
        device.install(work + "/packages/good.wmopkg")
        with open(device.base + "/conf", "a", encoding="ascii") as file:
            file.write("hierarchies = {/usr, /opt}\n")
        told = run_plan(device)
        assert f"\nStack over {device.base}/root: ro,nodev\n  /usr, with what each layer has " \
            "there\n  /opt, with what each layer has there\nFactory" in told, told
        planned = plan(device)
        equal(planned["config"]["hierarchies"], ["/usr", "/opt"])
        equal("options" in planned["stack"], False)
    with Device(work, build) as device:
        device.install(work + "/packages/good.wmopkg")
        root = device.base + "/root"
        for name in ("low", "top"):
            os.mkdir(f"{device.base}/{name}")
        run("mount", "--move", root, device.base + "/low")
        run("mount", "-t", "overlay", "-o", f"lowerdir={device.base}/top:{device.base}/low",
            "other", root)
        equal([layer["path"].rsplit("/", 1)[1] for layer in plan(device)["stack"]["layers"]],
              ["engine", "1", "root"])


def test_wrong_use(work, build):
    with Device(work, build) as device:
        for words in (("--plan", "xml"), ("json",), ("--plan", "json", "json")):
            done = run(device.tool, "--config", device.base + "/conf", *words, check=False)
            equal(done.returncode, 2, words)
        equal(os.path.exists(device.base + "/run/state.json"), False)


def test_seeds(work, build):
    firmware = FIRMWARE | {"etc/factory-config/hostname": "example\n"}
    with Device(work, build, firmware=firmware) as device:
        equal(plan(device)["seeds"], [{"source": "/etc/factory-config", "target": "config",
                                       "missing": True}])
        device.activate()
        equal(plan(device)["seeds"][0]["missing"], False)


def test_to_the_letter(work, build):
    with Device(work, build, firmware=FIRMWARE | OS_RELEASE, model="EX-7",
                serial="SN-1") as device:
        device.install(work + "/packages/good.wmopkg")
        device.install(work + "/packages/keep.wmopkg", store="persist")
        device.install(work + "/packages/unsigned.wmopkg")
        base = device.base
        device.boot_with("wmopkg.disable=other wmopkg.media=stick:LABEL=STICK")
        equal(run_plan(device), f"""\
Configuration: {base}/conf
Boot configuration: {base}/cmdline
  wmopkg.disable=other (kernel command line)
  wmopkg.media=stick:LABEL=STICK (kernel command line)
Volumes
  data: {base}/data: a folder
  persist: {base}/persist: a folder
Device: model EX-7, serial number SN-1, firmware 5.26.0
Trust
  Key ring: {base}/keys
    root.pem
  Deny list: none
  Unlock statement: none
  Hardware anchor: absent: the configuration sets anchor = none
  Allow Untrusted: no
Packages, verified as a whole
  good 1.0: Signed, active, on trial: boot 1 of 3
  keep 1.0 (persistent): Signed, active, on trial: boot 1 of 3
  unsigned 1.0: Unsigned, not active: no-signature: it has no signature
Layers, the one on top first
  {base}/run/layers/engine: the firmware's own /etc/wmopkg and programs
  {base}/run/layers/1: keep, priority 0, device wmopkg-*-p-keep
  {base}/run/layers/2: good, priority 0, device wmopkg-*-o-good
  {base}/run/layers/root: the firmware's root
Stack over {base}/root: ro,nodev
  lowerdir=engine:1:2:root,redirect_dir=nofollow,metacopy=off,index=off,nfs_export=off,xino=off
Factory configuration
  /etc/factory-config: seeded if the stack has it
""")
        # the system that runs: its own root is no device of ours
        told = run_plan(device, root=False)
        assert "\nStack over the root: ro,nodev\n" in told, told


def test_uboot_environment(work, build):
    """It is named where the file that describes it is there."""
    path = work + "/fw_env.config"
    with Device(work, build, uboot_env=path) as device:
        assert "uboot_env" not in plan(device)["boot_configuration"]
        write(path, f"{work}/no-env 0x0 0x1000\n")
        equal(plan(device)["boot_configuration"]["uboot_env"], path)
        os.unlink(path)


def test_every_key_is_told(work, build):
    del work, build
    equal([key for key in schema.unseen("plan") if "hint" not in key], [])
