#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the programs are linked with, their libraries' libraries included: what talks to servers is
in the program without rights only.

	test_links.py BUILD/installer/wmopkg-fetch BUILD/installer/wmopkg...
"""

import os
import subprocess
import sys

# libcurl and what it alone brings along, whichever TLS library it was built with.
BANNED = ("libcurl", "libssh", "libnghttp", "libgnutls", "libssl", "libldap", "libgssapi", "librtmp",
          "libpsl", "libidn")


def libraries(program):
    listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line.split()[0] for line in listed.splitlines() if line.strip()]


def main():
    fetch, *others = sys.argv[1:]
    found = [(program, name) for program in others for name in libraries(program)
             if name.startswith(BANNED)]
    for program, name in found:
        print(f"{os.path.basename(program)} is linked with {name}")
    if not any(name.startswith("libcurl") for name in libraries(fetch)):
        print("wmopkg-fetch is not linked with libcurl: is this it?")
        return 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
