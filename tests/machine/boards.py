# SPDX-License-Identifier: MIT
"""What the tests of ARM boards share: programs that are cross-built into a folder of WMOPKG_BUILD, and a
device of Debian's packages for that processor."""

import os
import sys

import bench
import board

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "releases"))

import cross  # noqa: E402
import debian  # noqa: E402

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
# The blank in it has to get through the shells of U-Boot and of the kernel command line.
MEDIUM = "service:LABEL=MY STICK"
SOURCE = os.path.join(HERE, "..", "..")
KERNELS = {"arm64": "linux-image-arm64", "armhf": "linux-image-armmp"}
MACHINES = {"arm64": "aarch64", "armhf": "armv7l"}
# the processor, as Debian calls it
NAME = next((word for word in sys.argv[1:] if word in KERNELS), "arm64")


class BoardBench(bench.Bench):
    """Packages are made by the build of this host, and the device of the other one."""

    def build_device(self):
        build = cross.Build(NAME, self.build)
        build.make(SOURCE, *(cross.PROGRAMS if bench.LONG else build.processor.programs))
        packages = debian.unpack(build.processor.release, NAME, "busybox-static", "e2fsprogs",
                                 KERNELS[NAME])
        os.environ.update(WMOPKG_LIBRARIES=build.root, WMOPKG_PACKAGES=packages,
                          WMOPKG_RUN=" ".join(build.run),
                          WMOPKG_BUILDER=os.path.join(self.build, "installer/wmopkg-build"))
        return bench.console.build_folder(build.folder, self.variant)

    def device(self, **options):
        if bench.CONSOLE in sys.argv:
            options["echo"] = bench.show
        return board.Board(self.built, self.folder, NAME, **options)


def main():
    if NAME in sys.argv:
        sys.argv.remove(NAME)
    bench.main()
