#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg unlock: Allow Untrusted on a device with an anchor, as a technician meets it."""

import json
import os
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402

DAY = 24 * 60 * 60
YEAR = 365 * DAY
LOCKED = ("Allow Untrusted does not count on this device without an unlock statement (serial "
          "number: SN-1): the configuration sets anchor = always")
INSTEAD = ("it has no signature (install one signed for this device, or ask for an unlock "
           "statement)")
ASK = "(ask the vendor for an unlock statement for this device)"
ANCHOR = "Hardware anchor: present: the configuration sets anchor = always"
SIGNER = "CN=wmopkg development unlock signer"


class Unlock(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.now = int(time.time())
        cls.unsigned = cls.make("unsigned")
        cls.good = cls.unlock("good")
        cls.day = time.strftime("%Y-%m-%d", time.gmtime(cls.now + YEAR))

    @classmethod
    def unlock(cls, name, *options, serial="SN-1", until=None, keys=None,
               allow=("untrusted",)):
        path = f"{cls.shared}/{name}"
        keys = keys or cls.keys
        words = [word for what in allow for word in ("--allow", what)]
        subprocess.run([bench.BUILD, "unlock", "--serial", serial, *words,
                        "--not-after", str(until or cls.now + YEAR),
                        "--key", f"{keys}/unlock.key", "--cert", f"{keys}/unlock.pem",
                        *options, path], check=True, stdout=subprocess.DEVNULL)
        return path

    def setUp(self):
        super().setUp()
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("anchor = always\nserial = SN-1\n")
        self.boot("wmopkg.allow_untrusted=1")

    def shown(self, *lines):
        self.succeed("".join(f"{line}\n" for line in lines), "unlock")

    def test_locked(self):
        self.shown("Serial: SN-1", "Unlocked: no", ANCHOR, "Allow Untrusted: no",
                   f"Reason: {LOCKED} {ASK}")
        warning = f"warning: {LOCKED}"
        self.refuse(3, f"{warning}\n{self.unsigned}: Unsigned: {INSTEAD}", "install",
                    self.unsigned)
        self.check(0, "No packages installed.\n", warning, "show")
        shown = self.wmopkg("show", "json")
        self.assertEqual((shown.stderr, json.loads(shown.stdout)), ("", {
            "format": 1, "allow_untrusted": False, "packages": [], "locked": {
                "code": "locked", "message": LOCKED, "hint": ASK.strip("()")}}))
        self.install_signed(warning)

    def install_signed(self, *warnings, note=""):
        self.check(0, bench.LOCAL.replace(bench.INSTALLED, note + bench.INSTALLED),
                   "\n".join(warnings), "install", self.package)

    def test_not_asked_for(self):
        self.boot("")
        self.succeed(f"Unlocked until {self.day}: untrusted. Changes are applied after reboot.\n",
                     "unlock", self.good)
        self.refuse(3, f"{self.unsigned}: Unsigned: it has no signature (install one signed for "
                    "this device, or set Allow Untrusted, which requires an unlock statement here, "
                    "too)", "install", self.unsigned)
        self.install_signed()

    def test_unlocked(self):
        self.succeed(f"Unlocked until {self.day}: untrusted. Changes are applied after reboot.\n",
                     "unlock", self.good)
        until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.now + YEAR))
        self.shown("Serial: SN-1", "Unlocked: untrusted", f"Until: {until}", f"Signer: {SIGNER}",
                   "Trusted by: root.pem", f"Hash: {self.hash_of(self.good)}",
                   ANCHOR, "Allow Untrusted: yes")
        self.check(0, f"unsigned.wmopkg:\n{bench.BAR}    PKG: Unsigned\n{bench.INSTALLED}",
                   f"{bench.ALLOWED}\nwarning: unsigned: Unsigned: it has no signature; it is "
                   "active only where the boot configuration says Allow Untrusted, and as long as "
                   "an unlock statement allows it", "install", self.unsigned)
        self.install_signed(bench.ALLOWED, note="Note: 1 file of this one will be covered by package "
                            "'unsigned': /noise. See: wmopkg conflicts pkgname\n")
        self.succeed("Unlock statement removed... Changes are applied after reboot.\n", "unlock",
                     "clear", "--yes")
        self.succeed("There is no unlock statement.\n", "unlock", "clear")
        self.assertFalse(os.path.exists("persist/wmopkg/unlock"))
        self.check(3, "", f"warning: {LOCKED}\n{self.unsigned}: Unsigned: {INSTEAD}",
                   "install", self.unsigned)
        shown = json.loads(self.wmopkg("show", "unsigned", "json").stdout)["packages"][0]
        self.assertEqual(f"{shown['reason']['message']} ({shown['reason']['hint']})", INSTEAD)

    @staticmethod
    def hash_of(path):
        done = subprocess.run([bench.BUILD, "inspect", "--json", path], check=True, text=True,
                              stdout=subprocess.PIPE)
        return json.loads(done.stdout)["hash"]

    def test_clear_is_final(self):
        """For this statement, however it comes back; and not for another one."""
        self.wmopkg("unlock", self.good)
        kept = bench.read("persist/wmopkg/unlock")
        self.assertEqual(self.wmopkg("unlock", "clear", "--yes").returncode, 0)
        spent = "the unlock statement was cleared on this device"
        hint = "(ask the vendor for a new statement, with another id)"
        again = self.unlock("again")
        for path in (self.good, again):
            self.check(3, "", f"{path}: {spent} {hint}", "unlock", path)
        bench.write("persist/wmopkg/unlock", kept)
        self.check(0, f"Serial: SN-1\nUnlocked: no\n{ANCHOR}\nAllow Untrusted: no\n"
                   f"Reason: {LOCKED} {ASK}\n", f"warning: unlock statement: {spent}", "unlock")
        # what counts for nothing is cleared without a question
        self.check(0, "Unlock statement removed... Changes are applied after reboot.\n",
                   f"warning: unlock statement: {spent}", "unlock", "clear")
        other = self.unlock("other-id", "--id", "2")
        self.succeed(f"Unlocked until {self.day}: untrusted. Changes are applied after reboot.\n",
                     "unlock", other)

    def test_clear_asks(self):
        question = ("Clear the unlock statement, which this device then never accepts again "
                    "(y/N)?")
        self.wmopkg("unlock", self.good)
        self.check(1, f"{question}\n", "unlock: there is no terminal to ask on (to continue "
                   "without asking: --yes)", "unlock", "clear")
        for answer in ("n\n", "\n", "Y es\n"):
            self.check(1, f"{question}\nNothing cleared.\n", "", "unlock", "clear", answer=answer)
        self.assertIn("Unlocked: untrusted\n", self.wmopkg("unlock").stdout)
        self.check(0, f"{question}\nUnlock statement removed... Changes are applied after "
                   "reboot.\n", "", "unlock", "clear", answer="y\n")

    def test_a_newer_one_takes_its_place(self):
        self.wmopkg("unlock", self.good)
        both = self.unlock("both", allow=("untrusted", "downgrade"), until=self.now + 2 * YEAR)
        day = time.strftime("%Y-%m-%d", time.gmtime(self.now + 2 * YEAR))
        self.succeed(f"Unlocked until {day}: untrusted, downgrade. Changes are applied after "
                     "reboot.\n", "unlock", both)
        self.assertIn("Unlocked: untrusted, downgrade\n", self.wmopkg("unlock").stdout)

    def test_allows_something_else(self):
        self.wmopkg("unlock", self.unlock("downgrade", allow=("downgrade",)))
        self.assertIn("Unlocked: downgrade\n", self.wmopkg("unlock").stdout)
        self.assertIn("Reason: Allow Untrusted does not count on this device: its unlock statement "
                      f"does not allow it {ASK}\n", self.wmopkg("unlock").stdout)

    def test_refused(self):
        other = self.unlock("other", serial="SN-2")
        subprocess.run([bench.BUILD, "keys", "strangers"], check=True, stdout=subprocess.DEVNULL)
        stranger = self.unlock("stranger", keys="strangers")
        damaged = bench.write("damaged", bytearray(bench.read(self.good)))
        with open(damaged, "r+b") as file:
            file.seek(40)
            file.write(b"X")
        for status, file, message in (
                (3, other, "the unlock statement is for serial number SN-2, and this device is "
                           "SN-1 ('wmopkg unlock' shows this device's serial number)"),
                (3, stranger, "the signer does not chain to a key of this device: .* (ask for "
                              "one that is signed for this device)"),
                (3, damaged, "signature"),
                (3, self.package, "it is a package, not a signed statement (check which file "
                                  "this is)"),
                (3, "wmopkg.conf", "it is not a signed statement (get the file again from its "
                                   "vendor)"),
                (3, "cmdline", "it is not a signed statement"),
                (4, "not-there", "No such file or directory"),
                (1, "data", "not a file")):
            with self.subTest(file=file):
                result = self.wmopkg("unlock", file)
                self.assertEqual((result.returncode, result.stdout), (status, ""), result.stderr)
                for part in message.split(".*"):
                    self.assertIn(part, result.stderr)
                self.assertTrue(result.stderr.startswith(f"wmopkg: {file}: "), result.stderr)
                self.assertFalse(os.path.exists("persist/wmopkg/unlock"))
        self.shown("Serial: SN-1", "Unlocked: no", ANCHOR, "Allow Untrusted: no",
                   f"Reason: {LOCKED} {ASK}")

    def test_expires_on_the_device(self):
        """By a firmware that was built later; its clock may say what it likes."""
        self.wmopkg("unlock", self.good)
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f"firmware_built = {self.now + YEAR + DAY}\n")
        over = (r"the unlock statement was good until .* UTC, and by this device it is .* UTC "
                r"\(ask the vendor for a new statement\)\n")
        result = self.wmopkg("unlock")
        self.assertRegex(result.stdout, r"\nUnlocked: no\nReason: " + over)
        self.assertIn("Allow Untrusted: no\nReason: Allow Untrusted does not count on this device: "
                      "the unlock statement was good until ", result.stdout)
        result = self.wmopkg("unlock", self.good)
        self.assertEqual((result.returncode, result.stdout), (3, ""))
        self.assertRegex(result.stderr, over)

    def test_the_boot_decides(self):
        """With a state of this boot, nothing that was written since switches it on."""
        self.wmopkg("unlock", self.good)
        state = {"format": 1, "safe": False, "allow_untrusted": False, "stack": {
            "code": "ok", "message": ""}, "packages": [], "device": {
                "model": "", "serial": "SN-1", "firmware": ""}}
        bench.write("run/state.json", json.dumps(state).encode())
        warning = "warning: Allow Untrusted was set after this boot, and counts from the next one on"
        self.check(3, "", f"{warning}\n{self.unsigned}: Unsigned: it has no signature (reboot first: "
                   "Allow Untrusted counts from the next boot on, if an unlock statement allows it)",
                   "install", self.unsigned)
        state["locked"] = {"code": "locked", "message": "it was asked for"}
        bench.write("run/state.json", json.dumps(state).encode())
        self.assertEqual(self.wmopkg("install", self.unsigned).returncode, 0)
        state["device"]["serial"] = "SN-2"
        bench.write("run/state.json", json.dumps(state).encode())
        self.assertEqual(self.wmopkg("install", self.unsigned).returncode, 3)
        self.assertIn("Serial: SN-2\n", self.wmopkg("unlock").stdout)

    def test_without_persist(self):
        shutil.rmtree("persist")
        result = self.wmopkg("unlock", self.good)
        self.assertEqual((result.returncode, result.stdout), (4, ""))
        self.assertIn("there is no PERSIST to keep it on", result.stderr)

    def test_usage(self):
        self.check(2, "", "unlock: unexpected 'c'\n  unlock a b c\n             ^\n"
                   "  expected: proto, user, password or end of line", "unlock", "a", "b", "c")
        self.check(2, "", "unlock: unexpected '--clear' (did you mean clear?)\n  unlock --clear\n         ^\n"
                   "  expected: clear, --yes, json, user, password, URL | FILE, media, proto, "
                   "address[:port] or end of line", "unlock", "--clear")


class Downgrade(bench.Case):
    """What the floor keeps out, and what an unlock statement lets in."""

    def test_install(self):
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("serial = SN-1\n")
        os.mkdir("persist/wmopkg")
        bench.write("persist/wmopkg/floors.json", json.dumps({
            "format": 1, "time": 0, "denylist": 0, "epochs": {"pkgname": 2}}).encode())
        reason = "its epoch is 0, and this device has run pkgname with epoch 2"
        self.refuse(3, f"{self.package}: Downgrade: {reason} (install a newer package, or ask the "
                       "vendor for an unlock statement that allows this)", "install", self.package)
        subprocess.run([bench.BUILD, "unlock", "--serial", "SN-1", "--allow", "downgrade",
                        "--not-after", str(int(time.time()) + DAY), "--key",
                        f"{self.keys}/unlock.key", "--cert", f"{self.keys}/unlock.pem", "unlock"],
                       check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.wmopkg("unlock", "unlock").returncode, 0)
        self.check(0, bench.LOCAL.replace("Signed", "Downgrade"),
                   f"warning: pkgname: Downgrade: {reason}; it is active only as long as an unlock "
                   "statement allows it", "install", self.package)


if __name__ == "__main__":
    unittest.main()
