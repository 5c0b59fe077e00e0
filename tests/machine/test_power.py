# SPDX-License-Identifier: MIT
"""The power is cut while a package is installed: the next boot has the old or the new one."""

import os
import time

import bench

BIG_BYTES = 8 << 20
# The power goes when so much of the package has arrived.
CUTS_BEFORE_THE_END = (0.1, 0.9) if bench.LONG else (0.9,)
# The power goes so long after the last byte was sent: while it is written, synced, named.
CUTS_AFTER_THE_END_S = (0, 0.2, 0.5) if bench.LONG else (0,)
MOTD = {"1.0": "Property of ACME", "2.0": "version two"}


class Power(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        tree = cls.bench.tree("branding")
        old = cls.bench.create("branding", tree, keys=cls.bench.keys, version="1.0")
        os.mkdir(cls.bench.path("packages", "old"))
        os.rename(old, cls.bench.path("packages", "old", "branding.wmopkg"))
        with open(os.path.join(tree, "etc", "motd"), "w", encoding="ascii") as motd:
            motd.write("version two\n")
        with open(os.path.join(tree, "etc", "big"), "wb") as big:
            big.write(os.urandom(BIG_BYTES))
        cls.bench.create("branding", tree, keys=cls.bench.keys, version="2.0")
        cls.device = cls.bench.device()

    def old_or_new(self, console):
        """One of the two versions is installed and active, whole; which one."""
        output = self.succeed("wmopkg show")
        present = [version for version in MOTD if f" {version} " in output]
        self.assertEqual(len(present), 1, output)
        self.assert_row("branding", present[0], "Signed")
        self.assertIn(MOTD[present[0]], console)
        return present[0]

    def restart(self):
        self.device.kill()
        return self.old_or_new(self.device.start())

    def test_1_before_the_last_byte(self):
        self.device.start()
        for share in CUTS_BEFORE_THE_END:
            self.server.hold_at = None
            size = os.path.getsize(self.bench.package_path("branding"))
            self.install("old/branding")
            self.server.hold_at = int(size * share)
            self.server.held.clear()
            self.device.type(f"wmopkg install {self.url('branding')}")
            self.assertTrue(self.server.held.wait(60), "nobody came for the package")
            # let it take in and write what is on its way
            time.sleep(1)
            self.assertEqual(self.restart(), "1.0")
        self.server.hold_at = None

    def test_2_after_the_last_byte(self):
        outcomes = []
        for delay_s in CUTS_AFTER_THE_END_S:
            if outcomes:
                self.install("old/branding")
            self.server.served.clear()
            self.device.type(f"wmopkg install {self.url('branding')}")
            self.assertTrue(self.server.served.wait(60), "nobody came for the package")
            time.sleep(delay_s)
            outcomes.append(self.restart())
        print(f"cut {CUTS_AFTER_THE_END_S} s after the last byte: {outcomes}")

    def test_3_leftovers_are_cleared(self):
        """Of an installation; what it replaced is kept until the reboot, or until it is back."""
        self.install("branding")
        self.assertEqual(self.succeed("ls -A /run/wmopkg/data/packages").split(),
                         ["._1_branding.wmopkg.new", "branding.wmopkg"])
        self.succeed("wmopkg undo --yes")
        self.assertEqual(self.succeed("ls -A /run/wmopkg/data/packages"), "branding.wmopkg\n")
        self.device.poweroff()


if __name__ == "__main__":
    bench.main()
