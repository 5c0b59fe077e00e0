#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The process of wmopkg install that talks to a server: who it is, what it has, how it ends."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import wires  # noqa: E402

SERVER = "(check the address, the path and the server)"
MARKER = f"{os.environ['WMOPKG_BUILD']}/tests/installer/libnss_marker.so.2"
VARIABLES = {"OPENSSL_CONF": "/nowhere", "LD_LIBRARY_PATH": "/nowhere", "SSLKEYLOGFILE": "/nowhere", "SECRET": "s3same",
             "no_proxy": "localhost"}


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


def children(pid):
    return [int(child) for child in
            bench.read(f"/proc/{pid}/task/{pid}/children").decode().split()]


class Process(bench.Case):
    def setUp(self):
        super().setUp()
        whole = bench.read(self.package)
        self.wire = wires.Wire(wires.held(wires.answer(whole[:1 << 20], len(whole))))
        self.addCleanup(self.wire.close)
        self.url = f"http://127.0.0.1:{self.wire.port}/pkgname.wmopkg"

    def start(self, *options):
        """An installation that waits for the server, and its process."""
        self.process = subprocess.Popen(
            [bench.WMOPKG, *options, "--config", "wmopkg.conf", "install", self.url],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **VARIABLES})
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.process.stderr.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.wire.sent.wait()
        while "pkgname.wmopkg:" not in self.process.stdout.readline():
            pass
        (self.child,) = children(self.process.pid)
        return self.child

    def status(self, key):
        text = bench.read(f"/proc/{self.child}/status").decode()
        return re.search(rf"(?m)^{key}:[ \t]*(.*)$", text)[1].split()

    def test_rights(self):
        self.start()
        for key in ("Uid", "Gid"):
            self.assertEqual(set(self.status(key)), {"65534"}, key)
        self.assertEqual(self.status("Groups"), [])
        for key in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(self.status(key)[0], 16), 0, key)
        self.assertEqual(self.status("NoNewPrivs"), ["1"])
        self.assertEqual(self.status("Seccomp"), ["2"])
        self.assertEqual(os.listdir(f"/proc/{self.child}/root/"), ["etc"])
        self.assertEqual(bench.read(f"/proc/{self.child}/mounts").count(b"\n"), 1)

    def test_account(self):
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("fetch_user = 64321\n")
        self.start()
        self.assertEqual(set(self.status("Uid") + self.status("Gid")), {"64321"})

    def test_bad_accounts(self):
        for name, why in (("root", "root has the rights of root"), ("0", "0 has the rights of root"),
                          ("4294967295", "4294967295 has the rights of root"),
                          ("no-one-here", "there is no user no-one-here")):
            bench.write("other.conf", bench.read("wmopkg.conf") + f"fetch_user = {name}\n".encode())
            result = subprocess.run([bench.WMOPKG, "--config", "other.conf", "install", self.url],
                                    capture_output=True, text=True, check=False)
            self.assertEqual((result.returncode, result.stderr), (
                1, f"wmopkg: {self.url}: fetch_user: {why} (correct the configuration file)\n"))

    def told(self, setup, *inside, program=bench.WMOPKG):
        """What wmopkg says after shell commands for its own mounts, started by @inside."""
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", setup + '\nexec "$@"', "sh", *inside, program,
             "--config", "wmopkg.conf", "install", "http://127.0.0.1:1/pkgname.wmopkg"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def test_less_of_a_system(self):
        """Without the nodes of /dev, and without /proc, it is the same."""
        # without /proc, the other program is found where both are installed
        for setup, program in (("mount -t tmpfs none /dev", bench.WMOPKG),
                               (f"mount --bind {bench.INSTALLER} /usr/local/bin\n"
                                "umount -l /proc", "/usr/local/bin/wmopkg")):
            result = self.told(setup, program=program)
            self.assertEqual((result.returncode, result.stderr), (
                5, "wmopkg: http://127.0.0.1:1/pkgname.wmopkg: cannot connect: Connection refused "
                f"{SERVER}\n"), setup)

    def test_name_services(self):
        """None that a package may bring is loaded into wmopkg: users are those of a file."""
        bench.write("nsswitch.conf", b"passwd: marker files\ngroup: marker files\nhosts: files\n")
        setup = "mount --bind nsswitch.conf /etc/nsswitch.conf"
        path = {"LD_LIBRARY_PATH": os.path.dirname(MARKER)}

        def run(*words):
            return subprocess.run(["unshare", "--mount", "sh", "-ec", setup + '\nexec "$@"', "sh",
                                   *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  check=False, env={**os.environ, **path})

        for login in ((), ("sh", "-ec", "echo 0 >/proc/self/loginuid || :\nexec \"$@\"", "sh")):
            for url in ("http://127.0.0.1:1", "sftp://127.0.0.1:1"):
                result = run(*login, bench.WMOPKG, "--config", "wmopkg.conf", "install",
                             f"{url}/pkgname.wmopkg")
                self.assertIn("cannot connect", result.stderr)
                self.assertFalse(os.path.exists("loaded"), url)
        result = run(bench.WMOPKG, "--config", "wmopkg.conf", "install", self.package)
        self.assertEqual((result.returncode, os.path.exists("loaded")), (0, False), result)
        # it would have been
        run(sys.executable, "-c", "import pwd; pwd.getpwuid(0)")
        self.assertTrue(os.path.exists("loaded"))

    def test_without_the_right_to_change_the_user(self):
        result = self.told("", "setpriv", "--bounding-set", "-setuid,-setgid", "--inh-caps",
                           "-setuid,-setgid")
        self.assertEqual((result.returncode, result.stderr), (
            1, "wmopkg: http://127.0.0.1:1/pkgname.wmopkg: a process without rights cannot be made: "
            "another user: Operation not permitted (let it keep CAP_SETUID and CAP_SETGID: a "
            "container or a service may take them away)\n"))

    def test_descriptors(self):
        """Two pipes, the socket, and what libcurl waits with; not the store, not the terminal."""
        self.start()
        for number in os.listdir(f"/proc/{self.child}/fd"):
            target = os.readlink(f"/proc/{self.child}/fd/{number}")
            self.assertRegex(target, r"\A(/dev/null|(pipe|socket):\[\d+\]|anon_inode:\[?event.*)\Z")

    def test_libraries(self):
        """Those of libcurl are in the process without rights only."""
        self.start()
        own, child = (set(re.findall(r"/(lib\w+)[^/]*\.so", bench.read(f"/proc/{pid}/maps").decode()))
                      for pid in (self.process.pid, self.child))
        self.assertIn("libcrypto", own)
        self.assertEqual([name for name in own if name.startswith(("libcurl", "libssh"))], [])
        self.assertTrue(any(name.startswith("libcurl") for name in child), child)
        self.assertEqual(bench.read(f"/proc/{self.child}/comm"), b"wmopkg-fetch\n")

    def test_environment(self):
        """Only what libcurl needs, and nothing for the loader."""
        self.start()
        found = bench.read(f"/proc/{self.child}/environ")
        self.assertNotIn(b"nowhere", found)
        self.assertNotIn(b"s3same", found)

    def test_debug(self):
        self.start("--debug")
        self.process.terminate()
        errors = self.process.communicate()[1]
        self.assertRegex(errors, r"debug: \[.*\] sandbox: in force: user, no new privileges, limits")

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            child = self.start()
            self.process.send_signal(number)
            self.assertIn("interrupted, nothing was installed", self.process.communicate()[1])
            self.assertFalse(os.path.exists(f"/proc/{child}"))
            self.assertEqual(os.listdir("data/packages"), [])
            self.wire.close()
            self.setUp()

    def test_ends_with_the_command(self):
        child = self.start()
        self.process.kill()
        self.process.wait()
        wait_for(lambda: not os.path.exists(f"/proc/{child}"))

    def test_killed(self):
        os.kill(self.start(), signal.SIGKILL)
        errors = self.process.communicate()[1]
        self.assertEqual(errors, f"wmopkg: {self.url}: the process that talks to the server was "
                         f"ended: Killed {SERVER}\n")
        self.assertEqual((self.process.returncode, os.listdir("data/packages")), (5, []))


class Program(bench.Case):
    """Which wmopkg-fetch is started: the one beside wmopkg, and of no stranger."""

    def setUp(self):
        super().setUp()
        self.place = f"{self.folder}/place"
        self.copy(self.place)

    @staticmethod
    def copy(folder):
        os.makedirs(folder)
        for name in ("wmopkg", "wmopkg-fetch"):
            shutil.copy(f"{bench.INSTALLER}/{name}", folder)

    def evil(self, path):
        """A program that leaves a file behind."""
        bench.write(path, b"#!/bin/sh\n: >>%s/started\n" % self.folder.encode())
        os.chmod(path, 0o755)

    def told(self, program=None, inside=(), **options):
        return subprocess.run([*inside, program or f"{self.place}/wmopkg", "--config",
                               f"{self.folder}/wmopkg.conf", "install",
                               "http://127.0.0.1:1/pkgname.wmopkg"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, **options)

    def check(self, status, message, **options):
        result = self.told(**options)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertIn(message, result.stderr)
        self.assertFalse(os.path.exists(f"{self.folder}/started"))

    def test_beside(self):
        """Neither the folder that it is started in nor PATH matters."""
        os.mkdir(f"{self.folder}/elsewhere")
        self.evil(f"{self.folder}/elsewhere/wmopkg-fetch")
        path = f"{self.folder}/elsewhere:{os.environ['PATH']}"
        for program in (None, "../place/wmopkg"):
            self.check(5, "cannot connect", program=program, cwd=f"{self.folder}/elsewhere",
                       env={**os.environ, "PATH": path})

    def test_missing(self):
        os.unlink(f"{self.place}/wmopkg-fetch")
        self.check(1, "127.0.0.1:1/pkgname.wmopkg: nothing can be fetched from a server without "
                   "wmopkg-fetch (install it beside wmopkg)")

    def test_of_a_stranger(self):
        for mode, owner in ((0o757, 0), (0o755, 64321)):
            os.chmod(f"{self.place}/wmopkg-fetch", mode)
            os.chown(f"{self.place}/wmopkg-fetch", owner, owner)
            self.check(1, "place/wmopkg-fetch: not a program that others cannot change (let root own "
                       "it, and only its owner write to it)")
        os.unlink(f"{self.place}/wmopkg-fetch")
        os.mkdir(f"{self.place}/wmopkg-fetch")
        self.check(1, "not a program")

    def test_another_version(self):
        """It says nothing: it cannot read what it is given."""
        shutil.copy("/bin/true", f"{self.place}/wmopkg-fetch")
        self.check(1, "wmopkg-fetch ended before it began (run wmopkg-fetch --version: it prints what "
                   "is missing, or that its version is another one)")

    def test_linked(self):
        """By the protected path of both, also if that of wmopkg is a link to elsewhere."""
        self.evil(f"{self.place}/wmopkg-fetch")
        setup = f"mount --bind {self.folder}/bin /usr/local/bin"
        inside = ("unshare", "--mount", "sh", "-ec", setup + '\nexec "$@"', "sh")
        os.mkdir("bin")
        os.symlink(f"{self.place}/wmopkg", "bin/wmopkg")
        self.check(1, "nothing can be fetched", inside=inside)
        shutil.copy(f"{bench.INSTALLER}/wmopkg-fetch", "bin")
        for program in (None, "/usr/local/bin/wmopkg"):
            self.check(5, "cannot connect", inside=inside, program=program)
        os.rename("bin/wmopkg", "bin/wmopkg-web")
        self.check(5, "cannot connect", inside=inside, program="/usr/local/bin/wmopkg-web")

    def test_with_rights_of_another(self):
        """A program with more rights than its caller starts none from a folder of the caller."""
        self.evil(f"{self.place}/wmopkg-fetch")
        os.chmod(f"{self.place}/wmopkg", 0o4755)
        for folder in (self.folder, self.place):
            os.chmod(folder, 0o755)
        self.check(1, "nothing can be fetched", user=64321, group=64321, extra_groups=[])

    def test_by_hand(self):
        program = f"{self.place}/wmopkg-fetch"
        result = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
        self.assertRegex(result.stdout, r"\Awmopkg-fetch \d+\.\d+\.\d+\n\Z")
        result = subprocess.run([program, "x"], capture_output=True, text=True, check=False)
        self.assertEqual((result.returncode, result.stderr), (
            2, "wmopkg-fetch: it is started by wmopkg (see 'wmopkg help install')\n"))
        self.assertEqual(subprocess.run([program], check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
