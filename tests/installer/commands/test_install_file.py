#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install from files: what is taken, and what is said to wrong input, to the letter."""

import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import typist  # noqa: E402


class Good(bench.Case):
    def test_file(self):
        self.succeed(bench.LOCAL, "install", self.package)
        self.assertEqual(bench.listing("data", "persist"),
                         ["data/packages", "data/packages/pkgname.wmopkg"])
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(self.package))

    def test_persistent(self):
        self.succeed(bench.LOCAL, "install", "persistent", self.package)
        self.assertEqual(bench.listing("data", "persist"),
                         ["persist/packages", "persist/packages/pkgname.wmopkg"])

    def test_link_and_relative_path(self):
        os.symlink(self.package, "brand.wmopkg")
        self.install("./brand.wmopkg")
        self.assertEqual(os.listdir("data/packages"), ["brand.wmopkg"])
        self.assertFalse(os.path.islink("data/packages/brand.wmopkg"))

    def test_replaced(self):
        self.install(self.package)
        newer = self.make("newer", "--name", "pkgname", keys=self.keys)
        os.mkdir("stick")
        shutil.copy(newer, "stick/pkgname.wmopkg")
        self.install("stick/pkgname.wmopkg")
        self.assertEqual(bench.listing("data/packages"), ["data/packages/pkgname.wmopkg"])
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(newer))

    def test_moved(self):
        self.install(self.package)
        self.install(self.package, "persistent")
        self.assertEqual(bench.listing("data", "persist"),
                         ["data/packages", "persist/packages", "persist/packages/pkgname.wmopkg"])
        self.install(self.package)
        self.assertEqual(bench.listing("data", "persist"),
                         ["data/packages", "persist/packages", "persist/packages/pkgname.wmopkg"])

    def test_itself(self):
        self.install(self.package)
        self.install("data/packages/pkgname.wmopkg")
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(self.package))

    def test_leftover_of_a_cut_is_cleared(self):
        os.mkdir("data/packages")
        bench.write("data/packages/.other.wmopkg.new", b"half")
        self.install(self.package)
        self.assertEqual(os.listdir("data/packages"), ["pkgname.wmopkg"])

    def test_allowed_untrusted(self):
        self.boot("quiet wmopkg.allow_untrusted=1")
        package = self.make("unsigned")
        self.check(0, f"unsigned.wmopkg:\n{bench.BAR}    PKG: Unsigned\n{bench.INSTALLED}",
                   f"{bench.ALLOWED}\nwarning: unsigned: Unsigned: it has no signature; it is active "
                   "only where the boot configuration says Allow Untrusted", "install", package)

    def test_on_a_terminal(self):
        master, slave = pty.openpty()
        with subprocess.Popen([bench.WMOPKG, "--config", "wmopkg.conf", "install", self.package],
                              stdin=slave, stdout=slave, stderr=slave) as process:
            os.close(slave)
            output = b""
            try:
                while part := os.read(master, 4096):
                    output += part
            except OSError:  # the last one has hung up
                pass
        os.close(master)
        self.assertEqual(output.decode().replace("\r\n", "\n"), bench.LOCAL)
        self.assertEqual(process.returncode, 0)

    def test_interrupted_at_the_last_moment(self):
        """What a package changes may take long to find out; it is not installed before."""
        with tarfile.open("deep.tar", "w") as tar:
            names = ["a/" * depth for depth in range(1, 1500)]
            files = [f"{names[-1]}{number:05}" for number in range(6000)]
            for name in names + files:
                item = tarfile.TarInfo(name)
                item.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
                tar.addfile(item)
        package = bench.make_package("deep.wmopkg", "deep.tar", keys=self.keys)
        console = typist.Typist("install", package)
        console.expect("PKG: Signed\n")
        console.process.send_signal(signal.SIGINT)
        self.assertEqual(console.end(), 1)
        self.assertTrue(console.screen.endswith(
            "PKG: Signed\nwmopkg: deep.wmopkg: interrupted, nothing was installed (run the "
            "command again)\n"), console.screen)
        self.assertEqual(os.listdir("data/packages"), [])

    def test_reader_goes_away(self):
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.run(
            [bench.WMOPKG, "--config", "wmopkg.conf", "install", self.package], stdout=writer,
            stderr=subprocess.PIPE, check=False)
        os.close(writer)
        self.assertEqual((process.returncode, process.stderr), (0, b""))
        self.assertEqual(os.listdir("data/packages"), ["pkgname.wmopkg"])


class Bad(bench.Case):
    def test_not_a_package(self):
        bench.write("x.wmopkg", b"PK\x03\x04" + bytes(5000))
        self.refuse(3, "./x.wmopkg: Invalid: not a package: it does not begin with WMOPKG01 (check "
                    "that this is a wmopkg package file)", "install", "./x.wmopkg")

    def test_empty(self):
        bench.write("x.wmopkg", b"")
        self.refuse(3, f"./x.wmopkg: Invalid: the file is empty ({bench.INCOMPLETE})",
                    "install", "./x.wmopkg")

    def test_cut_within_its_head(self):
        bench.write("x.wmopkg", bench.read(self.package)[:100])
        self.refuse(3, "./x.wmopkg: Invalid: the file ends inside its header, at byte 100 "
                    f"({bench.INCOMPLETE})", "install", "./x.wmopkg")

    def test_short_and_long(self):
        whole = bench.read(self.package)
        for content in (whole[:-1], whole[:8192], whole + b"x"):
            bench.write("x.wmopkg", content)
            self.refuse(3, f"./x.wmopkg: Invalid: the file has {len(content)} bytes, but its "
                        f"manifest says {len(whole)} ({bench.INCOMPLETE})",
                        "install", "./x.wmopkg")

    def test_bad_block(self):
        """Which of how many, in hash tree or image, and where in the file."""
        facts = json.loads(self.wmopkg("verify", self.package, "json").stdout)
        whole = bench.read(self.package)
        blocks = -(-facts["image"]["bytes"] // 4096)
        leaves = -(-blocks // 128)
        image = len(whole) - 4096 * blocks
        tree = image - 4096 * (leaves + 1)
        for place, what in (
                (tree + 9, f"hash tree: block 0 of 1 of level 1, at byte {tree} of"),
                (image - 5, f"hash tree: block {leaves - 1} of {leaves} of level 0, at byte "
                 f"{image - 4096} of"),
                (image, f"image: block 0 of {blocks}, at byte {image} of"),
                (image + 5 * 4096 + 7, f"image: block 5 of {blocks}, at byte {image + 5 * 4096} of"),
                (len(whole) - 1, f"image: block {blocks - 1} of {blocks}, at byte "
                 f"{len(whole) - 4096} of")):
            bad = bytearray(whole)
            bad[place] ^= 1
            bench.write("x.wmopkg", bad)
            self.refuse(3, f"./x.wmopkg: Invalid: {what} the file, does not match ({bench.AGAIN})",
                        "install", "./x.wmopkg", output=f"x.wmopkg:\n{bench.SCALE}")
        self.assertEqual(os.listdir("data/packages"), [])

    def test_extension(self):
        shutil.copy(self.package, "x.zip")
        self.refuse(2, f"./x.zip: the file's name does not end in .wmopkg ({bench.RENAME})",
                    "install", "./x.zip")
        self.refuse(2, f"/dev/null: the file's name does not end in .wmopkg ({bench.RENAME})",
                    "install", "/dev/null")

    def test_name(self):
        for name in ("a b", "ü", "-x", ".x", "", "a'b"):
            shutil.copy(self.package, f"{name}.wmopkg")
            self.refuse(2, f"./{name}.wmopkg: '{name}' is not a valid package name "
                        f"({bench.RENAME})", "install", f"./{name}.wmopkg")
        self.refuse(2, f"./{'x' * 65}.wmopkg: the package's name is longer than 64 characters "
                    f"({bench.RENAME})", "install", f"./{'x' * 65}.wmopkg")
        shutil.copy(self.package, "all.wmopkg")
        self.refuse(2, "./all.wmopkg: 'all' is a word of the commands, not a name a package may "
                    "have (choose another name)", "install", "./all.wmopkg")

    def test_name_does_not_steer_the_terminal(self):
        shutil.copy(self.package, "\x1b[2J.wmopkg")
        self.refuse(2, "./?[2J.wmopkg: '?[2J' is not a valid package name "
                    f"({bench.RENAME})", "install", "./\x1b[2J.wmopkg")

    def test_no_such_file(self):
        self.refuse(4, "./x.wmopkg: cannot be opened: No such file or directory (check the name)",
                    "install", "./x.wmopkg")

    def test_folder(self):
        os.mkdir("x.wmopkg")
        self.refuse(1, "./x.wmopkg: a folder, not a file (give the name of a regular file)",
                    "install", "./x.wmopkg")

    def test_folder_of_another_name(self):
        """What is wrong with it is not its name."""
        os.mkdir("stick")
        for path in ("./stick", "./stick/", "/etc"):
            self.refuse(1, f"{path}: a folder, not a file (give the name of a regular file)", "install",
                        path)

    def test_device_and_pipe(self):
        os.symlink("/dev/null", "null.wmopkg")
        os.mkfifo("pipe.wmopkg")
        for name in ("null", "pipe"):
            self.refuse(1, f"./{name}.wmopkg: a device or pipe, not a file (give the name of a regular file)",
                        "install", f"./{name}.wmopkg")

    def test_unreadable(self):
        shutil.copy(self.package, "x.wmopkg")
        os.chmod("x.wmopkg", 0o600)
        self.refuse(1, "./x.wmopkg: cannot be opened: Permission denied (run it as root, or change the permissions)", "install", "./x.wmopkg",
                    user=65534)

    def test_store_of_another_user(self):
        self.refuse(1, f"{self.package}: folder 'packages': Permission denied (run it as root, or change the permissions)", "install",
                    self.package, user=65534)

    def test_manifest_over_its_limit(self):
        bench.write("x.wmopkg", b"WMOPKG01" + struct.pack("<II", 65537, 0) + bytes(70000))
        self.refuse(3, "./x.wmopkg: Invalid: the manifest's size of 65537 bytes is outside 2 to "
                    "65536 (get the package again from its vendor)", "install", "./x.wmopkg")
        bench.write("x.wmopkg", b"WMOPKG01" + struct.pack("<II", 2, 65537) + bytes(70000))
        self.refuse(3, "./x.wmopkg: Invalid: the signature's size of 65537 bytes is over the limit "
                    "of 65536 (get the package again from its vendor)", "install", "./x.wmopkg")

    def test_unsigned(self):
        package = self.make("unsigned")
        self.refuse(3, f"{package}: Unsigned: {bench.UNSIGNED}", "install", package)

    def test_stranger(self):
        subprocess.run([bench.BUILD, "keys", "strangers"], check=True, stdout=subprocess.DEVNULL)
        package = self.make("foreign", keys="strangers")
        result = self.wmopkg("install", package)
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertRegex(result.stderr, rf"\Awmopkg: {package}: Untrusted: .*\(install a package "
                         r"signed for this device, or set Allow Untrusted in the boot configuration\)\n\Z")
        self.assertEqual(os.listdir("data/packages"), [])

    def test_read_only(self):
        os.mkdir("data/packages")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "data/packages"], check=True)
        self.addCleanup(subprocess.run, ["umount", f"{self.folder}/data/packages"], check=True)
        result = self.wmopkg("install", self.package)
        self.assertEqual(result.returncode, 1)
        self.assertIn("Read-only file system (remount it read-write, or check 'data' and 'persist' in the configuration)",
                      result.stderr)

    def test_no_room(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "data"], check=True)
        self.addCleanup(subprocess.run, ["umount", f"{self.folder}/data"], check=True)
        os.mkdir("data/packages")
        room = os.statvfs("data")
        needed, free = os.path.getsize(self.package), room.f_bavail * room.f_frsize
        self.refuse(6, f"{self.package}: it needs {bench.size(needed)} and there is room for "
                    f"{bench.size(free)} on {self.folder}/data/packages (tmpfs): "
                    f"{bench.size(needed - free)} more have to be freed "
                    "(remove a package or free some space)", "install", self.package)

    def test_persistence_of_the_manifest(self):
        required = self.make("required", "--persistent", "required", keys=self.keys)
        self.refuse(1, f"{required}: the package asks to be persistent (install it with: wmopkg "
                    "install persistent ...)", "install", required)
        self.install(required, "persistent")
        forbidden = self.make("forbidden", "--persistent", "forbidden", keys=self.keys)
        self.refuse(1, f"{forbidden}: the package must not be persistent (install it without the "
                    "word 'persistent')", "install", "persistent", forbidden)
        self.install(forbidden)

    def test_busy(self):
        os.makedirs("run/lock")
        lock = os.open("run/lock/packages", os.O_RDWR | os.O_CREAT, 0o600)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open("/proc/self/comm", encoding="utf-8") as file:
            us = f"{file.read().strip()}, process {os.getpid()}"
        for words in ((), ("persistent",)):
            self.refuse(1, f"{self.package}: another installation is under way: {us} (wait for the "
                        "other process to end, then try again)", "install", *words, self.package)

    def test_refused_keeps_the_older_one(self):
        self.install(self.package)
        os.mkdir("stick")
        content = bytearray(bench.read(self.package))
        content[-1] ^= 1
        bench.write("stick/pkgname.wmopkg", content)
        self.assertEqual(self.wmopkg("install", "stick/pkgname.wmopkg").returncode, 3)
        self.assertEqual(os.listdir("data/packages"), ["pkgname.wmopkg"])
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(self.package))


class Login(bench.Case):
    def test_for_nothing(self):
        """Who gives a user for a local file is told that nobody asks for one."""
        for words in (("user", "bob"), ("user", "bob", "password", "x")):
            result = self.wmopkg("install", *words, self.package)
            self.assertEqual((result.returncode, result.stderr), (
                0, f"wmopkg: warning: {self.package}: user and password are not used for a file on "
                   "this device\n"))


class Limit(bench.Case):
    def test_files(self):
        """ulimit -f in a shell before: not a byte is left behind."""
        result = subprocess.run(["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", bench.WMOPKG,
                                 "--config", "wmopkg.conf", "install", self.package],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 6, result)
        self.assertIn("File too large (raise the limit on the size of files, ulimit -f, or that of the "
                      "file system)\n", result.stderr)
        self.assertEqual(bench.listing("data", "persist"), ["data/packages"])
        result = subprocess.run(["sh", "-c", 'ulimit -f 100; exec "$@"', "sh", bench.BUILD, "create",
                                 "--version", "1", "--description", "x", f"{self.shared}/tree",
                                 "new.wmopkg"], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 6, result)
        self.assertEqual([name for name in os.listdir(".") if "new" in name], [])


if __name__ == "__main__":
    unittest.main()
