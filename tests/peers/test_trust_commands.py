#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every way in which a signature can be right or wrong, made with openssl, against every
command that judges: one verdict, one reason, the right exit status, nothing left behind.
"""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trust"))

import folders  # noqa: E402
import members  # noqa: E402
from members import MEMBERS  # noqa: E402

BUILD = os.environ["WMOPKG_BUILD"]
REFUSED = 3


class Commands(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="wmopkg-test-trust.")
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        cls.maker = members.make(cls.shared, BUILD)
        cls.ring = f"{cls.maker.ca.folder}/ring"
        cls.device = folders.Device(f"{cls.shared}/device", BUILD, cls.ring)
        members.deny(cls.maker, cls.device)

    def setUp(self):
        self.device.empty()

    def each(self, check):
        """Every member with its package, each a case of its own."""
        for name, member in MEMBERS.items():
            with self.subTest(member=name):
                check(name, member, self.maker.path(name))

    def check(self, member, told):
        """What is told is what the table says."""
        verdict, code, message = folders.reason(told)
        self.assertEqual((verdict, code), (member.verdict, member.code), message)
        self.assertIn(member.says, message)
        return message

    def verify(self, name, **options):
        return self.device.told("verify", self.maker.path(name), **options)

    def refused(self, done, member, path):
        """The status, and a line that says what the judge said."""
        message = folders.reason(self.device.told("verify", path))[2]
        start = f"wmopkg: {path}: {member.verdict}: {message}"
        self.assertEqual((done.returncode, done.stderr[:len(start)]), (REFUSED, start))

    def test_verify(self):
        def check(_, member, path):
            told = self.device.told("verify", path)
            self.check(member, told)
            self.assertEqual(told["accepted"], member.verdict == "Signed")
            done = self.device.wmopkg("verify", path)
            if member.verdict == "Signed":
                self.assertEqual((done.returncode, done.stderr), (0, ""))
            else:
                self.refused(done, member, path)
            self.assertTrue(done.stdout.startswith(f"Verification: {member.verdict}\n"), done.stdout)
            self.assertEqual(self.device.wmopkg("verify", path, "json").returncode,
                             done.returncode)
        self.each(check)

    def test_install(self):
        def check(name, member, path):
            done = self.device.wmopkg("install", path)
            if member.verdict == "Signed":
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn("    PKG: Signed\n", done.stdout)
                self.assertEqual(self.device.stored(), [f"data/packages/{name}.wmopkg"])
            else:
                self.refused(done, member, path)
                self.assertNotIn("Installed", done.stdout)
                self.assertEqual(self.device.stored(), [])
            self.device.empty()
        self.each(check)

    def test_a_refusal_leaves_what_was_installed(self):
        self.assertEqual(self.device.wmopkg("install", self.maker.path("good")).returncode, 0)
        before = self.device.stored()
        os.mkdir(f"{self.shared}/stick")

        def check(_, member, path):
            if member.verdict == "Signed":
                return
            stick = shutil.copy(path, f"{self.shared}/stick/good.wmopkg")
            self.assertEqual(self.device.wmopkg("install", stick).returncode, REFUSED)
            self.assertEqual(self.device.stored(), before)
        self.each(check)
        told = self.device.told("show", "good")["packages"][0]
        self.assertEqual(folders.reason(told), ("Signed", "ok", ""))

    def test_show(self):
        """All of them in the store at once, put there past the installer."""
        for name in MEMBERS:
            self.device.put(self.maker.path(name))
        listed = {package["name"]: package for package in self.device.told("show")["packages"]}
        self.assertEqual(sorted(listed), sorted(MEMBERS))

        def check(name, member, path):
            told = listed[name]
            message = self.check(member, told)
            status = "unknown" if member.verdict == "Signed" else "inactive"
            self.assertEqual((told["status"], told["active"]), (status, False))
            alone = self.device.told("show", name)["packages"][0]
            for same in (alone, alone["package"], self.device.told("verify", path)):
                self.assertEqual(folders.reason(same), folders.reason(told))
            said = self.device.wmopkg("show", name)
            self.assertEqual(said.returncode, 0)
            self.assertIn(f"\nVerification: {member.verdict}\n", said.stdout)
            self.assertIn(message, said.stdout)
        self.each(check)

    def inspect(self, path, *options):
        done = subprocess.run([self.maker.tool, "inspect", "--json", *options, path],
                              capture_output=True, text=True, check=False)
        verdict, code, message = folders.reason(json.loads(done.stdout))
        self.assertEqual(done.returncode, 0 if verdict == "Signed" else REFUSED, done)
        return verdict, code, message

    def test_inspect(self):
        """The vendor's host comes to the same, given the same key ring and deny list; without
        the list what it denies is told as if there were none."""
        def check(name, member, path):
            told = self.inspect(path, "--keys", self.ring, "--denylist", f"{self.shared}/denylist")
            self.assertEqual(told, folders.reason(self.device.told("verify", path)))
            told = self.inspect(path, "--keys", self.ring)
            if member.verdict != "Revoked":
                self.check(member, {"verdict": told[0], "reason": {"code": told[1],
                                                                   "message": told[2]}})
            elif name == "denied-unsigned":
                self.assertEqual(told[:2], ("Unsigned", "no-signature"))
            else:
                self.assertEqual(told[:2], ("Signed", "ok"))
        self.each(check)

    def test_any_clock(self):
        """The device's clock decides nothing about a certificate."""
        for clock in ("@1970-01-01 00:00:10", "@2099-12-31 23:59:59"):
            def check(name, member, path, clock=clock):
                self.check(member, self.device.told("verify", path, clock=clock))
                if name in ("good", "signed-in-time", "clock-ahead", "expired", "not-yet"):
                    done = self.device.wmopkg("install", path, clock=clock)
                    self.assertEqual(done.returncode, 0 if member.verdict == "Signed" else REFUSED,
                                     done.stderr)
            self.each(check)

    def audit(self):
        """The lines of the audit log, checked against its own chain."""
        lines = self.device.wmopkg("audit", "json").stdout.splitlines()
        prev = {}
        for line in lines:
            body, _, tail = line.rpartition(',"digest":"')
            ring = json.loads(line)["event"] in ("refuse", "repeat")
            self.assertEqual(json.loads(line)["prev"], prev.get(ring, "0" * 64))
            prev[ring] = hashlib.sha256(body.encode()).hexdigest()
            self.assertEqual(tail, prev[ring] + '"}')
        self.assertEqual(self.device.wmopkg("audit", "verify").returncode, 0)
        return [json.loads(line) for line in lines]

    def test_audit(self):
        """What was installed and refused, by whom, and why, is in the audit log; one changed
        character shows."""
        log = f"{self.shared}/device/persist/wmopkg/audit.refusals"
        for name in MEMBERS:
            self.device.wmopkg("install", self.maker.path(name))
            self.device.empty()
        lines = {line["package"]: line for line in self.audit() if "package" in line}
        for name, member in MEMBERS.items():
            line = lines[name]
            with self.subTest(member=name):
                event = "install" if member.verdict == "Signed" else "refuse"
                self.assertEqual(
                    (line["package"], line["event"], line["verdict"], line.get("code", "ok")),
                    (name, event, member.verdict, member.code))
                self.assertIn(member.says, line.get("message", ""))
                self.assertEqual(line["source"], self.maker.path(name))
        for path, mode in ((log, 0o600), (os.path.dirname(log), 0o700)):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode)
        kept = members.read(log)
        first, second, *rest = kept.splitlines(keepends=True)
        for what, changed in (
                ("changed", kept.replace(b'"package":"', b'"package":"other-', 1)),
                ("taken out", b"".join([first, *rest])),
                ("moved", b"".join([second, first, *rest])),
                ("cut off", b"".join([first, second, *rest[:-1]])),
                ("all gone", b"")):
            with self.subTest(lines=what):
                members.write(log, changed)
                done = self.device.wmopkg("audit", "verify")
                self.assertEqual(done.returncode, 1, done)
                self.assertIn("save the audit log and find out who changed it", done.stderr)
        members.write(log, kept)
        self.assertEqual(self.device.wmopkg("audit", "verify").returncode, 0)

    def test_who_signed(self):
        """All signers are told, those that count first; no name steers a terminal."""
        def signers(name):
            return [(signer["subject"], signer.get("trusted_by"))
                    for signer in self.verify(name)["signers"]]
        self.assertEqual(signers("good"), [("CN=good", "new.pem")])
        self.assertEqual(signers("old-root"), [("CN=good-old", "old.pem")])
        self.assertEqual(signers("and-a-stranger"), [("CN=good", "new.pem"),
                                                     ("CN=foreign", None)])
        self.assertEqual(signers("stranger"), [("CN=foreign", None)])
        self.assertEqual(signers("name-with-nul"), [(r"CN=good\00.example", "new.pem")])
        self.assertEqual(sorted(signers("two-signers")), [("CN=good", "new.pem"),
                                                          ("CN=good-rsa", "new.pem")])

    def test_key_ring(self):
        """Keys rotate: what only the old root vouched for goes with it, an empty ring trusts
        nobody, and an intermediate may be an anchor as well."""
        ring = f"{self.shared}/device/keys"
        try:
            os.unlink(f"{ring}/old.pem")
            self.assertEqual(self.verify("good")["verdict"], "Signed")
            self.assertEqual(self.verify("old-root")["verdict"], "Untrusted")
            os.unlink(f"{ring}/new.pem")
            self.assertEqual(folders.reason(self.verify("good")),
                             ("Untrusted", "untrusted-signer",
                              "the key ring is empty (check the key ring folder of the firmware)"))
            shutil.copy(self.maker.ca.pem("inter"), ring)
            self.assertEqual(self.verify("inter")["signer"]["trusted_by"], "inter.pem")
        finally:
            shutil.rmtree(ring)
            shutil.copytree(self.ring, ring)

    def test_required_signers(self):
        """Whose signatures a device asks for; a package that lacks one is Untrusted."""
        both = ["old.pem", "new.pem"]
        lacks_old = "it has no signature under old.pem of the key ring"
        cases = (
            (["old.pem"], "one", "good", "under one of these certificates of the key ring: old.pem"),
            (["old.pem"], "one", "old-root", None),
            (both, "one", "good", None),
            (both, "one", "stranger", "unable to get local issuer certificate"),
            (both, "all", "good", lacks_old),
            (both, "all", "two-signers", lacks_old),
            (both, "all", "old-root", "it has no signature under new.pem of the key ring"),
            (both, "all", "two-roots", None),
            (["gone.pem"], "one", "two-roots", "under one of these certificates of the key ring: gone.pem"),
        )
        try:
            for signers, needed, name, why in cases:
                with self.subTest(signers=signers, needed=needed, member=name):
                    self.device.configure(signers=signers, signers_needed=needed)
                    verdict, code, message = folders.reason(self.verify(name))
                    if why is None:
                        self.assertEqual((verdict, code), ("Signed", "ok"))
                    else:
                        self.assertEqual(verdict, "Untrusted")
                        self.assertIn(code, ("missing-signer", "untrusted-signer"))
                        self.assertIn(why, message)
                    done = self.device.wmopkg("install", self.maker.path(name))
                    self.assertEqual(done.returncode, REFUSED if why else 0, done.stderr)
                    self.device.empty()
        finally:
            self.device.configure()

    def test_damaged_key_ring(self):
        """A file without a certificate is a warning; the others decide as before."""
        members.write(f"{self.shared}/device/keys/third.pem", b"not a certificate\n")
        try:
            for command in ("install", "verify"):
                done = self.device.wmopkg(command, self.maker.path("good"))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertRegex(done.stderr, r"warning: skipped: key ring [^ ]*: third\.pem: no "
                                 r"certificate in PEM or DER\n")
            self.device.empty()
        finally:
            os.unlink(f"{self.shared}/device/keys/third.pem")


if __name__ == "__main__":
    unittest.main()
