#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Timestamps (RFC 3161) with openssl ts as the authority: its answer to our query is put
into a package or statement, and openssl still verifies both.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [os.path.join(TESTS, "trust"), TESTS]
import ca as authorities  # noqa: E402
import schema  # noqa: E402
from ca import DAY, YEAR, read, run, write  # noqa: E402
from clock import at  # noqa: E402

WMOPKG = os.path.join(os.environ["WMOPKG_BUILD"], "installer", "wmopkg")
BUILD = os.path.join(os.environ["WMOPKG_BUILD"], "installer", "wmopkg-build")
CONFIG = """[tsa]
default_tsa = any
[any]
serial = {folder}/tsa-serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
ess_cert_id_alg = sha256
ess_cert_id_chain = {chain}
accuracy = secs:1
"""


def attempt(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


class Timestamps(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="wmopkg-test-timestamp.")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chdir(cls.folder)
        ca = cls.ca = authorities.Authorities(cls.folder + "/ca")
        for name in ("root", "public", "unknown"):
            ca.authority(name)
        ca.authority("inter", "public", extra=["extendedKeyUsage=timeStamping"])
        ca.issue("good", "root")
        ca.issue("unlock", "root", usage=authorities.OID_UNLOCK)
        ca.issue("stolen", "root", years=(-2, -1))
        for name, issuer in (("tsa", "public"), ("tsa-inter", "inter"), ("own", "root"),
                             ("foreign", "unknown")):
            ca.issue(name, issuer, usage="critical,timeStamping")
        os.makedirs("ring")
        os.makedirs("tree/etc")
        write("tree/etc/motd", b"hello\n")
        write("ring/root.pem", read(ca.pem("root")))
        write("ring/public.tsa.pem", read(ca.pem("public")))
        for chain in ("no", "yes"):
            write(f"tsa-{chain}.conf",
                  CONFIG.format(folder=cls.folder, chain=chain).encode())

    def signing(self, leaf):
        return ["--key", self.ca.key(leaf), "--cert", self.ca.pem(leaf)]

    def create(self, name="in.wmopkg", leaf="good", when=None):
        words = self.signing(leaf)
        if when is not None:
            words += ["--signing-time", str(self.ca.now + when)]
        run(BUILD, "create", "--version", "1.0", "--description", "Example", *words, "tree", name)

    def reply(self, authority="tsa", chain=(), conf="no", options=()):
        """What the authority does with q.tsq."""
        words = ["-chain", self.ca.chain(*chain)] if chain else []
        write("tsa-serial", b"01\n")
        run("openssl", "ts", "-reply", "-config", f"tsa-{conf}.conf", "-queryfile", "q.tsq",
            "-inkey", self.ca.key(authority), "-signer", self.ca.pem(authority), *words,
            *options, "-out", "r.tsr")

    def stamp(self, name="in.wmopkg", out="out.wmopkg", **reply):
        run(BUILD, "extract", "--timestamp-query", "q.tsq", name)
        self.reply(**reply)
        run(BUILD, "sign", "--timestamp", "r.tsr", name, out)

    def inspect(self, name="out.wmopkg", *options, ring="ring"):
        done = attempt(BUILD, "inspect", "--json", "--keys", ring, *options, name)
        self.assertEqual(done.stderr, "")
        return json.loads(done.stdout)

    def check(self, authority="public.tsa.pem", name="out.wmopkg"):
        told = self.inspect(name, "--require-timestamp")
        schema.check("package" if name.endswith(".wmopkg") else "statement", told)
        self.assertEqual(told["verdict"], "Signed", told)
        self.assertEqual(told["signer"]["timestamp_by"], authority)
        self.assertAlmostEqual(told["signer"]["timestamp"], self.ca.now, delta=DAY)
        return told

    def test_query(self):
        """Openssl reads it: SHA-256 of the signature, with certificate; the same each time."""
        self.create()
        run(BUILD, "extract", "--timestamp-query", "q.tsq", "--signature", "s", "in.wmopkg")
        text = run("openssl", "ts", "-query", "-in", "q.tsq", "-text").decode()
        self.assertIn("Hash Algorithm: sha256", text)
        self.assertIn("Certificate required: yes", text)
        self.assertIn("Nonce: unspecified", text)
        first = read("q.tsq")
        run(BUILD, "extract", "--timestamp-query", "q.tsq", "in.wmopkg")
        self.assertEqual(first, read("q.tsq"))

    def test_authorities(self):
        """A root and an intermediate of others, and the CA of the vendor."""
        for authority, chain, conf, by in (
                ("tsa", (), "no", "public.tsa.pem"), ("tsa", ("public",), "no", "public.tsa.pem"),
                ("tsa-inter", ("inter",), "no", "public.tsa.pem"),
                ("tsa-inter", ("inter",), "yes", "public.tsa.pem"), ("own", (), "no", "root.pem")):
            with self.subTest(authority=authority, conf=conf):
                self.create()
                self.stamp(authority=authority, chain=chain, conf=conf)
                self.check(by)

    def test_openssl_still_verifies(self):
        self.create()
        self.stamp()
        run(BUILD, "extract", "--manifest", "m", "--signature", "s", "out.wmopkg")
        run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "s", "-content", "m",
            "-CAfile", self.ca.pem("root"), "-purpose", "any", "-out", "v")
        printed = run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", "s").decode()
        self.assertIn("id-smime-aa-timeStampToken", printed)
        run("openssl", "ts", "-verify", "-in", "r.tsr", "-queryfile", "q.tsq", "-CAfile",
            self.ca.pem("public"))

    def test_people_see_it(self):
        self.create()
        self.stamp()
        output = run(BUILD, "inspect", "--keys", "ring", "out.wmopkg").decode()
        self.assertIn("Timestamp: ", output)
        self.assertIn("Timestamp by: public.tsa.pem\n", output)
        output = run(BUILD, "inspect", "out.wmopkg").decode()
        self.assertNotIn("Timestamp", output)

    def test_backdated(self):
        """A key whose certificate has expired says an earlier time: as long as no timestamp is
        required, it is believed; an authority confirms only the time that it is."""
        self.create(leaf="stolen", when=-YEAR - DAY)
        self.assertEqual(self.inspect("in.wmopkg")["verdict"], "Signed")
        told = self.inspect("in.wmopkg", "--require-timestamp")
        self.assertEqual((told["verdict"], told["reason"]["code"]),
                         ("Untrusted", "missing-timestamp"))
        self.stamp()
        for options in ([], ["--require-timestamp"]):
            told = self.inspect("out.wmopkg", *options)
            self.assertEqual(told["verdict"], "Untrusted")
            self.assertIn("certificate has expired", told["reason"]["message"])

    def test_unknown_authority(self):
        self.create()
        self.stamp(authority="foreign")
        told = self.inspect()
        self.assertEqual(told["verdict"], "Signed")
        self.assertNotIn("timestamp", told["signer"])
        told = self.inspect("out.wmopkg", "--require-timestamp")
        self.assertEqual(told["reason"], {
            "code": "missing-timestamp", "message":
            "the authority of its timestamp is not in this device's key ring"} | (
                {"hint": told["reason"]["hint"]} if "hint" in told["reason"] else {}))

    def test_two_signers(self):
        """One after the other."""
        self.create()
        run(BUILD, "sign", "--add", *self.signing("stolen"), "--signing-time",
            str(self.ca.now - YEAR - DAY), "in.wmopkg", "two.wmopkg")
        self.stamp("two.wmopkg", "one.wmopkg")
        self.stamp("one.wmopkg", "out.wmopkg", authority="own")
        done = attempt(BUILD, "extract", "--timestamp-query", "q.tsq", "out.wmopkg")
        self.assertEqual(done.returncode, 1)
        self.assertIn("out.wmopkg: each signature in it has a timestamp already", done.stderr)
        told = self.inspect("out.wmopkg")
        self.assertEqual(told["verdict"], "Signed")
        self.assertEqual(len(told["signers"]), 2)

    def test_refused(self):
        self.create()
        run(BUILD, "extract", "--timestamp-query", "q.tsq", "in.wmopkg")
        self.reply()
        self.create("other.wmopkg", when=-DAY)
        write("garbage", b"garbage")
        run(BUILD, "create", "--version", "1.0", "--description", "Example", "tree",
            "unsigned.wmopkg")
        for words, status, message in (
                (["sign", "--timestamp", "r.tsr", "other.wmopkg", "no.wmopkg"], 1,
                 "r.tsr: timestamp: it is not over this signature"),
                (["sign", "--timestamp", "garbage", "in.wmopkg", "no.wmopkg"], 1,
                 "garbage: not a timestamp response (DER)"),
                (["sign", "--timestamp", "r.tsr", "unsigned.wmopkg", "no.wmopkg"], 3,
                 "there is no signature that r.tsr could be for"),
                (["extract", "--timestamp-query", "no", "unsigned.wmopkg"], 3,
                 "unsigned.wmopkg has no signature that a timestamp could be for"),
                (["sign", "--timestamp", "r.tsr", *self.signing("good"), "in.wmopkg",
                  "no.wmopkg"], 2, "sign: --timestamp takes no other option"),
                (["inspect", "--require-timestamp", "in.wmopkg"], 2,
                 "inspect: --require-timestamp needs --keys")):
            with self.subTest(words=words):
                done = attempt(BUILD, *words)
                self.assertEqual(done.returncode, status, done)
                self.assertIn(message, done.stderr)
                self.assertFalse(os.path.exists("no.wmopkg") or os.path.exists("no"))

    def test_statement(self):
        run(BUILD, "denylist", "--number", "1", "--name", "x=2", *self.signing("good"), "list")
        self.stamp("list", "list2")
        self.check(name="list2")
        told = self.inspect("list", "--require-timestamp")
        self.assertEqual((told["verdict"], told["reason"]["code"]),
                         ("Untrusted", "missing-timestamp"))

    def test_device(self):
        """The key `timestamp` of the configuration, for packages and statements."""
        self.create()
        self.stamp()
        run(BUILD, "denylist", "--number", "1", "--name", "x=2", *self.signing("good"), "list")
        for name in ("data", "persist", "run"):
            os.makedirs(f"device/{name}", exist_ok=True)
        for value, status, code in (("optional", 0, None), ("required", 3, "missing-timestamp")):
            write("device/conf", "".join(
                f'{key} = "{self.folder}/{place}"\n' for key, place in (
                    ("data", "device/data"), ("persist", "device/persist"), ("run", "device/run"),
                    ("keys", "ring"))).encode() + f"timestamp = {value}\n".encode())
            base = [WMOPKG, "--config", "device/conf"]
            done = attempt(*base, "verify", "./in.wmopkg", "json")
            self.assertEqual(done.returncode, status, done)
            told = json.loads(done.stdout)
            self.assertEqual(told.get("reason", {}).get("code"), code)
            done = attempt(*base, "verify", "./out.wmopkg", "json")
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(json.loads(done.stdout)["signer"]["timestamp_by"], "public.tsa.pem")
            if value == "required":
                done = attempt(*base, "denylist", "./list")
                self.assertEqual(done.returncode, 3, done)
                self.assertIn("its signature has no timestamp", done.stderr)

    def test_clock_of_the_authority(self):
        """An authority whose own certificate has not begun at the time that it confirms."""
        self.create()
        run(BUILD, "extract", "--timestamp-query", "q.tsq", "in.wmopkg")
        write("tsa-serial", b"01\n")
        run(*at(f"-{3 * YEAR}s"), "openssl", "ts", "-reply", "-config", "tsa-no.conf",
            "-queryfile", "q.tsq", "-inkey", self.ca.key("tsa"), "-signer", self.ca.pem("tsa"),
            "-out", "r.tsr")
        run(BUILD, "sign", "--timestamp", "r.tsr", "in.wmopkg", "out.wmopkg")
        told = self.inspect()
        self.assertEqual(told["verdict"], "Untrusted")
        self.assertIn("timestamp: ", told["reason"]["message"])
        self.assertIn("certificate is not yet valid", told["reason"]["message"])


if __name__ == "__main__":
    unittest.main()
