# SPDX-License-Identifier: MIT
"""A chain that begins in UEFI firmware with keys of the vendor: the firmware starts a signed image of
kernel, initramfs and command line, the initramfs opens a root that dm-verity authenticates, and
wmopkg activates what is signed. With Secure Boot on, Allow Untrusted takes an unlock statement.

The keys, the image and the root are made as docs/integration.md says, by the scripts it names.
"""

import json
import os
import re
import shutil
import struct
import subprocess
import time

import bench
import console

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
DAY_S = 86400
ASKED = "wmopkg.allow_untrusted=1"
# A boot loader that takes any command line can be told words that keep the kernel from telling, or
# from being told, that Secure Boot is on. Without its integrity module this kernel does not come up.
HIDING = ["initcall_blacklist=efisubsys_init,load_uefi_certs"]
HIDING_TOO = ["efi=noruntime", "noefi", "efi=runtime", "module_blacklist=efivarfs", "noefi module_blacklist=efivarfs",
              "efi=noruntime initcall_blacklist=boot_params_ksysfs_init lsm=integrity"]
VARIABLE = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
DOCUMENT = os.path.join(bench.HERE, "..", "..", "docs", "integration.md")
# where the hash tree of the firmware begins in its partition, as in the document
TREE_AT = 64 << 20
# the vendor of the variables db and dbx
OWNER = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
# what boot loaders and systemd's stub read
STRAYS = ("/EFI/BOOT/BOOTX64.EFI.extra.d/a.cred", "/EFI/BOOT/BOOTX64.EFI.extra.d/a.addon.efi",
          "/loader/credentials/a.cred", "/loader/addons/a.addon.efi", "/loader/entries/a.conf", "/loader/loader.conf",
          "/EFI/Linux/a.efi", "/startup.nsh")
# what UEFI programs begin with a section of: one bit of it is changed
PARTS = {"command line": b"console=ttyS0", "kernel": b"HdrS", "initramfs": b"\x28\xb5\x2f\xfd"}
# The signature is that of one digest of all parts: ./check tries one, as the firmware hashes each image.
SOME_PARTS = ("command line",)


def changed(uki, part):
    """The same with one bit changed, well inside of the part."""
    content = bytearray(bench.read(uki))
    begin = content.rindex(PARTS[part])
    content[begin + (4 if part == "command line" else 0x1000)] ^= 1
    return bytes(content)


class SecureBoot(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        cls.bench.create("unsigned", cls.bench.tree("branding"))
        cls.bench.create("rework", cls.bench.tree("rework"), keys=cls.bench.keys)
        now = int(time.time())
        cls.unlock("good", "unlock", console.SERIAL, now + 30 * DAY_S)
        cls.unlock("other-device", "unlock", "EX-000043", now + 30 * DAY_S)
        cls.unlock("past", "unlock", console.SERIAL, now - 1800, now - 3600)
        cls.forge("wrong-key", "good")
        cls.device = cls.bench.device(secure_boot=True)
        cls.put_on_data("unsigned")
        cls.make_as_documented()

    @classmethod
    def make_as_documented(cls):
        """Run the commands of the document, with the words of this machine on the command line; put
        the hash tree on the disk."""
        blocks = re.findall(r"(?m)(?:^    .*\n)+", bench.read(DOCUMENT).decode())
        commands = next(block for block in blocks if "veritysetup format" in block)
        folder = cls.bench.path("documented")
        os.mkdir(folder)
        shutil.copytree(console.SECURE_BOOT, f"{folder}/docs/examples/secure-boot")
        for name, path in (("keys", "secure-boot"), ("vmlinuz", "vmlinuz"), ("initrd.img", "initrd.zst"),
                           ("firmware.squashfs", "firmware.squashfs")):
            os.symlink(os.path.join(cls.bench.built, path), os.path.join(folder, name))
        subprocess.run(["sh", "-euc", commands.replace('"root=', f'"{console.KERNEL_WORDS} {ASKED} root=')],
                       cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with open(cls.device.disk, "r+b") as disk:
            disk.seek(bench.FIRMWARE_START + TREE_AT)
            disk.write(bench.read(f"{folder}/tree"))
        cls.uki = f"{folder}/BOOTX64.EFI"
        cls.verity_words = re.search(rb"root=/dev/mapper/firmware [^\0]*", bench.read(cls.uki)).group().decode()

    def disk_with(self, name, uki):
        """A disk on which the UEFI firmware finds this image."""
        disk, file = self.bench.path(f"{name}.img"), self.bench.path(f"{name}.efi")
        with open(file, "wb") as out:
            out.write(uki)
        with open(disk, "wb") as out:
            out.truncate(console.ESP_BYTES)
        console.write_esp(disk, {"/EFI/BOOT/BOOTX64.EFI": file}, start=0)
        return disk

    @classmethod
    def unlock(cls, name, key, serial, not_after, signed_at=None):
        """Make an unlock statement, for the server to serve."""
        keys = os.path.join(cls.bench.keys, key)
        when = ["--signing-time", str(signed_at)] if signed_at else []
        subprocess.run([cls.bench.program("installer/wmopkg-build"), "unlock",
                        "--serial", serial, "--allow", "untrusted", "--not-after", str(not_after),
                        "--key", f"{keys}.key", "--cert", f"{keys}.pem", *when,
                        os.path.join(cls.bench.packages, f"{name}.unlock")], check=True)

    @classmethod
    def forge(cls, name, model):
        """The same statement, signed by a key that is for packages: ours would not do that."""
        path = os.path.join(cls.bench.packages, model + ".unlock")
        text = bench.read(path)[16:]
        text = text[:struct.unpack("<I", bench.read(path)[8:12])[0]]
        key = os.path.join(cls.bench.keys, "signer")
        signature = subprocess.run(
            ["openssl", "cms", "-sign", "-binary", "-md", "sha256", "-signer", f"{key}.pem",
             "-inkey", f"{key}.key", "-outform", "DER"],
            input=text, stdout=subprocess.PIPE, check=True).stdout
        with open(os.path.join(cls.bench.packages, name + ".unlock"), "wb") as file:
            file.write(b"WMOSTM01" + struct.pack("<II", len(text), len(signature)) + text +
                       signature)

    def fetch_statement(self, name):
        self.succeed(f"wget -q -O /tmp/{name} http://10.0.2.2:{self.server.port}/{name}")

    def test_1_in_setup_mode(self):
        """Without keys the firmware starts anything, and Secure Boot is known to be off: there is no
        anchor. The keys that are written now count from the next boot on."""
        self.assertIn(BRAND_MOTD, self.device.start(ASKED))
        self.assertIn("Secure boot disabled", self.succeed("dmesg | grep -i 'secure boot'"))
        self.assert_anchor(False, "variable-off")
        self.assertRegex(self.succeed("dmesg | grep wmopkg:"), "Allow Untrusted is set")
        self.assertEqual(self.device.enrol(), (0, ""))
        self.assert_anchor(False, "variable-off")
        status, output = self.device.enrol()
        self.assertIn("the firmware is not in setup mode", output)
        self.assertEqual(status, 1)
        self.device.poweroff()

    def refused(self):
        """Disks that the firmware must not start from, each with its image."""
        bare, signed, stranger = (self.bench.path(name) for name in ("bare.efi", "signed.efi", "stranger"))
        shutil.copy(self.uki, bare)
        subprocess.run(["sbattach", "--remove", bare], check=True, stderr=subprocess.DEVNULL)
        subprocess.run([os.path.join(console.SECURE_BOOT, "make-keys"), stranger], check=True)
        subprocess.run(["sbsign", "--key", f"{stranger}/db.key", "--cert", f"{stranger}/db.pem",
                        "--output", signed, bare], check=True, stderr=subprocess.DEVNULL)
        images = {"unsigned": bench.read(bare), "stranger": bench.read(signed),
                  **{part: changed(self.uki, part) for part in (PARTS if bench.LONG else SOME_PARTS)}}
        return [self.disk_with(name, image) for name, image in images.items()]

    def test_2_only_what_is_signed_starts(self):
        """The firmware refuses each of the first disks, and starts the last one: a signed image, by
        the hook of initramfs-tools, with a root that dm-verity authenticates."""
        # what is on the partition beside the image is not signed, and must not count
        word = self.bench.path("word")
        with open(word, "w", encoding="ascii") as out:
            out.write("options wmopkg.safe=1 init=/bin/sh\n")
        self.device.uki, self.device.files = self.uki, {name: word for name in STRAYS}
        self.device.before = self.refused()
        seen = self.device.start()
        self.assertEqual(re.findall(r"BdsDxe: (failed to load|starting)", seen),
                         ["failed to load"] * len(self.device.before) + ["starting"], seen)
        self.assertEqual(seen.count(console.DENIED), len(self.device.before), seen)
        self.assertIn(FIRMWARE_MOTD, seen)
        self.assertIn("Secure boot enabled", self.succeed("dmesg | grep -i 'secure boot'"))
        self.assertRegex(self.succeed("cat /sys/block/dm-*/dm/uuid"), "(?m)^CRYPT-VERITY-.*-firmware$")
        self.succeed("grep -q ' roothash=' /proc/cmdline")
        self.exit_with(1, "grep -E 'safe|/bin/sh' /proc/cmdline")
        self.device.uki, self.device.before, self.device.files = None, [], {}

    def test_3_the_boot_configuration_alone_is_not_enough(self):
        output = self.exit_with(3, f"wmopkg install {self.url('unsigned')}")
        self.assertIn("Unsigned", output)
        self.assertRegex(bench.unwrapped(output), "unlock statement")
        self.assertRegex(self.succeed("dmesg | grep 'wmopkg: .*Allow Untrusted'"), "unlock")
        self.assertIn(console.SERIAL, self.succeed("wmopkg unlock"))
        self.assert_anchor(True, "variable-on")

    def assert_anchor(self, present, evidence):
        """What decided in the initramfs, and what decides now."""
        for command, name in (("cat /run/wmopkg/state.json", "state"), ("wmopkg unlock json", "")):
            anchor = json.loads(self.succeed(command))["anchor"]
            self.assertEqual((anchor["present"], anchor["evidence"]), (present, evidence), name)

    def test_4_what_is_no_unlock_statement_for_this_device_is_refused(self):
        for name, reason in (("other-device.unlock", "EX-000043"), ("past.unlock", "until"),
                             ("wrong-key.unlock", "extended key usage"),
                             ("rework.wmopkg", "is a package")):
            self.fetch_statement(name)
            output = self.exit_with(3, f"wmopkg unlock /tmp/{name}")
            self.assertIn(reason, bench.unwrapped(output))
        self.exit_with(4, "wmopkg unlock /tmp/none")
        self.exit_with(3, f"wmopkg install {self.url('unsigned')}")

    def test_5_forged(self):
        """A variable that says 0 at the path of the real one, and over its file."""
        forge = r"printf '\006\000\000\000\000'"
        for commands, undo in (
                (f"mount -t tmpfs tmpfs {os.path.dirname(VARIABLE)}; {forge} >{VARIABLE}",
                 os.path.dirname(VARIABLE)),
                (f"mount -t efivarfs none {os.path.dirname(VARIABLE)}; {forge} >/tmp/forged; "
                 f"mount --bind /tmp/forged {VARIABLE}", VARIABLE)):
            self.succeed(commands)
            self.assertEqual(self.succeed(f"od -An -tx1 {os.path.dirname(VARIABLE)}/Secure*").split(), ["06"] + ["00"] * 4)
            self.assert_anchor(True, "variable-on")
            self.succeed(f"umount {undo}")

    def test_6_unlocked(self):
        self.fetch_statement("good.unlock")
        self.assertIn("Unlocked", self.succeed("wmopkg unlock /tmp/good.unlock"))
        self.assertIn("warning", self.install("unsigned"))
        self.device.poweroff()
        self.assertIn(BRAND_MOTD, self.device.start(ASKED))
        self.assert_row("unsigned", "1.0", "Unsigned")
        self.assertRegex(self.succeed("dmesg | grep wmopkg"), "Allow Untrusted is set")
        self.assertIn("nosuid", self.succeed("grep ' / overlay ' /proc/mounts"))

    def test_7_locked_again(self):
        self.succeed("wmopkg unlock clear --yes")
        shown = " ".join(self.succeed("wmopkg show").split())
        self.assertIn("unsigned: active until reboot: it has no signature (install one signed for "
                      "this device, or ask for an unlock statement)", shown)
        # in the short form the next boot is that of test_8
        if bench.LONG:
            self.assertIn(FIRMWARE_MOTD, self.device.reboot())
            self.check_inactive()
        self.succeed("wmopkg audit verify")
        log = self.succeed("wmopkg audit")
        for event in ("refuse", "unlock", "install", "activate", "unlock-clear"):
            self.assertIn(event, log)

    def check_inactive(self):
        """The unsigned package of before lies in the store."""
        self.assert_row("unsigned", "1.0", "Unsigned")
        self.assertIn("Active: no", self.succeed("wmopkg show unsigned"))

    def test_8_hidden_by_the_command_line(self):
        self.device.poweroff()
        for words in HIDING + (HIDING_TOO if bench.LONG else []):
            with self.subTest(words=words):
                self.device.kill()
                self.assertIn(FIRMWARE_MOTD, self.device.start(f"{ASKED} {words}"))
                self.check_inactive()
                self.assertTrue(json.loads(self.succeed("wmopkg unlock json"))["anchor"]["present"])
                self.assertRegex(self.succeed("dmesg | grep wmopkg:"),
                                 "Allow Untrusted does not count on this device without an unlock")

    if bench.LONG:
        def test_9_safe_mode(self):
            """With a fixed command line: by the environment on the disk, and by another signed image
            on a disk that the firmware tries first."""
            self.device.kill()
            self.device.start()
            self.install("rework")
            self.device.reboot()
            self.assertEqual(self.succeed("cat /usr/share/notes/replaced"), "the package\n")
            self.succeed("wmopkg boot set safe 1")
            self.device.reboot()
            self.assertEqual(self.succeed("cat /usr/share/notes/replaced"), "the firmware\n")
            self.succeed("wmopkg boot clear safe")
            self.device.poweroff()
            self.device.write_uki("wmopkg.safe=1")
            self.device.before = [self.disk_with("safe", bench.read(self.bench.path("uki.efi")))]
            self.device.start()
            self.succeed("grep -q ' wmopkg.safe=1$' /proc/cmdline")
            self.assertEqual(self.succeed("cat /usr/share/notes/replaced"), "the firmware\n")
            self.succeed("wmopkg remove rework --yes")
            self.device.poweroff()
            self.device.before = []

        def test_a_changed_root(self):
            """A bit of the root, and one of its hash tree."""
            words = f"{self.verity_words} loglevel=4"
            self.device.initrd = "initrd.img"
            for name, place in (("data", 0), ("metadata", TREE_AT + 4096)):
                with self.subTest(name), open(self.device.disk, "r+b") as disk:
                    disk.seek(bench.FIRMWARE_START + place + 8)
                    byte = disk.read(1)[0]
                    disk.seek(bench.FIRMWARE_START + place + 8)
                    disk.write(bytes([byte ^ 1]))
                    disk.flush()
                    self.device.start(words, until=f"{name} block")
                    seen = console.plain(self.device.expect("is corrupted"))
                    self.assertNotIn(FIRMWARE_MOTD, seen)
                    self.device.kill()
                    disk.seek(bench.FIRMWARE_START + place + 8)
                    disk.write(bytes([byte]))
            self.device.initrd = "initrd-plain.img"

        def test_b_revoked(self):
            """The firmware of the device learns that the key of the image does not count any more."""
            folder = self.bench.path("revoked")
            os.mkdir(folder)
            keys = self.device.secure_boot_keys
            for command in (
                    ["openssl", "x509", "-in", f"{keys}/db.pem", "-outform", "DER", "-out", f"{folder}/cer"],
                    ["sbsiglist", "--owner", OWNER, "--type", "x509", "--output", f"{folder}/esl", f"{folder}/cer"],
                    ["sbvarsign", "--include-attrs", "--attr", "NON_VOLATILE,BOOTSERVICE_ACCESS,RUNTIME_ACCESS",
                     "--key", f"{keys}/KEK.key", "--cert", f"{keys}/KEK.pem", "--output", f"{folder}/dbx.auth",
                     "dbx", f"{folder}/esl"]):
                subprocess.run(command, check=True)
            self.device.files = {"/keys/dbx.auth": f"{folder}/dbx.auth"}
            self.device.start()
            variables = self.bench.path("variables.fd")
            kept = bench.read(variables)
            self.succeed("mount -o ro /dev/vda1 /mnt; mount -t efivarfs none /sys/firmware/efi/efivars")
            self.succeed(f"dd if=/mnt/keys/dbx.auth of=/sys/firmware/efi/efivars/dbx-{OWNER} bs=64k")
            self.device.type("reboot")
            self.device.expect(console.DENIED, console.BOOT_S)
            self.device.kill()
            with open(variables, "wb") as out:
                out.write(kept)

        def test_c_secure_boot_is_off(self):
            """As with a switch in the menu of the firmware, which keeps its keys. Hidden, there is an
            anchor, as nobody knows."""
            self.device.kill()
            variables = self.bench.path("variables.fd")
            content = bytearray(bench.read(variables))
            name = "SecureBootEnable\0".encode("utf-16-le")
            self.assertEqual(content.count(name), 1)
            value = content.index(name) + len(name)
            self.assertEqual(content[value], 1)
            content[value] = 0
            with open(variables, "wb") as out:
                out.write(content)
            self.assertIn(BRAND_MOTD, self.device.start(ASKED))
            self.assert_anchor(False, "variable-off")
            self.device.kill()
            self.assertIn(FIRMWARE_MOTD, self.device.start(f"{ASKED} efi=noruntime"))
            self.assert_anchor(True, "variable-unreadable")


if __name__ == "__main__":
    bench.main()
