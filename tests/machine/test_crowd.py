# SPDX-License-Identifier: MIT
"""DATA is full of what somebody put there, and the watchdog gives a boot thirty seconds: the device
comes up with the package of PERSIST and with the one of DATA that it has used before."""

import os
import subprocess

import bench

BRAND_MOTD = "Property of ACME Power & Water."
WATCHDOG = "device.watchdog_s=30 rdinit=/first"
LINKS = 10000
JUNK = 60
JUNK_BYTES = 70000
# Boots that the watchdog ends before DATA is left out, and some more.
BOOTS_S = 600


class Crowd(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.bench.create("rework", cls.bench.tree("rework"), keys=cls.bench.keys)
        cls.bench.create("stranger", cls.bench.tree("rework"))
        cls.device = cls.bench.device()
        cls.put_on_persist("branding")
        cls.put_on_data("rework")

    def test_1_good_packages(self):
        self.assertIn(BRAND_MOTD, self.device.start())
        self.assertIn('"name":"rework"', self.succeed("cat /run/wmopkg/persist/wmopkg/good.json"))
        self.assertEqual(self.device.poweroff(), 0)

    def test_2_data_is_filled(self):
        """Thousands of names of one package, and files that begin like packages."""
        lines = [f"write {self.bench.package_path('stranger')} packages/a.wmopkg", "cd packages"]
        for number in range(JUNK):
            path = self.bench.path(f"junk{number}")
            with open(path, "wb") as file:
                file.write(b"WMOPKG01" + (1000).to_bytes(4, "little") +
                           (63000).to_bytes(4, "little") + os.urandom(JUNK_BYTES))
            lines.append(f"write {path} b{number:02}.wmopkg")
        lines += [f"ln a.wmopkg l{number:05}.wmopkg" for number in range(LINKS)]
        lines.append(f"sif a.wmopkg links_count {LINKS + 1}")
        done = subprocess.run(["debugfs", "-w", "-f", "/dev/stdin",
                               f"{self.device.disk}?offset={bench.DATA_START}"],
                              input="\n".join(lines) + "\n", check=True, capture_output=True,
                              text=True)
        self.assertNotIn("not found", done.stderr)

    def test_3_it_comes_up(self):
        self.assertIn(BRAND_MOTD, self.device.start(WATCHDOG, limit_s=BOOTS_S))
        shown = self.succeed("wmopkg show")
        self.assert_row("branding", "1.0", "Signed", persistent=True, shown=shown)
        self.assert_row("rework", "1.0", "Signed", shown=shown)
        log = self.succeed("dmesg")
        # not because files were left out after several boots that the watchdog ended
        self.assertNotIn("of DATA only packages are verified that were active", log)
        self.assertNotIn("DATA is left out", log)
        self.assertIn("wmopkg: branding 1.0: Signed, active", log)
        self.assertIn("wmopkg: rework 1.0: Signed, active", log)
        self.assertEqual(log.count("not listed: "), 1, log)
        self.assertIn("more hard links to packages", shown)
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
