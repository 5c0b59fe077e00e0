# SPDX-License-Identifier: MIT
"""A package that leaves the system without a C library: the watchdog ends each of these boots, and
after three of them the device comes up again by itself, without the package."""

import os

import bench
import console

BRAND_MOTD = "Property of ACME Power & Water."
# As long as a boot may take. A busy machine takes a while, and six boots take all of it.
WATCHDOG = "device.watchdog_s=60 rdinit=/first"
BOOTS_S = 900
LIBC = "usr/lib/x86_64-linux-gnu/libc.so.6"


class Rubbish(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        tree = cls.bench.path("tree-rubbish")
        library = os.path.join(tree, LIBC)
        os.makedirs(os.path.dirname(library))
        with open(library, "wb") as file:
            file.write(os.urandom(1 << 20))
        cls.bench.create("rubbish", tree, keys=cls.bench.keys)
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.device = cls.bench.device()

    def test_1_the_c_library_is_rubbish(self):
        """Init itself needs none on this device, and all that counts does."""
        self.device.start(WATCHDOG)
        self.install("branding")
        self.assertIn(BRAND_MOTD, self.device.reboot())
        output = self.install("rubbish")
        self.assertIn(LIBC, output)
        self.device.type("reboot")
        for _ in range(3):
            self.device.expect(BRAND_MOTD, BOOTS_S)
        # what is typed before is lost
        self.device.expect(console.PROMPT, BOOTS_S)
        status, _ = self.device.run("wmopkg show")
        self.assertNotEqual(status, 0)
        self.device.expect(BRAND_MOTD, BOOTS_S)
        self.device.expect(console.PROMPT, BOOTS_S)
        self.assert_row("rubbish", "1.0", "Quarantined")
        self.assert_row("branding", "1.0", "Signed")
        self.assertIn("wmopkg: boot not completed: 3 in a row", self.succeed("dmesg"))
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
