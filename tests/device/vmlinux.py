#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Unpack the kernel in a bzImage: tests/device/vmlinux.py BZIMAGE VMLINUX

An emulated processor takes seconds to do that at every boot.
"""

import lzma
import subprocess
import sys

XZ_MAGIC = b"\xfd7zXZ\0"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ELF_MAGIC = b"\x7fELF"


def unpack(path):
    """The ELF image in the bzImage @path, as bytes; Debian packs it with xz or zstd."""
    with open(path, "rb") as file:
        packed = file.read()
    kernel = b""
    if XZ_MAGIC in packed:
        kernel = lzma.LZMADecompressor().decompress(packed[packed.index(XZ_MAGIC):])
    elif ZSTD_MAGIC in packed:
        # the bytes after the end of the kernel are no error to us
        kernel = subprocess.run(["zstd", "-q", "-d", "-c"], check=False, stderr=subprocess.DEVNULL,
                                input=packed[packed.index(ZSTD_MAGIC):],
                                stdout=subprocess.PIPE).stdout
    if not kernel.startswith(ELF_MAGIC):
        raise SystemExit(f"{path}: no kernel packed with xz or zstd in it")
    return kernel


if __name__ == "__main__":
    with open(sys.argv[2], "wb") as vmlinux:
        vmlinux.write(unpack(sys.argv[1]))
