#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which User-Mode Linux the kernel tier boots, and where it comes from.

	linux.py

The kernel of Debian 14 takes half the processor time that the one of Debian 12 takes for
the same case: its processes are not traced (seccomp). Where an older one is installed, this
unpacks the newer one, and the C library that it needs, as releases/debian.py does: nothing is
installed.

Where there is none, the installed one is booted: all cases pass on both.
"""

import os
import re
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "releases"))
import debian  # pylint: disable=wrong-import-position

INSTALLED = "linux.uml"
MODULES_FOLDER = "/usr/lib/uml/modules"
PACKAGE = "forky", "amd64", "user-mode-linux"
WANTED = (7, 0)
installed_only = False  # uml.py --installed


def version(program):
    """(6, 12), or None where it does not start."""
    try:
        said = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.match(r"(\d+)\.(\d+)", said)
    return found and tuple(int(number) for number in found.groups())


def kernel():
    """(the program to boot, the folder with a folder of modules for each release)"""
    folder = debian.place(*PACKAGE)
    program = os.path.join(folder, "linux")
    if not installed_only and os.path.exists(program):
        return program, folder + MODULES_FOLDER
    return INSTALLED, MODULES_FOLDER


def fetch():
    """Unpack the newer kernel; it starts with its own C library, wherever that is."""
    folder = debian.unpack(*PACKAGE)
    program, libraries = os.path.join(folder, "linux"), folder + "/usr/lib/x86_64-linux-gnu"
    debian.run(["patchelf", "--set-interpreter", libraries + "/ld-linux-x86-64.so.2", "--set-rpath",
                libraries, "--output", program + ".new", folder + "/usr/bin/linux.uml"])
    if not version(program + ".new"):
        raise debian.Unavailable("the kernel that was fetched does not start")
    os.rename(program + ".new", program)


def main():
    if (version(INSTALLED) or (0, 0)) < WANTED and kernel()[0] == INSTALLED:
        try:
            fetch()
        except debian.Unavailable as why:
            print(f"{why}\nNo newer User-Mode Linux could be had: the kernel tier boots the "
                  "installed one, and takes twice as long.", file=sys.stderr)
    print("The kernel tier boots Linux", ".".join(map(str, version(kernel()[0]) or "?")))


if __name__ == "__main__":
    main()
