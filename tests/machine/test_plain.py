# SPDX-License-Identifier: MIT
"""The device with an initramfs around our own /init."""

import os
import subprocess

import bench
import ways

REQUIRED = "require_persist = yes\nrequire_packages = {branding}\nrequire_else = poweroff\n"


class Plain(ways.Way):
    VARIANT = "plain"
    if not bench.LONG:
        # test_life.py begins with a device without packages, too
        BARE, test_1_comes_up = False, None

    def test_5_no_such_root(self):
        """It says so, and does not wait for ever. Before, a package that is active is removed, and
        DATA is busy with it to the end: it was made read-only."""
        self.succeed("wmopkg remove --yes branding")
        self.assertEqual(self.device.poweroff(), 0)
        self.assertEqual(bench.unclean(self.device.disk), [])
        bench.write_to_data(self.device.disk, self.bench.package_path("branding"),
                            "packages/branding.wmopkg")
        self.device.start("root=PARTLABEL=nowhere rootwait=2",
                          until="wmopkg: PARTLABEL=nowhere: no such device after 2 s")
        self.device.kill()

    def require(self):
        """The same initramfs, with more in its configuration: of two archives the later counts."""
        folder = self.bench.path("required")
        image = self.bench.path("initrd-required.img")
        path = "etc/wmopkg/wmopkg.conf"
        os.makedirs(os.path.join(folder, os.path.dirname(path)))
        with open(os.path.join(folder, path), "wb") as file:
            file.write(bench.read(os.path.join(self.bench.built, "firmware", path)) +
                       REQUIRED.encode())
        more = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=folder,
                              input=f"{path}\n".encode(), stdout=subprocess.PIPE, check=True).stdout
        with open(image, "wb") as file:
            file.write(bench.read(os.path.join(self.bench.built, self.device.initrd)) + more)
        self.device.initrd = image

    def boot_again(self):
        """What is required is there."""
        self.require()
        return super().boot_again()

    def test_6_what_is_required_is_not_there(self):
        """No program of the firmware is started: the initramfs switches the device off."""
        with open(self.device.disk, "r+b") as disk:
            disk.seek(bench.PERSIST_START)
            disk.write(bytes(64 << 10))
        seen = self.device.start(until="a requirement of the configuration is not met")
        self.assertIn("PERSIST (PARTLABEL=wmopkg-persist) is required, and is not mounted", seen)
        self.assertNotIn(ways.FIRMWARE_MOTD, seen)
        self.assertEqual(self.device.poweroff(command=""), 0)


if __name__ == "__main__":
    bench.main()
