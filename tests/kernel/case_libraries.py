# SPDX-License-Identifier: MIT
"""The real wmopkg of a firmware runs, whatever libraries, loader or cache packages bring.

The firmware is a small tree with the program under test, and with the loader, the libraries and
the cache of the host; it is run in there with chroot.
"""

import os
import shutil
import subprocess

from device import Device, Vendor, equal, read, run, write

RUBBISH = "\x7fELF is how this begins, and the rest is rubbish\n"
FARTHER = "usr/local/lib"  # a folder that is in the cache of no firmware here


def needed(program):
    """The files that the host's own loader takes for @program, as it names them."""
    found = []
    for line in run("ldd", program).stdout.splitlines():
        words = line.split()
        path = words[2] if "=>" in words and len(words) > 2 else words[0]
        if path.startswith("/"):
            found.append(path.lstrip("/"))
    return found


def prepare(work, build):
    vendor = Vendor(work, build)
    program = build + "/installer/wmopkg"
    firmware = work + "/firmware"
    os.makedirs(firmware + "/usr/bin")
    os.makedirs(firmware + "/etc")
    shutil.copy(program, firmware + "/usr/bin/wmopkg")
    write(firmware + "/usr/share/own", "firmware\n")
    for top in ("lib", "lib64"):
        if os.path.islink("/" + top):
            os.symlink(os.readlink("/" + top), f"{firmware}/{top}")
        os.makedirs(os.path.realpath(f"{firmware}/{top}"), exist_ok=True)
    paths = []
    for path in needed(program):
        real = os.path.realpath("/" + path)
        target = os.path.realpath(firmware + "/" + os.path.dirname(path))
        os.makedirs(target, exist_ok=True)
        # a link to a longer name, as libraries are installed
        name = os.path.basename(path)
        if name == os.path.basename(real) and "ld-" not in name:
            shutil.copy(real, f"{target}/{name}.0.0")
            os.symlink(name + ".0.0", f"{target}/{name}")
        else:
            shutil.copy(real, f"{target}/{os.path.basename(real)}")
            if name != os.path.basename(real):
                os.symlink(os.path.basename(real), f"{target}/{name}")
        paths.append(f"{target[len(firmware) + 1:]}/{name}")
    run("ldconfig", "-r", firmware)
    with open(work + "/libraries", "w", encoding="utf-8") as file:
        file.write("\n".join(paths))
    make_packages(work, vendor, paths)


def make_packages(work, vendor, paths):
    json_c = next(path for path in paths if "libjson-c" in path)
    libc = next(path for path in paths if "libc.so" in path)
    loader = next(path for path in paths if "/ld-" in path)
    folder = os.path.dirname(json_c)
    faster = {f"{folder}/{sub}/{os.path.basename(json_c)}": RUBBISH
              for sub in ("glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "tls", "tls/x86_64",
                          "x86_64", "haswell")}
    kinds = {
        "json": {json_c: RUBBISH},
        "libc": {libc: RUBBISH},
        "loader": {loader: RUBBISH, "lib64/" + os.path.basename(loader): RUBBISH},
        "all": {path: RUBBISH for path in paths},
        "deleted": {path: "whiteout" for path in paths},
        "folders": {path + "/x": RUBBISH for path in paths},
        "no-folder": {"usr/lib": "whiteout"},
        "no-usr": {"usr": "whiteout", "lib": "whiteout", "lib64": "whiteout"},
        "file": {"usr/lib": RUBBISH},
        "real-lib": {"lib/x": "x\n", "lib64/x": "x\n"},
        "cache": {"etc/ld.so.cache": RUBBISH},
        "preload": {"etc/ld.so.preload": "/" + json_c + "\n/opt/none.so\n", "opt/x": "x\n"},
        "faster": faster,
    }
    for name, files in kinds.items():
        vendor.seal(name, vendor.squash(name, dict(files, marker=name + "\n")))
    # a newer version beside the firmware's, and the link leads to it
    tree = vendor.tree("newer", {"marker": "newer\n", json_c + ".9.9.9": RUBBISH})
    os.symlink(os.path.basename(json_c) + ".9.9.9", f"{tree}/{json_c}")
    vendor.seal("newer", vendor.squash("newer", {}))
    # a cache of its own, that leads elsewhere
    tree = vendor.tree("own-cache", {"marker": "own-cache\n",
                                     "etc/ld.so.conf": "/" + FARTHER + "\n"})
    os.makedirs(f"{tree}/{FARTHER}")
    shutil.copy(f"{work}/firmware/{json_c}", f"{tree}/{FARTHER}/{os.path.basename(json_c)}")
    run("ldconfig", "-r", tree)
    write(f"{tree}/{FARTHER}/{os.path.basename(json_c)}", RUBBISH)
    vendor.seal("own-cache", vendor.squash("own-cache", {}))
    # the first block of its folder table, which lists the end of that folder
    image = vendor.squash("torn", {"marker": "torn\n", **{f"{folder}/zz{number:060}": ""
                                                          for number in range(400)}})
    with open(image, "r+b") as file:
        file.seek(72)
        file.seek(int.from_bytes(file.read(8), "little") + 2)
        file.write(bytes(64))
    vendor.seal("torn", image)
    vendor.make("plain", {"marker": "plain\n", "usr/share/x": "x\n", folder + "/libown.so.1": "x\n"})


def runs(device):
    """Whether wmopkg runs in the device, and how it ended."""
    done = subprocess.run(["chroot", device.root(""), "/usr/bin/wmopkg", "--version"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.returncode, done.stdout.split()[:1]


def device_with(work, build, *packages, change=None, **settings):
    device = Device(work, build, {"etc/none": ""}, **settings)
    os.unlink(device.root("etc/none"))
    run("cp", "-a", work + "/firmware/.", device.root(""))
    if change:
        change(device)
    for package in packages:
        device.install(f"{work}/packages/{package}.wmopkg")
    return device


HARM = ("json", "libc", "loader", "all", "deleted", "folders", "no-folder", "no-usr", "file",
        "real-lib", "cache", "preload", "faster", "newer", "own-cache")


def test_each(work, build):
    """One package after another on the same device."""
    with device_with(work, build) as device:
        equal(runs(device), (0, ["wmopkg"]))
        for name in HARM:
            device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            equal(device.package(name)["active"], True, name)
            equal(device.see("marker"), name + "\n")
            equal(runs(device), (0, ["wmopkg"]), name)
            equal(device.see("etc/ld.so.preload"), None, name)
            device.remove(name)
            device.reboot(completed=False)


def test_all_at_once(work, build):
    with device_with(work, build, *HARM, "plain") as device:
        device.activate()
        equal(runs(device), (0, ["wmopkg"]))
        for path in read(work + "/libraries").split():
            with open(device.root(path), "rb") as seen, open(f"{work}/firmware/{path}",
                                                             "rb") as own:
                equal(seen.read() == own.read(), True, path)


def test_one_that_cannot_be_read(work, build):
    """A package that its signer made, whose image is damaged where the libraries would be: it is
    left out, and no other is."""
    with device_with(work, build, "torn") as device:
        device.install(f"{work}/packages/plain.wmopkg", store="persist")
        device.activate()
        equal(device.package("plain", persistent=True)["active"], True)
        equal((device.see("marker"), runs(device)), ("plain\n", (0, ["wmopkg"])))
        reason = device.package("torn")["reason"]
        equal((reason["code"], reason["message"].partition("/")[0]), ("io", "reading "), reason)
        equal(reason["message"].endswith(" of it: Input/output error"), True, reason)


def without_cache(device):
    os.unlink(device.root("etc/ld.so.cache"))


def test_without_cache(work, build):
    """The loader looks into each of its folders, and there first into those for this processor."""
    with device_with(work, build, change=without_cache) as device:
        equal(runs(device), (0, ["wmopkg"]))
        for name in ("faster", "json", "own-cache", "real-lib"):
            device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            equal(device.package(name)["active"], True, name)
            equal(runs(device), (0, ["wmopkg"]), name)
            equal(device.see("etc/ld.so.cache"), None, name)
            device.remove(name)
            device.reboot(completed=False)


def test_costs_nothing(work, build):
    """No copy is made where no package has anything in the place of a library."""
    with device_with(work, build, "plain") as device:
        device.activate()
        equal(device.package("plain")["active"], True)
        folder = os.path.dirname(read(work + "/libraries").split()[0])
        equal(os.path.exists(f"{device.base}/run/layers/engine/{folder}"), False)
        equal(sorted(name for name in os.listdir(device.root(folder)) if "libown" in name),
              ["libown.so.1"])
        equal([line for line in device.log() if "needs it" in line], [])


def test_said(work, build):
    with device_with(work, build, "json") as device:
        device.activate()
        equal([line.split("firmware's own /")[1].split(" ")[1:] for line in device.log()
               if "needs it" in line],
              ["is kept: wmopkg needs it (1 such paths are changed by packages)".split()])


def test_upper(work, build):
    """What was changed in place of a library is not used; memory replaces it."""
    path = next(path for path in read(work + "/libraries").split() if "libjson-c" in path)
    with device_with(work, build, upper="DATA/changes") as device:
        device.activate()
        write(device.root("etc/changed"), "changed\n")
        write(device.root(os.path.dirname(path) + "/libown.so.2"), "own\n")
        device.reboot(completed=False)
        device.activate()
        equal((device.see("etc/changed"), runs(device)), ("changed\n", (0, ["wmopkg"])))
        os.unlink(device.root(path))
        write(device.root(path), RUBBISH)
        device.reboot(completed=False)
        device.activate()
        equal((device.see("etc/changed"), runs(device)), (None, (0, ["wmopkg"])))
        said = [line for line in device.log() if "DATA/changes is not used" in line]
        equal(len(said), 1, "not used")
        equal(said[0].partition(os.path.basename(path))[2],
              " was changed, and a program of the engine needs the firmware's own; changes go "
              "into memory and are lost at the next boot")
