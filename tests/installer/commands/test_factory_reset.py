#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg factory-reset in a directory tree: the question, who may ask, and the request."""

import json
import os
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
from typist import Typist  # noqa: E402

NOBODY = 65534
REQUEST = "persist/wmopkg/factory-reset"
ASKED = '{"format":1,"step":"asked","by_bootloader":false,"made":false,"line":0}'
PURGE = ASKED.replace("0}", '0,"purge":true}')
PURGE_TEXT = (
    "A purge deletes everything on DATA and PERSIST: all packages, also persistent ones, "
    "configuration and users, the audit log, known hosts, the unlock statement, the deny list and "
    "the floors. Rollback protection starts from zero: packages that were revoked or are too old "
    "can be installed again. The disk is not overwritten.\n")
PURGE_QUESTION = "Purge this device, deleting all that it has and remembers (y/N)?\n"
PURGE_REQUESTED = "Purge requested... It takes place at the next reboot.\n"
DELETED = "Deleted: all of DATA, with configuration, users and logs, and {}\n"
KEPT = "Kept: the audit log, known hosts, unlock statement, deny list and floors, and {}\n"
QUESTION = (DELETED.format("no package") + KEPT.format("no persistent package") +
            "Reset to factory, deleting all but persistent packages (y/N)?\n")
REQUESTED = "Factory reset requested... It takes place at the next reboot.\n"
CONSOLE = ("factory-reset: allowed only on the serial console of this device (log in there, or "
           "request it with the bootloader)")
PENDING = ("wmopkg: warning: a factory reset is requested: the next reboot deletes all but "
           "persistent packages (to cancel it: wmopkg factory-reset cancel)\n")
UNFINISHED = ("wmopkg: warning: a factory reset was begun and is not finished: the next reboot "
              "continues it (the kernel log says why)\n")
KEPT_PURGE = ("warning: a purge is requested already, and stays requested: the next reboot deletes "
              "everything on DATA and PERSIST (to cancel it: wmopkg factory-reset cancel)")
ROOT = "factory-reset: only root may request one (become root)"


class FactoryReset(bench.Case):
    def requested(self):
        """Whether it is, in the form that it has to be."""
        if not os.path.lexists(REQUEST):
            return False
        self.assertEqual(bench.read(REQUEST).decode(), ASKED)
        self.assertEqual(stat.S_IMODE(os.stat(REQUEST).st_mode), 0o600)
        return True

    def events(self):
        result = self.wmopkg("audit", "json")
        return [(line.get("detail"), line.get("code"), line["user"]) for line in
                map(json.loads, result.stdout.splitlines()) if line["event"] == "factory-reset"]

    def configure(self, line):
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def test_the_question(self):
        for answer in ("n\n", "\n", "yess\n", "no y\n"):
            self.check(1, QUESTION + "Nothing reset.\n", "", "factory-reset", answer=answer)
            self.assertFalse(self.requested())
        self.check(1, QUESTION, "factory-reset: there is no terminal to ask on (to continue without "
                   "asking: --yes)", "factory-reset")
        self.assertEqual((self.requested(), self.events()), (False, []))
        self.succeed(QUESTION + REQUESTED, "factory-reset", answer="y\n")
        self.assertTrue(self.requested())
        self.assertEqual(self.events(), [("requested", None, "root")])

    def test_purge(self):
        """A question of its own, which says what is lost; a request of its own."""
        for answer in ("n\n", "\n", "yess\n"):
            self.check(1, PURGE_TEXT + PURGE_QUESTION + "Nothing reset.\n", "", "factory-reset",
                       "--purge", answer=answer)
            self.assertFalse(os.path.lexists(REQUEST))
        self.assertEqual(self.events(), [])
        self.succeed(PURGE_TEXT + PURGE_QUESTION + PURGE_REQUESTED, "factory-reset", "--purge",
                     answer="y\n")
        self.assertEqual(bench.read(REQUEST).decode(), PURGE)
        self.assertEqual(self.events(), [("purge requested", None, "root")])
        self.assertEqual(self.wmopkg("show").stderr,
                         "wmopkg: warning: a purge is requested: the next reboot deletes everything "
                         "on DATA and PERSIST, also persistent packages (to cancel it: wmopkg "
                         "factory-reset cancel)\n")
        # the stronger request stays, and the question is about what will happen
        self.check(0, PURGE_REQUESTED, KEPT_PURGE, "factory-reset", "--yes")
        self.assertEqual(bench.read(REQUEST).decode(), PURGE)
        self.check(1, PURGE_TEXT + PURGE_QUESTION + "Nothing reset.\n", KEPT_PURGE, "factory-reset",
                   answer="n\n")
        self.assertEqual(bench.read(REQUEST).decode(), PURGE)
        self.assertEqual(self.wmopkg("factory-reset", "cancel").returncode, 0)
        # in any order of the words, and after a weaker request
        self.succeed(REQUESTED, "factory-reset", "--yes")
        self.assertTrue(self.requested())
        for words in (("--yes", "--purge"), ("--purge", "-y")):
            self.succeed(PURGE_REQUESTED, "factory-reset", *words)
            self.assertEqual(bench.read(REQUEST).decode(), PURGE)
        bench.write(REQUEST, PURGE.replace("asked", "purge").encode())
        self.assertEqual(self.wmopkg("show").stderr,
                         "wmopkg: warning: a purge is not finished: the next reboot deletes "
                         "everything on DATA and PERSIST, also persistent packages\n")
        self.assertEqual(self.wmopkg("factory-reset", "--purge", "now").returncode, 2)

    def test_what_goes_and_what_stays(self):
        for name, words in (("alpha", ()), ("beta", ()), ("brand", ("persistent",))):
            self.install(self.make(name, keys=self.keys), *words)
        self.check(1, DELETED.format("2 packages: alpha, beta") +
                   KEPT.format("1 persistent package: brand") + "Reset to factory, deleting all but "
                   "persistent packages (y/N)?\nNothing reset.\n", "", "factory-reset", answer="n\n")

    def test_what_the_device_does_not_start_without(self):
        self.configure("require_packages = {alpha, brand}")
        for name, words in (("alpha", ()), ("beta", ()), ("brand", ("persistent",))):
            self.install(self.make(name, keys=self.keys), *words)
        told = ("warning: {} is deleted, and the device does not start without it (require_packages "
                "in the configuration)")
        self.check(0, REQUESTED, told.format("alpha"), "factory-reset", "--yes")
        self.succeed("Cancelled... Nothing is reset at the next reboot.\n", "factory-reset", "cancel")
        self.check(0, REQUESTED.replace("Factory reset", "Purge"),
                   told.format("alpha") + "\n" + told.format("brand"), "factory-reset", "--purge",
                   "--yes")

    def test_cancel(self):
        self.succeed("No factory reset is requested.\n", "factory-reset", "cancel")
        for words in ((), ("--purge",)):
            self.assertEqual(self.wmopkg("factory-reset", *words, "--yes").returncode, 0)
            self.succeed("Cancelled... Nothing is reset at the next reboot.\n", "factory-reset",
                         "cancel")
            self.assertFalse(os.path.lexists(REQUEST))
            self.assertEqual(self.wmopkg("show").stderr, "")
        self.assertEqual(self.events()[1::2], [("cancelled", None, "root")] * 2)
        # what other software asked for with an empty file
        bench.write(REQUEST, b"")
        self.succeed("Cancelled... Nothing is reset at the next reboot.\n", "factory-reset",
                     "cancel")
        # of one that was begun, a part is deleted already
        begun = ASKED.replace("asked", "make").encode()
        bench.write(REQUEST, begun)
        self.check(1, "", "factory-reset: it was begun, and the next reboot continues it",
                   "factory-reset", "cancel")
        self.assertEqual(bench.read(REQUEST), begun)

    def test_cancel_what_the_bootloader_asks_for(self):
        """The kernel command line cannot be changed; that the request is cancelled is never said."""
        self.boot("wmopkg.factory_reset=1")
        still = ("factory-reset: still requested by the boot configuration (remove "
                 "wmopkg.factory_reset=1 from the kernel command line)")
        warning = ("wmopkg: warning: a factory reset is requested by the boot configuration: the next "
                   "reboot deletes all but persistent packages (to cancel it: remove "
                   "wmopkg.factory_reset=1 from the kernel command line)\n")
        self.check(1, "", still, "factory-reset", "cancel")
        self.assertEqual(self.wmopkg("show").stderr, warning)
        self.assertEqual(self.wmopkg("factory-reset", "--yes").returncode, 0)
        self.check(1, "", still, "factory-reset", "cancel")
        self.assertFalse(os.path.lexists(REQUEST))
        self.assertEqual(self.wmopkg("install", self.package).stderr, warning)
        # it was carried out, and is still passed
        bench.write(REQUEST + ".done", b"")
        self.succeed("No factory reset is requested.\n", "factory-reset", "cancel")
        self.assertEqual(self.wmopkg("show").stderr, "")

    def test_purge_is_not_of_the_bootloader(self):
        result = self.wmopkg("boot", "set", "factory_reset", "purge")
        self.assertNotEqual(result.returncode, 0)
        self.assertFalse(os.path.lexists(REQUEST))

    def test_purge_on_the_console_alone(self):
        self.configure('factory_reset = "console"')
        self.check(1, "", CONSOLE, "factory-reset", "--purge", "--yes")
        self.assertFalse(os.path.lexists(REQUEST))
        self.check(1, "", ROOT, "factory-reset", "--purge", "--yes", user=NOBODY)

    def test_without_a_question(self):
        self.succeed(REQUESTED, "factory-reset", "--yes")
        self.assertTrue(self.requested())
        self.succeed(REQUESTED, "factory-reset", "-y")
        self.assertTrue(self.requested())
        self.assertEqual(self.wmopkg("factory-reset", "now").returncode, 2)

    def test_what_is_there_already(self):
        """A request of other software, or the journal of a reset that was cut off."""
        for text in ("", "now\n", ASKED.replace("asked", "note").replace("0}", "7}")):
            os.makedirs(os.path.dirname(REQUEST), exist_ok=True)
            bench.write(REQUEST, text.encode())
            os.chmod(REQUEST, 0o644)
            self.succeed(REQUESTED, "factory-reset", "--yes")
            self.assertTrue(self.requested())
        os.unlink(REQUEST)
        os.mkdir(REQUEST)
        self.succeed(REQUESTED, "factory-reset", "--yes")
        self.assertTrue(self.requested())
        self.assertEqual([name for name in os.listdir("persist/wmopkg") if "reset" in name],
                         ["factory-reset"])

    def test_root_alone(self):
        os.chmod("persist", 0o777)
        self.check(1, "", ROOT, "factory-reset", "--yes", user=NOBODY)
        self.check(1, "", ROOT, "factory-reset", user=NOBODY, answer="y\n")
        self.assertEqual(os.listdir("persist"), [])

    def test_no_persist(self):
        self.configure(f'persist = "{self.folder}/nowhere"')
        result = self.wmopkg("factory-reset", "--yes")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("wmopkg: factory-reset: there is no PERSIST to write the request to (check "
                      "'persist' in the configuration)\n", result.stderr)

    def test_others_are_told(self):
        """Who installs something may not be the one who asked."""
        package = self.make("pkgname", keys=self.keys)
        self.succeed(REQUESTED, "factory-reset", "--yes")
        for words in (("show",), ("show", "json"), ("install", package)):
            result = self.wmopkg(*words)
            self.assertEqual((result.returncode, result.stderr), (0, PENDING), words)
        bench.write(REQUEST, ASKED.replace("asked", "make").encode())
        self.assertEqual(self.wmopkg("show").stderr, UNFINISHED)

    def test_on_the_console_alone(self):
        self.configure('factory_reset = "console"')
        self.check(1, "", CONSOLE, "factory-reset", "--yes")
        self.check(1, "", CONSOLE, "factory-reset", answer="y\n")
        self.assertFalse(self.requested())
        self.assertEqual(self.events(), [(None, "permission", "root")] * 2)
        # nor by the way of the bootloader
        self.check(1, "", CONSOLE, "boot", "set", "factory_reset", "1")
        self.configure('factory_reset = "any"')
        self.check(0, REQUESTED, "warning: wmopkg.conf: 'factory_reset' is set more than once: the "
                   "last value counts", "factory-reset", "--yes")

    def reboot_with(self, status):
        """What --reboot does where the firmware's program ends with @status."""
        bench.write("reboot", f"#!/bin/sh\necho \"$0 $*\" >{self.folder}/rebooted\n"
                              f"cp {REQUEST} {self.folder}/at-reboot\n"
                              f"echo no way >&2\nexit {status}\n".encode())
        os.chmod("reboot", 0o755)
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c",
             'mount --bind reboot /sbin/reboot && exec "$@"', "sh",
             bench.WMOPKG, "--config", "wmopkg.conf", "factory-reset", "--reboot", "--yes"],
            capture_output=True, text=True, check=False)

    def test_reboot(self):
        result = self.reboot_with(0)
        self.assertEqual((result.returncode, result.stdout, result.stderr),
                         (0, "Factory reset requested... Rebooting.\n", ""))
        self.assertEqual(bench.read("at-reboot").decode(), ASKED)
        result = self.reboot_with(7)
        self.assertEqual((result.returncode, result.stderr),
                         (1, "wmopkg: the reset is requested, but not the reboot: reboot ended "
                             "with status 7: no way (check the path and the file system)\n"))
        self.assertTrue(self.requested())

    def test_in_the_shell(self):
        typist = Typist(env=dict(os.environ, TERM="dumb", COLUMNS="80"))
        self.addCleanup(typist.process.kill)
        typist.expect("/#> ")
        typist.type("factory-reset\n")
        typist.expect("packages (y/N)?")
        typist.type("n\n")
        typist.expect("Nothing reset.")
        self.assertFalse(self.requested())
        typist.type("package\n")
        typist.expect("/package/#> ")
        typist.type("do factory-reset\n")
        typist.expect("do factory-reset\nDeleted: all of DATA, with configuration, users and logs, "
                      "and no package\nKept: the audit log, known hosts, unlock statement, deny list "
                      "and floors, and no\n  persistent package\nReset to factory, deleting all but "
                      "persistent packages (y/N)?")
        typist.type("y\n")
        typist.expect(REQUESTED)
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)
        self.assertTrue(self.requested())


if __name__ == "__main__":
    unittest.main()
