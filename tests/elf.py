# SPDX-License-Identifier: MIT
"""ELF files of 64 bits with nothing in them but the libraries that they need."""

import struct

LOADER = "/lib64/ld-linux-x86-64.so.2"
BASE = 0x10000


def make(*needed, interpreter=None):
    """The bytes of a library, or with @interpreter of a program."""
    texts, entries = b"\0", b""
    for name in needed:
        entries += struct.pack("<QQ", 1, len(texts))
        texts += name.encode() + b"\0"
    loader = interpreter.encode() + b"\0" if interpreter else b""
    start = 64 + 3 * 56
    texts_at = start + len(entries) + 3 * 16
    end = texts_at + len(texts)
    entries += struct.pack("<QQQQQQ", 5, BASE + texts_at, 10, len(texts), 0, 0)
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3 if interpreter else 2, 0, 0, 0)
    parts = ((1, 0, end + len(loader)), (2, start, len(entries)), (3, end, len(loader)))
    for kind, offset, size in parts:
        head += struct.pack("<IIQQQQQQ", kind, 4, offset, BASE + offset, 0, size, size, 8)
    return head + entries + texts + loader
