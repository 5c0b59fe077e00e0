# SPDX-License-Identifier: MIT
"""The U-Boot environment on the disk: written by `wmopkg boot`, obeyed at the next boot, and
whole whenever the power goes."""

import os
import random
import subprocess
import time

import bench

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
ENV_START = 249 << 20
COPY_STARTS = (0, 0x10000)
COPY_BYTES = 0x4000
CUTS = 3 if bench.LONG else 1


class Uboot(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.device = cls.bench.device()
        cls.put_on_data("branding")

    def environment(self):
        """What U-Boot would read off the disk, as its own tool reads it."""
        copy, config = self.bench.path("env.img"), self.bench.path("fw_env.config")
        with open(self.device.disk, "rb") as disk, open(copy, "wb") as file:
            disk.seek(ENV_START)
            file.write(disk.read(1 << 20))
        with open(config, "w", encoding="ascii") as file:
            file.writelines(f"{copy} {start:#x} {COPY_BYTES:#x}\n" for start in COPY_STARTS)
        done = subprocess.run(["fw_printenv", "-c", config], check=True, capture_output=True,
                              text=True)
        self.assertNotIn("default environment", done.stderr)
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def test_1_said_and_obeyed(self):
        self.assertIn(BRAND_MOTD, self.device.start())
        self.assertEqual(bench.unwrapped(self.succeed("wmopkg boot set disable branding")),
                         "wmopkg.disable=branding, until 'wmopkg boot clear disable'. Changes are "
                         "applied after reboot.\n")
        self.assertIn(FIRMWARE_MOTD, self.device.reboot())
        self.assertIn("branding: not active: the boot configuration leaves it out",
                      " ".join(self.succeed("wmopkg show").split()))
        shown = " ".join(self.succeed("wmopkg boot").split())
        self.assertIn("wmopkg.disable branding U-Boot environment", shown)
        self.succeed("wmopkg boot clear disable")
        if bench.LONG:
            self.assertIn(BRAND_MOTD, self.device.reboot())
            self.assert_row("branding", "1.0", "Signed")

    def test_2_safe_mode_until_it_is_cleared(self):
        self.succeed("wmopkg boot set safe 1")
        # once more than until it was obeyed
        for _ in range(2):
            self.assertIn(FIRMWARE_MOTD, self.device.reboot())
        self.assertNotIn("wmopkg.disable", self.succeed("wmopkg boot | grep branding || true"))
        self.succeed("wmopkg boot clear safe")
        self.assertIn(BRAND_MOTD, self.device.reboot())
        self.assertEqual(self.environment(),
                         {"bootdelay": "2", "bootcmd": "run bootcmd_mmc0"})

    def test_3_the_power_goes_while_it_is_written(self):
        chance = random.Random(1)
        found = []
        for number in range(CUTS):
            if number:
                self.device.start()
            self.device.type("while :; do wmopkg boot set disable one >/dev/null; "
                             "wmopkg boot set disable two >/dev/null; done")
            time.sleep(2 + chance.random() * 3)
            self.device.kill()
            environment = self.environment()
            self.assertEqual(environment["bootcmd"], "run bootcmd_mmc0")
            found.append(environment.get("wmopkg.disable"))
            self.assertIn(found[-1], ("one", "two"))
        print("what it said after each cut:", found)

    def test_4_one_copy_is_damaged(self):
        with open(self.device.disk, "r+b") as disk:
            disk.seek(ENV_START + COPY_STARTS[0] + 100)
            disk.write(os.urandom(16))
        self.device.start()
        self.assertIn("U-Boot environment", self.succeed("wmopkg boot"))
        self.succeed("wmopkg boot set disable three")
        self.assertEqual(self.device.poweroff(), 0)
        self.assertEqual(self.environment()["wmopkg.disable"], "three")


if __name__ == "__main__":
    bench.main()
