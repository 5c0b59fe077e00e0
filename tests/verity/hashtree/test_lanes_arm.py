#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several blocks at a time on ARMv8: built with a cross compiler and run by qemu-user, held to
digests that OpenSSL makes on the host; and on the host's own processor, where it can.

    test_lanes_arm.py [unittest's arguments]
"""

import _hashlib
import os
import platform
import random
import subprocess
import tempfile
import unittest

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
COMMON = ["tests/verity/hashtree/lanes_vectors.c", "verity/hashtree/hash_lanes.c", "verity/hashtree/sha256_lanes.c"]
FLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-I", ROOT]
ARM = ["aarch64-linux-gnu-gcc", *FLAGS, "-static"]
SALT_MAX = 256
LANES_MAX = 4
# Each kind of build on each processor; otherwise on one processor each.
LONG = os.environ.get("WMOPKG_LONG") == "1"
BLOCK = 4096


def sha256(data):
    return _hashlib.openssl_sha256(data).digest()


def records(damage=False):
    """One record for each length of salt; @damage: a bit of the last digest is wrong."""
    dice = random.Random(7)
    out = []
    for length in range(SALT_MAX + 1):
        salt = dice.randbytes(length)
        blocks = [dice.randbytes(BLOCK) for _ in range(LANES_MAX)]
        out += [length.to_bytes(2, "big"), salt, *blocks, *[sha256(salt + b) for b in blocks]]
    if damage:
        out[-1] = bytes([out[-1][0] ^ 1]) + out[-1][1:]
    return b"".join(out)


def right(lanes):
    return f"up to {lanes} at a time: {SALT_MAX + 1} records are right\n"


class LanesArm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.right, cls.wrong = records(), records(damage=True)

    def build(self, name, compiler, *sources, options=()):
        program = os.path.join(self.folder.name, name)
        paths = [os.path.join(ROOT, source) for source in (*COMMON, *sources)]
        done = subprocess.run([*compiler, *options, *paths, "-o", program], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        return program

    def check(self, command, data, status, said):
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        self.assertEqual((done.returncode, done.stdout.decode()), (status, said))

    def test_arm(self):
        """Optimised or not, with the compiler's own ideas of the processor or without."""
        processors = ("max", "cortex-a53", "neoverse-n1")
        for options, own in zip((["-O2"], ["-O0"], ["-O3", "-mcpu=cortex-a72"]), processors):
            program = self.build("arm", ARM, "verity/hashtree/sha256_lanes_arm.c", options=options)
            for cpu in processors if LONG else (own,):
                with self.subTest(options=options, cpu=cpu):
                    command = ["qemu-aarch64", "-cpu", cpu, program]
                    self.check(command, self.right, 0, right(2))
                    self.check(command, self.wrong, 1,
                               f"record {SALT_MAX}, a salt of {SALT_MAX} bytes: wrong\n")
                    self.check(command, self.right[:-1], 1, "the input is cut\n")

    def test_arm_without_sha2(self):
        """A processor whose kernel tells of no such instructions; all of qemu have them."""
        wrap = os.path.join(self.folder.name, "wrap.c")
        with open(wrap, "w", encoding="ascii") as file:
            file.write("#include <asm/hwcap.h>\n#include <sys/auxv.h>\n"
                       "unsigned long __real_getauxval(unsigned long);\n"
                       "unsigned long __wrap_getauxval(unsigned long type);\n"
                       "unsigned long __wrap_getauxval(unsigned long type)\n"
                       "{\n\tunsigned long bits = __real_getauxval(type);\n"
                       "\treturn type == AT_HWCAP ? bits & ~(unsigned long)HWCAP_SHA2"
                       " : bits;\n}\n")
        program = self.build("without", ARM, "verity/hashtree/sha256_lanes_arm.c",
                             options=["-Wl,--wrap=getauxval", wrap])
        self.check(["qemu-aarch64", "-cpu", "max", program], self.right, 3,
                   "several at a time: not available\n")

    def test_none(self):
        """What other processors get."""
        program = self.build("none", ARM, "verity/hashtree/sha256_lanes_none.c")
        self.check(["qemu-aarch64", program], self.right, 3, "several at a time: not available\n")

    def test_host(self):
        """The same records on the host, if it is one that the file is for."""
        source = {"x86_64": "x86", "aarch64": "arm"}.get(platform.machine(), "none")
        program = self.build("host", ["cc", *FLAGS], f"verity/hashtree/sha256_lanes_{source}.c")
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = set(file.read().split())
        lanes = 4 if {"sha_ni", "avx512vl", "avx512bw"} <= flags else 2
        if flags & {"sha_ni", "sha2"}:
            self.check([program], self.right, 0, right(lanes))
        else:
            self.check([program], self.right, 3, "several at a time: not available\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
