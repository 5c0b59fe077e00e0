# SPDX-License-Identifier: MIT
"""Programs that were built here run with the libraries of other Debian releases.

	test_libraries.py IMAGE-WRITE PROGRAM...

As in a firmware update: what was accepted with the libraries before it is accepted with those
after it, and the other way round. The programs are unit tests; each has to load the library
that is meant, and to pass. IMAGE-WRITE makes the same images with all of them.
"""

import concurrent.futures
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debian  # pylint: disable=wrong-import-position
import images  # pylint: disable=wrong-import-position

LONG = os.environ.get("WMOPKG_LONG") == "1"
# Packages of a release that is not stable change their names, and those of an old one leave the
# mirrors: that must not stop ./check.
ONLY_LONG = unittest.skipUnless(LONG, "only in ./check long")
MACHINE = os.uname().machine
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(MACHINE, MACHINE)
IMAGE_WRITE, PROGRAMS = "", []
# What decides with JSON whether a package or a record is valid.
OF_JSON = ("json", "manifest", "statement", "state", "audit", "trials", "good_set")
LINKED = ("libarchive13t64", "libblkid1", "libcmocka0", "libconfuse2", "libcryptsetup12",
          "libcurl4t64", "libdevmapper1.02.1", "libedit2", "libjson-c5", "libmount1", "libseccomp2",
          "libsquashfs1", "libssl3t64", "libubootenv0.1", "zlib1g")


def of_json():
    return [program for program in PROGRAMS
            if os.path.basename(program).split("_", 2)[2] in OF_JSON]


def version(folder, package):
    with open(os.path.join(folder, "PACKAGES"), encoding="ascii") as file:
        return dict(line.split() for line in file)[package]


def find(folder, name):
    """The path of a library, or of the program that loads libraries."""
    for place, _, names in os.walk(folder):
        if place.endswith("-linux-gnu"):
            for found in names:
                if found.startswith(name):
                    return os.path.join(place, found)
    raise AssertionError(f"{folder} has no {name}")


class Libraries(unittest.TestCase):
    def unpack(self, release, *packages):
        try:
            return debian.unpack(release, ARCHITECTURE, *packages)
        except debian.Unavailable as why:
            self.fail(f"packages of {release}: {why}")

    def run_one(self, program, begin, environment, library):
        """What is wrong; None if it is right."""
        environment = {**os.environ, **environment}
        listed = subprocess.run([*begin, program], stdout=subprocess.PIPE, text=True, check=False,
                                env={**environment, "LD_TRACE_LOADED_OBJECTS": "1"})
        if library not in listed.stdout:
            return f"{program} does not load {library}\n{listed.stdout}"
        environment.pop("WMOPKG_LONG", None)
        done = subprocess.run([*begin, program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False, env=environment)
        return f"{program}: status {done.returncode}\n{done.stdout[-3000:]}" if done.returncode else None

    def check(self, programs, begin, environment, library):
        self.assertGreater(len(programs), 0)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            wrong = [said for said in pool.map(
                lambda program: self.run_one(program, begin, environment, library), programs) if said]
        self.assertEqual(wrong, [], "\n".join(wrong))

    def load(self, programs, folder):
        """With the C library of the release, too."""
        libraries = os.path.dirname(find(folder, "libjson-c.so.5"))
        begin = [find(folder, "ld-linux"), "--library-path", libraries]
        self.check(programs, begin, {}, libraries)
        return begin

    def check_images(self, begin):
        self.assertEqual(images.differ([IMAGE_WRITE], [*begin, IMAGE_WRITE]), [])

    @ONLY_LONG
    def test_debian_11(self):
        """json-c 0.15. Its C library is older than that of this host."""
        folder = self.unpack("bullseye", "libjson-c5")
        self.assertEqual(version(folder, "libjson-c5")[:5], "0.15-")
        library = find(folder, "libjson-c.so.5")
        self.check(of_json(), [], {"LD_LIBRARY_PATH": os.path.dirname(library)}, library)

    def test_debian_13(self):
        """json-c 0.18, curl 8.14, OpenSSL 3.5, libsquashfs 1.3, libcryptsetup 2.7"""
        folder = self.unpack("trixie", *LINKED)
        self.assertEqual(version(folder, "libjson-c5")[:5], "0.18+")
        self.check_images(self.load(PROGRAMS, folder))

    @ONLY_LONG
    def test_debian_14(self):
        """json-c 0.19"""
        self.load(of_json(), self.unpack("forky", "libjson-c5"))


if __name__ == "__main__":
    IMAGE_WRITE, *PROGRAMS = [os.path.abspath(program) for program in sys.argv[1:]]
    unittest.main(argv=sys.argv[:1])
