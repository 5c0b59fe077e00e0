#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The signature over the root hash that kernels check, against the openssl call that the
kernel's and veritysetup's documentation make it with."""

import base64
import json
import os
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
    "ed25519": ["ed25519"],
}


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


class KernelSignature(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="wmopkg-test-kernel-signature.")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chdir(cls.folder)
        os.makedirs("tree/etc")
        with open("tree/etc/motd", "w", encoding="utf-8") as file:
            file.write("hello\n")
        for name, options in KEYS.items():
            cls.succeed("openssl", "req", "-x509", "-nodes", "-newkey", *options, "-keyout",
                        f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}", "-days",
                        "30", "-addext", "extendedKeyUsage=codeSigning")

    @staticmethod
    def succeed(*words):
        result = run(*words)
        if result.returncode != 0:
            raise AssertionError(f"{words}: {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def create(self, key):
        """A package with a kernel signature: leaves it in `signature`, the text in `text`."""
        self.succeed(BUILD, *CREATE, "--key", "p256.key", "--cert", "p256.pem", "--kernel-key",
                     f"{key}.key", "--kernel-cert", f"{key}.pem", "tree", "a.wmopkg")
        self.succeed(BUILD, "extract", "--manifest", "m", "a.wmopkg")
        with open("m", encoding="utf-8") as file:
            image = json.load(file)["image"]
        with open("signature", "wb") as file:
            file.write(base64.b64decode(image["kernel_signature"], validate=True))
        with open("text", "w", encoding="ascii") as file:
            file.write(image["root_hash"].lower())

    def test_openssl_verifies_it(self):
        for key in ("rsa", "p256", "p384"):
            for tool in ("smime", "cms"):
                with self.subTest(key=key, tool=tool):
                    self.create(key)
                    verify = ["openssl", tool, "-verify", "-binary", "-inform", "DER", "-in",
                              "signature", "-nointern", "-noverify", "-certfile", f"{key}.pem",
                              "-content"]
                    self.succeed(*verify, "text", "-out", "verified")
                    with open("other", "w", encoding="ascii") as file:
                        file.write("0" * 64)
                    self.assertNotEqual(run(*verify, "other").returncode, 0)
                    # neither certificates nor attributes, which kernels have no use for
                    printed = self.succeed("openssl", "pkcs7", "-inform", "DER", "-in",
                                           "signature", "-print", "-noout")
                    self.assertRegex(printed, r"cert:\s+<ABSENT>")
                    self.assertRegex(printed, r"auth_attr:\s+<ABSENT>")
                    self.assertIn("sha384" if key == "p384" else "sha256", printed)

    def test_the_same_bytes_as_openssl(self):
        self.create("rsa")
        self.succeed("openssl", "smime", "-sign", "-nocerts", "-noattr", "-binary", "-in", "text",
                     "-inkey", "rsa.key", "-signer", "rsa.pem", "-outform", "der", "-out",
                     "theirs")
        with open("signature", "rb") as ours, open("theirs", "rb") as theirs:
            self.assertEqual(ours.read(), theirs.read())

    def test_signed_again_it_stays(self):
        """The manifest is the same: it goes with whatever signature covers it."""
        self.create("rsa")
        self.succeed(BUILD, "sign", "--key", "p384.key", "--cert", "p384.pem", "a.wmopkg",
                     "b.wmopkg")
        self.succeed(BUILD, "extract", "--manifest", "m2", "b.wmopkg")
        with open("m", "rb") as one, open("m2", "rb") as other:
            self.assertEqual(one.read(), other.read())

    def refused(self, status, message, *options):
        result = run(BUILD, *CREATE, *options, "tree", "none.wmopkg")
        if status == 2 and not message.endswith(")"):
            message += " (see 'wmopkg-build help')"
        self.assertEqual(result.stderr, f"wmopkg-build: {message}\n")
        self.assertEqual(result.returncode, status)
        self.assertFalse(os.path.exists("none.wmopkg"))

    def test_wrong_keys(self):
        check = " (check the key and certificate files)"
        self.refused(2, "create: --kernel-key and --kernel-cert go together", "--kernel-key",
                     "rsa.key")
        self.refused(1, "rsa.pem is not the certificate of p256.key" + check, "--kernel-key",
                     "p256.key", "--kernel-cert", "rsa.pem")
        self.refused(1, "ed25519.key: kernels take RSA and EC keys, and this is neither" + check,
                     "--kernel-key", "ed25519.key", "--kernel-cert", "ed25519.pem")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
