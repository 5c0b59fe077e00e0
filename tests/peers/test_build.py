#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg-build against the peers whose formats it writes: openssl, veritysetup, unsquashfs.

And what it says to wrong input, to the letter, leaving nothing behind.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trust"))

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import elf  # noqa: E402
import everybody  # noqa: E402
from clock import at  # noqa: E402

BUILD = os.path.join(os.environ["WMOPKG_BUILD"], "installer", "wmopkg-build")
# A libarchive as it is where it was built with --disable-xattr.
WITHOUT_XATTRS = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <archive.h>

int archive_read_disk_set_behavior(struct archive *disk, int flags)
{
	int (*set)(struct archive *, int) = dlsym(RTLD_NEXT, "archive_read_disk_set_behavior");

	return set(disk, flags | ARCHIVE_READDISK_NO_XATTR);
}
"""
CREATE = ["create", "--version", "1.0", "--description", "Example"]


def run(*words, env=None, user=None):
    """A finished process with its output as text."""
    if user:
        words = [everybody.runnable(words[0]), *words[1:]]
    return subprocess.run(words, capture_output=True, text=True, check=False, user=user,
                          group=user, extra_groups=[] if user else None,
                          env=dict(os.environ, **(env or {})))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="wmopkg-test-build.")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chdir(self.folder)

    def build(self, *words, env=None):
        """wmopkg-build, which must succeed."""
        result = run(BUILD, *words, env=env)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def refused(self, status, message, *words, env=None, user=None):
        """wmopkg-build, which must say just this and leave the folder as it was."""
        before = sorted(os.listdir("."))
        result = run(BUILD, *words, env=env, user=user)
        if status == 2 and not message.endswith(")"):
            message += " (see 'wmopkg-build help')"
        self.assertEqual(result.stderr, f"wmopkg-build: {message}\n")
        self.assertEqual(result.returncode, status)
        self.assertEqual(result.stdout, "")
        self.assertEqual(sorted(os.listdir(".")), before)

    def tree(self, blocks=1):
        """A tree whose image has at least so many blocks."""
        os.makedirs("tree/etc")
        with open("tree/etc/motd", "w", encoding="utf-8") as file:
            file.write("hello\n")
        with open("tree/data", "wb") as file:
            file.write(os.urandom(4096 * (blocks - 1)))

    def facts(self, package):
        return json.loads(self.build("inspect", "--json", package))


class Peers(Case):
    def check_package(self, package, root):
        facts = self.facts(package)
        self.build("extract", "--manifest", "m", "--signature", "s", "--tree", "t", "--image", "i",
                   package)
        self.assertEqual(os.path.getsize("i") % 4096, 0)
        blocks = os.path.getsize("i") // 4096
        openssl = run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "s",
                      "-content", "m", "-CAfile", root, "-purpose", "any", "-out", "verified")
        self.assertEqual(openssl.returncode, 0, openssl.stderr)
        self.assertEqual(digest("verified"), digest("m"))
        verity = run("veritysetup", "verify", "--no-superblock", "--data-blocks", str(blocks),
                     "--salt", facts["image"]["salt"], "i", "t", facts["image"]["root_hash"])
        self.assertEqual(verity.returncode, 0, verity.stderr)
        # The tree that veritysetup makes of the image is ours to the byte.
        made = run("veritysetup", "format", "--no-superblock", "--salt", facts["image"]["salt"],
                   "i", "t2")
        self.assertEqual(made.returncode, 0, made.stderr)
        with open("t2", "rb") as theirs, open("t", "rb") as ours:
            self.assertEqual(theirs.read()[:os.path.getsize("t")], ours.read())
        self.assertIn(facts["image"]["root_hash"], made.stdout)
        squashfs = run("unsquashfs", "-d", "out", "i")
        self.assertEqual(squashfs.returncode, 0, squashfs.stderr)
        self.assertEqual(run("diff", "-r", "tree", "out").stdout, "")

    def test_every_depth_of_tree(self):
        self.build("keys", "keys")
        for blocks, levels in ((1, 0), (2, 1), (200, 2), (17000, 3)):
            with self.subTest(blocks=blocks):
                self.tree(blocks)
                self.build(*CREATE, "--key", "keys/signer.key", "--cert", "keys/signer.pem",
                           "tree", "a.wmopkg")
                self.check_package("a.wmopkg", "keys/root.pem")
                tree_blocks = os.path.getsize("t") // 4096
                self.assertEqual(tree_blocks > 0, levels > 0)
                for path in ("tree", "out"):
                    shutil.rmtree(path)

    def test_their_signature_is_ours(self):
        """What plain openssl signs is accepted, with the key types and digests it offers."""
        self.tree()
        self.build(*CREATE, "tree", "a.wmopkg")
        self.build("extract", "--manifest", "m", "--tree", "t", "--image", "i", "a.wmopkg")
        for name, options in {"rsa": ["rsa:3072"],
                              "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]}.items():
            for message_digest in ("sha256", "sha512"):
                os.makedirs(f"ring-{name}", exist_ok=True)
                run("openssl", "req", "-x509", "-nodes", "-newkey", *options, "-keyout", "key",
                    "-out", f"ring-{name}/c.pem", "-subj", "/CN=theirs", "-days", "30", "-addext",
                    "extendedKeyUsage=codeSigning")
                signed = run("openssl", "cms", "-sign", "-binary", "-md", message_digest, "-in",
                             "m", "-signer", f"ring-{name}/c.pem", "-inkey", "key", "-outform",
                             "DER", "-out", "s")
                self.assertEqual(signed.returncode, 0, signed.stderr)
                self.assemble("b.wmopkg")
                result = run(BUILD, "inspect", "--keys", f"ring-{name}", "b.wmopkg")
                self.assertEqual(result.stdout.splitlines()[0], "Verification: Signed",
                                 f"{name} {message_digest}: {result.stdout}")
                self.assertEqual(result.returncode, 0)

    def test_our_signature_is_theirs(self):
        """What each type of key signs with, and that plain openssl takes it."""
        self.tree()
        p384 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]
        for name, key, padding, algorithm in (
                ("rsa", ["rsa:3072"], [], "rsassaPss"),
                ("rsa-1", ["rsa:3072"], ["--rsa-padding", "pkcs1"], "rsaEncryption"),
                ("pss", ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:3072"],
                 ["--rsa-padding", "pss"], "rsassaPss"),
                ("p384", p384, [], "ecdsa-with-SHA384")):
            with self.subTest(name):
                self.key(name, *key)
                self.build(*CREATE, *padding, "--key", f"{name}.key", "--cert",
                           f"{name}-ring/c.pem", "tree", f"{name}.wmopkg")
                self.build("extract", "--manifest", "m", "--signature", "s", f"{name}.wmopkg")
                printed = run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", "s")
                self.assertRegex(printed.stdout,
                                 rf"signatureAlgorithm: *\n *algorithm: {algorithm} ")
                theirs = run("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "s",
                             "-content", "m", "-CAfile", f"{name}-ring/c.pem", "-purpose", "any",
                             "-out", "/dev/null")
                self.assertEqual(theirs.returncode, 0, theirs.stderr)
                self.build("inspect", "--keys", f"{name}-ring", f"{name}.wmopkg")

    def key(self, name, *options):
        os.makedirs(f"{name}-ring")
        made = run("openssl", "req", "-x509", "-nodes", "-newkey", *options, "-keyout",
                   f"{name}.key", "-out", f"{name}-ring/c.pem", "-subj", f"/CN={name}", "-days",
                   "30", "-addext", "extendedKeyUsage=codeSigning")
        self.assertEqual(made.returncode, 0, made.stderr)

    def test_certificates_of_other_programs(self):
        """DER is taken; of the rest, the message has the command, and what that writes is taken."""
        def openssl(*words):
            done = run("openssl", *words)
            self.assertEqual(done.returncode, 0, done.stderr)

        def command(name, words):
            result = run(BUILD, *CREATE, *words, "tree", "a.wmopkg")
            self.assertEqual(result.returncode, 1)
            told = re.fullmatch(rf"wmopkg-build: {name}: PKCS #(7|12), not a [a-zA-Z ]+ "
                                r"\((openssl .*)\)\n", result.stderr)
            self.assertTrue(told, result.stderr)
            return shlex.split(told[2])

        self.tree()
        self.key("k", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        certificate = "k-ring/c.pem"
        openssl("x509", "-in", certificate, "-outform", "DER", "-out", "c.cer")
        openssl("crl2pkcs7", "-nocrl", "-certfile", certificate, "-out", "c.p7b")
        openssl("crl2pkcs7", "-nocrl", "-certfile", certificate, "-outform", "DER", "-out", "der.p7b")
        openssl("pkcs12", "-export", "-in", certificate, "-inkey", "k.key", "-passout", "pass:", "-out",
                "c.p12")
        self.build(*CREATE, "--key", "k.key", "--cert", "c.cer", "tree", "a.wmopkg")
        self.build(*CREATE, "--key", "k.key", "--cert", certificate, "--chain", "c.cer", "tree", "a.wmopkg")
        for name in ("c.p7b", "der.p7b", "c.p12"):
            words = command(name, ("--key", "k.key", "--cert", name))
            openssl(*words[1:], *(["-passin", "pass:"] if name == "c.p12" else []))
            self.build(*CREATE, "--key", "k.key", "--cert", "FILE.pem", "tree", "a.wmopkg")
            self.assertEqual(command(name, ("--key", "k.key", "--cert", certificate, "--chain", name)), words)
        words = command("c.p12", ("--key", "c.p12", "--cert", certificate))
        openssl(*words[1:], "-passin", "pass:", "-passout", "pass:x")
        with open("pin", "w", encoding="utf-8") as file:
            file.write("x\n")
        os.chmod("pin", 0o600)
        self.build(*CREATE, "--key", "FILE.key", "--pin-file", "pin", "--cert", certificate, "tree",
                   "a.wmopkg")
        for name in ("tree/etc/motd", "k.key", "/dev/null"):
            self.refused(1, f"{name}: no certificate in PEM or DER (check the key and certificate files)",
                         *CREATE, "--key", "k.key", "--cert", name, "tree", "b.wmopkg")

    def test_keys_that_cannot_sign(self):
        self.tree()
        self.key("ed", "ed25519")
        self.key("pss", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048")
        for name, options, message in (
                ("ed", [], "an Ed25519 key cannot sign: this OpenSSL has no CMS for it (use ECDSA "
                 "P-256 or P-384, or RSA)"),
                ("pss", ["--rsa-padding", "pkcs1"], "the key is for RSA-PSS only and cannot sign "
                 "with PKCS #1 v1.5 (check the key and certificate files)")):
            self.refused(1, message, *CREATE, *options, "--key", f"{name}.key", "--cert",
                         f"{name}-ring/c.pem", "tree", "a.wmopkg")
        self.refused(2, "--rsa-padding: 'oaep' is not pss or pkcs1", *CREATE, "--rsa-padding",
                     "oaep", "tree", "a.wmopkg")

    @staticmethod
    def assemble(path):
        parts = {}
        for name in "msti":
            with open(name, "rb") as file:
                parts[name] = file.read()
        front = (b"WMOPKG01" + len(parts["m"]).to_bytes(4, "little") +
                 len(parts["s"]).to_bytes(4, "little") + parts["m"] + parts["s"])
        front += b"\0" * (-len(front) % 4096)
        with open(path, "wb") as file:
            file.write(front + parts["t"] + parts["i"])

    def test_signing_again(self):
        self.tree()
        self.build("keys", "keys")
        self.build("keys", "others")
        self.build(*CREATE, "--key", "others/signer.key", "--cert", "others/signer.pem", "tree",
                   "a.wmopkg")
        self.build("sign", "--key", "keys/signer.key", "--cert", "keys/signer.pem", "a.wmopkg",
                   "b.wmopkg")
        self.check_package("b.wmopkg", "keys/root.pem")
        self.assertEqual(self.facts("a.wmopkg")["image"], self.facts("b.wmopkg")["image"])

    def test_expired_since_is_still_signed(self):
        """Validity is judged at the signing time: expiry alone switches nothing off."""
        self.tree()
        os.mkdir("ring")
        made = run(*at("-20y"), "openssl", "req", "-x509", "-nodes", "-newkey",
                   "rsa:2048", "-keyout", "key", "-out", "ring/c.pem", "-subj", "/CN=old",
                   "-days", "365", "-addext", "extendedKeyUsage=codeSigning")
        self.assertEqual(made.returncode, 0, made.stderr)
        end = run("openssl", "x509", "-in", "ring/c.pem", "-noout", "-enddate", "-dateopt",
                  "iso_8601").stdout.split("=")[1].split("-")[0]
        when = int(run("date", "-u", "-d", f"{end}-01-01", "+%s").stdout) - 86400
        for offset, verdict in ((0, "Signed"), (10 * 31556952, "Untrusted")):
            made = run(BUILD, *CREATE, "--key", "key", "--cert", "ring/c.pem", "--signing-time",
                       str(when + offset), "tree", "a.wmopkg")
            self.assertEqual((made.returncode, made.stderr), (0, "" if offset == 0 else
                             "wmopkg-build: warning: ring/c.pem: devices would refuse the signature: "
                             "at the signing time: certificate has expired\n"))
            first = run(BUILD, "inspect", "--keys", "ring", "a.wmopkg").stdout.splitlines()[0]
            self.assertEqual(first, f"Verification: {verdict}")

    def test_what_devices_would_refuse_is_said(self):
        self.tree()
        for bits, offset, why in (
                (2048, "-3600", "at the signing time: certificate is not yet valid"),
                (1024, "0", "the key has 1024 bits, the minimum is 2048")):
            os.makedirs("ring", exist_ok=True)
            made = run("openssl", "req", "-x509", "-nodes", "-newkey", f"rsa:{bits}", "-keyout", "key",
                       "-out", "ring/c.pem", "-subj", "/CN=x", "-days", "365",
                       "-addext", "extendedKeyUsage=codeSigning")
            self.assertEqual(made.returncode, 0, made.stderr)
            when = run("date", "-u", "-d", f"{offset} seconds", "+%s").stdout.strip()
            words = ("--key", "key", "--cert", "ring/c.pem", "--signing-time", when)
            told = f"wmopkg-build: warning: ring/c.pem: devices would refuse the signature: {why}\n"
            made = run(BUILD, *CREATE, *words, "tree", "a.wmopkg")
            self.assertEqual((made.returncode, made.stderr), (0, told))
            self.assertEqual(run(BUILD, "sign", *words, "a.wmopkg", "b.wmopkg").stderr, told)
            first = run(BUILD, "inspect", "--keys", "ring", "b.wmopkg").stdout.splitlines()[0]
            self.assertNotEqual(first, "Verification: Signed")


class Repeatable(Case):
    def test_same_bytes(self):
        """Whatever the number of threads, the order on disk, the times, the umask."""
        digests = set()
        names = [f"file{i}" for i in range(300)]
        for turn, threads in enumerate((1, 2, 7)):
            os.mkdir("tree")
            for name in names if turn % 2 else reversed(names):
                with open(f"tree/{name}", "wb") as file:
                    file.write(hashlib.sha512(name.encode()).digest() * 3000)
                os.chmod(f"tree/{name}", 0o644)
            os.chmod("tree", 0o755)
            os.umask(0o022 if turn else 0o077)
            self.build(*CREATE, "--threads", str(threads), "tree", "a.wmopkg",
                       env={"SOURCE_DATE_EPOCH": "1700000000"})
            digests.add(digest("a.wmopkg"))
            shutil.rmtree("tree")
        os.umask(0o022)
        self.assertEqual(len(digests), 1)

    def test_salt_and_date(self):
        self.tree()
        self.build(*CREATE, "tree", "a.wmopkg", env={"SOURCE_DATE_EPOCH": "1700000000"})
        self.build(*CREATE, "--name", "a", "tree", "b.wmopkg",
                   env={"SOURCE_DATE_EPOCH": "1700000000"})
        self.assertEqual(digest("a.wmopkg"), digest("b.wmopkg"))
        self.assertEqual(self.facts("a.wmopkg")["built"], 1700000000)
        self.build(*CREATE, "--name", "other", "tree", "b.wmopkg",
                   env={"SOURCE_DATE_EPOCH": "1700000000"})
        self.assertNotEqual(self.facts("a.wmopkg")["image"]["salt"],
                            self.facts("b.wmopkg")["image"]["salt"])

    def test_every_option(self):
        self.tree()
        self.build(*CREATE, "--priority", "-5", "--epoch", "7", "--persistent", "required",
                   "--compatible", "switch-*", "--compatible", "router", "--firmware-min", "5.0",
                   "--firmware-max", "6.1", "--compressor", "xz", "--threads", "2", "--need",
                   "base>=5.0", "--need", "fonts", "--conflict", "old-ui", "tree", "a.wmopkg",
                   env={"SOURCE_DATE_EPOCH": "1"})
        facts = self.facts("a.wmopkg")
        self.assertEqual({key: facts[key] for key in ("priority", "epoch", "persistent",
                                                      "compatible", "firmware", "needs",
                                                      "conflicts_with")},
                         {"priority": -5, "epoch": 7, "persistent": "required",
                          "compatible": ["switch-*", "router"],
                          "firmware": {"min": "5.0", "max": "6.1"},
                          "needs": ["base>=5.0", "fonts"], "conflicts_with": ["old-ui"]})
        self.assertIn("Needs: base>=5.0\nNeeds: fonts\nConflicts: old-ui\n",
                      self.build("inspect", "a.wmopkg"))
        # Whoever does not know these keys must not ignore them.
        self.build("extract", "--manifest", "m", "a.wmopkg")
        with open("m", encoding="utf-8") as file:
            self.assertEqual(json.load(file)["requires"], ["needs", "conflicts_with"])

    def test_needs_that_no_device_meets(self):
        self.tree()
        for option, value, why in (
                ("--need", "b >= 1", "--need: 'b >= 1' is not NAME or NAME>=VERSION (the name in "
                 "the manifest of the other package; in quotes, for > means something to the "
                 "shell)"),
                ("--need", "b>=beta", "--need: 'beta' is not a version (it has no digit)"),
                ("--need", "a", "manifest: needs: the package itself"),
                ("--conflict", "b>=1", "--conflict: 'b>=1' is not a package name (the name in the "
                 "manifest of the other package, without a version)"),
                ("--conflict", "a", "manifest: conflicts_with: the package itself")):
            self.refused(2, why, *CREATE, option, value, "tree", "a.wmopkg")
        self.refused(2, "manifest: needs: 'b' twice", *CREATE, "--need", "b", "--need", "b>=2",
                     "tree", "a.wmopkg")
        self.refused(2, "--need: given more than 64 times", *CREATE,
                     *[word for i in range(65) for word in ("--need", f"b{i}")], "tree",
                     "a.wmopkg")

    def test_epoch_of_the_source(self):
        """It rises with the date of the source, and whoever builds it again gets the same."""
        self.tree()
        for date in (1, 1700000000, 1700000001):
            self.build(*CREATE, "--epoch", "auto", "tree", "a.wmopkg",
                       env={"SOURCE_DATE_EPOCH": str(date)})
            self.assertEqual(self.facts("a.wmopkg")["epoch"], date)
            self.build(*CREATE, "--epoch", str(date), "--name", "a", "tree", "b.wmopkg",
                       env={"SOURCE_DATE_EPOCH": str(date)})
            self.assertEqual(digest("a.wmopkg"), digest("b.wmopkg"))
        self.refused(2, "--epoch auto: SOURCE_DATE_EPOCH is not set (set it to the date of the "
                     "source, such as: git log -1 --format=%ct)",
                     *CREATE, "--epoch", "auto", "tree", "c.wmopkg",
                     env={"SOURCE_DATE_EPOCH": ""})
        self.refused(2, "--epoch auto: SOURCE_DATE_EPOCH is ahead of the clock of this host: "
                     "devices would refuse later packages",
                     *CREATE, "--epoch", "auto", "tree", "c.wmopkg",
                     env={"SOURCE_DATE_EPOCH": "4294967295"})
        self.refused(2, "--epoch auto: SOURCE_DATE_EPOCH is 0, and an epoch of 0 keeps no older "
                     "package out (set it to the date of the source)",
                     *CREATE, "--epoch", "auto", "tree", "c.wmopkg",
                     env={"SOURCE_DATE_EPOCH": "0"})
        self.refused(2, "--epoch is given twice", *CREATE, "--epoch", "1", "--epoch", "2", "tree",
                     "c.wmopkg")
        for blank in ("", " ", " 5", "+5"):
            self.refused(2, f"--epoch: '{blank}' is not a whole number from 0 to 4294967295",
                         *CREATE, "--epoch", blank, "tree", "c.wmopkg")
        self.refused(2, "--epoch: 'Auto' is not a whole number from 0 to 4294967295",
                     *CREATE, "--epoch", "Auto", "tree", "c.wmopkg")
        self.assertEqual(os.path.exists("c.wmopkg"), False)


class Trees(Case):
    """What of a tree is not taken into the package, and how that is said."""

    def setUp(self):
        super().setUp()
        self.tree()

    def warned(self, warnings, *words):
        result = run(BUILD, *CREATE, *words)
        self.assertEqual(result.stderr,
                         "".join(f"wmopkg-build: warning: {line}\n" for line in warnings))
        self.assertEqual(result.returncode, 0)

    def test_attributes(self):
        self.build(*CREATE, "--name", "a", "tree", "plain.wmopkg")
        os.setxattr("tree/data", "user.xdg.origin.url", b"https://example.com/")
        os.setxattr("tree/etc/motd", "user.xdg.origin.url", b"https://example.com/")
        self.warned(["tree: 2 attributes are left out: user.xdg.origin.url "
                     "(--xattrs keeps what squashfs can store)"], "tree", "a.wmopkg")
        self.assertEqual(digest("a.wmopkg"), digest("plain.wmopkg"), "not the same on each host")
        self.warned([], "--xattrs", "tree", "a.wmopkg")
        self.assertNotEqual(digest("a.wmopkg"), digest("plain.wmopkg"))

    def test_attributes_that_libarchive_does_not_read(self):
        """Nothing that a package would keep is lost without a word."""
        with open("shim.c", "w", encoding="ascii") as file:
            file.write(WITHOUT_XATTRS)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", "shim.so", "shim.c"], check=True)
        shim = {"LD_PRELOAD": os.path.abspath("shim.so")}
        os.setxattr("tree/data", "user.xdg.origin.url", b"https://example.com/")
        words = [BUILD, *CREATE, "tree", "a.wmopkg"]
        self.assertEqual(run(*words, env=shim).returncode, 0)
        os.makedirs("tree/opt/app")
        os.setxattr("tree/opt/app", "user.overlay.opaque", b"y")
        self.assertEqual(run(BUILD, *CREATE, "tree", "b.wmopkg").returncode, 0)
        done = run(*words, env=shim)
        self.assertEqual((done.returncode, done.stderr), (
            1, "wmopkg-build: tree: opt/app: its extended attributes cannot be read: this libarchive was built without "
            "them (use one that has them, or a tar file)\n"))
        os.removexattr("tree/opt/app", "user.overlay.opaque")
        self.assertIn("tree: data: its extended", run(*words, "--xattrs", env=shim).stderr)

    def test_set_ids(self):
        """A program of the person who built it would be one of root on the device."""
        for name, mode, owner in (("tree/theirs", 0o6755, (1000, 1000)),
                                  ("tree/user", 0o4755, (1000, 0)),
                                  ("tree/group", 0o2755, (0, 50)),
                                  ("tree/crossed", 0o2755, (1000, 0)),
                                  ("tree/root", 0o6755, (0, 0))):
            with open(name, "w", encoding="utf-8"):
                pass
            os.chown(name, *owner)
            os.chmod(name, mode)
        os.link("tree/theirs", "tree/zero")
        os.mkdir("tree/shared")
        os.chown("tree/shared", 0, 50)
        os.chmod("tree/shared", 0o3775)
        self.warned(["tree: set-user-ID or set-group-ID is left out where another user or group "
                     "than root has it: 4 files, among them group (chown root:root, or give a "
                     "tar file: tar --owner=0 --group=0)"], "tree", "a.wmopkg")
        self.assertEqual(self.modes("a.wmopkg"),
                         {"theirs": "-rwxr-xr-x", "zero": "-rwxr-xr-x", "user": "-rwxr-xr-x",
                          "group": "-rwxr-xr-x", "crossed": "-rwxr-sr-x", "root": "-rwsr-sr-x",
                          "shared": "drwxrwxr-t"})
        made = run("tar", "--owner=0", "--group=0", "-C", "tree", "-cf", "t.tar", ".")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.warned([], "t.tar", "b.wmopkg")
        self.assertEqual(self.modes("b.wmopkg")["theirs"], "-rwsr-sr-x")

    def test_looks_of_folders(self):
        """Merged with those of a device, they would close them to everybody but root."""
        for name, mode in (("etc", 0o700), ("var", 0o700), ("var/lib", 0o755), ("tmp", 0o755),
                           ("opt", 0o755), ("opt/own", 0o700), ("usr", 0o755),
                           ("usr/lib", 0o755), ("usr/lib/x86_64-linux-gnu", 0o750)):
            os.makedirs("tree/" + name, exist_ok=True)
            os.chmod("tree/" + name, mode)
        same = ("tree: 4 folders of the system get the mode and owner that they have there: /etc "
                "(0700 0:0, there 0755 0:0) (--keep-modes keeps the tree's)")
        self.warned([same], "--name", "a", "tree", "a.wmopkg")
        kept = {"etc": "drwx------", "var": "drwx------", "var/lib": "drwxr-xr-x",
                "tmp": "drwxr-xr-x", "opt/own": "drwx------",
                "usr/lib/x86_64-linux-gnu": "drwxr-x---"}
        given = {**kept, "etc": "drwxr-xr-x", "var": "drwxr-xr-x", "tmp": "drwxrwxrwt",
                 "usr/lib/x86_64-linux-gnu": "drwxr-xr-x"}
        self.assertEqual({path: self.all_modes("a.wmopkg").get(path) for path in given}, given)
        self.warned(["tree: 4 folders of the system will change their mode or owner on devices: "
                     "/etc (0700 0:0, there 0755 0:0)"], "--keep-modes", "tree", "b.wmopkg")
        self.assertEqual({path: self.all_modes("b.wmopkg").get(path) for path in kept}, kept)
        # the owner of who made the archive
        run("tar", "--owner=1000", "--group=1000", "-C", "tree", "-cf", "t.tar", "var", "opt")
        self.warned(["t.tar: 3 folders of the system get the mode and owner that they have there: "
                     "/opt (0755 1000:1000, there 0755 0:0) (--keep-modes keeps the "
                     "tree's)"], "t.tar", "c.wmopkg")
        # the same bytes under any umask
        for name in given:
            os.chmod("tree/" + name, 0o711)
        os.chmod("tree/opt/own", 0o700)
        run(BUILD, *CREATE, "--name", "a", "tree", "d.wmopkg")
        self.assertEqual(digest("d.wmopkg"), digest("a.wmopkg"))

    def make_base(self):
        """The tree of a firmware with a merged /usr, and a list of it."""
        for name in ("usr/lib/modules", "usr/bin", "var/log", "srv"):
            os.makedirs("base/" + name)
        os.symlink("usr/lib", "base/lib")
        os.symlink("bin", "base/usr/sbin")
        os.chown("base/srv", 5, 50)
        os.chmod("base/srv", 0o2750)
        with open("base/usr/bin/a b#é", "w", encoding="utf-8"):
            pass
        self.assertEqual(self.build("base", "base", "base.list"),
                         "base.list: use it with: wmopkg-build create --base base.list ...\n")
        run("tar", "-C", "base", "-czf", "base.tar.gz", ".")

    def test_base(self):
        """A folder in place of a link, a file in place of a folder, and the reverse."""
        self.make_base()
        link = ("a folder, and in the base a link to {}: nothing would be reached by the link any "
                "more (move what is in the folder to where the link leads, or use --force)")
        file = "a folder, and in the base a file (use --force to replace it)"
        folder = ("not a folder, and in the base a folder: all that is in it would be hidden (use "
                  "--force to replace it)")
        cases = {"lib/modules/x.ko": "lib: " + link.format("usr/lib"),
                 "usr/sbin/x": "usr/sbin: " + link.format("bin"),
                 "usr/bin/a b#é/x": "usr/bin/a b#\\xc3\\xa9: " + file,
                 "var/log": "var/log: " + folder}
        for path, why in cases.items():
            shutil.rmtree("tree")
            os.makedirs("tree/" + os.path.dirname(path))
            with open("tree/" + path, "w", encoding="utf-8"):
                pass
            for base in ("base", "base.list", "base.tar.gz"):
                self.refused(1, "tree: " + why, *CREATE, "--base", base, "tree", "a.wmopkg")
            self.build(*CREATE, "--base", "base.list", "--force", "tree", "a.wmopkg")
            os.unlink("a.wmopkg")
        shutil.rmtree("tree")
        # a link over a link, a whiteout, and what the base does not have
        os.makedirs("tree/usr/lib/modules/6.1")
        os.makedirs("tree/new/folder")
        os.symlink("usr/lib", "tree/lib")
        os.mknod("tree/srv", 0o20600, os.makedev(0, 0))
        self.build(*CREATE, "--base", "base", "tree", "a.wmopkg")
        self.refused(4, "none: cannot open it: No such file or directory (check the name)", *CREATE, "--base",
                     "none", "tree", "b.wmopkg")

    def test_libraries(self):
        """What the firmware's wmopkg needs; without a base, what any loader reads."""
        self.make_base()
        with open("base/usr/bin/wmopkg", "wb") as file:
            file.write(elf.make("libown.so.1", interpreter=elf.LOADER))
        with open("base/usr/lib/libown.so.1", "wb") as file:
            file.write(elf.make())
        os.makedirs("tree/usr/lib")
        for name in ("usr/lib/libown.so.1", "usr/lib/libother.so", "etc/ld.so.cache"):
            with open("tree/" + name, "w", encoding="utf-8"):
                pass
        said = ("tree: devices keep their own where wmopkg needs it: etc/ld.so.cache ({} such; "
                "bring it in a folder of your own)")
        self.warned([said.format(1)], "tree", "a.wmopkg")
        self.warned([said.format(2)], "--base", "base", "tree", "a.wmopkg")

    def test_base_looks(self):
        self.make_base()
        os.makedirs("tree/srv/x")
        os.makedirs("tree/opt/x")
        os.chmod("tree/opt", 0o700)
        for base in ("base", "base.list", "base.tar.gz"):
            self.warned(["tree: 1 folder of the base gets the mode and owner that it has "
                         "there: /srv (0755 0:0, there 2750 5:50) (--keep-modes keeps the "
                         "tree's)"], "--base", base, "tree", "a.wmopkg")
            self.assertEqual(self.modes("a.wmopkg")["srv"], "drwxr-s---", base)
            # not one of this firmware
            self.assertEqual(self.modes("a.wmopkg")["opt"], "drwx------")

    def test_base_lists(self):
        """Only a whole list of ours: any text is a list to libarchive, with modes of 0."""
        self.make_base()
        with open("base.list", encoding="utf-8") as file:
            text = file.read()
        unknown = "neither a folder, a tar archive nor a list of 'wmopkg-build base'"
        cut = "the end of the list is missing (save it again with 'wmopkg-build base')"
        again = " (correct the tree and make the package again)"
        for part, why in (("", unknown + again), ("hello\n", unknown + again),
                          ("#mtree\n./srv type=dir\n", unknown + again),
                          (text.replace("\n", "\r\n"), unknown + again),
                          (text[:len(text) // 2], cut), (text[:text.index("./srv")], cut),
                          (text[:-1], cut)):
            with open("other.list", "w", encoding="utf-8", newline="") as file:
                file.write(part)
            for words in ([*CREATE, "--base", "other.list", "tree", "a.wmopkg"],
                          ["base", "other.list", "b.list"]):
                self.refused(1, f"other.list: {why}", *words)
        self.build("base", "base.list", "b.list")
        self.assertEqual(digest("b.list"), digest("base.list"))

    def test_over_the_limits_of_devices(self):
        """One file with so many long paths that no device lists them."""
        folder = os.getcwd()
        os.chdir("tree")
        for _ in range(15):
            os.mkdir("f" * 254)
            os.chdir("f" * 254)
        with open("x", "w", encoding="utf-8"):
            pass
        for number in range(16500):
            os.link("x", f"{number:0240}")
        os.chdir(folder)
        self.warned(["tree: devices cannot tell what it replaces or deletes, nor warn of critical "
                     "files: image: its paths have more than 67108864 bytes together"],
                    "tree", "a.wmopkg")

    def modes(self, package):
        """The mode of each file and folder at the root but those of tree()."""
        return {path: mode for path, mode in self.all_modes(package).items()
                if "/" not in path and path not in ("etc", "data")}

    def all_modes(self, package):
        self.build("extract", "--image", "i", package)
        listed = run("unsquashfs", "-lls", "i").stdout.splitlines()
        lines = [line.split() for line in listed if " squashfs-root/" in line]
        return {line[5].partition("/")[2]: line[0] for line in lines}

    def test_images_of_containers(self):
        """As 'docker save' wrote them, and as OCI has them: the layers are what can be packed."""
        for name, paths in (("docker", ("manifest.json", "repositories", "0a1b/layer.tar", "0a1b/json")),
                            ("oci", ("oci-layout", "index.json", "blobs/sha256/0a1b"))):
            for path in paths:
                os.makedirs(os.path.dirname(f"{name}/{path}"), exist_ok=True)
                with open(f"{name}/{path}", "w", encoding="utf-8") as file:
                    file.write("{}")
            subprocess.run(["tar", "-C", name, "-czf", f"{name}.tar.gz", "."], check=True)
            why = "the image of a container, which is no tree, but has layers that are (give one of " \
                "them, or what 'podman export' writes)"
            for tree in (name, f"{name}.tar.gz"):
                self.refused(1, f"{tree}: {why}", *CREATE, tree, "a.wmopkg")
                self.refused(1, f"{tree}: {why}", "base", tree, "list")
        os.unlink("docker/0a1b/layer.tar")
        self.build(*CREATE, "docker", "a.wmopkg")

    def test_capabilities_of_a_namespace(self):
        """As setcap writes them in a container that a user started: no device heeds them."""
        def capability(revision, *root):
            return struct.pack(f"<{5 + len(root)}I", revision << 24 | 1, 1 << 13, 0, 0, 0, *root)

        def attributes(*options):
            made = run(BUILD, *CREATE, *options, "tree-caps", "a.wmopkg")
            self.assertEqual(made.returncode, 0, made.stderr)
            self.build("extract", "--image", "image", "a.wmopkg")
            shutil.rmtree("out", ignore_errors=True)
            subprocess.run(["unsquashfs", "-q", "-n", "-xattrs", "-d", "out", "image"], check=True,
                           stdout=subprocess.DEVNULL)
            return made.stderr, {name: os.getxattr(f"out/{name}", "security.capability")
                                 for name in ("ours", "theirs") if os.listxattr(f"out/{name}")}

        os.mkdir("tree-caps")
        for name, value in (("ours", capability(2)), ("theirs", capability(3, 1000))):
            with open(f"tree-caps/{name}", "w", encoding="utf-8") as file:
                file.write("x")
            os.setxattr(f"tree-caps/{name}", "security.capability", value)
        self.assertEqual(attributes(), (
            "wmopkg-build: warning: tree-caps: 1 attribute is left out: security.capability of a user "
            "namespace (--xattrs keeps what squashfs can store)\n", {"ours": capability(2)}))
        self.assertEqual(attributes("--xattrs"), ("", {"ours": capability(2),
                                                       "theirs": capability(3, 1000)}))

    def test_nothing(self):
        """As of the wrong folder."""
        os.mkdir("nothing")
        with open("zeros.tar", "wb") as file:
            file.write(bytes(10240))
        for tree in ("nothing", "zeros.tar"):
            made = run(BUILD, *CREATE, tree, "a.wmopkg")
            self.assertEqual((made.returncode, made.stderr), (0, f"wmopkg-build: warning: {tree}: nothing "
                                                              "is in it: the package changes nothing\n"))


class WrongInput(Case):
    def setUp(self):
        super().setUp()
        self.tree()

    def test_words(self):
        see = " (see 'wmopkg-build help')"
        self.refused(2, "a command is expected" + see)
        self.refused(2, "'make' is not a command" + see, "make")
        self.refused(2, "create: expected: TREE OUT.wmopkg", *CREATE, "tree")
        self.refused(2, "create: missing option: --version", "create", "tree", "a.wmopkg")
        self.refused(2, "create: missing option: --description", "create", "--version", "1", "tree",
                     "a.wmopkg")
        self.refused(2, "create: '-x' is unknown (see 'wmopkg-build help')", *CREATE, "-xy",
                     "tree", "a.wmopkg")
        self.refused(2, "create: '--colour' is unknown or lacks its value" + see, *CREATE, "--colour",
                     "tree", "a.wmopkg")
        self.refused(2, "--priority: 'high' is not a whole number from -1000000 to 1000000",
                     *CREATE, "--priority", "high", "tree", "a.wmopkg")
        for option in ("--firmware-min", "--firmware-max"):
            self.refused(2, f"{option}: 'abc' is not a version (it has no digit)", *CREATE, option,
                         "abc", "tree", "a.wmopkg")
        self.refused(2, "--firmware-min 5.10 is later than --firmware-max 5.9: no device would accept "
                     "the package (exchange them)", *CREATE, "--firmware-min", "5.10",
                     "--firmware-max", "5.9", "tree", "a.wmopkg")
        self.refused(2, "--persistent: 'maybe' is not allowed, required or forbidden", *CREATE,
                     "--persistent", "maybe", "tree", "a.wmopkg")
        self.refused(2, "SOURCE_DATE_EPOCH: 'now' is not a whole number from 0 to 4294967295",
                     *CREATE, "tree", "a.wmopkg", env={"SOURCE_DATE_EPOCH": "now"})
        self.refused(2, "create: --key and --cert go together", *CREATE, "--key", "k", "tree",
                     "a.wmopkg")
        self.refused(2, "keys: expected: DIR" + see, "keys")
        self.refused(4, "key ring none: No such file or directory (check the name)", "inspect", "--keys", "none",
                     "a.wmopkg")

    def test_names(self):
        rename = (" (rename it: a letter or digit, up to 63 of A-Z a-z 0-9 . _ -, "
                  "then .wmopkg)")
        self.refused(2, "a.zip: the file's name does not end in .wmopkg" + rename, *CREATE, "tree",
                     "a.zip")
        self.refused(2, "out\\a.wmopkg: 'out\\a' is not a valid package name (between folders "
                     "is /, not \\)", *CREATE, "tree", "out\\a.wmopkg")
        self.refused(2, "-a.wmopkg: '-a' is not a valid package name" + rename, *CREATE, "--",
                     "tree", "-a.wmopkg")
        self.refused(2, "--name: 'a b' is not a valid package name (a letter or digit, then up to "
                     "63 of A-Z a-z 0-9 . _ -)", *CREATE,
                     "--name", "a b", "tree", "a.wmopkg")
        self.build(*CREATE, "--name", "all", "tree", "good.wmopkg")
        for word in ("all", "json", "media", "boot"):
            says = f"{word}.wmopkg: '{word}' is a word of the commands, not a name a package may " \
                "have (choose another name)"
            self.refused(2, says, *CREATE, "tree", f"{word}.wmopkg")
            self.refused(2, says, "sign", "--key", "k", "--cert", "c", "good.wmopkg",
                         f"{word}.wmopkg")

    def test_texts(self):
        self.refused(2, "manifest: version: not printable UTF-8",
                     "create", "--version", "1\n2", "--description", "d", "tree", "a.wmopkg")
        self.refused(2, "--version: longer than 64 bytes", "create", "--version", "1" * 65,
                     "--description", "d", "tree", "a.wmopkg")

    def test_trees(self):
        again = " (correct the tree and make the package again)"
        self.refused(4, "nowhere: cannot open it: No such file or directory (check the name)", *CREATE, "nowhere",
                     "a.wmopkg")
        with open("text", "w", encoding="utf-8") as file:
            file.write("no archive\n")
        self.refused(1, "text: neither a folder nor a tar archive" + again, *CREATE, "text",
                     "a.wmopkg")
        # a tree that /proc is still mounted in
        proc = "/proc/self: cwd: a link of no length, as in /proc (unmount what is not part of the tree)"
        self.refused(1, proc, *CREATE, "/proc/self", "a.wmopkg")
        self.refused(1, proc, "base", "/proc/self", "a.list")
        for name in ("etc/wmopkg", "usr/local/bin/wmopkg", "sbin/wmopkg-activate"):
            os.makedirs(f"engine/{name}")
            self.refused(1, f"engine: {name}: belongs to the activation engine of the firmware"
                         + again, *CREATE, "engine", "a.wmopkg")
            shutil.rmtree("engine")
        self.refused(2, "tree: unknown compressor 'lzma'; expected zstd, xz, gzip or lz4", *CREATE,
                     "--compressor", "lzma", "tree", "a.wmopkg")

    def test_no_permission(self):
        """As an ordinary user, which root's rights would hide."""
        os.chmod(self.folder, 0o777)
        os.mkdir("tree/secret", 0o700)
        result = run(BUILD, *CREATE, "tree", "a.wmopkg", user=65534)
        self.assertEqual(result.returncode, 1)
        self.assertIn("secret: ", result.stderr)
        self.assertIn("Permission denied", result.stderr)
        self.assertEqual(sorted(os.listdir(".")), ["tree"])
        os.mkdir("locked", 0o755)
        self.refused(1, "locked/a.wmopkg: cannot be made: Permission denied (run it as root, or change the permissions)", *CREATE, "tree",
                     "locked/a.wmopkg", user=65534)

    def test_places(self):
        self.refused(4, "nowhere: No such file or directory (check the name)", *CREATE, "tree",
                     "nowhere/a.wmopkg")
        os.mkdir("folder.wmopkg")
        self.refused(1, "folder.wmopkg: there is something that is not a file "
                     "(give the name of a regular file)", *CREATE, "tree", "folder.wmopkg")

    def test_no_room(self):
        os.mkdir("small")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", "small"], check=True)
        try:
            with open("tree/data", "wb") as file:
                file.write(os.urandom(1 << 20))
            result = run(BUILD, *CREATE, "tree", "small/a.wmopkg")
            self.assertEqual(result.returncode, 6)
            self.assertIn("No space left on device (remove a package or free some space)",
                          result.stderr)
            self.assertEqual(os.listdir("small"), [])
        finally:
            subprocess.run(["umount", "small"], check=True)

    def test_keys(self):
        self.build("keys", "keys")
        check = " (check the key and certificate files)"
        self.refused(1, "keys/unlock.pem is not the certificate of keys/signer.key" + check,
                     *CREATE, "--key", "keys/signer.key", "--cert", "keys/unlock.pem", "tree",
                     "a.wmopkg")
        self.refused(4, "nokey: cannot be opened: No such file or directory (check the name)", *CREATE,
                     "--key", "nokey", "--cert", "keys/signer.pem", "tree", "a.wmopkg")
        self.refused(1, "keys/root.key exists already and is not replaced" + check, "keys",
                     "keys")
        os.rename("keys/root.key", "in-a-safe")
        self.refused(1, "keys/root.pem exists already and is not replaced" + check, "keys",
                     "keys")
        self.assertFalse(os.path.exists("keys/root.key"))
        self.assertEqual(os.stat("keys/signer.key").st_mode & 0o777, 0o600)

    def test_packages(self):
        """What sign, inspect and extract are given."""
        self.build("keys", "keys")
        self.build(*CREATE, "tree", "good.wmopkg")
        with open("good.wmopkg", "rb") as file:
            good = file.read()
        with open("bad.wmopkg", "wb") as file:
            file.write(good[:-1] + b"x")
        key = ("--key", "keys/signer.key", "--cert", "keys/signer.pem")
        bad = f"image: block 0 of 1, at byte {len(good) - 4096} of the file, does not match"
        self.refused(3, f"bad.wmopkg: not signed: {bad} "
                     "(the copy is damaged or was changed: get it again)", "sign", *key,
                     "bad.wmopkg", "out.wmopkg")
        self.refused(4, "none.wmopkg: cannot be opened: No such file or directory (check the name)", "inspect",
                     "none.wmopkg")
        self.refused(1, "tree: a folder, not a file (give the name of a regular file)", "inspect", "tree")
        self.refused(1, "key ring tree/etc/motd: Not a directory (check the path and the file system)", "inspect", "--keys",
                     "tree/etc/motd", "good.wmopkg")
        self.refused(3, "tree/etc/motd: the file has 6 bytes, too few for a package (the copy "
                     "is incomplete or damaged: get it again)", "extract", "--image", "i",
                     "tree/etc/motd")
        result = run(BUILD, "inspect", "bad.wmopkg")
        self.assertEqual(result.returncode, 3)
        self.assertEqual(result.stdout.splitlines()[:2],
                         ["Verification: Invalid",
                          f"Reason: {bad} (image-mismatch)"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
