#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signing with keys that were made in a token and never leave it (SoftHSM2 stands for the
HSM), and with key files that are locked. What openssl and we say of the signatures; PINs
that are wrong, missing, asked for."""

import fcntl
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

BUILD = os.path.join(os.environ["WMOPKG_BUILD"], "installer", "wmopkg-build")
CREATE = ["create", "--version", "1.0", "--description", "Example"]
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
SPY = "/usr/lib/x86_64-linux-gnu/pkcs11/pkcs11-spy.so"
PIN = "fourteen-41421"
KEYS = {"rsa": "rsa:3072", "p256": "EC:prime256v1", "p384": "EC:secp384r1"}
CHECK_KEY = " (check the key and certificate files)"
CHECK_PIN = " (check the PIN or passphrase: a token locks after a few wrong attempts)"
REFUSED_PIN = ("the token refuses the PIN, which was tried once and is not tried again: PIN "
               "incorrect, failed loading private key" + CHECK_PIN)


def run(*words, env=None):
    return subprocess.run(words, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, env=dict(os.environ, **(env or {})))


def write(path, text, mode=0o600):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


class Terminal:
    """A program on a terminal of its own, which this side keeps open to look at it."""

    def __init__(self, *words):
        self.seen = ""
        self.fd, self.other = pty.openpty()
        self.process = subprocess.Popen(words, stdin=self.other, stdout=self.other,
                                        stderr=self.other, preexec_fn=self.own)

    @staticmethod
    def own():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read(self, limit_s):
        if not select.select([self.fd], [], [], limit_s)[0]:
            return False
        self.seen += os.read(self.fd, 4096).decode()
        return True

    @property
    def unwrapped(self):
        """The same with messages in one line each, as they are where a terminal is wide."""
        return self.seen.replace("\r\n  ", " ")

    def expect(self, text, limit_s=30):
        deadline = time.monotonic() + limit_s
        while text not in self.seen:
            if not self.read(max(deadline - time.monotonic(), 0)):
                raise AssertionError(f"waited in vain for {text!r}: {self.seen!r}")

    def echoes(self):
        return bool(termios.tcgetattr(self.other)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """Wait for its end; its exit status, everything it said in .seen."""
        status = self.process.wait(timeout=30)
        while self.read(0):
            pass
        return status

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.fd)
        os.close(self.other)


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="wmopkg-test-hsm.")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chdir(cls.folder)
        for name in ("WMOPKG_PIN", "SOURCE_DATE_EPOCH"):
            os.environ.pop(name, None)
        os.environ["SOFTHSM2_CONF"] = os.path.join(cls.folder, "softhsm2.conf")
        os.environ["PKCS11_MODULE_PATH"] = MODULE
        os.makedirs("tree/etc")
        write("tree/etc/motd", "hello\n", 0o644)
        write("pin", PIN + "\n")
        cls.succeed(BUILD, *CREATE, "tree", "plain.wmopkg")
        cls.prepare()

    @classmethod
    def prepare(cls):
        pass

    @staticmethod
    def succeed(*words, env=None):
        result = run(*words, env=env)
        if result.returncode != 0:
            raise AssertionError(f"{words}: {result.returncode}\n{result.stdout}{result.stderr}")
        return result.stdout

    def sign(self, *options, env=None):
        """wmopkg-build sign, which must succeed and say nothing."""
        result = run(BUILD, "sign", *options, "plain.wmopkg", "out.wmopkg", env=env)
        self.assertEqual((result.returncode, result.stderr, result.stdout), (0, "", ""))

    def refused(self, status, message, *options, env=None):
        result = run(BUILD, "sign", *options, "plain.wmopkg", "none.wmopkg", env=env)
        if status == 2 and not message.endswith(")"):
            message += " (see 'wmopkg-build help')"
        self.assertEqual(result.stderr, f"wmopkg-build: {message}\n")
        self.assertEqual((result.returncode, result.stdout), (status, ""))
        self.assertFalse(os.path.exists("none.wmopkg"))

    def terminal(self, *options):
        terminal = Terminal(BUILD, "sign", *options, "plain.wmopkg", "out.wmopkg")
        self.addCleanup(terminal.close)
        return terminal


class Tokens(Case):
    @classmethod
    def prepare(cls):
        os.mkdir("tokens")
        os.mkdir("ring")
        write("softhsm2.conf", f"directories.tokendir = {cls.folder}/tokens\n"
              "objectstore.backend = file\nlog.level = ERROR\n")
        cls.succeed("softhsm2-util", "--init-token", "--free", "--label", "vendor", "--so-pin",
                    "12345678", "--pin", PIN)
        cls.succeed("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-keyout", "root.key", "-out", "ring/root.pem",
                    "-subj", "/CN=root", "-days", "30")
        write("leaf.conf", "extendedKeyUsage = codeSigning\nkeyUsage = digitalSignature\n")
        for number, (name, kind) in enumerate(KEYS.items(), 1):
            cls.make_key(name, kind, f"{number:02x}")

    @classmethod
    def pkcs11_tool(cls, *words):
        return cls.succeed("pkcs11-tool", "--module", MODULE, "--token-label", "vendor",
                           "--login", "--pin", PIN, *words)

    @classmethod
    def make_key(cls, name, kind, number):
        """A key pair in the token, and a certificate of its public half."""
        made = cls.pkcs11_tool("--keypairgen", "--key-type", kind, "--label", name, "--id", number)
        if "never extractable" not in made:
            raise AssertionError(made)
        cls.succeed("openssl", "pkey", "-engine", "pkcs11", "-inform", "engine", "-pubin", "-in",
                    f"pkcs11:token=vendor;object={name}", "-pubout", "-out", f"{name}.pub")
        cls.succeed("openssl", "x509", "-new", "-force_pubkey", f"{name}.pub", "-CA",
                    "ring/root.pem", "-CAkey", "root.key", "-subj", f"/CN={name}", "-days", "30",
                    "-extfile", "leaf.conf", "-out", f"{name}.pem")
        cls.succeed("openssl", "x509", "-in", f"{name}.pem", "-outform", "DER", "-out",
                    f"{name}.crt")
        cls.pkcs11_tool("--write-object", f"{name}.crt", "--type", "cert", "--label", name,
                        "--id", number)

    @staticmethod
    def key(name, more=""):
        return ["--key", f"pkcs11:token=vendor;object={name}{more}", "--cert", f"{name}.pem"]

    def check(self, name):
        output = self.succeed(BUILD, "inspect", "--keys", "ring", "out.wmopkg")
        self.assertIn("Verification: Signed\n", output)
        self.assertIn(f"Signer: CN={name}\n", output)
        self.succeed(BUILD, "extract", "--manifest", "m", "--signature", "s", "out.wmopkg")
        self.succeed("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "s",
                     "-content", "m", "-CAfile", "ring/root.pem", "-purpose", "any", "-out", "v")
        return self.succeed("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", "s")

    def test_every_key(self):
        for name, options, algorithm in (
                ("rsa", [], "rsassaPss"), ("rsa", ["--rsa-padding", "pss"], "rsassaPss"),
                ("rsa", ["--rsa-padding", "pkcs1"], "rsaEncryption"),
                ("p256", [], "ecdsa-with-SHA256"), ("p384", [], "ecdsa-with-SHA384")):
            with self.subTest(name=name, options=options):
                self.sign(*self.key(name), "--pin-file", "pin", *options)
                printed = self.check(name)
                printed = printed[printed.index("signedAttrs"):]
                self.assertIn(f"algorithm: {algorithm} ", printed)

    def test_create(self):
        made = self.succeed(BUILD, *CREATE, *self.key("p256"), "--pin-file", "pin", "tree",
                            "out.wmopkg")
        self.assertIn(" bytes, signed\n", made)
        self.check("p256")

    def test_two_tokens_keys_on_one_package(self):
        self.sign(*self.key("rsa"), "--pin-file", "pin")
        self.succeed(BUILD, "sign", "--add", *self.key("p384"), "--pin-file", "pin", "out.wmopkg",
                     "out.wmopkg")
        printed = self.check("p384")
        self.assertEqual(printed.count("signatureAlgorithm"), 2)

    def test_kernel_key(self):
        self.succeed(BUILD, *CREATE, *self.key("p384"), "--kernel-key",
                     "pkcs11:token=vendor;object=rsa", "--kernel-cert", "rsa.pem", "--pin-file",
                     "pin", "tree", "out.wmopkg")
        self.check("p384")
        self.assertIn('"kernel_signature":', self.succeed("cat", "m"))

    def test_statements(self):
        write("unlock.conf", "keyUsage = digitalSignature\n"
              "extendedKeyUsage = 2.25.262918127440573346229120389441173150337\n")
        self.succeed("openssl", "x509", "-new", "-force_pubkey", "p384.pub", "-CA",
                     "ring/root.pem", "-CAkey", "root.key", "-subj", "/CN=unlock", "-days", "30",
                     "-extfile", "unlock.conf", "-out", "unlock.pem")
        pin = ("--pin-file", "pin")
        self.succeed(BUILD, "unlock", "--serial", "EX-1", "--allow", "untrusted", "--not-after",
                     "2030-01-01", "--key", "pkcs11:token=vendor;object=p384", "--cert",
                     "unlock.pem", *pin, "one.unlock")
        self.succeed(BUILD, "denylist", "--number", "3", "--name", "acme=2", *self.key("rsa"),
                     *pin, "one.deny")
        self.succeed(BUILD, "sign", "--add", *self.key("p256"), *pin, "one.deny", "two.deny")
        for name in ("one.unlock", "one.deny", "two.deny"):
            output = self.succeed(BUILD, "inspect", "--keys", "ring", name)
            self.assertIn("Verification: Signed\n", output)
            self.succeed(BUILD, "extract", "--manifest", "m", "--signature", "s", name)
            self.succeed("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "s",
                         "-content", "m", "-CAfile", "ring/root.pem", "-purpose", "any", "-out",
                         "v")

    def test_certificate_in_the_token(self):
        self.sign("--key", "pkcs11:token=vendor;object=p256;type=private", "--cert",
                  "pkcs11:token=vendor;object=p256;type=cert", "--pin-file", "pin")
        self.check("p256")
        key = ("--key", "pkcs11:token=vendor;object=p256", "--pin-file", "pin", "--cert")
        self.refused(1, "pkcs11:token=vendor;object=none: the token has no such certificate that "
                     "can be read without a PIN" + CHECK_KEY, *key,
                     "pkcs11:token=vendor;object=none")
        self.refused(1, "pkcs11:token=none;object=p256: no such token or certificate: object not "
                     "found" + CHECK_KEY, *key, "pkcs11:token=none;object=p256")

    def test_by_id_and_other_ways_to_name_it(self):
        for uri in ("pkcs11:token=vendor;id=%02", "pkcs11:id=%02?module-path=" + MODULE,
                    "PKCS11:object=p256", "pkcs11:object=p256?pin-source=file:pin",
                    f"pkcs11:object=p256?pin-source=file://{self.folder}/pin&module-path={MODULE}"):
            with self.subTest(uri=uri):
                options = [] if "pin-source" in uri else ["--pin-file", "pin"]
                env = {"PKCS11_MODULE_PATH": "/none"} if "module-path" in uri else None
                self.sign("--key", uri, "--cert", "p256.pem", *options, env=env)
                self.check("p256")

    def test_pin_of_the_environment(self):
        self.sign(*self.key("p256"), env={"WMOPKG_PIN": PIN})
        self.check("p256")
        # a file comes before it, one that the URI names before all
        write("wrong", "not-the-pin\n")
        self.sign(*self.key("p256"), "--pin-file", "pin", env={"WMOPKG_PIN": "not-the-pin"})
        self.sign(*self.key("p256", "?pin-source=file:pin"), "--pin-file", "wrong")

    def test_wrong_pin_is_tried_once(self):
        """Counted at the token's door, by OpenSC's spy."""
        write("wrong", "not-the-pin\n")
        spy = {"PKCS11_MODULE_PATH": SPY, "PKCS11SPY": MODULE,
               "PKCS11SPY_OUTPUT": os.path.join(self.folder, "spy")}
        self.refused(1, "pkcs11:token=vendor;object=p256: " + REFUSED_PIN, *self.key("p256"),
                     "--pin-file", "wrong", env=spy)
        with open("spy", encoding="utf-8", errors="replace") as file:
            self.assertEqual(file.read().count("C_Login\n"), 1)
        self.sign(*self.key("p256"), "--pin-file", "pin")

    def test_what_is_not_there(self):
        pin = ("--pin-file", "pin")
        self.refused(1, "pkcs11:token=vendor;object=none: no such private key can be used: object "
                     "not found, failed loading private key" + CHECK_KEY, "--key",
                     "pkcs11:token=vendor;object=none", "--cert", "p256.pem", *pin)
        self.refused(1, "pkcs11:token=none;object=p256: no such token or private key can be used: "
                     "object not found, failed loading private key" + CHECK_KEY, "--key",
                     "pkcs11:token=none;object=p256", "--cert", "p256.pem", *pin)
        self.refused(1, "/none.so: the token's library cannot be read: No such file or directory"
                     + CHECK_KEY, *self.key("p256", "?module-path=/none.so"), *pin)
        self.refused(1, "/none.so: the token's library cannot be read: No such file or directory"
                     + CHECK_KEY, *self.key("p256"), *pin, env={"PKCS11_MODULE_PATH": "/none.so"})
        result = run(BUILD, "sign", *self.key("p256"), *pin, "plain.wmopkg", "none.wmopkg",
                     env={"PKCS11_MODULE_PATH": os.path.abspath("pin")})
        self.assertEqual(result.returncode, 1)
        self.assertIn("Unable to load PKCS#11 module", result.stderr)
        self.refused(1, "OpenSSL has no engine for tokens with PKCS #11 (install "
                     "libengine-pkcs11-openssl)", *self.key("p256"), *pin,
                     env={"OPENSSL_ENGINES": "/none"})
        self.refused(1, "rsa.pem is not the certificate of pkcs11:token=vendor;object=p256"
                     + CHECK_KEY, "--key", "pkcs11:token=vendor;object=p256", "--cert", "rsa.pem",
                     *pin)
        # the certificate is looked for first: nobody types a PIN in vain
        self.refused(4, "none.pem: cannot be opened: No such file or directory (check the name)",
                     "--key", "pkcs11:token=vendor;object=p256", "--cert", "none.pem")

    def test_pins_that_are_none(self):
        self.refused(2, "a PIN does not belong on the command line (use --pin-file)",
                     *self.key("p256", f"?pin-value={PIN}"))
        self.refused(2, "PIN of vendor is needed, and there is no terminal to ask at (use "
                     "--pin-file FILE, or set WMOPKG_PIN)", *self.key("p256"))
        self.refused(4, "none: No such file or directory (check the name)", *self.key("p256"), "--pin-file", "none")
        for text in ("", "\n", "\n" + PIN):
            write("empty", text)
            self.refused(1, "empty: no PIN or passphrase in it" + CHECK_PIN, *self.key("p256"),
                         "--pin-file", "empty")
        self.refused(1, "WMOPKG_PIN: no PIN or passphrase in it" + CHECK_PIN, *self.key("p256"),
                     env={"WMOPKG_PIN": ""})
        for text in ("x" * 256, "x\0y\n"):
            write("bad", text)
            self.refused(1, "bad: not a PIN or passphrase of 255 bytes at most" + CHECK_PIN,
                         *self.key("p256"), "--pin-file", "bad")

    def test_pin_files(self):
        for text in (PIN, PIN + "\n", PIN + "\r\n", PIN + "\nmore\n"):
            write("some", text)
            self.sign(*self.key("p256"), "--pin-file", "some")
        for mode in (0o640, 0o604, 0o666):
            os.chmod("some", mode)
            result = run(BUILD, "sign", *self.key("p256"), "--pin-file", "some", "plain.wmopkg",
                         "out.wmopkg")
            self.assertEqual(result.returncode, 0)
            self.assertEqual(result.stderr, "wmopkg-build: warning: some: others than its owner "
                             "can open it (chmod 600 it)\n")

    def test_asked_at_the_terminal(self):
        terminal = self.terminal(*self.key("p256"))
        terminal.expect("PIN of vendor: ")
        self.assertFalse(terminal.echoes())
        terminal.type(PIN + "\n")
        self.assertEqual(terminal.end(), 0, terminal.seen)
        self.assertNotIn(PIN, terminal.seen)
        self.check("p256")

    def test_wrong_at_the_terminal(self):
        terminal = self.terminal(*self.key("p256"))
        terminal.expect("PIN of vendor: ")
        terminal.type("not-the-pin\n")
        self.assertEqual(terminal.end(), 1)
        self.assertIn(REFUSED_PIN, terminal.unwrapped)
        self.assertEqual(terminal.seen.count("PIN of vendor"), 1)
        self.assertNotIn("not-the-pin", terminal.seen)

    def test_nothing_at_the_terminal(self):
        nothing = "\r\nwmopkg-build: PIN of vendor: nothing was typed" + CHECK_PIN
        for typed in ("\x04", "\n"):
            with self.subTest(typed=typed):
                terminal = self.terminal(*self.key("p256"))
                terminal.expect("PIN of vendor: ")
                terminal.type(typed)
                self.assertEqual(terminal.end(), 1)
                self.assertIn(nothing, terminal.unwrapped)
        terminal = self.terminal(*self.key("p256"))
        terminal.expect("PIN of vendor: ")
        terminal.type("x" * 300 + "\n")
        self.assertEqual(terminal.end(), 1)
        self.assertIn("longer than 255 bytes", terminal.seen)
        self.assertNotIn("xxx", terminal.seen)

    def test_interrupted_at_the_terminal(self):
        """Whatever ends it, the terminal echoes again."""
        # whoever started the tests may have made them deaf to it
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                terminal = self.terminal(*self.key("p256"))
                terminal.expect("PIN of vendor: ")
                self.assertFalse(terminal.echoes())
                if number == signal.SIGINT:
                    terminal.type("\x03")
                else:
                    terminal.process.send_signal(number)
                self.assertEqual(terminal.end(), -number)
                self.assertTrue(terminal.echoes())


class Files(Case):
    """PEM keys with a passphrase."""

    @classmethod
    def prepare(cls):
        cls.succeed("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-passout", "file:pin", "-keyout", "locked.key",
                    "-out", "cert.pem", "-subj", "/CN=locked", "-days", "30", "-addext",
                    "extendedKeyUsage=codeSigning")
        # the older form of PEM encryption
        cls.succeed("openssl", "ec", "-in", "locked.key", "-passin", f"pass:{PIN}",
                    "-aes256", "-passout", f"pass:{PIN}", "-out", "older.key")

    def key(self, name="locked"):
        return ["--key", f"{name}.key", "--cert", "cert.pem"]

    def test_every_way(self):
        for name in ("locked", "older"):
            self.sign(*self.key(name), "--pin-file", "pin")
            self.sign(*self.key(name), env={"WMOPKG_PIN": PIN})
            terminal = self.terminal(*self.key(name))
            terminal.expect(f"Passphrase of {name}.key: ")
            self.assertFalse(terminal.echoes())
            terminal.type(PIN + "\n")
            self.assertEqual(terminal.end(), 0, terminal.seen)
            self.assertNotIn(PIN, terminal.seen)

    def test_wrong(self):
        for name in ("locked", "older"):
            result = run(BUILD, "sign", *self.key(name), "plain.wmopkg", "none.wmopkg",
                         env={"WMOPKG_PIN": "wrong"})
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, rf"^wmopkg-build: {name}.key: wrong passphrase: .*"
                             r"\(check the PIN or passphrase: .*\)\n$")
        terminal = self.terminal(*self.key())
        terminal.expect("Passphrase of locked.key: ")
        terminal.type("wrong\n")
        self.assertEqual(terminal.end(), 1)
        self.assertEqual(terminal.seen.count("Passphrase of"), 1)

    def test_none(self):
        self.refused(2, "Passphrase of locked.key is needed, and there is no terminal to ask at "
                     "(use --pin-file FILE, or set WMOPKG_PIN)", *self.key())

    def test_not_needed(self):
        """Nobody is asked for a passphrase that an open key file does not have."""
        self.succeed("openssl", "ec", "-in", "locked.key", "-passin", "file:pin", "-out",
                     "open.key")
        self.sign(*self.key("open"))
        self.sign(*self.key("open"), "--pin-file", "/none")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
