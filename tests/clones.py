# SPDX-License-Identifier: MIT
"""Many packages in no time: the same image, not signed, each under another name."""

import json
import struct

BLOCK = 4096
HEAD = 16


def clone(package, name):
    """The bytes of an unsigned @package with another identity."""
    magic, manifest_bytes, signature_bytes = struct.unpack("<8sII", package[:HEAD])
    end = HEAD + manifest_bytes
    assert signature_bytes == 0, "it is signed"
    manifest = json.loads(package[HEAD:end])
    manifest["name"] = name
    text = json.dumps(manifest).encode()
    preamble = struct.pack("<8sII", magic, len(text), 0) + text
    rest = package[-(-end // BLOCK) * BLOCK:]
    return preamble + bytes(-len(preamble) % BLOCK) + rest


def place(path, folder, names):
    """Clones of the package file @path in @folder, one file for each name."""
    with open(path, "rb") as file:
        package = file.read()
    for name in names:
        with open(f"{folder}/{name}.wmopkg", "wb") as file:
            file.write(clone(package, name))
