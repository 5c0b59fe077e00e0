#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg-activate --plan in a directory tree, where it takes no device and no kernel; what is
planned is held to what a boot does by tests/kernel/case_plan.py."""

import os
import re
import subprocess
import sys
import unittest

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path[:0] = [TESTS, os.path.join(TESTS, "installer")]
import bench  # noqa: E402  pylint: disable=wrong-import-position
import clones  # noqa: E402  pylint: disable=wrong-import-position
import schema  # noqa: E402  pylint: disable=wrong-import-position

ACTIVATE = os.path.join(os.environ["WMOPKG_BUILD"], "initramfs", "wmopkg-activate")
MOST = 498


class Plan(bench.Case):
    def plan(self, *words, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.run([ACTIVATE, "--plan", "--config", "wmopkg.conf", "--root",
                               self.folder, *words], check=False, **options)

    def told(self, status=0):
        done = self.plan("json")
        self.assertEqual(done.returncode, status, done.stderr)
        return schema.check("plan", schema.parse(done.stdout)), done.stderr.decode()

    def place(self, count):
        """Packages that the boot configuration lets in."""
        os.makedirs("data/packages", exist_ok=True)
        clones.place(self.tiny, "data/packages", (f"p{index:03}" for index in range(count)))
        self.boot("wmopkg.allow_untrusted=1")

    def place_persistent(self, *names):
        os.makedirs("persist/packages", exist_ok=True)
        clones.place(self.tiny, "persist/packages", names)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(f"{cls.shared}/small")
        bench.write(f"{cls.shared}/small/file", b"text\n")
        cls.tiny = bench.make_package(f"{cls.shared}/tiny.wmopkg", f"{cls.shared}/small")

    def test_most(self):
        self.place(MOST)
        told, _ = self.told()
        layers = [layer.get("package") for layer in told["stack"]["layers"]]
        self.assertEqual(layers, [None, *(f"p{index:03}" for index in reversed(range(MOST))), None])
        names = ["engine", *map(str, range(1, MOST + 1)), "root"]
        self.assertIn("lowerdir=" + ":".join(names), told["stack"]["options"])

    def test_too_many(self):
        """Those are left out that come last in line, one by one."""
        self.place(MOST + 2)
        self.place_persistent("zzz")
        told, _ = self.told()
        left_out = {package["name"]: package["reason"] for package in told["packages"]
                    if not package["active"]}
        why = f"a stack takes {MOST} packages, and those before it are as many"
        self.assertEqual({name: (reason["code"], reason["message"])
                          for name, reason in left_out.items()},
                         {name: ("too-many", why) for name in ("p497", "p498", "p499")})
        self.assertEqual(len(told["stack"]["layers"]), MOST + 2)
        self.assertEqual(told["stack"]["layers"][1]["package"], "zzz")

    def test_leaves_no_trace(self):
        """Not even the folder of what the device remembers."""
        self.place(2)
        os.rmdir("run")
        before = bench.listing(".")
        told, _ = self.told()
        self.assertEqual({(package["trial"]["state"], package["trial"]["boots"])
                          for package in told["packages"]}, {("running", 1)})
        self.assertEqual(bench.listing("."), before)
        self.assertEqual(os.path.exists("persist/wmopkg"), False)

    def test_texts_of_all_kinds(self):
        """Nothing of it steers a terminal, or is no JSON."""
        with open("wmopkg.conf", "ab") as file:
            file.write(b'data = "/none\\x1b[2J\xff"\n')
        done = self.plan()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"\n  data: /none?[2J?: not there\n", done.stdout)
        self.assertIsNone(re.search(rb"[^ -~\n]", done.stdout))
        told, _ = self.told()
        self.assertEqual(told["data"], {"volume": "/none?[2J?", "state": "missing"})

    def test_no_keys(self):
        os.makedirs("data/packages")
        os.link(self.package, "data/packages/pkgname.wmopkg")
        os.unlink("keys/root.pem")
        told, _ = self.told()
        self.assertEqual((told["trust"]["certificates"], told["packages"][0]["verification"]),
                         ([], "Untrusted"))
        self.assertIn(f"\n  Key ring: {self.folder}/keys: no certificate\n",
                      self.plan().stdout.decode())

    def test_output_lost(self):
        with open("/dev/full", "wb") as full:
            for words in ((), ("json",)):
                done = self.plan(*words, stdout=full)
                self.assertEqual((done.returncode, done.stderr), (
                    1, b"wmopkg-activate: standard output: No space left on device\n"))
            for words in ("--help", "--version"):
                done = subprocess.run([ACTIVATE, words], stdout=full, check=False)
                self.assertEqual(done.returncode, 1)

    def test_wrong_use(self):
        for words in (("text",), ("json", "json")):
            done = self.plan(*words)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertTrue(done.stderr.startswith(b"Usage: wmopkg-activate "), done.stderr)


if __name__ == "__main__":
    unittest.main()
