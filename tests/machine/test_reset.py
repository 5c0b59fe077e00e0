# SPDX-License-Identifier: MIT
"""The packages of docs/examples, two of them persistent: what they do together, what is left of
them after a factory reset, and what the device is reset to."""

import json
import subprocess
import unittest

import bench

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
PAGE = "Served by a package."
QUESTION = "Reset to factory, deleting all but persistent packages (y/N)?"
PURGE_QUESTION = "Purge this device, deleting all that it has and remembers (y/N)?"
CONFIG = "/run/wmopkg/data/config"
REQUEST = "/run/wmopkg/persist/wmopkg/factory-reset"
CONSOLE_ONLY = "allowed only on the serial console of this device"
ADDRESS = "address = 192.0.2.1\n"
KEPT = ("branding", "factory-configuration")
LOST = ("service", "licence", "workaround")


class Reset(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        for name in KEPT + LOST:
            cls.bench.create(name, cls.bench.tree(name), keys=cls.bench.keys)
        cls.device = cls.bench.device()
        cls.put_on_persist(*KEPT)
        cls.put_on_data(*LOST)

    def check_reset(self, console):
        """What every reset of this device ends in."""
        self.assertIn(BRAND_MOTD, console)
        shown = self.succeed("wmopkg show")
        for name in KEPT:
            self.assert_row(name, "1.0", "Signed", persistent=True, shown=shown)
        for name in LOST:
            self.assertNotIn(name, shown)
        self.assertEqual(self.succeed(f"cat {CONFIG}/network"), ADDRESS)
        self.exit_with(1, "licensed ospf")
        self.exit_with(1, "test -e /run/wmopkg/data/leftover")
        self.assertIsNone(self.fetch())

    def test_1_installed(self):
        self.assertIn(BRAND_MOTD, self.device.start())
        self.assertEqual(self.succeed("cat /etc/issue"), "ACME Industrial Router 3000\n")
        self.assertIn(PAGE, self.fetch() or "nobody answers")
        self.succeed("licensed ospf && ! licensed mpls")
        self.assertEqual(self.succeed(f"cat {CONFIG}/network"), ADDRESS)
        # the workaround
        self.assertIn(" 127.0.0.1:8080 ", self.succeed("netstat -ltn"))
        self.assertIn("Changes: adds 7, replaces 3\n", self.succeed("wmopkg conflicts"))

    def test_2_used(self):
        """Somebody sets it up, installs a package again, and leaves things behind."""
        self.assertIn("PKG: Signed", self.succeed(f"wmopkg install persistent {self.url(KEPT[0])}"))
        self.succeed(f"echo 'address = 198.51.100.7' >{CONFIG}/network")
        self.succeed("mkdir -p /run/wmopkg/data/leftover/deep && "
                     "touch /run/wmopkg/data/leftover/deep/file && sync")

    def test_3_asked_and_denied(self):
        """What it was set up to and what is installed is there after the next boot."""
        status, output = self.device.run("wmopkg factory-reset", [(QUESTION, "n")])
        self.assertEqual(status, 1, output)
        self.exit_with(1, f"test -e {REQUEST}")
        if bench.LONG:
            self.assertIn(BRAND_MOTD, self.device.reboot())
            self.assert_row("service", "1.0", "Signed")
            self.assertEqual(self.succeed(f"cat {CONFIG}/network"), "address = 198.51.100.7\n")

    def test_4_reset(self):
        status, output = self.device.run("wmopkg factory-reset", [(QUESTION, "y")])
        self.assertEqual(status, 0, output)
        self.assertIn("Factory reset requested... It takes place at the next reboot.", output)
        # asked for twice it is one reset
        self.check_reset(self.device.reboot(command="wmopkg factory-reset --yes --reboot"))
        log = self.succeed("dmesg")
        self.assertIn("wmopkg: factory reset: done: DATA is empty", log)
        self.assertIn("wmopkg: factory configuration: seeded DATA/config", log)
        self.assertIn("factory-reset", self.succeed("wmopkg audit"))

    def test_5_it_happens_once(self):
        self.install("licence")
        self.device.reboot()
        self.assert_row("licence", "1.0", "Signed")

    def test_6_the_bootloader_asks_and_the_power_goes(self):
        self.install("service")
        self.succeed("touch /run/wmopkg/data/leftover; sync")
        self.assertEqual(self.device.poweroff(), 0)
        self.device.start("wmopkg.factory_reset=1", until="wmopkg: factory reset: deleting")
        self.device.kill()
        # the journal remembers, whatever the bootloader says now
        self.check_reset(self.device.start())

    def test_7_from_the_serial_console_alone(self):
        """Where the device is configured so: root elsewhere, over the network say, may not."""
        self.succeed("cp /etc/wmopkg/wmopkg.conf /run/conf && "
                     "echo 'factory_reset = \"console\"' >>/run/conf && "
                     "mount --bind /run/conf /etc/wmopkg/wmopkg.conf")
        output = self.succeed("sh -c 'setsid wmopkg factory-reset --yes; echo ended with $?'")
        self.assertIn(CONSOLE_ONLY, output)
        self.assertIn("ended with 1", output)
        self.exit_with(1, f"test -e {REQUEST}")
        self.succeed("wmopkg factory-reset --yes")
        self.succeed(f"test -e {REQUEST}")
        self.assertEqual(self.device.poweroff(), 0)

    def data_names(self):
        """What the file system of DATA is called."""
        shown = subprocess.run(["dumpe2fs", "-h", f"{self.device.disk}?offset={bench.DATA_START}"],
                               check=True, capture_output=True, text=True).stdout
        return [line for line in shown.splitlines()
                if line.startswith(("Filesystem volume name:", "Filesystem UUID:"))]

    def test_8_nothing_is_left_of_data(self):
        """It is made anew where it was, under the names that it had."""
        names = self.data_names()
        self.assertEqual(len(names), 2)
        with open(self.device.disk, "r+b") as disk:
            disk.seek(bench.DATA_START)
            for _ in range(bench.DATA_BYTES >> 20):
                disk.write(b"\xff" * (1 << 20))
        self.check_reset(self.device.start())
        self.assertIn("wmopkg: factory reset: making a new file system on DATA",
                      self.succeed("dmesg"))
        self.assertIn("done, DATA formatted", self.succeed("wmopkg audit"))
        self.assertEqual(self.data_names(), names)

    def write_to_persist(self, name, text):
        path = self.bench.path("record")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        bench.write_to_persist(self.device.disk, path, f"wmopkg/{name}")

    @unittest.skipUnless(bench.LONG, "kernel-reset_attack has it for each partition")
    def test_9_a_record_names_the_firmware(self):
        """While it is off, PERSIST is made to say that DATA is the firmware's partition, and what
        is on DATA cannot be recognised: only the configuration says what is DATA."""
        self.assertEqual(self.device.poweroff(), 0)
        firmware = bench.digest(self.device.disk, bench.FIRMWARE_START, bench.FIRMWARE_BYTES)
        self.write_to_persist("data.json", json.dumps({
            "format": 1, "type": "ext4", "label": "data",
            "place": f"PARTUUID={bench.partuuid(self.device.disk, 2)}",
            "bytes": bench.FIRMWARE_BYTES}))
        self.write_to_persist("factory-reset", "")
        with open(self.device.disk, "r+b") as disk:
            disk.seek(bench.DATA_START)
            disk.write(bytes(bench.DATA_BYTES))
        self.check_reset(self.device.start())
        self.assertIn("making a new file system on DATA (/dev/vda3, ext4)", self.succeed("dmesg"))
        self.assertEqual(bench.digest(self.device.disk, bench.FIRMWARE_START,
                                      bench.FIRMWARE_BYTES), firmware)

    def test_a_purge(self):
        """It is given away: nothing is left of what it was."""
        status, output = self.device.run("wmopkg factory-reset --purge", [(PURGE_QUESTION, "y")])
        self.assertEqual(status, 0, output)
        self.assertIn("Rollback protection starts from zero", output)
        self.assertIn("Purge requested... It takes place at the next reboot.", output)
        self.assertIn(FIRMWARE_MOTD, self.device.reboot())
        self.assertEqual(self.succeed("wmopkg show"), "No packages installed.\n")
        self.assertIn("done: DATA is empty, and so is PERSIST", self.succeed("dmesg"))
        self.assertIn("done, DATA and PERSIST emptied", self.succeed("wmopkg audit"))
        self.exit_with(1, "ls /run/wmopkg/persist/packages/*.wmopkg")
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
