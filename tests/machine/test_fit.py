# SPDX-License-Identifier: MIT
"""An ARM board whose U-Boot starts only what is signed: a FIT of kernel, initramfs and device tree,
whose /chosen/bootargs is the kernel command line. U-Boot is that of Debian, with our key in its
device tree and the variables of a vendor in a flash memory that cannot be written.

Debian's U-Boot has more commands than such a product: `booti` verifies nothing. Here the variables
keep everybody from them; see docs/integration.md.
"""

import json
import os
import shutil
import subprocess
import sys
import time

import bench
import board
import boards
import console

DAY_S = 86400
FIT_ADDRESS = 0x50000000
KERNEL_ADDRESS = 0x40400000
ENVIRONMENT_BYTES = 0x40000
WORDS = ("console=ttyAMA0 root=PARTLABEL=firmware rootfstype=squashfs ro quiet loglevel=3 panic=-1 "
         "cryptomgr.notests wmopkg.allow_untrusted=1")
VARIABLES = (f"bootdelay=-2\nbootcmd=load virtio 0:1 {FIT_ADDRESS:#x} boot.itb && bootm {FIT_ADDRESS:#x}; "
             "echo NOT STARTED; poweroff\n")
NOT_STARTED = "NOT STARTED"


class FitBoard(board.Board):
    """Its U-Boot has the device tree @uboot_dtb."""

    uboot_dtb = None

    def command(self, words="", port=0, pages_port=0):
        line = super().command(words, port, pages_port)
        flash = line.index(f"if=pflash,unit=1,format=raw,file={self.flash}")
        line[flash] += ",readonly=on"
        return [*line, *(["-dtb", self.uboot_dtb] if self.uboot_dtb else [])]

    def own_device_tree(self, path):
        """That of the machine."""
        subprocess.run([*self.command(), "-machine", f"dumpdtb={path}.loose"], check=True, capture_output=True)
        subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dtb", "-o", path, f"{path}.loose"], check=True)


class Fit(bench.MachineTest):
    VARIANT = "board"
    BENCH = boards.BoardBench

    @classmethod
    def prepare(cls):
        cls.bench.create("unsigned", cls.bench.tree("branding"))
        keys = os.path.join(cls.bench.keys, "unlock")
        subprocess.run([cls.bench.program("installer/wmopkg-build"), "unlock", "--serial", console.SERIAL, "--allow",
                        "untrusted", "--not-after", str(int(time.time()) + 30 * DAY_S), "--key", f"{keys}.key", "--cert",
                        f"{keys}.pem", os.path.join(cls.bench.packages, "device.unlock")], check=True)
        cls.device = FitBoard(cls.bench.built, cls.bench.folder, "arm64",
                              **({"echo": bench.show} if bench.CONSOLE in sys.argv else {}))
        cls.put_on_data("unsigned")
        variables = subprocess.run(["mkenvimage", "-s", str(ENVIRONMENT_BYTES), "-o", "-", "-"], check=True,
                                   input=VARIABLES.encode(), capture_output=True).stdout
        with open(cls.device.flash, "r+b") as flash:
            flash.write(variables)
        cls.make_images()

    @classmethod
    def extract(cls, name):
        """A file of the boot partition."""
        path, (start, _) = cls.bench.path(name), cls.boot_partition()
        subprocess.run(["mcopy", "-n", "-i", f"{cls.device.disk}@@{start}", f"::{name}", path], check=True)
        return path

    @classmethod
    def boot_partition(cls):
        """Where it begins, and its size."""
        done = subprocess.run(["sfdisk", "--json", cls.device.disk], check=True, capture_output=True)
        return next((512 * one["start"], 512 * one["size"])
                    for one in json.loads(done.stdout)["partitiontable"]["partitions"] if one["name"] == "boot")

    @classmethod
    def make_images(cls):
        """The signed one, and what an attacker makes of it."""
        path = cls.bench.path
        cls.device.own_device_tree(path("own.dtb"))
        shutil.copy(path("own.dtb"), path("uboot.dtb"))
        for node, name, text in (("/", "serial-number", console.SERIAL), ("/", "model", console.MODEL),
                                 ("/chosen", "bootargs", WORDS)):
            subprocess.run(["fdtput", "-t", "s", path("own.dtb"), node, name, text], check=True)
        parts = cls.extract("vmlinuz"), cls.extract("initrd.img"), path("own.dtb")
        cls.fit("keys", parts, "signed", path("uboot.dtb"))
        cls.device.uboot_dtb = path("uboot.dtb")
        cls.fit("stranger", parts, "stranger")
        signed = bench.read(path("signed.itb"))
        for name, part in zip(("kernel", "initramfs", "device tree"), parts):
            changed, content = bytearray(signed), bench.read(part)
            begin = signed.index(content)
            changed[begin + len(content) // 2] ^= 1
            with open(path(f"{name}.itb"), "wb") as out:
                out.write(changed)

    @classmethod
    def fit(cls, keys, parts, name, uboot=None):
        kernel, initrd, tree = parts
        subprocess.run([os.path.join(console.SECURE_BOOT, "make-fit"), cls.bench.path(keys), kernel,
                        hex(KERNEL_ADDRESS), initrd, tree, cls.bench.path(f"{name}.itb"), *([uboot] if uboot else [])],
                       check=True)

    def put(self, name):
        """An image on the boot partition, and nothing else."""
        console.write_esp(self.device.disk, {"/boot.itb": self.bench.path(f"{name}.itb")}, *self.boot_partition())

    def test_1_what_is_not_signed_is_refused(self):
        for name, reason in (("stranger", "Failed to verify required signature 'key-fit'"),
                             ("kernel", "Bad hash value for 'hash' hash node in 'kernel' image node"),
                             ("initramfs", "Bad hash value for 'hash' hash node in 'initrd' image node"),
                             ("device tree", "Bad hash value for 'hash' hash node in 'dtb' image node")):
            with self.subTest(name):
                self.put(name)
                seen = self.device.start(until=NOT_STARTED)
                self.assertIn(reason, seen)
                self.assertNotIn("Starting kernel", seen)
                self.device.kill()

    def test_2_signed(self):
        """It starts. Allow Untrusted of the signed command line is not enough: the anchor is there, as
        nobody can say that it is not."""
        self.put("signed")
        seen = self.device.start()
        self.assertEqual(seen.count("sha256,rsa2048:fit+ OK"), 3, seen)
        self.assertIn(boards.FIRMWARE_MOTD, seen)
        self.succeed("grep -q wmopkg.allow_untrusted=1 /proc/cmdline")
        self.assertIn('"evidence":"variable-unreadable"', self.succeed("wmopkg unlock json"))
        refused = self.exit_with(3, f"wmopkg install {self.url('unsigned')}")
        self.assertIn("unlock statement", bench.unwrapped(refused))

    def test_3_unlocked(self):
        """By a statement for the serial number in the signed device tree."""
        url = self.url("device").replace(".wmopkg", ".unlock")
        self.assertIn("Unlocked", self.succeed(f"wmopkg unlock {url}"))
        self.assertIn(boards.BRAND_MOTD, self.device.reboot())
        self.assert_row("unsigned", "1.0", "Unsigned")


if __name__ == "__main__":
    boards.main()
