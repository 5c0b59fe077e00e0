# SPDX-License-Identifier: MIT
"""USB sticks and an SD card, as somebody plugs them into a device and pulls them out."""

import hashlib
import json
import os
import subprocess
import sys

import bench
import console

sys.path.insert(0, os.path.join(bench.HERE, ".."))
import schema  # noqa: E402

INSTALLED = "Installed... Changes are applied after reboot."
AGAIN = "(connect the medium and try again)"
PCI = "/sys/bus/pci"
SHOWN = [
    "│LABEL     MATCH        DEVICE  BUS       TYPE  VOLUME  SIZE      STATE        │",
    "│external  SD, USB      sda1    USB       vfat  STICK   63.0 MiB  connected    │",
    "│service   LABEL=SERV…  -       -         -     -       -         not connected│",
    "│disk      PARTLABEL=…  vda3    internal  ext4  data    128 MiB   connected    │"]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Media(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        cls.bench.create("branding", cls.bench.tree("branding"), keys=cls.bench.keys)
        os.mkdir(cls.bench.path("noise"))
        with open(cls.bench.path("noise", "noise"), "wb") as file:
            file.write(os.urandom(12 << 20))
        cls.bench.create("big", cls.bench.path("noise"), keys=cls.bench.keys)
        package = cls.bench.package_path("branding")
        cls.first = cls.image("first", package)
        cls.service = cls.image("service", package, name="SERVICE")
        cls.slow = cls.image("slow", cls.bench.package_path("big"), name="SLOW")
        cls.imitation = cls.make_imitation(package)
        cls.bare = cls.bench.path("bare.img")
        subprocess.run(["truncate", "-s", "16M", cls.bare], check=True)
        subprocess.run(["mkfs.exfat", "-n", "BARE", cls.bare], check=True,
                       stdout=subprocess.DEVNULL)
        cls.device = cls.bench.device(usb=True, card=cls.image("card", package, name="CARD"))

    @classmethod
    def image(cls, file, *files, **options):
        path = cls.bench.path(file + ".img")
        console.make_stick(path, files, **options)
        return path

    @classmethod
    def make_imitation(cls, package):
        """A stick whose first partition is called just as that of DATA is."""
        path, tree = cls.bench.path("imitation.img"), cls.bench.path("imitation")
        os.makedirs(tree + "/packages")
        subprocess.run(["cp", package, tree], check=True)
        subprocess.run(["truncate", "-s", "64M", path], check=True)
        subprocess.run(["sfdisk", "--quiet", path], check=True,
                       input=b"label: gpt\nstart=1MiB, size=60MiB, name=wmopkg-data\n")
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "data", "-d", tree, "-E",
                        "offset=1048576", path, "60M"], check=True)
        return path

    def take_card_out(self):
        """With its slot, which is as good."""
        self.succeed(f"for i in {PCI}/drivers/sdhci-pci/0*; do echo 1 >$i/remove; done")
        self.device.wait_for("! test -b /dev/mmcblk0")

    def from_media(self, label, path, expected=0):
        """What `install media` says; nothing is mounted before, nor after it."""
        before = self.succeed("cat /proc/self/mountinfo")
        said = self.exit_with(expected, f"wmopkg install media {label} {path}")
        self.assertEqual(self.succeed("cat /proc/self/mountinfo"), before)
        return bench.unwrapped(said) if expected else said

    def media(self):
        """All media, by the names of their devices; labels that lead nowhere by theirs."""
        told = json.loads(self.succeed("wmopkg show media json"))
        schema.check("media", told)
        found = {}
        for item in told["media"]:
            found.setdefault(item.get("device", item.get("label")), []).append(
                (item.get("label"), item.get("bus"), item.get("filesystem"), item.get("volume"),
                 item["state"]))
        return found

    def assert_installed(self, said, used):
        self.assertTrue(said.startswith(f"Using {used}\n"), said)
        self.assertIn("PKG: Signed", said)
        self.assertIn(INSTALLED, said)
        self.succeed("wmopkg remove all --yes")

    def test_1_none(self):
        self.device.start("wmopkg.media=service:LABEL=SERVICE,disk:PARTLABEL=wmopkg-data")
        # the card is in its slot, and has yet to be put there for the device
        self.take_card_out()
        self.assertEqual(self.from_media("external", "branding.wmopkg", 4), "wmopkg: external: no "
                         f"USB stick or SD card is connected {AGAIN}\n")
        self.assertEqual(self.from_media("service", "branding.wmopkg", 4), "wmopkg: service: no "
                         f"medium with LABEL=SERVICE is connected {AGAIN}\n")
        self.assertEqual(self.media(), {
            "external": [("external", None, None, None, "not-connected")],
            "service": [("service", None, None, None, "not-connected")],
            "vda3": [("disk", "internal", "ext4", "data", "connected")]})

    def test_2_one_stick(self):
        self.device.plug_in(self.first, "first", "sda1")
        before = digest(self.first)
        said = self.from_media("external", "branding.wmopkg")
        self.assertEqual(said, """\
Using sda1 (USB, vfat, STICK)
branding.wmopkg:

0%       25%       50%       75%       100%
|---------+---------+---------+---------|
|=======================================|
    PKG: Signed
Installed... Changes are applied after reboot.
""")
        self.succeed("wmopkg remove all --yes")
        self.assertEqual(digest(self.first), before)
        self.assertEqual(self.succeed("wmopkg show media").splitlines()[1:-1], SHOWN)

    def test_3_a_stick_that_is_called_like_data(self):
        self.device.plug_in(self.imitation, "imitation", "sdb1")
        before = digest(self.imitation)
        self.assertEqual(self.media()["sdb1"], [("disk", "USB", "ext4", "data", "connected")])
        # of two, the first is taken, and it is said which
        self.assert_installed(self.from_media("external", "branding.wmopkg"),
                              "sda1 (USB, vfat, STICK)")
        self.device.pull_out("first")
        self.device.wait_for("! test -b /dev/sda1")
        said = self.from_media("external", "branding.wmopkg")
        self.assertIn(INSTALLED, said)
        self.assertEqual(self.succeed("ls /run/wmopkg/data/packages"), "branding.wmopkg\n")
        self.assertIn(" /run/wmopkg/data ", self.succeed("grep vda3 /proc/self/mounts"))
        self.succeed("wmopkg remove all --yes; sync")
        self.assertEqual(digest(self.imitation), before, "it was written to")
        self.device.pull_out("imitation")
        self.device.wait_for("! test -b /dev/sdb1")

    def test_4_sd_comes_before_usb(self):
        self.device.plug_in(self.service, "service", "sda1")
        self.assert_installed(self.from_media("external", "branding.wmopkg"),
                              "sda1 (USB, vfat, SERVICE)")
        self.succeed(f"echo 1 > {PCI}/rescan")
        self.device.wait_for("test -b /dev/mmcblk0p1")
        self.assertEqual(self.media(), {
            "mmcblk0p1": [("external", "SD", "vfat", "CARD", "connected")],
            "sda1": [("service", "USB", "vfat", "SERVICE", "connected")],
            "vda3": [("disk", "internal", "ext4", "data", "connected")]})
        self.assert_installed(self.from_media("external", "branding.wmopkg"),
                              "mmcblk0p1 (SD, vfat, CARD)")
        self.assert_installed(self.from_media("service", "branding.wmopkg"),
                              "sda1 (USB, vfat, SERVICE)")
        self.take_card_out()
        self.device.pull_out("service")
        self.device.wait_for("! test -b /dev/sda1")

    def test_5_pulled_out_while_it_is_read(self):
        self.device.plug_in(self.slow, "slow", "sda1", bytes_s=512 << 10)
        self.device.type("wmopkg install media external big.wmopkg")
        self.device.expect("|=")
        self.device.pull_out("slow")
        said = bench.unwrapped(console.plain(self.device.expect(console.PROMPT)))
        self.assertIn("wmopkg: external:/big.wmopkg: sda1 (USB, vfat, SLOW) was removed while "
                      f"it was read: nothing was installed {AGAIN}\n", said)
        self.assertEqual(self.succeed("wmopkg show"), "No packages installed.\n")
        # what was removed before is kept until the reboot
        self.assertEqual(self.succeed("ls -A /run/wmopkg/data/packages | grep -v '^[.]_' || true"), "")
        self.assertNotIn("sda", self.succeed("cat /proc/self/mounts"))

    def test_6_exfat_without_a_partition_table(self):
        self.device.plug_in(self.first, "again", "sda1")
        self.device.plug_in(self.bare, "bare", "sdb")
        self.succeed("mount -t vfat -o ro /dev/sda1 /mnt && mkdir /tmp/bare && "
                     "mount -t exfat /dev/sdb /tmp/bare && cp /mnt/*.wmopkg /tmp/bare/")
        # while it is mounted, for writing, and after
        self.assert_installed(self.from_media("external", "branding.wmopkg"),
                              "sda1 (USB, vfat, STICK)")
        self.succeed("umount /mnt && umount /tmp/bare")
        self.device.pull_out("again")
        self.device.wait_for("! test -b /dev/sda1")
        self.assert_installed(self.from_media("external", "branding.wmopkg"),
                              "sdb (USB, exfat, BARE)")

    def test_7_unknown_file_system(self):
        self.device.pull_out("bare")
        self.device.wait_for("! test -b /dev/sdb")
        self.device.plug_in(os.path.join(self.bench.built, "firmware.squashfs") + ",readonly=on",
                            "strange", "sda")
        self.assertEqual(self.from_media("external", "branding.wmopkg", 1),
                         "wmopkg: external: sda (USB, squashfs): unknown file system squashfs "
                         "(vfat, exfat, ext2, ext3 and ext4 can be read)\n")
        self.assertEqual(self.media()["sda"],
                         [("external", "USB", "squashfs", None, "unknown-file-system")])
        self.device.pull_out("strange")
        self.device.wait_for("! test -b /dev/sda")

    def test_8_booted_with_one_that_is_called_like_data(self):
        before = digest(self.imitation)
        self.device.plug_in(self.imitation, "imitation", "sda1")
        self.device.reboot()
        self.device.wait_for("test -b /dev/sda1")
        self.assertIn(" /run/wmopkg/data ", self.succeed("grep vda3 /proc/self/mounts"))
        self.assertNotIn("sda", self.succeed("cat /proc/self/mounts"))
        self.assertEqual(self.device.poweroff(), 0)
        self.assertEqual(digest(self.imitation), before, "it was written to")


if __name__ == "__main__":
    bench.main()
