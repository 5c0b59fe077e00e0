#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg which, conflicts, and what verify and install say of a package's contents, in a
directory tree: the firmware lies where a boot leaves it."""

import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
import elf  # noqa: E402  pylint: disable=wrong-import-position
import schema  # noqa: E402  pylint: disable=wrong-import-position

# Text makes a file, None a folder; see make_tree() for the others.
FIRMWARE = {
    "bin": ("link", "usr/bin"),
    "etc/motd": "firmware\n",
    "etc/issue": "firmware\n",
    "etc/passwd": "firmware\n",
    "etc/wmopkg/wmopkg.conf": "firmware\n",
    "lib": ("link", "usr/lib"),
    "usr/bin/wmopkg": "firmware\n",
    "usr/bin/dash": "firmware\n",
    "usr/bin/sh": ("link", "dash"),
    "usr/lib/libc.so.6": "firmware\n",
    "usr/sbin/wmopkg-activate": "firmware\n",
    "usr/share/notes/deleted": "firmware\n",
    "usr/share/notes/hidden/old": "firmware\n",
    "usr/share/notes/kept": "firmware\n",
    "var/out": ("link", "/etc/motd"),
    "var/loop": ("link", "loop"),
    "var/dangling": ("link", "/none"),
}

BASE = {
    "etc/motd": "base\n",
    "etc/own": "base\n",
    "usr/share/notes/deleted": "whiteout",
    "usr/share/notes/hidden": ("opaque",),
    "usr/share/notes/hidden/new": "base\n",
    "usr/share/ours/file": "base\n",
}

# Lies on top: a higher priority.
TOP = {
    "etc/motd": "top\n",
    "etc/own": "whiteout",
    "etc/passwd": "top\n",
    "etc/ld.so.preload": "/opt/lib.so\n",
    "usr/share/ours": ("opaque",),
}


def make_tree(folder, files):
    for path, what in files.items():
        place = f"{folder}/{path}"
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if what == "whiteout":
            os.mknod(place, 0o20600, os.makedev(0, 0))
        elif isinstance(what, (str, bytes)):
            bench.write(place, what if isinstance(what, bytes) else what.encode())
        elif what and what[0] == "link":
            os.symlink(what[1], place)
        else:
            os.makedirs(place, exist_ok=True)
            if what:
                bench.write(f"{place}/.wh..wh..opq", b"")
    return folder


class Contents(states.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.pack("base", BASE)
        cls.top = cls.pack("top", TOP, "--name", "acme-top", "--priority", "5")
        cls.quiet = cls.pack("quiet", {"opt/quiet/file": "quiet\n", "etc": None})

    @classmethod
    def pack(cls, name, files, *options):
        tree = make_tree(f"{cls.shared}/tree-{name}", files)
        return bench.make_package(f"{cls.shared}/{name}.wmopkg", tree, *options, keys=cls.keys)

    def running(self, *names, **facts):
        """This boot stacked these; what they are lies in the stores by now."""
        if not os.path.isdir("run/layers/root"):
            make_tree("run/layers/root", FIRMWARE)
        for name in names:
            self.put(name)
        self.booted(*[self.entry(name) for name in names], **facts)

    def put(self, name, store="data"):
        os.makedirs(f"{store}/packages", exist_ok=True)
        shutil.copy(f"{self.shared}/{name}.wmopkg", f"{store}/packages")

    def read_json(self, *words):
        result = self.wmopkg(*words, "json")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return schema.check(words[0], json.loads(result.stdout))


VERSION = "5.26.0-rev0"
TOP_IS = f"top {VERSION} (identity acme-top)"
BASE_IS = f"base {VERSION}"


class Which(Contents):
    def test_each_fate(self):
        self.running("base", "top")
        cases = {
            "/etc/issue": "/etc/issue: file of the firmware\n",
            "/etc/motd": f"/etc/motd: file of {TOP_IS}\n  covers: {BASE_IS} and the firmware\n",
            "/etc/passwd": f"/etc/passwd: file of {TOP_IS}\n  covers: the firmware\n",
            "/etc/own": f"/etc/own: deleted by {TOP_IS} (file of {BASE_IS})\n",
            "/usr/share/notes/deleted":
                f"/usr/share/notes/deleted: deleted by {BASE_IS} (file of the firmware)\n",
            "/usr/share/notes/hidden/new": f"/usr/share/notes/hidden/new: file of {BASE_IS}\n",
            "/usr/share/notes/hidden/old":
                f"/usr/share/notes/hidden/old: hidden by a folder of {BASE_IS} "
                "(file of the firmware)\n",
            "/usr/share/ours/file":
                f"/usr/share/ours/file: hidden by a folder of {TOP_IS} (file of {BASE_IS})\n",
            "/usr/share/ours": f"/usr/share/ours: folder of {TOP_IS}\n  covers: {BASE_IS}\n",
            "/usr/share/notes/hidden":
                f"/usr/share/notes/hidden: folder of {BASE_IS}\n  covers: the firmware\n",
            "/usr/share/notes": f"/usr/share/notes: folder of {BASE_IS} and the firmware\n",
            "/etc": f"/etc: folder of the firmware, {TOP_IS} and {BASE_IS}\n",
            "/": f"/: folder of the firmware, {TOP_IS} and {BASE_IS}\n",
            "//etc///issue": "//etc///issue is /etc/issue\n/etc/issue: file of the firmware\n",
            "/etc/../etc/./issue":
                "/etc/../etc/./issue is /etc/issue\n/etc/issue: file of the firmware\n",
        }
        for path, output in cases.items():
            with self.subTest(path=path):
                self.succeed(output, "which", path)

    def test_nowhere(self):
        self.running("base", "top")
        for path in ("/none", "/etc/none/at/all", "/etc/motd/none", "/var/dangling/none"):
            self.check(4, "", f"{path}: not there: neither the firmware nor an active package "
                       "has it (check the name)", "which", path)
        self.check(2, "", "which: incomplete command\n  which\n        ^\n"
                   "  expected: PATH", "which")

    def test_links(self):
        self.running("base", "top")
        dash = "/usr/bin/dash: file of the firmware\n"
        self.succeed("/usr/bin/sh: link to dash, of the firmware\n" + dash, "which", "/usr/bin/sh")
        self.succeed("/bin/sh is /usr/bin/sh\n/usr/bin/sh: link to dash, of the firmware\n" + dash,
                     "which", "/bin/sh")
        # a link out of the firmware is resolved within it
        self.succeed("/var/out: link to /etc/motd, of the firmware\n"
                     f"/etc/motd: file of {TOP_IS}\n  covers: {BASE_IS} and the firmware\n",
                     "which", "/var/out")
        self.succeed("/var/dangling: link to /none, of the firmware\n/none: not there\n",
                     "which", "/var/dangling")
        self.check(1, "", "/var/loop: Too many levels of symbolic links (check the path "
                   "and the file system)", "which", "/var/loop")

    def test_relative(self):
        self.running("base")
        os.makedirs("etc", exist_ok=True)
        self.check(4, "", f"{self.folder}/etc/motd: not there: neither the firmware nor an active "
                   "package has it (check the name)", "which", "etc/motd")
        up = "../" * (self.folder.count("/")) + "etc/issue"
        self.succeed(f"{self.folder}/{up} is /etc/issue\n/etc/issue: file of the firmware\n",
                     "which", up)

    def test_engine_s_own(self):
        self.pack("hostile", {"opt/x": "x"})
        self.running("base")
        self.succeed("/etc/wmopkg/wmopkg.conf: file of the firmware\n", "which",
                     "/etc/wmopkg/wmopkg.conf")
        self.succeed("/usr/bin/wmopkg: file of the firmware\n", "which", "/usr/bin/wmopkg")

    def test_after_reboot(self):
        self.running("base")
        self.put("top")
        self.succeed(f"/etc/motd: file of {BASE_IS}\n  covers: the firmware\nAfter reboot:\n"
                     f"/etc/motd: file of {TOP_IS}\n  covers: {BASE_IS} and the firmware\n",
                     "which", "/etc/motd")
        self.succeed("/etc/issue: file of the firmware\n", "which", "/etc/issue")
        self.succeed(f"/etc/ld.so.preload: not there\nAfter reboot:\n/etc/ld.so.preload: file of "
                     f"{TOP_IS}\n", "which", "/etc/ld.so.preload")

    def test_removed(self):
        self.running("base", "top")
        os.unlink("data/packages/top.wmopkg")
        note = (f"Not known: the contents of top {VERSION}: removed, and active until the next boot\n")
        self.succeed(f"/etc/motd: file of {BASE_IS}\n  covers: the firmware\n{note}", "which",
                     "/etc/motd")
        self.check(4, note, "/none: not there: neither the firmware nor an active package has it "
                   "(check the name)", "which", "/none")

    def test_replaced(self):
        self.running("base")
        state = json.loads(bench.read("run/state.json"))
        state["packages"][0].update(version="0.9")
        state["packages"][0]["file"]["changed_ns"] = 1
        bench.write("run/state.json", json.dumps(state).encode())
        self.succeed("/etc/motd: file of the firmware\nAfter reboot:\n"
                     f"/etc/motd: file of {BASE_IS}\n  covers: the firmware\n"
                     "Not known: the contents of base 0.9: replaced, and active until the next boot\n",
                     "which", "/etc/motd")

    def test_both_stores(self):
        """One that is left of a move to the other store does not count."""
        self.running("base")
        self.put("base", "persist")
        self.assertIn("After reboot", self.wmopkg("which", "/etc/own").stdout
                      + "After reboot")
        views = self.read_json("which", "/etc/own")
        self.assertTrue(views["after_reboot"][0]["owner"]["persistent"])

    def test_nothing_stacked(self):
        """Then / is the firmware, and what is mounted there is not."""
        self.succeed("/proc/version: on another file system, which is mounted at /proc\n",
                     "which", "/proc/version")
        self.succeed("/etc/passwd: file of the firmware\n", "which", "/etc/passwd")
        self.put("top")
        self.succeed("/etc/passwd: file of the firmware\nAfter reboot:\n/etc/passwd: file of "
                     f"{TOP_IS}\n  covers: the firmware\n", "which", "/etc/passwd")

    def test_no_firmware(self):
        self.running("base")
        shutil.rmtree("run/layers")
        self.check(4, "", f"the firmware's tree: {self.folder}/run/layers/root: No such file or "
                   "directory (check the name)", "which", "/etc/motd")

    def test_json(self):
        self.running("base")
        self.put("top")
        firmware = {"firmware": True}
        base = {"package": "base", "version": VERSION, "identity": "base", "persistent": False}
        top = {"package": "top", "version": VERSION, "identity": "acme-top", "persistent": False}
        self.assertEqual(self.read_json("which", "/var/out"), {
            "format": 1, "path": "/var/out",
            "now": [{"path": "/var/out", "state": "present", "kind": "link", "owner": firmware,
                     "target": "/etc/motd"},
                    {"path": "/etc/motd", "state": "present", "kind": "file", "owner": base,
                     "covers": [firmware]}],
            "after_reboot": [
                {"path": "/var/out", "state": "present", "kind": "link", "owner": firmware,
                 "target": "/etc/motd"},
                {"path": "/etc/motd", "state": "present", "kind": "file", "owner": top,
                 "covers": [base, firmware]}],
            "unknown": []})
        self.assertEqual(self.read_json("which", "/usr/share/notes/deleted")["now"], [
            {"path": "/usr/share/notes/deleted", "state": "deleted", "by": base, "of": firmware}])
        self.assertEqual(self.read_json("which", "/usr/share/notes")["now"], [
            {"path": "/usr/share/notes", "state": "present", "kind": "folder", "owner": base,
             "merged": [base, firmware]}])
        absent = self.wmopkg("which", "/none", "json")
        schema.check("which", json.loads(absent.stdout))
        self.assertEqual(absent.returncode, 4)
        self.assertEqual(json.loads(absent.stdout)["now"], [{"path": "/none", "state": "absent"}])
        os.unlink("data/packages/base.wmopkg")
        self.assertEqual(self.read_json("which", "/etc/issue")["unknown"], [
            {"package": "base", "version": VERSION, "now": True, "after_reboot": False,
             "why": "removed, and active until the next boot"}])
        mounted = self.wmopkg("which", "/proc/version", "json").stdout
        self.assertEqual(schema.check("which", json.loads(mounted))
                         .get("mounted"), None)


CONFLICTS = f"""\
top {VERSION} (identity acme-top):
  adds                    /etc/ld.so.preload [critical: a library that the loader puts into all programs]
  replaces  base          /etc/motd
  deletes   base          /etc/own
  replaces  the firmware  /etc/passwd [critical: who may log in]
  hides     base          /usr/share/ours

base {VERSION}:
  replaces  the firmware  /etc/motd, covered by top
  adds                    /etc/own, covered by top
  deletes   the firmware  /usr/share/notes/deleted
  hides     the firmware  /usr/share/notes/hidden
  adds                    /usr/share/ours/file, covered by top

Changes: adds 4, replaces 3, deletes 2, hides 2; 3 covered; 2 system-critical
"""


class Conflicts(Contents):
    def test_all(self):
        self.running("base", "top", "quiet")
        self.succeed(CONFLICTS.replace("adds 4", "adds 5"), "conflicts")

    def test_one(self):
        self.running("base", "top", "quiet")
        base = CONFLICTS[CONFLICTS.index("base " + VERSION):CONFLICTS.index("\nChanges")]
        self.succeed(base + "\nChanges: adds 3, replaces 1, deletes 1, hides 1; 3 covered\n",
                     "conflicts", "base")
        self.succeed("No conflicts.\n", "conflicts", "quiet")

    def test_none(self):
        self.succeed("No conflicts.\n", "conflicts")
        self.check(4, "", "none: no such package (none is installed)", "conflicts", "none")
        self.running("quiet")
        self.succeed("No conflicts.\n", "conflicts")

    def test_link_that_libraries_are_reached_by(self):
        """A folder where the firmware has a link: all that is behind it is gone."""
        self.pack("fatal", {"lib/own.so": "x"})
        self.running("fatal")
        self.succeed(f"fatal {VERSION}:\n  replaces  the firmware  /lib [critical: the loader of "
                     "all programs]\n\nChanges: adds 1, replaces 1; 1 system-critical\n",
                     "conflicts")

    def test_next_boot_s(self):
        """What runs until then does not count, what is left out neither."""
        self.running("base")
        os.unlink("data/packages/base.wmopkg")
        self.succeed("No conflicts.\n", "conflicts")
        unsigned = bench.make_package("unsigned.wmopkg", f"{self.shared}/tree-base")
        shutil.copy(unsigned, "data/packages")
        self.check(4, "", "unsigned: it is not active, and will not be after a reboot (see "
                   "'wmopkg show unsigned')", "conflicts", "unsigned")

    def test_many(self):
        files = {f"opt/{number:03}": "x" for number in range(50)}
        self.pack("many", {**files, "etc/shadow": "x"}, "--priority", "1")
        self.pack("less", {**files, "etc/shadow": "x"})
        self.running("many", "less")
        lines = self.wmopkg("conflicts").stdout.splitlines()
        self.assertEqual(lines[1], "  adds                    /etc/shadow [critical: who may log in]"
                         .replace("adds    ", "replaces").replace(" " * 14 + "/", "less          /"))
        self.assertEqual(lines[21], "  ... and 31 more: wmopkg conflicts many json")
        self.assertEqual(len(self.wmopkg("conflicts", "many").stdout.splitlines()), 51 + 3)
        self.assertEqual(len(self.read_json("conflicts")["packages"][0]["changes"]), 51)

    def test_json(self):
        self.running("base", "top")
        firmware = {"firmware": True}
        base = {"package": "base", "version": VERSION, "identity": "base", "persistent": False}
        top = {"package": "top", "version": VERSION, "identity": "acme-top", "persistent": False}
        told = self.read_json("conflicts")
        self.assertEqual(told, {"format": 1, "packages": [
            {**top, "changes": [
                {"path": "/etc/ld.so.preload", "does": "adds",
                 "critical": "a library that the loader puts into all programs"},
                {"path": "/etc/motd", "does": "replaces", "of": base},
                {"path": "/etc/own", "does": "deletes", "of": base},
                {"path": "/etc/passwd", "does": "replaces", "of": firmware,
                 "critical": "who may log in"},
                {"path": "/usr/share/ours", "does": "hides", "of": base}]},
            {**base, "changes": [
                {"path": "/etc/motd", "does": "replaces", "of": firmware, "covered_by": top},
                {"path": "/etc/own", "does": "adds", "covered_by": top},
                {"path": "/usr/share/notes/deleted", "does": "deletes", "of": firmware},
                {"path": "/usr/share/notes/hidden", "does": "hides", "of": firmware},
                {"path": "/usr/share/ours/file", "does": "adds", "covered_by": top}]}],
            "count": {"adds": 4, "replaces": 3, "deletes": 2, "hides": 2, "changes": 0, "covered": 3,
                      "critical": 2},
            "unknown": []})

    def test_nobody_else(self):
        """What lies in the boot's folders is for root alone, and is said to be."""
        self.running("base")
        os.chmod("run/layers", 0o700)
        for folder in ("data", "persist", "keys", "run"):
            os.chmod(folder, 0o755)
        result = self.wmopkg("which", "/etc/motd", user=65534)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("run/layers/root: Permission denied", result.stderr)


class ZSchemas(unittest.TestCase):
    """Comes last: no key of a schema that none of the above had."""

    def test_every_key_was_seen(self):
        unseen = schema.unseen("which") + schema.unseen("conflicts")
        # `create` lets no such mark into a package, and nothing is mounted in a tree of folders
        self.assertEqual([key for key in unseen if not key.endswith("/redirected")],
                         ["which.json/mounted"])


class Warnings(Contents):
    """What install and verify say of a package that changes what the device depends on."""

    TOP = ("warning: top: adds /etc/ld.so.preload: a library that the loader puts into all programs\n"
           "warning: top: replaces /etc/passwd: who may log in")

    def test_install(self):
        self.running("quiet")
        output = (f"top.wmopkg:\n{bench.BAR}    PKG: Signed\n{bench.INSTALLED}")
        self.check(0, output, self.TOP, "install", self.top)
        self.check_notes("base", "Note: 3 files of this one will be covered by package 'top', first "
                         "/etc/motd. See: wmopkg conflicts base")
        # in place of the one of its name, which is not compared with itself
        self.check_notes("base", "Replaces version 5.26.0-rev0 with the same version.",
                         "Note: 3 files of this one will be covered by package 'top', first "
                         "/etc/motd. See: wmopkg conflicts base")

    def check_notes(self, name, *notes):
        """What install prints between the verdict and its last line."""
        done = self.wmopkg("install", f"{self.shared}/{name}.wmopkg")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.split("PKG: Signed\n")[1].splitlines()[:-1], list(notes))

    def test_covers(self):
        """Files of other packages, of which no image is read; as `conflicts` counts them, so not
        folders that are merged, nor what another package covers already."""
        for number in range(6):
            self.pack(f"p{number}", {f"opt/p{number}/file": "x", "opt/all": f"{number}"})
        self.running("quiet", "base", "p0")
        self.pack("brand", {"etc/motd": "x", "usr/share/ours/file": "x", "etc/own": "whiteout",
                            "opt/p0": None, "opt/all": "x"}, "--priority", "3")
        notes = ["Note: 3 files of package 'base' will be covered by this one, first /etc/motd. See: "
                 "wmopkg conflicts brand",
                 "Note: 1 file of package 'p0' will be covered by this one: /opt/all. See: wmopkg "
                 "conflicts brand"]
        self.check_notes("brand", *notes)
        told = [package for package in self.read_json("conflicts", "brand")["packages"]][0]
        self.assertEqual([change["path"] for change in told["changes"]
                          if change["of"].get("package") == "base"],
                         ["/etc/motd", "/etc/own", "/usr/share/ours/file"])
        # what it covers of p0 lies below brand, so nothing of p0 is lost by the next
        self.check_notes("p1", "Note: 1 file of this one will be covered by package 'brand': "
                         "/opt/all. See: wmopkg conflicts p1")
        # left out by the next boot: it covers nothing
        self.boot("wmopkg.disable=brand")
        self.check_notes("p2", "Note: 1 file of package 'p1' will be covered by this one: /opt/all. "
                         "See: wmopkg conflicts p2")
        self.boot("")
        # an image with a damaged block is listed all the same: only its folders are read
        self.put("pkgname")
        with open("data/packages/pkgname.wmopkg", "r+b") as file:
            file.seek(1 << 20)
            file.write(b"damaged")
        self.assertIn(" Invalid ", self.wmopkg("show", "pkgname", "brief").stdout)
        self.pack("quieter", {"noise": "x"})
        self.check_notes("quieter", "Note: 1 file of package 'pkgname' will be covered by this one: "
                         "/noise. See: wmopkg conflicts quieter")

    def test_covers_many(self):
        """Four lines at most, and one for the rest."""
        self.running("quiet")
        for number in range(6):
            self.put(os.path.basename(self.pack(f"m{number}", {f"opt/m{number}": "x"}))[:-7])
        bench.write("image", b"hsqs" + b"no squashfs" * 1000)
        self.seal("odd", "image")
        shutil.copy("odd.wmopkg", "data/packages")
        self.pack("z", {f"opt/m{number}": "z" for number in range(6)}, "--priority", "3")
        self.check_notes(
            "z", *(f"Note: 1 file of package 'm{number}' will be covered by this one: /opt/m{number}. "
                   "See: wmopkg conflicts z" for number in range(4)),
            "Note: 2 more packages cover files of this one, or the reverse. See: wmopkg conflicts z",
            "Note: it is not known whether files of 1 package will be covered, first 'odd': odd: "
            "image: not a squashfs image of version 4.0. See: wmopkg conflicts z")

    def test_many(self):
        self.pack("many", {**{f"lib/modules/6.1.0/{number}.ko": "x" for number in range(30)},
                           **{f"boot/{number}": "x" for number in range(40)},
                           "etc/shadow": "x", "etc/fstab": "x", "etc/inittab": "x",
                           "etc/ld.so.conf": "x", "bin/sh": "x", "sbin/init": "x",
                           **{f"usr/lib/modules/6.1.0/modules.{number}": "x"
                              for number in range(30)}})
        self.running("quiet")
        warned = self.wmopkg("install", "force", f"{self.shared}/many.wmopkg")
        self.assertEqual((warned.returncode, warned.stderr.splitlines()), (0, [
            # a folder in place of the firmware's link, which lies on top
            "wmopkg: warning: many: replaces /bin, and 1 more: belongs to the activation "
            "engine, which keeps the firmware's own",
            "wmopkg: warning: many: adds /boot/0, and 39 more: what the device boots",
            "wmopkg: warning: many: adds /etc/fstab: which file systems are mounted",
            "wmopkg: warning: many: adds /etc/inittab: what the first program starts",
            "wmopkg: warning: many: adds /etc/ld.so.conf: where the loader finds libraries",
            "wmopkg: warning: many: adds /etc/shadow: who may log in",
            "wmopkg: warning: many: replaces /lib: the loader of all programs",
            "wmopkg: warning: many: adds /sbin/init: the first program",
            "wmopkg: warning: many: changes 30 more system-critical paths",
            "wmopkg: warning: many: it has the folder /bin, where the firmware has a link: its "
            "files belong where that link leads"]))

    def test_engine(self):
        """`create` refuses it, so it is sealed by hand. A name before the firmware's in PATH,
        one where only a link of the firmware leads, one that only the configuration protects,
        and one that nothing protects."""
        make_tree("run/layers/root", {**FIRMWARE, "usr/local/sbin": ("link", "../../opt/admin"),
                                      "opt/x/bin/tool": "firmware\n"})
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("protect = {/opt/x/bin/tool, /opt/x/none}\n")
        make_tree("tree", {"usr/local/bin/wmopkg": "x", "opt/admin/wmopkg": "x",
                           "opt/x/bin/tool": "x", "opt/x/none": "x", "opt/y/bin/wmopkg": "x",
                           "usr/bin/wmopkg-build": "x", "etc/profile.d/path.sh": "x"})
        os.setxattr("tree/usr/local/bin", "trusted.overlay.opaque", b"y")
        subprocess.run(["mksquashfs", "tree", "image", "-all-root", "-noappend", "-no-progress",
                        "-quiet"], check=True, stdout=subprocess.DEVNULL)
        package = self.seal("evil", "image")
        self.running("quiet")
        engine = "belongs to the activation engine, which keeps the firmware's own"
        warned = self.wmopkg("install", package)
        self.assertEqual((warned.returncode, warned.stderr.splitlines()), (0, [
            "wmopkg: warning: evil: adds /etc/profile.d/path.sh: which programs are found first "
            "(PATH)",
            f"wmopkg: warning: evil: adds /opt/admin/wmopkg, and 3 more: {engine}",
            "wmopkg: warning: evil: adds /opt/y/bin/wmopkg: has the name of a program of the "
            "activation engine"]))
        told = self.read_json("conflicts")["packages"]
        told = [change for package in told for change in package["changes"]]
        self.assertEqual({change["path"]: (change["critical"], change.get("covered_by"))
                          for change in told if "critical" in change}, {
            "/etc/profile.d/path.sh": ("which programs are found first (PATH)", None),
            "/opt/admin/wmopkg": (engine, {"firmware": True}),
            "/opt/x/bin/tool": (engine, {"firmware": True}),
            "/opt/x/none": (engine, {"firmware": True}),
            "/opt/y/bin/wmopkg": ("has the name of a program of the activation engine", None),
            "/usr/local/bin/wmopkg": (engine, {"firmware": True})})

    def test_libraries(self):
        """Those of wmopkg are kept; without those of the first program and of the login the
        device does not start. Others may be replaced."""
        make_tree("run/layers/root", {
            **FIRMWARE,
            "lib64": ("link", "usr/lib"),
            "usr/bin/wmopkg": elf.make("libown.so.1", interpreter=elf.LOADER),
            "usr/bin/login": elf.make("libpam.so.0", interpreter=elf.LOADER),
            "usr/lib/ld-linux-x86-64.so.2": elf.make(),
            "usr/lib/libown.so.1": ("link", "libown.so.1.0"),
            "usr/lib/libown.so.1.0": elf.make("libbelow.so"),
            "usr/lib/libbelow.so": elf.make(),
            "usr/lib/libpam.so.0": elf.make("libaudit.so"),
            "usr/lib/libaudit.so": elf.make(),
            "usr/lib/libother.so": elf.make(),
            "usr/local/lib/none": "x"})
        self.pack("libraries", {
            "etc/ld.so.cache": "x", "usr/lib/libown.so.1": ("link", "libown.so.1.1"),
            "usr/lib/libown.so.1.1": "x", "usr/lib/libbelow.so": "x", "usr/lib/libaudit.so": "x",
            "usr/lib/libpam.so.0": "whiteout", "usr/lib/libother.so": "x",
            "usr/local/lib/libown.so.1": "x", "usr/local/lib/libpam.so.0": "x",
            "usr/bin/login": "x"})
        self.running("quiet")
        kept = "wmopkg needs it, and keeps the firmware's own"
        needed = "the first program or the login needs it"
        warned = self.wmopkg("install", f"{self.shared}/libraries.wmopkg")
        self.assertEqual((warned.returncode, warned.stderr.splitlines()), (0, [
            f"wmopkg: warning: libraries: adds /etc/ld.so.cache, and 3 more: {kept}",
            f"wmopkg: warning: libraries: replaces /usr/bin/login, and 3 more: {needed}"]))
        told = self.read_json("conflicts")["packages"]
        self.assertEqual({change["path"]: change.get("critical") for package in told
                          for change in package["changes"] if package["package"] == "libraries"}, {
            "/etc/ld.so.cache": kept, "/usr/bin/login": needed, "/usr/lib/libaudit.so": needed,
            "/usr/lib/libbelow.so": kept, "/usr/lib/libother.so": None,
            "/usr/lib/libown.so.1": kept, "/usr/lib/libpam.so.0": needed,
            "/usr/local/lib/libown.so.1": kept, "/usr/local/lib/libpam.so.0": needed})

    def test_standard_folders(self):
        """Without one of them, or with something else in its place, programs fail."""
        folders = ("dev", "opt", "proc", "root", "run", "sys", "tmp", "var")
        make_tree("run/layers/root", {**FIRMWARE, **{folder: None for folder in folders},
                                      "opt/x": "x", "srv/own": "x"})
        self.pack("deleted", {**{folder: "whiteout" for folder in folders if folder != "var"},
                              "var": "a file\n", "srv/own": "whiteout"})
        self.running("deleted", "quiet")
        told = [package for package in self.read_json("conflicts")["packages"]
                if package["package"] == "deleted"]
        critical = {change["path"]: "critical" in change for change in told[0]["changes"]}
        self.assertEqual(critical, {"/srv/own": False, **{"/" + folder: True
                                                          for folder in folders}})

    def test_looks(self):
        """A folder that is merged looks as in the package on top; those of the engine's layer do
        as in the firmware. A library that wmopkg needs does not change that."""
        make_tree("run/layers/root", {
            **FIRMWARE, "lib64": ("link", "usr/lib"), "var/tmp": None, "opt/own/x": "x", "srv/x": "x",
            "usr/bin/wmopkg": elf.make("libown.so", interpreter=elf.LOADER),
            "usr/lib/ld-linux-x86-64.so.2": elf.make(), "usr/lib/libown.so": elf.make()})
        os.chmod("run/layers/root/var/tmp", 0o1777)
        os.chown("run/layers/root/srv", 5, 6)
        tree = make_tree("tree", {"var/tmp": None, "opt/own/y": "y", "srv/y": "y", "usr/lib/y": "y",
                                  "usr/bin/y": "y", "etc/y": "y"})
        for path, mode in (("var/tmp", 0o700), ("opt/own", 0o711), ("usr/lib", 0o700),
                           ("usr/bin", 0o700), ("etc", 0o700)):
            os.chmod(f"{tree}/{path}", mode)
        package = bench.make_package("looks.wmopkg", tree, "--keep-modes", keys=self.keys)
        self.running("quiet")
        warned = self.wmopkg("install", package)
        self.assertEqual((warned.returncode, warned.stderr.splitlines()), (0, [
            "wmopkg: warning: looks: changes /opt/own, mode 0755 to 0711: its files are merged "
            "with those that are there",
            "wmopkg: warning: looks: changes /srv, owner 5:6 to 0:0, and 2 more: a standard "
            "folder, which programs expect as it is"]))
        self.assertIn("  changes   the firmware  /var/tmp, mode 1777 to 0700 [critical: a standard "
                      "folder, which programs expect as it is]\n",
                      self.wmopkg("conflicts", "looks").stdout)
        told = [package for package in self.read_json("conflicts")["packages"]
                if package["package"] == "looks"][0]["changes"]
        self.assertEqual([change["path"] for change in told],
                         ["/opt/own", "/srv", "/usr/lib", "/var/tmp"])
        self.assertEqual((told[1]["from"], told[1]["to"]), (
            {"mode": "0755", "uid": 5, "gid": 6}, {"mode": "0755", "uid": 0, "gid": 0}))

    def test_folder_of_programs(self):
        """It stays a folder, but without what the firmware has in it; its links stay."""
        make_tree("run/layers/root", {**FIRMWARE, "usr/local/bin/tool": "firmware\n",
                                      "sbin/tool": "firmware\n"})
        make_tree("tree", {"usr/local/bin": "whiteout", "sbin": "x", "bin": "whiteout"})
        subprocess.run(["mksquashfs", "tree", "image", "-all-root", "-noappend", "-no-progress",
                        "-quiet"], check=True, stdout=subprocess.DEVNULL)
        package = self.seal("evil", "image")
        self.running("quiet")
        warned = self.wmopkg("install", "force", package)
        self.assertEqual(warned.stderr.splitlines(), [
            # a link of the firmware is kept; a folder is kept, but not what is in it
            "wmopkg: warning: evil: deletes /bin, and 1 more: belongs to the activation engine, "
            "which keeps the firmware's own",
            "wmopkg: warning: evil: replaces /sbin: the first program",
            "wmopkg: warning: evil: it has a file or link /sbin, where the firmware has a folder: "
            "all that is in it would be hidden"])

    def test_hides_firmware(self):
        """hides-firmware: another type than the firmware has there: nothing is seen of what was below."""
        make_tree("run/layers/root", {**FIRMWARE, "srv/own/x": "x"})
        link = "it has the folder /{}, where the firmware has a link: its files belong where " \
            "that link leads"
        cases = {
            # what Debian's packages have beside a merged /usr
            "real-lib": ({"lib/modules/6.1/x.ko": "x"}, link.format("lib")),
            "real-out": ({"var/out/x": "x"}, link.format("var/out")),
            "over-file": ({"etc/issue/x": "x"},
                          "it has the folder /etc/issue, where the firmware has a file"),
            "over-folder": ({"srv/own": "x"}, "it has a file or link /srv/own, where the firmware "
                            "has a folder: all that is in it would be hidden"),
            "link-over-folder": ({"srv/own": ("link", "other")}, "it has a file or link /srv/own, "
                                 "where the firmware has a folder: all that is in it would be "
                                 "hidden"),
        }
        self.running("quiet")
        for name, (files, why) in cases.items():
            package = self.pack(name, files)
            refused = self.wmopkg("install", package)
            self.assertEqual(refused.returncode, 3, refused.stderr)
            self.assertEqual(refused.stderr.splitlines()[-1],
                             f"wmopkg: {package}: {why} (ask the vendor for a package that was "
                             "made with --base; to install it all the same: install force ...)")
            self.assertFalse(os.path.exists(f"data/packages/{name}.wmopkg"))
            self.assertIn(f"wmopkg: warning: {name}: {why}: install refuses it without force\n",
                          self.wmopkg("verify", package).stderr)
            forced = self.wmopkg("install", "force", package)
            self.assertEqual(forced.returncode, 0, forced.stderr)
            self.assertIn(f"wmopkg: warning: {name}: {why}\n", forced.stderr)
        # on purpose, of the same type, or nothing of the firmware
        for name, files in {"deletes": {"srv/own": "whiteout"}, "same": {"var/out": ("link", "x")},
                            "adds": {"srv/new/x": "x", "lib": ("link", "usr/lib")}}.items():
            done = self.wmopkg("install", self.pack(name, files))
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_running_program(self):
        """The program that warns is somewhere that nothing protects."""
        program = os.path.join(os.environ["WMOPKG_BUILD"], "installer", "wmopkg")
        make_tree("run/layers/root", FIRMWARE)
        self.running("quiet")
        for end in ("", "-fetch"):
            make_tree(f"tree{end}", {f"{program[1:]}{name}": "x" for name in (end, "-x")})
            package = bench.make_package("own.wmopkg", f"tree{end}", keys=self.keys)
            warned = self.wmopkg("install", package)
            self.assertEqual(warned.stderr, f"wmopkg: warning: own: adds {program}{end}: part of the "
                             "running wmopkg, which is not protected (set protect)\n")

    def test_same_links(self):
        """A tree that has the links of a merged /usr, as the firmware has them, changes none."""
        links = {"bin": ("link", "usr/bin"), "lib": ("link", "usr/lib"), "usr/bin/sh": ("link", "dash"),
                 "var/out": ("link", "/etc/motd"), "opt/ours": ("link", "own")}
        self.pack("links", {**links, "var/dangling": ("link", "/none-either")})
        self.pack("more", links)
        self.running("quiet")
        for name in ("links", "more"):
            installed = self.wmopkg("install", f"{self.shared}/{name}.wmopkg")
            self.assertEqual((installed.returncode, installed.stderr), (0, ""))
        self.succeed("links 5.26.0-rev0:\n  adds                    /opt/ours, covered by more\n"
                     "  replaces  the firmware  /var/dangling\n\nChanges: adds 1, replaces 1; 1 covered\n",
                     "conflicts", "links")
        self.succeed("No conflicts.\n", "conflicts", "more")
        self.pack("other", {"usr/bin/sh": ("link", "bash"), "opt/ours": ("link", "theirs")})
        self.assertEqual(self.wmopkg("install", f"{self.shared}/other.wmopkg").stderr, "wmopkg: warning: "
                         "other: replaces /usr/bin/sh: the shell that scripts run in\n")

    def test_image_that_cannot_be_listed(self):
        """No kernel mounts it, so it is installed only by force."""
        def image(version=4, attributes=b"\xff" * 8):
            """A super block for gzip, with nothing behind it that could be read."""
            bench.write("image", b"hsqs" + bytes(16) + b"\1\0" + bytes(6) + bytes((version, 0, 0, 0))
                        + bytes(24) + attributes + bytes(8192))
            return self.seal("odd", "image")

        self.running("quiet")
        for crafted, why in (({"version": 3}, "its image is not a squashfs of version 4.0, which no "
                              "device can mount"),
                             ({"attributes": b"\xf0" * 8},
                              "the image's table of attributes lies outside of it")):
            refused = self.wmopkg("install", image(**crafted))
            self.assertEqual((refused.returncode, why in refused.stderr), (3, True), refused.stderr)
        package = image()
        self.check(3, f"odd.wmopkg:\n{bench.BAR}    PKG: Signed\n", f"{package}: odd: image: not a "
                   "squashfs image of version 4.0 (ask the vendor for a corrected package; to install "
                   "it all the same: install force ...)", "install", package)
        self.assertFalse(os.path.exists("data/packages/odd.wmopkg"))
        self.check(0, f"odd.wmopkg:\n{bench.BAR}    PKG: Signed\n{bench.INSTALLED}",
                   "warning: what it changes cannot be determined: odd: image: not a squashfs "
                   "image of version 4.0", "install", "force", package)
        self.succeed("No conflicts.\nNot known: the contents of odd 1.0: odd: image: not a squashfs "
                     "image of version 4.0\n", "conflicts")
        self.succeed("/etc/motd: file of the firmware\nNot known: the contents of odd 1.0: odd: image: "
                     "not a squashfs image of version 4.0\n", "which", "/etc/motd")

    def seal(self, name, image):
        tool = os.path.join(os.environ["WMOPKG_BUILD"], "tests", "overlay", "seal")
        subprocess.run([tool, image, name, "0", f"{self.keys}/signer.key",
                        f"{self.keys}/signer.pem", f"{name}.wmopkg"], check=True)
        return f"./{name}.wmopkg"

    def test_verify(self):
        self.running("base", "quiet")
        told = self.wmopkg("verify", self.top)
        self.assertEqual(told.stderr, "".join(f"wmopkg: {line}\n"
                                              for line in self.TOP.splitlines()))
        self.assertIn("\nChanges: adds 1, replaces 2, deletes 1, hides 1; 2 system-critical\n",
                      told.stdout)
        self.assertEqual(json.loads(self.wmopkg("verify", self.top, "json").stdout)["changes"],
                         {"adds": 1, "replaces": 2, "deletes": 1, "hides": 1, "changes": 0,
                          "covered": 0, "critical": 2})
        # in place of the one of its name, which is not compared with itself
        self.assertIn("\nChanges: adds 3, replaces 1, deletes 1, hides 1\n",
                      self.wmopkg("verify", self.base).stdout)

    def test_verify_what_is_refused(self):
        unsigned = bench.make_package("unsigned.wmopkg", f"{self.shared}/tree-base")
        told = self.wmopkg("verify", unsigned)
        self.assertEqual(told.returncode, 3)
        self.assertNotIn("Changes", told.stdout)


if __name__ == "__main__":
    unittest.main()
