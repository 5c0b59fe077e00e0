#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg show NAME: every fact there is."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402


ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
DOCUMENT = os.path.join(ROOT, "docs", "show.md")


class ShowOne(states.Case):
    def test_one(self):
        self.install(self.package)
        result = self.wmopkg("show", "pkgname", "detail")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.wmopkg("show", "detail").stdout, result.stdout)
        # of one, without keys and hashes
        self.assertEqual(self.wmopkg("show", "pkgname").stdout, "".join(
            line for line in result.stdout.splitlines(True)
            if line.split(":")[0] not in ("Signer key", "Image bytes", "Salt", "Root hash",
                                          "Kernel signed")))
        row = "\u2502pkgname  5.26.0-rev0"
        self.place(self.package, "other")
        for words, rows in ((("pkgname", "brief"), 1), (("brief",), 2)):
            shown = self.wmopkg("show", *words).stdout
            self.assertIn(row, shown)
            self.assertTrue(shown.endswith("\u2518\n"))
            self.assertEqual(shown.count("5.26.0"), rows)
        self.assertRegex(result.stdout, rf"""\AName: pkgname
Identity: pkgname
Version: 5\.26\.0-rev0
Description: Example
Active: unknown, this boot activated nothing
Verification: Signed
Persistent: False
File: {self.folder}/data/packages/pkgname\.wmopkg
File bytes: \d+
Signer: CN=wmopkg development signer
Trusted by: root\.pem
Signer key: [0-9a-f]{{64}}
Signed at: \d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC
Persistence: allowed
Priority: 0
Epoch: 0
Epoch floor: 0
Image bytes: \d+
Salt: [0-9a-f]{{64}}
Root hash: [0-9a-f]{{64}}
Kernel signed: no
\Z""")

    def test_every_label_is_in_the_document(self):
        self.craft("crafted", compatible=["*"], built=1, firmware={"min": "1", "max": "99"},
                   needs=["other>=1"], conflicts_with=["third"])
        self.place(self.package, "signed")
        self.booted(self.entry("signed", version="1.0", store="persist"))
        with open(DOCUMENT, encoding="utf-8") as file:
            labels = re.findall(r"`([A-Z][A-Za-z ]+)`", file.read())
        shown = [line.split(":")[0] for name in ("crafted", "signed")
                 for line in self.wmopkg("show", name, "detail").stdout.splitlines()]
        self.assertEqual(set(shown) - set(labels), set())
        self.assertEqual(set(labels) - set(shown), {"PERSISTENT", "VERIFICATION", "AT ms", "TOOK ms",
                                                    "LANG", "TERM", "STATE", "Pending", "Ending",
                                                    "Inactive", "Unknown"})

    def test_aligned_on_a_terminal(self):
        self.install(self.package)
        output = self.terminal(80, "show", "pkgname", "detail")
        self.assertTrue(output.startswith("""\
         Name: pkgname
     Identity: pkgname
      Version: 5.26.0-rev0
  Description: Example
       Active: unknown, this boot activated nothing
 Verification: Signed
   Persistent: False
         File: """), output)
        self.assertRegex(output, r"\n    Root hash: [0-9a-f]{64}\nKernel signed: no\n\Z")
        labels = [line.split(":")[0] for line in output.splitlines()]
        self.assertEqual(len(set(labels)), len(labels))
        self.assertLessEqual(max(map(len, output.splitlines())), 80)

    def test_wrapped(self):
        """A refused one with all that a manifest can say, on a narrow terminal."""
        self.craft("pkgname", description="A description of more words than a line can hold",
                   priority=-3, epoch=7, compatible=["EX-9*", "EX-8000"], built=1700000000,
                   firmware={"min": "5.20", "max": "6"}, persistent="allowed")
        os.mkdir("persist/wmopkg")
        bench.write("persist/wmopkg/floors.json", json.dumps({
            "format": 1, "time": 0, "denylist": 0, "epochs": {"pkgname": 4}}).encode())
        output = self.terminal(40, "show", "pkgname", "detail")
        self.assertRegex(output, r"""\A         Name: pkgname
     Identity: pkgname
      Version: 5.26.0-rev0
  Description: A description of more
               words than a line can
               hold
       Active: no
 Verification: Unsigned
       Reason: it has no signature
               \(no-signature\)
   What to do: install a signed package,
               or set Allow Untrusted in
               the boot configuration
   Persistent: False
         File: /(?s:.*?)
   File bytes: \d+
  Persistence: allowed
     Priority: -3
        Epoch: 7
  Epoch floor: 4
   Compatible: EX-9\*
   Compatible: EX-8000
Firmware from: 5\.20
  Firmware to: 6
        Built: 2023-11-14 22:13:20 UTC
  Image bytes: \d+
         Salt: [0-9a-f]{25}
               [0-9a-f]{25}
               [0-9a-f]{14}
""")
        self.assertLessEqual(max(map(len, output.splitlines())), 40)

    def test_trial(self):
        self.install(self.package)
        self.booted(self.entry("pkgname"))
        shown = json.loads(self.wmopkg("show", "pkgname", "json").stdout)["packages"][0]
        self.assertNotIn("trial", shown)
        for state, incomplete, line, trial in (
                ("trial", 1, "this boot or one of the next 2 must be completed",
                 {"state": "running", "boots_left": 2}),
                ("trial", 2, "this boot or the next must be completed",
                 {"state": "running", "boots_left": 1}),
                ("trial", 3, "this boot must be completed", {"state": "running", "boots_left": 0}),
                ("passed", 1, "passed", {"state": "passed"})):
            self.trials(state, incomplete)
            self.assertIn(f"\nThis boot: 5.26.0-rev0: Signed, active\nTrial: {line}\n",
                          self.wmopkg("show", "pkgname").stdout)
            shown = json.loads(self.wmopkg("show", "pkgname", "json").stdout)["packages"][0]
            self.assertEqual(shown["trial"], trial)

    def trials(self, state, incomplete, search=None, **facts):
        """What boots with the package leave behind."""
        subprocess.run([bench.BUILD, "extract", "--manifest", "manifest", self.package], check=True,
                       stdout=subprocess.DEVNULL)
        digest = hashlib.sha256(bench.read("manifest")).hexdigest()
        bench.write("persist/wmopkg/trials.json", json.dumps({
            "type": "trials", "format": 1, "completed": False,
            "idle": False, "failed": 0, "packages": [
                {"id": digest, "name": "pkgname", "persistent": False, "state": state,
                 "incomplete": incomplete, "ran": True, **facts}],
            **({"search": search} if search else {})}).encode())

    def test_retried_suspect(self):
        """Left out by the last boot, and no longer by the next one."""
        self.install(self.package)
        self.booted(self.entry("pkgname", active=False, code="suspect", message="left out"))
        self.trials("trial", 1, search="without", suspicion="suspect")
        self.assertIn("pkgname: not active: left out", self.wmopkg("show").stdout)
        self.succeed("pkgname is tried again at the next boot.\n", "retry", "pkgname")
        self.assertIn("pkgname: active after reboot\n", self.wmopkg("show").stdout)
        self.assertIn("Active: after reboot\n", self.wmopkg("show", "pkgname").stdout)

    def test_similar_names_come_first(self):
        os.mkdir("data/packages")
        os.mkdir("persist/packages")
        for name in ("alpha", "brand-acme", "brand-x", "Profinet", "zeta"):
            shutil.copy(self.package, f"data/packages/{name}.wmopkg")
        shutil.copy(self.package, "persist/packages/brand-x.wmopkg")
        for typed, names in (
                ("profient", "Profinet, alpha, brand-acme, brand-x, zeta"),
                ("brand", "brand-acme, brand-x, Profinet, alpha, zeta"),
                ("zeta-2.wmopkg", "zeta, Profinet, alpha, brand-acme, brand-x"),
                ("beta", "zeta, Profinet, alpha, brand-acme, brand-x"),
                ("x" * 200, "Profinet, alpha, brand-acme, brand-x, zeta")):
            self.check(4, "", f"{typed[:128]}: no such package (installed: {names})", "show", typed)


if __name__ == "__main__":
    unittest.main()
