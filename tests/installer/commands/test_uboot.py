#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The boot configuration in a U-Boot environment, made and changed by U-Boot's own tools."""

import os
import struct
import subprocess
import sys
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402

BYTES = 0x2000


class Uboot(bench.Case):
    def setUp(self):
        super().setUp()
        bench.write("text", b"bootdelay=3\nbootcmd=run main\n")
        subprocess.run(["mkenvimage", "-s", str(BYTES), "-o", "env", "text"], check=True)
        bench.write("fw_env.config", f"{self.folder}/env 0x0 {BYTES:#x}\n".encode())
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'uboot_env = "{self.folder}/fw_env.config"\n')

    def setenv(self, name, value=""):
        subprocess.run(["fw_setenv", "-c", "fw_env.config", name, *([value] if value else [])],
                       check=True)

    def allowed(self, expected, errors=""):
        self.check(0, "Serial: SN-1\nUnlocked: no\n"
                      "Hardware anchor: absent: the configuration sets anchor = none\n"
                      f"Allow Untrusted: {'yes' if expected else 'no'}\n", errors, "unlock")

    def test_allow_untrusted(self):
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("serial = SN-1\n")
        self.allowed(False)
        self.setenv("wmopkg.allow_untrusted", "1")
        self.allowed(True)
        self.assertIn("Unsigned", self.wmopkg("install", self.make("unsigned")).stdout)
        # the command line has the last word
        self.boot("quiet wmopkg.allow_untrusted=0")
        self.allowed(False)
        self.boot("quiet wmopkg.allow_untrusted=perhaps")
        self.allowed(True)
        self.boot("")
        self.setenv("wmopkg.allow_untrusted", "yes")
        self.allowed(False)
        self.setenv("wmopkg.allow_untrusted", "0")
        self.boot("wmopkg.allow_untrusted=1")
        self.allowed(True)
        self.boot("")
        self.setenv("wmopkg.allow_untrusted")
        self.allowed(False)

    def test_command_line_unreadable(self):
        """It could say 0, so the environment alone allows nothing."""
        self.setenv("wmopkg.allow_untrusted", "1")
        for make in (lambda: None, lambda: os.mkdir("cmdline"), lambda: os.mkfifo("cmdline")):
            if os.path.isdir("cmdline"):
                os.rmdir("cmdline")
            elif os.path.exists("cmdline"):
                os.unlink("cmdline")
            make()
            result = self.wmopkg("unlock")
            self.assertIn("Allow Untrusted: no\n", result.stdout)
            self.assertIn("warning: boot configuration: ", result.stderr)
            self.assertEqual(self.wmopkg("install", self.make("unsigned")).returncode, 3)

    def test_hidden_reset(self):
        """A request that the kernel command line hides at this boot is cancelled, too."""
        self.setenv("wmopkg.factory_reset", "1")
        self.boot("wmopkg.factory_reset=0")
        self.check(0, "No factory reset is requested.\n", "warning: wmopkg.factory_reset=1 stays in "
                   "the U-Boot environment, hidden by the kernel command line: "
                   f"{self.folder}/fw_env.config: the U-Boot environment has only one copy, and a "
                   "power cut while it is written would lose all of it (give U-Boot a redundant "
                   "one)", "factory-reset", "cancel")
        bench.write("text", b"wmopkg.factory_reset=1\n")
        subprocess.run(["mkenvimage", "-r", "-s", str(BYTES), "-o", "env", "text"], check=True)
        bench.write("env", 2 * bench.read("env"))
        bench.write("fw_env.config", "".join(f"{self.folder}/env {place:#x} {BYTES:#x}\n"
                                             for place in (0, BYTES)).encode())
        self.succeed("Cancelled... Nothing is reset at the next reboot.\n", "factory-reset",
                     "cancel")
        self.boot("")
        self.assertNotIn("U-Boot environment", self.wmopkg("boot").stdout)
        self.succeed("No factory reset is requested.\n", "factory-reset", "cancel")

    def test_not_there(self):
        os.unlink("fw_env.config")
        self.succeed("No packages installed.\n", "show")

    def test_no_end(self):
        """A copy whose checksum is right, of one variable up to its last byte: libubootenv
        would read on."""
        def copy(flags, content):
            content = content.ljust(BYTES - 4 - len(flags), b"x")
            return struct.pack("<I", zlib.crc32(content)) + flags + content

        bench.write("env", copy(b"", b"a="))
        result = self.wmopkg("show")
        self.assertEqual((result.returncode, result.stdout), (0, "No packages installed.\n"))
        self.assertIn("wmopkg: warning: boot configuration: U-Boot environment: the copy that "
                      f"{self.folder}/fw_env.config points to has no end\n", result.stderr)
        # of two copies, one that is erased flash does not count
        with open("fw_env.config", "a", encoding="utf-8") as file:
            file.write(f"{self.folder}/env {BYTES:#x} {BYTES:#x}\n")
        bench.write("env", copy(b"\1", b"a=b\0\0") + b"\xff" * BYTES)
        self.succeed("No packages installed.\n", "show")
        bench.write("env", copy(b"\1", b"a=b\0\0") + copy(b"\2", b"a="))
        self.assertIn("has no end", self.wmopkg("show").stderr)

    def test_damaged(self):
        """It asks for nothing, and the commands go on."""
        self.setenv("wmopkg.allow_untrusted", "1")
        with open("env", "r+b") as file:
            file.seek(100)
            file.write(b"X")
        result = self.wmopkg("show")
        self.assertEqual((result.returncode, result.stdout), (0, "No packages installed.\n"))
        self.assertIn("wmopkg: warning: boot configuration: U-Boot environment: no valid copy that "
                      f"{self.folder}/fw_env.config points to\n", result.stderr)
        self.assertNotIn("Allow Untrusted", result.stderr)
        bench.write("fw_env.config", b"")
        result = self.wmopkg("show")
        self.assertEqual(result.returncode, 0)
        self.assertIn("U-Boot environment: ", result.stderr)


if __name__ == "__main__":
    unittest.main()
