# SPDX-License-Identifier: MIT
"""A package that hangs the boot: the watchdog ends each of these boots, and after three of them the
device comes up again by itself, without the package."""

import os

import bench

STUCK = "stuck: waiting for a line that nobody ever sends"
SERVICE = f"""#!/bin/sh
[ "$1" = start ] || exit 0
echo "{STUCK}" >/dev/console
while :; do sleep 3600; done
"""
REASON = "it was left out after boots that were not completed"
HINT = "run 'wmopkg retry NAME', or install another version"
FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
# As long as a boot may take. A busy machine takes a while, and six boots take all of it.
WATCHDOG = "device.watchdog_s=60 rdinit=/first"
BOOTS_S = 900


class Quarantine(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        tree = cls.bench.path("tree-stuck")
        service = os.path.join(tree, "etc/init.d/S10stuck")
        os.makedirs(os.path.dirname(service))
        with open(service, "w", encoding="utf-8") as file:
            file.write(SERVICE)
        os.chmod(service, 0o755)
        cls.bench.create("stuck", tree, keys=cls.bench.keys)
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.device = cls.bench.device()
        cls.put_on_data("branding")

    def test_1_a_good_package_passes(self):
        self.assertIn(BRAND_MOTD, self.device.start())
        record = self.succeed("cat /run/wmopkg/persist/wmopkg/trials.json")
        self.assertIn('"completed": true', record)
        self.assertIn('"state": "passed"', record)

    def test_2_one_that_hangs_the_boot_is_installed(self):
        self.assertIn("PKG: Signed", self.install("stuck"))
        self.assertEqual(self.device.poweroff(), 0)

    def test_3_three_boots_hang_and_the_fourth_comes_up(self):
        console = self.device.start(WATCHDOG, limit_s=BOOTS_S)
        self.assertEqual(console.count(STUCK), 3)
        self.assertIn(BRAND_MOTD, console)
        table = self.succeed("wmopkg show")
        self.assert_row("branding", "1.0", "Signed", shown=table)
        self.assert_row("stuck", "1.0", "Quarantined", shown=table)
        shown = " ".join(table.split())
        self.assertIn(f"stuck: not active: {REASON} ({HINT})", shown)
        one = " ".join(self.succeed("wmopkg show stuck").split())
        self.assertIn(f"Active: no Verification: Quarantined Reason: {REASON} (quarantined) "
                      f"What to do: {HINT} This boot:", one)
        log = self.succeed("dmesg")
        self.assertIn("wmopkg: boot not completed: 3 in a row with these packages", log)
        self.assertIn(f"wmopkg: stuck 1.0: Quarantined, not active: quarantined: {REASON}", log)
        self.assertIn("wmopkg: branding 1.0: Signed, active", log)

    def test_4_the_watchdog_is_fed(self):
        """A boot that was completed is not ended."""
        self.assertIn("watchdog -t 5", self.succeed("ps"))
        self.assertEqual(self.succeed("cd /sys/class/watchdog/watchdog0; cat timeout nowayout state"),
                         "60\n1\nactive\n")

    if bench.LONG:
        # the kernel tier has these steps of the engine, too: case_trials.py
        def test_5_it_stays_out(self):
            self.assertIn(BRAND_MOTD, self.device.reboot())
            self.assert_row("stuck", "1.0", "Quarantined")

        def test_6_retried_it_hangs_again(self):
            self.assertEqual(self.succeed("wmopkg retry stuck"),
                             "stuck is tried again at the next boot.\n")
            self.assertIn("stuck: active after reboot", self.succeed("wmopkg show"))
            self.assertEqual(self.device.poweroff(), 0)
            self.device.start(until=STUCK)
            self.device.kill()

        def test_7_removed_in_safe_mode(self):
            console = self.device.start("wmopkg.safe")
            self.assertIn(FIRMWARE_MOTD, console)
            self.succeed("wmopkg remove stuck --yes")
            self.assertEqual(self.device.poweroff(), 0)
            self.assertIn(BRAND_MOTD, self.device.start())
            self.assertNotIn("stuck", self.succeed("wmopkg show"))
            self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
