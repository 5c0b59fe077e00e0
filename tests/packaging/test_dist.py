# SPDX-License-Identifier: MIT
"""The archive of a release has what the repository has, and is built and tested where there is no
git.

	test_dist.py SOURCE BUILD
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

SOURCE, BUILD = "", ""
NO_GIT = "#!/bin/sh\necho 'git: not here' >&2\nexit 127\n"
# What ./check quick runs without a boot, but for a test of git itself and one of other releases.
SUITES = ("style", "unit")
ELSEWHERE = ("overlay-time-epoch", "releases-libraries")


class Dist(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.run_one("meson", "dist", "-C", BUILD, "--no-tests", "--allow-dirty")
        with open(f"{SOURCE}/meson.build", encoding="utf-8") as file:
            cls.name = "wmopkg-" + re.search(r"version: '(.*?)'", file.read()).group(1)
        cls.archive = f"{BUILD}/meson-dist/{cls.name}.tar.xz"

    @staticmethod
    def run_one(*command, **environment):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False, env={**os.environ, **environment})
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout[-6000:]}")
        return done.stdout

    def test_1_content(self):
        committed = self.run_one("git", "-C", SOURCE, "ls-tree", "-r", "--name-only", "HEAD").splitlines()
        with tarfile.open(self.archive) as archive:
            members = [member for member in archive.getmembers() if not member.isdir()]
        self.assertEqual(sorted(member.name for member in members),
                         sorted(f"{self.name}/{path}" for path in committed))
        for member in members:
            self.assertTrue(member.isfile() or member.issym(), member.name)

    def test_2_builds_and_passes(self):
        with tempfile.TemporaryDirectory() as scratch:
            os.mkdir(f"{scratch}/bin")
            with open(f"{scratch}/bin/git", "w", encoding="ascii") as file:
                file.write(NO_GIT)
            os.chmod(f"{scratch}/bin/git", 0o755)
            path = {"PATH": f"{scratch}/bin:{os.environ['PATH']}"}
            shutil.unpack_archive(self.archive, scratch)
            build = f"{scratch}/{self.name}/build"
            self.run_one("meson", "setup", "-Dwerror=true", "-Dtests=enabled", build, f"{scratch}/{self.name}", **path)
            self.run_one("ninja", "-C", build, **path)
            listed = self.run_one("meson", "test", "-C", build, "--list",
                                  *(word for suite in SUITES for word in ("--suite", suite)), **path)
            names = [line.split(" / ")[-1].strip() for line in listed.splitlines() if " / " in line]
            names = [name for name in names if name not in ELSEWHERE]
            self.assertGreater(len(names), 100)
            self.run_one("meson", "test", "-C", build, "--no-rebuild", "-t", "3", "--print-errorlogs", *names, **path)


if __name__ == "__main__":
    SOURCE, BUILD = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
