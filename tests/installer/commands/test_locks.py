#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Another user holds up no command, whatever was open to that user before: no lock, lease,
watch or pipe of theirs counts, and nothing that is made is open to them, whatever the umask."""

import fcntl
import os
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402

STRANGER = 64322  # nobody's on this machine, it is hoped
ACTIVATE = os.path.join(os.environ["WMOPKG_BUILD"], "initramfs", "wmopkg-activate")

# Opens what it can, holds it in every way there is, says how much, and stays.
HOLD = r"""
import ctypes, errno, fcntl, os, sys
libc = ctypes.CDLL(None, use_errno=True)
watch = libc.inotify_init1(0)
held = []
for top in sys.argv[1:]:
    for place, folders, files in os.walk(top):
        for path in [place] + [f"{place}/{name}" for name in files]:
            try:
                fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError:
                continue
            what = ["open"]
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                what.append("flock")
            except OSError:
                pass
            try:
                fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
                what.append("lease")
            except OSError:
                pass
            try:
                fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
                what.append("lockf")
            except OSError:
                pass
            if libc.inotify_add_watch(watch, path.encode(), 0xfff) >= 0:
                what.append("watch")
            held.append(f"{path} {' '.join(what)}")
            globals()[f"fd{fd}"] = fd
        for name in ("lock", "packages", ".lock", "state.json", "activate"):
            try:
                os.mkfifo(f"{place}/{name}")
                held.append(f"{place}/{name} made")
            except OSError:
                pass
print(len(held), *held, sep="\n", flush=True)
sys.stdin.read()
"""


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


class Locks(states.Case):
    def hold(self):
        """A stranger who holds what a stranger can; returns what that is."""
        process = subprocess.Popen(["/usr/bin/python3", "-c", HOLD, "data", "persist", "run"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   user=STRANGER, group=STRANGER, extra_groups=[])

        def end():
            process.stdin.close()
            process.stdout.close()
            process.wait()

        self.addCleanup(end)
        count = int(process.stdout.readline())
        return [process.stdout.readline().rstrip("\n") for _ in range(count)]

    def widen(self):
        """As an older version, or somebody with another umask, has left it."""
        os.makedirs("persist/wmopkg", exist_ok=True)
        for folder in ("data", "persist"):
            os.makedirs(f"{folder}/packages", exist_ok=True)
        for top in ("data/packages", "persist/packages", "persist/wmopkg", "run"):
            for place, _, files in os.walk(top):
                os.chmod(place, 0o755)
                for name in files:
                    os.chmod(f"{place}/{name}", 0o644)

    def activate(self):
        """Nothing can be mounted here: the stores are opened and cleaned, and that is it."""
        return subprocess.run([ACTIVATE, "--config", "wmopkg.conf", "--root", f"{self.folder}/root"],
                              capture_output=True, text=True, check=False, timeout=60)

    def check_all(self):
        """Every command that takes a lock goes on, at once."""
        begun = time.monotonic()
        for words in (("install", self.package), ("install", "persistent", self.package),
                      ("show",), ("audit",), ("audit", "verify"), ("retry", "pkgname"),
                      ("boot-complete",), ("unlock", "clear"), ("unlock",), ("denylist",),
                      ("remove", "pkgname", "--yes"), ("install", self.package)):
            result = self.wmopkg(*words)
            self.assertNotIn("another", result.stderr, words)
            self.assertNotIn("in use", result.stderr, words)
            if words[0] not in ("retry", "denylist"):
                self.assertEqual((result.returncode, result.stderr), (0, ""), words)
        self.assertLess(time.monotonic() - begun, 60)

    def check_modes(self):
        for folder in ("data/packages", "persist/packages", "persist/wmopkg", "run/lock"):
            self.assertEqual(mode(folder), 0o700, folder)
        for top in ("data/packages", "persist/packages", "persist/wmopkg", "run/lock"):
            for name in os.listdir(top):
                self.assertEqual(mode(f"{top}/{name}"), 0o600, f"{top}/{name}")
        self.assertEqual(mode("run"), 0o755)

    def test_held_before(self):
        """What a stranger opened while it was open to all does not count."""
        self.widen()
        held = self.hold()
        for path in ("data/packages", "persist/packages", "persist/wmopkg", "run"):
            self.assertTrue(any(line.startswith(f"{path} open flock") for line in held), held)
        self.check_all()
        self.check_modes()

    def test_held_after(self):
        """And after the first use there is nothing that a stranger can open."""
        self.widen()
        self.install(self.package)
        self.install(self.package, "persistent")
        held = self.hold()
        self.assertEqual([line for line in held if "packages" in line or "wmopkg" in line
                          or "lock/" in line], [])
        self.check_all()

    def test_activation(self):
        self.widen()
        os.mkdir("root")
        self.hold()
        result = self.activate()
        self.assertNotIn("another", result.stderr)
        self.assertEqual(mode("run/lock"), 0o700)
        self.assertEqual(mode("data/packages"), 0o700)
        self.assertEqual(mode("persist/packages"), 0o700)
        self.assertEqual(mode("persist/wmopkg"), 0o700)

    def test_umask(self):
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        for mask in (0, 0o077, 0o777 & ~0o700):
            os.umask(mask)
            self.check_all()
            self.check_modes()
            for top in ("data/packages", "persist/packages", "persist/wmopkg", "run/lock"):
                subprocess.run(["rm", "-r", top], check=True)

    def test_something_in_the_way(self):
        """What lies where a lock belongs is replaced, not opened."""
        self.install(self.package)

        def pipe(path):
            os.mkfifo(path, 0o666)

        def folder(path):
            os.makedirs(f"{path}/full")

        def link(path):
            os.symlink(f"{self.folder}/wmopkg.conf", path)

        def strange(path):
            bench.write(path, b"")
            os.chown(path, STRANGER, STRANGER)

        def wide(path):
            bench.write(path, b"")
            os.chmod(path, 0o666)

        for make in (pipe, folder, link, strange, wide):
            for lock in ("run/lock/packages", "persist/wmopkg/.lock",
                         "persist/wmopkg/.trials.lock"):
                subprocess.run(["rm", "-rf", lock], check=True)
                make(lock)
            for words in (("install", self.package), ("retry", "pkgname")):
                result = self.wmopkg(*words)
                self.assertNotIn("lock", result.stderr, make)
                self.assertEqual(result.returncode == 0, words[0] == "install", result)
            self.assertEqual(self.wmopkg("audit", "verify").returncode, 0)
            for lock in ("run/lock/packages", "persist/wmopkg/.lock",
                         "persist/wmopkg/.trials.lock"):
                self.assertTrue(stat.S_ISREG(os.lstat(lock).st_mode), lock)
                self.assertEqual(mode(lock), 0o600, lock)

    def test_who_has_it(self):
        """A lock of ours that is held too long: the message says by whom."""
        self.install(self.package)
        with open("/proc/self/comm", encoding="utf-8") as file:
            us = f"{file.read().strip()}, process {os.getpid()}"
        with open("persist/wmopkg/.lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            result = self.wmopkg("audit")
            self.assertEqual((result.returncode, result.stderr), (
                1, f"wmopkg: audit log: another program is using it: {us} (wait for the other "
                "process to end, then try again)\n"))

    def test_shown_to_others(self):
        """Others see what the boot found, and are told that it is only this."""
        self.install(self.package)
        os.chmod("run", 0o755)
        self.booted(self.entry("pkgname"), self.entry("bad", active=False, code="no-signature",
                                                      verification="Unsigned"))
        shown = self.wmopkg("show").stdout
        result = self.wmopkg("show", user=STRANGER)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("│pkgname  5.26.0-rev0  False       Signed ", result.stdout)
        self.assertIn("│bad      5.26.0-rev0  False       Unsigned ", result.stdout)
        self.assertNotIn("bad", shown)
        self.assertIn("wmopkg: warning: only root can read the packages: this is what the boot "
                      "found, without what was changed since\n", result.stderr)
        for words in (("install", self.package), ("remove", "pkgname", "--yes"),
                      ("show", "pkgname"), ("conflicts",)):
            result = self.wmopkg(*words, user=STRANGER)
            self.assertEqual((result.returncode, result.stdout), (1, ""), words)
            self.assertIn("Permission denied", result.stderr)
        os.unlink("run/state.json")
        result = self.wmopkg("show", user=STRANGER)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("folder 'packages': Permission denied", result.stderr)

    def test_user_without_root(self):
        """A tree of a user works for that user, also after root has taken its locks."""
        for name in ("data", "persist", "keys", "run", "wmopkg.conf", "cmdline", "."):
            os.chown(name, STRANGER, STRANGER)
        for user in (STRANGER, STRANGER, None):
            result = self.wmopkg("install", self.package, user=user)
            self.assertEqual((result.returncode, result.stderr), (0, ""), user)
            self.assertEqual(self.wmopkg("show", user=user).returncode, 0)
        self.assertEqual(self.wmopkg("remove", "pkgname", "--yes", user=STRANGER).returncode, 0)
        result = self.wmopkg("install", self.package, user=STRANGER)
        self.assertIn("Installed...", result.stdout, result.stderr)


if __name__ == "__main__":
    unittest.main()
