#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signing in two steps: what plain openssl signs elsewhere is put in by wmopkg-build.

And several signers of one package, each with their own tool.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.join(os.environ["WMOPKG_BUILD"], "installer", "wmopkg-build")
CREATE = ["create", "--version", "1.0", "--description", "Example"]
KEYS = {
    "rsa": ["rsa:3072"],
    "p256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
}


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


class TwoSteps(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="wmopkg-test-two-step.")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chdir(cls.folder)
        os.makedirs("tree/etc")
        os.mkdir("ring")
        write("tree/etc/motd", b"hello\n")
        for name, options in KEYS.items():
            cls.succeed("openssl", "req", "-x509", "-nodes", "-newkey", *options, "-keyout",
                        f"{name}.key", "-out", f"ring/{name}.pem", "-subj", f"/CN={name}",
                        "-days", "30", "-addext", "extendedKeyUsage=codeSigning", "-addext",
                        "keyUsage=digitalSignature")
        cls.succeed(BUILD, *CREATE, "tree", "in.wmopkg")
        cls.succeed(BUILD, "extract", "--manifest", "m", "in.wmopkg")

    @staticmethod
    def succeed(*words):
        result = run(*words)
        if result.returncode != 0:
            raise AssertionError(f"{words}: {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def openssl(self, *options, key="p256", manifest="m", form="DER"):
        """What the offline signer does."""
        self.succeed("openssl", "cms", "-sign", "-binary", "-md", "sha256", "-signer",
                     f"ring/{key}.pem", "-inkey", f"{key}.key", "-outform", form, "-in",
                     manifest, "-out", "s", *options)

    def put_in(self, package="in.wmopkg"):
        self.succeed(BUILD, "sign", "--signature", "s", package, "out.wmopkg")

    def check(self, *signers):
        """The package is Signed by these, says wmopkg-build, and says openssl."""
        output = self.succeed(BUILD, "inspect", "--keys", "ring", "out.wmopkg")
        self.assertIn("Verification: Signed\n", output)
        for signer in signers:
            self.assertIn(f"CN={signer}\n", output)
        self.succeed(BUILD, "extract", "--manifest", "m2", "--signature", "s2", "out.wmopkg")
        self.assertEqual(read("m"), read("m2"))
        write("all.pem", b"".join(read(f"ring/{signer}.pem") for signer in signers))
        self.succeed("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "s2",
                     "-content", "m", "-CAfile", "all.pem", "-purpose", "any", "-out", "v")
        printed = self.succeed("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in",
                               "s2")
        self.assertEqual(printed.count("signatureAlgorithm"), len(signers))

    def refused(self, status, message, *words):
        before = sorted(os.listdir("."))
        result = run(BUILD, "sign", *words)
        if status == 2 and not message.endswith(")"):
            message += " (see 'wmopkg-build help')"
        self.assertEqual(result.stderr, f"wmopkg-build: {message}\n")
        self.assertEqual((result.returncode, result.stdout), (status, ""))
        self.assertEqual(sorted(os.listdir(".")), before)

    def test_every_algorithm(self):
        pss = ["-keyopt", "rsa_padding_mode:pss"]
        for key, options in (("p256", []), ("p384", []), ("rsa", []), ("rsa", pss),
                             ("rsa", [*pss, "-keyopt", "rsa_pss_saltlen:-1"])):
            for cades in ([], ["-cades"]):
                with self.subTest(key=key, options=options + cades):
                    self.openssl(*options, *cades, key=key)
                    self.put_in()
                    self.check(key)
                    self.assertEqual(read("s"), read("s2"))

    def test_statements(self):
        """The same for what is no package: deny lists and unlock statements."""
        self.succeed(BUILD, "denylist", "--number", "3", "--name", "acme=2", "in.deny")
        self.succeed(BUILD, "unlock", "--serial", "EX-1", "--allow", "downgrade", "--not-after",
                     "2030-01-01", "in.unlock")
        self.succeed("openssl", "req", "-x509", "-nodes", "-newkey", *KEYS["p256"], "-keyout",
                     "unlock.key", "-out", "unlock.pem", "-subj", "/CN=unlock", "-days", "30",
                     "-addext", "extendedKeyUsage=2.25.262918127440573346229120389441173150337")
        os.makedirs("ring-statements", exist_ok=True)
        shutil.copy("unlock.pem", "ring-statements")
        shutil.copy("ring/p256.pem", "ring-statements")
        for name, key, certificate in (("deny", "p256.key", "ring/p256.pem"),
                                       ("unlock", "unlock.key", "unlock.pem")):
            with self.subTest(name=name):
                self.succeed(BUILD, "extract", "--manifest", "text", f"in.{name}")
                self.succeed("openssl", "cms", "-sign", "-binary", "-md", "sha256", "-cades",
                             "-signer", certificate, "-inkey", key, "-outform", "DER", "-in",
                             "text", "-out", "s")
                self.succeed(BUILD, "sign", "--signature", "s", f"in.{name}", f"out.{name}")
                output = self.succeed(BUILD, "inspect", "--keys", "ring-statements",
                                      f"out.{name}")
                self.assertIn("Verification: Signed\n", output)
                # what was signed for the one does not go into the other, nor into a package
                for other in ("in.deny", "in.unlock", "in.wmopkg"):
                    if other == f"in.{name}":
                        continue
                    out = "none.wmopkg" if other == "in.wmopkg" else "none"
                    result = run(BUILD, "sign", "--signature", "s", other, out)
                    self.assertEqual(result.returncode, 3)
                    self.assertRegex(result.stderr, "^wmopkg-build: s: signature: it does not "
                                     "match the signed data")
                    self.assertFalse(os.path.exists(out))

    def test_what_is_no_signature_of_it(self):
        """Each with its reason; nothing is written."""
        damaged = " (sign what 'extract --manifest' writes: openssl cms -sign -binary -md sha256 " \
            "-outform DER)"
        put_in = ("--signature", "s", "in.wmopkg", "none.wmopkg")
        write("other", read("m")[:-1] + b" }")
        self.openssl(manifest="other")
        result = run(BUILD, "sign", *put_in)
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, "^wmopkg-build: s: signature: it does not match the signed "
                         f"data: .*{re.escape(damaged)}\n$")
        self.openssl()
        good = read("s")
        write("s", good + b"\0")
        self.refused(3, "s: signature: bytes follow the CMS structure" + damaged, *put_in)
        write("s", good[:-1])
        result = run(BUILD, "sign", *put_in)
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, "^wmopkg-build: s: signature: not a CMS structure")
        write("s", b"")
        result = run(BUILD, "sign", *put_in)
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, "^wmopkg-build: s: signature: not a CMS structure")
        self.openssl("-nodetach")
        self.refused(3, "s: signature: not detached, or not over plain data" + damaged, *put_in)
        self.succeed("openssl", "cms", "-sign", "-binary", "-md", "sha1", "-signer", "ring/p256.pem",
                     "-inkey", "p256.key", "-outform", "DER", "-in", "m", "-out", "s")
        self.refused(3, "s: signature: digest SHA1 is not one of SHA-256, SHA-384, SHA-512" + damaged,
                     *put_in)
        for other in (base64.encodebytes(good), b"raw", b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n",
                      b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
            write("s", other)
            self.refused(3, "s: signature: not a CMS structure in distinguished encoding (DER)" + damaged,
                         *put_in)
        self.openssl("-nocerts")
        self.refused(2, "s: the certificate of a signer is missing (openssl cms -sign without "
                     "-nocerts; gpgsm --include-certs -1)", *put_in)
        self.openssl("-noattr")
        self.refused(2, "s: no signing time (openssl cms -sign without -noattr; cmsutil -S -G)",
                     *put_in)
        write("s", bytes(65537))
        result = run(BUILD, "sign", *put_in)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertFalse(os.path.exists("none.wmopkg"))

    def test_pem(self):
        """In the lines of both names, and with the ends of lines of Windows."""
        self.openssl(form="PEM")
        text = read("s")
        for lines in (text, text.replace(b"CMS", b"PKCS7"), text.replace(b"\n", b"\r\n")):
            write("s", lines)
            self.put_in()
            self.check("p256")

    def ber(self):
        """The signature s is BER, openssl takes it, and devices take what comes of it."""
        with open("s", "rb") as file:
            self.assertEqual(file.read(2), b"\x30\x80", "a length that is known beforehand")
        self.put_in()

    def test_nss(self):
        os.mkdir("nss")
        nss = ("-d", "sql:nss")
        write("noise", os.urandom(64))
        self.succeed("certutil", "-N", *nss, "--empty-password")
        self.succeed("certutil", "-S", *nss, "-n", "nss", "-s", "CN=nss", "-x", "-t", "CTu,CTu,CTu",
                     "-k", "rsa", "-g", "2048", "-z", "noise", "--keyUsage", "digitalSignature",
                     "--extKeyUsage", "codeSigning,emailProtection")
        write("ring/nss.pem", self.succeed("certutil", "-L", *nss, "-n", "nss", "-a").encode())
        cmsutil = ("cmsutil", "-S", *nss, "-N", "nss", "-Y", "NONE", "-T", "-H", "SHA256", "-i", "m",
                   "-o", "s")
        self.succeed(*cmsutil, "-G")
        self.ber()
        self.check("nss")
        self.succeed(*cmsutil)
        self.refused(2, "s: no signing time (openssl cms -sign without -noattr; cmsutil -S -G)",
                     "--signature", "s", "in.wmopkg", "none.wmopkg")

    def test_gpgsm(self):
        os.makedirs("gpg", mode=0o700)
        home = ("--homedir", os.path.abspath("gpg"))

        def gpgsm(*words):
            done = subprocess.run(
                ["gpgsm", *home, "--batch", "--disable-crl-checks", "--pinentry-mode", "loopback",
                 "--passphrase-fd", "0", *words], input=b"x", stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)

        write("gpg/gpg-agent.conf", b"allow-loopback-pinentry\n")
        self.addCleanup(run, "gpgconf", *home, "--kill", "gpg-agent")
        self.succeed("openssl", "pkcs12", "-export", "-legacy", "-inkey", "rsa.key", "-in",
                     "ring/rsa.pem", "-passout", "pass:x", "-out", "rsa.p12")
        gpgsm("--import", "rsa.p12")
        listed = self.succeed("gpgsm", *home, "--batch", "-K", "--with-colons")
        key = [line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:")][0]
        write("gpg/trustlist.txt", f"{key} S relax\n".encode())
        self.succeed("gpgconf", *home, "--kill", "gpg-agent")
        gpgsm("--yes", "-u", key, "--include-certs", "-1", "--output", "s", "--detach-sign", "m")
        self.ber()
        self.check("rsa")

    def test_chains(self):
        """However the files of a CA are given, each certificate is enclosed once."""
        self.succeed("openssl", "req", "-x509", "-nodes", "-newkey", *KEYS["p256"], "-keyout",
                     "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "30")
        self.succeed("openssl", "req", "-new", "-nodes", "-newkey", *KEYS["p256"], "-keyout",
                     "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf")
        write("leaf.ext", b"extendedKeyUsage=codeSigning\nkeyUsage=digitalSignature\n")
        self.succeed("openssl", "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey",
                     "ca.key", "-CAcreateserial", "-days", "30", "-extfile", "leaf.ext", "-out",
                     "leaf.pem")
        leaf, ca = read("leaf.pem"), read("ca.pem")
        write("fullchain.pem", leaf + ca)
        write("reversed.pem", ca + leaf)
        write("with-key.pem", read("leaf.key") + leaf)
        for cert, chain, enclosed in (
                ("leaf.pem", [], 1), ("leaf.pem", ["ca.pem"], 2), ("leaf.pem", ["leaf.pem"], 1),
                ("leaf.pem", ["fullchain.pem"], 2), ("fullchain.pem", [], 2),
                ("fullchain.pem", ["fullchain.pem"], 2), ("reversed.pem", ["ca.pem"], 2),
                ("with-key.pem", ["with-key.pem"], 1)):
            with self.subTest(cert=cert, chain=chain):
                words = ["--chain", *chain] if chain else []
                self.succeed(BUILD, "sign", "--key", "leaf.key", "--cert", cert, *words,
                             "in.wmopkg", "out.wmopkg")
                self.succeed(BUILD, "extract", "--signature", "s2", "out.wmopkg")
                printed = self.succeed("openssl", "cms", "-cmsout", "-print", "-inform", "DER",
                                       "-in", "s2")
                self.assertEqual(printed.count("d.certificate:"), enclosed)
                self.sign("p256", "in.wmopkg")
                self.succeed(BUILD, "sign", "--add", "--key", "leaf.key", "--cert", cert, *words,
                             "out.wmopkg", "out.wmopkg")
        check = " (check the key and certificate files)"
        self.refused(1, "ca.pem is not the certificate of leaf.key" + check, "--key", "leaf.key",
                     "--cert", "ca.pem", "--chain", "leaf.pem", "in.wmopkg", "none.wmopkg")
        write("cut.pem", leaf + ca[:-60])
        result = run(BUILD, "sign", "--key", "leaf.key", "--cert", "cut.pem", "in.wmopkg",
                     "none.wmopkg")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, "^wmopkg-build: cut.pem: ")

    def test_options_that_do_not_go_together(self):
        packages = ("in.wmopkg", "none.wmopkg")
        alone = "sign: --signature takes no other option"
        self.refused(2, alone, "--signature", "s", "--add", *packages)
        self.refused(2, alone, "--signature", "s", "--key", "p256.key", *packages)
        self.refused(2, alone, "--signature", "s", "--signing-time", "0", *packages)
        self.refused(2, "sign: --key and --cert, or --signature, or --timestamp, is expected",
                     *packages)
        self.refused(2, "sign: expected: IN OUT", "--signature", "s",
                     "in.wmopkg")

    def sign(self, key, package, *options):
        self.succeed(BUILD, "sign", *options, "--key", f"{key}.key", "--cert",
                     f"ring/{key}.pem", package, "out.wmopkg")

    def test_add(self):
        """A vendor signs, an owner signs beside; each of the two alone is enough to verify."""
        self.sign("p256", "in.wmopkg")
        self.sign("rsa", "out.wmopkg", "--add")
        self.check("p256", "rsa")
        self.sign("p384", "out.wmopkg", "--add")
        self.check("p256", "rsa", "p384")
        self.refused(1, "ring/rsa.pem: this certificate has signed it already (check the key and "
                     "certificate files)", "--add", "--key", "rsa.key", "--cert", "ring/rsa.pem",
                     "out.wmopkg", "none.wmopkg")
        for name in KEYS:
            os.makedirs(f"ring-{name}", exist_ok=True)
            shutil.copy(f"ring/{name}.pem", f"ring-{name}")
            output = self.succeed(BUILD, "inspect", "--keys", f"ring-{name}", "out.wmopkg")
            self.assertIn("Verification: Signed\n", output)
        self.sign("rsa", "out.wmopkg")
        self.check("rsa")

    def test_add_to_nothing(self):
        self.sign("rsa", "in.wmopkg", "--add")
        self.check("rsa")

    def test_add_to_what_openssl_signed(self):
        """Whatever digest and attributes it has."""
        for options in (["-md", "sha512"], ["-cades"], ["-keyopt", "rsa_padding_mode:pss"]):
            with self.subTest(options=options):
                self.openssl(*options, key="rsa")
                self.put_in()
                self.sign("p256", "out.wmopkg", "--add")
                self.check("rsa", "p256")

    def test_openssl_adds_to_ours(self):
        """The second signer is offline as well: openssl cms -resign."""
        self.sign("p256", "in.wmopkg")
        self.succeed(BUILD, "extract", "--signature", "s1", "out.wmopkg")
        self.succeed("openssl", "cms", "-resign", "-binary", "-inform", "DER", "-in", "s1",
                     "-signer", "ring/rsa.pem", "-inkey", "rsa.key", "-md", "sha256", "-outform",
                     "DER", "-out", "s")
        self.put_in("out.wmopkg")
        self.check("p256", "rsa")

    def test_too_many(self):
        self.sign("p256", "in.wmopkg")
        for number in range(7):
            self.succeed("openssl", "req", "-x509", "-new", "-key", "p384.key", "-out",
                         "more.pem", "-subj", f"/CN={number}", "-days", "30", "-addext",
                         "extendedKeyUsage=codeSigning")
            self.succeed(BUILD, "sign", "--add", "--key", "p384.key", "--cert", "more.pem",
                         "out.wmopkg", "out.wmopkg")
        self.refused(1, "ring/rsa.pem: it has 8 signatures already, which is the limit (check the "
                     "key and certificate files)", "--add", "--key", "rsa.key", "--cert",
                     "ring/rsa.pem", "out.wmopkg", "none.wmopkg")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
