# SPDX-License-Identifier: MIT
"""With a watchdog that counts: storage that cannot be written keeps no device from coming up."""

import subprocess

import bench

BRAND_MOTD = "Property of ACME Power & Water."
# Neither the default of the driver, nor that of the program that feeds it.
WATCHDOG_S = 75
WATCHDOG = f"device.watchdog_s={WATCHDOG_S} rdinit=/first"
SYSFS = "/sys/class/watchdog/watchdog0"


class Watchdog(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.device = cls.bench.device()
        cls.put_on_data("branding")

    def set_persist(self, feature):
        """Have the file system of PERSIST this feature from the next boot on."""
        subprocess.run(["tune2fs", "-O", feature, f"{self.device.disk}?offset={bench.PERSIST_START}"],
                       check=True, stdout=subprocess.DEVNULL)

    def check_fed(self):
        """It counts, with the figures that were asked for, and nothing can stop it."""
        self.assertIn("watchdog -t 5", self.succeed("ps"))
        self.assertEqual(self.succeed(f"cd {SYSFS}; cat identity timeout nowayout state"),
                         f"i6300ESB timer\n{WATCHDOG_S}\n1\nactive\n")

    def check_armed(self):
        """Also for who feeds it and ends in good order, which is what stops other watchdogs."""
        self.succeed("killall watchdog; while pidof watchdog; do sleep 1; done")
        self.assertEqual(self.succeed(f"cat {SYSFS}/state"), "active\n")
        self.assertIn("watchdog did not stop!", self.succeed("dmesg"))
        self.succeed("/etc/init.d/S99zwatchdog start")
        self.check_fed()

    def test_1_it_counts_and_is_fed(self):
        self.assertIn(BRAND_MOTD, self.device.start(WATCHDOG))
        self.check_fed()
        self.check_armed()
        # the next boot has something to remember: that it was completed
        self.succeed(r"sed -i 's/\(completed.: \)true/\1false/' /run/wmopkg/persist/wmopkg/trials.json")
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
