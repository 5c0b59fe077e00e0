#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every command that takes a file takes it from every source; media: tests/kernel/case_media.py."""

import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402
import wires  # noqa: E402


class Sources(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make("unsigned")
        until = str(int(time.time()) + 24 * 60 * 60)
        for command, words, key in (
                ("unlock", ("--serial", "SN-1", "--allow", "untrusted", "--not-after", until),
                 "unlock"), ("denylist", ("--number", "7", "--name", "other=1"), "signer")):
            subprocess.run([bench.BUILD, command, *words, "--key", f"{cls.keys}/{key}.key",
                            "--cert", f"{cls.keys}/{key}.pem", f"{cls.shared}/a {command}"],
                           check=True, stdout=subprocess.DEVNULL)
        cls.nginx = servers.Nginx(f"{cls.shared}/nginx", cls.shared)
        cls.addClassCleanup(cls.nginx.close)
        cls.ftp = servers.Ftp(f"{cls.shared}/ftp", cls.shared)
        cls.addClassCleanup(cls.ftp.close)
        cls.tftp = servers.Tftp(f"{cls.shared}/tftp", cls.shared)
        cls.addClassCleanup(cls.tftp.close)

    def setUp(self):
        super().setUp()
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("anchor = always\nserial = SN-1\n")

    def sources(self, file):
        """Words, and what is said of the way."""
        for protocol, port, words in (
                ("HTTP", self.nginx.port, [f"http://127.0.0.1:{self.nginx.port}/{file}"]),
                ("HTTP", self.nginx.port, ["proto", "http", f"127.0.0.1:{self.nginx.port}", file]),
                ("FTP", self.ftp.port, ["user", "anonymous", f"127.0.0.1:{self.ftp.port}", file]),
                ("TFTP", self.tftp.port, ["proto", "tftp", f"127.0.0.1:{self.tftp.port}", file])):
            yield words, (f"Attempting to download file {file}, using {protocol}\n\n"
                          f"Connecting to 127.0.0.1 (127.0.0.1:{port})\n")
        yield [f"{self.shared}/{file}"], ""

    def test_verify(self):
        said = self.wmopkg("verify", self.package).stdout
        facts = self.wmopkg("verify", self.package, "json").stdout
        self.assertIn("Verification: Signed\n", said)
        for words, way in self.sources("pkgname.wmopkg"):
            with self.subTest(words=words):
                self.succeed(way + said, "verify", *words)
                result = self.wmopkg("verify", *words, "json")
                self.assertEqual((result.returncode, result.stdout, result.stderr),
                                 (0, facts, way))
                self.assertEqual([name for name in bench.listing("data", "persist")
                                  if "pkgname" in name], [])

    def test_verify_refused(self):
        """Judged as it arrives: nothing but its head is fetched of what is refused."""
        whole = bench.read(f"{self.shared}/unsigned.wmopkg")
        wire = wires.Wire(wires.held(wires.answer(whole[:8192], len(whole))))
        self.addCleanup(wire.close)
        url = f"http://127.0.0.1:{wire.port}/unsigned.wmopkg"
        result = self.wmopkg("verify", url)
        self.assertEqual(result.returncode, 3, result)
        self.assertIn("\nVerification: Unsigned\n", result.stdout)
        self.assertTrue(result.stderr.startswith(f"wmopkg: {url}: Unsigned: it has no signature"),
                        result.stderr)

    def test_verify_ahead(self):
        for words, way in self.sources("pkgname.wmopkg"):
            result = self.wmopkg("verify", *words, "--check-firmware", "9")
            self.assertEqual((result.returncode, result.stderr), (0, ""), words)
            self.assertTrue(result.stdout.startswith(way), result.stdout)
            self.assertIn("pkgname (this file): ", result.stdout)

    def test_verify_lost(self):
        url = f"http://127.0.0.1:{self.nginx.port}/none.wmopkg"
        result = self.wmopkg("verify", url)
        self.assertEqual((result.returncode, result.stderr), (
            4, f"wmopkg: {url}: the server says 404 Not Found (check the path)\n"))

    def audited(self):
        line = json.loads(self.wmopkg("audit", "json").stdout.splitlines()[-1])
        return line["event"], line["source"], line["detail"]

    def test_unlock(self):
        for words, way in self.sources("a unlock"):
            with self.subTest(words=words):
                result = self.wmopkg("unlock", *words)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertRegex(result.stdout[len(way):], r"\AUnlocked until \d{4}-")
                self.assertTrue(result.stdout.startswith(way), result.stdout)
                event, source, detail = self.audited()
                self.assertEqual(event, "unlock")
                self.assertIn("a%20unlock" if way else f"{self.shared}/a unlock", source)
                self.assertEqual(", address 127.0.0.1:" in detail, bool(way))

    def test_denylist(self):
        for words, way in self.sources("a denylist"):
            with self.subTest(words=words):
                result = self.wmopkg("denylist", *words)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertTrue(result.stdout.startswith(f"{way}Deny list 7 is in force"), result)
        self.assertIn("Denied name: other below epoch 1", self.wmopkg("denylist").stdout)

    def test_no_statement(self):
        """What is none is not fetched any further."""
        head = bench.read(f"{self.shared}/a denylist")
        for content, why in ((bench.read(self.package)[:4096], "it is a package"),
                             (bytes(4096), "it is not a signed statement"),
                             (head[:8] + b"\xff" * 4088, "sizes are out of their range"),
                             (head + b"x", "longer than the ")):
            for command in ("unlock", "denylist"):
                wire = wires.Wire(wires.held(wires.answer(content, 1 << 40)))
                self.addCleanup(wire.close)
                url = f"http://127.0.0.1:{wire.port}/x"
                result = self.wmopkg(command, url)
                self.assertEqual(result.returncode, 3, result)
                self.assertIn(f"{url}: {why}", result.stderr.replace("the statement's ", ""))

    def test_last_word(self):
        """As with packages, the head says what is all."""
        content = bench.read(f"{self.shared}/a denylist")
        wire = wires.Wire(wires.held(wires.answer(content)))
        self.addCleanup(wire.close)
        self.assertEqual(self.wmopkg("denylist", f"http://127.0.0.1:{wire.port}/x").returncode, 0)

    def test_no_file(self):
        for command in ("verify", "unlock", "denylist"):
            result = self.wmopkg(command, "http://127.0.0.1:1/folder/")
            self.assertEqual(result.returncode, 2, result)
            self.assertIn("the path ends with a '/'", result.stderr)


if __name__ == "__main__":
    unittest.main()
