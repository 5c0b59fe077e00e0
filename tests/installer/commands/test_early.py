#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is refused is refused before the rest is sent: the server stays silent behind the
last byte that is needed for it, and waits for the other end to hang up."""

import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import wires  # noqa: E402

PIECE = 65536  # judged at a time


class Early(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = bench.read(cls.package)
        facts = json.loads(subprocess.run([bench.BUILD, "inspect", "--json", cls.package],
                                          check=False, stdout=subprocess.PIPE).stdout)
        blocks = -(-facts["image"]["bytes"] // 4096)
        cls.image = len(cls.whole) - 4096 * blocks
        cls.leaves = -(-blocks // 128)
        cls.tree = cls.image - 4096 * (cls.leaves + 1)
        cls.blocks = blocks

    def refuse_at(self, whole, end, status, message, *words, begun=True, name="pkgname"):
        """Refused by the first @end bytes of @whole, of which the server sends no more."""
        answer = wires.answer(b"", len(whole)) + whole[:end]
        wire = wires.Wire(wires.held(answer))
        self.addCleanup(wire.close)
        url = f"http://127.0.0.1:{wire.port}/{name}.wmopkg"
        output = (f"Attempting to download file {name}.wmopkg, using HTTP\n\n"
                  f"Connecting to 127.0.0.1 (127.0.0.1:{wire.port})\n")
        if begun:
            output += f"{name}.wmopkg:\n{bench.SCALE}"
        self.refuse(status, f"{url}: {message}", "install", *words, url, output=output)
        self.assertEqual(len(wire.requests), 1)

    def test_head(self):
        self.refuse_at(b"PK" + self.whole[2:], 16, 3, "Invalid: not a package: it does not begin "
                       "with WMOPKG01 (check that this is a wmopkg package file)", begun=False)

    def test_signature(self):
        whole = bench.read(self.make("unsigned"))
        self.refuse_at(whole, self.tree, 3, f"Unsigned: {bench.UNSIGNED}", begun=False,
                       name="unsigned")

    def test_length(self):
        self.refuse_at(self.whole + b"x", self.tree, 3, f"Invalid: the file has "
                       f"{len(self.whole) + 1} bytes, but its manifest says "
                       f"{len(self.whole)} ({bench.INCOMPLETE})", begun=False)

    def test_store(self):
        package = self.make("forbidden", "--persistent", "forbidden", keys=self.keys)
        whole = bench.read(package)
        self.refuse_at(whole, len(whole) - len(self.whole) + self.tree, 1,
                       "the package must not be persistent (install it without the word "
                       "'persistent')", "persistent", begun=False, name="forbidden")

    def test_identity(self):
        os.mkdir("data/packages")
        shutil.copy(self.package, "data/packages/first.wmopkg")
        self.refuse_at(self.whole, self.tree, 1, "pkgname is installed already, as 'first' (remove "
                       "it first: wmopkg remove first; or install this file as first.wmopkg)",
                       begun=False)

    def test_room(self):
        """Old and new together must fit, each on its own does."""
        size = len(self.whole) * 3 // 2 // 4096 * 4096
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", "data"], check=True)
        self.addCleanup(subprocess.run, ["umount", f"{self.folder}/data"], check=True)
        self.install(self.package)
        fs = os.statvfs("data")
        free = fs.f_bavail * fs.f_frsize
        whole = bench.size(len(self.whole))
        self.refuse_at(self.whole, self.tree, 6, f"it needs {whole} and there is room for "
                       f"{bench.size(free)} on {self.folder}/data/packages (tmpfs): "
                       f"{bench.size(len(self.whole) - free)} more have to be freed; the old package has "
                       f"{whole}, and is kept until the new one is complete (remove a package or free some "
                       "space)", begun=False)
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), self.whole)

    def test_block(self):
        """Each block is judged with its piece, and the rest of the file is not asked for."""
        for place, end, what in (
                (self.tree, self.tree + 4096,
                 f"hash tree: block 0 of 1 of level 1, at byte {self.tree}"),
                (self.image - 1, self.image, f"hash tree: block {self.leaves - 1} of {self.leaves} "
                 f"of level 0, at byte {self.image - 4096}"),
                (self.image, self.image + PIECE, f"image: block 0 of {self.blocks}, at byte "
                 f"{self.image}"),
                (self.image + 5 * PIECE + 9, self.image + 6 * PIECE,
                 f"image: block {5 * PIECE // 4096} of {self.blocks}, at byte "
                 f"{self.image + 5 * PIECE}")):
            bad = bytearray(self.whole)
            bad[place] ^= 1
            self.refuse_at(bytes(bad), end, 3, f"Invalid: {what} of the file, does not match "
                           f"({bench.AGAIN})")


if __name__ == "__main__":
    unittest.main()
