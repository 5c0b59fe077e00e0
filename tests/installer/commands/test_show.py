#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg show, remove and verify in a directory tree, to the letter."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402

TABLE = """\
╒ Packages ════════════════════════════════════════════════════════════════════╕
│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTION                   │
│pkgname  5.26.0-rev0  {kind:10}  {verdict:12}  Example                       │
└──────────────────────────────────────────────────────────────────────────────┘
"""
ROW = TABLE.format(kind="False", verdict="Signed")
PERSISTENT_ROW = TABLE.format(kind="True ", verdict="Signed")
UNKNOWN = "frobnicate: no such package (installed: pkgname)"


class Show(states.Case):
    def test_none(self):
        self.succeed("No packages installed.\n", "show")
        self.succeed("No packages installed.\n", "list")
        self.check(4, "", "frobnicate: no such package (none is installed)", "show", "frobnicate")

    def test_no_store(self):
        """Two empty stores are an answer; where neither is there, nothing is known."""
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'data = "{self.folder}/no-data"\npersist = "{self.folder}/no-persist"\n')
        for words in (("show",), ("show", "json"), ("list",)):
            result = self.wmopkg(*words)
            self.assertEqual((result.returncode, result.stdout), (4, ""), words)
            self.assertIn("wmopkg: warning: wmopkg.conf: 'persist' is set more than once: the last "
                          "value counts\n", result.stderr)
            self.assertIn("wmopkg: it is not known which packages are installed: neither DATA nor "
                          "PERSIST is there (check 'data' and 'persist' in the configuration)\n", result.stderr)
        os.mkdir("no-data")
        result = self.wmopkg("show")
        self.assertEqual((result.returncode, result.stdout), (0, "No packages installed.\n"))

    def test_time_zone(self):
        """What the C library takes for the file of the time zone is not opened: a package may have
        a pipe there, at which each command would wait."""
        os.mkfifo("zone")
        done = subprocess.run([bench.WMOPKG, "--config", "wmopkg.conf", "verify", self.package],
                              env=dict(os.environ, TZ=f":{self.folder}/zone"), capture_output=True,
                              text=True, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(" UTC\n", done.stdout)

    def test_output_lost(self):
        with open("/dev/full", "wb") as full:
            for words in (["show"], ["show", "json"], ["verify", self.package], ["help"],
                          ["help", "show"], ["show", "--help"], ["--help"], ["--version"],
                          ["media"], ["conflicts"], ["which", "/etc"], ["unlock"], ["denylist"],
                          ["audit"], ["boot"],
                          ["install", self.package], ["remove", "pkgname", "--yes"],
                          ["remove", "all", "--yes"]):
                result = subprocess.run([bench.WMOPKG, "--config", "wmopkg.conf", *words], stdout=full,
                                        stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(result.returncode, 1, words)
                # the second of what is longer than the C library's buffer
                self.assertRegex(result.stderr, r"\Awmopkg: done, but its output could not be written: "
                                 r"(No space left on device|a part of it is lost)\n\Z", words)
            for words in (["help"], ["--version"], ["inspect", self.package],
                          ["create", "--version", "1", "--description", "x",
                           f"{self.shared}/tree", "new.wmopkg"], ["keys", "new"]):
                result = subprocess.run([bench.BUILD, *words], stdout=full,
                                        stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(result.returncode, 1, (words, result.stderr))
                self.assertIn("wmopkg-build: done, but its output could not be written: "
                              "No space left on device\n", result.stderr)

    def test_before_any_boot(self):
        self.install(self.package)
        self.succeed(ROW, "show")
        self.succeed(ROW, "list")
        self.check(4, "", UNKNOWN, "show", "frobnicate")
        self.check(4, "", UNKNOWN.replace("frobnicate", "../pkgname"), "show",
                   "../pkgname")

    def test_persistent(self):
        self.install(self.package, "persistent")
        self.succeed(TABLE.format(kind="True", verdict="Signed"), "show")

    def test_read_once(self):
        """An image that matched is not read again while the file is the same; all else is judged
        again, and a boot knows nothing of it."""
        known, path = "run/read-images", "data/packages/pkgname.wmopkg"
        record = struct.Struct("QQQqq32s")

        def identity():
            stat = os.stat(path)
            return (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)

        def shown(*name):
            """The verdict, which is the first of these words."""
            return re.findall("Signed|Invalid|Untrusted", self.wmopkg("show", *name).stdout)[0]

        self.install(self.package)
        self.assertEqual(os.stat(known).st_mode & 0o777, 0o600)
        kept = record.unpack(bench.read(known))
        self.assertEqual(kept[:5], identity())
        self.assertEqual(shown(), "Signed")
        self.assertEqual(record.unpack(bench.read(known)), kept)
        # written to: it is another file
        with open(path, "r+b") as file:
            file.seek(-8192, os.SEEK_END)
            file.write(b"damage")
        self.assertEqual(shown(), "Invalid")
        self.assertEqual(shown("pkgname"), "Invalid")
        # if that had matched, it would not be read, and what it is would be judged
        bench.write(known, record.pack(*identity(), kept[5]))
        self.assertEqual(shown(), "Signed")
        self.assertEqual(shown("pkgname"), "Signed")
        bench.write(known, record.pack(*identity(), bytes(32)))  # of another package
        self.assertEqual(shown(), "Invalid")
        bench.write(known, record.pack(*identity(), kept[5]))
        os.rename("keys", "kept")
        os.mkdir("keys")
        shutil.copy(f"{self.keys}/unlock.pem", "keys")
        self.assertEqual(shown(), "Untrusted")
        shutil.rmtree("keys")
        os.rename("kept", "keys")
        # others may have written it
        os.chmod(known, 0o622)
        self.assertEqual(shown(), "Invalid")
        os.chmod(known, 0o600)
        self.assertEqual(shown(), "Signed")
        os.chown(known, 1, 1)
        self.assertEqual(shown(), "Invalid")
        for damaged in (b"x", bytes(72 * 1025)):
            bench.write(known, damaged)
            self.assertEqual(shown(), "Invalid")

    def test_refused(self):
        self.boot("wmopkg.allow_untrusted=1")
        package = self.make("unsigned")
        os.mkdir("stick")
        shutil.copy(package, "stick/pkgname.wmopkg")
        self.wmopkg("install", "stick/pkgname.wmopkg")
        table = TABLE.format(kind="False", verdict="Unsigned")
        self.check(0, table, bench.ALLOWED, "show")
        shown = self.wmopkg("show", "json")
        self.assertEqual((shown.stderr, json.loads(shown.stdout)["allow_untrusted"]), ("", True))
        self.boot("")
        table = bench.WITH_STATE.format(verdict="Unsigned", state="Inactive")
        self.succeed(f"{table}pkgname: not active: {bench.UNSIGNED}\n", "show")

    def test_no_package_at_all(self):
        os.mkdir("data/packages")
        bench.write("data/packages/x.wmopkg", b"")
        os.mkdir("data/packages/y.wmopkg")
        output = self.wmopkg("show").stdout
        self.assertIn("│x     -        False       Invalid       ", output)
        self.assertIn("│y     -        False       Invalid       ", output)
        self.assertTrue(output.endswith(
            f"┘\nx: not active: the file is empty ({bench.INCOMPLETE})\n"
            "y: not active: a folder, not a file (give the name of a regular file)\n"), output)

    def test_signers_that_are_not_there(self):
        """A name that is mistyped refuses every package: it is said."""
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("signers = {root.pem, missing.pem}\n")
        self.check(0, "No packages installed.\n", "warning: signers: missing.pem is not in the key "
                   "ring, so no package can have a signature of it (correct signers in the "
                   "configuration, or add the certificate)", "show")

    def test_active(self):
        self.install(self.package)
        self.booted(self.entry("pkgname"))
        self.succeed(ROW, "show")
        self.assertIn("\nActive: yes\n", self.wmopkg("show", "pkgname").stdout)

    def test_the_boot_s_word_counts_for_the_same_file(self):
        self.install(self.package)
        self.booted(self.entry("pkgname", active=False, verification="Invalid",
                               code="image-mismatch", message="image block 7 does not match"))
        self.succeed(bench.WITH_STATE.format(verdict="Invalid", state="Inactive") +
                     "pkgname: not active: image "
                     f"block 7 does not match ({bench.AGAIN})\n", "show")

    def test_left_out_though_signed(self):
        self.install(self.package)
        self.boot("wmopkg.disable=pkgname")
        self.booted(self.entry("pkgname", active=False, code="disabled",
                               message="the boot configuration leaves it out (wmopkg.disable)"))
        line = ("the boot configuration leaves it out (wmopkg.disable) (remove the name from wmopkg.disable in the "
                "boot configuration)\n")
        self.succeed(bench.WITH_STATE.format(verdict="Signed", state="Inactive") +
                     f"pkgname: not active: {line}", "show")
        reason, hint = line.rstrip(")\n").rsplit(" (", 1)
        self.assertIn(f"\nActive: no\nVerification: Signed\nReason: {reason} (disabled)\n"
                      f"What to do: {hint}\nThis boot: 5.26.0-rev0: Signed, not active: disabled: "
                      f"{reason}\n", self.wmopkg("show", "pkgname").stdout)

    def test_stack_failed(self):
        self.install(self.package)
        stack = {"code": "stack-failed", "message": "the root has no room for it"}
        for entries in ([self.entry("pkgname", active=False)],
                        [self.entry("pkgname", active=False, code="no-signature",
                                    message="it has no signature")], []):
            self.booted(*entries, stack=stack, allow_untrusted=True)
            self.succeed(bench.WITH_STATE.format(verdict="Signed", state="Inactive") +
                         "pkgname: not active: the root has no room for it "
                         "(see the kernel log with 'dmesg')\n", "show")

    def test_installed_since(self):
        self.booted()
        self.install(self.package)
        self.succeed(f"{ROW}pkgname: active after reboot\n", "show")
        self.assertIn("\nActive: after reboot\n", self.wmopkg("show", "pkgname").stdout)

    def test_replaced_since(self):
        self.install(self.package)
        self.booted(self.entry("pkgname", version="1.0"))
        self.install(self.package)
        self.succeed(f"{ROW}pkgname: active after reboot, until then version 1.0\n", "show")
        self.assertIn("\nActive: after reboot\nUntil reboot: version 1.0\n",
                      self.wmopkg("show", "pkgname").stdout)

    def test_replaced_by_the_same_version(self):
        self.install(self.package)
        self.booted(self.entry("pkgname"))
        self.install(self.package)
        self.succeed(f"{ROW}pkgname: active after reboot, until then the copy it replaced\n",
                     "show")

    def test_replaced_by_what_is_refused(self):
        """What runs goes on, and comes to an end."""
        self.install(self.package)
        self.booted(self.entry("pkgname", version="1.0"))
        shutil.copy(self.make("unsigned"), "data/packages/pkgname.wmopkg")
        self.succeed(bench.WITH_STATE.format(verdict="Unsigned", state="Inactive") +
                     "pkgname: not active after "
                     f"reboot, until then version 1.0: {bench.UNSIGNED}\n", "show")
        self.assertIn("\nActive: no\nUntil reboot: version 1.0\nVerification: Unsigned\n",
                      self.wmopkg("show", "pkgname").stdout)
        item = json.loads(self.wmopkg("show", "json").stdout)["packages"][0]
        self.assertEqual((item["status"], item["active"], item["ends"], item["running_version"]),
                         ("inactive", True, True, "1.0"))

    def test_removed_since(self):
        self.install(self.package)
        self.booted(self.entry("pkgname"), self.entry("other", active=False))
        os.unlink("data/packages/pkgname.wmopkg")
        self.succeed("No packages installed.\npkgname: removed, active until reboot\n", "show")
        self.assertIn("\nActive: until reboot, it is removed\n",
                      self.wmopkg("show", "pkgname").stdout)

    def test_moved_to_the_other_store_since(self):
        self.install(self.package)
        self.booted(self.entry("pkgname"))
        self.succeed("Removed... Changes are applied after reboot.\n", "remove", "pkgname", "-y")
        self.install(self.package, "persistent")
        table = TABLE.format(kind="True", verdict="Signed")
        self.succeed(f"{table}pkgname: moved, active after reboot, until then from the other store\n",
                     "show")
        self.assertIn("\nActive: after reboot\nUntil reboot: version 5.26.0-rev0, from the other "
                      "store\n", self.wmopkg("show", "pkgname").stdout)
        packages = json.loads(self.wmopkg("show", "json").stdout)["packages"]
        self.assertEqual([(item["status"], item["active"], item["moved"], item["running_version"],
                           item["persistent"]) for item in packages],
                         [("pending", True, True, "5.26.0-rev0", True)])
        self.booted(self.entry("pkgname", version="1.0"))
        self.succeed(f"{table}pkgname: moved, active after reboot, until then version 1.0\n", "show")

    def test_unreadable_state(self):
        self.install(self.package)
        bench.write("run/state.json", b"{")
        result = self.wmopkg("show")
        self.assertEqual((result.returncode, result.stdout), (0, ROW))
        self.assertRegex(result.stderr, rf"\Awmopkg: warning: {self.folder}/run: .*\n\Z")

    def test_allowed_no_more(self):
        """What ran untrusted ends at the reboot, once nothing allows it."""
        os.mkdir("data/packages")
        shutil.copy(self.make("unsigned"), "data/packages/pkgname.wmopkg")
        table = TABLE.format(kind="False", verdict="Unsigned")
        entry = self.entry("pkgname", verification="Unsigned", code="no-signature",
                           message="it has no signature")
        self.boot("wmopkg.allow_untrusted=1")
        self.booted(entry, allow_untrusted=True)
        self.check(0, table, bench.ALLOWED, "show")
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("anchor = always\n")
        result = self.wmopkg("show")
        table = bench.WITH_STATE.format(verdict="Unsigned", state="Ending")
        self.assertEqual(result.stdout, f"{table}pkgname: active until reboot: it has no signature "
                         "(install one signed for this device, or ask for an unlock statement)\n")
        item = json.loads(self.wmopkg("show", "json").stdout)["packages"][0]
        self.assertEqual((item["status"], item["active"], item["ends"]), ("active", True, True))
        self.assertIn("\nActive: until reboot\nVerification: Unsigned\n",
                      self.wmopkg("show", "pkgname").stdout)

    def test_volume_that_is_not_there(self):
        self.install(self.package)
        shutil.rmtree("persist")
        missing = f"{self.folder}/persist: No such file or directory"
        self.check(0, ROW, f"warning: persist: {missing}", "show")
        package = self.make("other", keys=self.keys)
        self.check(4, "", f"warning: persist: {missing}\n{package}: there is no persistent store "
                   "(check 'persist' in the configuration)",
                   "install", "persistent", package)

    def test_volume_that_cannot_be_mounted(self):
        """It costs what is on it: persistent packages are shown."""
        package = self.make("pkgname", keys=self.keys)
        self.assertEqual(self.wmopkg("install", "persistent", package).returncode, 0)
        with open("rubbish", "wb") as file:
            file.write(b"\xff" * (1 << 20))
        loop = subprocess.run(["losetup", "--find", "--show", "rubbish"], check=True,
                              capture_output=True, text=True).stdout.strip()
        self.addCleanup(subprocess.run, ["losetup", "--detach", loop], check=True)
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f"data = {loop}\n")
        result = self.wmopkg("show")
        self.assertEqual((result.returncode, result.stdout), (0, PERSISTENT_ROW))
        self.assertRegex(result.stderr, r"\Awmopkg: warning: wmopkg.conf: 'data' is set more than once: "
                         rf"the last value counts\nwmopkg: warning: data: {loop} holds no known file system, or "
                         r"several \(repair it, or format it as ext4, btrfs or f2fs\)\n\Z")
        self.assertRegex(self.wmopkg("install", self.make("other", keys=self.keys)).stderr,
                         r"there is no data store \(check 'data' in the configuration\)\n\Z")


class Remove(bench.Case):
    QUESTION = "Remove package pkgname (y/N)?\n"
    REMOVED = "Removed... Changes are applied after reboot.\n"

    def test_one_folder_for_both(self):
        """The reason is said, as at a boot, and not only that there is no store."""
        os.symlink("persist", "link")
        for data in ("persist", "persist/", "link"):
            with open("wmopkg.conf", "a", encoding="utf-8") as file:
                file.write(f'data = "{self.folder}/{data}"\n')
            result = self.wmopkg("install", self.package)
            self.assertEqual(result.returncode, 4, result)
            self.assertIn("wmopkg: warning: data: is the same folder as persist, and counts as missing "
                          "(configure two)\n", result.stderr)
            self.assertEqual(bench.listing("persist"), [])

    def test_yes(self):
        for answer in ("y\n", "Y\n", "yes\n", "y"):
            self.install(self.package)
            self.succeed(self.QUESTION + self.REMOVED, "remove", "pkgname", answer=answer)
            self.assertEqual(bench.listing("data"), ["data/packages"])

    def test_no(self):
        self.install(self.package)
        for answer in ("\n", "n\n", "N\n", "yep\n", "ye", "maybe y\n", "y" * 100 + "\n"):
            self.refuse(1, "", "remove", "pkgname", answer=answer,
                        output=self.QUESTION + "Nothing removed.\n")

    def test_nobody_to_ask(self):
        self.install(self.package)
        nobody = "remove: there is no terminal to ask on (to continue without asking: --yes)"
        self.refuse(1, nobody, "remove", "pkgname", output=self.QUESTION)
        self.refuse(1, nobody, "remove", output="Remove all packages (y/N)?\n")

    def test_not_asked(self):
        for word in ("--yes", "-y"):
            self.install(self.package)
            self.succeed(self.REMOVED, "remove", word, "pkgname")
            self.assertEqual(bench.listing("data"), ["data/packages"])

    def test_not_asked_about_nothing(self):
        """A script whose $NAME is empty does not empty the device."""
        self.install(self.package)
        for words in (("--yes",), ("-y",)):
            self.refuse(2, "remove: --yes without a name (give NAME or all)", "remove", *words)
        self.succeed("Removing all packages... Changes are applied after reboot.\n", "remove",
                     "all", "--yes")

    def test_several(self):
        for name in ("alpha", "beta", "gamma"):
            self.install(self.make(name, keys=self.keys))
        self.refuse(4, "delta: no such package (installed: alpha, beta, gamma)", "remove", "alpha",
                    "delta", "--yes")
        self.succeed("Remove packages gamma, alpha and beta (y/N)?\n" + self.REMOVED, "remove",
                     "gamma", "alpha", "gamma", "beta.wmopkg", answer="y\n")
        self.assertEqual(bench.listing("data"), ["data/packages"])

    def test_file_name(self):
        """A file name is taken for its package, unless a package is called so."""
        self.install(self.package)
        os.rename("data/packages/pkgname.wmopkg", "data/packages/x.wmopkg")
        shutil.copy("data/packages/x.wmopkg", "data/packages/x.wmopkg.wmopkg")
        self.assertIn("Name: x.wmopkg\n", self.wmopkg("show", "x.wmopkg").stdout)
        for left in (["data/packages", "data/packages/x.wmopkg"], ["data/packages"]):
            self.succeed(self.REMOVED, "remove", "x.wmopkg", "--yes")
            self.assertEqual(bench.listing("data"), left)
        self.check(4, "", "x.wmopkg: no such package (none is installed)", "remove", "x.wmopkg")

    def test_folder(self):
        """What is called like a package, and is a folder."""
        for store in ("data", "persist"):
            os.makedirs(f"{store}/packages/odd.wmopkg/in it")
            bench.write(f"{store}/packages/odd.wmopkg/in it/file", b"x")
        self.assertIn("Invalid", self.wmopkg("show").stdout)
        for _ in range(2):
            self.succeed(self.REMOVED, "remove", "odd", "--yes")
        self.assertEqual(bench.listing("data", "persist"), ["data/packages", "persist/packages"])

    def test_unknown(self):
        self.check(4, "", "frobnicate: no such package (none is installed)", "remove", "frobnicate")
        self.install(self.package)
        self.refuse(4, UNKNOWN, "remove", "frobnicate")

    def test_required(self):
        """Without it the next boot would be refused."""
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("require_packages = {pkgname}\n")
        self.install(self.package)
        self.install(self.make("other", keys=self.keys))
        told = ("pkgname: the device does not start without it (install another version over it, or "
                "change require_packages in the configuration)")
        for words in (("pkgname",), ("pkgname", "--yes"), ("all", "--yes"), ()):
            self.refuse(3, told, "remove", *words)
            self.assertEqual(bench.listing("data"), ["data/packages", "data/packages/other.wmopkg",
                                                     "data/packages/pkgname.wmopkg"])
        self.succeed(self.REMOVED, "remove", "other", "--yes")
        self.install(self.package)
        # nor may another package take its place, or one that does not count
        self.boot("quiet wmopkg.allow_untrusted=1")
        os.mkdir("stick")
        for source, advice in ((f"{self.shared}/other.wmopkg", "give the file another name"),
                               (self.make("plain", "--name", "pkgname"),
                                "install one that is Signed")):
            shutil.copy(source, "stick/pkgname.wmopkg")
            self.check(3, "", f"{bench.ALLOWED}\nstick/pkgname.wmopkg: it would replace pkgname, "
                       f"without which the device does not start ({advice}, or change "
                       "require_packages in the configuration)", "install", "stick/pkgname.wmopkg")
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(self.package))

    def test_all(self):
        other = self.make("other", keys=self.keys)
        for words in (("all",), ()):
            self.install(self.package)
            self.install(other, "persistent")
            self.refuse(1, "", "remove", *words, answer="n\n", output="  other (persistent)\n"
                        "  pkgname\nRemove all packages (y/N)?\nNothing removed.\n")
            self.succeed("  other (persistent)\n  pkgname\nRemove all packages (y/N)?\nRemoving all packages... Changes are applied "
                         "after reboot.\n", "remove", *words, answer="y\n")
            self.assertEqual(bench.listing("data", "persist"),
                             ["data/packages", "persist/packages"])
            self.succeed("No packages installed.\n", "remove", *words)

    def test_without_a_key_ring(self):
        """What is removed is logged, whoever is trusted."""
        self.install(self.package)
        os.unlink("keys/root.pem")
        os.rmdir("keys")
        bench.write("keys", b"")
        self.succeed(self.REMOVED, "remove", "pkgname", "--yes")
        self.assertEqual([json.loads(line)["event"]
                          for line in self.wmopkg("audit", "json").stdout.splitlines()],
                         ["install", "remove"])

    def test_of_both_stores(self):
        for store in ("data", "persist"):
            os.mkdir(f"{store}/packages")
            shutil.copy(self.package, f"{store}/packages")
        self.succeed(self.QUESTION + self.REMOVED, "remove", "pkgname", answer="y\n")
        self.assertEqual(bench.listing("data", "persist"), ["data/packages", "persist/packages"])

    def test_not_allowed(self):
        self.install(self.package)
        result = self.wmopkg("remove", "pkgname", answer="y\n", user=65534)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(result.stderr, "wmopkg: folder 'packages': Permission denied "
                         "(run it as root, or change the permissions)\n")
        self.assertEqual(os.listdir("data/packages"), ["pkgname.wmopkg"])


class Verify(bench.Case):
    def test_signed(self):
        result = self.wmopkg("verify", self.package)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertTrue(result.stdout.startswith("Verification: Signed\n"))
        self.assertEqual(result.stdout.count("Verification"), 1)
        facts = json.loads(self.wmopkg("verify", self.package, "json").stdout)
        self.assertEqual((facts["accepted"], facts["verdict"], facts["version"]),
                         (True, "Signed", "5.26.0-rev0"))

    def test_unsigned(self):
        package = self.make("unsigned")
        result = self.wmopkg("verify", package)
        self.assertEqual((result.returncode, result.stderr),
                         (3, f"wmopkg: {package}: Unsigned: {bench.UNSIGNED}\n"))
        self.assertTrue(result.stdout.startswith("Verification: Unsigned\n"))
        self.boot("wmopkg.allow_untrusted=1")
        result = self.wmopkg("verify", package)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_invalid(self):
        content = bytearray(bench.read(self.package))
        content[-1] ^= 1
        bench.write("x", content)
        result = self.wmopkg("verify", "x")
        self.assertEqual(result.returncode, 3)
        self.assertTrue(result.stdout.startswith("Verification: Invalid\n"))
        self.assertRegex(result.stderr, rf"\Awmopkg: x: Invalid: .* \({bench.AGAIN}\)\n\Z")

    def test_no_file(self):
        self.check(4, "", "x: cannot be opened: No such file or directory (check the name)", "verify", "x")
        self.check(1, "", "data: a folder, not a file (give the name of a regular file)", "verify", "data")

    def test_needs_no_store(self):
        os.rmdir("data")
        os.rmdir("persist")
        self.assertEqual(self.wmopkg("verify", self.package).returncode, 0)


class Program(bench.Case):
    def test_usage(self):
        hint = "(see 'wmopkg help')"
        self.check(2, "", f"a command is expected {hint}")
        self.check(2, "", f"'frobnicate' is not a command {hint}", "frobnicate")
        self.assertEqual(self.wmopkg("show", "--help").stdout, self.wmopkg("help", "show").stdout)
        self.check(2, "", f"'--frobnicate' is unknown or lacks its value {hint}", "--frobnicate")
        self.check(2, "", f"'--config' is unknown or lacks its value {hint}", "--config")
        # the word that was typed, also where the first letter of it is known
        self.check(2, "", f"'-xh' is unknown or lacks its value {hint}", "--debug", "-xh", "show")
        self.check(2, "", "'instal' is not a command (did you mean install?)", "instal")

    def test_help(self):
        output = self.wmopkg("help").stdout
        for name in ("install", "remove", "show", "list", "verify", "help"):
            self.assertIn(f"\n  {name} ", output)
        self.succeed(output, "--help")
        self.assertIn("\n  remove [NAME... | all]", self.wmopkg("help", "remove").stdout)

    def test_version(self):
        self.assertRegex(self.wmopkg("--version").stdout, r"\Awmopkg \d+\.\d+\.\d+\n\Z")

    def test_configuration(self):
        self.check(4, "", "none.conf: No such file or directory (check the name)", "--config", "none.conf", "show")
        bench.write("bad.conf", b"date = 1\n")
        self.check(1, "", "bad.conf:1: no such option 'date' (correct the configuration file)",
                   "--config", "bad.conf", "show")


if __name__ == "__main__":
    unittest.main()
