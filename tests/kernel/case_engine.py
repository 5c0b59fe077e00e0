# SPDX-License-Identifier: MIT
"""Packages that mean harm to the engine, signed by a key that the device trusts.

`create` refuses to make them, so they are sealed by hand. Whatever they hold where the
engine's own files are, the device sees the firmware's.
"""

import os

from device import FIRMWARE, Device, Vendor, equal

OWN = ("etc/wmopkg/wmopkg.conf", "etc/wmopkg/keys/root.pem", "usr/bin/wmopkg",
       "usr/sbin/wmopkg-activate")

HOSTILE = {
    "hides-folder": {"etc/wmopkg": "whiteout"},
    "hides-parent": {"etc": "whiteout"},
    "hides-usr": {"usr": "whiteout"},
    "hides-programs": {"usr/bin/wmopkg": "whiteout", "usr/sbin/wmopkg-activate": "whiteout"},
    "replaces-folder": {"etc/wmopkg": "a file\n"},
    "replaces-parents": {"etc": "a file\n", "usr": "a file\n"},
    "replaces-files": {"etc/wmopkg/wmopkg.conf": "keys = \"/tmp\"\n",
                       "etc/wmopkg/keys/root.pem": "another\n",
                       "usr/bin/wmopkg": "another\n",
                       "usr/sbin/wmopkg-activate": "another\n"},
    "adds-key": {"etc/wmopkg/keys/evil.pem": "evil\n", "etc/wmopkg/evil": "evil\n"},
    "program-is-folder": {"usr/bin/wmopkg/x": "x\n", "usr/sbin/wmopkg-activate": None},
}


def prepare(work, build):
    vendor = Vendor(work, build)
    for name, files in HOSTILE.items():
        files = dict(files, marker=name + "\n")
        vendor.seal(name, vendor.squash(name, files), priority=1000000)
    os.symlink("/tmp", vendor.tree("link", {"marker": "link\n"}) + "/usr")
    vendor.seal("link", vendor.squash("link", {}))


def check(device):
    for path in OWN:
        what = FIRMWARE[path]
        equal(device.see(path), what[0] if isinstance(what, tuple) else what, path)
    equal(sorted(os.listdir(device.root("etc/wmopkg"))), ["keys", "wmopkg.conf"])
    equal(os.listdir(device.root("etc/wmopkg/keys")), ["root.pem"])
    equal(os.stat(device.root("usr/bin/wmopkg")).st_mode & 0o7777, 0o755)


def test_hostile(work, build):
    for name in [*HOSTILE, "link"]:
        with Device(work, build) as device:
            device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            equal(device.see("marker"), name + "\n")
            equal(device.package(name)["active"], True)
            check(device)


def test_all_at_once(work, build):
    with Device(work, build) as device:
        for name in HOSTILE:
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        check(device)


def test_firmware_looks_the_same(work, build):
    """Modes, owners and times of what the layer covers are those of the firmware."""
    with Device(work, build) as device:
        os.chmod(device.root("etc"), 0o711)
        os.chown(device.root("etc/wmopkg/keys"), 12, 34)
        os.utime(device.root("usr/bin"), (1000000000, 1000000001))
        os.utime(device.root("etc/wmopkg"), (1000000000, 1000000002))
        os.symlink("wmopkg.conf", device.root("etc/wmopkg/link"))
        places = ("", "etc", "etc/wmopkg", "etc/wmopkg/keys", "etc/wmopkg/keys/root.pem",
                  "usr", "usr/bin", "usr/bin/wmopkg", "usr/sbin", "etc/wmopkg/link")

        def look():
            found = {}
            for place in places:
                st = os.lstat(device.root(place))
                found[place] = (st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns,
                                st.st_size if place.endswith(("pem", "link")) else 0)
            return found

        before = look()
        device.install(work + "/packages/adds-key.wmopkg")
        device.activate()
        equal(device.see("marker"), "adds-key\n")
        equal(look(), before)


def test_firmware_without(work, build):
    """What the firmware does not have, no package can bring."""
    firmware = {"etc/banner": "firmware\n", "usr/bin/true": "true\n"}
    with Device(work, build, firmware) as device:
        device.install(work + "/packages/replaces-files.wmopkg")
        device.activate()
        equal(device.see("marker"), "replaces-files\n")
        for path in OWN:
            equal(device.see(path), None, path)
        equal(device.see("usr/bin/true"), "true\n")


def test_firmware_with_links(work, build):
    """A firmware whose folders are links to others."""
    firmware = dict(FIRMWARE)
    del firmware["usr/sbin/wmopkg-activate"]
    del firmware["usr/bin/wmopkg"]
    firmware["real/bin/wmopkg"] = FIRMWARE["usr/bin/wmopkg"]
    firmware["real/bin/wmopkg-activate"] = FIRMWARE["usr/sbin/wmopkg-activate"]
    with Device(work, build, firmware) as device:
        os.makedirs(device.root("usr"), exist_ok=True)
        os.symlink("/real/bin", device.root("usr/bin"))
        os.symlink("bin", device.root("usr/sbin"))
        device.install(work + "/packages/replaces-files.wmopkg")
        device.activate()
        equal(device.see("marker"), "replaces-files\n")
        equal(os.readlink(device.root("usr/bin")), "/real/bin")
        equal(os.readlink(device.root("usr/sbin")), "bin")
        equal(device.see("real/bin/wmopkg"), "the firmware's wmopkg\n")
        equal(device.see("real/bin/wmopkg-activate"), "the firmware's wmopkg-activate\n")
