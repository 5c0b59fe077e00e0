# SPDX-License-Identifier: MIT
"""The whole build on Debian 13, with gcc 14 and with clang 19, and its units.

	test_debian13.py SOURCE BUILD

A root of Debian 13 is unpacked once, and entered in a mount namespace of its own: as root, or
where the kernel lets users have such a namespace. clang builds as a packager may: optimised,
without assert, without PIE.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debian  # pylint: disable=wrong-import-position
from cross import LIBRARIES  # pylint: disable=wrong-import-position

SOURCE, BUILD = "", ""
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
SYSTEM = ("base-files", "base-passwd", "bash", "bsdutils", "btrfs-progs",
          "busybox-static", "coreutils", "cryptsetup-bin",
          "dash", "diffutils", "dosfstools", "e2fsprogs", "exfatprogs", "f2fs-tools", "findutils",
          "git", "grep", "gzip",
          "hostname", "mount", "openssl", "procps", "python3", "python3-jsonschema", "sed",
          "squashfs-tools", "tar", "util-linux", "xz-utils", "zstd")
COMPILERS = ("clang", "gcc", "lld", "meson", "ninja-build", "pkgconf")
# Texts, which are the same everywhere; compilers and releases that are not in there.
ELSEWHERE = ("docs", "manual", "packaging-recipes", "readme", "releases-libraries", "security-claims", "verity-lanes-arm")
BUILDS = {"gcc": [], "clang": ["--buildtype=release", "-Db_ndebug=true", "-Db_pie=false"]}
# $1: the root, $2: the source, $3: the folder of the builds; the rest is run in there
ENTER = """\
set -eu
root=$1
mount --rbind "$root" "$root"
mount --bind "$2" "$root/src"
mount -o remount,bind,ro "$root/src"
mount --bind "$3" "$root/build"
mount -t tmpfs -o mode=1777 none "$root/tmp"  # as on Debian 13
for folder in dev proc sys; do mount --rbind /$folder "$root/$folder"; done
shift 3
cd "$root"
pivot_root . .
umount -l .
exec "$@"
"""


class Debian13(unittest.TestCase):
    def setUp(self):
        try:
            self.root = debian.unpack("trixie", ARCHITECTURE, *LIBRARIES, *SYSTEM, *COMPILERS)
        except debian.Unavailable as why:
            self.fail(f"packages of trixie: {why}")
        for folder in ("build", "dev", "proc", "src", "sys", "tmp"):
            os.makedirs(os.path.join(self.root, folder), exist_ok=True)
        # what the scripts of the packages would do
        for name in ("passwd", "group"):
            shutil.copy(os.path.join(self.root, "usr/share/base-passwd", name + ".master"),
                        os.path.join(self.root, "etc", name))
        self.folder = os.path.join(BUILD, "debian13")
        os.makedirs(self.folder, exist_ok=True)

    def run_in(self, *command, **environment):
        """(exit status, output)"""
        users = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        environment = {"PATH": "/usr/sbin:/usr/bin", "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1",
                       "SOURCE_DATE_EPOCH": str(int(time.time())), **environment}
        done = subprocess.run(["unshare", "--mount", *users, "/bin/sh", "-c", ENTER, "enter", self.root, SOURCE,
                               self.folder, *command],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False, env=environment)
        return done.returncode, done.stdout

    def succeed(self, *command, **environment):
        status, output = self.run_in(*command, **environment)
        self.assertEqual(status, 0, f"{' '.join(command)}\n{output[-4000:]}")
        return output

    def test_builds(self):
        for compiler, options in BUILDS.items():
            with self.subTest(compiler):
                if not os.path.exists(os.path.join(self.folder, compiler, "build.ninja")):
                    self.succeed("meson", "setup", "-Dwerror=true", *options, f"/build/{compiler}", "/src", CC=compiler)
                self.succeed("ninja", "-C", f"/build/{compiler}")
                self.check_units(f"/build/{compiler}")

    def check_units(self, build):
        units = [test["name"] for test in json.loads(self.succeed("meson", "introspect", "--tests", build))
                 if test["suite"] == ["wmopkg:unit"] and test["name"] not in ELSEWHERE]
        self.assertGreater(len(units), 90)
        status, output = self.run_in("meson", "test", "-C", build, "--no-rebuild", "-t", "3",
                                     "--print-errorlogs", *units)
        self.assertEqual(status, 0, output[-6000:])


if __name__ == "__main__":
    SOURCE, BUILD = sys.argv[1:3]
    unittest.main(argv=sys.argv[:1])
