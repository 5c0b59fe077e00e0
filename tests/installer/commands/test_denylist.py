#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg denylist: what must not run any more, brought as a file."""

import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402

STAYS = "is in force: packages that it names stay out after reboot."
SIGNED = """\
╒ Packages ════════════════════════════════════════════════════════════════════╕
│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTION                   │
│pkgname  5.26.0-rev0  False       Signed        Example                       │
└──────────────────────────────────────────────────────────────────────────────┘
"""
NEWER = "(ask the vendor for a newer package)"


class Denylist(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.by_name = "pkgname below epoch 1, and its epoch is 0"
        cls.seven = cls.denylist(7, "--name", "pkgname=1")

    @classmethod
    def denylist(cls, number, *entries, keys=None):
        path = f"{cls.shared}/denylist-{number}"
        keys = keys or cls.keys
        subprocess.run([bench.BUILD, "denylist", "--number", str(number), *entries,
                        "--key", f"{keys}/signer.key", "--cert", f"{keys}/signer.pem", path],
                       check=True, stdout=subprocess.DEVNULL)
        return path

    def facts(self):
        return json.loads(self.wmopkg("verify", self.package, "json").stdout)

    def refused(self, status, file, message):
        before = bench.listing("persist")
        result = self.wmopkg("denylist", file)
        self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
        self.assertTrue(result.stderr.startswith(f"wmopkg: {file}: "), result.stderr)
        self.assertIn(message, result.stderr)
        made = {"persist/wmopkg"} - set(before)
        self.assertEqual(sorted(set(bench.listing("persist")) - made), before)

    def test_none(self):
        self.succeed("No deny list is in force.\n", "denylist")

    def test_by_name(self):
        self.install(self.package)
        reason = f"deny list 7 names {self.by_name}"
        self.succeed(f"Deny list 7 {STAYS}\npkgname: Revoked: {reason}\n", "denylist", self.seven)
        self.succeed("Deny list 7 is in force already.\n"
                     f"pkgname: Revoked: {reason}\n", "denylist", self.seven)
        self.succeed("Number: 7\nSigner: CN=wmopkg development signer\nTrusted by: root.pem\n"
                     "Denied name: pkgname below epoch 1\n", "denylist")
        self.succeed(bench.WITH_STATE.format(verdict="Revoked", state="Inactive")
                     + f"pkgname: not active: {reason} {NEWER}\n",
                     "show")
        self.check(3, "", f"{self.package}: Revoked: {reason} {NEWER}", "install", self.package)
        newer = self.make("pkgname-newer", "--name", "pkgname", "--epoch", "1", keys=self.keys)
        os.rename(newer, "pkgname.wmopkg")
        self.install("./pkgname.wmopkg")

    def test_is_no_package(self):
        os.rename(self.denylist(12, "--name", "other=1"), "list.denylist")
        self.refuse(3, "./list.denylist: it is a signed statement, not a package (give it to: "
                    "wmopkg denylist ./list.denylist)", "install", "./list.denylist")

    def test_is_written_down_with_its_path(self):
        os.rename(self.denylist(13, "--name", "other=1"), "list.denylist")
        self.succeed(f"Deny list 13 {STAYS}\n", "denylist", "list.denylist")
        last = self.wmopkg("audit", "json").stdout.splitlines()[-1]
        self.assertEqual(json.loads(last)["source"], f"{self.folder}/list.denylist")

    def test_by_key_and_root_hash(self):
        facts = self.facts()
        image = facts["image"]["root_hash"]
        self.succeed(f"Deny list 1 {STAYS}\n", "denylist", self.denylist(1, "--root-hash", image))
        self.check(3, "", f"{self.package}: Revoked: deny list 1 names its root hash {NEWER}",
                   "install", self.package)
        key = facts["signers"][0]["key"]
        newer = self.denylist(2, "--key-id", key)
        self.succeed(f"Deny list 2 {STAYS}\n", "denylist", newer)
        self.succeed("Deny list 2 is in force already.\n", "denylist", newer)
        self.check(3, "", f"{self.package}: Revoked: deny list 2 names a key that it was signed "
                          f"with, {key} {NEWER}", "install", self.package)
        self.assertIn(f"\nDenied key: {key}\n", self.wmopkg("denylist").stdout)
        # its signer is denied by now
        self.refused(3, self.denylist(3), f"deny list 2 names a key that it was signed with, {key}")

    def test_number_only_rises(self):
        self.assertEqual(self.wmopkg("denylist", self.seven).returncode, 0)
        self.refused(3, self.denylist(6), "its number is 6, and number 7 is in force on this device "
                                          "(get the newest deny list from the vendor)")

    def test_one_copy_is_enough(self):
        self.assertEqual(self.wmopkg("denylist", self.seven).returncode, 0)
        for damage in (os.unlink, lambda path: bench.write(path, b"x")):
            damage("persist/wmopkg/denylist")
            result = self.wmopkg("denylist")
            self.assertIn("Number: 7\n", result.stdout)
            self.assertIn("; number 7 stays in force by its second copy\n", result.stderr)
            result = self.wmopkg("denylist", self.denylist(6))
            self.assertEqual(result.returncode, 3)
            self.assertIn("its number is 6, and number 7 is in force", result.stderr)
            result = self.wmopkg("denylist", self.seven)
            self.assertEqual((result.returncode, result.stdout),
                             (0, "Deny list 7 is in force already.\n"))
            self.succeed("Deny list 7 is in force already.\n", "denylist", self.seven)

    def test_a_number_that_is_only_remembered(self):
        """Whoever writes PERSIST can write any number there: it locks no list out."""
        self.assertEqual(self.wmopkg("denylist", self.seven).returncode, 0)
        for number in (7, 4294967295):
            for name in ("denylist", "denylist.copy"):
                if os.path.exists(f"persist/wmopkg/{name}"):
                    os.unlink(f"persist/wmopkg/{name}")
            bench.write("persist/wmopkg/floors.json", json.dumps({
                "format": 1, "time": 0, "denylist": number, "epochs": {}}).encode())
            gone = (f"warning: deny list: number {number} was in force on this device, and is "
                    "missing now")
            self.check(0, "No deny list is in force.\n", gone, "denylist")
            six = self.denylist(6)
            self.check(0, f"Deny list 6 {STAYS}\n",
                       f"{gone}\nwarning: {six}: number {number} is remembered by this device, "
                       "but there is no list that vouches for it: number 6 is accepted",
                       "denylist", six)
            self.succeed("Number: 6\nSigner: CN=wmopkg development signer\n"
                         "Trusted by: root.pem\n", "denylist")
            self.refused(3, self.denylist(5), "its number is 5, and number 6 is in force")

    def test_strangers_list(self):
        """Put on PERSIST, in place of the vendor's, with the highest number there is."""
        subprocess.run([bench.BUILD, "keys", "strangers"], check=True, stdout=subprocess.DEVNULL)
        key = self.facts()["signers"][0]["key"]
        stranger = bench.read(shutil.move(
            self.denylist(4294967295, "--key-id", key, keys="strangers"), "stranger"))
        self.assertEqual(self.wmopkg("denylist", self.seven).returncode, 0)
        bench.write("persist/wmopkg/denylist", stranger)
        result = self.wmopkg("denylist")
        self.assertIn("Number: 7\n", result.stdout)
        self.assertIn("its file holds number 4294967295, which no key of the key ring vouches for",
                      result.stderr)
        # with the second copy gone it denies, for as long as the vendor sends no list
        bench.write("persist/wmopkg/denylist.copy", stranger)
        result = self.wmopkg("denylist")
        self.assertIn("Number: 4294967295\n", result.stdout)
        self.assertIn("\nTrusted by: not in the key ring\n", result.stdout)
        self.assertEqual(self.facts()["verdict"], "Revoked")
        one = self.denylist(1)
        result = self.wmopkg("denylist", one)
        self.assertEqual((result.returncode, result.stdout), (0, f"Deny list 1 {STAYS}\n"))
        self.assertIn(f"wmopkg: warning: {one}: number 1 takes the place of number 4294967295, "
                      "which no key of the key ring vouches for\n", result.stderr)
        self.succeed("Deny list 1 is in force already.\n", "denylist", one)
        self.assertEqual(self.facts()["verdict"], "Signed")
        self.assertEqual(bench.read("persist/wmopkg/denylist.broken"), stranger)

    def test_one_unlock_statement(self):
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("serial = SN-1\n")
        words = ("--serial", "SN-1", "--allow", "downgrade", "--not-after", "4102444799", "--key",
                 f"{self.keys}/unlock.key", "--cert", f"{self.keys}/unlock.pem")
        for name in ("one", "two"):
            subprocess.run([bench.BUILD, "unlock", "--id", name, *words, f"{name}.unlock"],
                           check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.wmopkg("unlock", "one.unlock").returncode, 0)
        shown = json.loads(self.wmopkg("unlock", "json").stdout)["statement"]
        for number, what in ((1, "one.unlock"), (2, shown["hash"])):
            path = self.denylist(number, "--unlock", what)
            result = self.wmopkg("denylist", path)
            self.assertEqual(result.returncode, 0)
            told = ("Unlock statement: Revoked: deny list 1 names it, or a key that it was signed "
                    "with\n" if number == 1 else "")  # it was revoked before by then
            self.assertEqual(result.stdout, f"Deny list {number} {STAYS}\n{told}")
            result = self.wmopkg("unlock", "one.unlock")
            self.assertEqual(result.returncode, 3)
            self.assertIn(f"one.unlock: deny list {number} names this unlock statement",
                          result.stderr)
        self.assertIn(f"Denied unlock: {shown['hash']}\n", self.wmopkg("denylist").stdout)
        self.assertEqual(self.wmopkg("unlock", "two.unlock").returncode, 0)
        self.assertIn("Unlocked: downgrade\n", self.wmopkg("unlock").stdout)

    def test_refused(self):
        subprocess.run([bench.BUILD, "keys", "strangers"], check=True, stdout=subprocess.DEVNULL)
        stranger = shutil.move(self.denylist(9, keys="strangers"), "stranger")
        self.refused(3, stranger, "(ask for one that is signed for this device)")
        self.refused(3, self.package, "it is a package, not a signed statement")
        self.refused(4, "not-there", "No such file or directory")
        damaged = bench.write("damaged", bench.read(self.seven)[:-1])
        self.refused(3, damaged, "the file has ")
        self.check(2, "", "denylist: unexpected 'c'\n  denylist a b c\n               ^\n"
                   "  expected: proto, user, password or end of line", "denylist", "a", "b", "c")

    def test_what_runs_goes_on_until_the_reboot(self):
        self.install(self.package)
        stat = os.stat("data/packages/pkgname.wmopkg")
        entry = {"name": "pkgname", "persistent": False, "identity": "pkgname",
                 "version": "5.26.0-rev0", "description": "Example", "verification": "Signed",
                 "active": True, "reason": {"code": "ok", "message": ""},
                 "file": {"inode": stat.st_ino, "bytes": stat.st_size,
                          "changed_ns": stat.st_ctime_ns}}
        bench.write("run/state.json", json.dumps({
            "format": 1, "safe": False, "allow_untrusted": False, "packages": [entry],
            "stack": {"code": "ok", "message": ""}}).encode())
        self.succeed(SIGNED, "show")
        reason = f"deny list 7 names {self.by_name}"
        self.succeed(f"Deny list 7 {STAYS}\npkgname: Revoked: {reason}\n", "denylist", self.seven)
        self.succeed(bench.WITH_STATE.format(verdict="Revoked", state="Ending")
                     + f"pkgname: active until reboot: {reason} {NEWER}\n", "show")
        self.assertIn("\nActive: until reboot\n", self.wmopkg("show", "pkgname").stdout)
        item = json.loads(self.wmopkg("show", "json").stdout)["packages"][0]
        self.assertEqual((item["status"], item["active"], item["verification"],
                          item["reason"]["code"]), ("active", True, "Revoked", "revoked"))

    def test_signer_is_not_in_the_key_ring_any_more(self):
        self.assertEqual(self.wmopkg("denylist", self.seven).returncode, 0)
        subprocess.run([bench.BUILD, "keys", "rotated"], check=True, stdout=subprocess.DEVNULL)
        shutil.copy("rotated/root.pem", "keys/root.pem")
        result = self.wmopkg("denylist")
        self.assertIn("\nTrusted by: not in the key ring\n", result.stdout)
        self.assertIn("it stays in force", result.stderr)
        self.assertEqual(self.facts()["verdict"], "Revoked")


if __name__ == "__main__":
    unittest.main()
