# SPDX-License-Identifier: MIT
"""Signed statements, put together by hand and signed with openssl."""

import json
import os
import struct
import subprocess

MAGIC = b"WMOSTM01"
DAY = 24 * 60 * 60


def statement(path, body, keys, signer):
    """The file @path: @body, signed with the key @signer of the folder @keys; None: unsigned."""
    text = json.dumps(body).encode()
    signature = b""
    if signer:
        signature = subprocess.run(
            ["openssl", "cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER",
             "-signer", f"{keys}/{signer}.pem", "-inkey", f"{keys}/{signer}.key"],
            input=text, stdout=subprocess.PIPE, check=True).stdout
    with open(path, "wb") as file:
        file.write(MAGIC + struct.pack("<II", len(text), len(signature)) + text + signature)
    return path


def unlock(path, keys, serial, not_after, allow=("untrusted",), signer="unlock", **more):
    return statement(path, {"type": "unlock", "format": 1, "serial": serial,
                            "allow": list(allow), "not_after": not_after, **more}, keys, signer)


def denylist(path, keys, number, *deny, signer="signer"):
    return statement(path, {"type": "denylist", "format": 1, "number": number,
                            "deny": list(deny)}, keys, signer)


def key_id(keys, signer):
    """SHA-256 of the public key as a certificate carries it; what deny lists name."""
    der = subprocess.run(["openssl", "pkey", "-in", f"{keys}/{signer}.key", "-pubout",
                          "-outform", "DER"], stdout=subprocess.PIPE, check=True).stdout
    return subprocess.run(["openssl", "dgst", "-sha256", "-r"], input=der,
                          stdout=subprocess.PIPE, check=True).stdout.split()[0].decode()


def kept(persist):
    """What the device remembers of its own accord."""
    folder = os.path.join(persist, "wmopkg")
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []
