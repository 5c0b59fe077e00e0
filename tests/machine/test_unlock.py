# SPDX-License-Identifier: MIT
"""A device with Secure Boot: Allow Untrusted counts with an unlock statement alone."""

import json
import os
import struct
import subprocess
import time

import bench
import console

FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
DAY_S = 86400
ASKED = "wmopkg.allow_untrusted=1"
# Words that keep the kernel from telling, or from being told, that Secure Boot is on. Without its
# integrity module this kernel does not come up at all.
HIDING = ["initcall_blacklist=efisubsys_init,load_uefi_certs"]
HIDING_TOO = ["efi=noruntime", "noefi", "efi=runtime", "module_blacklist=efivarfs", "noefi module_blacklist=efivarfs",
              "efi=noruntime initcall_blacklist=boot_params_ksysfs_init lsm=integrity"]
VARIABLE = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


class Unlock(bench.MachineTest):
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

    def test_1_the_boot_configuration_alone_is_not_enough(self):
        seen = self.device.start(ASKED)
        self.assertIn(FIRMWARE_MOTD, seen)
        self.assertIn("Secure boot enabled", self.succeed("dmesg | grep -i 'secure boot'"))
        output = self.exit_with(3, f"wmopkg install {self.url('unsigned')}")
        self.assertIn("Unsigned", output)
        self.assertRegex(output, "unlock statement")
        self.assertRegex(self.succeed("dmesg | grep 'wmopkg: .*Allow Untrusted'"), "unlock")
        self.assertIn(console.SERIAL, self.succeed("wmopkg unlock"))
        self.assert_anchor(True, "variable-on")

    def assert_anchor(self, present, evidence):
        """What decided in the initramfs, and what decides now."""
        for command, name in (("cat /run/wmopkg/state.json", "state"), ("wmopkg unlock json", "")):
            anchor = json.loads(self.succeed(command))["anchor"]
            self.assertEqual((anchor["present"], anchor["evidence"]), (present, evidence), name)

    def test_2_what_is_no_unlock_statement_for_this_device_is_refused(self):
        for name, reason in (("other-device.unlock", "EX-000043"), ("past.unlock", "until"),
                             ("wrong-key.unlock", "extended key usage"),
                             ("rework.wmopkg", "is a package")):
            self.fetch_statement(name)
            output = self.exit_with(3, f"wmopkg unlock /tmp/{name}")
            self.assertIn(reason, output)
        self.exit_with(4, "wmopkg unlock /tmp/none")
        self.exit_with(3, f"wmopkg install {self.url('unsigned')}")

    def test_3_unlocked(self):
        self.fetch_statement("good.unlock")
        self.assertIn("Unlocked", self.succeed("wmopkg unlock /tmp/good.unlock"))
        self.assertIn("warning", self.install("unsigned"))
        self.assertIn(BRAND_MOTD, self.device.reboot())
        self.assert_row("unsigned", "1.0", "Unsigned")
        self.assertRegex(self.succeed("dmesg | grep wmopkg"), "Allow Untrusted is set")
        self.assertIn("nosuid", self.succeed("grep ' / overlay ' /proc/mounts"))

    def test_4_locked_again(self):
        self.succeed("wmopkg unlock clear --yes")
        shown = " ".join(self.succeed("wmopkg show").split())
        self.assertIn("unsigned: active until reboot: it has no signature (install one signed for "
                      "this device, or ask for an unlock statement)", shown)
        self.assertIn(FIRMWARE_MOTD, self.device.reboot())
        self.assert_row("unsigned", "1.0", "Unsigned")
        self.assertRegex(self.succeed("wmopkg show unsigned"), "Active: no")
        self.succeed("wmopkg audit verify")
        log = self.succeed("wmopkg audit")
        for event in ("refuse", "unlock", "install", "activate", "unlock-clear"):
            self.assertIn(event, log)

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

    def test_6_hidden_by_the_command_line(self):
        """The unsigned package of before lies in the store, and stays inactive."""
        for words in HIDING + (HIDING_TOO if bench.LONG else []):
            with self.subTest(words=words):
                self.device.kill()
                self.assertIn(FIRMWARE_MOTD, self.device.start(f"{ASKED} {words}"))
                self.assert_row("unsigned", "1.0", "Unsigned")
                self.assertIn("Active: no", self.succeed("wmopkg show unsigned"))
                self.assertTrue(json.loads(self.succeed("wmopkg unlock json"))["anchor"]["present"])
                self.assertRegex(self.succeed("dmesg | grep wmopkg:"),
                                 "Allow Untrusted does not count on this device without an unlock")

    def test_7_secure_boot_is_off(self):
        """With a variable that says so there is no anchor; hidden, there is one, as nobody knows."""
        self.device.kill()
        self.device.keys = False
        # by the hook of initramfs-tools: what is absent shows that it has all that is needed
        small, self.device.initrd = self.device.initrd, "initrd.img"
        self.assertIn(BRAND_MOTD, self.device.start(ASKED))
        self.assert_anchor(False, "variable-off")
        self.device.initrd = small
        self.assertRegex(self.succeed("dmesg | grep wmopkg:"), "Allow Untrusted is set")
        if bench.LONG:
            self.device.kill()
            self.assertIn(FIRMWARE_MOTD, self.device.start(f"{ASKED} efi=noruntime"))
            self.assert_anchor(True, "variable-unreadable")


if __name__ == "__main__":
    bench.main()
