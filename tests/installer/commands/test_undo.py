#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg undo: each change since the boot, one after the other; what cannot be undone says why."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402
import typist  # noqa: E402

ACTIVATE = os.path.join(os.environ["WMOPKG_BUILD"], "initramfs", "wmopkg-activate")
NOTHING = ("nothing to undo: no package was installed or removed since the boot, or all of this was undone, "
           "or a set of changes was cut off and completed later (a factory reset: wmopkg factory-reset "
           "cancel; an unlock statement and a deny list are not undone)")
UNDONE = "Undone... Changes are applied after reboot.\n"
QUESTION = "Undo the last change (y/N)?\n"


class Undo(states.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for version in ("1", "2"):
            os.mkdir(f"{cls.shared}/{version}")
            bench.make_package(f"{cls.shared}/{version}/pkgname.wmopkg", f"{cls.shared}/tree",
                               "--version", version, keys=cls.keys)
        cls.old, cls.new = (f"{cls.shared}/{version}/pkgname.wmopkg" for version in ("1", "2"))
        cls.other = cls.make("other", keys=cls.keys)

    def stored(self):
        """Each package of both stores, and which of the files it is."""
        known = {bench.read(path): name for name, path in (
            ("old", self.old), ("new", self.new), ("other", self.other))}
        return {path: known[bench.read(path)] for path in bench.listing("data", "persist")
                if path.endswith(".wmopkg")}

    def kept(self):
        return sorted(f"{store}/packages/{name}" for store in ("data", "persist")
                      if os.path.isdir(f"{store}/packages")
                      for name in os.listdir(f"{store}/packages") if name.startswith("._"))

    def install(self, package, *words):
        result = self.wmopkg("install", *words, package)
        self.assertEqual(result.returncode, 0, result.stderr)

    def undo(self, *steps):
        """What it says that it does, and does."""
        told = "".join(f"  {step}\n" for step in steps)
        self.succeed(told, "undo", "--check")
        self.succeed(f"{told}{QUESTION}{UNDONE}", "undo", answer="y\n")

    def test_nothing(self):
        self.check(4, "", NOTHING, "undo")
        self.check(4, "", NOTHING, "undo", "--check")
        self.check(4, "", NOTHING, "undo", "--yes")

    def test_one_after_the_other(self):
        """Back through all changes to what the boot found, whatever the stores are."""
        data, persist = "data/packages/pkgname.wmopkg", "persist/packages/pkgname.wmopkg"
        states_seen = [self.stored()]
        for words in (("install", self.old), ("install", self.new), ("install", "persistent", self.old),
                      ("install", self.new), ("install", self.other), ("remove", "pkgname", "--yes"),
                      ("install", self.old), ("remove", "other", "pkgname", "--yes"),
                      ("install", self.other), ("remove", "all", "--yes")):
            self.assertEqual(self.wmopkg(*words).returncode, 0, words)
            states_seen.append(self.stored())
        self.assertEqual(states_seen[3:5], [{persist: "old"}, {persist: "new"}])
        self.assertEqual(states_seen[7], {"data/packages/other.wmopkg": "other", data: "old"})
        states_seen.pop()
        while states_seen:
            self.succeed(UNDONE, "undo", "--yes")
            self.assertEqual(self.stored(), states_seen.pop())
        self.assertEqual(self.kept(), [])
        self.check(4, "", NOTHING, "undo")

    def test_told(self):
        self.install(self.old)
        self.install(self.new, "persistent")
        self.undo("pkgname: version 2 goes, version 1 comes back")
        self.undo("pkgname: version 1 goes")
        self.install(self.old)
        self.install(self.old)
        self.undo("pkgname: version 1 goes, the copy it replaced comes back")
        self.undo("pkgname: version 1 goes")
        self.install(self.new, "persistent")
        self.install(self.other)
        self.wmopkg("remove", "all", "--yes")
        self.undo("other: version 5.26.0-rev0 comes back", "pkgname: version 2 comes back (persistent)")
        events = [json.loads(line) for line in self.wmopkg("audit", "json").stdout.splitlines()]
        self.assertEqual([(event["package"], event["version"], event["persistent"], event["detail"],
                           event.get("verdict", event.get("verification")))
                          for event in events if event["event"] == "undo"], [
            ("pkgname", "1", False, "replaced by what was there before", "Signed"),
            ("pkgname", "1", False, "removed", None),
            ("pkgname", "1", False, "replaced by what was there before", "Signed"),
            ("pkgname", "1", False, "removed", None),
            ("other", "5.26.0-rev0", False, "back after its removal", "Signed"),
            ("pkgname", "2", True, "back after its removal", "Signed")])

    def test_asked(self):
        self.install(self.old)
        told = "  pkgname: version 1 goes\n"
        for answer in ("n\n", "\n"):
            self.refuse(1, "", "undo", answer=answer, output=f"{told}{QUESTION}Nothing undone.\n")
        self.refuse(1, "undo: there is no terminal to ask on (to continue without asking: --yes)",
                    "undo", output=told + QUESTION)
        console = typist.Typist("undo")
        self.addCleanup(console.process.kill)
        console.expect("Undo the last change (y/N)?")
        console.type("y\n")
        self.assertEqual(console.end(), 0)
        self.assertEqual(self.stored(), {})

    def test_active(self):
        """What is active, and back, is as it was: nothing changes with the reboot."""
        self.install(self.old)
        self.booted({**self.entry("pkgname", version="1"), "root_hash": self.root_hash()})
        shown = self.wmopkg("show").stdout
        self.wmopkg("remove", "pkgname", "--yes")
        self.assertIn("removed, active until reboot", self.wmopkg("show").stdout)
        self.succeed(UNDONE, "undo", "--yes")
        self.succeed(shown, "show")
        self.install(self.new)
        self.assertIn("active after reboot, until then version 1", self.wmopkg("show").stdout)
        self.succeed(UNDONE, "undo", "--yes")
        self.succeed(shown, "show")
        self.succeed("The next reboot changes no package.\n", "show", "pending")
        # the same again in a file of its own is another one
        self.install(self.old)
        self.assertIn("until then the copy it replaced", self.wmopkg("show").stdout)

    def root_hash(self):
        told = json.loads(self.wmopkg("show", "pkgname", "json").stdout)["packages"][0]
        return told["package"]["image"]["root_hash"]

    def test_denied_meanwhile(self):
        """It does not come back; the others do, and what replaced it stays."""
        self.install(self.old)
        self.install(self.other)
        self.wmopkg("remove", "all", "--yes")
        subprocess.run([bench.BUILD, "denylist", "--number", "7", "--name", "pkgname=1", "--key",
                        f"{self.keys}/signer.key", "--cert", f"{self.keys}/signer.pem", "deny"],
                       check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.wmopkg("denylist", "deny").returncode, 0)
        why = "Revoked: deny list 7 names pkgname below epoch 1, and its epoch is 0"
        self.check(0, "  other: version 5.26.0-rev0 comes back\n"
                   f"  pkgname: does not come back: {why}\n", "", "undo", "--check")
        self.check(3, "", f"pkgname: {why} (ask the vendor for a newer package)", "undo", "--yes")
        self.assertEqual(self.stored(), {"data/packages/other.wmopkg": "other"})
        event = json.loads(self.wmopkg("audit", "json").stdout.splitlines()[-1])
        self.assertEqual((event["event"], event["package"], event["code"], event["message"]),
                         ("undo", "pkgname", "revoked", why))
        # and nothing before it
        self.check(1, f"  pkgname: does not come back: {why}\n", "", "undo", "--check")
        self.check(3, "", f"pkgname: {why} (ask the vendor for a newer package)", "undo", "--yes")

    def test_denied_what_was_replaced(self):
        package = self.make("fresh", "--name", "pkgname", "--epoch", "3", keys=self.keys)
        os.mkdir("stick")
        shutil.copy(package, "stick/pkgname.wmopkg")
        self.install(self.old)
        self.install("stick/pkgname.wmopkg")
        os.rename("keys", "kept-keys")
        os.mkdir("keys")
        shutil.copy(f"{self.keys}/unlock.pem", "keys")
        result = self.wmopkg("undo", "--yes")
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertIn("wmopkg: pkgname: Untrusted: ", result.stderr)
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(package))

    def test_damaged_or_swapped(self):
        """What somebody did to the kept file is found before it comes back."""
        self.install(self.old)
        self.wmopkg("remove", "pkgname", "--yes")
        kept = self.kept()[0]
        with open(kept, "r+b") as file:
            look = os.stat(file.fileno())
            file.seek(1 << 20)
            file.write(b"damage")
        self.check(1, "", "pkgname: the file that was kept is gone or was changed (install the "
                   "package again)", "undo", "--yes")
        os.utime(kept, ns=(look.st_atime_ns, look.st_mtime_ns))
        result = self.wmopkg("undo", "--yes")
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertIn("wmopkg: pkgname: Invalid: image: block", result.stderr)
        os.unlink(kept)
        shutil.copy(self.other, kept)  # which may get the same inode
        self.check(1, "", "pkgname: the file that was kept is gone or was changed (install the "
                   "package again)", "undo", "--yes")
        os.unlink(kept)
        result = self.wmopkg("undo", "--yes")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(self.stored(), {})

    def test_changed_by_hand(self):
        self.install(self.old)
        shutil.copy(self.other, "data/packages/x")
        os.rename("data/packages/x", "data/packages/pkgname.wmopkg")
        self.check(1, "", "pkgname: another program has changed its file since (see 'wmopkg "
                   "show')",
                   "undo", "--yes")
        self.assertEqual(self.stored(), {"data/packages/pkgname.wmopkg": "other"})

    def test_while_another_installs(self):
        self.install(self.old)
        with open("run/lock/packages", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            result = self.wmopkg("undo", "--yes")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("another installation is under way", result.stderr)
        self.assertEqual(self.stored(), {"data/packages/pkgname.wmopkg": "old"})
        self.succeed(UNDONE, "undo", "--yes")

    def test_two_at_once(self):
        """One does it. The other finds nothing to do, or the change before."""
        self.install(self.old)
        self.install(self.new)
        words = [bench.WMOPKG, "--config", "wmopkg.conf", "undo", "--yes"]
        running = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                   for _ in range(4)]
        done = [process.communicate()[0].decode() for process in running]
        undone = done.count(UNDONE)
        self.assertIn(undone, (1, 2))
        self.assertEqual(self.stored(), {"data/packages/pkgname.wmopkg": "old"} if undone == 1 else {})

    def test_quarantined(self):
        """Its installation ended the quarantine of what it replaced, which must not come back."""
        self.install(self.old)
        identity = json.loads(self.wmopkg("audit", "json").stdout.splitlines()[0])["id"]
        os.makedirs("persist/wmopkg", exist_ok=True)
        bench.write("persist/wmopkg/trials.json", json.dumps({
            "type": "trials", "format": 1, "completed": True, "idle": False, "failed": 0, "packages": [
                {"id": identity, "name": "pkgname", "persistent": False, "state": "quarantined",
                 "incomplete": 0, "ran": False}]}).encode())
        self.assertIn(" Quarantined ", self.wmopkg("show").stdout)
        # removed and back it is quarantined still
        self.wmopkg("remove", "pkgname", "--yes")
        self.succeed(UNDONE, "undo", "--yes")
        self.assertIn(" Quarantined ", self.wmopkg("show").stdout)
        self.install(self.new)
        told = "what was replaced was quarantined"
        self.check(1, f"  pkgname: stays as it is: {told}\n", "", "undo", "--check")
        result = self.wmopkg("undo", "--yes")
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stderr.startswith(f"wmopkg: pkgname: {told}"), result.stderr)
        self.assertEqual(self.stored(), {"data/packages/pkgname.wmopkg": "new"})

    def test_required(self):
        self.install(self.old)
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("require_packages = {pkgname}\n")
        result = self.wmopkg("undo", "--yes")
        self.assertEqual(result.returncode, 3)
        self.assertIn("wmopkg: pkgname: the device does not start without it", result.stderr)
        self.install(self.new)
        self.succeed(UNDONE, "undo", "--yes")
        self.assertEqual(self.stored(), {"data/packages/pkgname.wmopkg": "old"})

    def test_folder(self):
        """What is no package is not kept, and what was done before it not undone without it."""
        self.install(self.other)
        os.mkdir("data/packages/odd.wmopkg")
        self.wmopkg("remove", "odd", "--yes")
        result = self.wmopkg("undo", "--yes")
        self.assertEqual(result.returncode, 1)
        self.assertTrue(result.stderr.startswith("wmopkg: odd: it was a folder, not a package"),
                        result.stderr)
        self.assertEqual(self.stored(), {"data/packages/other.wmopkg": "other"})

    def mount(self, folder, size):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", f"{self.folder}/{folder}"], check=True)

    def test_room(self):
        """An installation that needs it takes the room of what is kept, the oldest first, but for
        what is active, whose room does not become free."""
        self.mount("data", "8m")  # two packages of 3 MiB
        self.install(self.old)
        self.booted(self.entry("pkgname", version="1"))
        with open("data/packages/pkgname.wmopkg", "rb"):  # as the loop device does
            self.wmopkg("remove", "pkgname", "--yes")
            self.install(self.other)
            self.wmopkg("remove", "other", "--yes")
            self.assertEqual(len(self.kept()), 2)
            self.install(self.new)
            self.assertEqual(self.kept(), ["data/packages/._2_pkgname.wmopkg.new"])
            self.succeed(UNDONE, "undo", "--yes")
            told = "its file was deleted to make room"
            self.check(1, f"  other: does not come back: {told}\n", "", "undo", "--check")
            result = self.wmopkg("undo", "--yes")
            self.assertEqual(result.returncode, 1)
            self.assertTrue(result.stderr.startswith(f"wmopkg: other: {told}"), result.stderr)

    def test_room_of_others(self):
        """What is kept does not take the last sixteenth of a volume."""
        self.mount("data", "9700k")  # three packages
        for package in (self.old, self.new, self.old):
            self.install(package)
        self.assertEqual(self.kept(), ["data/packages/._3_pkgname.wmopkg.new"])
        self.undo("pkgname: version 1 goes, version 2 comes back")
        self.check(1, "  pkgname: stays as it is: its file was deleted to make room\n", "", "undo",
                   "--check")
        # what is active keeps its room whether it is kept or not
        self.booted(self.entry("pkgname", version="2"))
        with open("data/packages/pkgname.wmopkg", "rb"):
            self.install(self.old)
            bench.write("data/fill", bytes(3 << 20))
            self.wmopkg("remove", "pkgname", "--yes")
            self.assertEqual(self.kept(), ["data/packages/._3_pkgname.wmopkg.new"])

    def test_full_volume(self):
        """What is active comes back also where there is no room for a byte."""
        self.mount("data", "4m")
        self.install(self.old)
        self.booted(self.entry("pkgname", version="1"))
        with open("data/fill", "wb", buffering=0) as file:
            with self.assertRaises(OSError):
                while True:
                    file.write(bytes(4096))
        self.succeed("Removed... Changes are applied after reboot.\n", "remove", "pkgname", "--yes")
        self.assertEqual(self.stored(), {})
        self.succeed(UNDONE, "undo", "--yes")
        self.assertEqual(self.stored(), {"data/packages/pkgname.wmopkg": "old"})

    def test_full(self):
        """A record that cannot be written costs the undo, and not the change."""
        self.install(self.old)
        self.mount("run", "4k")
        bench.write("run/fill", b"x" * 4096)
        self.succeed("Removed... Changes are applied after reboot.\n", "remove", "pkgname", "--yes")
        self.assertEqual((self.stored(), self.kept()), ({}, []))
        self.check(4, "", NOTHING, "undo")

    def test_record_of_others(self):
        """A record that others may have written does not count."""
        self.install(self.old)
        for mode, owner in ((0o622, 0), (0o600, 1)):
            os.chmod("run/changes", mode)
            os.chown("run/changes", owner, owner)
            self.check(4, "", NOTHING, "undo")
        os.chown("run/changes", 0, 0)
        whole = bench.read("run/changes")
        for damaged in (b"", b"x", whole[:-1], b"\0" * len(whole), whole[:8] + b"\xff" * (len(whole) - 8)):
            bench.write("run/changes", damaged)
            self.check(4, "", NOTHING, "undo")
        bench.write("run/changes", whole)
        self.succeed(UNDONE, "undo", "--yes")

    def test_never_made(self):
        """Recorded, and then the program was killed: the change before it is the last one."""
        self.install(self.old)
        before = bench.read("run/changes")
        self.install(self.new)
        after = bench.read("run/changes")
        self.succeed(UNDONE, "undo", "--yes")
        self.assertEqual(bench.read("run/changes"), before)
        bench.write("run/changes", after)
        self.undo("pkgname: version 1 goes")
        # nor is it in the way of what was before that
        self.check(4, "", NOTHING, "undo")

    def test_killed_after_its_step(self):
        """Undone, and killed before that was recorded: each change before it comes next."""
        self.install(self.other)
        self.install(self.old)
        self.wmopkg("remove", "pkgname", "--yes")
        after = bench.read("run/changes")
        self.succeed(UNDONE, "undo", "--yes")
        bench.write("run/changes", after)
        self.undo("pkgname: version 1 goes")
        self.undo("other: version 5.26.0-rev0 goes")
        self.check(4, "", NOTHING, "undo")

    def test_killed_between_its_steps(self):
        """A move, or its undo, killed when the old file lay in DATA under its own name."""
        self.install(self.other)
        self.install(self.old)
        self.install(self.new, "persistent")
        os.rename("data/packages/._3_pkgname.wmopkg.new", "data/packages/pkgname.wmopkg")
        self.undo("pkgname: version 2 goes, version 1 comes back")
        self.assertEqual(self.stored(), {"data/packages/other.wmopkg": "other",
                                         "data/packages/pkgname.wmopkg": "old"})
        self.undo("pkgname: version 1 goes")
        self.undo("other: version 5.26.0-rev0 goes")

    def test_reboot(self):
        """What is kept goes with the boot, and there is nothing to undo after it."""
        self.install(self.old)
        self.install(self.new)
        self.wmopkg("remove", "pkgname", "--yes")
        self.assertEqual(len(self.kept()), 2)
        kept_record = bench.read("run/changes")
        os.mkdir("root")
        subprocess.run([ACTIVATE, "--config", "wmopkg.conf", "--root", f"{self.folder}/root"],
                       capture_output=True, check=False, timeout=60)
        self.assertEqual((self.kept(), os.path.exists("run/changes")), ([], False))
        self.check(4, "", NOTHING, "undo")
        bench.write("run/changes", kept_record)
        self.check(1, "", "pkgname: the file that was kept is gone or was changed (install the "
                   "package again)", "undo", "--yes")

    def test_reset_requested(self):
        self.install(self.old)
        self.wmopkg("factory-reset", "--yes")
        result = self.wmopkg("undo", "--yes")
        self.assertEqual((result.returncode, result.stdout), (0, UNDONE))
        self.assertIn("a factory reset is requested", result.stderr)

    def test_usage(self):
        self.assertEqual(self.wmopkg("undo", "--check", "--yes").returncode, 2)
        self.assertEqual(self.wmopkg("undo", "pkgname").returncode, 2)
        self.assertIn("take back the last installation or removal", self.wmopkg("help", "undo").stdout)


if __name__ == "__main__":
    unittest.main()
