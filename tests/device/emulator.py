#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which QEMU the machine tier boots devices in, and where it comes from.

	emulator.py

The QEMU of Debian 14 takes four fifths of the processor time that the one of Debian 12 takes for
the same boot. This unpacks it, with all that it needs, as releases/debian.py does: nothing is
installed. Where it cannot be had, the installed one is started.
"""

import os
import shutil
import subprocess
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "releases"))
import debian  # pylint: disable=wrong-import-position

NAME = "qemu-system-x86_64"
PACKAGE = "forky", "amd64", "qemu-system-x86"


def command():
    """The words that start it, without the machine's."""
    folder = debian.place(*PACKAGE)
    if not os.path.isdir(folder):
        return [NAME]
    libraries = folder + "/usr/lib/x86_64-linux-gnu"
    return [libraries + "/ld-linux-x86-64.so.2", "--library-path", libraries, f"{folder}/usr/bin/{NAME}",
            "-L", folder + "/usr/share/qemu", "-L", folder + "/usr/share/seabios"]


def version():
    """What it says of itself, or None where it does not start."""
    try:
        said = subprocess.run([*command(), "--version"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return said.splitlines()[0]


def main():
    try:
        debian.unpack(*PACKAGE)
        if not version():
            shutil.rmtree(debian.place(*PACKAGE))
            raise debian.Unavailable("the one that was fetched does not start")
    except debian.Unavailable as why:
        print(f"{why}\nNo newer QEMU could be had: the machine tier starts the installed one, and takes "
              "a quarter more time.", file=sys.stderr)
    print("The machine tier starts", version() or "no emulator")


if __name__ == "__main__":
    main()
