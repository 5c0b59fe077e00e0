# SPDX-License-Identifier: MIT
"""What every way into a system has to do: each kind of initramfs is put to the same test."""

import os

import bench

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."


class Way(bench.MachineTest):
    """A device that is started in one way; see VARIANT of tests/device/build."""

    FSCK_LOG = "/run/wmopkg-fsck.log"
    # The first boot, without packages, and the first installation. Without it a package is in the
    # store from the start.
    BARE = True

    @classmethod
    def prepare(cls):
        branding = cls.bench.tree("branding")
        os.makedirs(os.path.join(branding, "etc/factory-config"))
        with open(os.path.join(branding, "etc/factory-config/name"), "w", encoding="ascii") as file:
            file.write("acme\n")
        cls.bench.create("branding", branding, keys=cls.bench.keys)
        cls.bench.create("rework", cls.bench.tree("rework"), keys=cls.bench.keys)
        cls.bench.create("unsigned", cls.bench.tree("rework"))
        cls.device = cls.bench.device()
        if not cls.BARE:
            cls.put_on_data("branding")

    def test_1_comes_up(self):
        self.assertIn(FIRMWARE_MOTD, self.device.start())
        self.assertEqual(self.succeed("wmopkg show"), "No packages installed.\n")
        self.assertIn("clean", self.succeed(f"cat {self.FSCK_LOG}"))
        self.install("branding")
        self.exit_with(3, f"wmopkg install {self.url('unsigned')}")
        self.assertEqual(self.device.poweroff(), 0)

    def test_2_one_good_one_unsigned_one_damaged(self):
        with open(self.bench.package_path("rework"), "rb") as file:
            package = bytearray(file.read())
        package[-2000] ^= 1
        damaged = self.bench.path("damaged.wmopkg")
        with open(damaged, "wb") as file:
            file.write(package)
        bench.write_to_data(self.device.disk, damaged, "packages/damaged.wmopkg")
        bench.write_to_data(self.device.disk, self.bench.package_path("unsigned"),
                            "packages/unsigned.wmopkg")
        self.assertIn(BRAND_MOTD, self.device.start())
        self.assertIn("clean", self.succeed(f"cat {self.FSCK_LOG}"))
        table = self.succeed("wmopkg show")
        self.assert_row("branding", "1.0", "Signed", shown=table)
        self.assert_row("unsigned", "1.0", "Unsigned", shown=table)
        self.assert_row("damaged", "1.0", "Invalid", shown=table)
        shown = " ".join(table.split())
        self.assertIn("unsigned: not active: it has no signature", shown)
        self.assertIn("damaged: not active: image: block", shown)
        self.assertEqual(self.succeed("cat /etc/issue"), "ACME Industrial Router 3000\n")
        self.assertEqual(self.succeed("cat /usr/share/notes/replaced"), "the firmware\n")

    def test_3_what_a_boot_leaves(self):
        self.assertEqual(self.succeed("cat /run/wmopkg/data/config/name"), "acme\n")
        self.assertIn("branding 1.0: Signed, active", self.succeed("dmesg"))
        self.assertIn('"state": "passed"', self.succeed("cat /run/wmopkg/persist/wmopkg/trials.json"))
        plan = self.succeed("wmopkg-activate --plan")
        self.assertIn("branding 1.0: Signed, active", plan)
        self.assertIn("judge", self.succeed("wmopkg show boot"))

    def test_4_safe_mode(self):
        self.assertEqual(self.device.poweroff(), 0)
        self.assertIn(FIRMWARE_MOTD, self.device.start("wmopkg.safe"))
        self.assertIn("branding: not active: the boot configuration leaves all packages out",
                      " ".join(self.succeed("wmopkg show").split()))
        self.assertIn(BRAND_MOTD, self.boot_again())

    def boot_again(self):
        self.assertEqual(self.device.poweroff(), 0)
        return self.device.start()
