# SPDX-License-Identifier: MIT
"""Packages that panic the kernel: the device comes up again by itself, with ever fewer of them.

All steps take some twenty boots: ./check goes as far as the packages on trial, ./check long to
the end. test_it_goes_on of tests/kernel/case_trials.py has all steps of the engine."""

import os

import bench

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
PANIC = "Kernel panic - not syncing: sysrq triggered crash"
BOOTS_S = 900  # four of them, on a busy machine
REASON = "it was left out after boots that were not completed"
HINT = "run 'wmopkg retry NAME', or install another version"
# panics at once, or only from the day on that it finds a file
SERVICE = """#!/bin/sh
[ "$1" = start ] || exit 0
[ -z "{switch}" ] || [ -e "{switch}" ] || exit 0
echo 1 >/proc/sys/kernel/sysrq
echo c >/proc/sysrq-trigger
"""
ORDINARY_SWITCH = "/run/wmopkg/data/panic"
PERSISTENT_SWITCH = "/run/wmopkg/persist/panic"


class Escalation(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        for name, switch in (("panics", ""), ("later", ORDINARY_SWITCH),
                             ("lasting", PERSISTENT_SWITCH)):
            tree = cls.bench.path(f"tree-{name}")
            service = os.path.join(tree, f"etc/init.d/S10{name}")
            os.makedirs(os.path.dirname(service))
            with open(service, "w", encoding="utf-8") as file:
                file.write(SERVICE.format(switch=switch))
            os.chmod(service, 0o755)
            cls.bench.create(name, tree, keys=cls.bench.keys)
        tree = cls.bench.path("tree-upright")
        os.makedirs(os.path.join(tree, "etc"))
        with open(os.path.join(tree, "etc/upright"), "w", encoding="utf-8") as file:
            file.write("here\n")
        cls.bench.create("upright", tree, keys=cls.bench.keys)
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.device = cls.bench.device()
        cls.put_on_data("branding")

    def reboot_through(self, panics):
        """Reboot once, and watch the device panic and come back as often as that."""
        console = self.device.reboot(limit_s=BOOTS_S)
        self.assertEqual(console.count(PANIC), panics, console)
        return console

    def check_quarantined(self, *names):
        """`show`, `show NAME`, the kernel log and the audit log say so, and why."""
        table = self.succeed("wmopkg show")
        shown = " ".join(table.split())
        log, audit = self.succeed("dmesg"), " ".join(self.succeed("wmopkg audit").split())
        for name in names:
            self.assert_row(name, "1.0", "Quarantined", persistent=name == "lasting", shown=table)
            self.assertIn(f"{name}: not active: {REASON} ({HINT})", shown)
            one = " ".join(self.succeed(f"wmopkg show {name}").split())
            self.assertIn("Active: no Verification: Quarantined "
                          f"Reason: {REASON} (quarantined) What to do: {HINT}", one)
            self.assertIn(f"wmopkg: {name} 1.0: Quarantined, not active: "
                          f"quarantined: {REASON}", log)
            self.assertRegex(audit, rf"quarantine {name} 1\.0( \(persistent\))?: Quarantined")

    def test_1_two_on_trial(self):
        """Both are left out, then told apart: the one that panics is quarantined, the other one
        comes back by itself."""
        self.assertIn(BRAND_MOTD, self.device.start())
        self.install("panics")
        self.install("upright")
        self.assertIn(BRAND_MOTD, self.reboot_through(3))
        shown = " ".join(self.succeed("wmopkg show").split())
        log = self.succeed("dmesg")
        self.assertIn("wmopkg: boot not completed: 3 in a row", log)
        self.assertIn("is completed ('wmopkg boot-complete'): panics, upright", log)
        for name in ("panics", "upright"):
            self.assert_row(name, "1.0", "Signed")
            self.assertIn(f"{name}: not active: boots with it were not completed", shown)
        self.exit_with(1, "test -e /etc/upright")
        # the first of them is tried, and panics twice
        self.assertIn(BRAND_MOTD, self.reboot_through(2))
        self.assertIn(BRAND_MOTD, self.reboot_through(0))
        self.assert_row("branding", "1.0", "Signed")
        self.assert_row("upright", "1.0", "Signed")
        self.succeed("test -e /etc/upright")
        self.check_quarantined("panics")
        self.succeed("wmopkg remove upright --yes")

    if bench.LONG:
        def test_2_disabled_retried_and_installed_anew(self):
            self.succeed("wmopkg retry panics")
            # a person at the bootloader leaves it out
            self.device.kill()
            self.assertIn(BRAND_MOTD, self.device.start("wmopkg.disable=panics"))
            self.assertIn("panics: not active: the boot configuration leaves it out",
                          " ".join(self.succeed("wmopkg show").split()))
            self.succeed("wmopkg remove panics --yes")
            self.assertIn(BRAND_MOTD, self.reboot_through(0))

        def test_3_one_that_has_passed(self):
            """None is on trial, so all that are not persistent are left out, and told apart."""
            output = self.succeed(f"wmopkg install persistent {self.url('lasting')}")
            self.assertIn("PKG: Signed", output)
            self.install("later")
            self.assertIn(BRAND_MOTD, self.reboot_through(0))
            self.assertEqual(self.succeed("grep -c passed /run/wmopkg/persist/wmopkg/trials.json"),
                             "3\n")
            self.succeed(f"touch {ORDINARY_SWITCH}; sync")
            self.assertIn(FIRMWARE_MOTD, self.reboot_through(3))
            self.assertIn(BRAND_MOTD, self.reboot_through(0))
            self.assertIn(BRAND_MOTD, self.reboot_through(2))
            self.assertIn(BRAND_MOTD, self.reboot_through(0))
            self.check_quarantined("later")
            self.assert_row("branding", "1.0", "Signed")
            self.assert_row("lasting", "1.0", "Signed", persistent=True)

        def test_4_a_persistent_one(self):
            """The ordinary ones are left out first, then all; the innocent one comes back."""
            self.succeed(f"touch {PERSISTENT_SWITCH}; sync")
            self.assertIn(FIRMWARE_MOTD, self.reboot_through(6))
            self.assertIn(FIRMWARE_MOTD, self.reboot_through(2))
            self.assertIn(BRAND_MOTD, self.reboot_through(0))
            self.check_quarantined("later", "lasting")
            self.succeed(f"rm {PERSISTENT_SWITCH} {ORDINARY_SWITCH}")

        def test_5_all_are_tried_again(self):
            self.succeed("wmopkg retry later")
            self.assertIn("PKG: Signed",
                          self.succeed(f"wmopkg install persistent {self.url('lasting')}"))
            self.assertIn(BRAND_MOTD, self.reboot_through(0))
            for name in ("branding", "later", "lasting"):
                self.assert_row(name, "1.0", "Signed", persistent=name == "lasting")
            self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
