# SPDX-License-Identifier: MIT
"""What a build with musl needs, in a folder: headers and libraries, and a cross file for meson.

	musl.py FOLDER

The C library and its headers are musl, from Debian's musl-dev. The headers of the kernel and of
the libraries that wmopkg uses are links to Debian's. These libraries are built for glibc there:
in their place are stubs, which define the same symbols and end the program when one is called.
So all of wmopkg is compiled and linked as on Alpine, each symbol is found in musl or in the
library, and each program starts. It does not show what the libraries do there.
"""

import os
import re
import shutil
import subprocess
import sys

# As pkg-config calls them.
LIBRARIES = ("blkid", "devmapper", "json-c", "libarchive", "libconfuse", "libcrypto", "libcryptsetup",
             "libcurl", "libedit", "libseccomp", "libsquashfs1", "libubootenv", "mount", "zlib")
HEADERS = ("archive.h", "archive_entry.h", "blkid", "confuse.h", "curl", "editline", "histedit.h", "json-c",
           "libcryptsetup.h", "libdevmapper.h", "libmount", "libuboot.h", "openssl", "seccomp.h",
           "seccomp-syscalls.h", "sqfs", "uuid", "zconf.h", "zlib.h")
KERNEL = ("asm", "asm-generic", "linux")
CROSS = """\
[binaries]
c = [{cache}'clang', '--target={processor}-linux-musl', '--sysroot={root}', '--gcc-toolchain=/usr']
ar = 'ar'
pkgconfig = 'pkg-config'
strip = 'strip'
[built-in options]
c_link_args = ['-static-libgcc']
[properties]
sys_root = '{root}'
pkg_config_libdir = '{libraries}/pkgconfig:/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = '{processor}'
cpu = '{processor}'
endian = 'little'
"""


def ask(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def link(target, place):
    """A folder that has parts in two folders becomes one of links."""
    if os.path.isdir(target) and os.path.isdir(place):
        if os.path.islink(place):
            first = os.readlink(place)
            os.unlink(place)
            os.mkdir(place)
            link_all(first, place, os.listdir(first))
        link_all(target, place, os.listdir(target))
    elif not os.path.lexists(place):
        os.symlink(target, place)


def link_all(folder, place, names):
    os.makedirs(place, exist_ok=True)
    for name in names:
        if os.path.exists(f"{folder}/{name}"):
            link(f"{folder}/{name}", f"{place}/{name}")


def write_stub(library, libraries, place):
    """A library that defines what the one in @libraries does."""
    defined = ask("nm", "-D", "--defined-only", f"{libraries}/lib{library}.so")
    symbols = re.findall(r" [BDRTWi] ([^@\s]+)", defined)
    names = "".join(f'".globl {name}\\n.set {name}, stub\\n"\n' for name in sorted({*symbols}))
    subprocess.run(["gcc", "-shared", "-nostdlib", "-fPIC", "-x", "c", "-", "-o",
                    f"{place}/lib{library}.so", f"-Wl,-soname,lib{library}.so"], check=True, text=True,
                   input=f"void stub(void) {{ __builtin_trap(); }}\n__asm__({names});\n")


def main():
    root = os.path.abspath(sys.argv[1])
    multiarch = ask("gcc", "-print-multiarch")
    processor = multiarch.split("-")[0]
    libraries, musl = f"/usr/lib/{multiarch}", f"{processor}-linux-musl"
    include, place = f"{root}/usr/include", f"{root}/usr/lib"
    link_all(f"/usr/include/{musl}", include, os.listdir(f"/usr/include/{musl}"))
    for folder in "/usr/include", f"/usr/include/{multiarch}":
        link_all(folder, include, KERNEL + HEADERS)
    link_all(f"/usr/lib/{musl}", place, os.listdir(f"/usr/lib/{musl}"))
    for package in LIBRARIES:
        for library in re.findall(r"(?<=-l)\S+", ask("pkg-config", "--libs-only-l", package)):
            # the threads are in the C library
            if library != "pthread" and not os.path.exists(f"{place}/lib{library}.so"):
                write_stub(library, libraries, place)
    with open(f"{root}/cross.ini", "w") as file:
        file.write(CROSS.format(cache="'ccache', " if shutil.which("ccache") else "", root=root,
                                processor=processor, libraries=libraries))


if __name__ == "__main__":
    main()
