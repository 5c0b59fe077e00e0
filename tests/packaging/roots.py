# SPDX-License-Identifier: MIT
"""Roots of Debian releases in which packages are built and installed.

A root is made once by mmdebstrap, in WMOPKG_CACHE, and never changed: run() mounts a layer over it
for what a command changes. Needs root, as the scripts of packages do.
"""

import hashlib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "releases"))
import debian  # pylint: disable=wrong-import-position

# $1: the root, $2: the folder of the layer
MOUNT = """\
set -eu
root=$2/root
mkdir -p "$root" "$2/upper" "$2/overlay"
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/overlay" overlay "$root"
"""
# $3: a folder that is /work in there; the rest is run
ENTER = """\
mkdir -p "$root/work"
mount --bind "$3" "$root/work"
mount --bind "$2/../archives" "$root/var/cache/apt/archives"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
cp /etc/resolv.conf "$root/etc/resolv.conf"
shift 3
exec chroot "$root" "$@"
"""
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive"}


class Failed(Exception):
    """A command in a root has failed."""


def make(release, *packages):
    """The folder of a root of @release with @packages in it."""
    what = hashlib.sha256(" ".join([debian.MIRROR, *packages]).encode()).hexdigest()[:12]
    folder = os.path.join(debian.cache(), f"root-{release}-{what}")
    os.makedirs(debian.cache(), exist_ok=True)
    with debian.only_one(folder + ".lock"):
        if not os.path.isdir(folder):
            shutil.rmtree(folder + ".new", ignore_errors=True)
            debian.run(["mmdebstrap", "--mode=root", "--variant=minbase", "--skip=cleanup/apt/lists",
                        f"--keyring={debian.KEYS}", f"--include={','.join(packages)}", release,
                        folder + ".new", debian.MIRROR])
            os.rename(folder + ".new", folder)
    return folder


class Layer:
    """What commands change in a root: kept in @folder, until it is deleted."""

    def __init__(self, root, folder, work):
        self.root, self.folder, self.work = root, folder, work
        os.makedirs(os.path.join(os.path.dirname(folder), "archives", "partial"), exist_ok=True)

    def _mounted(self, script, *words, **environment):
        done = subprocess.run(["unshare", "--mount", "/bin/sh", "-c", MOUNT + script, "mounted", self.root,
                               self.folder, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              env={**ENVIRONMENT, **environment})
        return done.returncode, done.stdout

    def run(self, *command, **environment):
        """(exit status, output)"""
        return self._mounted(ENTER, self.work, *command, **environment)

    def succeed(self, command, **environment):
        """The output of a shell command, which must succeed."""
        status, output = self.run("/bin/sh", "-ec", command, **environment)
        if status != 0:
            raise Failed(f"{command}: status {status}\n{output[-6000:]}")
        return output

    def pack(self, image, mib):
        """Write the root with this layer to @image, a file system of @mib MiB."""
        status, output = self._mounted('mke2fs -q -F -t ext4 -d "$root" "$3" "$4"', image, f"{mib}M")
        if status != 0:
            raise Failed(f"{image}: {output[-2000:]}")
