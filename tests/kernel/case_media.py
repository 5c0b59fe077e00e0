# SPDX-License-Identifier: MIT
"""Packages from media: real file systems, on loop devices that play the media."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess

from device import Device, Vendor, equal, load_module, run, schema, write
from mounts import mounts_on, unmount_now

MIB = 1 << 20
UUID = "3f1c2b0a-1111-4222-8333-abcdefabcdef"
EFI = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
MODULES = ("fs/fat/fat", "fs/fat/vfat", "fs/nls/nls_cp437", "fs/nls/nls_ascii", "fs/nls/nls_utf8",
           "fs/nls/nls_iso8859-1", "lib/crc16", "fs/mbcache", "fs/jbd2/jbd2", "fs/ext4/ext4")
INSTALLED = "Installed... Changes are applied after reboot.\n"
BEFORE = "quiet wmopkg.media="


def make_tree(work):
    """What lies on the media: two packages, a folder with more, and what leads astray."""
    tree = work + "/medium"
    os.makedirs(tree + "/dir/empty")
    os.makedirs(tree + "/many")
    for place in ("one.wmopkg", "two.wmopkg", "dir/one.wmopkg", "bad name.wmopkg", "one.txt"):
        shutil.copy(work + "/packages/one.wmopkg", f"{tree}/{place}")
    write(tree + "/dir/.hidden.wmopkg", "")
    for number in range(12):
        write(f"{tree}/many/p{number:02}.wmopkg", "")
    return tree


def add_strays(tree):
    os.symlink("one.wmopkg", tree + "/link.wmopkg")
    os.symlink("dir", tree + "/linked")
    os.symlink("/etc", tree + "/etc")
    os.symlink("../../../../etc/passwd", tree + "/up.wmopkg")
    os.mkfifo(tree + "/pipe.wmopkg")
    os.mknod(tree + "/null.wmopkg", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    write(tree + "/dir/\x1b[2J.wmopkg", "")


def truncate(path, mib):
    with open(path, "wb") as file:
        file.truncate(mib * MIB)


def make_vfat(image, tree, name, mib=8, offset=0, serial="12ab34cd"):
    blocks = str((mib * MIB - offset) // 1024)
    run("mkfs.vfat", "-n", name, "-i", serial, f"--offset={offset // 512}", image, blocks)
    run("mcopy", "-s", "-i", f"{image}@@{offset}",
        *[f"{tree}/{entry}" for entry in sorted(os.listdir(tree))], "::")


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("one", {"etc/one": "one\n"})
    vendor.make("big", {"noise": os.urandom(24 * MIB)}, options=("--compressor", "lz4"))
    tree = make_tree(work)
    run(vendor.tool, "denylist", "--number", "7", "--name", "other=1", *vendor.signing("keys"),
        tree + "/list.denylist")
    # with a source beside it
    write(work + "/set.json", json.dumps({"type": "set", "format": 1, "number": 1, "packages": [
        {"name": "one", "source": "one.wmopkg"}]}))
    run(vendor.tool, "set", *vendor.signing("keys"), work + "/set.json", tree + "/dir/a.set")
    truncate(work + "/vfat", 8)
    make_vfat(work + "/vfat", tree, "STICK")
    truncate(work + "/parts", 16)
    run("sh", "-c", f"printf 'label: gpt\\nstart=2048,size=2048,name=first,type={EFI}\\n"
                    f"start=4096,size=20480,name=\"my service\"\\n' | sfdisk --quiet {work}/parts")
    # as macOS formats a stick: what is for the firmware has a file system, too, and is first
    make_vfat(work + "/parts", tree, "EFI", 2, MIB, serial="e5b00001")
    make_vfat(work + "/parts", tree, "PARTED", 12, 2 * MIB)
    shutil.copy(work + "/parts", work + "/only-efi")
    run("sfdisk", "--quiet", "--delete", work + "/only-efi", "2")
    os.makedirs(work + "/store-tree/packages")
    truncate(work + "/store", 8)
    make_vfat(work + "/store", work + "/store-tree", "STORE")
    truncate(work + "/exfat", 8)
    run("mkfs.exfat", "-n", "EXSTICK", work + "/exfat")
    add_strays(tree)
    for kind in ("ext2", "ext3", "ext4"):
        truncate(f"{work}/{kind}", 16)
        run("mke2fs", "-q", "-t", kind, "-L", kind + "-stick", "-U", UUID, "-d", tree,
            f"{work}/{kind}")
    truncate(work + "/large", 48)
    os.mkdir(work + "/large-tree")
    shutil.copy(work + "/packages/big.wmopkg", work + "/large-tree")
    run("mke2fs", "-q", "-t", "ext4", "-L", "large", "-d", work + "/large-tree", work + "/large")
    vendor.squash("squash", {"a": "a\n"})
    run("dd", "if=/dev/urandom", f"of={work}/noise", "bs=1M", "count=1", "status=none")


# in the kernel under test

def load_file_systems():
    """The modules that a device's modprobe would load; nodes as devtmpfs makes them."""
    for module in MODULES:
        load_module(module)
    if "devtmpfs" not in [kind for kind, _ in mounts_on("/dev")]:
        run("mount", "-t", "devtmpfs", "devtmpfs", "/dev")


class Medium:
    """An image that is plugged in, as it were."""

    def __init__(self, image):
        load_file_systems()
        self.image = image
        self.node = run("losetup", "-f", "-P", "--show", image).stdout.strip()
        self.name = os.path.basename(self.node)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        run("losetup", "-d", self.node)

    def is_in_use(self):
        try:
            os.close(os.open(self.node, os.O_RDONLY | os.O_EXCL))
            return False
        except OSError as error:
            equal(error.errno, errno.EBUSY)
            return True


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return file.read()


def digest(path):
    run("sync")
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def with_labels(device, *labels):
    device.boot_with(BEFORE + ",".join(labels))


def install(device, label, path, status=0):
    """What wmopkg says; nothing may be mounted when it is over."""
    before = mounts()
    said = device.tell("install", "media", label, path, status=status)
    equal(mounts(), before, "mounted")
    return said


def refused(device, label, path, message, status=1):
    """Only this is said, in one line."""
    equal(install(device, label, path, status), f"wmopkg: {message}\n")


def test_every_file_system(work, build):
    with Device(work, build) as device:
        for kind, name in (("vfat", "STICK"), ("ext2", "ext2-stick"), ("ext3", "ext3-stick"),
                           ("ext4", "ext4-stick")):
            before = digest(f"{work}/{kind}")
            with Medium(f"{work}/{kind}") as medium:
                with_labels(device, "m:LABEL=" + name)
                said = install(device, "m", "dir/one.wmopkg")
                assert said.startswith(f"Using {medium.name} (internal, {kind}, {name})\n"), said
                assert said.endswith(INSTALLED), said
                equal(medium.is_in_use(), False, kind)
                line = json.loads(device.tell("audit", "json").splitlines()[-1])
                equal((line["event"], line["source"]), ("install", "m:/dir/one.wmopkg"))
                uuid = run("blkid", "-p", "-o", "value", "-s", "UUID",
                           f"{work}/{kind}").stdout.strip()
                equal(line["detail"], f"{medium.name} (internal, {kind}, {name}), UUID={uuid}")
            equal(digest(f"{work}/{kind}"), before, kind + " was written to")
            device.remove("one")


def test_every_command(work, build):
    """What a medium has is taken by each command that takes a file."""
    with Device(work, build) as device, Medium(work + "/vfat") as medium:
        with_labels(device, "m:LABEL=STICK")
        described = f"{medium.name} (internal, vfat, STICK)"
        said = device.tell("verify", "media", "m", "dir/one.wmopkg")
        assert said.startswith(f"Using {described}\nVerification: Signed\n"), said
        said = device.tell("verify", "media", "m", "one.txt")
        assert "\nVerification: Signed\n" in said, said
        equal(os.listdir(device.base + "/data/packages"), [])
        said = device.tell("apply", "--check", "media", "m", "dir/a.set")
        assert said.startswith(f"Using {described}\n") and "one: " in said, said
        equal(os.listdir(device.base + "/data/packages"), [])
        said = device.tell("apply", "media", "m", "dir/a.set")
        assert said.endswith("Applied... Changes are applied after reboot.\n"), said
        events = [json.loads(line) for line in device.tell("audit", "json").splitlines()[-2:]]
        equal([(line["event"], line["source"]) for line in events],
              [("install", "m:/dir/one.wmopkg"), ("set", "m:/dir/a.set")])
        equal(os.listdir(device.base + "/data/packages"), ["one.wmopkg"])
        said = device.tell("apply", "media", "m", "dir/none.set", status=4)
        device.remove("one")
        said = device.tell("unlock", "media", "m", "one.wmopkg", status=3)
        assert "m:/one.wmopkg: it is a package, not a signed statement" in said, said
        said = device.tell("denylist", "media", "m", "list.denylist")
        equal(said, f"Using {described}\nDeny list 7 is in force: packages that it names stay out "
                    "after reboot.\n")
        line = json.loads(device.tell("audit", "json").splitlines()[-1])
        equal((line["event"], line["source"]), ("denylist", "m:/list.denylist"))
        equal(line["detail"], f"number 7, 1 entry, {described}, UUID=12AB-34CD")
        equal(medium.is_in_use(), False)


def test_kernel_without_exfat(work, build):
    with Device(work, build) as device, Medium(work + "/exfat") as medium:
        with_labels(device, "m:LABEL=EXSTICK")
        refused(device, "m", "one.wmopkg",
                f"{medium.name} (internal, exfat, EXSTICK): this kernel cannot read exfat: "
                "it lacks CONFIG_EXFAT_FS (build the kernel with that option)")


def test_journal_is_not_replayed(work, build):
    """A stick that was pulled out while it was written to stays as it is."""
    place = work + "/mnt"
    os.mkdir(place)
    image = work + "/dirty"
    shutil.copy(work + "/ext4", image)
    with Medium(image) as medium:
        run("mount", medium.node, place)
        shutil.copy(work + "/packages/one.wmopkg", place + "/late.wmopkg")
        run("sync")
        shutil.copy(image, image + "2")
        unmount_now(place)
    assert "needs_recovery" in run("dumpe2fs", "-h", image + "2").stdout
    before = digest(image + "2")
    with Device(work, build) as device, Medium(image + "2"):
        with_labels(device, "m:LABEL=ext4-stick")
        assert install(device, "m", "one.wmopkg").endswith(INSTALLED)
    equal(digest(image + "2"), before, "the journal was replayed")


def test_matches(work, build):
    with Device(work, build) as device, Medium(work + "/parts") as parts, \
            Medium(work + "/ext3") as ext3:
        for match, used in (
                ("LABEL=PARTED", f"{parts.name}p2 (internal, vfat, PARTED)"),
                ("UUID=12AB-34CD", f"{parts.name}p2 (internal, vfat, PARTED)"),
                ("PARTLABEL=my service", f"{parts.name}p2 (internal, vfat, PARTED)"),
                (f"/dev/{parts.name}p2", f"{parts.name}p2 (internal, vfat, PARTED)"),
                # the first partition of it that can be read
                (f"/dev/{parts.name}", f"{parts.name}p2 (internal, vfat, PARTED)"),
                ("UUID=" + UUID.upper(), f"{ext3.name} (internal, ext3, ext3-stick)"),
                (f"/dev/{ext3.name}", f"{ext3.name} (internal, ext3, ext3-stick)")):
            device.boot_with(f'quiet "wmopkg.media=x:LABEL=x,m:{match}"')
            said = install(device, "m", "one.wmopkg")
            assert said.startswith(f"Using {used}\n") and said.endswith(INSTALLED), (match, said)


def test_only_what_is_for_the_firmware(work, build):
    with Device(work, build) as device, Medium(work + "/only-efi") as medium:
        with_labels(device, f"m:/dev/{medium.name}")
        said = install(device, "m", "one.wmopkg")
        assert said.startswith(f"Using {medium.name}p1 (internal, vfat, EFI)\n"), said


def test_case(work, build):
    """A package is called as the stick has it; a store on vfat keeps one spelling."""
    with Device(work, build) as device, Medium(work + "/vfat"):
        with_labels(device, "m:LABEL=STICK")
        for typed in ("DIR/One.WMOPKG", "ONE~1.WMO"):
            assert install(device, "m", typed).endswith(INSTALLED), typed
            equal([name for name in os.listdir(device.base + "/data/packages")
                   if not name.startswith(".")], ["one.wmopkg"], typed)
    with Device(work, build) as device, Medium(work + "/store") as store:
        run("mount", "-t", "vfat", store.node, device.base + "/data")
        try:
            for name in ("Two", "two"):
                shutil.copy(work + "/packages/one.wmopkg", f"{work}/{name}.wmopkg")
            for _ in range(2):
                assert device.tell("install", work + "/Two.wmopkg").endswith(INSTALLED)
            said = device.tell("install", work + "/two.wmopkg", status=1)
            assert "it is installed as Two.wmopkg already, and the file system of this store " \
                "does not tell upper from lower case" in said, said
            device.tell("remove", "--yes", "two", status=4)
            equal([name for name in os.listdir(device.base + "/data/packages")
                   if not name.startswith(".")], ["Two.wmopkg"])
            device.tell("remove", "--yes", "Two")
            assert device.tell("install", work + "/two.wmopkg").endswith(INSTALLED)
        finally:
            unmount_now(device.base + "/data")


def test_none(work, build):
    with Device(work, build) as device, Medium(work + "/ext3") as ext3:
        with_labels(device, "a:LABEL=NOT-THERE", "b:/dev/sdz9", f"c:/dev/{ext3.name}p1",
                    "d:UUID=1", "e:PARTLABEL=x", "bad label:LABEL=x")
        again = "(connect the medium and try again)"
        for label, match in (("a", "LABEL=NOT-THERE"), ("b", "/dev/sdz9"), ("d", "UUID=1"),
                             ("c", f"/dev/{ext3.name}p1"), ("e", "PARTLABEL=x")):
            refused(device, label, "one.wmopkg",
                    f"{label}: no medium with {match} is connected {again}", 4)
        # what is part of the device is nothing external, though it could be read
        refused(device, "external", "one.wmopkg",
                f"external: no USB stick or SD card is connected {again}", 4)
        refused(device, "service", "one.wmopkg", "service: no such media label (known: "
                "external, a, b, c, d, e)", 4)


def test_paths(work, build):
    usage = "(see 'wmopkg help')"
    links = "the path contains a link, and links on media are not followed (give the name of a regular file)"
    here = "packages in /: bad name.wmopkg, link.wmopkg, null.wmopkg, one.wmopkg, pipe.wmopkg, " \
           "two.wmopkg, up.wmopkg"
    in_dir = "packages in dir: ?[2J.wmopkg, one.wmopkg"
    many = "packages in many: " + ", ".join(f"p{n:02}.wmopkg" for n in range(8)) + ", 4 more"
    up = f"'..' is not allowed in a path on a medium {usage}"
    file = "(give the name of a regular file)"
    check = "(check the name)"
    with Device(work, build) as device, Medium(work + "/ext4") as medium:
        with_labels(device, "m:LABEL=ext4-stick")
        for path in ("one.wmopkg", "/one.wmopkg", "///dir//one.wmopkg", "./dir/./one.wmopkg"):
            assert install(device, "m", path).endswith(INSTALLED), path
        for path, message, status in (
                ("../one.wmopkg", up, 2),
                ("dir/../one.wmopkg", up, 2),
                ("dir/..", up, 2),
                ("link.wmopkg", links, 1),
                ("linked/one.wmopkg", links, 1),
                ("up.wmopkg", links, 1),
                ("etc/passwd", links, 1),
                ("pipe.wmopkg", f"a device or pipe, not a file {file}", 1),
                ("null.wmopkg", f"a device or pipe, not a file {file}", 1),
                ("dir", f"a folder, not a file; {in_dir} {file}", 1),
                ("dir/empty/", f"a folder, not a file; packages in dir/empty/: none {file}", 1),
                ("many", f"a folder, not a file; {many} {file}", 1),
                ("three.wmopkg", f"no such file; {here} {check}", 4),
                ("ONE.wmopkg", f"no such file; {here} {check}", 4),
                ("dir/two.wmopkg", f"no such file; {in_dir} {check}", 4),
                ("dir/none/a/two.wmopkg", f"no such file; {in_dir} {check}", 4),
                ("one.wmopkg/a.wmopkg", f"no such file; {here} {check}", 4)):
            refused(device, "m", path,
                    f"{medium.name} (internal, ext4, ext4-stick): {path}: {message}", status)
        refused(device, "m", "/", f"{medium.name} (internal, ext4, ext4-stick): expected the path "
                f"of a file on the medium {usage}", 2)
        for path in ("one.txt", "bad name.wmopkg"):
            assert install(device, "m", path, 2).startswith(f"wmopkg: m:/{path}: "), path


def test_browse(work, build):
    """What is on a medium, by its name or by Tab, without links and what cannot be typed."""
    with Device(work, build) as device, Medium(work + "/ext4") as medium:
        with_labels(device, "stick:LABEL=ext4-stick")
        before = mounts()
        shown = device.tell("install", "media", "stick").splitlines()
        equal(mounts(), before, "mounted")
        equal(shown[0].split("═")[0], f"╒ {medium.name} (internal, ext4, ext4-stick) ")
        rows = [re.split("  +", line.strip("│ ")) for line in shown if line.startswith("│")]
        equal(rows[0], ["FILE", "VERSION", "VERIFICATION", "DESCRIPTION"])
        equal(rows[1][1:3], ["1.0", "Signed"])
        equal([row[0] for row in rows[1:]],
              ["bad name.wmopkg", "dir/one.wmopkg", *[f"many/p{n:02}.wmopkg" for n in range(12)],
               "one.wmopkg", "two.wmopkg"])
        assert "many/p00.wmopkg: the file is empty" in "\n".join(shown), shown
        equal(shown[-1], "Images are read and checked when a package is installed.")

        def complete(*words):
            return device.tell("complete", "--", "--config", device.base + "/conf",
                               *words).splitlines()
        equal(complete("install", "media", "stick", ""),
              ["--check-firmware", "--check-model", "bad name.wmopkg", "dir/", "force", "lost+found/", "many/",
               "one.wmopkg", "persistent", "two.wmopkg"])
        equal(complete("install", "media", "stick", "dir/"), ["dir/empty/", "dir/one.wmopkg"])
        equal(complete("denylist", "media", "stick", "l"), ["list.denylist", "lost+found/"])
        equal(complete("install", "media", "stick", "../"), [])
        equal(complete("install", "media", "external", "o"), [])
        equal(mounts(), before, "mounted")
        refused(device, "stik", "one.wmopkg", "stik: no such media label (did you mean stick? "
                "known: external, stick)", 4)


def test_bad_media(work, build):
    for name, where, text in (("ext4", 2048, b"\xff" * 1024), ("vfat", 11, b"\x00\x03")):
        shutil.copy(f"{work}/{name}", f"{work}/bad-{name}")
        with open(f"{work}/bad-{name}", "r+b") as file:
            file.seek(where)
            file.write(text)
    with Device(work, build) as device:
        for image, fault in (("squash.squashfs", "squashfs): unknown file system squashfs"),
                             ("noise", "): unknown file system")):
            with Medium(f"{work}/{image}") as medium:
                with_labels(device, f"m:{medium.node}")
                said = f"m: {medium.name} (internal" + (", " if fault[0] != ")" else "") + fault
                refused(device, "m", "one.wmopkg",
                        said + " (vfat, exfat, ext2, ext3 and ext4 can be read)")
        with Medium(work + "/bad-ext4") as medium:
            with_labels(device, f"m:{medium.node}")
            said = install(device, "m", "one.wmopkg", 1)
            assert said.startswith(f"wmopkg: {medium.name} (internal, ext4, ext4-stick): the file "
                                   "system cannot be mounted, it is damaged or the kernel does not "
                                   "support all of it: ") and \
                said.endswith(" (see the kernel log with 'dmesg')\n"), said
        with Medium(work + "/bad-vfat") as medium:
            with_labels(device, f"m:{medium.node}")
            assert install(device, "m", "one.wmopkg", 1).startswith(f"wmopkg: m: {medium.name} "), \
                "bad-vfat"


def test_error_is_no_panic(work, build):
    """A medium may ask for a panic where it is damaged; nobody does as it says."""
    image = work + "/panic"
    shutil.copy(work + "/ext4", image)
    run("tune2fs", "-e", "panic", image)
    block = run("debugfs", "-R", "blocks /dir", image).stdout.split()[-1]
    size = int([line for line in run("dumpe2fs", "-h", image).stdout.splitlines()
                if line.startswith("Block size:")][0].split()[-1])
    with open(image, "r+b") as file:
        file.seek(int(block) * size)
        file.write(b"\xff" * size)
    with Device(work, build) as device, Medium(image) as medium:
        with_labels(device, f"m:{medium.node}")
        said = install(device, "m", "dir/one.wmopkg", 1)
        assert said.startswith(f"wmopkg: {medium.name} (internal, ext4, ext4-stick): "
                               "dir/one.wmopkg: cannot be opened: "), said
        assert "EXT4-fs error" in run("dmesg").stdout
        assert install(device, "m", "one.wmopkg").endswith(INSTALLED)


def test_seen_by_nobody(work, build):
    """Mounted only while it is read, for nobody else, and not after kill -9 either."""
    with Device(work, build) as device, Medium(work + "/large") as medium:
        with_labels(device, "m:LABEL=large")
        before = mounts()
        equal(medium.is_in_use(), False, "before")
        with subprocess.Popen([device.wmopkg, "--config", device.base + "/conf", "install", "media",
                               "m", "big.wmopkg"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as wmopkg:
            equal(wmopkg.stdout.readline().decode(),
                  f"Using {medium.name} (internal, ext4, large)\n")
            os.kill(wmopkg.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, wmopkg.pid, os.WSTOPPED | os.WNOWAIT)
            equal(medium.is_in_use(), True, "while it is read")
            equal(mounts(), before, "while it is read")
            with open(f"/proc/{wmopkg.pid}/mountinfo", encoding="utf-8") as file:
                equal(file.read(), before, "for itself")
            wmopkg.kill()
            wmopkg.wait()
        equal(medium.is_in_use(), False, "after kill -9")
        equal(mounts(), before, "after kill -9")
        assert install(device, "m", "big.wmopkg").endswith(INSTALLED)
        equal(medium.is_in_use(), False, "afterwards")


def test_mounted_by_somebody(work, build):
    place = work + "/elsewhere with a blank"
    os.mkdir(place)
    with Device(work, build) as device, Medium(work + "/ext2") as medium:
        with_labels(device, "m:LABEL=ext2-stick")
        for options in ("ro", "rw"):
            run("mount", "-o", options, medium.node, place)
            assert install(device, "m", "one.wmopkg").endswith(INSTALLED), options
            refused(device, "m", "link.wmopkg",
                    f"{medium.name} (internal, ext2, ext2-stick): link.wmopkg: the path contains "
                    "a link, and links on media are not followed (give the name of a regular file)")
            unmount_now(place)


def test_not_root(work, build):
    with Device(work, build) as device, Medium(work + "/ext2") as medium:
        with_labels(device, f"m:{medium.node}")
        os.chmod(work, 0o711)
        done = run("setpriv", "--reuid=65534", "--clear-groups", device.wmopkg, "--config",
                   device.base + "/conf", "install", "media", "m", "one.wmopkg", check=False)
        equal((done.returncode, done.stdout),
              (1, f"wmopkg: m: {medium.name} (internal): only root can read media (run "
                  "it as root, or change the permissions)\n"))
        done = run("setpriv", "--reuid=65534", "--clear-groups", device.wmopkg, "--config",
                   device.base + "/conf", "media", "json", check=False)
        assert done.stdout.startswith(
            "wmopkg: warning: only root can see what is on media\n"), done.stdout
        assert '"state":"unreadable"' in done.stdout, done.stdout


def test_node_of_another_device(work, build):
    with Device(work, build) as device, Medium(work + "/ext2") as medium, \
            Medium(work + "/ext3") as other:
        with_labels(device, "m:LABEL=ext2-stick")
        number = os.stat(medium.node).st_rdev
        again = "(connect the medium and try again)"
        for kind, number_of in ((stat.S_IFBLK, os.stat(other.node).st_rdev), (stat.S_IFREG, 0)):
            os.unlink(medium.node)
            os.mknod(medium.node, 0o600 | kind, number_of)
            refused(device, "m", "one.wmopkg",
                    f"m: no medium with LABEL=ext2-stick is connected {again}", 4)
        os.unlink(medium.node)
        refused(device, "m", "one.wmopkg",
                f"m: no medium with LABEL=ext2-stick is connected {again}", 4)
        os.mknod(medium.node, 0o600 | stat.S_IFBLK, number)
        assert install(device, "m", "one.wmopkg").endswith(INSTALLED)


def test_silent(work, build):
    """What libblkid is taken over by does not keep wmopkg waiting."""
    with Device(work, build) as device, Medium(work + "/vfat") as medium:
        with_labels(device, f"m:{medium.node}")
        said = run(device.wmopkg, "--config", device.base + "/conf", "install", "media", "m",
                   "one.wmopkg", check=False,
                   env={**os.environ, "LD_PRELOAD": build + "/tests/kernel/silent_blkid.so"})
        equal((said.returncode, said.stdout),
              (1, f"wmopkg: m: {medium.name} (internal): cannot be read: Connection timed out (check "
                  "the path and the file system)\n"))


def test_show(work, build):
    with Device(work, build) as device, Medium(work + "/ext3") as ext3, \
            Medium(work + "/squash.squashfs") as other:
        with_labels(device, "service:LABEL=ext3-stick", "b:LABEL=B", f"c:{other.node}")
        size = os.path.getsize(work + "/squash.squashfs") // 512 * 512
        text = f"{size / 1024:.1f} KiB"
        equal(device.tell("show", "media").splitlines()[1:-1], [
            "│LABEL     MATCH             DEVICE  BUS       TYPE      VOLUME      SIZE      STATE"
            "              │",
            "│external  SD, USB           -       -         -         -           -         not "
            "connected      │",
            f"│service   LABEL=ext3-stick  {ext3.name:6}  internal  ext3      ext3-stick  16.0 MiB"
            "  connected          │",
            "│b         LABEL=B           -       -         -         -           -         not "
            "connected      │",
            f"│c         {other.node:16}  {other.name:6}  internal  squashfs  -           {text:8}"
            "  unknown file system│"])
        equal(device.tell("media"), device.tell("show", "media"))
        told = json.loads(device.tell("show", "media", "json"))
        equal(schema.check("media", told), {"format": 1, "media": [
            {"label": "external", "state": "not-connected"},
            {"label": "service", "match": "LABEL=ext3-stick", "state": "connected",
             "device": ext3.name, "bus": "internal", "filesystem": "ext3", "volume": "ext3-stick",
             "uuid": UUID, "bytes": 16 * MIB},
            {"label": "b", "match": "LABEL=B", "state": "not-connected"},
            {"label": "c", "match": other.node, "state": "unknown-file-system",
             "device": other.name, "bus": "internal", "filesystem": "squashfs", "bytes": size}]})
