#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The audit log against sha256sum: the recipe of docs/audit.md, as it stands there."""

import json
import os
import pwd
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(HERE, "..", "..", "docs", "audit.md")
sys.path.insert(0, os.path.join(HERE, "..", "trust"))

import folders  # noqa: E402

BUILD = os.environ["WMOPKG_BUILD"]


def read(path, mode="r"):
    with open(path, mode, encoding=None if "b" in mode else "utf-8") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def recipe():
    return re.search(r"```sh\n(.*?)```", read(DOCS), re.DOTALL).group(1)


class Audit(unittest.TestCase):
    def setUp(self):
        work = tempfile.TemporaryDirectory(prefix="wmopkg-test-audit-")
        self.addCleanup(work.cleanup)
        self.work = work.name
        tool = f"{BUILD}/installer/wmopkg-build"
        subprocess.run([tool, "keys", f"{self.work}/keys"], check=True, capture_output=True)
        os.mkdir(f"{self.work}/ring")
        os.rename(f"{self.work}/keys/root.pem", f"{self.work}/ring/root.pem")
        self.device = folders.Device(f"{self.work}/device", BUILD, f"{self.work}/ring",
                                     audit_bytes=16384)
        self.record = f"{self.work}/device/persist/wmopkg"
        for name, signer in (("good", ["--key", f"{self.work}/keys/signer.key", "--cert",
                                       f"{self.work}/keys/signer.pem"]), ("bad", [])):
            os.makedirs(f"{self.work}/tree/etc", exist_ok=True)
            subprocess.run([tool, "create", "--name", name, "--version", '1"\\', "--description",
                            "x", *signer, f"{self.work}/tree", f"{self.work}/{name}.wmopkg"],
                           check=True, capture_output=True)

    def act(self):
        """An installation, one that is refused, and a removal: three lines."""
        self.assertEqual(self.device.wmopkg("install", f"{self.work}/good.wmopkg").returncode, 0)
        self.assertEqual(self.device.wmopkg("install", f"{self.work}/bad.wmopkg").returncode, 3)
        self.assertEqual(self.device.wmopkg("remove", "good", "--yes").returncode, 0)

    def recompute(self):
        return subprocess.run(["sh", "-c", recipe()], cwd=self.record, capture_output=True,
                              text=True, check=False)

    def check_whole(self):
        done = self.recompute()
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout[-500:])
        lines = [json.loads(line) for line in
                 self.device.wmopkg("audit", "json").stdout.splitlines()]
        self.assertEqual(sorted(done.stdout.splitlines()),
                         sorted(line["digest"] for line in lines))
        numbers = [line["number"] for line in lines]
        self.assertEqual(numbers, sorted(set(numbers)))
        head = json.loads(read(f"{self.record}/audit.head"))
        ends = {head[ring]["last"]: head[ring]["digest"]
                for ring in ("changes", "refusals", "boots") if head[ring]["last"]}
        self.assertEqual(ends[numbers[-1]], lines[-1]["digest"])
        self.assertLessEqual(set(ends.items()),
                             {(line["number"], line["digest"]) for line in lines})
        told = self.device.wmopkg("audit", "verify")
        self.assertEqual((told.returncode, told.stdout.splitlines()[0]), (0, (
            f"Audit log: {len(lines)} line{'s' if len(lines) != 1 else ''}, number {numbers[0]} to "
            f"{numbers[-1]}, not changed.")))
        size = sum(os.path.getsize(f"{self.record}/{name}") for name in os.listdir(self.record)
                   if name.startswith("audit.") and name != "audit.head")
        self.assertLessEqual(size, 2 * 16384)
        self.told = told.stdout
        return lines

    def test_no_log(self):
        for words, said in (((), "There is no audit log yet.\n"), (("json",), ""),
                            (("verify",), "There is no audit log yet.\n")):
            done = self.device.wmopkg("audit", *words)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, said, ""))
        self.assertFalse(os.path.exists(self.record), "who only looks leaves no trace")

    def test_wrong_use(self):
        for words in (("all",), ("verify", "json"), ("--json",)):
            self.assertEqual(self.device.wmopkg("audit", *words).returncode, 2, words)

    def test_one_file(self):
        self.act()
        lines = self.check_whole()
        self.assertEqual([line["event"] for line in lines], ["install", "refuse", "remove"])
        self.assertEqual(lines[0]["version"], '1"\\')
        self.assertEqual(lines[1]["code"], "no-signature")

    def test_rotated(self):
        """The chain goes over both files, also when the oldest lines are gone."""
        while not os.path.exists(f"{self.record}/audit.log.1"):
            self.act()
        self.assertEqual(self.check_whole()[0]["number"], 1)
        inode = os.stat(f"{self.record}/audit.log.1").st_ino
        while os.stat(f"{self.record}/audit.log.1").st_ino == inode:
            self.act()
        self.assertGreater(self.check_whole()[0]["number"], 1)

    def test_columns(self):
        """No line of what people see is wider than a serial console."""
        self.act()
        shown = self.device.wmopkg("audit").stdout
        self.assertIn("install       good 1\"\\: Signed", shown)
        self.assertIn("no-signature", shown)
        for line in shown.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_changed(self):
        """What the recipe finds, the program finds; and it warns whoever looks."""
        self.act()
        self.act()
        log = f"{self.record}/audit.log"
        kept = read(log, "rb")
        first, second, third, fourth = kept.splitlines(keepends=True)
        for changed, said in ((kept.replace(b"remove", b"accept"), "changed: "),
                              (first + third + fourth, "moved: "),
                              (first + second + first, "moved: "),
                              (first + third + second + fourth, "moved: ")):
            write(log, changed)
            done = self.recompute()
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stdout)
            told = self.device.wmopkg("audit", "verify")
            self.assertEqual(told.returncode, 1)
            self.assertRegex(told.stderr, r"^wmopkg: audit\.log, line \d: .* \(save the audit "
                                          r"log and find out who changed it\)\n$")
            told = self.device.wmopkg("audit")
            self.assertEqual(told.returncode, 0)
            self.assertRegex(told.stderr, r"^wmopkg: warning: audit\.log, line \d: ")

    def test_goes_on(self):
        """Nothing is refused because of it, and what was changed is kept."""
        self.act()
        log = f"{self.record}/audit.log"
        changed = read(log, "rb").replace(b"remove", b"accept")
        write(log, changed)
        self.act()
        self.assertEqual(read(log + ".broken", "rb"), changed)
        told = self.device.wmopkg("audit", "verify")
        self.assertEqual(told.returncode, 1)
        self.assertIn("kept as audit.log.broken, and this is reported until that file is deleted",
                      told.stderr)
        self.assertEqual(self.recompute().returncode, 0)
        os.unlink(log + ".broken")
        lines = self.check_whole()
        self.assertEqual([(line["number"], line["event"]) for line in lines],
                         [(2, "refuse"), (4, "broken-log"), (5, "install"), (6, "remove")])
        self.assertIn("audit.log, line 2: its digest does not match", lines[1]["message"])

    def test_refused_again_and_again(self):
        """The same refusal is counted, and no number of refusals pushes out what was done."""
        self.act()
        for _ in range(20):
            self.assertEqual(self.device.wmopkg("install", f"{self.work}/bad.wmopkg").returncode, 3)
        self.assertEqual([line["event"] for line in self.check_whole()],
                         ["install", "refuse", "remove"])
        self.assertIn("Refusals: 20 more that say the same as a line.\n", self.told)
        bad = read(f"{self.work}/bad.wmopkg", "rb")
        for number in range(40):
            write(f"{self.work}/bad{number}.wmopkg", bad)
            done = self.device.wmopkg("install", f"{self.work}/bad{number}.wmopkg")
            self.assertEqual(done.returncode, 3)
        lines = self.check_whole()
        self.assertEqual([line["event"] for line in lines if line["event"] != "refuse"],
                         ["install", "remove"])
        self.assertRegex(self.told, r"\nRefusals: complete from number \d+ \([-0-9]+ [:0-9]+ UTC\)\. "
                         r"Before it, \d+ lines up to number \d+ \([-0-9]+ [:0-9]+ UTC\) made room "
                         r"for newer ones\.\n")

    def test_user(self):
        """The kernel says who; the environment is what the caller makes it."""
        names = {name: "mallory" for name in ("SUDO_USER", "LOGNAME", "USER", "USERNAME")}
        before = dict(os.environ)
        os.environ.update(names, SUDO_UID="12345")
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        self.act()
        login = int(read("/proc/self/loginuid"))
        wanted = pwd.getpwuid(os.getuid() if login == 2 ** 32 - 1 else login).pw_name
        self.assertEqual({line["user"] for line in self.check_whole()}, {wanted})

    def test_no_room_for_it(self):
        """That it cannot be written is a warning, and keeps nothing from being done."""
        write(f"{self.record}", b"no folder")
        done = self.device.wmopkg("install", f"{self.work}/good.wmopkg")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("warning: PERSIST/wmopkg: ", done.stderr)
        self.assertEqual(self.device.stored(), ["data/packages/good.wmopkg"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
