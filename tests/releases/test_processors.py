# SPDX-License-Identifier: MIT
"""A processor with 32 bits: the build for it has no warning, and its time does not end in 2038.

	test_armhf.py SOURCE BUILD IMAGE-WRITE

Cross-compiles for ARM with the libraries of Debian 13, into BUILD/armhf, and runs units on an
emulated processor: dates after 2038 and 2106, JSON, sizes. In the long form the whole build, and
more of the units that the emulator has the system calls for (it has no openat2), and the images
that IMAGE-WRITE makes here are made there, too.
"""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debian  # pylint: disable=wrong-import-position
import images  # pylint: disable=wrong-import-position

LONG = os.environ.get("WMOPKG_LONG") == "1"
SOURCE, BUILD, IMAGE_WRITE = "", "", ""
TRIPLET = "arm-linux-gnueabihf"
LIBRARIES = ("libarchive-dev", "libblkid-dev", "libc6-dev", "libcmocka-dev", "libconfuse-dev",
             "libcryptsetup-dev", "libcurl4-openssl-dev", "libdevmapper-dev", "libedit-dev",
             "libjson-c-dev", "libmount-dev", "libseccomp-dev", "libsquashfs-dev", "libssl-dev",
             "libubootenv-dev", "zlib1g-dev")
UNITS = ("verity/test_verity_cms_chain", "verity/test_verity_json", "verity/test_verity_manifest",
         "overlay/test_overlay_trust")
LONG_UNITS = UNITS + (
    "verity/test_verity_cms", "verity/test_verity_format", "verity/test_verity_hash",
    "verity/test_verity_package", "verity/test_verity_statement", "verity/test_verity_timestamp",
    "verity/test_verity_tree", "verity/test_verity_unlock", "overlay/test_overlay_audit",
    "overlay/test_overlay_config", "overlay/test_overlay_contents", "overlay/test_overlay_image",
    "installer/test_installer_job", "installer/test_installer_known_hosts")
CROSS = """\
[binaries]
c = [{compiler}]
ar = '{triplet}-ar'
strip = '{triplet}-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-arm', '-L', '{root}']
[built-in options]
c_args = ['--sysroot={root}']
c_link_args = ['--sysroot={root}', '-Wl,-rpath-link={root}/usr/lib/{triplet}']
[properties]
sys_root = '{root}'
pkg_config_libdir = '{root}/usr/lib/{triplet}/pkgconfig:{root}/usr/share/pkgconfig'
[host_machine]
system = 'linux'
cpu_family = 'arm'
cpu = 'armv7'
endian = 'little'
"""


class Armhf(unittest.TestCase):
    def succeed(self, *command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False)
        self.assertEqual(done.returncode, 0, f"{' '.join(command)}\n{done.stdout[-4000:]}")
        return done.stdout

    def test_build_and_units(self):
        try:
            root = debian.unpack("trixie", "armhf", *LIBRARIES)
        except debian.Unavailable as why:
            self.fail(f"packages for armhf: {why}")
        build = os.path.join(BUILD, "armhf")
        cross = os.path.join(BUILD, "armhf.ini")
        compiler = ["ccache"] * bool(shutil.which("ccache")) + [f"{TRIPLET}-gcc"]
        text = CROSS.format(compiler=", ".join(map(repr, compiler)), triplet=TRIPLET, root=root)
        with open(cross, "w", encoding="utf-8") as file:
            file.write(text)
        if not os.path.exists(os.path.join(build, "build.ninja")):
            self.succeed("meson", "setup", "--cross-file", cross, "-Dwerror=true", build, SOURCE)
        units = ["tests/" + unit for unit in (LONG_UNITS if LONG else UNITS)]
        self.succeed("ninja", "-C", build, *([] if LONG else units))
        for unit in units:
            self.succeed("qemu-arm", "-L", root, os.path.join(build, unit))
        if LONG:
            there = ["qemu-arm", "-L", root, os.path.join(build, "tests/overlay/image-write")]
            self.assertEqual(images.differ([IMAGE_WRITE], there), [])


if __name__ == "__main__":
    SOURCE, BUILD, IMAGE_WRITE = sys.argv[1:4]
    os.environ.pop("WMOPKG_LONG", None)  # the units have no long form here
    unittest.main(argv=sys.argv[:1])
