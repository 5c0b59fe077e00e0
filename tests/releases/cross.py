# SPDX-License-Identifier: MIT
"""Builds for other processors, with Debian's cross compilers, and how to run them here.

The libraries are those of a Debian release for that processor, unpacked by debian.py.
"""

import collections
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debian  # noqa: E402 pylint: disable=wrong-import-position

# with the locale C.UTF-8, whose file is in the byte order of the processor
LIBRARIES = ("libarchive-dev", "libblkid-dev", "libc-bin", "libc6-dev", "libcmocka-dev", "libconfuse-dev",
             "libcryptsetup-dev", "libcurl4-openssl-dev", "libdevmapper-dev", "libedit-dev",
             "libjson-c-dev", "libmount-dev", "libseccomp-dev", "libsquashfs-dev", "libssl-dev",
             "libubootenv-dev", "zlib1g-dev")
# What somebody builds who wants all of the optimizer, and the lean program of the initramfs, with which
# the short check also finds what gcc warns of then. As each link compiles all of a program, the short
# check builds only the programs of a device so; the long one builds all.
RELEASE = ("--buildtype=release", "-Db_lto=true", "-Dlean_initramfs=true")
# Compiled in two thirds of the time, and the optimizer still finds what to warn of.
CHEAP = ("-Ddebug=false", "-Doptimization=1")
# what is on a device, and beside it
DEVICE = ("installer/wmopkg", "installer/wmopkg-fetch", "initramfs/wmopkg-activate")
PROGRAMS = (*DEVICE, "installer/wmopkg-build", "installer/wmopkg-web", "initramfs/shutdown/wmopkg-shutdown")
# as Debian calls it: where its libraries come from, what compilers and emulators call it; and of which
# programs it is built in the short check, and how
Processor = collections.namedtuple("Processor", "release triplet family cpu endian qemu programs options")
PROCESSORS = {
    "arm64": Processor("bookworm", "aarch64-linux-gnu", "aarch64", "armv8", "little", "qemu-aarch64",
                       DEVICE, RELEASE),
    # 32 bits
    "armhf": Processor("trixie", "arm-linux-gnueabihf", "arm", "armv7", "little", "qemu-arm", DEVICE, CHEAP),
    # Big-endian. Debian 13 has no complete set of packages for it any more.
    "s390x": Processor("bookworm", "s390x-linux-gnu", "s390x", "z196", "big", "qemu-s390x", (), CHEAP),
}
MACHINE = os.uname().machine
HOST = {"x86_64": "amd64", "aarch64": "arm64"}.get(MACHINE, MACHINE)
# The host may have a C library of its own for the processor (libc6-dev-arm64-cross), which the
# compiler would take before that of the root: so its folders are named.
CROSS = """\
[binaries]
c = [{compiler}]
ar = '{processor.triplet}-gcc-ar'
strip = '{processor.triplet}-strip'
pkgconfig = 'pkg-config'
exe_wrapper = [{run}]
[built-in options]
c_args = ['--sysroot={root}', '-isystem{root}/usr/include/{processor.triplet}', '-isystem{root}/usr/include']
c_link_args = ['--sysroot={root}', '-B{libraries}', '-L{libraries}', '-Wl,-rpath-link={libraries}']
[properties]
sys_root = '{root}'
pkg_config_libdir = '{libraries}/pkgconfig:{root}/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = '{processor.family}'
cpu = '{processor.cpu}'
endian = '{processor.endian}'
"""


class Failed(Exception):
    """The build, with the end of its output."""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def quote(words):
    return ", ".join(map(repr, words))


def succeed(*command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if done.returncode:
        raise Failed(f"{' '.join(command)}\n{done.stdout[-4000:]}")
    return done.stdout


def new_emulators():
    """The folder of those of Debian 13, half a gigabyte. Those of Debian 12 have no openat2, without which
    nothing is opened below a folder."""
    return os.path.join(debian.unpack("trixie", HOST, "qemu-user"), "usr/bin")


class Build:
    """A build of the source for a processor, in a folder of that name.

    @root: its libraries; @run: the words before a program that run it here.
    """

    def __init__(self, name, folder, emulators="", options=None):
        """@emulators: their folder, by default on the path; see new_emulators()
        @options: of meson, by default those of the processor"""
        self.name, self.processor = name, PROCESSORS[name]
        self.options = options or self.processor.options
        self.root = debian.unpack(self.processor.release, name, *LIBRARIES)
        self.run = [os.path.join(emulators, self.processor.qemu), "-L", self.root]
        self.folder = os.path.join(folder, name + ("-release" if self.options == RELEASE else ""))

    def make(self, source, *targets):
        """All of it, or @targets."""
        cross = self.folder + ".ini"
        compiler = ["ccache"] * bool(shutil.which("ccache")) + [f"{self.processor.triplet}-gcc"]
        text = CROSS.format(compiler=quote(compiler), processor=self.processor, root=self.root,
                            run=quote(self.run), libraries=f"{self.root}/usr/lib/{self.processor.triplet}")
        with debian.only_one(self.folder + ".lock"):
            # meson sets up again what it has set up with an older file
            if not os.path.exists(cross) or read(cross) != text:
                with open(cross, "w", encoding="utf-8") as file:
                    file.write(text)
            if not os.path.exists(os.path.join(self.folder, "build.ninja")):
                succeed("meson", "setup", "--cross-file", cross, "-Dwerror=true", "-Dtests=enabled",
                        *self.options, self.folder, source)
            succeed("ninja", "-C", self.folder, *targets)

    def command(self, program):
        """How a program of the build is run."""
        return [*self.run, os.path.join(self.folder, program)]
