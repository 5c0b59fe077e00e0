# SPDX-License-Identifier: MIT
"""The whole way of a package: installed, active, left out, removed."""

import re

import bench
import console

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
PAGE = "Served by nginx, out of a package."


class Life(bench.MachineTest):
    @classmethod
    def prepare(cls):
        for kind in ("branding", "nginx", "rework"):
            cls.bench.create(kind, cls.bench.tree(kind), keys=cls.bench.keys)
        cls.device = cls.bench.device(usb=True)

    def test_1_bare(self):
        console = self.device.start()
        self.assertIn(FIRMWARE_MOTD, console)
        self.assertEqual(self.succeed("wmopkg show"), "No packages installed.\n")
        self.assertIsNone(self.fetch())

    def test_2_install_from_stick(self):
        self.device.plug_in(self.bench.stick(self.bench.package_path("branding")))
        self.succeed("mount /dev/sda1 /mnt")
        output = self.succeed("wmopkg install /mnt/branding.wmopkg")
        self.assertIn("PKG: Signed", output)
        self.assertIn("Installed... Changes are applied after reboot.", output)
        self.succeed("umount /mnt")

    def test_3_install_over_http(self):
        self.assertIn("PKG: Signed", self.install("nginx"))

    def test_3_install_over_https(self):
        """The firmware has the authorities; without them, it is said where they would be."""
        server = console.WebServer(self.bench.packages, keys=f"{self.bench.built}/web")
        self.addCleanup(server.close)
        url = f"https://10.0.2.2:{server.port}/rework.wmopkg"
        self.succeed("grep -v '^$' /etc/wmopkg/wmopkg.conf >/tmp/conf; echo "
                     "'authorities = /etc/wmopkg/keys' >>/tmp/conf")
        refused = " ".join(self.exit_with(5, f"wmopkg --config /tmp/conf install {url}").split())
        self.assertIn("no authority that this device trusts has signed it", refused)
        self.assertIn("certificate authorities: /etc/wmopkg/keys, from 'authorities' in the "
                      "configuration", refused)
        self.assertIn("PKG: Signed", self.succeed(f"wmopkg install {url}"))

    def test_4_nothing_changes_before_the_reboot(self):
        shown = self.succeed("wmopkg show")
        for name in ("branding", "nginx", "rework"):
            self.assert_row(name, "1.0", "Signed", shown=shown)
        self.assertTrue(shown.endswith("┘\nReboot to activate 3 packages.\n"), shown)
        self.assertEqual(self.succeed("wmopkg show pending").splitlines(),
                         [*(f"{name}: active after reboot" for name in ("branding", "nginx", "rework")),
                          "Reboot to activate 3 packages."])
        self.assertIn(FIRMWARE_MOTD, self.succeed("cat /etc/motd"))
        self.exit_with(1, "test -e /usr/sbin/nginx")

    def test_4_the_next_boot_is_told(self):
        planned = self.succeed("wmopkg-activate --plan")
        self.assertRegex(planned, r"\n  data: .*: /dev/vd[a-z]\d*, mounted at /")
        for name in ("branding", "nginx", "rework"):
            self.assertIn(f"\n  {name} 1.0: Signed, active, on trial: boot 1 of 3\n", planned)
        self.assertIn("\n  lowerdir=engine:1:2:3:root", planned)

    def test_5_active_after_the_reboot(self):
        console = self.device.reboot()
        self.assertIn("ACME Industrial Router 3000", console)
        self.assertIn(BRAND_MOTD, console)
        log, shown = self.succeed("dmesg"), self.succeed("wmopkg show")
        for name in ("branding", "nginx", "rework"):
            self.assert_row(name, "1.0", "Signed", shown=shown)
            self.assertIn(f"wmopkg: {name} 1.0: Signed, active", log)

    def test_5_what_it_took_is_told(self):
        shown = self.succeed("wmopkg show boot")
        self.assertRegex(shown, r"Boot \d+: 3 of 3 packages active\nActivation: [0-9.]+ ms, from "
                         r"[0-9.]+ ms after the kernel started\n")
        for name in ("branding", "nginx", "rework"):
            self.assertEqual(len(re.findall(rf"\n  {name} +[0-9.]+ +[0-9.]+[* ]", shown)), 2, shown)
        self.assertIn("</svg>", self.succeed("wmopkg show boot svg | tail -n 1"))

    def test_5_the_web_server_answers(self):
        self.assertIn(PAGE, self.fetch() or "nobody answers")
        self.assertIn(PAGE, self.succeed("wget -q -O - http://127.0.0.1/"))

    def test_5_files_are_replaced_deleted_and_hidden(self):
        self.assertEqual(self.succeed("cd /usr/share/notes; ls; ls hidden; cat kept replaced; cd"),
                         "hidden    kept      replaced\nnew\nthe firmware\nthe package\n")

    def test_5_read_only(self):
        self.exit_with(1, "touch /etc/motd")

    if bench.LONG:
        # test_4_safe_mode of ways.py has it for a small initramfs, which is up sooner
        def test_6_left_out_in_safe_mode(self):
            self.device.poweroff()
            console = self.device.start("wmopkg.safe")
            self.assertIn(FIRMWARE_MOTD, console)
            self.assertIsNone(self.fetch())
            self.assert_row("nginx", "1.0", "Signed")
            self.assertIn("nginx: not active: the boot configuration leaves all packages out "
                          "(wmopkg.safe)", " ".join(self.succeed("wmopkg show").split()))
            self.assertEqual(self.succeed("cat /usr/share/notes/deleted"), "the firmware\n")
            self.device.poweroff()
            self.assertIn(BRAND_MOTD, self.device.start())

    def test_7_removed(self):
        question = "Remove package nginx (y/N)?"
        self.device.run("wmopkg remove nginx", answers=[(question, "")])
        self.assert_row("nginx", "1.0", "Signed")
        output = self.succeed("wmopkg remove nginx", answers=[(question, "y")])
        self.assertIn("Removed... Changes are applied after reboot.", output)
        output = self.succeed("wmopkg show")
        self.assertNotIn("│nginx", output)
        self.assertIn("nginx: removed, active until reboot", output)
        self.assertIn(PAGE, self.fetch() or "nobody answers")

    def test_8_gone_after_the_reboot(self):
        self.assertIn(BRAND_MOTD, self.device.reboot())
        self.assertIsNone(self.fetch())
        self.exit_with(1, "test -e /usr/sbin/nginx")
        self.exit_with(4, "wmopkg remove nginx")
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
