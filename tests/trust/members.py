# SPDX-License-Identifier: MIT
"""One package for each way in which a signature can be right or wrong, how it is made, and
what a device must say of it. The device trusts the roots `old` and `new` of ca.py, has the
deny list of denylist() in force, and allows nothing else.
"""

import json
import os
import struct
from typing import Callable, NamedTuple

import ca as authorities
from ca import CROWD, DEEP, YEAR, read, run, write
from clock import at
from handmade import ECDSA_SHA512, MESSAGE_DIGEST, SHA512, SIGNING_TIME, attribute, \
    content_type, digest, handmade, utc

LATER = 3 * YEAR


class Maker:
    """Makes packages with the programs of a build, and of parts by hand."""

    def __init__(self, folder, build):
        self.folder = folder
        self.tool = build + "/installer/wmopkg-build"
        self.ca = authorities.make(folder + "/ca")
        for name in ("parts", "packages", "trees"):
            os.mkdir(f"{folder}/{name}")

    def path(self, name):
        return f"{self.folder}/packages/{name}.wmopkg"

    def part(self, name, kind):
        return f"{self.folder}/parts/{name}.{kind}"

    def create(self, name, options=()):
        """An unsigned package, which holds the file member/NAME."""
        tree = f"{self.folder}/trees/{name}"
        os.makedirs(tree + "/member")
        write(f"{tree}/member/{name}", name.encode() + b"\n")
        if "--name" not in options:
            options = ["--name", name, *options]
        run(self.tool, "create", "--version", "1.0", "--description", "made for a test", *options,
            tree, self.path(name))

    def signing(self, leaf):
        return ["--key", self.ca.key(leaf), "--cert", self.ca.pem(leaf)]

    def sign(self, name, leaf, chain=(), when=None):
        """As a vendor does."""
        words = self.signing(leaf)
        if chain:
            words += ["--chain", self.ca.chain(*chain)]
        if when is not None:
            words += ["--signing-time", str(self.ca.now + when)]
        run(self.tool, "sign", *words, self.path(name), self.path(name))

    def extract(self, name):
        words = [word for kind in ("manifest", "tree", "image")
                 for word in ("--" + kind, self.part(name, kind))]
        run(self.tool, "extract", *words, self.path(name))

    def cms(self, name, leaves, options=(), content=None, when=None):
        """A signature over the manifest that plain openssl makes."""
        words = [word for leaf in leaves
                 for word in ("-signer", self.ca.pem(leaf), "-inkey", self.ca.key(leaf))]
        clock = at(f"{when:+d}s") if when else []
        return run(*clock, "openssl", "cms", "-sign", "-binary", "-outform", "DER", *words,
                   *options, data=content or read(self.part(name, "manifest")))

    def pack(self, name, signature):
        """The package file as docs/format.md describes it."""
        manifest = read(self.part(name, "manifest"))
        front = b"WMOPKG01" + struct.pack("<II", len(manifest), len(signature))
        front += manifest + signature
        front += bytes(-len(front) % 4096)
        write(self.path(name),
              front + read(self.part(name, "tree")) + read(self.part(name, "image")))

    def root_hash(self, name):
        facts = run(self.tool, "inspect", "--json", self.path(name))
        return json.loads(facts)["image"]["root_hash"]


def unsigned(*options):
    return lambda maker, name: maker.create(name, options)


def signed(leaf, *chain, when=None, options=()):
    def make(maker, name):
        maker.create(name, options)
        maker.sign(name, leaf, chain, when)
    return make


def openssl(*leaves, options=(), chain=(), content=None, when=None, change=None):
    """@change: what is done to the signature afterwards."""
    def make(maker, name):
        maker.create(name)
        maker.extract(name)
        words = list(options)
        if chain:
            words += ["-certfile", maker.ca.chain(*chain)]
        signature = maker.cms(name, leaves, words, content, when)
        maker.pack(name, change(signature) if change else signature)
    return make


def other_structure(*command):
    """A CMS, but not a signature: what @command makes of the manifest."""
    def make(maker, name):
        maker.create(name)
        maker.extract(name)
        words = [word.format(ca=maker.ca.folder) for word in command]
        maker.pack(name, run(*words, data=read(maker.part(name, "manifest"))))
    return make


def statement(maker, name):
    """A manifest that says to be something else, rightly signed."""
    maker.create(name)
    maker.extract(name)
    manifest = read(maker.part(name, "manifest"))
    write(maker.part(name, "manifest"), manifest.replace(b'"package"', b'"unlock"'))
    maker.pack(name, maker.cms(name, ["good"]))


def changed_image(maker, name):
    signed("good")(maker, name)
    content = bytearray(read(maker.path(name)))
    content[-4000] ^= 1
    write(maker.path(name), content)


def flip_near_end(signature):
    return signature[:-9] + bytes([signature[-9] ^ 1]) + signature[-8:]


def plain(manifest, now):
    """The signed attributes that are right."""
    return [content_type(), attribute(MESSAGE_DIGEST, digest(manifest)),
            attribute(SIGNING_TIME, utc(now))]


class Member(NamedTuple):
    """What it is, and what a device with the default policy says of it."""

    make: Callable
    verdict: str
    code: str = "ok"
    says: str = ""  # part of the message


GOOD = {
    "good": Member(signed("good"), "Signed"),
    "old-root": Member(signed("good-old"), "Signed"),
    "p384": Member(signed("good-p384"), "Signed"),
    "rsa": Member(signed("good-rsa"), "Signed"),
    "inter": Member(signed("good-inter", "inter"), "Signed"),
    # a certificate that has run out since, and a root that has
    "signed-in-time": Member(signed("not-any-more", when=-5 * YEAR), "Signed"),
    "root-runs-out": Member(signed("good-old", when=-YEAR), "Signed"),
    "clock-of-the-vendor": Member(openssl("not-any-more", when=-5 * YEAR), "Signed"),
    "clock-ahead": Member(signed("not-yet", when=2 * YEAR), "Signed"),
    "openssl": Member(openssl("good"), "Signed"),
    "sha512": Member(openssl("good-rsa", options=["-md", "sha512"]), "Signed"),
    "pss": Member(openssl("good-rsa", options=["-keyopt", "rsa_padding_mode:pss"]), "Signed"),
    "key-id": Member(openssl("good", options=["-keyid"]), "Signed"),
    "two-signers": Member(openssl("good", "good-rsa"), "Signed"),
    "two-roots": Member(openssl("good", "good-old"), "Signed"),
    "and-a-stranger": Member(openssl("foreign", "good"), "Signed"),
    "with-policy": Member(signed("with-policy", "inter-policy"), "Signed"),
    "name-with-nul": Member(signed("good-nul"), "Signed"),
    "denied-name-newer": Member(
        signed("good", options=["--name", "denied-name", "--epoch", "3"]), "Signed"),
}

UNTRUSTED = {
    "no-inter": Member(signed("good-inter"), "Untrusted", "untrusted-signer",
                       "unable to get local issuer certificate"),
    "no-certificate": Member(openssl("good", options=["-nocerts"]), "Untrusted",
                             "untrusted-signer", "neither in the signature nor in the key ring"),
    "expired": Member(signed("not-any-more"), "Untrusted", "untrusted-signer",
                      "certificate has expired"),
    "inter-expired": Member(signed("below-old-inter", "inter-old"), "Untrusted",
                            "untrusted-signer", "certificate has expired"),
    "root-expired": Member(signed("good-old", when=LATER), "Untrusted", "untrusted-signer",
                           "certificate has expired"),
    "not-yet": Member(signed("not-yet"), "Untrusted", "untrusted-signer",
                      "certificate is not yet valid"),
    "no-time": Member(openssl("good", options=["-noattr"]), "Untrusted", "untrusted-signer",
                      "does not say when it was made"),
    "for-tls": Member(signed("tls"), "Untrusted", "untrusted-signer",
                      "not for signing packages (extended key usage codeSigning)"),
    "for-unlock": Member(signed("unlock"), "Untrusted", "untrusted-signer", "codeSigning"),
    "for-nothing": Member(signed("no-purpose"), "Untrusted", "untrusted-signer", "codeSigning"),
    "for-anything": Member(signed("any-purpose"), "Untrusted", "untrusted-signer",
                           "codeSigning"),
    "for-encryption": Member(signed("no-signatures"), "Untrusted", "untrusted-signer",
                             "not for digital signatures"),
    "without-policy": Member(signed("without-policy", "inter-policy"), "Untrusted",
                             "untrusted-signer", "no explicit policy"),
    "critical": Member(signed("revocable"), "Untrusted", "untrusted-signer",
                       "a critical extension that devices do not process: crlDistributionPoints"),
    "inter-for-tls": Member(signed("below-tls", "inter-tls"), "Untrusted", "untrusted-signer",
                            "codeSigning"),
    "below-a-leaf": Member(signed("below-leaf", "good"), "Untrusted", "untrusted-signer",
                           "invalid CA certificate"),
    "path-too-long": Member(signed("below-last", "inter-below", "inter-last"), "Untrusted",
                            "untrusted-signer", "path length constraint exceeded"),
    "too-deep": Member(signed("below-deep", *DEEP), "Untrusted", "untrusted-signer"),
    "self-signed": Member(signed("self"), "Untrusted", "untrusted-signer",
                          "self-signed certificate"),
    "stranger": Member(signed("foreign"), "Untrusted", "untrusted-signer",
                       "unable to get local issuer certificate"),
    "stranger-and-root": Member(signed("foreign", "stranger"), "Untrusted", "untrusted-signer",
                                "unable to get local issuer certificate"),
    "two-strangers": Member(openssl("foreign", "foreign-too"), "Untrusted", "untrusted-signer"),
    "strangers-in-a-crowd": Member(openssl(*CROWD[:8], chain=CROWD[8:62]), "Untrusted",
                                   "untrusted-signer"),
    "namesake": Member(signed("foreign-namesake", "namesake"), "Untrusted", "untrusted-signer"),
    "twin": Member(openssl("twin"), "Untrusted", "untrusted-signer"),
    "twin-before": Member(openssl("twin", chain=["good-twin"]), "Untrusted",
                          "untrusted-signer"),
    "issuer-with-nul": Member(signed("foreign-nul", "old-nul"), "Untrusted",
                              "untrusted-signer"),
    "weak": Member(signed("weak"), "Untrusted", "weak-key",
                   "the signer's key has 1024 bits, the minimum is 2048"),
    "weak-inter": Member(signed("below-weak", "inter-weak"), "Untrusted", "weak-key",
                         "the key of 'CN=inter-weak' has 1024 bits, the minimum is 2048"),
    "sha1-certificate": Member(signed("sha1"), "Untrusted", "weak-key",
                               "the certificate of 'CN=sha1' is signed with SHA1"),
}

INVALID = {
    "sha1": Member(openssl("good-rsa", options=["-md", "sha1"]), "Invalid", "bad-signature",
                   "digest SHA1 is not one of SHA-256, SHA-384, SHA-512"),
    "md5": Member(openssl("good-rsa", options=["-md", "md5"]), "Invalid", "bad-signature",
                  "digest MD5"),
    "oversized": Member(openssl("good", chain=["large", "larger"]), "Invalid", "bad-sizes"),
    "crowd": Member(openssl("good", chain=CROWD), "Invalid", "bad-signature",
                    "too many certificates"),
    "crowd-of-signers": Member(openssl("good", *CROWD[:9]), "Invalid", "bad-signature",
                               "too many"),
    "other-content": Member(openssl("good", content=b"{}"), "Invalid", "bad-signature",
                            "does not match the signed data"),
    "damaged": Member(openssl("good", change=flip_near_end), "Invalid", "bad-signature"),
    "damaged-rsa": Member(openssl("good-rsa", change=flip_near_end), "Invalid", "bad-signature",
                          "does not match the signed data"),
    "one-of-two-damaged": Member(openssl("good-rsa", "good", change=flip_near_end), "Invalid",
                                 "bad-signature", "does not match the signed data"),
    "twin-behind": Member(openssl("long-twin", chain=["good-twin"]), "Invalid",
                          "bad-signature", "does not match the signed data"),
    "attached": Member(openssl("good", options=["-nodetach"]), "Invalid", "bad-signature",
                       "not detached"),
    "not-der": Member(openssl("good", change=lambda der: b"\x30\x83\0" + der[2:]), "Invalid",
                      "bad-signature", "in distinguished encoding"),
    "more-behind": Member(openssl("good", change=lambda der: der + b"\0"), "Invalid",
                          "bad-signature", "bytes follow"),
    "cut-off": Member(openssl("good", change=lambda der: der[:-1]), "Invalid", "bad-signature"),
    "no-cms": Member(openssl("good", change=lambda der: b"signed, honestly"), "Invalid",
                     "bad-signature", "not a CMS structure"),
    "no-signer": Member(other_structure("openssl", "crl2pkcs7", "-nocrl", "-certfile",
                                        "{ca}/good.pem", "-outform", "DER"),
                        "Invalid", "bad-signature"),
    "encrypted": Member(other_structure("openssl", "cms", "-encrypt", "-binary", "-outform", "DER",
                                        "-recip", "{ca}/good-rsa.pem"),
                        "Invalid", "bad-signature", "not CMS SignedData"),
    "digested": Member(other_structure("openssl", "cms", "-digest_create", "-binary", "-outform",
                                       "DER"),
                       "Invalid", "bad-signature", "not CMS SignedData"),
    "statement": Member(statement, "Invalid", "bad-manifest", "type"),
    "changed-image": Member(changed_image, "Invalid", "image-mismatch", "does not match"),
}

# Attributes as no program makes them, all of them rightly signed.
ATTRIBUTES = {
    "handmade": Member(handmade(plain), "Signed"),
    "time-twice": Member(handmade(lambda manifest, now: [
        *plain(manifest, now), attribute(SIGNING_TIME, utc(now - 5 * YEAR))],
        leaf="not-any-more"), "Invalid", "bad-signature"),
    "time-of-two-values": Member(handmade(lambda manifest, now: [
        *plain(manifest, now)[:2], attribute(SIGNING_TIME, utc(now), utc(now - 5 * YEAR))],
        leaf="not-any-more"), "Invalid", "bad-signature"),
    "time-not-signed": Member(handmade(
        lambda manifest, now: plain(manifest, now)[:2],
        unsigned=lambda now: [attribute(SIGNING_TIME, utc(now))]), "Invalid", "bad-signature"),
    "no-digest": Member(handmade(
        lambda manifest, now: [content_type(), attribute(SIGNING_TIME, utc(now))]),
        "Invalid", "bad-signature"),
    "digest-twice": Member(handmade(lambda manifest, now: [
        *plain(manifest, now), attribute(MESSAGE_DIGEST, digest(b"another"))]),
        "Invalid", "bad-signature"),
    "no-content-type": Member(handmade(lambda manifest, now: plain(manifest, now)[1:]),
                              "Invalid", "bad-signature"),
    "other-content-type": Member(handmade(lambda manifest, now: [
        content_type(SIGNING_TIME), *plain(manifest, now)[1:]]), "Invalid", "bad-signature",
        "another type of content"),
    "not-in-order": Member(handmade(
        lambda manifest, now: sorted(plain(manifest, now), reverse=True), sort=False),
        "Invalid", "bad-signature"),
    "other-algorithm": Member(handmade(plain, algorithm=ECDSA_SHA512), "Invalid",
                              "bad-signature"),
    "other-digest": Member(handmade(plain, digest_algorithm=SHA512), "Invalid",
                           "bad-signature"),
}

REVOKED = {
    "denied-key": Member(signed("denied"), "Revoked", "revoked", "names a key"),
    "denied-inter": Member(signed("below-denied", "inter-denied"), "Revoked", "revoked",
                           "names a key"),
    "denied-cosigner": Member(openssl("good", "denied"), "Revoked", "revoked", "names a key"),
    "denied-bystander": Member(signed("good", "denied"), "Revoked", "revoked", "names a key"),
    "denied-image": Member(signed("good"), "Revoked", "revoked", "names its root hash"),
    "denied-unsigned": Member(unsigned(), "Revoked", "revoked", "names its root hash"),
    "denied-name": Member(signed("good", options=["--epoch", "2"]), "Revoked", "revoked",
                          "names denied-name below epoch 3, and its epoch is 2"),
}

MEMBERS = {
    **GOOD, **UNTRUSTED, **INVALID, **ATTRIBUTES, **REVOKED,
    "unsigned": Member(unsigned(), "Unsigned", "no-signature", "it has no signature"),
}


def statement_file(maker, text, leaf, when=None):
    """A statement as docs/statements.md describes it, signed by plain openssl."""
    signature = maker.cms(None, [leaf], content=text, when=when)
    return b"WMOSTM01" + struct.pack("<II", len(text), len(signature)) + text + signature


def denylist(maker, number=1):
    """What the device must not run any more."""
    return statement_file(maker, json.dumps({
        "type": "denylist", "format": 1, "number": number, "deny": [
            {"key": maker.ca.key_id("denied")},
            {"key": maker.ca.key_id("inter-denied")},
            {"root_hash": maker.root_hash("denied-image")},
            {"root_hash": maker.root_hash("denied-unsigned")},
            {"name": "denied-name", "epoch_below": 3},
        ]}).encode(), "good")


def deny(maker, device):
    """Put that deny list in force, as a technician does."""
    done = device.wmopkg("denylist", write(f"{maker.folder}/denylist", denylist(maker)))
    if done.returncode != 0:
        raise AssertionError(f"denylist: {done}")


def make(folder, build):
    """All of them, below @folder/packages; the maker that made them."""
    maker = Maker(folder, build)
    for name, member in MEMBERS.items():
        member.make(maker, name)
    return maker
