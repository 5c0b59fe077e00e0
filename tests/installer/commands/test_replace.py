#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What installing a name that is there already does: which versions, which store, which
identity; to the letter."""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402
import typist  # noqa: E402

OLDER, NEWER = "1.9", "1.10"


class Replace(states.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for version in (OLDER, NEWER):
            cls.named("pkgname", "--version", version, folder=version)
        cls.named("other", "--version", "7", folder="other", file="pkgname")

    @classmethod
    def named(cls, name, *options, folder, file=None):
        """A package of a small tree, in a folder of its own: files of one name can differ."""
        os.makedirs(f"{cls.shared}/{folder}", exist_ok=True)
        os.makedirs(f"{cls.shared}/small", exist_ok=True)
        bench.write(f"{cls.shared}/small/file", name.encode())
        return bench.make_package(f"{cls.shared}/{folder}/{file or name}.wmopkg",
                                  f"{cls.shared}/small", "--name", name, *options, keys=cls.keys)

    def check_install(self, folder, told, *words, name="pkgname"):
        said = f"{told}\n" if told else ""
        self.succeed(f"{name}.wmopkg:\n{bench.BAR}    PKG: Signed\n{said}{bench.INSTALLED}",
                     "install", *words, f"{self.shared}/{folder}/{name}.wmopkg")

    def installed(self):
        return [path for path in bench.listing("data", "persist") if path.endswith(".wmopkg")]

    def test_versions(self):
        self.check_install(OLDER, "")
        self.check_install(NEWER, "Replaces version 1.9 with 1.10.")
        self.check_install(NEWER, "Replaces version 1.10 with the same version.")
        self.check_install(OLDER, "Replaces version 1.10 with 1.9, which is older.")
        self.assertEqual(self.installed(), ["data/packages/pkgname.wmopkg"])

    def test_stores(self):
        """Only a removal ends what `persistent` began."""
        self.check_install(OLDER, "")
        self.check_install(NEWER, "Replaces version 1.9 with 1.10. It is persistent from now on.",
                           "persistent")
        self.assertEqual(self.installed(), ["persist/packages/pkgname.wmopkg"])
        self.check_install(OLDER, "Replaces version 1.10 with 1.9, which is older.", "persistent")
        self.check_install(NEWER, "Replaces version 1.9 with 1.10. It stays persistent (to make it "
                           "ordinary, remove it first).")
        self.assertEqual(self.installed(), ["persist/packages/pkgname.wmopkg"])
        self.wmopkg("remove", "pkgname", "--yes")
        self.check_install(NEWER, "")
        self.assertEqual(self.installed(), ["data/packages/pkgname.wmopkg"])

    def test_must_not_stay_persistent(self):
        self.check_install(OLDER, "", "persistent")
        self.named("pkgname", "--version", "2", "--persistent", "forbidden", folder="forbidden")
        path = f"{self.shared}/forbidden/pkgname.wmopkg"
        self.refuse(1, f"{path}: the package must not be persistent, but the one that it replaces "
                    "is (remove that first: wmopkg remove pkgname)", "install", path)
        self.wmopkg("remove", "pkgname", "--yes")
        self.check_install("forbidden", "")

    def test_another_package(self):
        self.check_install("other", "")
        self.check_install(OLDER, "Replaces other version 7 with pkgname version 1.9.")

    def test_another_package_is_asked_about(self):
        """At a terminal: two packages whose files have one name."""
        self.check_install("other", "")
        question = ("pkgname is the package other version 7. Replace it with the package pkgname\n"
                    "version 1.9 (y/N)?")
        for answer, status in (("n", 1), ("y", 0)):
            console = typist.Typist("install", f"{self.shared}/{OLDER}/pkgname.wmopkg")
            self.addCleanup(console.process.kill)
            console.expect(question)
            console.type(f"{answer}\n")
            self.assertEqual(console.end(), status)
            self.assertEqual("nothing was installed (to keep both, give the file another name)" in
                             console.flat(), status == 1)
            self.assertIn("other" if status else "pkgname",
                          self.wmopkg("show", "pkgname").stdout.splitlines()[1])
        # an update is not asked about
        console = typist.Typist("install", f"{self.shared}/{NEWER}/pkgname.wmopkg")
        self.assertEqual(console.end(), 0)

    def test_what_cannot_be_read(self):
        os.mkdir("data/packages")
        bench.write("data/packages/pkgname.wmopkg", b"WMOPKG01" + bytes(100))
        self.check_install(OLDER, "Replaces a package that cannot be read with version 1.9.")

    def test_left_of_a_move(self):
        """What a cut left in the ordinary store is seen by nobody."""
        self.check_install(NEWER, "", "persistent")
        os.mkdir("data/packages")
        shutil.copy(f"{self.shared}/{OLDER}/pkgname.wmopkg", "data/packages")
        result = self.wmopkg("show")
        self.assertIn("│pkgname  1.10     True        ", result.stdout)
        self.assertNotIn("1.9", result.stdout)
        self.succeed("Remove package pkgname (y/N)?\nRemoved... Changes are applied after reboot.\n",
                     "remove", "pkgname", answer="y\n")
        self.assertEqual(self.installed(), [])

    def test_under_another_name(self):
        """other-name: the identity is what counts, whatever the files are called."""
        self.named("webserver", "--version", "2", folder="web")
        for store in ("data", "persist"):
            os.makedirs(f"{store}/packages", exist_ok=True)
            place = f"{store}/packages/web-old.wmopkg"
            shutil.copy(f"{self.shared}/web/webserver.wmopkg", place)
            self.refuse(1, f"{self.shared}/web/webserver.wmopkg: webserver is installed already, as "
                        "'web-old' (remove it first: wmopkg remove web-old; or install this file as "
                        "web-old.wmopkg)", "install", f"{self.shared}/web/webserver.wmopkg")
            os.unlink(place)
        shutil.copy(f"{self.shared}/web/webserver.wmopkg", "data/packages/web-old.wmopkg")
        shutil.copy(f"{self.shared}/web/webserver.wmopkg", "web-old.wmopkg")
        self.succeed(f"web-old.wmopkg:\n{bench.BAR}    PKG: Signed\nReplaces version 2 with the same "
                     f"version.\n{bench.INSTALLED}", "install", "./web-old.wmopkg")

    def test_unreadable_ones_do_not_hinder(self):
        os.makedirs("data/packages")
        whole = bench.read(f"{self.shared}/{OLDER}/pkgname.wmopkg")
        for name, content in (("empty", b""), ("short", whole[:100]), ("noise", bytes(9000)),
                              ("huge", b"WMOPKG01" + b"\xff" * 8)):
            bench.write(f"data/packages/{name}.wmopkg", content)
        os.mkdir("data/packages/folder.wmopkg")
        os.symlink("/etc/passwd", "data/packages/link.wmopkg")
        os.mkfifo("data/packages/pipe.wmopkg")
        self.check_install(OLDER, "")

    def test_room_that_the_reboot_frees(self):
        """What was removed is active, and keeps its room, until then."""
        small = f"{self.shared}/{OLDER}/pkgname.wmopkg"
        for size, removed, told in (
                (5, self.package, "reboot first"),
                (1, small, "reboot first; then remove a package or free some space")):
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", "data"],
                           check=True)
            self.addCleanup(subprocess.run, ["umount", f"{self.folder}/data"], check=True)
            self.install(removed)
            self.booted(self.entry("pkgname"))
            needed, kept = os.path.getsize(self.package), os.path.getsize(removed)
            with open("data/packages/pkgname.wmopkg", "rb"):  # as the loop device does
                self.assertEqual(self.wmopkg("remove", "pkgname", "--yes").returncode, 0)
                room = os.statvfs("data")
                free = room.f_bavail * room.f_frsize
                self.refuse(6, f"{self.package}: it needs {bench.size(needed)} and there is room for "
                            f"{bench.size(free)} on {self.folder}/data/packages (tmpfs): "
                            f"{bench.size(needed - free)} more have to be freed; removed packages keep "
                            f"{bench.size(kept)} until the reboot ({told})",
                            "install", self.package)
            os.unlink("run/state.json")

    def test_state_after_a_move(self):
        """What runs is not called removed when it only went to the other store."""
        self.check_install(OLDER, "")
        self.booted(self.entry("pkgname", version="1.9"))
        self.assertNotIn("reboot", self.wmopkg("show").stdout)
        self.check_install(NEWER, "Replaces version 1.9 with 1.10. It is persistent from now on.",
                           "persistent")
        self.assertEqual(self.wmopkg("show").stdout.splitlines()[-1],
                         "pkgname: moved, active after reboot, until then version 1.9")
        self.succeed("Remove package pkgname (y/N)?\nRemoved... Changes are applied after reboot.\n",
                     "remove", "pkgname", answer="y\n")
        self.assertEqual(self.wmopkg("show").stdout.splitlines()[-1],
                         "pkgname: removed, active until reboot")


if __name__ == "__main__":
    unittest.main()
