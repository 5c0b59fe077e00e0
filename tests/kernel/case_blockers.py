# SPDX-License-Identifier: MIT
"""A package that blocks a mount point below the root costs only itself.

The kernel of these cases reads no attributes, so none has an opaque folder: these are in
tests/overlay/stack/test_way.c. And /var is where the
key ring of the device is: the engine's layer has that folder, whatever a package does.
"""

import json
import os
import struct

from device import Device, Vendor, devices, equal, read, run, write
from mounts import mounts_on

# package: what it has, what is mounted, and why it is left out; None: it is active
VARIANTS = {
    "deletes-srv": ({"srv": "whiteout"}, ["srv"],
                    "it deletes /srv, and a file system is mounted at /srv"),
    "file-srv": ({"srv": "a file\n"}, ["srv"],
                 "it has a file at /srv, and a file system is mounted at /srv"),
    "link-srv": ({"srv": "->/etc"}, ["srv"],
                 "it has a symbolic link at /srv, and a file system is mounted at /srv"),
    "pipe-srv": ({"srv": "|"}, ["srv"],
                 "it has a special file at /srv, and a file system is mounted at /srv"),
    "file-usb": ({"mnt/usb": "a file\n"}, ["mnt/usb/deep"],
                 "it has a file at /mnt/usb, and a file system is mounted at /mnt/usb/deep"),
    "deletes-mnt": ({"mnt": "whiteout"}, ["mnt/usb/deep"],
                    "it deletes /mnt, and a file system is mounted at /mnt/usb/deep"),
    "deletes-proc": ({"proc": "whiteout"}, ["proc", "dev", "srv"],
                     "it deletes /proc, and a file system is mounted at /proc"),
    "link-dev": ({"dev": "->/run/dev"}, ["proc", "dev"],
                 "it has a symbolic link at /dev, and a file system is mounted at /dev"),
    "deletes-file": ({"etc/kept": "whiteout"}, ["etc/kept"],
                     "it deletes /etc/kept, and a file system is mounted at /etc/kept"),
    "folder-file": ({"etc/kept/x": "x\n"}, ["etc/kept"],
                    "it has a folder at /etc/kept, and a file system is mounted at /etc/kept"),
    "file-file": ({"etc/kept": "its own\n"}, ["etc/kept"], None),
    "below-srv": ({"srv/lib": "whiteout", "srv/log": "a file\n"}, ["srv"], None),
    "beside": ({"mnt/usb2": "a file\n", "mnt/usb/deeper": "whiteout"}, ["mnt/usb/deep"], None),
}


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("good", {"etc/banner": "good\n"})
    vendor.make("above", {"mnt/usb/deep/above": "above\n"}, priority=5)
    vendor.make("below", {"mnt/usb": "a file\n", "etc/below": "below\n"}, priority=-5)
    tree = vendor.tree("opaque-whole", {"proc/x": "x\n"})
    os.setxattr(tree + "/proc", "trusted.overlay.opaque", b"y")
    vendor.make("opaque-whole", tree)
    vendor.make("unsigned", {"srv": "whiteout"}, signer=None)
    for name, (files, _, _) in VARIANTS.items():
        tree = vendor.tree(name, {"etc/" + name: "here\n"})
        for path, what in files.items():
            place = f"{tree}/{path}"
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if what.startswith("->"):
                os.symlink(what[2:], place)
            elif what == "|":
                os.mkfifo(place)
            else:
                vendor.tree(name, {path: what})
        vendor.make(name, tree)
    image = vendor.squash("root-is-a-file", {"a": "the root\n"}, "-noI", "-no-xattrs")
    with open(image, "r+b") as file:  # its first inode, which is the one of the file
        file.seek(32)
        file.write(struct.pack("<Q", 0))
    vendor.seal("root-is-a-file", image)


def mount_all(device, places):
    for place in places:
        path = device.root(place)
        if os.path.isfile(path):
            write(device.base + "/mounted", "mounted\n")
            run("mount", "--bind", device.base + "/mounted", path)
        else:
            os.makedirs(path, exist_ok=True)
            run("mount", "-t", "tmpfs", "tmpfs", path)
            write(path + "/mounted", "here\n")


def check_mounts(device, places):
    for place in places:
        path = device.root(place)
        equal(read(path if os.path.isfile(path) else path + "/mounted") in
              ("mounted\n", "here\n"), True, place)


def check_left_out(device, name, message):
    package = device.package(name)
    equal((package["verification"], package["active"], package["reason"]),
          ("Signed", False, {"code": "blocks-mount", "message": message}), name)


def test_variants(work, build):
    """The layer that blocks is left out, with its reason; the rest is stacked."""
    for name, (_, places, message) in VARIANTS.items():
        with Device(work, build) as device:
            os.makedirs(device.root("mnt/usb/deep"))
            mount_all(device, places)
            device.install(f"{work}/packages/{name}.wmopkg")
            device.install(work + "/packages/good.wmopkg")
            device.activate()
            equal(device.state()["stack"]["code"], "ok", name)
            equal((device.package("good")["active"], device.see("etc/banner")), (True, "good\n"))
            check_mounts(device, places)
            if message:
                check_left_out(device, name, message)
                equal(device.see("etc/" + name), None)
                equal(len(devices()), 1, "the device of the other is gone")
            else:
                equal((device.package(name)["active"], device.see("etc/" + name)),
                      (True, "here\n"), name)


def test_it_is_the_stack_that_counts(work, build):
    """A file below the folders of another package blocks nothing, until that one is gone."""
    with Device(work, build) as device:
        os.makedirs(device.root("mnt/usb/deep"))
        mount_all(device, ["mnt/usb/deep"])
        for name in ("above", "below", "good"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        equal([device.package(name)["active"] for name in ("above", "below", "good")], [True] * 3)
        device.remove("above")
        device.reboot()
        device.activate()
        check_left_out(device, "below", VARIANTS["file-usb"][2])
        equal(device.see("etc/banner"), "good\n")


def test_several(work, build):
    """Each one goes that blocks, also what is seen only when another one has gone."""
    with Device(work, build) as device:
        os.makedirs(device.root("mnt/usb/deep"))
        mount_all(device, ["mnt/usb/deep", "srv", "proc"])
        for name in ("deletes-mnt", "file-usb", "below", "file-srv", "deletes-proc", "good"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        for name in ("deletes-mnt", "file-usb", "file-srv", "deletes-proc"):
            check_left_out(device, name, VARIANTS[name][2])
        check_left_out(device, "below", VARIANTS["file-usb"][2])
        equal(device.see("etc/banner"), "good\n")
        check_mounts(device, ["mnt/usb/deep", "srv", "proc"])


def test_alone(work, build):
    """Without any other there is nothing to stack, and nothing is left behind."""
    with Device(work, build) as device:
        mount_all(device, ["srv"])
        device.install(work + "/packages/deletes-srv.wmopkg")
        device.activate()
        equal((device.is_stacked(), device.state()["stack"]["code"]), (False, "ok"))
        check_left_out(device, "deletes-srv", VARIANTS["deletes-srv"][2])
        equal(devices(), [])
        equal([place for place in os.listdir(device.base + "/run/layers")
               if mounts_on(f"{device.base}/run/layers/{place}")], [])


def test_upper(work, build):
    """The stack that changes go to is there, with what remains or with no package at all."""
    for names in (("deletes-srv",), ("deletes-srv", "good")):
        with Device(work, build, upper="tmpfs") as device:
            mount_all(device, ["srv"])
            for name in names:
                device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            check_left_out(device, "deletes-srv", VARIANTS["deletes-srv"][2])
            write(device.root("etc/changed"), "changed\n")
            check_mounts(device, ["srv"])


def test_hierarchies(work, build):
    with Device(work, build) as device:
        with open(device.base + "/conf", "a", encoding="utf-8") as file:
            file.write('hierarchies = {"/mnt", "/etc"}\n')
        os.makedirs(device.root("mnt/usb/deep"))
        mount_all(device, ["mnt/usb/deep", "srv"])
        for name in ("file-usb", "deletes-mnt", "file-srv", "good"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        check_left_out(device, "file-usb", VARIANTS["file-usb"][2])
        # in /mnt nothing of the one is seen, and /srv is none of the hierarchies
        for name in ("deletes-mnt", "file-srv", "good"):
            equal(device.package(name)["active"], True, name)
        equal((device.see("etc/banner"), device.see("mnt/usb/deep/mounted")),
              ("good\n", "here\n"))


def test_mount_that_nobody_sees(work, build):
    """It lies below another one, and its folder is not there any more."""
    with Device(work, build) as device:
        mount_all(device, ["srv/inner", "srv"])
        device.install(work + "/packages/good.wmopkg")
        device.activate()
        equal(device.see("etc/banner"), "good\n")
        check_mounts(device, ["srv"])


def test_flags_are_those_of_the_rest(work, build):
    with Device(work, build) as device:
        mount_all(device, ["srv"])
        device.boot_with("wmopkg.allow_untrusted=1")
        device.install(work + "/packages/unsigned.wmopkg")
        device.install(work + "/packages/good.wmopkg")
        device.activate()
        equal(device.package("unsigned")["active"], False)
        equal(device.stack_flags(), "ro,nodev,relatime")


def test_root_of_the_image_is_a_file(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/root-is-a-file.wmopkg")
        device.install(work + "/packages/good.wmopkg")
        device.activate()
        equal(device.package("root-is-a-file")["reason"]["code"], "mount-failed")
        equal(device.see("etc/banner"), "good\n")


def test_install_warns(work, build):
    """Of what is mounted now: at the next boot, it may be mounted before the packages."""
    warning = "deletes /proc: a file system is mounted there, so a boot may leave the package out"
    with Device(work, build) as device:
        told = device.tell("install", work + "/packages/deletes-proc.wmopkg")
        assert f"wmopkg: warning: deletes-proc: {warning}" in told, told
        told = device.tell("conflicts", "deletes-proc")
        assert "/proc [critical: a file system is mounted there" in told, told
        told = device.tell("install", work + "/packages/opaque-whole.wmopkg")
        assert "mounted" not in told, told


def test_completed(work, build):
    """A completed boot is none of the package that was left out, however often."""
    with Device(work, build) as device:
        mount_all(device, ["srv"])
        device.install(work + "/packages/deletes-srv.wmopkg")
        device.install(work + "/packages/good.wmopkg")
        for _ in range(2):
            device.activate()
            equal(device.tell("boot-complete"), "")
            record = json.loads(read(device.base + "/persist/wmopkg/trials.json"))
            equal({package["name"]: package["state"] for package in record["packages"]},
                  {"deletes-srv": "trial", "good": "passed"})
            good = json.loads(read(device.base + "/persist/wmopkg/good.json"))
            equal([package["name"] for package in good["packages"]], ["good"])
            device.reboot()
