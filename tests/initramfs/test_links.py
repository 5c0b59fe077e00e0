#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What wmopkg-activate is linked with, its libraries' libraries included: in an initramfs
nothing fetches, edits lines, draws tables or writes images, and nothing loads the engines
that signing with a token needs.

	test_links.py PROGRAM full|lean

The lean program is linked with no library, and is small."""

import os
import re
import subprocess
import sys
import tempfile

BANNED = ("libcurl", "libedit", "libsmartcols", "libseccomp", "libsquashfs", "libarchive")
NEEDED = ("libcryptsetup", "libcrypto", "libmount", "libjson-c")


LEAN_BYTES = 6500000  # of the file, without what is for a debugger


def check_lean(program):
    """Whether it is a file that needs no other."""
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, program], check=True)
        size = os.path.getsize(stripped.name)
    dynamic = subprocess.run(["readelf", "-d", program], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
    loaded = re.findall(r"\(NEEDED\).*\[(.*?)\]", dynamic)
    if loaded:
        print(f"the lean wmopkg-activate is linked with {', '.join(loaded)}")
    if size > LEAN_BYTES:
        print(f"the lean wmopkg-activate has {size} bytes, over {LEAN_BYTES}")
    return 1 if loaded or size > LEAN_BYTES else 0


def main():
    if sys.argv[2] == "lean":
        return check_lean(sys.argv[1])
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
