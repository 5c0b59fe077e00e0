#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What show says of the next boot: the same as the plan of that boot, which the boot itself follows."""

import json
import os
import subprocess
import sys
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [TESTS, os.path.join(TESTS, "installer")]
import bench  # noqa: E402  pylint: disable=wrong-import-position
import schema  # noqa: E402  pylint: disable=wrong-import-position
import states  # noqa: E402  pylint: disable=wrong-import-position

ACTIVATE = os.path.join(os.environ["WMOPKG_BUILD"], "initramfs", "wmopkg-activate")
REQUEST = "persist/wmopkg/factory-reset"
SAFE = "the boot configuration leaves all packages out (wmopkg.safe) (boot without wmopkg.safe)"
DISABLED = ("the boot configuration leaves it out (wmopkg.disable) (remove the name from "
            "wmopkg.disable in the boot configuration)")
RESET = ("the next boot deletes it: a {} is requested (to cancel the reset: wmopkg factory-reset "
         "cancel)")


class NextBoot(states.Case):
    def setUp(self):
        super().setUp()
        self.install(self.make("alpha", keys=self.keys))
        self.install(self.make("brand", keys=self.keys), "persistent")

    def planned(self):
        """What the next boot would activate."""
        done = subprocess.run([ACTIVATE, "--plan", "--config", "wmopkg.conf", "--root",
                               self.folder, "json"], capture_output=True, check=False)
        told = schema.check("plan", schema.parse(done.stdout))
        return {package["name"] for package in told["packages"] if package["active"]}

    def active_now(self):
        """What this boot activated, and whether the file is still the same."""
        entries = json.loads(bench.read("run/state.json"))["packages"]
        found = {}
        for entry in entries:
            store = "persist" if entry["persistent"] else "data"
            path = f"{store}/packages/{entry['name']}.wmopkg"
            if entry["active"]:
                found[entry["name"]] = (os.path.exists(path) and
                                        os.stat(path).st_ino == entry["file"]["inode"])
        return found

    def expected_sum(self, planned):
        now = self.active_now()
        starts = len([name for name in planned if not now.get(name)])
        ends = len([name for name in now if name not in planned])
        if not starts and not ends:
            return "The next reboot changes no package."
        packages = f"{starts or ends} package{'s' if (starts or ends) > 1 else ''}"
        return (f"Reboot to activate {packages} and to deactivate {ends}." if starts and ends else
                f"Reboot to {'activate' if starts else 'deactivate'} {packages}.")

    def check_next(self, *active):
        """The plan and show say it, one as the other, and the sum is of that plan."""
        self.assertEqual(self.wmopkg("show", "pending").stdout.splitlines()[-1],
                         self.expected_sum(self.planned()))
        told = json.loads(self.wmopkg("show", "json").stdout)
        self.assertEqual({item["name"] for item in told["packages"]
                          if item["status"] in ("active", "pending") and not item.get("ends")},
                         set(active))
        self.assertEqual(self.planned(), set(active))

    def notes(self):
        """Without the sum, which is none where one package changes. Where there is a sum, only
        `show pending` has notes without a reason."""
        lines = self.wmopkg("show").stdout.split("┘\n")[1].splitlines()
        return [line for line in lines if not line.startswith("Reboot to ")]

    def test_sum(self):
        """One line for all, where there is more than one; alone with `show pending`."""
        both = "alpha: active after reboot\nbrand: active after reboot\n"
        self.succeed("It is not known what the next reboot changes: this boot activated nothing.\n",
                     "show", "pending")
        self.booted()
        self.assertTrue(self.wmopkg("show").stdout.endswith("┘\nReboot to activate 2 packages.\n"))
        self.succeed(f"{both}Reboot to activate 2 packages.\n", "show", "pending")
        self.booted(self.entry("brand", store="persist"), self.entry("gone"))
        self.succeed("alpha: active after reboot\ngone: removed, active until reboot\nReboot to "
                     "activate 1 package and to deactivate 1.\n", "show", "pending")
        self.booted(self.entry("alpha"), self.entry("brand", store="persist"), self.entry("gone"))
        self.succeed("gone: removed, active until reboot\nReboot to deactivate 1 package.\n", "show",
                     "pending")
        self.assertNotIn("Reboot to", self.wmopkg("show").stdout)
        self.booted(self.entry("alpha"), self.entry("brand", store="persist"))
        self.succeed("The next reboot changes no package.\n", "show", "pending")

    def test_pending(self):
        self.booted()
        self.assertEqual(self.notes(), [])
        self.check_next("alpha", "brand")
        self.booted(self.entry("alpha"))
        self.assertEqual(self.notes(), ["brand: active after reboot"])
        self.check_next("alpha", "brand")

    def states(self):
        """The column, or none: the last cell of each row of five or six."""
        lines = [line.strip("│").split() for line in self.wmopkg("show").stdout.splitlines()
                 if line.startswith("│")]
        return {cells[0]: cells[5] for cells in lines[1:]} if lines[0][5:] == ["STATE"] else None

    def test_state(self):
        """A column of its own only where the rows differ, or one is not as expected."""
        self.assertIsNone(self.states())  # nothing was ever booted
        self.booted()
        self.assertIsNone(self.states())
        both = (self.entry("alpha"), self.entry("brand", store="persist"))
        self.booted(*both)
        self.assertIsNone(self.states())
        self.booted(both[0])
        self.assertEqual(self.states(), {"alpha": "Active", "brand": "Pending"})
        self.boot("wmopkg.disable=brand")
        self.assertEqual(self.states(), {"alpha": "Active", "brand": "Inactive"})
        self.booted(*both)
        self.assertEqual(self.states(), {"alpha": "Active", "brand": "Ending"})
        self.boot("wmopkg.safe")
        self.assertEqual(self.states(), {"alpha": "Ending", "brand": "Ending"})
        self.booted()
        self.assertEqual(self.states(), {"alpha": "Inactive", "brand": "Inactive"})
        self.boot("")
        self.booted(self.entry("other", active=False),
                    stack={"code": "stack-failed", "message": "overlayfs: no"})
        self.assertEqual(self.states(), {"alpha": "Unknown", "brand": "Unknown"})
        # what is removed is in no row
        self.booted(*both, self.entry("gone"))
        self.assertIsNone(self.states())

    def test_replaced_and_removed(self):
        self.install(self.make("gone", keys=self.keys))
        self.booted(self.entry("alpha"), self.entry("brand", store="persist"), self.entry("gone"))
        self.check_next("alpha", "brand", "gone")
        self.wmopkg("install", f"{self.shared}/alpha.wmopkg")
        self.wmopkg("remove", "gone", "--yes")
        self.check_next("alpha", "brand")
        self.assertEqual(self.wmopkg("show", "pending").stdout.splitlines()[-1],
                         "Reboot to activate 1 package and to deactivate 1.")
        self.assertEqual(self.notes(), [])
        self.boot("wmopkg.disable=alpha")
        self.check_next("brand")
        self.boot("wmopkg.safe")
        self.check_next()
        self.assertEqual(self.wmopkg("show", "pending").stdout.splitlines()[-1],
                         "Reboot to deactivate 3 packages.")

    def test_suspects(self):
        """Which of them the next boot tries depends on how this one ends: it is said."""
        digests = {event["package"]: event["id"] for event in map(
            json.loads, self.wmopkg("audit", "json").stdout.splitlines())}
        bench.write("persist/wmopkg/trials.json", json.dumps({
            "type": "trials", "format": 1, "completed": True, "idle": False, "failed": 0,
            "search": "without", "packages": [
                {"id": digests[name], "name": name, "persistent": name == "brand",
                 "state": "trial", "incomplete": 3, "ran": False, "suspicion": "suspect"}
                for name in ("alpha", "brand")]}).encode())
        left_out = {"active": False, "code": "suspect", "message": "told so"}
        self.booted(self.entry("alpha", **left_out), self.entry("brand", store="persist", **left_out))
        self.assertEqual(self.states(), {"alpha": "Inactive", "brand": "Inactive"})
        self.succeed("The next reboot changes no package. It may try 2 suspect packages again.\n",
                     "show", "pending")

    def test_safe(self):
        self.booted()
        self.boot("wmopkg.safe")
        self.assertEqual(self.notes(), [f"{name}: not active: {SAFE}" for name in ("alpha", "brand")])
        self.check_next()
        self.booted(self.entry("alpha"), self.entry("brand", store="persist"))
        self.assertEqual(self.notes(), [f"{name}: active until reboot: {SAFE}"
                                        for name in ("alpha", "brand")])
        self.check_next()

    def test_after_a_safe_boot(self):
        left_out = {"active": False, "code": "safe-mode", "message": "told so"}
        self.booted(self.entry("alpha", **left_out), self.entry("brand", store="persist", **left_out),
                    safe=True)
        self.assertEqual(self.notes(), [])
        self.check_next("alpha", "brand")

    def test_disable(self):
        self.boot("wmopkg.disable=alpha")
        self.booted(self.entry("brand", store="persist"))
        self.assertEqual(self.notes(), [f"alpha: not active: {DISABLED}"])
        self.check_next("brand")
        self.booted(self.entry("alpha"), self.entry("brand", store="persist"))
        self.assertEqual(self.notes(), [f"alpha: active until reboot: {DISABLED}"])
        self.assertIn("Active: until reboot\n", self.wmopkg("show", "alpha").stdout)
        self.check_next("brand")
        # who installs it is told, too
        result = self.wmopkg("install", f"{self.shared}/alpha.wmopkg")
        self.assertEqual((result.returncode, result.stderr),
                         (0, f"wmopkg: warning: alpha: not active after reboot: {DISABLED}\n"))

    def test_reset(self):
        self.booted(self.entry("alpha"))
        for words, what, left in (((), "factory reset", ("brand",)), (("--purge",), "purge", ())):
            self.assertEqual(self.wmopkg("factory-reset", *words, "--yes").returncode, 0)
            told = [f"alpha: active until reboot: {RESET.format(what)}"]
            if not left:
                told.append(f"brand: not active: {RESET.format(what)}")
            self.assertEqual(self.notes(), told)
            self.check_next(*left)
        self.assertEqual(self.wmopkg("factory-reset", "cancel").returncode, 0)
        self.check_next("alpha", "brand")

    def test_reset_by_the_bootloader(self):
        self.booted()
        self.boot("wmopkg.factory_reset=1")
        self.check_next("brand")
        # it was carried out, and is still set
        bench.write("persist/wmopkg/factory-reset.done", b"")
        self.check_next("alpha", "brand")

    def test_nothing_could_be_active(self):
        """What kept one boot from activating anything may keep the next one, too."""
        self.booted(stack={"code": "stack-failed", "message": "overlayfs: no"})
        words = "not known whether it is active after reboot, this boot activated nothing"
        self.booted(self.entry("other", active=False, code="ok"),
                    stack={"code": "stack-failed", "message": "overlayfs: no"})
        self.assertEqual(self.notes(), [f"{name}: {words}: overlayfs: no (see the kernel log with "
                                        "'dmesg')" for name in ("alpha", "brand")])

    def test_allowed_no_more(self):
        unsigned = self.make("unsigned")
        self.place(unsigned, "unsigned")
        entry = self.entry("unsigned", verification="Unsigned", code="no-signature",
                           message="it has no signature")
        self.booted(entry, allow_untrusted=True)
        self.boot("wmopkg.allow_untrusted=1")
        self.check_next("alpha", "brand", "unsigned")
        self.boot("")
        self.check_next("alpha", "brand")
        self.assertIn("unsigned: active until reboot: it has no signature (install a signed package, "
                      "or set Allow Untrusted in the boot configuration)", self.notes())


if __name__ == "__main__":
    unittest.main()
