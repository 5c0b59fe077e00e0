# SPDX-License-Identifier: MIT
"""A unified kernel image as Debian 13 makes it, on a machine with Secure Boot: with the stub of systemd
257, and an initramfs of dracut with systemd in it. What lies beside it on the EFI system partition is
not signed, and must not decide what is trusted.

	test_uki.py SOURCE BUILD

Needs root, and the network for packages of Debian that are not cached yet.
"""

import base64
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in "../releases", "../device", "../machine":
    sys.path.insert(0, os.path.join(HERE, folder))
import bench  # pylint: disable=wrong-import-position
import console  # pylint: disable=wrong-import-position
import debian  # pylint: disable=wrong-import-position
import roots  # pylint: disable=wrong-import-position

SOURCE, BUILD = "", ""
RELEASE = "trixie"
# dracut, and the libraries of a wmopkg-activate that was built on Debian 12
PACKAGES = ("cpio", "dracut", "e2fsprogs", "kmod", "libconfuse2", "libcryptsetup12", "libjson-c5", "libubootenv0.1",
            "systemd-sysv", "udev", "zstd")
STUBS = "usr/lib/systemd/boot/efi"
# a root certificate that the key ring does not have, written by systemd-tmpfiles
CREDENTIAL = "tmpfiles.extra"
LINE = "f~ /etc/wmopkg/keys/stranger.pem 0644 root root - {}\n"
MAKE = """\
cd /work
mkdir -p /usr/lib/modules
cp -a modules "/usr/lib/modules/$KERNEL"
cp -a 90wmopkg /usr/lib/dracut/modules.d/
WMOPKG_STAGE=$PWD/firmware dracut --force --quiet --no-hostonly --filesystems 'squashfs ext4' \
	--drivers 'virtio_pci virtio_blk squashfs ext4 loop dm-mod dm-verity overlay sha256-ssse3 efivarfs' \
	--no-compress --kver "$KERNEL" initrd.img
systemd-creds encrypt --with-key=null --name={name} {name} {name}.cred
"""
MOTD = "Signed by a stranger."
BESIDE = "/EFI/BOOT/BOOTX64.EFI.extra.d/{}.addon.efi"
ESP_BYTES = 128 << 20
BOOT_S = 1200
# On a busy host, units take longer than the 90 s of systemd; and the console says what is waited for.
PATIENT = "systemd.show_status=1 systemd.default_timeout_start_sec=600"


class Machine(console.Device):
    def command(self, words="", port=0, pages_port=0):
        """With the memory that this initramfs needs."""
        line = super().command(words, port, pages_port)
        line[line.index("-m") + 1] = "1024"
        return line


class Uki(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.getuid() != 0:
            raise AssertionError("roots of Debian are made by root only: run this test as root")
        folder = console.WorkFolder()
        cls.addClassCleanup(folder.__exit__)
        cls.work = folder.__enter__()
        cls.built = console.build_folder(BUILD)
        stubs = os.path.join(debian.unpack(RELEASE, "amd64", "systemd-boot-efi"), STUBS)
        os.environ["STUB"] = f"{stubs}/linuxx64.efi.stub"
        cls.addon_stub = f"{stubs}/addonx64.efi.stub"
        cls.make_initramfs()
        cls.device = Machine(cls.built, cls.work, secure_boot=True,
                             echo=sys.stdout.write if "--console" in sys.argv else None)
        cls.addClassCleanup(cls.device.kill)
        cls.keys = cls.device.secure_boot_keys
        cls.put_package()
        cls.device.start(limit_s=BOOT_S)
        if cls.device.enrol() != (0, ""):
            raise AssertionError("the keys are not enrolled")
        cls.device.poweroff()

    @classmethod
    def make_initramfs(cls):
        """The initramfs, and a credential that anybody can make: its key is known to all."""
        work, kernel = f"{cls.work}/root", os.listdir(f"{cls.built}/firmware/lib/modules")[0]
        os.mkdir(work)
        subprocess.run([f"{BUILD}/installer/wmopkg-build", "keys", f"{work}/stranger"], check=True, stdout=subprocess.DEVNULL)
        with open(f"{work}/{CREDENTIAL}", "w", encoding="ascii") as out:
            out.write(LINE.format(base64.b64encode(bench.read(f"{work}/stranger/root.pem")).decode()))
        shutil.copytree(f"{cls.built}/firmware", f"{work}/firmware", symlinks=True)
        shutil.copytree(f"/lib/modules/{kernel}", f"{work}/modules", symlinks=True)
        shutil.copytree(f"{SOURCE}/initramfs/dracut/90wmopkg", f"{work}/90wmopkg")
        shutil.copy(f"{SOURCE}/initramfs/wmopkg.sh", f"{work}/90wmopkg/")
        layer = roots.Layer(roots.make(RELEASE, *PACKAGES), f"{cls.work}/layer", work)
        layer.succeed(MAKE.format(name=CREDENTIAL), KERNEL=kernel)
        cls.initrd, cls.credential, cls.stranger = f"{work}/initrd.img", f"{work}/{CREDENTIAL}.cred", f"{work}/stranger"

    @classmethod
    def put_package(cls):
        """A package on DATA that the stranger has signed."""
        os.makedirs(f"{cls.work}/tree/etc")
        with open(f"{cls.work}/tree/etc/motd", "w", encoding="ascii") as out:
            out.write(MOTD + "\n")
        package = f"{cls.work}/strange.wmopkg"
        subprocess.run([f"{BUILD}/installer/wmopkg-build", "create", "--version", "1.0", "--description", "Strange",
                        "--key", f"{cls.stranger}/signer.key", "--cert", f"{cls.stranger}/signer.pem",
                        f"{cls.work}/tree", package], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["debugfs", "-w", "-R", "mkdir packages", f"{cls.device.disk}?offset={bench.DATA_START}"],
                       check=True, capture_output=True)
        bench.write_to_data(cls.device.disk, package, "packages/strange.wmopkg")

    def tearDown(self):
        """A test that has failed leaves its machine on, which keeps the disk."""
        self.device.kill()

    def addon(self, words, signed):
        """An addon of systemd's stub: more words for the command line."""
        path, section = f"{self.work}/{words}.efi", f"{self.work}/words"
        with open(section, "w", encoding="ascii") as out:
            out.write(words)
        said = subprocess.run(["objdump", "-h", self.addon_stub], stdout=subprocess.PIPE, text=True, check=True).stdout
        end = max(int(size, 16) + int(start, 16)
                  for size, start in re.findall(r"(?m)^ *\d+ \S+ +([0-9a-f]+) +([0-9a-f]+)", said))
        subprocess.run(["objcopy", "--add-section", f".cmdline={section}",
                        "--change-section-vma", f".cmdline={(end + 0xffff) // 0x10000 * 0x10000}", self.addon_stub, path],
                       check=True)
        if signed:
            subprocess.run(["sbsign", "--key", f"{self.keys}/db.key", "--cert", f"{self.keys}/db.pem",
                            "--output", path, path], check=True, stderr=subprocess.DEVNULL)
        return path

    def start(self, words=""):
        """Boot the image, from a partition with all that nobody has signed; the console."""
        image, disk = f"{self.work}/image.efi", f"{self.work}/esp.img"
        console.make_uki(self.keys, f"{self.built}/vmlinuz", self.initrd, f"{console.KERNEL_WORDS} {PATIENT} {words}".strip(), image)
        with open(disk, "wb") as out:
            out.truncate(ESP_BYTES)
        console.write_esp(disk, {
            "/EFI/BOOT/BOOTX64.EFI": image, f"/loader/credentials/{CREDENTIAL}.cred": self.credential,
            BESIDE.format("signed"): self.addon("beside.signed=1", True),
            BESIDE.format("unsigned"): self.addon("beside.unsigned=1", False)}, start=0, size=ESP_BYTES)
        self.device.before = [disk]
        seen = self.device.start(limit_s=BOOT_S)
        self.assertIn("Secure boot enabled", self.succeed("dmesg | grep -i 'secure boot'"))
        return seen

    def succeed(self, command):
        status, output = self.device.run(command)
        self.assertEqual(status, 0, output)
        return output

    def test_1_beside_the_image(self):
        """A credential on the partition adds no certificate to the key ring; an addon counts if it is
        signed."""
        self.assertNotIn(MOTD, self.start())
        self.assertIn("Untrusted", self.succeed("wmopkg show"))
        words = self.succeed("cat /proc/cmdline")
        self.assertIn("beside.signed=1", words)
        self.assertNotIn("beside.unsigned=1", words)
        self.device.poweroff()

    def test_2_with_credentials(self):
        """What the word of make-uki prevents: without it, the credential decides."""
        self.assertIn(MOTD, self.start("systemd.import_credentials=yes"))
        self.assertRegex(self.succeed("wmopkg show"), "strange .* Signed")
        self.device.poweroff()


if __name__ == "__main__":
    console.clean_up_on_signals()
    SOURCE, BUILD = (os.path.abspath(path) for path in sys.argv[1:3])
    unittest.main(argv=[sys.argv[0], *(word for word in sys.argv[3:] if word != "--console")])
