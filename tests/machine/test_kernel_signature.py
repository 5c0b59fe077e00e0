# SPDX-License-Identifier: MIT
"""Kernels that check the signature of a root hash themselves: one that does not know the
key and demands nothing, and one that knows a key and demands its signature.

Both are Debian's. The second has a certificate of ours in the place of the one it was
built with, so it trusts a key that we have: Debian's own private keys we do not.
"""

import base64
import json
import os
import re
import subprocess

import bench
import console

INITRD = "initrd-plain.img"
REQUIRES = "the kernel requires a signature of the root hash (dm_verity.require_signatures) and "
# where a certificate begins: two sequences, the version, an INTEGER of one byte
CERTIFICATE = re.compile(rb"\x30\x82(..)\x30\x82..\xa0\x03\x02\x01\x02", re.DOTALL)


def openssl(*words):
    return subprocess.run(["openssl", *words], check=True, capture_output=True).stdout


def certificate_of_length(length, key, path):
    """A certificate that has exactly so many bytes, made so by a comment in it."""
    comment = 100
    for _ in range(8):
        openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=kernel test key", "-days",
                "3650", "-set_serial", "0x7777777777777777", "-addext",
                "nsComment=" + "x" * comment, "-out", path)
        der = openssl("x509", "-in", path, "-outform", "DER")
        if len(der) == length:
            return der
        comment += length - len(der)
    raise AssertionError(f"no certificate of {length} bytes")


def make_kernel(vmlinux, key, certificate, path):
    """Debian's kernel, with our certificate for the only one it is built with."""
    with open(vmlinux, "rb") as file:
        kernel = bytearray(file.read())
    found = list(CERTIFICATE.finditer(bytes(kernel)))
    if len(found) != 1:
        raise AssertionError(f"{len(found)} certificates in the kernel, not one")
    start, length = found[0].start(), int.from_bytes(found[0].group(1), "big") + 4
    kernel[start:start + length] = certificate_of_length(length, key, certificate)
    with open(path, "wb") as file:
        file.write(kernel)


class KernelSignature(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        for name in ("kernel", "stranger"):
            openssl("genrsa", "-out", cls.bench.path(f"{name}.key"), "2048")
        openssl("req", "-x509", "-new", "-key", cls.bench.path("stranger.key"), "-subj",
                "/CN=stranger", "-days", "30", "-out", cls.bench.path("stranger.pem"))
        # A device of its own: the same but for the kernel.
        cls.own = cls.bench.path("own")
        os.mkdir(cls.own)
        for name in (INITRD, "disk.img"):
            os.symlink(os.path.join(cls.bench.built, name), os.path.join(cls.own, name))
        make_kernel(os.path.join(cls.bench.built, "vmlinux"), cls.bench.path("kernel.key"),
                    cls.bench.path("kernel.pem"), os.path.join(cls.own, "vmlinux"))
        cls.make("plain")
        cls.make("known", "kernel")
        cls.make("unknown", "stranger")
        cls.make("other", "kernel", signing=[])
        cls.exchange_signature("other", "known")
        cls.device = cls.bench.device()
        cls.put_on_data("plain", "known", "unknown", "other")

    @classmethod
    def build(cls, *words):
        subprocess.run([cls.bench.program("installer/wmopkg-build"), *words], check=True,
                       stdout=subprocess.DEVNULL)

    @classmethod
    def signing(cls):
        return ["--key", os.path.join(cls.bench.keys, "signer.key"),
                "--cert", os.path.join(cls.bench.keys, "signer.pem")]

    @classmethod
    def make(cls, name, key=None, signing=None):
        """A package that shows as /usr/share/NAME; with a kernel signature of @key."""
        tree = cls.bench.path(f"tree-{name}")
        os.makedirs(os.path.join(tree, "usr", "share"))
        with open(os.path.join(tree, "usr", "share", name), "w", encoding="ascii") as file:
            file.write(name)
        kernel = ["--kernel-key", cls.bench.path(f"{key}.key"), "--kernel-cert",
                  cls.bench.path(f"{key}.pem")] if key else []
        signing = cls.signing() if signing is None else signing
        cls.build("create", "--version", "1.0", "--description", "Example", *signing, *kernel,
                  tree, cls.bench.package_path(name))

    @classmethod
    def kernel_signature(cls, name):
        manifest = cls.bench.path("manifest")
        cls.build("extract", "--manifest", manifest, cls.bench.package_path(name))
        with open(manifest, encoding="utf-8") as file:
            text = json.load(file)["image"]["kernel_signature"]
        base64.b64decode(text, validate=True)
        return text.encode()

    @classmethod
    def exchange_signature(cls, name, source):
        """Give a package the kernel signature of another, and sign it as if that were right."""
        path = cls.bench.package_path(name)
        old, new = cls.kernel_signature(name), cls.kernel_signature(source)
        with open(path, "rb") as file:
            content = file.read()
        replaced = content.replace(old, new)
        if replaced == content or len(replaced) != len(content):
            raise AssertionError("the signature could not be exchanged")
        unsigned = cls.bench.path("exchanged.wmopkg")
        with open(unsigned, "wb") as file:
            file.write(replaced)
        cls.build("sign", *cls.signing(), unsigned, path)

    def assert_active(self, *names):
        output = self.succeed("cd /usr/share; ls known other plain unknown 2>/dev/null || true; cd")
        self.assertEqual(output.split(), list(names))

    def test_1_a_kernel_that_demands_nothing(self):
        self.device.start()
        self.assert_active("known", "other", "plain", "unknown")
        log, table = self.succeed("dmesg | grep wmopkg:"), self.succeed("wmopkg show")
        for name in ("known", "other", "unknown"):
            self.assert_row(name, "1.0", "Signed", shown=table)
            self.assertIn(f"wmopkg: {name}: the kernel does not know the key of its kernel "
                          "signature, and requires none", log)
        self.assertNotIn("wmopkg: plain: the kernel", log)
        self.device.poweroff()

    def test_2_a_kernel_that_demands_one(self):
        self.device = type(self).device = console.Device(self.own, self.bench.folder,
                                                           initrd=INITRD)
        self.device.start("dm_verity.require_signatures=1")
        self.assertEqual(self.succeed("cat /sys/module/dm_verity/parameters/require_signatures"),
                         "Y\n")
        self.assert_active("known")
        log, table = self.succeed("dmesg | grep wmopkg:"), self.succeed("wmopkg show")
        self.assertIn("wmopkg: known 1.0: Signed, active", log)
        for name, reason in (
                ("plain", "the package has none"),
                ("unknown", "does not know the key of the package's signature"),
                ("other", "does not accept the package's: Key was rejected by service")):
            self.assert_row(name, "1.0", "Signed", shown=table)
            # a console wraps what is long
            shown = " ".join(self.succeed(f"wmopkg show {name}").split())
            self.assertIn(REQUIRES + reason, shown)
            self.assertIn(REQUIRES + reason, log)
            state = json.loads(self.succeed(f"wmopkg show {name} json"))
            self.assertIn("kernel-signature", json.dumps(state))
        self.device.poweroff()


if __name__ == "__main__":
    bench.main()
