# SPDX-License-Identifier: MIT
"""With a watchdog that counts: storage that cannot be written keeps no device from coming up."""

import subprocess

import bench

BRAND_MOTD = "Property of ACME Power & Water."
WATCHDOG = "device.watchdog_s=60"
PERSIST_START = 233 << 20  # tests/device/build puts it there


class Watchdog(bench.MachineTest):
    @classmethod
    def prepare(cls):
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.device = cls.bench.device()

    def set_persist(self, feature):
        """Have the file system of PERSIST this feature from the next boot on."""
        subprocess.run(["tune2fs", "-O", feature, f"{self.device.disk}?offset={PERSIST_START}"],
                       check=True, stdout=subprocess.DEVNULL)

    def check_fed(self):
        self.assertIn("watchdog -t 5", self.succeed("ps"))

    def test_1_it_counts_and_is_fed(self):
        self.device.start(WATCHDOG)
        self.install("branding")
        self.assertIn(BRAND_MOTD, self.device.reboot())
        self.check_fed()
        self.assertEqual(self.device.poweroff(), 0)

    def test_2_persist_is_read_only(self):
        """Nothing can be remembered, and boot-complete says so: the boot was good all the same."""
        self.set_persist("read-only")
        self.assertIn(BRAND_MOTD, self.device.start(WATCHDOG))
        status, output = self.device.run("wmopkg boot-complete")
        self.assertEqual(status, 1)
        self.assertIn("Read-only file system", output)
        self.assertIn("wmopkg: trials: this boot is not counted: trials.json: "
                      "Read-only file system", self.succeed("dmesg"))
        self.check_fed()
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
