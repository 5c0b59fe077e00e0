# SPDX-License-Identifier: MIT
"""A brand, a factory configuration, a service and a licence; two of them persistent. What is
left of them after a factory reset, and what the device is reset to."""

import bench

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
BRAND_PAGE = "<h1>ACME</h1><p>Industrial Router 3000</p>"
QUESTION = "Reset to factory, deleting all but persistent packages (y/N)?"
CONFIG = "/run/wmopkg/data/config"
ADDRESS = "address = 192.0.2.1\n"
KEPT = ("brand", "factory")
LOST = ("nginx", "licence")


class Reset(bench.MachineTest):
    @classmethod
    def prepare(cls):
        for name in ("brand", "factory", "nginx", "licence"):
            # its page lies over that of the web server
            options = ("--priority", "10") if name == "brand" else ()
            cls.bench.create(name, cls.bench.tree(name), keys=cls.bench.keys, options=options)
        cls.device = cls.bench.device()

    def check_reset(self, console):
        """What every reset of this device ends in."""
        self.assertIn(BRAND_MOTD, console)
        for name in KEPT:
            self.assert_row(name, "1.0", "Signed", persistent=True)
        shown = self.succeed("wmopkg show")
        for name in LOST:
            self.assertNotIn(name, shown)
        self.assertEqual(self.succeed(f"cat {CONFIG}/network"), ADDRESS)
        self.assertEqual(self.succeed("hostname"), "acme\n")
        self.exit_with(1, "test -e /etc/licence/features")
        self.exit_with(1, "test -e /run/wmopkg/data/leftover")
        self.assertIsNone(self.fetch())

    def test_1_installed(self):
        self.device.start()
        for name in KEPT:
            self.assertIn("PKG: Signed", self.succeed(f"wmopkg install persistent {self.url(name)}"))
        for name in LOST:
            self.install(name)
        self.assertIn(BRAND_MOTD, self.device.reboot())
        self.assertIn(BRAND_PAGE, self.fetch())
        self.assertEqual(self.succeed("hostname"), "acme\n")
        self.assertEqual(self.succeed("cat /etc/licence/features"), "routing = ospf, bgp\n")
        self.assertEqual(self.succeed(f"cat {CONFIG}/network"), ADDRESS)

    def test_2_used(self):
        """Somebody sets it up, and leaves things behind."""
        self.succeed(f"echo 'address = 198.51.100.7' >{CONFIG}/network")
        self.succeed("mkdir -p /run/wmopkg/data/leftover/deep && "
                     "touch /run/wmopkg/data/leftover/deep/file && sync")
        self.assertIn(BRAND_MOTD, self.device.reboot())
        self.assertEqual(self.succeed(f"cat {CONFIG}/network"), "address = 198.51.100.7\n")

    def test_3_asked_and_denied(self):
        status, output = self.device.run("wmopkg factory-reset", [(QUESTION, "n")])
        self.assertEqual(status, 1, output)
        self.assertIn(BRAND_MOTD, self.device.reboot())
        self.assert_row("nginx", "1.0", "Signed")

    def test_4_reset(self):
        status, output = self.device.run("wmopkg factory-reset", [(QUESTION, "y")])
        self.assertEqual(status, 0, output)
        self.assertIn("Factory reset requested... It takes place at the next reboot.", output)
        console = self.device.reboot()
        self.check_reset(console)
        log = self.succeed("dmesg")
        self.assertIn("wmopkg: factory reset: done: DATA is empty", log)
        self.assertIn("wmopkg: factory configuration: seeded DATA/config", log)
        self.assertIn("factory-reset", self.succeed("wmopkg audit"))

    def test_5_it_happens_once(self):
        self.install("licence")
        self.device.reboot()
        self.assert_row("licence", "1.0", "Signed")

    def test_6_the_bootloader_asks_and_the_power_goes(self):
        self.install("nginx")
        self.succeed("touch /run/wmopkg/data/leftover; sync")
        self.assertEqual(self.device.poweroff(), 0)
        self.device.start("wmopkg.factory_reset=1", until="wmopkg: factory reset: deleting")
        self.device.kill()
        # the journal remembers, whatever the bootloader says now
        self.check_reset(self.device.start())
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
