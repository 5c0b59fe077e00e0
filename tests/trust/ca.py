# SPDX-License-Identifier: MIT
"""A tree of certificate authorities, made with the openssl command line.

Two roots that devices trust, an intermediate, and a stranger; below them one certificate
for each way in which a signer can be right or wrong. `members.py` signs packages with them.
"""

import os
import re
import subprocess
import time

DAY = 86400
YEAR = 365 * DAY
OID_UNLOCK = "2.25.262918127440573346229120389441173150337"

CONFIG = """[ca]
default_ca = any
[any]
database = {folder}/index
serial = {folder}/serial
unique_subject = no
policy = names
email_in_dn = no
[names]
commonName = supplied
organizationName = optional
[req]
distinguished_name = none
[none]
"""


def run(*command, data=None):
    """Run a program that must succeed; what it printed, as bytes."""
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}: "
                             + done.stderr.decode(errors="replace"))
    return done.stdout


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


def stamp(when):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(when))


def der(tag, content):
    """One DER element."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def first_element(encoded):
    """The first element inside a DER sequence, whole."""
    def extent(at):
        size, place = encoded[at + 1], at + 2
        if size >= 0x80:
            count = size & 0x7f
            size, place = int.from_bytes(encoded[place:place + count], "big"), place + count
        return place, place + size
    start = extent(0)[0]
    return encoded[start:extent(start)[1]]


class Authorities:
    """A folder of NAME.key and NAME.pem."""

    KEYS = {
        "p256": ("EC", "ec_paramgen_curve:P-256"),
        "p384": ("EC", "ec_paramgen_curve:P-384"),
        "rsa1024": ("RSA", "rsa_keygen_bits:1024"),
        "rsa2048": ("RSA", "rsa_keygen_bits:2048"),
        "rsa3072": ("RSA", "rsa_keygen_bits:3072"),
    }

    def __init__(self, folder):
        self.folder = folder
        self.now = int(time.time())
        os.makedirs(folder)
        write(f"{folder}/index", b"")
        write(f"{folder}/ca.conf", CONFIG.format(folder=folder).encode())

    def key(self, name):
        return f"{self.folder}/{name}.key"

    def pem(self, name):
        return f"{self.folder}/{name}.pem"

    def key_id(self, name):
        """What deny lists call it: the SHA-256 of its public key, in hex."""
        public = run("openssl", "x509", "-in", self.pem(name), "-noout", "-pubkey")
        public = run("openssl", "pkey", "-pubin", "-outform", "DER", data=public)
        return run("openssl", "dgst", "-sha256", "-r", data=public)[:64].decode()

    def make_key(self, name, kind="p256"):
        algorithm, option = self.KEYS[kind]
        run("openssl", "genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out",
            self.key(name))

    def issue(self, name, issuer=None, *, subject=None, key="p256", usage="codeSigning",
              bits="digitalSignature", years=(-2, 10), digest="sha256", extra=(), serial=None):
        """A certificate for a new key. No issuer: it signs itself. @years: its validity,
        counted from now; @serial: in hex."""
        self.make_key(name, key)
        extensions = ["basicConstraints=critical,CA:FALSE", f"keyUsage=critical,{bits}",
                      "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid", *extra]
        if usage:
            extensions.append(f"extendedKeyUsage={usage}")
        self.certify(name, issuer or name, subject or name, extensions, years, digest, serial)

    def authority(self, name, issuer=None, *, subject=None, key="p256", years=(-20, 20),
                  extra=(), path_length="", digest="sha256"):
        """An authority: a root where it has no issuer."""
        self.make_key(name, key)
        extensions = [f"basicConstraints=critical,CA:TRUE{path_length}",
                      "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash",
                      "authorityKeyIdentifier=keyid", *extra]
        self.certify(name, issuer or name, subject or name, extensions, years, digest)

    def certify(self, name, issuer, subject, extensions, years, digest, serial=None):
        base = f"{self.folder}/{name}"
        write(f"{self.folder}/index", b"")  # forgets what it issued: twins are wanted
        write(f"{self.folder}/serial", (serial or "70" + os.urandom(15).hex()).encode() + b"\n")
        write(f"{base}.ext", "\n".join(extensions).encode() + b"\n")
        run("openssl", "req", "-new", "-config", f"{self.folder}/ca.conf", "-key", self.key(name),
            "-subj", f"/CN={subject}", "-out", f"{base}.csr")
        signing = ["-selfsign"] if issuer == name else ["-cert", self.pem(issuer)]
        run("openssl", "ca", "-config", f"{self.folder}/ca.conf", "-batch", "-notext", "-md",
            digest, *signing, "-keyfile", self.key(issuer), "-extfile", f"{base}.ext",
            "-startdate", stamp(self.now + years[0] * YEAR), "-enddate",
            stamp(self.now + years[1] * YEAR), "-outdir", self.folder, "-in", f"{base}.csr",
            "-out", self.pem(name))

    def put_nul(self, name, issuer):
        """Turn each "@." of a certificate's names into NUL ".", which no tool would write, and
        have the issuer sign that."""
        whole = run("openssl", "x509", "-in", self.pem(name), "-outform", "DER")
        body = first_element(whole).replace(b"@.", b"\0.")
        signature = run("openssl", "dgst", "-sha256", "-sign", self.key(issuer), data=body)
        ecdsa_with_sha256 = bytes.fromhex("300a06082a8648ce3d040302")
        whole = der(0x30, body + ecdsa_with_sha256 + der(0x03, b"\0" + signature))
        write(self.pem(name), run("openssl", "x509", "-inform", "DER", data=whole))

    def chain(self, *names):
        """A file of several certificates."""
        path = f"{self.folder}/chain-{'-'.join(names)[:100]}.pem"
        return write(path, b"".join(read(self.pem(name)) for name in names))

    def serial(self, name):
        said = run("openssl", "x509", "-in", self.pem(name), "-noout", "-serial").decode()
        return said.strip().split("=")[1]

    def subject(self, name):
        """As RFC 2253 writes it."""
        said = run("openssl", "x509", "-in", self.pem(name), "-noout", "-subject", "-nameopt",
                   "RFC2253").decode()
        return re.sub(r"^subject=", "", said).strip()


CROWD = [f"crowd{number:02}" for number in range(70)]
DEEP = [f"deep{number}" for number in range(10)]


def make_roots(ca):
    """The device's key ring holds `old` and `new`, and nothing else."""
    ca.authority("old", years=(-20, 1))
    ca.authority("new")
    ca.authority("stranger")
    ca.authority("namesake", subject="new")
    ca.authority("old-nul", subject="old@.example")
    ca.put_nul("old-nul", "old-nul")
    for name, options in {
            "inter": {}, "inter-denied": {}, "inter-tls": {"extra": ["extendedKeyUsage=serverAuth"]},
            "inter-last": {"path_length": ",pathlen:0"}, "inter-weak": {"key": "rsa1024"},
            "inter-old": {"years": (-10, -5)},
            "inter-policy": {"extra": ["policyConstraints=critical,requireExplicitPolicy:0",
                                       "certificatePolicies=1.2.3.4"]}}.items():
        ca.authority(name, "new", **options)
    ca.authority("inter-below", "inter-last")
    ca.authority(DEEP[0], "new")
    for above, name in zip(DEEP, DEEP[1:]):
        ca.authority(name, above)


def make_signers(ca):
    for name, issuer, options in (
            ("good", "new", {}),
            ("good-old", "old", {}),
            ("good-p384", "new", {"key": "p384"}),
            ("good-rsa", "new", {"key": "rsa3072"}),
            ("good-inter", "inter", {}),
            ("good-nul", "new", {"subject": "good@.example"}),
            ("not-any-more", "new", {"years": (-8, -4)}),
            ("not-yet", "new", {"years": (1, 3)}),
            ("below-old-inter", "inter-old", {}),
            ("tls", "new", {"usage": "serverAuth"}),
            ("unlock", "new", {"usage": OID_UNLOCK}),
            ("unlock-old", "old", {"usage": OID_UNLOCK}),
            ("no-purpose", "new", {"usage": None}),
            ("any-purpose", "new", {"usage": "anyExtendedKeyUsage"}),
            ("no-signatures", "new", {"bits": "keyEncipherment"}),
            ("below-tls", "inter-tls", {}),
            ("below-leaf", "good", {}),
            ("below-last", "inter-below", {}),
            ("below-deep", DEEP[-1], {}),
            ("denied", "new", {}),
            ("below-denied", "inter-denied", {}),
            ("with-policy", "inter-policy", {"extra": ["certificatePolicies=1.2.3.4"]}),
            ("without-policy", "inter-policy", {}),
            ("revocable", "new", {"extra": ["crlDistributionPoints=critical,URI:http://a/"]}),
            ("self", None, {}),
            ("foreign", "stranger", {}),
            ("foreign-too", "stranger", {}),
            ("foreign-namesake", "namesake", {}),
            ("foreign-nul", "old-nul", {}),
            ("weak", "new", {"key": "rsa1024"}),
            ("below-weak", "inter-weak", {}),
            ("sha1", "new", {"digest": "sha1"}),
            ("large", "new", {"extra": [f"nsComment={'x' * 40000}"]})):
        ca.issue(name, issuer, **options)
    ca.put_nul("good-nul", "new")
    # The same issuer's name and the same serial number as good's, once shorter and once
    # longer than it: of two certificates in a signature the shorter comes first.
    ca.issue("good-twin", "new", extra=[f"nsComment={'z' * 200}"])
    for name, extra in (("twin", []), ("long-twin", [f"nsComment={'z' * 400}"])):
        ca.issue(name, "namesake", subject="good-twin", serial=ca.serial("good-twin"),
                 extra=extra)
    ca.issue("larger", "new", extra=[f"nsComment={'y' * 40000}"])
    for name in CROWD:
        ca.issue(name, "stranger")


def make(folder):
    """The whole tree."""
    ca = Authorities(folder)
    make_roots(ca)
    make_signers(ca)
    os.mkdir(f"{folder}/ring")
    for root in ("old", "new"):
        write(f"{folder}/ring/{root}.pem", read(ca.pem(root)))
    return ca
