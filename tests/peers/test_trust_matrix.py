#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The matrix of verdicts and policies (tests/trust/matrix.py) against what a person types:
verify, install, show. What the device remembers is written by hand here; at boot, where it
comes to be, tests/kernel/case_matrix.py shows the same.
"""

import json
import os
import shutil
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trust"))

import folders  # noqa: E402
import matrix  # noqa: E402
import members  # noqa: E402
from ca import DAY, write  # noqa: E402
from members import statement_file  # noqa: E402

BUILD = os.environ["WMOPKG_BUILD"]
# All policies at each wrong time of the clock; otherwise some.
LONG = os.environ.get("WMOPKG_LONG") == "1"
REFUSED = 3
ASKED = "quiet wmopkg.allow_untrusted=1"
CLOCK_1970 = "@1970-01-01 00:00:10"
CLOCK_2099 = "@2099-12-31 23:59:59"
CLOCK_2050 = "@2050-12-31 23:59:59"


def record(device, name, content):
    """A file of what the device remembers, as boots leave it behind."""
    folder = f"{device.folder}/persist/wmopkg"
    os.makedirs(folder, mode=0o700, exist_ok=True)
    write(f"{folder}/{name}", json.dumps(content).encode())


def remember_floors(device):
    record(device, "floors.json", {
        "format": 1, "time": 0, "denylist": 0,
        "epochs": {name: matrix.FLOOR for name in matrix.DOWNGRADES}})


def remember_trials(device, maker):
    """Packages that kept the device from booting."""
    record(device, "trials.json", {
        "type": "trials", "format": 1, "completed": True,
        "idle": False, "failed": 0, "packages": [
            {"name": name, "persistent": False, "id": matrix.package_id(maker.path(name)),
             "state": "quarantined", "incomplete": 3, "ran": False}
            for name in matrix.QUARANTINED]})


class Case(unittest.TestCase):
    maxDiff = None

    maker = None

    @classmethod
    def setUpClass(cls):
        """The packages and their authorities take seconds to make: once for all classes."""
        if not Case.maker:
            Case.shared = tempfile.mkdtemp(prefix="wmopkg-test-matrix.")
            unittest.addModuleCleanup(shutil.rmtree, Case.shared)
            Case.maker = matrix.make(Case.shared, BUILD)

    def new_device(self, policy="default", clock=None, **settings):
        """A device under one of the policies, everything set as a technician would."""
        folder = tempfile.mkdtemp(prefix="device.", dir=self.shared)
        device = folders.Device(folder, BUILD, f"{self.maker.ca.folder}/ring",
                                **{**matrix.settings(policy), **settings})
        remember_floors(device)
        remember_trials(device, self.maker)
        device.boot_with(matrix.cmdline(policy))
        self.succeed(device, "denylist", f"{self.shared}/denylist", clock=clock)
        if matrix.POLICIES[policy].unlock:
            self.succeed(device, "unlock", f"{self.shared}/unlock-{policy}", clock=clock)
        return device

    def succeed(self, device, *words, **options):
        done = device.wmopkg(*words, **options)
        self.assertEqual(done.returncode, 0, done)
        return done

    def statement(self, name, allow, not_after, serial=matrix.SERIAL, leaf="unlock"):
        text = matrix.unlock_text(allow, not_after, serial)
        return write(f"{self.shared}/{name}", statement_file(self.maker, text, leaf))


class Matrix(Case):
    def check_show(self, device, name, expected, clock):
        shown = device.told("show", name, clock=clock)["packages"][0]
        verdict, code, message = folders.reason(shown)
        self.assertEqual((verdict, code), tuple(expected)[:2], message)
        self.assertEqual(shown["status"], "unknown" if expected.used else "inactive")

    def check_file(self, device, name, expected, clock):
        """A package file that is verified and installed."""
        path = self.maker.path(name)
        told = device.told("verify", path, clock=clock)
        verdict, code, message = folders.reason(told)
        self.assertEqual((verdict, code, told["accepted"]), tuple(expected), message)
        self.assertEqual(device.wmopkg("verify", path, clock=clock).returncode,
                         0 if expected.used else REFUSED)
        done = device.wmopkg("install", path, clock=clock)
        if expected.used:
            self.assertEqual(done.returncode, 0, done)
            self.assertIn(f"    PKG: {verdict}\n", done.stdout)
            self.assertEqual(f"wmopkg: warning: {name}: {verdict}: {message}" in done.stderr,
                             verdict != "Signed", done.stderr)
            self.assertEqual(device.stored(), [f"data/packages/{name}.wmopkg"])
            self.check_show(device, name, expected, clock)
        else:
            self.assertEqual(done.returncode, REFUSED)
            self.assertIn(f"wmopkg: {path}: {verdict}: {message}", done.stderr)
            self.assertEqual(device.stored(), [])

    def run_policy(self, policy, clock=None):
        device = self.new_device(policy, clock)
        for name, expected in matrix.expected()[policy].items():
            with self.subTest(policy=policy, package=name, clock=clock):
                device.put(self.maker.path(name))
                self.check_show(device, name, expected, clock)
                device.empty()
                self.check_file(device, name, matrix.expected_anew(policy, name), clock)
            device.empty()
            remember_trials(device, self.maker)  # an installation ends a quarantine

    def test_retry(self):
        """So does a word, and a package that is still not used for another reason is not."""
        for policy in ("default", "unlocked"):
            device = self.new_device(policy)
            for name in matrix.QUARANTINED:
                with self.subTest(policy=policy, package=name):
                    device.put(self.maker.path(name))
                    self.succeed(device, "retry", name)
                    self.check_show(device, name, matrix.expected_anew(policy, name), None)
            device.put(self.maker.path("signed"))
            self.assertEqual(device.wmopkg("retry", "signed").returncode, 1)

    def test_warnings(self):
        """Who looks at packages, installs one, or has one refused, is told where Allow
        Untrusted counts, and why it does not where it is asked for."""
        for policy, what in matrix.POLICIES.items():
            device = self.new_device(policy)
            for words in (("install", self.maker.path("signed")), ("show",),
                          ("verify", self.maker.path("invalid"))):
                with self.subTest(policy=policy, words=words):
                    errors = device.wmopkg(*words).stderr
                    warnings = errors.count("wmopkg: warning: Allow Untrusted")
                    self.assertEqual(warnings, 1 if what.warns else 0, errors)
                    self.assertIn(what.warns and f"wmopkg: warning: {what.warns}", errors)

    def test_default(self):
        self.run_policy("default")

    def test_allow(self):
        self.run_policy("allow")

    def test_anchor(self):
        self.run_policy("anchor")

    def test_unlocked(self):
        self.run_policy("unlocked")

    def test_unlocked_for_untrusted_alone(self):
        self.run_policy("untrusted")

    def test_unlocked_for_downgrade_alone(self):
        self.run_policy("downgrade")

    def test_unlocked_and_not_asked(self):
        self.run_policy("not asked")

    def test_clock_at_1970(self):
        for policy in matrix.POLICIES if LONG else ("default", "unlocked"):
            self.run_policy(policy, CLOCK_1970)

    def test_clock_at_2099(self):
        for policy in matrix.POLICIES if LONG else ("allow",):
            if not matrix.POLICIES[policy].unlock:
                self.run_policy(policy, CLOCK_2099)


class Unlock(Case):
    """When a statement counts, and that one which does not changes nothing."""

    def refused(self, device, path, says, clock=None):
        done = device.wmopkg("unlock", path, clock=clock)
        self.assertEqual(done.returncode, REFUSED, done)
        self.assertIn(says, done.stderr)
        told = device.told("verify", self.maker.path("unsigned"), clock=clock)
        self.assertFalse(told["accepted"])

    def accepted(self, device, clock=None):
        return device.told("verify", self.maker.path("unsigned"), clock=clock)["accepted"]

    def test_of_another_device(self):
        path = self.statement("other", ["untrusted"], self.maker.ca.now + DAY, serial="SN-0002")
        self.refused(self.new_device("anchor"), path, "SN-0002")

    def test_device_of_no_known_serial(self):
        path = self.statement("this", ["untrusted"], self.maker.ca.now + DAY)
        self.refused(self.new_device("anchor", serial="/nonexistent"), path, "serial")

    def test_signers(self):
        """A signer of packages cannot unlock, and no stranger can."""
        for leaf in ("good", "any-purpose", "no-purpose", "foreign", "self"):
            with self.subTest(leaf=leaf):
                path = self.statement(leaf, ["untrusted"], self.maker.ca.now + DAY, leaf=leaf)
                self.refused(self.new_device("anchor"), path, "")

    def test_not_a_statement(self):
        device = self.new_device("anchor")
        self.refused(device, self.maker.path("signed"), "")
        self.refused(device, f"{self.shared}/denylist", "")

    def test_runs_out(self):
        """By the later of the clock and the time floor, so that turning the clock back does
        not bring it back."""
        now = self.maker.ca.now
        past = self.statement("past", ["untrusted"], now - DAY)
        future = self.statement("future", ["untrusted"], now + DAY)
        for clock in (None, CLOCK_1970):
            device = self.new_device("anchor", clock, firmware_built=str(now))
            self.refused(device, past, "", clock)
            self.succeed(device, "unlock", future, clock=clock)
            self.assertTrue(self.accepted(device, clock))
            self.assertFalse(self.accepted(device, CLOCK_2050))
            # no firmware gets that old: such a clock tells nothing
            self.assertTrue(self.accepted(device, CLOCK_2099))
        device = self.new_device("anchor", firmware_built="0")
        self.refused(device, future, "", CLOCK_2050)

    def test_clear(self):
        device = self.new_device("unlocked")
        self.assertTrue(self.accepted(device))
        self.succeed(device, "unlock", "clear", "--yes")
        self.assertFalse(self.accepted(device))

    def test_running_system_cannot_ask(self):
        """What this boot did not allow is not allowed, whatever is asked for later."""
        device = self.new_device("allow")
        self.assertTrue(self.accepted(device))
        for allowed in (False, True):
            write(f"{device.folder}/run/state.json", json.dumps({
                "format": 1, "safe": False, "allow_untrusted": allowed,
                "stack": {"code": "ok", "message": ""}, "packages": []}).encode())
            self.assertEqual(self.accepted(device), allowed)
        device.boot_with("quiet")
        self.assertFalse(self.accepted(device))


class DenyList(Case):
    def deny(self, device, number, leaf="good", **what):
        text = json.dumps({"type": "denylist", "format": 1, "number": number,
                           "deny": [what] if what else []}).encode()
        path = write(f"{self.shared}/denylist-{number}-{leaf}",
                     statement_file(self.maker, text, leaf))
        return device.wmopkg("denylist", path)

    def test_number_only_rises(self):
        device = self.new_device()  # has 7
        for number, status in ((6, REFUSED), (7, REFUSED), (9, 0), (8, REFUSED), (10, 0)):
            with self.subTest(number=number):
                self.assertEqual(self.deny(device, number).returncode, status)

    def test_at_the_same_time(self):
        """Programs that are run at once: the highest number is in force, and remembered, and
        nothing else that was taken is lost."""
        device = self.new_device()
        lists = []
        for number in range(10, 18):
            text = {"type": "denylist", "format": 1, "number": number, "deny": []}
            lists.append(write(f"{self.shared}/at-once-{number}", statement_file(
                self.maker, json.dumps(text).encode(), "good")))
        unlock = self.statement("at-once", ["downgrade"], int(time.time()) + DAY)
        words = [("unlock", unlock), *(("denylist", path) for path in lists), ("unlock", unlock)]
        with ThreadPoolExecutor(len(words)) as pool:
            done = list(pool.map(lambda what: device.wmopkg(*what), words))
        self.assertEqual([one.returncode for one in (done[0], done[-2], done[-1])], [0, 0, 0], done)
        for one in done:
            if one.returncode != 0:
                self.assertIn("is in force on this device", one.stderr)
            self.assertNotIn("warning", one.stderr)
        folder = f"{device.folder}/persist/wmopkg"
        with open(folder + "/floors.json", encoding="utf-8") as file:
            floors = json.load(file)
        self.assertEqual(floors["denylist"], 17)
        self.assertEqual(floors["epochs"], {name: matrix.FLOOR for name in matrix.DOWNGRADES})
        for name, path in (("denylist", lists[-1]), ("unlock", unlock)):
            with open(f"{folder}/{name}", "rb") as file, open(path, "rb") as given:
                self.assertEqual(file.read(), given.read())

    def test_signers(self):
        device = self.new_device()
        for leaf in ("unlock", "foreign", "no-purpose", "not-any-more"):
            with self.subTest(leaf=leaf):
                self.assertEqual(self.deny(device, 20, leaf).returncode, REFUSED)
        done = self.deny(device, 21, "denied")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("deny list 7 names a key", done.stderr)

    def test_outlives_its_signer(self):
        """In force for good, also where the ring that knew its signer does not any more."""
        device = self.new_device("allow")
        os.unlink(f"{device.folder}/keys/new.pem")
        told = device.told("verify", self.maker.path("unsigned-revoked"))
        self.assertEqual(told["verdict"], "Revoked")

    def test_a_root(self):
        """Denied with all that it vouches for; what another root vouches for stays, and so
        does a list that it signed."""
        device = self.new_device()
        members.signed("good-old")(self.maker, "of-the-old-root")
        self.assertEqual(self.deny(device, 8, key=self.maker.ca.key_id("new")).returncode, 0)
        for name, verdict in (("signed", "Revoked"), ("of-the-old-root", "Signed")):
            self.assertEqual(device.told("verify", self.maker.path(name))["verdict"], verdict)
        done = self.deny(device, 9, "good")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn("deny list 8 names a key", done.stderr)
        self.assertEqual(self.deny(device, 9, "good-old").returncode, 0)
        self.assertEqual(device.told("verify", self.maker.path("signed"))["verdict"], "Signed")


class Damaged(Case):
    """What the device remembers and cannot read any more lets nothing untrusted in, is said
    each time, and stands in the way of nothing."""

    def test_records(self):
        device = self.new_device("unlocked")
        for name, says in (("denylist", "deny list: it is not a signed statement; number 7 stays "
                                        "in force by its second copy"),
                           ("denylist.copy", "deny list: it is not a signed statement"),
                           ("floors.json", "floors: not one JSON object and nothing else"),
                           ("trials.json", "trials: trials.json: not one JSON object and nothing else"),
                           ("unlock", "unlock statement: it is not a signed statement")):
            write(f"{device.folder}/persist/wmopkg/{name}", b"damaged")
            done = device.wmopkg("verify", self.maker.path("signed"))
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"wmopkg: warning: {says}", done.stderr)
        for name in ("unsigned", "untrusted"):
            self.assertFalse(device.told("verify", self.maker.path(name))["accepted"])
        self.succeed(device, "denylist", f"{self.shared}/denylist")
        self.assertEqual(device.told("verify", self.maker.path("revoked"))["verdict"], "Revoked")

    def test_deny_list_that_is_gone(self):
        """With both its copies; its number is remembered by itself, and a warning says so."""
        device = self.new_device()
        for name in ("denylist", "denylist.copy"):
            os.unlink(f"{device.folder}/persist/wmopkg/{name}")
        done = device.wmopkg("verify", self.maker.path("signed"))
        self.assertIn("number 7 was in force on this device, and is missing now",
                      done.stderr)
        text = json.dumps({"type": "denylist", "format": 1, "number": 6, "deny": []}).encode()
        old = write(f"{self.shared}/older", statement_file(self.maker, text, "good"))
        done = self.succeed(device, "denylist", old)
        self.assertIn("number 7 is remembered by this device, but there is no list that vouches "
                      "for it: number 6 is accepted\n", done.stderr)
        done = self.succeed(device, "denylist", f"{self.shared}/denylist")
        self.assertEqual(done.stderr, "")
        self.assertEqual(device.wmopkg("denylist", old).returncode, REFUSED)


if __name__ == "__main__":
    unittest.main()
