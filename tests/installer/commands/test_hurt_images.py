#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signed packages whose image is hurt in one field: of the super block, of an inode, a listing, a
fragment, an owner, an attribute. Each command says what it knows of them, within its limits of
time and memory, and the sound package beside them is listed as ever. Every field, and every value
of it, in the long form; a sample otherwise."""

import hashlib
import io
import json
import os
import random
import resource
import socket
import struct
import subprocess
import sys
import tarfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import squashfs_fields  # noqa: E402
import states  # noqa: E402

LONG = os.environ.get("WMOPKG_LONG") == "1"
SAMPLE = 24
AT_ONCE = 16  # packages that are installed at the same time
PLAIN = ("-noI", "-noId", "-noX", "-noF")  # tables that are not compressed
MEMORY_BYTES, PROCESSOR_S, PATIENCE_S = 1 << 30, 10, 240
PROGRESS_S = 60  # how often a long run says how far it is
SALT = bytes(range(16))
BLOCK = states.BLOCK
VERSION = "5.26.0-rev0"
PATH_MAX = 4096


def setUpModule():
    """For all that the tests start."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def processor_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(*command):
    before = processor_s()
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                            timeout=PATIENCE_S)
    assert processor_s() - before < PROCESSOR_S, command
    return result


def make_tree(tree):
    """Each type of inode, plain and extended; owners, attributes, a fragment, a whiteout."""
    for name in ("etc/app.d", "usr/share/hidden", "usr/bin"):
        os.makedirs(f"{tree}/{name}")
    bench.write(f"{tree}/etc/app.d/10.conf", b"a = 1\n")
    bench.write(f"{tree}/etc/app.d/20.conf", bytes(range(256)) * 40)
    bench.write(f"{tree}/usr/bin/large", os.urandom(10000))
    os.link(f"{tree}/etc/app.d/10.conf", f"{tree}/usr/bin/hard")
    os.symlink("10.conf", f"{tree}/etc/app.d/now")
    os.mknod(f"{tree}/usr/bin/whiteout", 0o20000, os.makedev(0, 0))
    os.mknod(f"{tree}/usr/bin/null", 0o20666, os.makedev(1, 3))
    os.mknod(f"{tree}/usr/bin/disk", 0o60660, os.makedev(8, 1))
    os.mkfifo(f"{tree}/usr/bin/pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f"{tree}/usr/bin/socket")
    os.setxattr(f"{tree}/usr/share/hidden", "trusted.overlay.opaque", b"y")
    for name in ("etc/app.d", "etc/app.d/10.conf"):  # one value for both
        os.setxattr(f"{tree}/{name}", "user.note", b"n" * 70)
    os.chown(f"{tree}/usr/share", 1000, 100)


def take(path):
    content = bench.read(path)
    os.unlink(path)
    return content


def counting(content):
    """Its bytes that count: the rest is padding."""
    return content[:struct.unpack_from("<Q", content, 40)[0]]


def make_image(tree, *options):
    subprocess.run(["mksquashfs", tree, "image", "-noappend", "-quiet", "-no-progress", "-b", "4096",
                    *options], check=True, stdout=subprocess.DEVNULL)
    return counting(take("image"))


def digest(block):
    return hashlib.sha256(SALT + block).digest()


def hash_tree(image):
    """(hash tree, root hash) of an image of up to 128 blocks."""
    hashes = [digest(image[at:at + BLOCK]) for at in range(0, len(image), BLOCK)]
    if len(hashes) == 1:
        return b"", hashes[0]
    block = b"".join(hashes).ljust(BLOCK, b"\0")
    return block, digest(block)


class HurtImages(states.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tree = f"{cls.shared}/all"
        make_tree(cls.tree)
        os.makedirs(f"{cls.shared}/sound-tree/opt/sound")
        bench.write(f"{cls.shared}/sound-tree/opt/sound/file", b"sound\n")
        cls.sound = bench.make_package(f"{cls.shared}/sound.wmopkg", f"{cls.shared}/sound-tree",
                                       keys=cls.keys)

    def setUp(self):
        super().setUp()
        os.makedirs("run/layers/root")
        self.install(self.sound)

    def pack(self, name, content):
        """A signed package of an image; its file's name."""
        image = content + bytes(-len(content) % BLOCK)
        tree, root = hash_tree(image)
        manifest = json.dumps({
            "type": "package", "format": 1, "name": name, "version": VERSION, "description": "Hurt",
            "image": {"bytes": len(content), "hash": "sha256", "salt": SALT.hex(),
                      "root_hash": root.hex()}}).encode()
        head = states.HEAD.pack(b"WMOPKG01", len(manifest), 0) + manifest
        bench.write("unsigned", head + bytes(-len(head) % BLOCK) + tree + image)
        subprocess.run([bench.BUILD, "sign", "--key", f"{self.keys}/signer.key", "--cert",
                        f"{self.keys}/signer.pem", "unsigned", f"{name}.wmopkg"], check=True,
                       stdout=subprocess.DEVNULL)
        return f"{name}.wmopkg"

    def ends(self, result, what, *statuses):
        """It ended by itself, says why it failed, and prints no bytes of the image as they are."""
        said = (what, result)
        self.assertIn(result.returncode, statuses, said)
        for line in result.stderr.decode().splitlines():
            self.assertRegex(line, r"^(wmopkg(-build)?: |  )\S", said)
        self.assertTrue(result.returncode == 0 or result.stderr, said)
        for byte in result.stdout + result.stderr:
            self.assertTrue(byte >= 0x20 or byte == 0x0a or byte == 0x0d, said)

    def run_all(self, hurt):
        """@hurt: (what is wrong, image) of up to AT_ONCE packages."""
        for number, (what, content) in enumerate(hurt):
            package = self.pack(f"hurt{number}", content)
            self.ends(run(bench.BUILD, "inspect", "--json", package), what, 0)
            result = run(bench.WMOPKG, "--config", "wmopkg.conf", "verify", package)
            self.ends(result, what, 0)
            self.assertIn(b"Signed", result.stdout, what)
            # 3: its lists cannot be read, or what it changes is refused
            for words in ("install",), ("install", "force"):
                result = run(bench.WMOPKG, "--config", "wmopkg.conf", *words, package)
                self.ends(result, what, 0, 3)
                if result.returncode == 0:
                    break
        all_of_them = [what for what, _ in hurt]
        which = run(bench.WMOPKG, "--config", "wmopkg.conf", "which", "/opt/sound/file")
        self.ends(which, all_of_them, 0)
        self.assertIn(b"file of sound", which.stdout, all_of_them)
        told = run(bench.WMOPKG, "--config", "wmopkg.conf", "conflicts", "json")
        self.ends(told, all_of_them, 0)
        told = json.loads(told.stdout)
        self.forget()
        self.install(self.sound)
        return told

    def run_in_parts(self, hurt):
        """run_all() of AT_ONCE at a time: (these, what it has told). A long run says how far it is."""
        start = told = time.monotonic()
        for first in range(0, len(hurt), AT_ONCE):
            part = hurt[first:first + AT_ONCE]
            yield part, self.run_all(part)
            if LONG and time.monotonic() - told > PROGRESS_S or first + AT_ONCE >= len(hurt):
                told = time.monotonic()
                print(f"{self._testMethodName}: {min(first + AT_ONCE, len(hurt))} of {len(hurt)} images"
                      f" ({told - start:.0f} s)", flush=True)

    def test_each_field(self):
        content = make_image(self.tree, *PLAIN)
        hurt = list(squashfs_fields.changes(content))
        self.assertGreater(len(hurt), 3000)
        if not LONG:
            hurt = random.sample(hurt, SAMPLE)
        for _ in self.run_in_parts(hurt):
            pass

    def test_compressed(self):
        """Bits of tables that are compressed, and of what the compressor is told."""
        options = {"gzip": ("-Xcompression-level", "1"), "xz": ("-Xbcj", "x86"), "lz4": ("-Xhc",),
                   "zstd": ("-Xcompression-level", "3")}
        chance, hurt = random.Random(), []
        for name, words in options.items():
            content = make_image(self.tree, "-comp", name, *words)
            for _ in range(200 if LONG else 2):
                changed, at = bytearray(content), chance.randrange(96, len(content))
                changed[at] ^= 1 << chance.randrange(8)
                hurt.append((f"{name}: a bit of byte {at}", bytes(changed)))
        for _ in self.run_in_parts(hurt):
            pass

    def unknown(self, hurt):
        """(what is wrong, why its contents are not known) of each; all of them are not."""
        for part, told in self.run_in_parts(hurt):
            why = {item["package"]: item["why"] for item in told["unknown"]}
            for number, (what, _) in enumerate(part):
                self.assertIn(f"hurt{number}", why, what)
                yield what, why[f"hurt{number}"]

    def test_loops(self):
        """A folder within itself, or in two places, is refused, and not followed."""
        image = squashfs_fields.Image(make_image(self.tree, *PLAIN))
        root = image.at["root"] & 0xffff
        offsets = [field for field in image.fields if field.name == "name: offset"]
        self.assertGreater(len(offsets), 8)
        hurt = [("the root within itself", image.changed(field, root)) for field in offsets]
        for what, why in self.unknown(hurt if LONG else random.sample(hurt, 4)):
            self.assertRegex(why, r"the folder '.*' is in two places$", what)

    def test_deep(self):
        """As deep as a path can be: listed. A path that is longer than any: not."""
        for depth, known in (PATH_MAX // 17, True), (PATH_MAX // 17 + 1, False):
            tar = io.BytesIO()
            with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as out:
                for levels in range(1, depth + 1):
                    folder = tarfile.TarInfo("/".join(["d" * 16] * levels))
                    folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                    out.addfile(folder)
            subprocess.run(["sqfstar", "-quiet", "-no-progress", "image"], input=tar.getvalue(),
                           check=True, stdout=subprocess.DEVNULL)
            told = self.run_all([("deep", counting(take("image")))])
            self.assertEqual(told["unknown"] == [], known, depth)

    def test_huge_counts(self):
        """What an image claims to have is no reason to reserve memory for it."""
        image = squashfs_fields.Image(make_image(self.tree, *PLAIN))
        names = ("super block: inodes", "run of names: count", "inode of type 3: size",
                 "attributes: keys", "value: size")
        hurt = [(field.name, image.changed(field, 0xfffffffe)) for field in image.fields
                if field.name in names]
        self.assertEqual({what for what, _ in hurt}, set(names))
        for what, why in self.unknown(hurt if LONG else list(dict(hurt).items())):
            self.assertRegex(why, r"image: .*(more than|with a run of|extended attributes? of)",
                             what)


if __name__ == "__main__":
    unittest.main()
