#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What wmopkg and wmopkg-fetch are linked with, their libraries' libraries included: what
talks to servers is in the program without rights only.

	test_links.py BUILD/installer/wmopkg BUILD/installer/wmopkg-fetch
"""

import subprocess
import sys

# libcurl and what it alone brings along, whichever TLS library it was built with.
BANNED = ("libcurl", "libssh", "libnghttp", "libgnutls", "libssl", "libldap", "libgssapi", "librtmp",
          "libpsl", "libidn")


def libraries(program):
    listed = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line.split()[0] for line in listed.splitlines() if line.strip()]


def main():
    wmopkg, fetch = sys.argv[1:]
    found = [name for name in libraries(wmopkg) if name.startswith(BANNED)]
    for name in found:
        print(f"wmopkg is linked with {name}")
    if not any(name.startswith("libcurl") for name in libraries(fetch)):
        print("wmopkg-fetch is not linked with libcurl: is this it?")
        return 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
