#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Needs and conflicts on the console: install, remove, undo, show and forecasts say what is
missing, and what to do first; to the letter."""

import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402

FORCE = "to install it all the same: install force ..."
REMOVED = "Removed... Changes are applied after reboot.\n"
NOT_INSTALLED = "it needs base>=1.0, which is not installed"


class Needs(states.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(f"{cls.shared}/small")
        bench.write(f"{cls.shared}/small/file", b"some bytes\n")
        cls.packages = {}
        for file, name, version, options in (
                ("base", "base", "1.0", ()),
                ("base-0.9", "base", "0.9", ()),
                ("base-2.0", "base", "2.0", ("--firmware-max", "5.9")),
                ("lib", "lib", "1.0", ("--need", "base>=1.0")),
                ("app", "app", "1.0", ("--need", "lib")),
                ("app-2", "app", "2.0", ("--need", "base>=2.0", "--need", "lib")),
                ("ping", "ping", "1.0", ("--need", "pong")),
                ("pong", "pong", "1.0", ("--need", "ping")),
                ("alone", "alone", "1.0", ()),
                ("rival", "rival", "1.0", ("--conflict", "alone")),
                ("glob", "glob", "1.0", ())):
            os.makedirs(f"{cls.shared}/{file}")
            cls.packages[file] = bench.make_package(
                f"{cls.shared}/{file}/{name}.wmopkg", f"{cls.shared}/small", "--version", version,
                *options, keys=cls.keys)

    def setUp(self):
        super().setUp()
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write('firmware_version = "5.0"\n')

    def put(self, *files, words=(), errors=""):
        """Install one after the other, with just these warnings."""
        for file in files:
            result = self.wmopkg("install", *words, self.packages[file])
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(bench.INSTALLED, result.stdout)
            self.assertEqual(result.stderr, "".join(f"wmopkg: {line}\n"
                                                    for line in errors.splitlines()), file)

    def refused(self, file, why, words=()):
        """Before any of its data is taken."""
        self.refuse(1, f"{self.packages[file]}: {why}", "install", *words, self.packages[file])

    def shown(self):
        told = json.loads(self.wmopkg("show", "json").stdout)["packages"]
        return {item["name"]: (item["status"], item.get("reason", {}).get("message", ""))
                for item in told}

    def test_order(self):
        """The one that is needed has to be there first; the refusal says which."""
        self.refused("lib", f"{NOT_INSTALLED} (install base 1.0 or later first; {FORCE})")
        self.refused("app", f"it needs lib, which is not installed (install lib first; {FORCE})")
        self.put("base-0.9")
        self.refused("lib", "it needs base>=1.0, and base has version 0.9 (install base 1.0 or "
                     f"later first; {FORCE})")
        self.put("base", "lib", "app")
        self.assertEqual({status for status, _ in self.shown().values()}, {"unknown"})
        self.refused("app-2", "it needs base>=2.0, and base has version 1.0 (install base 2.0 or "
                     f"later first; {FORCE})")

    def test_force(self):
        """In the wrong order, and both of a circle."""
        self.put("app", words=("force",), errors="warning: app: not active after reboot: it needs lib, "
                 "which is not installed")
        self.put("lib", words=("force",), errors=f"warning: lib: not active after reboot: {NOT_INSTALLED}")
        missing = f"it needs lib, which is not active: {NOT_INSTALLED}"
        self.assertEqual(self.shown(), {"app": ("inactive", missing),
                                        "lib": ("inactive", NOT_INSTALLED)})
        self.assertIn(f"app: not active: {missing} (install the package that it needs, or make "
                      "it active)\n", self.wmopkg("show").stdout)
        self.assertIn(f"Reason: {missing} (missing-need)\n", self.wmopkg("show", "app").stdout)
        self.put("base")
        self.assertEqual({status for status, _ in self.shown().values()}, {"unknown"})
        self.refused("ping", f"it needs pong, which is not installed (install pong first; {FORCE})")
        self.put("ping", words=("force",), errors="warning: ping: not active after reboot: it needs "
                 "pong, which is not installed")
        self.put("pong")
        self.assertEqual({status for status, _ in self.shown().values()}, {"unknown"})

    def test_conflict(self):
        """Whichever names the other, and wherever they lie."""
        for first, second in (("alone", "rival"), ("rival", "alone")):
            for words in ((), ("persistent",)):
                with self.subTest(first=first, words=words):
                    self.put(first)
                    self.refused(second, f"it conflicts with {first}, which is installed (remove "
                                 f"that first: wmopkg remove {first}; {FORCE})", words)
                    self.forget()
        self.put("alone")
        self.booted(self.entry("alone", version="1.0"))
        loses = ("it conflicts with the persistent package 'rival', version 1.0, which stays "
                 "active; this is in the manifest of the other")
        self.put("rival", words=("force", "persistent"),
                 errors=f"warning: alone: not active after reboot: {loses}")
        self.assertEqual(self.shown(), {"alone": ("active", loses), "rival": ("pending", "")})
        self.assertIn(f"alone: active until reboot: {loses} (remove the one of the two that is "
                      "not needed)\n", self.wmopkg("show").stdout)

    def test_replaced_by_an_older_one(self):
        self.put("base", "lib", "app")
        self.refused("base-0.9", "lib would not be active any more: it needs base>=1.0, and base "
                     f"has version 0.9 (remove that first: wmopkg remove lib; {FORCE})")
        older = "it needs base>=1.0, and base has version 0.9"
        self.put("base-0.9", words=("force",),
                 errors="warning: app: not active after reboot: it needs lib, which is not "
                 f"active: {older}\nwarning: lib: not active after reboot: {older}")
        # as it was, and the last one of them says so
        self.check(0, "  base: version 0.9 goes, version 1.0 comes back\n", "", "undo", "--check")

    def test_remove(self):
        self.put("base", "lib", "app", "alone")
        warnings = (f"warning: app: not active after reboot: it needs lib, which is not active: "
                    f"{NOT_INSTALLED}\nwarning: lib: not active after reboot: {NOT_INSTALLED}")
        self.check(1, "Remove package base (y/N)?\nNothing removed.\n", warnings, "remove", "base",
                   answer="n\n")
        self.check(0, "Remove package alone (y/N)?\n" + REMOVED, "", "remove", "alone",
                   answer="y\n")
        # together they miss nothing
        self.check(1, "Remove packages base, lib and app (y/N)?\nNothing removed.\n", "",
                   "remove", "base", "lib", "app", answer="n\n")
        self.check(0, REMOVED, warnings, "remove", "--yes", "base")
        self.assertEqual(self.shown()["lib"], ("inactive", NOT_INSTALLED))
        # which are not active already
        self.check(0, REMOVED, "", "remove", "--yes", "lib")
        self.check(0, "Removing all packages... Changes are applied after reboot.\n", "", "remove",
                   "--yes", "all")

    def test_remove_of_a_duplicate(self):
        """What is left of the identity counts then, or does not do."""
        self.put("base", words=("persistent",))
        self.put("lib")
        self.place(self.packages["base-2.0"], "base")
        self.place(self.packages["base-0.9"], "old")
        os.rename("data/packages/base.wmopkg", "data/packages/new.wmopkg")
        self.check(0, REMOVED, "", "remove", "--yes", "base")
        older = "it needs base>=1.0, and base has version 0.9 (installed as old)"
        self.check(0, REMOVED, f"warning: lib: not active after reboot: {older}", "remove",
                   "--yes", "new")
        self.assertEqual(self.shown()["lib"], ("inactive", older))

    def test_undo(self):
        self.put("base", "lib")
        self.check(0, "Undone... Changes are applied after reboot.\n", "", "undo", "--yes")
        self.put("lib")
        self.check(0, REMOVED, "", "remove", "--yes", "lib", "base")
        # each of the two comes back, and misses nothing
        self.check(0, "Undone... Changes are applied after reboot.\n", "", "undo", "--yes")
        self.assertEqual(sorted(self.shown()), ["base", "lib"])
        self.put("base-2.0")
        self.check(0, REMOVED, "", "remove", "--yes", "lib")
        self.put("app-2", words=("force",), errors="warning: app: not active after reboot: it "
                 "needs lib, which is not installed")
        self.put("lib")
        self.check(0, "  lib: version 1.0 goes\n", "warning: app: not active after reboot: it "
                   "needs lib, which is not installed", "undo", "--check")

    def test_bootconf(self):
        """What only the bootloader leaves out can be installed for: with a warning."""
        self.put("base")
        disabled = "the boot configuration leaves it out (wmopkg.disable)"
        self.boot("wmopkg.disable=base")
        self.put("lib", errors="warning: lib: not active after reboot: it needs base>=1.0, which "
                 f"is not active: {disabled}")
        self.assertEqual(self.shown()["lib"], ("inactive", "it needs base>=1.0, which is not "
                                               f"active: {disabled}"))
        self.boot("wmopkg.safe")
        self.put("app", errors="warning: app: not active after reboot: the boot configuration "
                 "leaves all packages out (wmopkg.safe) (boot without wmopkg.safe)")

    def test_quarantined(self):
        self.put("base", "lib")
        digest = json.loads(self.wmopkg("audit", "json").stdout.splitlines()[-2])["id"]
        why = "it was left out after boots that were not completed"
        missing = f"it needs base>=1.0, which is not active: {why}"
        self.booted(self.entry("base", active=False, verification="Quarantined", version="1.0",
                               code="quarantined", message=why),
                    self.entry("lib", active=False, version="1.0", code="missing-need",
                               message=missing))
        bench.write("persist/wmopkg/trials.json", json.dumps({
            "type": "trials", "format": 1, "completed": True, "idle": False, "failed": 0,
            "packages": [{"name": "base", "persistent": False, "id": digest,
                          "state": "quarantined", "incomplete": 0, "ran": False}]}).encode())
        self.assertEqual(self.shown(), {"base": ("inactive", why), "lib": ("inactive", missing)})
        self.check(0, REMOVED, "", "remove", "--yes", "lib")
        self.refused("lib", f"it needs base>=1.0, which is not active: {why} (what to do: wmopkg "
                     f"show base; {FORCE})")

    def test_untrusted(self):
        """What is not signed meets no need, unless it is allowed; and no one is switched off."""
        unsigned = bench.make_package(f"{self.folder}/base.wmopkg", f"{self.shared}/small",
                                      "--version", "9.0")
        self.place(unsigned, "base")
        self.refused("lib", "it needs base>=1.0, which is not active: it has no signature (what to "
                     f"do: wmopkg show base; {FORCE})")
        self.boot("wmopkg.allow_untrusted=1")
        self.put("lib", errors=bench.ALLOWED)
        self.assertEqual(self.shown()["lib"][0], "unknown")

    def test_reset(self):
        """A persistent one that needs an ordinary one."""
        self.put("base")
        warning = ("warning: lib: a factory reset keeps it, and deletes base, which it needs (to "
                   "keep both: wmopkg install persistent ... for base, too)")
        self.put("lib", words=("persistent",), errors=warning)
        kept = f"warning: lib is kept, and not active after the reset: {NOT_INSTALLED}"
        reset = "Factory reset requested... It takes place at the next reboot.\n"
        self.check(0, reset, kept, "factory-reset", "--yes")
        self.assertEqual(self.wmopkg("factory-reset", "cancel").returncode, 0)
        self.put("base", words=("persistent",))
        self.put("lib")
        self.check(0, reset, "", "factory-reset", "--yes")

    def test_forecast(self):
        """A firmware that leaves out one leaves out what needs it."""
        self.put("base-2.0", "lib", "app", "alone")
        gone = "it requires firmware 5.9 or earlier, and this is 6.0"
        result = self.wmopkg("verify", "--check-firmware", "6.0")
        needs = f"it needs base>=1.0, which is not active: {gone}"
        self.assertEqual(result.stdout, f"""\
Under firmware 6.0:
alone: stays active
app: would no longer be active: it needs lib, which is not active: {needs}
base: would no longer be active: {gone}
lib: would no longer be active: {needs}
""")
        self.assertEqual(result.returncode, 1)
        # another version of it is at hand: with it, nothing stops
        result = self.wmopkg("verify", "--check-firmware", "6.0", self.packages["base"])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("""\
base (this file): stays active
alone: stays active
app: stays active
lib: stays active
""", result.stdout)
        # and there it may become active
        with open("wmopkg.conf", encoding="utf-8") as file:
            text = file.read()
        bench.write("wmopkg.conf", text.replace('"5.0"', '"6.0"').encode())
        self.assertEqual(self.wmopkg("verify", "--check-firmware", "5.0").stdout, """\
Under firmware 5.0:
alone: stays active
app: would become active
base: would become active
lib: would become active
""")

    def test_file_at_hand(self):
        """Of a file, `verify` says what it needs, and a forecast that it is not there."""
        self.assertIn("Needs: base>=1.0\n", self.wmopkg("verify", self.packages["lib"]).stdout)
        result = self.wmopkg("verify", "--check-firmware", "6.0", self.packages["lib"])
        self.assertIn("lib (this file): is not active, and would not be active: "
                      f"{NOT_INSTALLED}\n", result.stdout)

    def test_required(self):
        """What the device does not start without takes along what it needs, also with force."""
        self.put("base", "lib")
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("require_packages = {lib}\n")
        why = ("the device does not start without lib, which would not be active: {} (to change "
               "that: require_packages in the configuration)")
        self.refuse(3, why.format(NOT_INSTALLED), "remove", "--yes", "base")
        older = self.packages["base-0.9"]
        self.refuse(3, f"{older}: " + why.format("it needs base>=1.0, and base has version 0.9"),
                    "install", "force", older)
        self.put("alone")
        self.check(0, REMOVED, "", "remove", "--yes", "alone")
        self.check(0, "Undone... Changes are applied after reboot.\n", "", "undo", "--yes")
        # the newest change that is left is that of `alone`, then those of `lib` and `base`
        self.check(0, "Undone... Changes are applied after reboot.\n", "", "undo", "--yes")
        self.assertEqual(sorted(self.shown()), ["base", "lib"])

    def test_globs(self):
        """A name is a name: no package is called '*'."""
        refused = subprocess.run([bench.BUILD, "create", "--version", "1", "--description", "d",
                                  "--need", "ba*", f"{self.shared}/small", "x.wmopkg"],
                                 capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--need: 'ba*' is not NAME or NAME>=VERSION", refused.stderr)


if __name__ == "__main__":
    unittest.main()
