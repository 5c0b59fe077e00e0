#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several blocks at a time on ARM: built with cross compilers and run by qemu-user, held to
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
FLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64",
         "-D_TIME_BITS=64", "-I", ROOT]
ARM = ["aarch64-linux-gnu-gcc", *FLAGS, "-static"]
ARM32 = ["arm-linux-gnueabihf-gcc", *FLAGS, "-static"]
SOURCE, SOURCE32 = (f"verity/hashtree/sha256_lanes_{name}.c" for name in ("arm", "arm32"))
SALT_MAX = 256
LONG = os.environ.get("WMOPKG_LONG") == "1"
# Lengths of salts. All of them, and each kind of build on each processor; otherwise on one processor each.
SALTS = range(0, SALT_MAX + 1, 1 if LONG else 4)
LANES_MAX = 8
NONE = "several at a time: not available\n"
BLOCK = 4096


def sha256(data):
    return _hashlib.openssl_sha256(data).digest()


def records(damage=False):
    """One record for each of these salts; @damage: a bit of the last digest is wrong."""
    dice = random.Random(7)
    out = []
    for length in SALTS:
        salt = dice.randbytes(length)
        blocks = [dice.randbytes(BLOCK) for _ in range(LANES_MAX)]
        out += [length.to_bytes(2, "big"), salt, *blocks, *[sha256(salt + b) for b in blocks]]
    if damage:
        out[-1] = bytes([out[-1][0] ^ 1]) + out[-1][1:]
    return b"".join(out)


def right(*kinds):
    """@kinds: name and number of lanes"""
    return "".join(f"{name}: {lanes} at a time: {len(SALTS)} records are right\n" for name, lanes in kinds)


SHA2, NEON = ("SHA2", 2), ("NEON", 4)


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

    def wrap(self, compiler, source, missing):
        """A program whose kernel does not tell of these capabilities: those that qemu emulates have all."""
        wrap = os.path.join(self.folder.name, "wrap.c")
        with open(wrap, "w", encoding="ascii") as file:
            file.write("#include <asm/hwcap.h>\n#include <sys/auxv.h>\n"
                       "unsigned long __real_getauxval(unsigned long);\n"
                       "unsigned long __wrap_getauxval(unsigned long type);\n"
                       "unsigned long __wrap_getauxval(unsigned long type)\n"
                       "{\n\tunsigned long bits = __real_getauxval(type);\n"
                       + "".join(f"\tif (type == {word})\n\t\tbits &= ~(unsigned long)({bits});\n"
                                 for word, bits in missing) + "\treturn bits;\n}\n")
        return self.build("wrapped", compiler, source, options=["-Wl,--wrap=getauxval", wrap])

    def test_arm(self):
        """Optimised or not, with the compiler's own ideas of the processor or without."""
        processors = ("max", "cortex-a53", "neoverse-n1")
        for options, own in zip((["-O2"], ["-O0"], ["-O3", "-mcpu=cortex-a72"]), processors):
            program = self.build("arm", ARM, SOURCE, options=options)
            for cpu in processors if LONG else (own,):
                with self.subTest(options=options, cpu=cpu):
                    command = ["qemu-aarch64", "-cpu", cpu, program]
                    self.check(command, self.right, 0, right(SHA2, NEON))
                    self.check(command, self.wrong, 1,
                               f"SHA2, record {len(SALTS) - 1}, a salt of {SALT_MAX} bytes: wrong\n")
                    self.check(command, self.right[:-1], 1, "the input is cut\n")

    def test_arm_without_sha2(self):
        program = self.wrap(ARM, SOURCE, [("AT_HWCAP", "HWCAP_SHA2")])
        command = ["qemu-aarch64", "-cpu", "max", program]
        self.check(command, self.right, 0, right(NEON))
        self.check(command, self.wrong, 1, f"NEON, record {len(SALTS) - 1}, a salt of {SALT_MAX} bytes: wrong\n")

    def test_arm_without_vectors(self):
        program = self.wrap(ARM, SOURCE, [("AT_HWCAP", "HWCAP_SHA2 | HWCAP_ASIMD")])
        self.check(["qemu-aarch64", program], self.right, 3, NONE)

    def test_arm32(self):
        """Optimised or not, as Thumb or not."""
        for options in (["-O2"], ["-O0"], ["-O3", "-marm"])[: None if LONG else 2]:
            with self.subTest(options=options):
                program = self.wrap([*ARM32, *options], SOURCE32, [("AT_HWCAP2", "HWCAP2_SHA2")])
                command = ["qemu-arm", "-cpu", "max", program]
                self.check(command, self.right, 0, right(NEON))
                self.check(command, self.wrong, 1,
                           f"NEON, record {len(SALTS) - 1}, a salt of {SALT_MAX} bytes: wrong\n")

    def test_arm32_that_leaves_it_to_openssl(self):
        """With SHA2; before ARMv8; without NEON."""
        program = self.build("arm32", ARM32, SOURCE32)
        for cpu in ("max", "cortex-a15", "cortex-a7"):
            self.check(["qemu-arm", "-cpu", cpu, program], self.right, 3, NONE)
        program = self.wrap(ARM32, SOURCE32, [("AT_HWCAP", "HWCAP_NEON"), ("AT_HWCAP2", "HWCAP2_SHA2")])
        self.check(["qemu-arm", "-cpu", "max", program], self.right, 3, NONE)

    def test_none(self):
        """What other processors get."""
        program = self.build("none", ARM, "verity/hashtree/sha256_lanes_none.c")
        self.check(["qemu-aarch64", program], self.right, 3, NONE)

    def test_host(self):
        """The same records on the host, if it is one that the file is for."""
        source = {"x86_64": "x86", "aarch64": "arm"}.get(platform.machine(), "none")
        program = self.build("host", ["cc", *FLAGS], f"verity/hashtree/sha256_lanes_{source}.c")
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            flags = set(file.read().split())
        avx512 = {"avx512vl", "avx512bw"} <= flags
        kinds = {
            "x86": [kind for kind, there in ((("SHA and AVX-512", 4), avx512 and "sha_ni" in flags),
                                             (("SHA", 2), "sha_ni" in flags), (("AVX-512", 8), avx512),
                                             (("AVX2", 8), "avx2" in flags), (("SSE2", 4), True)) if there],
            "arm": [SHA2, NEON] if "sha2" in flags else [NEON],
            "none": [],
        }[source]
        self.check([program], self.right, 0 if kinds else 3, right(*kinds) or NONE)

    @unittest.skipUnless(platform.machine() == "x86_64", "processors with AVX2 and without are emulated on x86-64")
    def test_x86_without_sha(self):
        """Processors that have only a part of it; qemu has no AVX-512."""
        program = self.build("x86", ["cc", *FLAGS, "-static"], "verity/hashtree/sha256_lanes_x86.c")
        self.check(["qemu-x86_64", "-cpu", "Nehalem", program], self.right, 0, right(("SSE2", 4)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
