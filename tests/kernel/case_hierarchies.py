# SPDX-License-Identifier: MIT
"""Packages over some folders of the root, and not over all of it."""

import json
import os

from device import FIRMWARE, Device, Vendor, devices, equal, loops, read, run, \
    wait_gone, write
from mounts import only_so_many

SOME = ("/usr", "/opt")

ROOT = dict(FIRMWARE, **{"opt/firmware": "firmware\n", "etc/factory-config/a": "firmware\n"})


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("both", {"usr/share/tree/one": "both\n", "opt/both": "both\n",
                         "etc/banner": "both\n", "etc/factory-config/b": "both\n"})
    vendor.make("above", {"usr/share/tree/one": "above\n"}, priority=1)
    vendor.make("deletes", {"usr/share/tree/two": "whiteout", "opt/firmware": "whiteout"})
    vendor.make("outside", {"etc/banner": "outside\n"})
    vendor.make("whiteout", {"opt": "whiteout", "usr/share/marker": "whiteout\n"})
    vendor.make("file", {"opt": "a file\n", "usr/share/marker": "file\n"})
    tree = vendor.tree("link", {"usr/share/marker": "link\n"})
    os.symlink("/etc", tree + "/opt")
    vendor.make("link", tree)
    tree = vendor.tree("dots", {"usr/share/marker": "dots\n"})
    os.symlink("../../../../..", tree + "/opt")
    vendor.seal("dots", vendor.squash("dots", {}))
    vendor.make("engine", {"opt/engine": "engine\n"})
    files = {"usr/bin/wmopkg": "another\n", "usr/sbin": "a file\n", "etc/wmopkg": "whiteout",
             "usr/share/marker": "hostile\n"}
    vendor.seal("hostile", vendor.squash("hostile", files))
    vendor.make("unsigned", {"opt/unsigned": "x\n"}, signer=None)
    for number in range(40):
        vendor.make(f"many{number:02}", {f"{place}/many/{number}": "x\n"
                                         for place in ("usr", "opt", "srv")})


class Some(Device):
    """A device with `hierarchies`."""

    def __init__(self, work, build, *folders, firmware=None, **settings):
        self.folders = folders or SOME
        super().__init__(work, build, firmware or ROOT, **settings)

    def configure(self, **settings):
        super().configure(**settings)
        folders = ", ".join(f'"{folder}"' for folder in self.folders)
        with open(self.base + "/conf", "a", encoding="utf-8") as file:
            file.write(f"hierarchies = {{{folders}}}\n")

    def overlays(self):
        """What is covered, and with what flags."""
        found = run("findmnt", "-n", "-l", "-t", "overlay", "-S", "wmopkg", "-o",
                    "TARGET,VFS-OPTIONS", check=False).stdout
        lines = [line.split() for line in found.splitlines()]
        return {target[len(self.base + "/root"):]: flags for target, flags in lines
                if target.startswith(self.base + "/root")}

    def put(self, *names):
        for name in names:
            self.install(f"{self.work}/packages/{name}.wmopkg")


def test_some(work, build):
    with Some(work, build) as device:
        device.put("both")
        device.activate()
        equal(device.overlays(), {"/usr": "ro,nodev,relatime", "/opt": "ro,nodev,relatime"})
        equal(device.see("usr/share/tree/one"), "both\n")
        equal(device.see("usr/share/tree/two"), "firmware\n")
        equal(device.see("opt/both"), "both\n")
        equal(device.see("opt/firmware"), "firmware\n")
        equal(device.see("etc/banner"), "firmware\n")
        equal(device.package("both")["active"], True)
        equal(device.see("usr/bin/wmopkg"), "the firmware's wmopkg\n")
        # seeded from the firmware: what is outside is not what packages say
        equal(os.listdir(device.base + "/data/config"), ["a"])


def test_order_and_whiteouts(work, build):
    with Some(work, build) as device:
        device.put("both", "above", "deletes")
        device.activate()
        equal(device.see("usr/share/tree/one"), "above\n")
        equal(device.see("usr/share/tree/two"), None)
        equal(sorted(os.listdir(device.root("opt"))), ["both"])


def test_nothing_inside(work, build):
    """A package without a part in any hierarchy is active and not to be seen."""
    with Some(work, build) as device:
        device.put("outside")
        device.activate()
        equal(device.overlays(), {})
        equal(device.see("etc/banner"), "firmware\n")
        equal(device.package("outside")["active"], True)
        equal(device.log(), ["wmopkg: outside: nothing of it is in any of the hierarchies",
                             "wmopkg: outside 1.0: Signed, active",
                             "wmopkg: factory configuration: seeded DATA/config"])


def test_only_one_hierarchy_in_use(work, build):
    with Some(work, build) as device:
        device.put("above")
        device.activate()
        equal(device.overlays(), {"/usr": "ro,nodev,relatime"})


def test_unsigned(work, build):
    with Some(work, build) as device:
        device.put("both", "unsigned")
        device.boot_with("wmopkg.allow_untrusted=1")
        device.activate()
        equal(set(device.overlays().values()), {"ro,nosuid,nodev,relatime"})


def test_missing_in_the_firmware(work, build):
    """It is said, and the others go on; a link of the firmware is no folder either."""
    with Some(work, build, "/srv", "/usr", "/lib", "/etc/banner/x") as device:
        os.symlink("usr/lib", device.root("lib"))
        device.put("both")
        device.activate()
        equal(device.overlays(), {"/usr": "ro,nodev,relatime"})
        equal([line for line in device.log() if "hierarchies" in line],
              [f"wmopkg: hierarchies: the firmware has no folder {folder}: it is left out"
               for folder in ("/srv", "/lib", "/etc/banner/x")])


def test_what_is_no_folder_in_a_package(work, build):
    """It has no part there, whatever it is, and what a link points at stays away."""
    for name in ("whiteout", "file", "link", "dots"):
        with Some(work, build) as device:
            device.put(name, "engine")
            device.activate()
            equal(device.see("usr/share/marker"), name + "\n")
            equal(sorted(os.listdir(device.root("opt"))), ["engine", "firmware"])
            note = (f"wmopkg: {name}: its /opt is not a folder: nothing of it is visible "
                    "there")
            assert note in device.log(), device.log()


def test_engine(work, build):
    """Its files are the firmware's, inside a hierarchy as outside."""
    with Some(work, build) as device:
        device.put("hostile")
        device.activate()
        equal(device.see("usr/share/marker"), "hostile\n")
        for path in ("usr/bin/wmopkg", "usr/sbin/wmopkg-activate"):
            equal(device.see(path), FIRMWARE[path][0])
        equal(device.see("etc/wmopkg/wmopkg.conf"), FIRMWARE["etc/wmopkg/wmopkg.conf"])


def test_mount_of_its_own(work, build):
    """A separate /usr, with something mounted within, and a hierarchy inside a mount."""
    with Some(work, build, "/usr", "/opt/in") as device:
        for place, files in (("usr", ("share/tree/one", "bin/wmopkg", "local/x")),
                             ("usr/local", ("inner",)), ("opt", ("in/firmware",))):
            run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", device.root(place))
            for file in files:
                write(device.root(f"{place}/{file}"), "mounted\n")
        device.install(device.work + "/packages/both.wmopkg")
        device.put("deletes")
        device.activate()
        equal(device.overlays(), {"/usr": "ro,nodev,relatime"})
        equal(device.see("usr/share/tree/one"), "both\n")
        equal(device.see("usr/bin/wmopkg"), "mounted\n")
        equal(device.see("usr/local/inner"), "mounted\n")
        equal(device.see("opt/in/firmware"), "mounted\n")
        told = device.tell("which", "/usr/bin/wmopkg")
        assert told.startswith("/usr/bin/wmopkg: file of the firmware"), told


def test_all_or_nothing(work, build):
    """One that cannot be stacked takes the others with it."""
    with Some(work, build) as device:
        place = device.root("opt")
        for _ in range(2):
            run("mount", "-t", "overlay", "-o", f"lowerdir={place}:{device.root('etc')}", "other",
                place)
        device.put("both")
        said = device.activate(status=1)
        message = (f"{place}: the file system is already two overlays deep, and the kernel "
                   "allows two levels: packages need one overlay at most below them")
        equal(said, f"wmopkg-activate: {message}\n")
        equal(device.state()["stack"], {"code": "stack-failed", "message": message})
        equal(device.overlays(), {})
        equal(device.see("usr/share/tree/one"), "firmware\n")
        equal(device.see("opt/banner"), "firmware\n")
        equal(device.package("both")["active"], False)
        equal((wait_gone(devices), wait_gone(loops)), ([], []))


def test_all_or_nothing_later(work, build):
    """The first is taken down when the second fails: the kernel takes only so many mounts."""
    found = []
    for more in range(4, 10):
        with Some(work, build) as device:
            device.put("both")
            with only_so_many(more):
                run(device.tool, "--config", device.base + "/conf", "--root",
                    device.base + "/root", check=False)
            overlays = set(device.overlays())
            assert overlays in (set(), set(SOME)), overlays
            equal((device.package("both")["active"], device.see("opt/both")),
                  (True, "both\n") if overlays else (False, None))
            if not overlays:
                equal(device.see("usr/share/tree/one"), "firmware\n")
            found.append(device.state()["stack"]["code"])
    equal((found[0] != "ok", found[-1]), (True, "ok"))


def test_cut_off(work, build):
    """What a run that was cut off left mounted is taken down, and all is made anew."""
    with Some(work, build) as device:
        device.put("both")
        device.activate()
        os.unlink(device.base + "/run/state.json")
        device.activate()
        equal(device.overlays(), {"/usr": "ro,nodev,relatime", "/opt": "ro,nodev,relatime"})
        equal(device.see("opt/both"), "both\n")
        said = device.activate(status=1)
        equal(said, "wmopkg-activate: the packages of this boot are active over "
              f"{device.base}/root already\n")


def test_many(work, build):
    with Some(work, build, "/usr", "/opt", "/srv") as device:
        os.mkdir(device.root("srv"))
        device.put(*[f"many{number:02}" for number in range(40)])
        device.activate()
        for place in ("usr", "opt", "srv"):
            equal(len(os.listdir(device.root(place + "/many"))), 40)


def test_told(work, build):
    """`which` and `conflicts` go by what is seen."""
    with Some(work, build) as device:
        device.put("both", "above", "file")
        device.activate()
        for path, said in (
                ("/usr/share/tree/one", "file of above 1.0\n"
                 "  covers: both 1.0 and the firmware\n"),
                ("/usr/share", "folder of above 1.0, file 1.0, both 1.0 and the firmware\n"),
                ("/opt", "folder of both 1.0 and the firmware\n"),
                ("/opt/both", "file of both 1.0\n"),
                ("/etc/banner", "file of the firmware\n"),
                ("/etc", "folder of the firmware\n"),
                ("/", "folder of the firmware\n")):
            equal(device.tell("which", path), f"{path}: {said}")
        device.tell("which", "/etc/factory-config/b", status=4)
        told = json.loads(device.tell("conflicts", "json"))
        equal({package["package"]: [change["path"] for change in package["changes"]]
               for package in told["packages"]},
              {"both": ["/usr/share/tree/one"], "above": ["/usr/share/tree/one"], "file": []})
