#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unlock statements and deny lists of wmopkg-build against openssl, and against devices.

And packages under what a device would go by: every verdict but Quarantined, on the host.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

INSTALLER = os.path.join(os.environ["WMOPKG_BUILD"], "installer")
BUILD = os.path.join(INSTALLER, "wmopkg-build")
WMOPKG = os.path.join(INSTALLER, "wmopkg")
SIGNER = ("--key", "keys/signer.key", "--cert", "keys/signer.pem")
UNLOCK = ("--key", "keys/unlock.key", "--cert", "keys/unlock.pem")
UNTIL = 4102444799  # 2099-12-31 23:59:59 UTC
SEE = " (see 'wmopkg-build help')"
DAY = ("--not-after", "2099-12-31")
KEYS_HINT = " (check the key and certificate files)"


def run(*words):
    """A finished process with its output as text."""
    return subprocess.run(words, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def statement(path, text, signature=b""):
    """A statement file put together by hand."""
    write(path, b"WMOSTM01" + len(text).to_bytes(4, "little") +
          len(signature).to_bytes(4, "little") + text + signature)


def key_id(certificate):
    """As openssl tells it."""
    public = run("openssl", "x509", "-in", certificate, "-noout", "-pubkey").stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=public.encode(),
                         stdout=subprocess.PIPE, check=True).stdout
    return hashlib.sha256(der).hexdigest()


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="wmopkg-test-statements.")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chdir(cls.folder)
        for keys in ("keys", "others"):
            cls.succeed(BUILD, "keys", keys)
            os.mkdir(f"{keys}-ring")
            shutil.copy(f"{keys}/root.pem", f"{keys}-ring")
        os.makedirs("tree/etc")
        write("tree/etc/motd", b"hello\n")
        cls.succeed(BUILD, "create", "--version", "1.0", "--description", "Example", "--epoch", "2",
                    "--compatible", "AX-*", "--firmware-min", "5.0", *SIGNER, "tree",
                    "brand.wmopkg")

    def setUp(self):
        self.before = sorted(os.listdir("."))

    def tearDown(self):
        for name in os.listdir("."):
            if name not in self.before:
                (shutil.rmtree if os.path.isdir(name) else os.unlink)(name)

    @staticmethod
    def succeed(*words):
        result = run(*words)
        if (result.returncode, result.stderr) != (0, ""):
            raise AssertionError(f"{words}: {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def build(self, *words):
        return self.succeed(BUILD, *words)

    def refused(self, status, message, *words):
        """wmopkg-build, which must say just this and leave the folder as it was."""
        before = sorted(os.listdir("."))
        result = run(BUILD, *words)
        if status == 2 and not message.endswith(")"):
            message += " (see 'wmopkg-build help')"
        self.assertEqual(result.stderr, f"wmopkg-build: {message}\n")
        self.assertEqual((result.returncode, result.stdout), (status, ""))
        self.assertEqual(sorted(os.listdir(".")), before)

    def inspect(self, status, verdict, reason, *words):
        """The verdict and its reason, the whole of them; the rest is returned."""
        result = run(BUILD, "inspect", *words)
        self.assertEqual(result.stderr, "")
        lines = result.stdout.splitlines()
        expected = [f"Verification: {verdict}"] + ([f"Reason: {reason}"] if reason else [])
        self.assertEqual(lines[:len(expected)], expected)
        self.assertEqual(result.returncode, status)
        return lines[len(expected):]

    def openssl_sign(self, text, out, signer, *options):
        """What the offline signer does."""
        self.succeed("openssl", "cms", "-sign", "-binary", "-md", "sha256", "-signer",
                     f"keys/{signer}.pem", "-inkey", f"keys/{signer}.key", "-outform", "DER", "-in",
                     text, "-out", out, *options)

    def openssl_verify(self, path):
        """The signature that a statement carries is openssl's idea of one, too."""
        self.build("extract", "--manifest", "m", "--signature", "s", path)
        self.succeed_openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", "s", "-content",
                             "m", "-CAfile", "keys/root.pem", "-purpose", "any", "-out", "v")
        self.assertEqual(read("m"), read("v"))

    def succeed_openssl(self, *words):
        result = run("openssl", *words)
        self.assertEqual(result.returncode, 0, result.stderr)


class Making(Case):
    def test_unlock(self):
        output = self.build("unlock", "--serial", "SN 1", "--allow", "downgrade", "--allow",
                            "untrusted", *DAY, *UNLOCK, "u")
        self.assertEqual(output, "u: unlock statement for SN 1, untrusted, downgrade until "
                         "2099-12-31 23:59:59 UTC, signed\n")
        self.openssl_verify("u")
        self.assertEqual(read("m"), b'{"type":"unlock","format":1,"serial":"SN 1","allow":'
                         b'["untrusted","downgrade"],"not_after":4102444799}')
        lines = self.inspect(0, "Signed", None, "--keys", "keys-ring", "u")
        self.assertEqual(lines[:3], ["Signer: CN=wmopkg development unlock signer",
                                     "Trusted by: root.pem",
                                     f"Signer key: {key_id('keys/unlock.pem')}"])
        self.assertRegex(lines[3], "^Signed at: 20")
        self.assertEqual(lines[4:], ["Type: unlock", "Serial: SN 1", "Allows: untrusted, downgrade",
                                     "Until: 2099-12-31 23:59:59 UTC",
                                     f"Hash: {hashlib.sha256(read('m')).hexdigest()}",
                                     f"File bytes: {os.path.getsize('u')}"])

    def test_unlock_json(self):
        self.build("unlock", "--serial", "SN1", "--allow", "downgrade", *DAY, *UNLOCK,
                   "--signing-time", "1800000000", "u")
        facts = json.loads(self.build("inspect", "--json", "--keys", "keys-ring", "u"))
        signer = {"subject": "CN=wmopkg development unlock signer",
                  "key": key_id("keys/unlock.pem"), "trusted_by": "root.pem",
                  "signed_at": 1800000000}
        self.assertEqual(facts, {"verdict": "Signed", "type": "unlock", "serial": "SN1",
                                 "allow": ["downgrade"], "not_after": UNTIL, "signers": [signer],
                                 "signer": signer, "hash": facts["hash"],
                                 "file_bytes": os.path.getsize("u")})

    def test_denylist(self):
        root_hash = json.loads(self.build("inspect", "--json", "brand.wmopkg"))["image"]["root_hash"]
        ours, theirs = key_id("keys/signer.pem"), key_id("others/signer.pem")
        output = self.build("denylist", "--number", "4000000000", "--name", "brand=3", "--package",
                            "brand.wmopkg", "--revoke-cert", "others/signer.pem", "--key-id",
                            ours.upper(), "--root-hash", "ab" * 32, "--name", "brand=3", "--unlock",
                            "CD" * 32, *SIGNER, "d")
        self.assertEqual(output, "d: deny list 4000000000, 6 entries, signed\n")
        self.openssl_verify("d")
        deny = [{"name": "brand", "epoch_below": 3}, {"root_hash": root_hash}, {"key": theirs},
                {"key": ours}, {"root_hash": "ab" * 32}, {"unlock": "cd" * 32}]
        self.assertEqual(json.loads(read("m")), {"type": "denylist", "format": 1,
                                                 "number": 4000000000, "deny": deny})
        lines = self.inspect(0, "Signed", None, "--keys", "keys-ring", "d")
        self.assertEqual(lines[4:], ["Type: denylist", "Number: 4000000000",
                                     "Denied name: brand below epoch 3",
                                     f"Denied hash: {root_hash}", f"Denied key: {theirs}",
                                     f"Denied key: {ours}", f"Denied hash: {'ab' * 32}", f"Denied unlock: {'cd' * 32}",
                                     f"File bytes: {os.path.getsize('d')}"])
        facts = json.loads(self.build("inspect", "--json", "--keys", "keys-ring", "d"))
        self.assertEqual((facts["verdict"], facts["type"], facts["number"], facts["deny"]),
                         ("Signed", "denylist", 4000000000, deny))

    def test_highest_number(self):
        """Nothing comes after it, and no device takes a lower one."""
        for number, left in ((4294967295, 0), (4000000001, 294967294)):
            result = run(BUILD, "denylist", "--number", str(number), "--name", "a=1", "d")
            self.assertEqual((result.returncode, result.stdout, result.stderr), (
                0, f"d: deny list {number}, 1 entry, not signed\n",
                f"wmopkg-build: warning: d: only {left} numbers are left above it, and a device "
                "accepts no lower one\n"))

    def test_denied_unlock_statement(self):
        """By its text, whoever signed it and whether it is signed at all."""
        words = ("unlock", "--serial", "A", "--allow", "untrusted", *DAY)
        self.build(*words, "u")
        self.build(*words, *UNLOCK, "u2")
        self.build(*words, "--id", "2", *UNLOCK, "u3")
        self.build("extract", "--manifest", "m", "u2")
        text_hash = hashlib.sha256(read("m")).hexdigest()
        self.build("denylist", "--number", "7", "--unlock", "u", "--unlock", text_hash, *SIGNER,
                   "d")
        self.build("extract", "--manifest", "m", "d")
        self.assertEqual(json.loads(read("m"))["deny"], [{"unlock": text_hash}])
        for name, status, verdict, reason in (
                ("u2", 3, "Revoked", "deny list 7 names this unlock statement (revoked)"),
                ("u3", 0, "Signed", None)):
            lines = self.inspect(status, verdict, reason, "--keys", "keys-ring", "--denylist", "d",
                                 name)
            self.assertEqual([line for line in lines if line.startswith("Id: ")],
                             ["Id: 2"] if name == "u3" else [])
        self.refused(3, "d: not denied: it is a deny list, not an unlock statement (check which "
                        "file this is)", "denylist", "--number", "7", "--unlock", "d", "d2")
        self.refused(4, "none: No such file or directory (check the name)", "denylist",
                     "--number", "7", "--unlock", "none", "d2")
        self.refused(2, "unlock: id: longer than 64 bytes", *words, "--id", "A" * 65, "u4")

    def test_nothing_denied(self):
        result = run(BUILD, "denylist", "--number", "1", "d")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (
            0, "d: deny list 1, 0 entries, not signed\n",
            "wmopkg-build: warning: d: an empty list, which replaces lists that deny something\n"))

    def test_past(self):
        result = run(BUILD, "unlock", "--serial", "A", "--allow", "untrusted", "--not-after", "2030",
                     "u")
        self.assertEqual((result.returncode, result.stderr), (
            0, "wmopkg-build: warning: u: 1970-01-01 00:33:50 UTC is in the past\n"))

    def test_a_package_by_a_certificate_that_is_for_statements(self):
        result = run(BUILD, "create", "--version", "1", "--description", "D", *UNLOCK, "tree",
                     "purpose.wmopkg")
        self.assertEqual((result.returncode, result.stderr), (
            0, "wmopkg-build: warning: keys/unlock.pem: the certificate is not for signing "
               "packages (extended key usage codeSigning)\n"))

    def test_same_bytes(self):
        for name in ("a", "b"):
            self.build("unlock", "--serial", "A", "--allow", "untrusted", *DAY, name)
        self.assertEqual(read("a"), read("b"))

    def test_wrong_words_of_unlock(self):
        serial, allow = ("--serial", "A"), ("--allow", "untrusted")
        long = "A" * 65
        day = "is neither a day such as 2026-12-31 nor seconds since 1970"
        for message, words in (
                ("unlock: missing option: --serial", (*allow, *DAY, "u")),
                ("unlock: missing option: --allow",
                 (*serial, *DAY, "u")),
                ("--allow: 'all' is not untrusted or downgrade",
                 (*serial, "--allow", "all", *DAY, "u")),
                ("unlock: missing option: --not-after", (*serial, *allow, "u")),
                ("unlock: expected: OUT", (*serial, *allow, *DAY)),
                ("unlock: expected: OUT", (*serial, *allow, *DAY, "a", "b")),
                ("unlock: '--chian' is unknown or lacks its value" + SEE,
                 (*serial, *allow, *DAY, "--chian", "x", "u")),
                ("unlock: '--serial' is unknown or lacks its value" + SEE,
                 (*allow, *DAY, "--serial")),
                ("unlock: --key and --cert go together",
                 (*serial, *allow, *DAY, *UNLOCK[:2], "u")),
                ("unlock: --key and --cert go together",
                 (*serial, *allow, *DAY, *UNLOCK[2:], "u")),
                ("unlock: options of a signature without --key",
                 (*serial, *allow, *DAY, "--chain", "keys/root.pem", "u")),
                ("u.wmopkg: .wmopkg is for packages (give the statement another name)",
                 (*serial, *allow, *DAY, "u.wmopkg")),
                ("unlock: serial: empty", ("--serial", "", *allow, *DAY, "u")),
                ("unlock: serial: longer than 64 bytes",
                 ("--serial", long, *allow, *DAY, "u")),
                ("unlock: serial: not printable UTF-8",
                 ("--serial", "a\tb", *allow, *DAY, "u"))):
            with self.subTest(words=words):
                self.refused(2, message, "unlock", *words)
        for when in ("", "0", "-1", "tomorrow", "2026-02-30", "2026-13-01", "2026-1-1", "26-01-01",
                     "1969-12-31", "2026-12-31T00:00", "12345-01-01", "253402300800", "1e9"):
            with self.subTest(when=when):
                self.refused(2, f"--not-after: '{when}' {day}", "unlock", *serial, *allow,
                             "--not-after", when, "u")

        for when in ("20261231", "19700101", "99999999"):
            self.refused(2, f"--not-after: '{when}' may be a day or seconds since 1970: write a day "
                         f"as {when[:4]}-{when[4:6]}-{when[6:]}", "unlock", *serial, *allow,
                         "--not-after", when, "u")
        self.refused(2, "--not-after is given twice", "unlock", *serial, *allow, "--not-after",
                     "2099-12-31", *DAY, "u")

    def test_wrong_words_of_denylist(self):
        number = ("--number", "1")
        digits = "is not 64 hex digits"
        for message, words in (
                ("denylist: missing option: --number", ("d",)),
                ("--number: '0' is not a whole number from 1 to 4294967295",
                 ("--number", "0", "d")),
                ("--number: '4294967296' is not a whole number from 1 to 4294967295",
                 ("--number", "4294967296", "d")),
                ("denylist: expected: OUT", number),
                ("denylist: '--kee' is unknown or lacks its value" + SEE,
                 (*number, "--kee", "d")),
                ("denylist: --key and --cert go together", (*number, *SIGNER[:2], "d")),
                ("d.wmopkg: .wmopkg is for packages (give the statement another name)",
                 (*number, "d.wmopkg")),
                (f"--key-id: 'abc' {digits}", (*number, "--key-id", "abc", "d")),
                (f"--key-id: '{'a' * 62}' {digits}", (*number, "--key-id", "a" * 62, "d")),
                (f"--root-hash: '{'g' * 64}' {digits}", (*number, "--root-hash", "g" * 64, "d")),
                ("--name: 'brand' is not NAME=EPOCH, which denies the packages of that name below "
                 "that epoch", (*number, "--name", "brand", "d")),
                ("--name: '' is not a whole number from 1 to 4294967295",
                 (*number, "--name", "brand=", "d")),
                ("--name: '0' is not a whole number from 1 to 4294967295",
                 (*number, "--name", "brand=0", "d"))):
            with self.subTest(words=words):
                self.refused(2, message, "denylist", *words)
        bad_name = " (a letter or digit, then up to 63 of A-Z a-z 0-9 . _ -)"
        for name in ("", "../x", "n" * 65):
            self.refused(2, f"--name: '{name}' is not a valid package name{bad_name}",
                         "denylist", *number, "--name", f"{name}=1", "d")

    def test_wrong_files_of_denylist(self):
        number = ("--number", "1")
        self.refused(4, "none.pem: No such file or directory (check the name)", "denylist", *number,
                     "--revoke-cert", "none.pem", "d")
        self.refused(4, "none.wmopkg: cannot be opened: No such file or directory (check the name)", "denylist", *number, "--package",
                     "none.wmopkg", "d")
        write("two.pem", read("keys/signer.pem") + read("keys/root.pem"))
        self.refused(1, f"two.pem: more than one certificate{KEYS_HINT}", "denylist", *number,
                     "--revoke-cert", "two.pem", "d")
        result = run(BUILD, "denylist", *number, "--revoke-cert", "keys/signer.key", "d")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, "^wmopkg-build: keys/signer.key: no readable PEM "
                         "certificate.*\\(check the key and certificate files\\)\n$")
        write("damaged.wmopkg", read("brand.wmopkg")[:-1] + b"x")
        result = run(BUILD, "denylist", *number, "--package", "damaged.wmopkg", "d")
        self.assertEqual(result.returncode, 3)
        self.assertIn("damaged.wmopkg: ", result.stderr)
        self.assertFalse(os.path.exists("d"))

    def test_too_many(self):
        names = [word for i in range(1025) for word in ("--name", f"n{i}=1")]
        self.refused(2, "denylist: more than 1024 entries", "denylist", "--number", "1", *names, "d")
        hashes = [word for i in range(1024) for word in ("--root-hash", f"{i:064x}")]
        self.build("denylist", "--number", "1", *hashes, *SIGNER, "d")
        self.inspect(0, "Signed", None, "--keys", "keys-ring", "d")

    def test_certificate_for_another_purpose(self):
        """Told here, not by every device."""
        unlock = ("unlock", "--serial", "A", "--allow", "untrusted", *DAY)
        denylist = ("denylist", "--number", "1", "--name", "a=1")
        no_unlock = ("keys/signer.pem: the certificate is not for signing unlock statements "
                     "(extended key usage 2.25.262918127440573346229120389441173150337)")
        no_package = ("keys/unlock.pem: the certificate is not for signing packages (extended key "
                      "usage codeSigning)")
        self.refused(1, no_unlock, *unlock, *SIGNER, "u")
        self.refused(1, no_package, *denylist, *UNLOCK, "d")
        self.build(*unlock, "u")
        self.build(*denylist, "d")
        self.refused(1, no_unlock, "sign", *SIGNER, "u", "u2")
        self.refused(1, no_package, "sign", *UNLOCK, "d", "d2")


class Signing(Case):
    def setUp(self):
        super().setUp()
        self.build("unlock", "--serial", "SN1", "--allow", "untrusted", *DAY, "u")
        self.build("denylist", "--number", "7", "--name", "brand=2", "d")

    def test_later(self):
        for name, signer in (("u", UNLOCK), ("d", SIGNER)):
            self.inspect(0, "Unsigned", "the statement has no signature (no-signature)", name)
            self.inspect(3, "Unsigned", "the statement has no signature (no-signature)", "--keys",
                         "keys-ring", name)
            self.build("extract", "--manifest", "before", name)
            self.build("sign", *signer, name, f"{name}2")
            self.openssl_verify(f"{name}2")
            self.assertEqual(read("m"), read("before"))
            self.inspect(0, "Signed", None, "--keys", "keys-ring", f"{name}2")

    def test_two_steps(self):
        """The key lies where there is openssl and nothing of ours."""
        for name, signer in (("u", "unlock"), ("d", "signer")):
            for options in ([], ["-cades"]):
                self.build("extract", "--manifest", "m", name)
                self.openssl_sign("m", "s", signer, *options)
                self.build("sign", "--signature", "s", name, f"{name}2")
                self.assertEqual(read(f"{name}2")[-os.path.getsize("s"):], read("s"))
                self.inspect(0, "Signed", None, "--keys", "keys-ring", f"{name}2")
        result = run(BUILD, "sign", "--signature", "s", "u", "x")
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, "^wmopkg-build: s: signature: it does not match the ")
        self.assertFalse(os.path.exists("x"))

    def test_added(self):
        self.build("sign", *SIGNER, "d", "d2")
        self.build("sign", "--add", "--key", "others/signer.key", "--cert", "others/signer.pem",
                   "d2", "d3")
        for ring in ("keys-ring", "others-ring"):
            lines = self.inspect(0, "Signed", None, "--keys", ring, "d3")
            self.assertEqual(sum(line.startswith("Signer: ") for line in lines), 2)

    def test_unsound_is_not_signed(self):
        for text, message in (
                (b"{}", "type: missing, or not a string (get the file again from its vendor)"),
                (b'{"type":"package","format":1}',
                 "it is a package's manifest, not a deny list (check which file this is)"),
                (b'{"type":"unlock","format":2}', "format: 2 is newer than this program knows "
                 "(update the firmware, or ask the vendor for a package made for this firmware)"),
                (b'{"type":"denylist","format":1,"number":1,"deny":[{"mac":"x"}]}',
                 "deny[0]: not exactly one of key, root_hash, name, unlock (get the file again from "
                 "its vendor)")):
            statement("x", text)
            self.refused(3, f"x: not signed: {message}", "sign", *SIGNER, "x", "x2")
        write("x", read("u")[:-1])
        whole = len(read("u"))
        self.refused(3, f"x: the file has {whole - 1} bytes, but its head says {whole} (get the "
                     "file again from its vendor)", "sign", *UNLOCK, "x", "x2")
        self.refused(2, "x.wmopkg: .wmopkg is for packages (give the statement another name)", "sign",
                     *UNLOCK, "u", "x.wmopkg")

    def test_extract(self):
        self.refused(2, "extract: u is a statement: it has no tree and no image", "extract",
                     "--tree", "t", "u")
        self.refused(2, "extract: expected: an option for each part, and a FILE.wmopkg or statement",
                     "extract", "u")
        self.build("extract", "--signature", "s", "u")
        self.assertEqual(read("s"), b"")


class Judging(Case):
    def setUp(self):
        super().setUp()
        self.build("unlock", "--serial", "SN1", "--allow", "untrusted", *DAY, *UNLOCK, "u")
        self.build("denylist", "--number", "7", "--name", "other=2", *SIGNER, "d")

    def deny(self, *entries):
        self.build("denylist", "--number", "8", *entries, *SIGNER, "deny")
        return ("--keys", "keys-ring", "--denylist", "deny")

    def test_statements(self):
        for name in ("u", "d"):
            self.inspect(0, "Signed", None, "--keys", "keys-ring", name)
            self.inspect(0, "Untrusted", "there is no key ring to verify it with (untrusted-signer)", name)
            self.inspect(3, "Untrusted", "the signer does not chain to a key of this device: unable "
                         "to get local issuer certificate (untrusted-signer)", "--keys",
                         "others-ring", name)

    def test_damaged(self):
        for name in ("u", "d"):
            good = read(name)
            write("x", good[:30] + bytes([good[30] ^ 1]) + good[31:])
            self.inspect(3, "Invalid", None, "x")
            write("x", good + b"\n")
            self.inspect(3, "Invalid", f"the file has {len(good) + 1} bytes, but its head says "
                         f"{len(good)} (bad-statement)", "x")
            write("x", good[:-1] + bytes([good[-1] ^ 1]))
            lines = self.inspect(3, "Invalid", None, "--keys", "keys-ring", "x")
            self.assertRegex(lines[0], "^Reason: .*bad-signature")

    def test_signed_by_the_wrong_key(self):
        for name, signer, purpose in (
                ("u", "signer", "signing unlock statements (extended key usage "
                 "2.25.262918127440573346229120389441173150337)"),
                ("d", "unlock", "signing packages (extended key usage codeSigning)")):
            self.build("extract", "--manifest", "m", name)
            self.openssl_sign("m", "s", signer)
            statement("x", read("m"), read("s"))
            self.inspect(3, "Untrusted", f"a certificate of the signer is not for {purpose} "
                         "(untrusted-signer)", "--keys", "keys-ring", "x")

    def test_manifest_passed_off(self):
        self.build("extract", "--manifest", "m", "--signature", "s", "brand.wmopkg")
        statement("x", read("m"), read("s"))
        self.inspect(3, "Invalid", "it is a package's manifest, not a deny list (wrong-type)",
                     "--keys", "keys-ring", "x")

    def test_signer_revoked(self):
        words = self.deny("--revoke-cert", "keys/unlock.pem")
        self.inspect(3, "Revoked", "deny list 8 names a key that it was signed with, "
                     f"{key_id('keys/unlock.pem')} (revoked)", *words, "u")
        self.inspect(0, "Signed", None, *words, "d")

    def test_packages(self):
        """Whatever a device would say, but for what it remembers of its own boots."""
        ring = ("--keys", "keys-ring")
        file = "brand.wmopkg"
        self.inspect(0, "Signed", None, *ring, file)
        self.inspect(0, "Signed", None, *ring, "--denylist", "d", "--model", "AX-12", "--firmware",
                     "5.0", "--floor", "2", file)
        self.inspect(3, "Incompatible", "it is for AX-*, and this device is 'BX-12' (wrong-model)",
                     *ring, "--model", "BX-12", file)
        self.inspect(3, "Incompatible", "it requires firmware 5.0 or later, and this is 4.9 "
                     "(wrong-firmware)", *ring, "--firmware", "4.9", file)
        self.inspect(3, "Downgrade", "its epoch is 2, and this device has run brand with epoch 3 "
                     "(downgrade)", *ring, "--floor", "3", file)
        for entry, reason in (
                (("--package", file), "deny list 8 names its root hash"),
                (("--name", "brand=3"), "deny list 8 names brand below epoch 3, and its epoch is 2"),
                (("--revoke-cert", "keys/signer.pem"), "deny list 8 names a key that it was signed "
                 f"with, {key_id('keys/signer.pem')}"),
                (("--revoke-cert", "keys/root.pem"), "deny list 8 names a key that it was signed "
                 f"with, {key_id('keys/root.pem')}")):
            self.inspect(3, "Revoked", f"{reason} (revoked)", *self.deny(*entry), file)
        self.inspect(0, "Signed", None, *self.deny("--name", "brand=2"), file)

    def test_allow_untrusted(self):
        stranger = "the signer does not chain to a key of this device: unable to get local issuer " \
                   "certificate (untrusted-signer)"
        file, ring = "brand.wmopkg", ("--keys", "others-ring")
        self.inspect(3, "Untrusted", stranger, *ring, file)
        self.inspect(0, "Untrusted", stranger, *ring, "--allow-untrusted", file)
        self.inspect(3, "Incompatible", "it is for AX-*, and this device is 'BX' (wrong-model)",
                     *ring, "--allow-untrusted", "--model", "BX", file)
        self.inspect(0, "Untrusted", "there is no key ring to verify it with (untrusted-signer)", file)

    def test_wrong_words(self):
        self.refused(2, "inspect: --denylist needs --keys, which its signer must be in", "inspect", "--denylist", "d", "brand.wmopkg")
        self.refused(2, "--floor: '-1' is not a whole number from 0 to 4294967295", "inspect",
                     "--floor", "-1", "brand.wmopkg")
        self.refused(2, "inspect: a statement takes only --keys, --denylist and --json",
                     "inspect", "--model", "AX", "u")
        self.refused(2, "inspect: expected: FILE.wmopkg or statement", "inspect")
        self.refused(3, "u: it is an unlock statement, not a deny list (check which file this is)",
                     "inspect", "--keys", "keys-ring", "--denylist", "u", "brand.wmopkg")
        self.refused(3, "brand.wmopkg: it is a package, not a signed statement (check which file "
                     "this is)", "inspect", "--keys", "keys-ring", "--denylist", "brand.wmopkg",
                     "brand.wmopkg")
        self.refused(4, "none: No such file or directory (check the name)", "inspect", "--keys", "keys-ring",
                     "--denylist", "none", "brand.wmopkg")


class Device(Case):
    """What is made here is what a device takes."""

    def setUp(self):
        super().setUp()
        for folder in ("data", "persist", "run"):
            os.mkdir(folder)
        write("cmdline", b"wmopkg.allow_untrusted=1\n")
        paths = "".join(f'{key} = "{self.folder}/{name}"\n' for key, name in (
            ("data", "data"), ("persist", "persist"), ("run", "run"), ("keys", "keys-ring"),
            ("cmdline", "cmdline")))
        write("wmopkg.conf", f'{paths}serial = "SN1"\nanchor = "always"\n'.encode())

    def wmopkg(self, *words):
        return self.succeed(WMOPKG, "--config", "wmopkg.conf", *words)

    def test_round(self):
        self.build("unlock", "--serial", "SN1", "--allow", "untrusted", *DAY, *UNLOCK, "u")
        self.assertEqual(self.wmopkg("unlock", "u"), "Unlocked until 2099-12-31: untrusted. Changes "
                         "are applied after reboot.\n")
        self.build("denylist", "--number", "7", "--package", "brand.wmopkg", "d")
        self.build("extract", "--manifest", "m", "d")
        self.openssl_sign("m", "s", "signer")
        self.build("sign", "--signature", "s", "d", "d2")
        self.assertIn("Deny list 7 is in force", self.wmopkg("denylist", "d2"))
        result = run(WMOPKG, "--config", "wmopkg.conf", "verify", "brand.wmopkg")
        self.assertIn("deny list 7 names its root hash", result.stdout + result.stderr)
        self.assertEqual(result.returncode, 3)

    def test_what_helps(self):
        """Neither another package nor Allow Untrusted does, as it would a package."""
        self.build("denylist", "--number", "1", "--name", "a=1", "d")
        self.build("sign", "--key", "others/signer.key", "--cert", "others/signer.pem", "d", "d2")
        self.build("denylist", "--number", "2", "--revoke-cert", "keys/signer.pem", *SIGNER, "d3")
        self.build("sign", *SIGNER, "d", "d4")
        statement("d5", b'{"type":"denylist","format":2}')
        self.build("extract", "--manifest", "m", "d5")
        self.openssl_sign("m", "s", "signer")
        statement("d5", read("m"), read("s"))
        for name, hint in (("d", "ask its vendor for a signed one"),
                           ("d2", "ask for one that is signed for this device"),
                           ("d5", "update the firmware"), ("d3", None),
                           ("d4", "ask for one that is signed with another key")):
            result = run(WMOPKG, "--config", "wmopkg.conf", "denylist", name)
            self.assertEqual(result.returncode, 3 if hint else 0, result.stderr)
            self.assertTrue(not hint or result.stderr.endswith(f" ({hint})\n"), result.stderr)

    def test_not_a_package(self):
        self.build("denylist", "--number", "1", "--name", "a=1", *SIGNER, "d")
        shutil.copy("d", "d.wmopkg")
        result = run(WMOPKG, "--config", "wmopkg.conf", "install", "./d.wmopkg")
        self.assertEqual(result.returncode, 3)
        self.assertIn("it is a signed statement, not a package (check which file this is)\n",
                      result.stderr)

    def test_not_this_device(self):
        self.build("unlock", "--serial", "SN2", "--allow", "untrusted", *DAY, *UNLOCK, "u")
        result = run(WMOPKG, "--config", "wmopkg.conf", "unlock", "u")
        self.assertEqual((result.returncode, result.stderr), (
            3, "wmopkg: u: the unlock statement is for serial number SN2, and this device is SN1 "
            "('wmopkg unlock' shows this device's serial number)\n"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
