# SPDX-License-Identifier: MIT
"""Signatures that no program would make: a CMS SignedData (RFC 5652) built by hand, its
signed attributes wrong in one way each, and rightly signed."""

import hashlib
import time

from ca import der, first_element, read, run

SEQUENCE, SET, OID, OCTETS, INTEGER, UTC_TIME = 0x30, 0x31, 0x06, 0x04, 0x02, 0x17

DATA = bytes.fromhex("06092a864886f70d010701")
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
SIGNING_TIME = bytes.fromhex("06092a864886f70d010905")
SHA256 = der(SEQUENCE, bytes.fromhex("0609608648016503040201"))
SHA512 = der(SEQUENCE, bytes.fromhex("0609608648016503040203"))
ECDSA_SHA256 = der(SEQUENCE, bytes.fromhex("06082a8648ce3d040302"))
ECDSA_SHA512 = der(SEQUENCE, bytes.fromhex("06082a8648ce3d040304"))


def attribute(name, *values):
    return der(SEQUENCE, name + der(SET, b"".join(sorted(values))))


def content_type(name=DATA):
    return attribute(CONTENT_TYPE, name)


def digest(content):
    return der(OCTETS, hashlib.sha256(content).digest())


def utc(when):
    return der(UTC_TIME, time.strftime("%y%m%d%H%M%SZ", time.gmtime(when)).encode())


def signer_id(certificate):
    """IssuerAndSerialNumber, out of a certificate's DER."""
    body = first_element(certificate)
    parts, rest = [], body
    head = len(body) - len(strip(body))
    rest = body[head:]
    while rest and len(parts) < 4:
        part = first_element(der(SEQUENCE, rest))
        parts.append(part)
        rest = rest[len(part):]
    _version, serial, _algorithm, issuer = parts
    return der(SEQUENCE, issuer + serial)


def strip(element):
    """The content of a DER element."""
    count = element[1] & 0x7f if element[1] & 0x80 else 0
    return element[2 + count:]


def signed_data(ca, leaf, attributes, digest_algorithm=SHA256, algorithm=ECDSA_SHA256,
                sort=True, unsigned=()):
    """@attributes: DER of each, signed with the P-256 key of @leaf."""
    certificate = run("openssl", "x509", "-in", ca.pem(leaf), "-outform", "DER")
    body = b"".join(sorted(attributes) if sort else attributes)
    signature = run("openssl", "dgst", "-sha256", "-sign", ca.key(leaf), data=der(SET, body))
    signer = der(INTEGER, b"\1") + signer_id(certificate) + digest_algorithm
    signer += der(0xa0, body) + algorithm + der(OCTETS, signature)
    if unsigned:
        signer += der(0xa1, b"".join(sorted(unsigned)))
    signed = der(INTEGER, b"\1") + der(SET, digest_algorithm) + der(SEQUENCE, DATA)
    signed += der(0xa0, certificate) + der(SET, der(SEQUENCE, signer))
    return der(SEQUENCE, SIGNED_DATA + der(0xa0, der(SEQUENCE, signed)))


def handmade(attributes, leaf="good", **options):
    """@attributes: given the manifest and the time of making, the signed attributes."""
    def make(maker, name):
        maker.create(name)
        maker.extract(name)
        manifest = read(maker.part(name, "manifest"))
        wanted = dict(options)
        if "unsigned" in wanted:
            wanted["unsigned"] = wanted["unsigned"](maker.ca.now)
        maker.pack(name, signed_data(maker.ca, leaf, attributes(manifest, maker.ca.now), **wanted))
    return make
