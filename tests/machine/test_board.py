# SPDX-License-Identifier: MIT
"""An ARM board that Debian's U-Boot starts: packages, and the keys that are set at its prompt.

	test_board.py [arm64 | armhf]

This U-Boot keeps its environment where Linux cannot read it, so its boot script passes the keys on
the kernel command line; see tests/device/board.cmd.
"""

import bench
import board
import boards


class Board(bench.MachineTest):
    VARIANT = "board"
    BENCH = boards.BoardBench

    @classmethod
    def prepare(cls):
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.bench.create("brand", cls.bench.tree("rework"), keys=cls.bench.keys)
        cls.device = board.Board(cls.bench.built, cls.bench.folder, boards.NAME)

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
