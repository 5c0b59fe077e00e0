# SPDX-License-Identifier: MIT
"""What the device looks like with packages on it, and what is told of them."""

import os
import re
import shutil
import stat

from device import FIRMWARE, Device, Vendor, devices, equal, load_module, loops, read, run, \
    wait_gone, write
from mounts import unmount_now

MANY = 70
COMPRESSORS = ("gzip", "lz4", "xz", "zstd")


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("plain", {"etc/banner": "plain\n", "usr/share/new/file": "new\n"},
                version="5.26.0-rev0")
    vendor.make("alpha", {"etc/banner": "alpha\n", "etc/both": "alpha\n"})
    vendor.make("beta", {"etc/banner": "beta\n", "etc/both": "beta\n"})
    vendor.make("low", {"etc/banner": "low\n", "etc/low": "low\n"}, priority=-5)
    vendor.make("high", {"etc/banner": "high\n"}, priority=5)
    vendor.make("white", {"etc/kept": "whiteout", "usr/share/tree/one": "whiteout"})
    vendor.make("replace", {"usr/share/tree": "a file now\n"})
    tree = vendor.tree("leads", {"etc/leads": "here\n"})
    os.symlink(work + "/elsewhere", tree + "/var")
    vendor.make("leads", tree)
    for persistence in ("required", "forbidden"):
        vendor.make(persistence, {"etc/place": "wrong\n"}, options=("--persistent", persistence))
    vendor.make("tiny", {"tiny": "x\n"})
    run(build + "/installer/wmopkg-build", "extract", "--tree", work + "/tiny.tree",
        vendor.path("tiny"))
    vendor.make("unsigned", {"usr/bin/set": ("#!/bin/sh\n", 0o4755)}, signer=None)
    vendor.make("stranger", {"etc/stranger": "here\n"}, signer="other")
    tree = vendor.tree("opaque", {"usr/share/tree/three": "opaque\n"})
    os.setxattr(tree + "/usr/share/tree", "trusted.overlay.opaque", b"y")
    vendor.make("opaque", tree)
    for number in range(MANY):
        vendor.make(f"many{number:02}", {f"many/{number}": f"{number}\n",
                                         "etc/banner": f"{number}\n"})
    os.makedirs(work + "/volume.d/packages")
    shutil.copy(vendor.path("plain"), work + "/volume.d/packages")
    with open(work + "/volume", "wb") as file:
        file.truncate(16 << 20)
    run("mkfs.ext4", "-q", "-L", "wmopkg-test", "-d", work + "/volume.d", work + "/volume")
    write(work + "/noise", os.urandom(8192))
    vendor.seal("noise", work + "/noise")
    write(work + "/zeros", bytes(8192))
    vendor.seal("zeros", work + "/zeros")
    for name in COMPRESSORS:
        vendor.squash(name, {"etc/compressor": f"{name}\n"}, "-no-xattrs", "-comp", name)
    for name, at, number in (("lzma", 20, 2), ("number-77", 20, 77), ("torn", 63, 0x7f)):
        # nothing is compressed, so that only the super block names the compressor
        with open(vendor.squash(name, {"etc/compressor": f"{name}\n"}, "-noI", "-noId", "-noD",
                                "-noF"), "r+b") as file:
            file.seek(at)
            file.write(bytes([number]))
    vendor.seal("lzma", work + "/lzma.squashfs")
    vendor.seal("stranger-lzma", work + "/lzma.squashfs", "other")


def test_plain(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        equal(device.see("usr/share/new/file"), "new\n")
        equal(device.see("etc/kept"), "firmware\n")
        package = device.package("plain")
        place = os.stat(device.base + "/data/packages/plain.wmopkg")
        equal(package.pop("file"), {"inode": place.st_ino, "bytes": place.st_size,
                                    "changed_ns": place.st_ctime_ns})
        del package["judging"], package["attaching"]  # case_times
        equal(re.fullmatch("[0-9a-f]{64}", package.pop("root_hash")) is None, False)
        equal(package, {
            "name": "plain", "persistent": False, "identity": "plain",
            "version": "5.26.0-rev0", "description": "made for a test",
            "verification": "Signed", "active": True,
            "reason": {"code": "ok", "message": ""}})
        shown = device.show("plain")
        equal((shown["verification"], shown["active"], shown["status"]),
              ("Signed", True, "active"))
        equal(device.state()["stack"], {"code": "ok", "message": ""})
        equal(device.log(), ["wmopkg: plain 5.26.0-rev0: Signed, active"])
        flags = run("findmnt", "-n", "-o", "OPTIONS", device.base + "/run/layers/1").stdout
        assert "nodev" in flags and "ro" in flags.split(","), flags
        assert "nosuid" not in flags, flags
        equal(device.stack_flags(), "ro,nodev,relatime")
        equal(stat.S_IMODE(os.stat(device.base + "/run/layers").st_mode), 0o700)


def test_nothing_installed(work, build):
    with Device(work, build) as device:
        device.activate()
        equal(device.is_stacked(), False)
        equal(device.state()["packages"], [])
        equal(device.log(), [])


def test_order(work, build):
    with Device(work, build) as device:
        for name in ("low", "alpha", "beta"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        equal(device.see("etc/banner"), "beta\n")
        equal(device.see("etc/both"), "beta\n")
        equal(device.see("etc/low"), "low\n")
    with Device(work, build) as device:
        for name in ("low", "high", "beta"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        equal(device.see("etc/banner"), "high\n")


def test_only_the_lowest(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/low.wmopkg")
        device.activate()
        equal(device.see("etc/banner"), "low\n")


def test_whiteouts_and_replaced_folders(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/white.wmopkg")
        device.activate()
        equal(device.see("etc/kept"), None)
        equal(os.listdir(device.root("usr/share/tree")), ["two"])
    with Device(work, build) as device:
        device.install(work + "/packages/replace.wmopkg")
        device.activate()
        equal(device.see("usr/share/tree"), "a file now\n")


def test_opaque_folder(work, build):
    """Hidden where the kernel reads attributes, and refused where it does not: then the
    folder would show what the package hides. Debian's User-Mode Linux does not."""
    with Device(work, build) as device:
        device.install(work + "/packages/opaque.wmopkg")
        device.activate()
        package = device.package("opaque")
        if package["active"]:
            equal(os.listdir(device.root("usr/share/tree")), ["three"])
        else:
            equal(package["reason"], {
                "code": "kernel-feature",
                "message": "the kernel does not read the attributes that the image has "
                           "(CONFIG_SQUASHFS_XATTR)"})
            equal(sorted(os.listdir(device.root("usr/share/tree"))), ["one", "two"])


def test_one_block(work, build):
    equal(os.path.getsize(work + "/tiny.tree"), 0, "bytes of the hash tree")
    with Device(work, build) as device:
        device.install(work + "/packages/tiny.wmopkg")
        device.activate()
        equal(device.see("tiny"), "x\n")


def test_many(work, build):
    with Device(work, build) as device:
        for number in range(MANY):
            device.install(f"{work}/packages/many{number:02}.wmopkg")
        device.activate()
        equal(sorted(os.listdir(device.root("many")), key=int),
              [str(number) for number in range(MANY)])
        equal(device.see("etc/banner"), f"{MANY - 1}\n")
        equal(device.log(), [f"wmopkg: many{number:02} 1.0: Signed, active"
                             for number in range(MANY)])
        equal(len(devices()), MANY)


def test_most_layers(work, build):
    """As many as the kernel stacks, and one more; here the layers are plain folders."""
    place = work + "/most"
    os.makedirs(place)
    run("mount", "-t", "tmpfs", "tmpfs", place)
    write(place + "/layers/root/firmware", "firmware\n")
    os.mkdir(place + "/layers/engine")
    for number in range(1, 500):
        write(f"{place}/layers/{number}/{number}", f"{number}\n")
        write(f"{place}/layers/{number}/all", f"{number}\n")
    os.mkdir(place + "/target")
    tool = build + "/tests/kernel/stack"
    done = run(tool, "499", place + "/layers", place + "/target", check=False)
    equal((done.returncode, done.stdout), (
        1, "stack: 499 packages are to be active, and a stack takes 498\n"))
    run(tool, "498", place + "/layers", place + "/target")
    equal(len(os.listdir(place + "/target")), 500)
    equal(read(place + "/target/all"), "1\n")
    unmount_now(place + "/target")
    unmount_now(place)


def test_bare_dev(work, build):
    """No udev and no devtmpfs: nodes that are missing are made."""
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        run("mount", "-t", "tmpfs", "tmpfs", "/dev")
        try:
            os.mknod("/dev/null", 0o20666, os.makedev(1, 3))
            os.mknod("/dev/kmsg", 0o20600, os.makedev(1, 11))
            os.mknod("/dev/random", 0o20666, os.makedev(1, 8))
            os.mknod("/dev/urandom", 0o20666, os.makedev(1, 9))
            device.activate()
            equal(device.package("plain")["reason"], {"code": "ok", "message": ""})
            equal(device.see("etc/banner"), "plain\n")
        finally:
            run("umount", "-l", "/dev")


def test_left_of_a_move(work, build):
    """A move to the persistent store, or from it, that was cut off between the two."""
    with Device(work, build) as device:
        device.install(work + "/packages/alpha.wmopkg", name="same")
        device.install(work + "/packages/beta.wmopkg", name="same", store="persist")
        device.activate()
        equal(device.see("etc/banner"), "beta\n")
        equal([(package["name"], package["persistent"], package["active"])
               for package in device.state()["packages"]], [("same", True, True)])
        equal(os.listdir(device.base + "/data/packages"), [])


def test_in_the_wrong_store(work, build):
    """What its manifest asks for holds, whoever put the file there."""
    with Device(work, build) as device:
        device.install(work + "/packages/required.wmopkg")
        device.install(work + "/packages/forbidden.wmopkg", store="persist")
        device.activate()
        equal(device.is_stacked(), False)
        for name, persistent, message in (
                ("required", False, "the package asks to be persistent (install it with: wmopkg "
                 "install persistent ...)"),
                ("forbidden", True, "the package must not be persistent (install it without the "
                 "word 'persistent')")):
            package = device.package(name, persistent=persistent)
            equal((package["active"], package["verification"], package["reason"]),
                  (False, "Signed", {"code": "misplaced", "message": message}))


def test_installed_name_is_the_files(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg", name="other")
        device.activate()
        equal(device.package("other")["identity"], "plain")


def test_safe(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        device.boot_with("quiet wmopkg.safe")
        device.activate()
        equal(device.is_stacked(), False)
        package = device.package("plain")
        equal((package["verification"], package["active"], package["reason"]["code"]),
              ("Signed", False, "safe-mode"))
        equal(device.state()["safe"], True)
        assert device.log()[-1].startswith("wmopkg: plain 5.26.0-rev0: Signed, not "
                                           "active: safe-mode: "), device.log()


def test_disable(work, build):
    with Device(work, build) as device:
        for name in ("alpha", "beta"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.boot_with("wmopkg.disable=gamma,beta ro wmopkg.saef")
        device.activate()
        warned = "wmopkg: boot configuration: kernel command line: unknown boot configuration key 'wmopkg.saef'; "
        assert any(line.startswith(warned) for line in device.log()), device.log()
        equal(device.see("etc/banner"), "alpha\n")
        equal(device.package("beta")["reason"], {
            "code": "disabled",
            "message": "the boot configuration leaves it out (wmopkg.disable)"})


def test_untrusted(work, build):
    with Device(work, build) as device:
        for name in ("plain", "unsigned", "stranger"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        equal(device.see("usr/bin/set"), None)
        equal(device.see("etc/stranger"), None)
        for name, verdict, code in (("unsigned", "Unsigned", "no-signature"),
                                    ("stranger", "Untrusted", "untrusted-signer")):
            package = device.package(name)
            equal((package["verification"], package["active"], package["reason"]["code"]),
                  (verdict, False, code))


def test_allow_untrusted(work, build):
    with Device(work, build) as device:
        for name in ("plain", "unsigned", "stranger"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.boot_with("wmopkg.allow_untrusted=1")
        device.activate()
        equal(device.see("etc/stranger"), "here\n")
        equal(device.state()["allow_untrusted"], True)
        for name, verdict, code in (("unsigned", "Unsigned", "no-signature"),
                                    ("stranger", "Untrusted", "untrusted-signer"),
                                    ("plain", "Signed", "ok")):
            package = device.package(name)
            equal((package["verification"], package["active"], package["reason"]["code"]),
                  (verdict, True, code))
        assert "wmopkg: Allow Untrusted is set: packages of any origin may be active" \
            in device.log(), device.log()
        layers = {}
        for number in ("1", "2", "3"):
            folder = f"{device.base}/run/layers/{number}"
            layers[os.listdir(folder + "/etc")[0] if os.path.exists(folder + "/etc")
                   else "set"] = run("findmnt", "-n", "-o", "OPTIONS", folder).stdout
        assert "nosuid,nodev" in layers["set"], layers
        assert "nosuid,nodev" in layers["stranger"], layers
        assert "nosuid" not in layers["banner"], layers
        # the flags of a layer end at the overlay: it must have them itself
        equal(device.stack_flags(), "ro,nosuid,nodev,relatime")


def test_not_a_squashfs(work, build):
    with Device(work, build) as device:
        # known at install; what comes into the store otherwise costs only itself
        said = device.tell("install", work + "/packages/noise.wmopkg", status=3)
        assert "its image is not a squashfs of version 4.0, which no device can mount (ask the vendor" in said, said
        for name in ("noise", "zeros", "plain"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        for name in ("noise", "zeros"):
            package = device.package(name)
            equal((package["verification"], package["active"], package["reason"]), (
                "Signed", False, {
                    "code": "mount-failed",
                    "message": "the image is not a squashfs that this kernel can mount"}), name)
        equal(len(devices()), 1)


HINT = "(get a package for this firmware, or update the firmware first; to install it for the " \
    "kernel of another firmware: install force ...)\n"
COMPRESSED = "its image is compressed with {}, which the running kernel cannot read; the vendor can " \
    "use another one, wmopkg-build create --compressor"
ATTRIBUTES = "its image has opaque folders or capabilities, as extended attributes, which the " \
    "running kernel does not read without CONFIG_SQUASHFS_XATTR"


def test_kernel_cannot_read_it(work, build):
    """Known at install, from the kernel that runs, to which no byte of the package is given."""
    with Device(work, build) as device:
        def kept():
            return sorted(name for name in os.listdir(device.base + "/data/packages")
                          if not name.startswith("._"))  # for an undo

        # a kernel that has not started this device is not asked: this may be a build host
        said = device.tell("--debug", "install", work + "/packages/lzma.wmopkg")
        assert "the running kernel has not started this device, and is not asked" in said, said
        device.boot_with("wmopkg.allow_untrusted=1")
        device.activate()
        equal(device.package("lzma")["reason"], {
            "code": "kernel-feature", "message": COMPRESSED.format("lzma")})
        device.tell("remove", "--yes", "lzma")
        mounts = read("/proc/self/mountinfo")
        for name, why in (("lzma", COMPRESSED.format("lzma")),
                          ("stranger-lzma", COMPRESSED.format("lzma")), ("opaque", ATTRIBUTES)):
            said = device.tell("install", f"{work}/packages/{name}.wmopkg", status=1)
            assert f"{name}.wmopkg: {why} {HINT}" in said, said
            equal(kept(), [])
        said = device.tell("install", "force", work + "/packages/opaque.wmopkg")
        assert f"wmopkg: warning: opaque: {ATTRIBUTES}\n" in said, said
        equal(kept(), ["opaque.wmopkg"])
        equal((read("/proc/self/mountinfo"), wait_gone(loops)), (mounts, []))


def test_what_the_kernel_can_read(work, build):
    """Each compressor of `create`, and others; and a kernel that cannot be asked."""
    names = [*COMPRESSORS, "lzma", "number-77", "torn"]
    ask = [build + "/tests/kernel/ask", *(f"{work}/{name}.squashfs" for name in names)]

    def told(count):
        lines = run(*ask[:1 + count]).stdout.splitlines()
        return [line for line in lines if not line.startswith("debug: ")], "\n".join(lines)

    equal(told(len(names))[0], [
        *["yes" for _ in COMPRESSORS], COMPRESSED.format("lzma"), COMPRESSED.format("number 77"),
        "the image's table of attributes lies outside of it"])
    equal(wait_gone(loops), [])
    run("rmmod", "loop")
    try:
        lines, debug = told(1)
    finally:
        load_module("drivers/block/loop")
    equal(lines, ["yes"])
    assert "cannot ask the kernel whether it can read the image: the kernel has no loop devices" in debug, \
        debug


def test_what_is_no_file(work, build):
    """A folder, a link and a FIFO in the store cost only themselves."""
    with Device(work, build) as device:
        store = device.base + "/data/packages"
        device.install(work + "/packages/plain.wmopkg")
        os.mkdir(store + "/folder.wmopkg")
        os.symlink(work + "/packages/alpha.wmopkg", store + "/link.wmopkg")
        os.mkfifo(store + "/fifo.wmopkg")
        write(store + "/empty.wmopkg", "")
        write(store + "/.half.wmopkg.new", "half an installation")
        write(store + "/notes.txt", "not a package")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        for name, code in (("folder", "not-a-file"), ("link", "not-a-file"),
                           ("fifo", "not-a-file"), ("empty", "bad-length")):
            package = device.package(name)
            equal((package["verification"], package["active"], package["reason"]["code"]),
                  ("Invalid", False, code), name)
        equal(len(device.state()["packages"]), 5)
        equal(os.path.exists(store + "/.half.wmopkg.new"), False)


def test_no_volumes(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg", store="persist")
        conf = read(device.base + "/conf")
        write(device.base + "/conf",
              conf.replace(f'data = "{device.base}/data"', 'data = "LABEL=not-there"'))
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        assert "wmopkg: data: LABEL=not-there: there is no such file system" \
            in device.log(), device.log()


def test_store_that_cannot_be_read(work, build):
    """What has become of one store is nothing to the other."""
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg", store="persist")
        shutil.rmtree(device.base + "/data/packages", ignore_errors=True)
        write(device.base + "/data/packages", "not a folder")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        assert "wmopkg: data: folder 'packages': Not a directory" in device.log(), \
            device.log()


def test_volume_by_label(work, build):
    """A file system found by its label, mounted, and used where it is mounted already."""
    loop = run("losetup", "--find", "--show", work + "/volume").stdout.strip()
    with Device(work, build) as device:
        conf = read(device.base + "/conf")
        write(device.base + "/conf", conf.replace(
            f'data = "{device.base}/data"', 'data = "LABEL=wmopkg-test"'))
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        flags = run("findmnt", "-n", "-o", "VFS-OPTIONS", "--mountpoint",
                    device.base + "/run/data").stdout.strip()
        equal(flags, "rw,nosuid,nodev,noexec,relatime")
        equal(device.show("plain")["status"], "active")
        run("umount", "-R", "-l", device.base)
        equal(wait_gone(devices), [])
        run("losetup", "--detach", loop)


def test_no_keys(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        os.remove(device.base + "/keys/root.pem")
        device.activate()
        equal(device.is_stacked(), False)
        equal(device.package("plain")["verification"], "Untrusted")


def test_twice(work, build):
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        device.activate()
        before = device.state()
        said = device.activate(status=1)
        equal(said, "wmopkg-activate: the packages of this boot are active over "
              f"{device.base}/root already\n")
        equal(device.state(), before)
        equal(device.see("etc/banner"), "plain\n")


def test_root_is_an_overlay(work, build):
    """No stack can be had: the root stays as it was, and everything is taken down."""
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        root = device.base + "/root"
        run("mount", "-t", "overlay", "-o", f"lowerdir={root}/etc:{root}/usr", "other", root)
        run("mount", "-t", "overlay", "-o", f"lowerdir={device.base}/run:{root}", "other", root)
        said = device.activate(status=1)
        equal(said, f"wmopkg-activate: {root}: the file system is already two overlays deep, and "
              "the kernel allows two levels: packages need one overlay at most below them\n")
        equal(device.state()["stack"]["code"], "stack-failed")
        equal(device.see("banner"), "firmware\n")
        equal((wait_gone(devices), wait_gone(loops)), ([], []))


def test_stack_fails(work, build):
    """The root cannot be covered: whatever was mounted before that is gone again."""
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        run("rmmod", "overlay")
        try:
            said = device.activate(status=1)
        finally:
            load_module("fs/overlayfs/overlay")
        equal(said, "wmopkg-activate: the kernel has no overlayfs (CONFIG_OVERLAY_FS)\n")
        equal(device.state()["stack"]["code"], "kernel-feature")
        package = device.package("plain")
        equal((package["verification"], package["active"], package["reason"]["code"]),
              ("Signed", False, "kernel-feature"))
        equal(device.see("etc/banner"), "firmware\n")
        equal((wait_gone(devices), wait_gone(loops)), ([], []))
        equal(run("findmnt", "-R", "-n", "-o", "TARGET", device.base).stdout.count("run"),
              0, "mounts left")


def test_mounts_below_the_root(work, build):
    """File systems of their own within the root are still there on the stack."""
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        os.makedirs(device.root("var"))
        run("mount", "-t", "tmpfs", "tmpfs", device.root("var"))
        os.makedirs(device.root("var/log"))
        run("mount", "-t", "tmpfs", "tmpfs", device.root("var/log"))
        write(device.root("var/file"), "var\n")
        write(device.root("var/log/file"), "log\n")
        device.activate()
        equal(device.see("etc/banner"), "plain\n")
        equal(device.see("var/file"), "var\n")
        equal(device.see("var/log/file"), "log\n")
        write(device.root("var/log/new"), "still to be written to\n")


def test_mount_below_that_a_package_leads_elsewhere(work, build):
    """A link of a package takes no file system of the firmware out of the root."""
    with Device(work, build) as device:
        os.makedirs(device.root("var/log"))
        os.makedirs(work + "/elsewhere/log")
        run("mount", "-t", "tmpfs", "tmpfs", device.root("var/log"))
        device.install(work + "/packages/leads.wmopkg")
        device.activate()
        equal(device.package("leads")["reason"]["code"], "blocks-mount")
        equal(device.is_stacked(), False)
        equal(os.path.ismount(work + "/elsewhere/log"), False)
        equal(os.path.ismount(device.root("var/log")), True)


def test_no_standard_streams(work, build):
    """As where the kernel had no console to give: what is opened first must not be one."""
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        for closed in ("<&- >&- 2>&-", ">&- 2>&-", "2>&-"):
            run("sh", "-c", f'exec "$@" {closed}', "sh", device.tool, "--config",
                device.base + "/conf", "--root", device.base + "/root")
            equal(device.see("etc/banner"), "plain\n")
            device.reboot()


def test_bad_configuration(work, build):
    with Device(work, build) as device:
        write(device.base + "/conf", "data = \"/x\"\nbanana = 1\n")
        said = device.activate(status=1)
        equal(said, f"wmopkg-activate: {device.base}/conf:2: no such option 'banana'\n")
        equal(FIRMWARE["etc/banner"], device.see("etc/banner"))
