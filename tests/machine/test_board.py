# SPDX-License-Identifier: MIT
"""An ARM board that Debian's U-Boot starts: packages, and the keys that are set at its prompt.

	test_board.py [arm64 | armhf]

This U-Boot keeps its environment where Linux cannot read it. So the keys are either in an environment
that both read and write, in two copies on a partition, or the boot script passes them on the kernel
command line, in the long form; see tests/device/board.cmd.
"""

import unittest

import bench
import boards

# of the partition that tests/device/build makes
SECTOR_BYTES = 512
COPY_STARTS = ((249 << 20) // SECTOR_BYTES, ((249 << 20) + 0x10000) // SECTOR_BYTES)
COPY_BYTES = 0x4000
# in the memory of the board: one copy of two, and one that is the only one, without the number of it
COPY, SINGLE = 0x48000000, 0x48010000
KEYS = ("wmopkg.safe", "wmopkg.factory_reset", "wmopkg.disable", "wmopkg.media")


class Environment(bench.MachineTest):
    """Two copies that U-Boot exports and imports."""

    VARIANT = "board"
    BENCH = boards.BoardBench

    @classmethod
    def prepare(cls):
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        tree = cls.bench.tree("rework")
        for name in "kept", "lost":
            cls.bench.create(name, tree, keys=cls.bench.keys)
        cls.device = cls.bench.device()
        cls.put_on_data("lost")
        cls.put_on_persist("kept")

    def say(self, *lines):
        for line in lines:
            self.assertNotIn("rror", self.device.say(line), line)

    def export(self, start, number, **values):
        """Write a copy of these keys, and of U-Boot's own variable `arch`: as this U-Boot has one copy
        only, its environment has no @number between the checksum and the variables."""
        self.say(*(f'setenv wmopkg.{name} "{value}"' for name, value in values.items()),
                 f"env export -c -s {COPY_BYTES - 1:x} {SINGLE:x} arch {' '.join(KEYS)}",
                 f"cp.b {SINGLE:x} {COPY:x} 4", f"mw.b {COPY + 4:x} {number:x} 1",
                 f"cp.b {SINGLE + 4:x} {COPY + 5:x} {COPY_BYTES - 5:x}",
                 f"virtio write {COPY:x} {start:x} {COPY_BYTES // SECTOR_BYTES:x}",
                 *(f"setenv {name}" for name in KEYS))

    def read(self, start):
        """The keys of a copy, whose checksum U-Boot verifies; in U-Boot they are deleted then."""
        self.say("setenv arch", f"virtio read {COPY:x} {start:x} {COPY_BYTES // SECTOR_BYTES:x}",
                 f"cp.b {COPY:x} {SINGLE:x} 4", f"cp.b {COPY + 5:x} {SINGLE + 4:x} {COPY_BYTES - 5:x}",
                 f"env import -c {SINGLE:x} {COPY_BYTES - 1:x}")
        found = self.device.variables()
        self.say(*(f"setenv {name}" for name in KEYS))
        self.assertEqual(found["arch"], "arm")
        return {name: found[name] for name in KEYS if name in found}

    def test_1_exported(self):
        """All keys are obeyed that the newer copy has, and the reset deletes its own."""
        self.device.start_uboot()
        self.say("setenv boot_targets virtio0", "virtio scan")
        self.export(COPY_STARTS[0], 7, disable="older")
        self.export(COPY_STARTS[1], 8, safe=1, factory_reset=1, media=boards.MEDIUM)
        self.assertIn(boards.FIRMWARE_MOTD, self.device.boot())
        self.assertEqual(self.succeed("uname -m").strip(), boards.MACHINES[boards.NAME])
        shown = self.succeed("wmopkg show")
        self.assert_row("kept", "1.0", "Signed", persistent=True, shown=shown)
        self.assertIn("kept: not active: the boot configuration leaves all packages out", " ".join(shown.split()))
        self.assertNotIn("lost", shown)
        shown = " ".join(self.succeed("wmopkg boot").split())
        for line in ("wmopkg.safe 1 U-Boot environment", "wmopkg.factory_reset - -", "wmopkg.disable - -",
                     f"wmopkg.media {boards.MEDIUM} U-Boot environment"):
            self.assertIn(line, shown)
        self.assertIn("service", self.succeed("wmopkg media"))

    def test_2_imported(self):
        """What Linux has set and cleared; what was cleared is in no copy."""
        self.install("branding")
        self.succeed("wmopkg boot clear safe && wmopkg boot set disable one,two")
        self.device.reboot_to_uboot()
        self.say("setenv boot_targets virtio0", "virtio scan")
        copies = [self.read(start) for start in COPY_STARTS]
        self.assertIn({"wmopkg.disable": "one,two", "wmopkg.media": boards.MEDIUM}, copies)
        for copy in copies:
            self.assertEqual({"wmopkg.safe", "wmopkg.factory_reset"} & copy.keys(), set())

    def test_3_active(self):
        self.assertIn(boards.BRAND_MOTD, self.device.boot())
        shown = self.succeed("wmopkg show")
        self.assert_row("branding", "1.0", "Signed", shown=shown)
        self.assert_row("kept", "1.0", "Signed", persistent=True, shown=shown)
        self.assertEqual(self.succeed("cat /usr/share/notes/replaced"), "the package\n")
        self.assertEqual(self.device.poweroff(), 0)


@unittest.skipUnless(bench.LONG, "only in ./check long")
class Board(bench.MachineTest):
    """Keys of the own environment of this U-Boot, which its script passes on."""

    VARIANT = "board"
    BENCH = boards.BoardBench

    @classmethod
    def prepare(cls):
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.bench.create("brand", cls.bench.tree("rework"), keys=cls.bench.keys)
        cls.device = cls.bench.device()

    def set(self, *lines):
        """At the prompt of U-Boot, and saved."""
        for line in *lines, "saveenv":
            self.assertNotIn("rror", self.device.say(line))

    def test_1_first_start(self):
        """The flash memory is empty, U-Boot has the environment that is built in."""
        self.assertIn("bad CRC, using default environment", self.device.start_uboot())
        self.set("setenv bootdelay 1", "setenv boot_targets virtio0")
        self.assertIn(boards.FIRMWARE_MOTD, self.device.boot())
        self.assertEqual(self.succeed("uname -m").strip(), boards.MACHINES[boards.NAME])
        self.assertEqual(self.succeed("wmopkg show"), "No packages installed.\n")
        self.install("branding")

    def test_2_key_at_the_prompt(self):
        """Saved there, and obeyed at the next boot."""
        self.assertNotIn("bad CRC", self.device.reboot_to_uboot())
        self.set("setenv wmopkg.safe 1", f'setenv wmopkg.media "{boards.MEDIUM}"')
        self.assertEqual(self.device.variables()["wmopkg.safe"], "1")
        self.assertIn(boards.FIRMWARE_MOTD, self.device.boot())
        self.assertIn("branding: not active: the boot configuration leaves all packages out",
                      " ".join(self.succeed("wmopkg show").split()))
        shown = " ".join(self.succeed("wmopkg boot").split())
        self.assertIn("wmopkg.safe 1 kernel command line", shown)
        self.assertIn(f"wmopkg.media {boards.MEDIUM} kernel command line", shown)
        self.assertIn("service", self.succeed("wmopkg media"))

    def test_3_deleted_there(self):
        self.device.reboot_to_uboot()
        self.set("setenv wmopkg.safe")
        self.assertIn(boards.BRAND_MOTD, self.device.boot())
        self.assert_row("branding", "1.0", "Signed")
        self.assertIn("branding 1.0: Signed, active", self.succeed("dmesg"))

    def test_4_reset(self):
        """Once, although U-Boot passes the key again; that of Linux cannot delete it."""
        self.succeed(f"wmopkg install persistent {self.url('brand')}")
        self.device.reboot_to_uboot()
        self.set("setenv wmopkg.factory_reset 1")
        self.assertIn(boards.FIRMWARE_MOTD, self.device.boot())
        shown = self.succeed("wmopkg show")
        self.assert_row("brand", "1.0", "Signed", persistent=True, shown=shown)
        self.assertNotIn("branding", shown)
        self.assertEqual(self.succeed("cat /usr/share/notes/replaced"), "the package\n")
        self.succeed("touch /run/wmopkg/data/kept && sync")
        self.device.reboot()
        self.succeed("test -e /run/wmopkg/data/kept")
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    boards.main()
