#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Catalogues of wmopkg-build against openssl, and against the packages that they name."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_statements import BUILD, Case, SIGNER, UNLOCK, read, run, write  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import schema  # noqa: E402

UNTIL = ("--not-after", "2099-12-31")
END = "2099-12-31 23:59:59 UTC"


class Catalog(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir("made")
        for name, version, *options in (
                ("brand", "1.0"), ("brand", "2.0", "--epoch", "1", "--compatible", "AX-*",
                                   "--firmware-min", "5.0", "--need", "vpn>=2"),
                ("brand", "10.0"), ("vpn", "2", "--conflict", "old")):
            cls.succeed(BUILD, "create", "--version", version, "--description", "Example",
                        "--name", name, *options, *SIGNER, "tree", f"made/{name}-{version}.wmopkg")

    def setUp(self):
        super().setUp()
        os.mkdir("web")

    def put(self, *names):
        for name in names:
            shutil.copy(f"made/{name}.wmopkg", "web")

    def catalog(self, *words, signer=SIGNER, folder="web"):
        return self.build("catalog", *UNTIL, *signer, *words, folder)

    def told(self, name="web/catalog"):
        self.build("extract", "--manifest", "m", name)
        text = json.loads(read("m"))
        schema.check("catalog", text)
        return text

    def test_made_of_the_packages_beside_it(self):
        self.put("brand-1.0", "brand-2.0", "vpn-2")
        write("web/index.html", b"not a package")
        write("web/.hidden.wmopkg", b"nor this")
        self.assertEqual(self.catalog(), f"web/catalog: catalogue 1, 3 packages, until {END}, "
                         "signed\n")
        self.openssl_verify("web/catalog")
        told = self.told()
        self.assertEqual({key: told[key] for key in told if key != "packages"},
                         {"type": "catalog", "format": 1, "number": 1, "not_after": 4102444799})
        self.assertEqual([one["file"] for one in told["packages"]],
                         ["brand-2.0.wmopkg", "brand-1.0.wmopkg", "vpn-2.wmopkg"])
        for one in told["packages"]:
            path = f"web/{one['file']}"
            facts = json.loads(self.build("inspect", "--json", path))
            self.build("extract", "--manifest", "manifest", path)
            self.assertEqual(one["id"], hashlib.sha256(read("manifest")).hexdigest())
            self.assertEqual(one["file_bytes"], os.path.getsize(path))
            self.assertEqual(one["root_hash"], facts["image"]["root_hash"])
            for key in ("name", "version", "compatible", "firmware", "needs", "conflicts_with"):
                self.assertEqual(one.get(key), facts.get(key), key)
            self.assertEqual(one.get("epoch", 0), facts["epoch"])
        lines = self.inspect(0, "Signed", None, "--keys", "keys-ring", "web/catalog")
        self.assertEqual(lines[4:], [
            "Type: catalog", "Number: 1", f"Until: {END}",
            "Package: brand 2.0, epoch 1, brand-2.0.wmopkg",
            "Package: brand 1.0, epoch 0, brand-1.0.wmopkg",
            "Package: vpn 2, epoch 0, vpn-2.wmopkg",
            f"File bytes: {os.path.getsize('web/catalog')}"])
        facts = json.loads(self.build("inspect", "--json", "--keys", "keys-ring", "web/catalog"))
        schema.check("statement", facts)
        self.assertEqual((facts["type"], facts["number"], facts["packages"]),
                         ("catalog", 1, told["packages"]))

    def test_number_rises(self):
        for number in (1, 2, 3):
            self.assertIn(f"catalogue {number}, 0 packages", self.catalog())
        self.catalog("--number", "4294967295")
        for number in ("3", "4294967295"):
            self.refused(3, f"number 4294967295 is in place, and {number} is not higher: no device "
                         "that has seen it would accept this one (bring the server up to date; if "
                         "it is, do not trust it)", "catalog", *UNTIL, "--number", number, "web")
        self.refused(3, "no number is left above 4294967295 (get the file again from its vendor)",
                     "catalog", *UNTIL, "web")
        self.assertEqual(self.told()["number"], 4294967295)

    def test_valid_for_days_after_the_signing_time(self):
        self.build("catalog", "--valid", "30", "--signing-time", "1800000000", *SIGNER, "web")
        self.assertEqual(self.told()["not_after"], 1800000000 + 30 * 86400)
        # a catalogue of a wrong clock: devices that have it refuse all that end before
        self.refused(3, "it ends 2027-01-15 07:59:59 UTC, and the one in place was signed "
                     "2027-01-15 08:00:00 UTC: devices that have seen that would refuse this one "
                     "(check the clock, and give a later end)",
                     "catalog", "--not-after", "1799999999", *SIGNER, "web")
        self.build("catalog", "--not-after", "1800000000", *SIGNER, "web")
        os.unlink("web/catalog")
        before = int(time.time())
        self.build("catalog", "--valid", "1", "web")
        self.assertAlmostEqual(self.told()["not_after"], before + 86400, delta=30)
        result = run(BUILD, "catalog", "--not-after", "2020-01-01", "web")
        self.assertEqual((result.returncode, result.stderr), (
            0, "wmopkg-build: warning: web/catalog: 2020-01-01 23:59:59 UTC is in the past\n"))

    def rollouts(self, *words):
        self.catalog(*words)
        return {one["file"]: one.get("rollout", 100) for one in self.told()["packages"]}

    def test_rollout_stays_until_it_is_changed(self):
        """Otherwise the next catalogue, made for another package, would give it to everybody."""
        self.put("brand-1.0", "brand-2.0")
        first = self.rollouts("--rollout", "brand-2.0.wmopkg=5")
        self.assertEqual(first, {"brand-2.0.wmopkg": 5, "brand-1.0.wmopkg": 100})
        self.put("vpn-2")
        self.assertEqual(self.rollouts(), {**first, "vpn-2.wmopkg": 100})
        self.assertEqual(self.rollouts("--rollout", "brand-2.0.wmopkg=0")["brand-2.0.wmopkg"], 0)
        self.assertIn("Package: brand 2.0, epoch 1, brand-2.0.wmopkg, rollout 0 %",
                      self.build("inspect", "web/catalog").splitlines())
        self.assertEqual(self.rollouts("--rollout", "brand-2.0.wmopkg=100"),
                         {"brand-2.0.wmopkg": 100, "brand-1.0.wmopkg": 100, "vpn-2.wmopkg": 100})
        # not the file, but what is in it
        self.catalog("--rollout", "brand-2.0.wmopkg=5")
        shutil.copy("made/brand-10.0.wmopkg", "web/brand-2.0.wmopkg")
        self.assertEqual(self.rollouts()["brand-2.0.wmopkg"], 100)

    def test_channel_and_deny_list_stay(self):
        self.build("denylist", "--number", "3", "--name", "old=1", *SIGNER, "web/deny")
        self.catalog("--channel", "beta", "--denylist", "deny")
        self.build("denylist", "--number", "4", "--name", "old=2", *SIGNER, "web/deny")
        self.catalog()
        told = self.told()
        self.assertEqual((told["channel"], told["denylist"]),
                         ("beta", {"file": "deny", "number": 4}))
        self.assertIn("Channel: beta\nDeny list: number 4, deny\n",
                      self.build("inspect", "web/catalog"))
        self.catalog("--channel", "stable", "--output", "catalog-stable")
        self.assertEqual(self.told("web/catalog-stable"), {
            "type": "catalog", "format": 1, "number": 1, "not_after": 4102444799,
            "channel": "stable", "packages": []})
        os.unlink("web/deny")
        self.refused(4, "web/deny: No such file or directory (check the name)", "catalog", *UNTIL,
                     "web")
        self.build("denylist", "--number", "5", "--name", "old=3", "web/deny")
        self.refused(3, "web/deny: it is not signed: devices would refuse it, and update nothing (sign "
                     "it first: wmopkg-build sign)", "catalog", *UNTIL, "web")
        shutil.copy("web/catalog", "web/deny")
        self.refused(3, "web/deny: it is a catalogue, not a deny list (check which file this is)",
                     "catalog", *UNTIL, "web")

    def test_two_at_once(self):
        """They wait for each other, so that each has a number of its own."""
        self.put("brand-1.0")
        words = [BUILD, "catalog", *UNTIL, *SIGNER, "web"]
        folder = os.open("web", os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(3)]
            time.sleep(0.3)
            self.assertEqual([process.poll() for process in running], [None] * 3)
            self.assertEqual(sorted(os.listdir("web")), ["brand-1.0.wmopkg"])
        finally:
            os.close(folder)
        told = sorted(process.communicate()[0] for process in running)
        self.assertEqual(told, [f"web/catalog: catalogue {number}, 1 package, until {END}, signed\n"
                                for number in (1, 2, 3)])

    def test_wrong_packages(self):
        """One that devices would refuse, or could not tell from another, is not published."""
        self.put("brand-1.0")
        self.catalog()
        before = read("web/catalog")
        write("web/short.wmopkg", read("made/vpn-2.wmopkg")[:-4096])
        size = os.path.getsize("made/vpn-2.wmopkg")
        self.refused(3, f"web/short.wmopkg: it has {size - 4096} bytes, but its head says {size} "
                     "(the copy is incomplete or damaged: get it again)", "catalog", *UNTIL, "web")
        write("web/short.wmopkg", b"WMOSTM01" + bytes(8))
        result = run(BUILD, "catalog", *UNTIL, "web")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("web/short.wmopkg: ", result.stderr)
        os.unlink("web/short.wmopkg")
        self.succeed(BUILD, "create", "--version", "1.0", "--description", "Other", "--name",
                     "brand", *SIGNER, "tree", "web/twin.wmopkg")
        self.refused(1, "web: brand-1.0.wmopkg and twin.wmopkg are both brand version 1.0, epoch 0 "
                     "(remove one of them)", "catalog", *UNTIL, "web")
        os.unlink("web/twin.wmopkg")
        self.assertEqual(read("web/catalog"), before)
        self.succeed(BUILD, "create", "--version", "1.0", "--description", "Other", "tree",
                     "web/unsigned.wmopkg")
        result = run(BUILD, "catalog", *UNTIL, *SIGNER, "web")
        self.assertEqual((result.returncode, result.stderr), (
            0, "wmopkg-build: warning: web/unsigned.wmopkg: it is not signed: devices refuse it\n"))

    def test_too_many(self):
        package = read("made/vpn-2.wmopkg")
        for i in range(257):
            write(f"web/v{i}.wmopkg", package)
        self.refused(1, "web: over 256 packages (make several catalogues, each with its own "
                     "--channel)", "catalog", *UNTIL, "web")

    def test_wrong_words(self):
        for message, words in (
                ("catalog: missing option: --valid", ("web",)),
                ("catalog: --valid and --not-after say the same: give one of them",
                 ("--valid", "1", *UNTIL, "web")),
                ("catalog: expected: DIR", UNTIL),
                ("--valid: '0' is not a whole number from 1 to 3660", ("--valid", "0", "web")),
                ("--number: '0' is not a whole number from 1 to 4294967295",
                 (*UNTIL, "--number", "0", "web")),
                ("--rollout: 'brand' is not FILE.wmopkg=PERCENT",
                 (*UNTIL, "--rollout", "brand", "web")),
                ("--rollout: '101' is not a whole number from 0 to 100",
                 (*UNTIL, "--rollout", "a.wmopkg=101", "web")),
                ("--rollout: web has no package 'a.wmopkg'",
                 (*UNTIL, "--rollout", "a.wmopkg=10", "web")),
                ("--channel: 'a b' is not a name of letters, digits, '.', '_' and '-'",
                 (*UNTIL, "--channel", "a b", "web")),
                ("--channel: longer than 32 characters", (*UNTIL, "--channel", "c" * 33, "web")),
                ("--output: '../x' is not a name of letters, digits, '.', '_' and '-'",
                 (*UNTIL, "--output", "../x", "web")),
                ("x.wmopkg: .wmopkg is for packages (give the statement another name)",
                 (*UNTIL, "--output", "x.wmopkg", "web")),
                ("catalog: --key and --cert go together", (*UNTIL, *SIGNER[:2], "web"))):
            with self.subTest(words=words):
                self.refused(2, message, "catalog", *words)
                self.assertEqual(os.listdir("web"), [])
        self.refused(4, "none: No such file or directory (check the name)", "catalog", *UNTIL,
                     "none")
        self.refused(1, "keys/unlock.pem: the certificate is not for signing packages (extended "
                     "key usage codeSigning)", "catalog", *UNTIL, *UNLOCK, "web")

    def test_signed_later(self):
        """In two steps, as a package; and its text stays."""
        self.put("brand-1.0")
        self.catalog(signer=())
        self.build("extract", "--manifest", "m", "web/catalog")
        self.openssl_sign("m", "s", "signer")
        self.build("sign", "--signature", "s", "web/catalog", "web/catalog")
        self.inspect(0, "Signed", None, "--keys", "keys-ring", "web/catalog")
        self.refused(1, "keys/unlock.pem: the certificate is not for signing packages (extended "
                     "key usage codeSigning)", "sign", *UNLOCK, "web/catalog", "x")


if __name__ == "__main__":
    unittest.main()
