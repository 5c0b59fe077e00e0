#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What wmopkg-activate is linked with, its libraries' libraries included: in an initramfs
nothing fetches, edits lines, draws tables or writes images, and nothing loads the engines
that signing with a token needs."""

import subprocess
import sys

BANNED = ("libcurl", "libedit", "libsmartcols", "libseccomp", "libsquashfs", "libarchive")
NEEDED = ("libcryptsetup", "libcrypto", "libmount", "libjson-c")


def main():
    listed = subprocess.run(["ldd", sys.argv[1]], stdout=subprocess.PIPE, text=True,
                            check=True).stdout
    libraries = [line.split()[0] for line in listed.splitlines() if line.strip()]
    found = [name for name in libraries if name.startswith(BANNED)]
    missing = [name for name in NEEDED
               if not any(library.startswith(name) for library in libraries)]
    symbols = subprocess.run(["nm", "--dynamic", "--undefined-only", sys.argv[1]],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    found += sorted({symbol.split("@")[0] for symbol in symbols.split()
                     if symbol.startswith("ENGINE_")})
    for name in found:
        print(f"wmopkg-activate is linked with {name}")
    for name in missing:
        print(f"wmopkg-activate is not linked with {name}: is this it?")
    return 1 if found or missing else 0


if __name__ == "__main__":
    sys.exit(main())
