# SPDX-License-Identifier: MIT
"""The time of the source that is built: of a checkout, an archive, the environment, an option.

It is never 0, and never that of a repository that the source only lies in.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
EARLIEST = 1764547200
COMMITTED, OTHER = EARLIEST + 1000, EARLIEST + 2000
UNKNOWN = "the time of the source is not known: "
NOWHERE = (UNKNOWN + "this is neither a release archive nor a git checkout of its own {}(set "
           "SOURCE_DATE_EPOCH, or use meson setup -Dfirmware_built=SECONDS, to when the source was "
           "made, in seconds since 1970)\n")
CLEAN = {name: value for name, value in os.environ.items()
         if name != "SOURCE_DATE_EPOCH" and not name.startswith("GIT_")}


def git(folder, *words, date=COMMITTED):
    subprocess.run(["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
                   check=True, stdout=subprocess.DEVNULL,
                   env={**CLEAN, "GIT_COMMITTER_DATE": f"@{date} +0000"})


def repository(folder, date):
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", "all", date=date)


class TimeEpoch(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="time epoch ")
        self.addCleanup(holder.cleanup)
        self.work = os.path.realpath(holder.name)
        self.source = self.folder("source")
        for name in (".gitattributes", "meson.build", "meson_options.txt"):
            shutil.copy(os.path.join(SOURCE, name), self.source)
        for name in ("overlay", "verity"):
            shutil.copytree(os.path.join(SOURCE, name), os.path.join(self.source, name))
        # as in a checkout, also where these tests are run in an archive
        script = os.path.join(self.source, "overlay/time-epoch")
        with open(script, encoding="utf-8") as file:
            text = re.sub(r"(?m)^archived='.*'$", "archived='$Format:%ct$'", file.read())
        with open(script, "w", encoding="utf-8") as file:
            file.write(text)

    def folder(self, *names):
        path = os.path.join(self.work, *names)
        os.makedirs(path)
        return path

    def ask(self, source, option=0, **environment):
        return subprocess.run([os.path.join(source, "overlay/time-epoch"), source, str(option), str(EARLIEST)],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              cwd="/", env={**CLEAN, **environment})

    def found(self, time, source, option=0, **environment):
        asked = self.ask(source, option, **environment)
        self.assertEqual((asked.returncode, asked.stdout, asked.stderr), (0, f"{time}\n", ""))

    def refused(self, why, source, option=0, **environment):
        asked = self.ask(source, option, **environment)
        self.assertEqual((asked.returncode, asked.stdout, asked.stderr), (1, "", why))

    def test_checkout(self):
        repository(self.source, COMMITTED)
        self.found(COMMITTED, self.source)
        # in a hook of another repository
        other = self.folder("other")
        repository(other, OTHER)
        self.found(COMMITTED, self.source, GIT_DIR=f"{other}/.git", GIT_WORK_TREE=other)
        link = os.path.join(self.work, "link")
        os.symlink(self.source, link)
        self.found(COMMITTED, link)

    def test_checkout_of_another_user(self):
        """As root builds what a user has checked out: git itself refuses to read it."""
        repository(self.source, COMMITTED)
        self.found(COMMITTED, self.source, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")

    def test_archive(self):
        repository(self.source, COMMITTED)
        unpacked = self.folder("unpacked")
        subprocess.run(f"git -C '{self.source}' archive HEAD | tar x -C '{unpacked}'", shell=True, check=True)
        self.found(COMMITTED, unpacked)
        # without git, as well
        self.found(COMMITTED, unpacked, PATH=self.folder("empty"))
        # as a part of something else
        repository(self.work, OTHER)
        self.found(COMMITTED, unpacked)

    def test_foreign_repository(self):
        repository(self.work, OTHER)
        self.refused(NOWHERE.format(""), self.source)

    def test_given(self):
        self.refused(NOWHERE.format(""), self.source)
        self.refused(NOWHERE.format(""), self.source, SOURCE_DATE_EPOCH="")
        self.found(OTHER, self.source, SOURCE_DATE_EPOCH=str(OTHER))
        # the file of a distribution for all that it builds, older than this source
        for given in (0, 1, 315532800, EARLIEST - 1, 253402300800):
            self.refused(NOWHERE.format(f"and SOURCE_DATE_EPOCH={given} is not from {EARLIEST} to 253402300799 "),
                         self.source, SOURCE_DATE_EPOCH=str(given))
        for given in ("now", "-1", "1e9", "0x7fffffff", "9" * 30):
            self.refused(f"{UNKNOWN}SOURCE_DATE_EPOCH={given} is not a number (set it to seconds since 1970)\n",
                         self.source, SOURCE_DATE_EPOCH=given)
        repository(self.source, COMMITTED)
        self.found(COMMITTED, self.source, SOURCE_DATE_EPOCH="1")
        self.found(OTHER, self.source, SOURCE_DATE_EPOCH=str(OTHER))

    def test_option(self):
        self.found(EARLIEST + 5, self.source, EARLIEST + 5, SOURCE_DATE_EPOCH=str(OTHER))
        self.found(4294967296, self.source, 4294967296)
        for option in (1, 1796009060000):
            self.refused(f"{UNKNOWN}firmware_built={option} is not from {EARLIEST} to 253402300799\n",
                         self.source, option)

    def test_meson(self):
        """A build is not configured without it."""
        said = subprocess.run(["meson", "setup", os.path.join(self.work, "build"), self.source,
                               "-Dfirmware_built=1"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=CLEAN)
        self.assertNotEqual(said.returncode, 0)
        self.assertIn(f"ERROR: Problem encountered: {UNKNOWN}firmware_built=1 is not from {EARLIEST} to "
                      "253402300799\n", said.stdout)


if __name__ == "__main__":
    unittest.main()
