#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which User-Mode Linux the kernel tier boots, and where it comes from.

	linux.py

The kernel of Debian 13 takes half the processor time that the one of Debian 12 takes for the
same case. Where an older one is installed, this fetches the newer one with apt, which verifies
it, into build-linux/ at the top of the tree: nothing is installed. It comes with the C library
that it needs.

Where there is none in build-linux/, the installed one is booted: all cases pass on both.
"""

import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(TOP, "build-linux")
PROGRAM = os.path.join(FOLDER, "linux")
INSTALLED = "linux.uml"
MODULES = "/usr/lib/uml/modules"
SUITE = "trixie"
WANTED = (6, 12)
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"
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
    if not installed_only and os.path.exists(PROGRAM):
        return PROGRAM, FOLDER + MODULES
    return INSTALLED, MODULES


def fetch():
    """Put the newer kernel into FOLDER."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    parts = os.path.join(FOLDER, "apt")
    for folder in "lists/partial", "cache/archives/partial":
        os.makedirs(os.path.join(parts, folder))
    sources = os.path.join(parts, "sources.list")
    with open(sources, "w", encoding="utf-8") as file:
        file.write(f"deb [arch=amd64 signed-by={KEYS}] {MIRROR} {SUITE} main\n")
    apt = ["apt-get", "-q"]
    for setting in (f"Dir::Etc::SourceList={sources}", "Dir::Etc::SourceParts=/dev/null",
                    f"Dir::State::Lists={parts}/lists", f"Dir::Cache={parts}/cache",
                    "Acquire::Languages=none", f"APT::Sandbox::User={'root' * (os.getuid() == 0)}"):
        apt += ["-o", setting]
    run([*apt, "update"], parts)
    run([*apt, "download", "user-mode-linux", "libc6"], parts)
    for name in os.listdir(parts):
        if name.endswith(".deb"):
            run(["dpkg-deb", "-x", name, FOLDER], parts)
    shutil.rmtree(parts)
    libraries = FOLDER + "/usr/lib/x86_64-linux-gnu"
    run(["patchelf", "--set-interpreter", libraries + "/ld-linux-x86-64.so.2", "--set-rpath",
         libraries, "--output", PROGRAM + ".new", FOLDER + "/usr/bin/linux.uml"], FOLDER)
    if not version(PROGRAM + ".new"):
        raise OSError("the kernel that was fetched does not start")
    os.rename(PROGRAM + ".new", PROGRAM)


def run(command, folder):
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command[:1] + command[-1:])}: {done.stdout.strip()[-500:]}")


def main():
    if (version(INSTALLED) or (0, 0)) < WANTED and not version(PROGRAM):
        try:
            fetch()
        except OSError as error:
            shutil.rmtree(FOLDER, ignore_errors=True)
            print(f"{error}\nNo newer User-Mode Linux could be had: the kernel tier boots the "
                  "installed one, and takes twice as long.", file=sys.stderr)
    print("The kernel tier boots Linux", ".".join(map(str, version(kernel()[0]) or "?")))


if __name__ == "__main__":
    main()
