# SPDX-License-Identifier: MIT
"""Packages that mean harm to the engine, signed by a key that the device trusts.

`create` refuses to make them, so they are sealed by hand. Whatever they hold where the
engine's own files are, the device sees the firmware's.
"""

import json
import os

from device import FIRMWARE, Device, Vendor, equal

OWN = ("etc/wmopkg/wmopkg.conf", "etc/wmopkg/keys/root.pem", "usr/bin/wmopkg",
       "usr/sbin/wmopkg-activate")

NAMES = ("wmopkg", "wmopkg-activate", "wmopkg-fetch", "wmopkg-shutdown", "wmopkg-web")

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
    "before-in-path": {f"{folder}/{name}": (f"another {name}\n", 0o755)
                       for folder in ("bin", "sbin", "usr/sbin", "usr/local/bin",
                                      "usr/local/sbin")
                       for name in NAMES},
    "hides-local": {"usr/local": "whiteout", "bin": "a file\n", "sbin": "whiteout"},
}

FOLDERS = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin")

# The README's way: `meson install` puts it below /usr/local.
LOCAL = {
    "etc/wmopkg/keys/root.pem": "the firmware's key\n",
    "usr/local/bin/wmopkg": ("the firmware's wmopkg\n", 0o755),
    "usr/local/bin/wmopkg-fetch": ("the firmware's wmopkg-fetch\n", 0o755),
    "usr/local/sbin/wmopkg-activate": ("the firmware's wmopkg-activate\n", 0o755),
    "usr/local/share/own": "firmware\n",
    "usr/bin/true": "true\n",
}


def installed(build):
    """Where this build installs programs, below the root."""
    with open(build + "/meson-info/intro-buildoptions.json", encoding="utf-8") as file:
        options = {option["name"]: option["value"] for option in json.load(file)}
    return [os.path.join(options["prefix"], options[name])[1:] for name in ("bindir", "sbindir")]


def prepare(work, build):
    vendor = Vendor(work, build)
    here = {f"{folder}/{name}": (f"another {name}\n", 0o755)
            for folder in installed(build) for name in NAMES}
    vendor.seal("here", vendor.squash("here", dict(here, marker="here\n")))
    tops = {folder.split("/")[0]: "whiteout" for folder in installed(build)}
    vendor.seal("here-hidden", vendor.squash("here-hidden", dict(tops, marker="here-hidden\n")))
    for name, files in HOSTILE.items():
        files = dict(files, marker=name + "\n")
        vendor.seal(name, vendor.squash(name, files), priority=1000000)
    tree = vendor.tree("local-link", {"marker": "local-link\n", "usr": None,
                                      "opt/bin/wmopkg": "another\n"})
    for folder in ("usr/local", "bin", "sbin"):
        os.symlink("/opt", f"{tree}/{folder}")
    vendor.seal("local-link", vendor.squash("local-link", {}))
    tree = vendor.tree("hard-link", {"marker": "hard-link\n", "opt/x": "another\n",
                                     "usr/local/bin": None, "bin": None})
    for folder in ("usr/local/bin", "bin"):
        os.link(tree + "/opt/x", f"{tree}/{folder}/wmopkg")
    vendor.seal("hard-link", vendor.squash("hard-link", {}))
    vendor.seal("own", vendor.squash("own", {
        "marker": "own\n", "opt/x/bin/wmopkg": "another\n", "opt/x/none": "another\n",
        "opt/keys/evil.pem": "evil\n", "opt/x/other": "own\n"}))
    vendor.seal("own-hidden", vendor.squash("own-hidden", {
        "marker": "own-hidden\n", "opt": "whiteout"}))
    os.symlink("/tmp", vendor.tree("link", {"marker": "link\n"}) + "/usr")
    vendor.seal("link", vendor.squash("link", {}))


def check(device):
    for path in OWN:
        what = FIRMWARE[path]
        equal(device.see(path), what[0] if isinstance(what, tuple) else what, path)
    equal(sorted(os.listdir(device.root("etc/wmopkg"))), ["keys", "wmopkg.conf"])
    equal(os.listdir(device.root("etc/wmopkg/keys")), ["root.pem"])
    equal(os.stat(device.root("usr/bin/wmopkg")).st_mode & 0o7777, 0o755)


def check_path(device, firmware):
    """Each name of the engine in each folder of PATH is the firmware's, or not there."""
    for folder in FOLDERS:
        for name in NAMES:
            real = os.path.realpath(device.root(f"{folder}/{name}"))[len(device.root("")):]
            what = firmware.get(real)
            seen = device.see(f"{folder}/{name}") if os.path.isdir(device.root(folder)) else None
            equal(seen, what[0] if isinstance(what, tuple) else what, f"{folder}/{name}")


def test_hostile(work, build):
    for name in [*HOSTILE, "link", "local-link", "hard-link"]:
        with Device(work, build) as device:
            device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            equal(device.see("marker"), name + "\n")
            equal(device.package(name)["active"], True)
            check(device)
            check_path(device, FIRMWARE)


def test_installed_below_local(work, build):
    """As the README installs it, whatever a package has there or before it in PATH."""
    for name in [*HOSTILE, "link", "local-link", "hard-link"]:
        with Device(work, build, LOCAL) as device:
            device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            equal(device.see("marker"), name + "\n")
            check_path(device, LOCAL)
            equal(os.listdir(device.root("etc/wmopkg/keys")), ["root.pem"])
            for path in ("usr/local/bin/wmopkg", "usr/local/sbin/wmopkg-activate"):
                equal(os.stat(device.root(path)).st_mode & 0o7777, 0o755, name)


def test_installed_here(work, build):
    """The programs of this build, whatever its prefix, bindir and sbindir."""
    firmware = {f"{folder}/{name}": (f"the firmware's {name}\n", 0o755)
                for folder in installed(build) for name in NAMES}
    for name in ("here", "here-hidden"):
        with Device(work, build, firmware) as device:
            device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            equal(device.see("marker"), name + "\n")
            for path, (content, _) in firmware.items():
                equal(device.see(path), content, f"{name}: {path}")


def test_merged_usr(work, build):
    """Folders of a package do not replace the links of the firmware."""
    firmware = {"usr/local/bin/wmopkg": "the firmware's wmopkg\n", "usr/bin/sh": "sh\n"}
    with Device(work, build, firmware) as device:
        for link, target in (("bin", "usr/bin"), ("sbin", "usr/sbin"), ("usr/sbin", "bin")):
            os.symlink(target, device.root(link))
        device.install(work + "/packages/before-in-path.wmopkg")
        device.install(work + "/packages/local-link.wmopkg")
        device.activate()
        equal(device.see("marker") is None, False)
        equal([os.readlink(device.root(link)) for link in ("bin", "sbin", "usr/sbin")],
              ["usr/bin", "usr/sbin", "bin"])
        equal(device.see("bin/sh"), "sh\n")
        check_path(device, firmware)


def test_ways_that_end(work, build):
    """A file or a loop of links where a folder of programs could be: no package fails."""
    firmware = {"usr/bin/wmopkg": "the firmware's wmopkg\n", "usr/local": "a file\n"}
    with Device(work, build, firmware) as device:
        os.symlink("sbin", device.root("sbin"))
        os.mkfifo(device.root("bin"))
        device.install(work + "/packages/before-in-path.wmopkg")
        device.activate()
        equal(device.package("before-in-path")["active"], True)
        equal(device.see("usr/local"), "a file\n")
        equal(os.readlink(device.root("sbin")), "sbin")
        check_path(device, firmware)


def test_configured(work, build):
    """What `keys` and `protect` name, there or not, and a folder that goes as a whole."""
    firmware = dict(FIRMWARE)
    firmware["opt/x/bin/wmopkg"] = "the firmware's wmopkg\n"
    firmware["opt/x/kept"] = "firmware\n"
    for name in ("own", "own-hidden"):
        with Device(work, build, firmware) as device:
            with open(device.base + "/conf", "a", encoding="utf-8") as file:
                file.write("protect = {/opt/x/bin/wmopkg, /opt/x/none, /opt/keys}\n")
            device.install(f"{work}/packages/{name}.wmopkg")
            device.activate()
            equal(device.see("marker"), name + "\n")
            equal(device.see("opt/x/bin/wmopkg"), "the firmware's wmopkg\n", name)
            equal((device.see("opt/x/none"), device.see("opt/keys/evil.pem")), (None, None))
            equal(device.see("opt/x/other"), "own\n" if name == "own" else None)
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
