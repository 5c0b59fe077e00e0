# SPDX-License-Identifier: MIT
"""A package whose C library, loader and other libraries are rubbish: those of the firmware stay,
so the device comes up with it, and the package can be removed."""

import os

import bench

BRAND_MOTD = "Property of ACME Power & Water."
FOLDER = "usr/lib/x86_64-linux-gnu"
LIBC = FOLDER + "/libc.so.6"
FILES = (LIBC, FOLDER + "/ld-linux-x86-64.so.2", FOLDER + "/libjson-c.so.5",
         FOLDER + "/libcrypto.so.3", "etc/ld.so.cache")


class Rubbish(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        tree = cls.bench.path("tree-rubbish")
        for path in FILES:
            place = os.path.join(tree, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(os.urandom(1 << 18))
        cls.bench.create("rubbish", tree, keys=cls.bench.keys)
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        cls.device = cls.bench.device()
        cls.put_on_data("branding", "rubbish")

    def test_1_the_c_library_is_rubbish(self):
        self.assertIn(BRAND_MOTD, self.device.start())
        self.assert_row("rubbish", "1.0", "Signed")
        self.assertIn("kept: wmopkg needs it (", self.succeed("dmesg"))
        self.assertIn("file of the firmware", self.succeed("wmopkg which /" + LIBC))
        # it works as before, and says so of the same package
        output = bench.unwrapped(self.install("rubbish"))
        self.assertIn("and 4 more: wmopkg needs it, and keeps the firmware's own", output)
        self.succeed("wmopkg remove rubbish --yes")
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
