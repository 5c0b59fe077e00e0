# SPDX-License-Identifier: MIT
"""U-Boot whose environment is on a card, in two copies that wmopkg writes, too: what one of both
writes, the other reads, whatever has become of a copy. See tests/releases/uboot.py.

Only U-Boot is started; wmopkg runs here, on the image of the card.
"""

import json
import os
import struct
import subprocess
import sys
import unittest
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "device"), os.path.join(HERE, "..", "releases")]

import board  # noqa: E402
import console  # noqa: E402
import uboot  # noqa: E402

CARD_BYTES = 512 << 20
COPY_STARTS = (0xF900000, 0xF910000)
COPY_BYTES = 0x4000
ERASED = b"\xff" * COPY_BYTES
MEDIUM = "service:LABEL=MY STICK"


def copy(flags, *lines):
    content = b"".join(line.encode() + b"\0" for line in lines) + b"\0"
    content = content.ljust(COPY_BYTES - 5, b"\0")
    return struct.pack("<IB", zlib.crc32(content), flags) + content


def damaged(whole):
    return whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]


def half_written(new, old):
    """The power went after the first sectors."""
    return new[:1024] + old[1024:]


def say(what):
    return "bootdelay=2", "bootcmd=true", f"wmopkg.disable={what}", "filler=" + "x" * 2000


# What is in the two copies, and what counts then; None: nothing, U-Boot takes what is built in.
COPIES = {
    "the first is newer": (copy(7, *say("one")), copy(6, *say("two")), "one"),
    "the number begins again": (copy(255, *say("one")), copy(0, *say("two")), "two"),
    "it has begun again": (copy(0, *say("one")), copy(255, *say("two")), "one"),
    "no difference": (copy(5, *say("one")), copy(5, *say("two")), "one"),
    "the first is damaged": (damaged(copy(7, *say("one"))), copy(6, *say("two")), "two"),
    "the power went while the second was written":
        (copy(6, *say("one")), half_written(copy(7, *say("two")), copy(5, *say("zero"))), "one"),
    "the first is erased": (ERASED, copy(255, *say("two")), "two"),
    "both are damaged": (damaged(copy(6, *say("one"))), damaged(copy(7, *say("two"))), None),
    "both are erased": (ERASED, ERASED, None),
}


class Card(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        work = console.WorkFolder()
        cls.addClassCleanup(work.__exit__)
        cls.folder = work.__enter__()
        with open(os.path.join(cls.folder, "disk.img"), "wb") as file:
            file.truncate(CARD_BYTES)
        cls.device = board.Board(None, cls.folder, "arm64", uboot=uboot.build(), card=True)
        cls.addClassCleanup(cls.device.kill)
        for name in "data", "persist", "run":
            os.mkdir(os.path.join(cls.folder, name))
        cls.conf = os.path.join(cls.folder, "wmopkg.conf")
        with open(os.path.join(cls.folder, "fw_env.config"), "w", encoding="ascii") as file:
            file.writelines(f"{cls.device.disk} {start:#x} {COPY_BYTES:#x}\n" for start in COPY_STARTS)
        with open(os.path.join(cls.folder, "cmdline"), "w", encoding="ascii"):
            pass
        with open(cls.conf, "w", encoding="ascii") as file:
            file.writelines(f'{key} = "{cls.folder}/{name}"\n' for key, name in (
                ("uboot_env", "fw_env.config"), ("cmdline", "cmdline"), ("data", "data"),
                ("persist", "persist"), ("run", "run")))

    def wmopkg(self, *words, status=0):
        done = subprocess.run([os.path.join(os.environ["WMOPKG_BUILD"], "installer/wmopkg"), "--config",
                               self.conf, "boot", *words],
                              check=False, capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def read(self):
        """The boot configuration as wmopkg reads it."""
        words = json.loads(self.wmopkg("json"))["words"]
        return {word["word"]: word["value"] for word in words if "value" in word}

    def write(self, *copies):
        with open(self.device.disk, "r+b") as disk:
            for start, content in zip(COPY_STARTS, copies):
                disk.seek(start)
                disk.write(content)

    def copies(self):
        with open(self.device.disk, "rb") as disk:
            for start in COPY_STARTS:
                disk.seek(start)
                yield disk.read(COPY_BYTES)

    def start(self):
        """(what U-Boot says until its prompt, its variables)"""
        seen = self.device.start_uboot()
        return seen, self.device.variables()

    def test_1_uboot_writes(self):
        seen, _ = self.start()
        self.assertIn("bad CRC, using default environment", seen)
        for line in "setenv wmopkg.safe 1", f'setenv wmopkg.media "{MEDIUM}"', "setenv own kept":
            self.device.say(line)
        # one copy each
        self.assertIn("Writing to redundant MMC(0)... OK", self.device.say("saveenv"))
        self.assertIn("Writing to MMC(0)... OK", self.device.say("saveenv"))
        self.device.kill()
        self.assertEqual(self.read(), {"wmopkg.safe": "1", "wmopkg.media": MEDIUM})

    def test_2_wmopkg_writes(self):
        """What it deletes is deleted from both copies."""
        self.wmopkg("set", "disable", "one,two")
        self.wmopkg("clear", "safe")
        for content in self.copies():
            self.assertEqual(zlib.crc32(content[5:]), struct.unpack("<I", content[:4])[0])
            self.assertNotIn(b"wmopkg.safe", content[:content.index(b"\0\0", 5)])
        seen, variables = self.start()
        self.device.kill()
        self.assertNotIn("bad CRC", seen)
        self.assertEqual({name: value for name, value in variables.items() if name.startswith("wmopkg.")},
                         {"wmopkg.disable": "one,two", "wmopkg.media": MEDIUM})
        self.assertEqual(variables["own"], "kept")

    def test_3_both_choose_the_same_copy(self):
        for what, (first, second, wanted) in COPIES.items():
            with self.subTest(what):
                self.write(first, second)
                self.assertEqual(self.read().get("wmopkg.disable"), wanted)
                seen, variables = self.start()
                self.device.kill()
                self.assertEqual("using default environment" in seen, wanted is None, seen)
                self.assertEqual(variables.get("wmopkg.disable"), wanted)

    def test_4_wmopkg_mends_one_copy(self):
        """It writes the damaged one; with both damaged, it refuses."""
        self.write(copy(6, *say("one")), damaged(copy(7, *say("two"))))
        self.wmopkg("set", "disable", "three")
        self.assertEqual([zlib.crc32(content[5:]) == struct.unpack("<I", content[:4])[0]
                          for content in self.copies()], [True, True])
        _, variables = self.start()
        self.device.kill()
        self.assertEqual((variables["wmopkg.disable"], variables["filler"]), ("three", "x" * 2000))
        self.write(ERASED, ERASED)
        self.wmopkg("set", "disable", "four", status=1)


if __name__ == "__main__":
    console.clean_up_on_signals()
    unittest.main(verbosity=2)
