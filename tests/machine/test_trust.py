# SPDX-License-Identifier: MIT
"""Packages that are not what they should be: changed on the disk, unsigned, of a stranger."""

import os
import subprocess

import bench

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."


def image_of(package):
    """The squashfs image in a package file."""
    with open(package, "rb") as file:
        content = file.read()
    return content[content.index(b"hsqs"):]


class Trust(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        branding, rework = cls.bench.tree("branding"), cls.bench.tree("rework")
        cls.bench.create("branding", branding, keys=cls.bench.keys)
        cls.bench.create("rework", rework, keys=cls.bench.keys)
        bulk = cls.bench.path("tree-bulk")
        os.makedirs(os.path.join(bulk, "usr", "share"))
        with open(os.path.join(bulk, "usr", "share", "bulk"), "wb") as file:
            file.write(os.urandom(1 << 20))
        cls.bench.create("bulk", bulk, keys=cls.bench.keys)
        cls.bench.create("unsigned", branding)
        strangers = cls.bench.path("strangers")
        subprocess.run([cls.bench.program("installer/wmopkg-build"), "keys", strangers],
                       check=True, stdout=subprocess.DEVNULL)
        cls.bench.create("foreign", branding, keys=strangers)
        cls.device = cls.bench.device()
        cls.put_on_data("branding", "rework", "bulk")

    def test_2_unsigned_and_foreign_are_refused(self):
        stored = self.succeed("ls -A /run/wmopkg/data/packages")
        output = bench.unwrapped(self.exit_with(3, f"wmopkg install {self.url('unsigned')}"))
        self.assertIn("Unsigned", output)
        self.assertIn("Allow Untrusted", output)
        output = bench.unwrapped(self.exit_with(3, f"wmopkg install {self.url('foreign')}"))
        self.assertIn("Untrusted", output)
        self.assertIn("Allow Untrusted", output)
        self.assertEqual(self.succeed("ls -A /run/wmopkg/data/packages"), stored)

    def test_1_a_changed_byte_costs_only_its_own_package(self):
        package = self.bench.package_path("branding")
        bench.flip_bit(self.device.disk, image_of(package)[:512], 100)
        short = self.bench.path("short.wmopkg")
        with open(package, "rb") as whole, open(short, "wb") as file:
            file.write(whole.read()[:-4096])
        bench.write_to_data(self.device.disk, short, "packages/short.wmopkg")

        self.assertIn(FIRMWARE_MOTD, self.device.start())
        shown = self.succeed("wmopkg show")
        self.assert_row("branding", "1.0", "Invalid", shown=shown)
        self.assert_row("rework", "1.0", "Signed", shown=shown)
        self.assertEqual(self.succeed("cat /usr/share/notes/replaced"), "the package\n")
        output = self.succeed("wmopkg show branding")
        self.assertRegex(output, "does not match")
        self.assertRegex(self.succeed("dmesg | grep wmopkg"), "branding.*does not match")
        self.assertRegex(self.succeed("wmopkg show short"), "Invalid")

    def test_3_a_byte_changed_under_the_running_device_is_never_read(self):
        self.succeed("cat /usr/share/bulk >/dev/null")
        image = image_of(self.bench.package_path("bulk"))
        block = len(image) // 2 // 4096 * 4096
        bench.flip_bit(self.device.disk, image[block : block + 512], 100)
        self.succeed("echo 3 >/proc/sys/vm/drop_caches")
        output = self.exit_with(1, "cat /usr/share/bulk >/dev/null")
        self.assertIn("Input/output error", output)
        self.assertEqual(self.succeed("cat /usr/share/notes/replaced"), "the package\n")

    def test_4_remove_all(self):
        question = "Remove all packages (y/N)?"
        output = self.succeed("wmopkg remove all", answers=[(question, "y")])
        self.assertIn("Removing all packages... Changes are applied after reboot.", output)
        self.device.poweroff()

    if bench.LONG:
        # test_1_in_setup_mode of test_secureboot.py has it for the unsigned one
        def test_5_allowed_by_the_boot_configuration(self):
            """With UEFI firmware that says that Secure Boot is off: without, nobody knows."""
            self.device.secure_boot = True
            self.device.start("wmopkg.allow_untrusted=1")
            self.assertIn("Unsigned", self.install("unsigned"))
            self.assertIn("Untrusted", self.install("foreign"))
            self.assertIn(BRAND_MOTD, self.device.reboot())
            shown = self.succeed("wmopkg show")
            self.assert_row("unsigned", "1.0", "Unsigned", shown=shown)
            self.assert_row("foreign", "1.0", "Untrusted", shown=shown)
            self.device.poweroff()
            self.device.secure_boot = False

        def test_6_and_left_out_again_without_it(self):
            self.assertIn(FIRMWARE_MOTD, self.device.start())
            self.assert_row("unsigned", "1.0", "Unsigned")
            self.assertIn("Allow Untrusted", self.succeed("wmopkg show unsigned"))


if __name__ == "__main__":
    bench.main()
