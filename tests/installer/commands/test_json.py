#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All JSON that the programs print, in many states, held to docs/schema: keys that a schema
does not have are wrong, and so are keys of a schema that no output has."""

import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, TESTS)
import schema  # noqa: E402  pylint: disable=wrong-import-position

# Held to it by tests/kernel, test_conflicts.py, test_show_boot.py, test_apply.py, test_signed_set.py, test_monitor.py,
# test_update.py, tests/peers/test_timestamp.py, tests/peers/test_catalog.py
ELSEWHERE = ("apply.json", "catalog.json", "event.json", "set.json", "update.json", "state.json", "media.json",
             "which.json", "conflicts.json", "timeline.json", "plan.json", "common.json/$defs/owner",
             "common.json/$defs/unknown", "common.json/$defs/signer/timestamp", "show.json/waiting_set", "statement.json/channel",
             "statement.json/compatible", "statement.json/denylist", "statement.json/keep", "statement.json/packages")


def held(name, output):
    """A program's output, which is as the schema says."""
    return schema.check(name, schema.parse(output))


class Json(states.Case):
    def output(self, *words, status=0):
        result = subprocess.run([bench.WMOPKG, "--config", "wmopkg.conf", *words],
                                stdin=subprocess.DEVNULL, capture_output=True, check=False)
        self.assertEqual(result.returncode, status, result.stderr)
        return result.stdout

    def show(self, *words):
        told = held("show", self.output("show", *words, "json"))
        for item in told["packages"]:
            self.assertEqual("package" in item, bool(words) and item["status"] != "removed"
                             and item.get("reason", {}).get("code") != "not-a-file")
        return told

    def inspect(self, name, *words, status=0):
        result = subprocess.run([bench.BUILD, "inspect", "--json", *words], capture_output=True,
                                check=False)
        self.assertEqual((result.returncode, result.stderr), (status, b""))
        return held(name, result.stdout)

    def statement(self, kind, signer, *words):
        subprocess.run([bench.BUILD, kind, *words, "--key", f"{self.keys}/{signer}.key", "--cert",
                        f"{self.keys}/{signer}.pem", kind], check=True, stdout=subprocess.DEVNULL)
        return kind

    def unlock(self):
        return self.statement("unlock", "unlock", "--serial", "SN-1", "--allow", "untrusted",
                              "--not-after", "2099-12-31", "--id", "1")

    def denylist(self):
        return self.statement("denylist", "signer", "--number", "7", "--name", "pkgname=3",
                              "--package", self.package, "--key-id", "0a" * 32,
                              "--unlock", "0b" * 32)

    def check_no_output(self, status, *words):
        """An error is on stderr, and half an object is nowhere."""
        result = self.wmopkg(*words)
        self.assertEqual((result.returncode, result.stdout), (status, ""))
        self.assertRegex(result.stderr, r"\Awmopkg: .+\n\Z")


class Show(Json):
    def test_none(self):
        self.assertEqual(self.show(), {"format": 1, "allow_untrusted": False, "packages": []})
        self.check_no_output(4, "show", "frobnicate", "json")

    def test_to_the_letter(self):
        self.install(self.package)
        self.booted()
        item = {"name": "pkgname", "persistent": False, "status": "pending", "active": False,
                "verification": "Signed", "identity": "pkgname", "version": "5.26.0-rev0",
                "description": "Example"}
        self.assertEqual(self.show(), {"format": 1, "allow_untrusted": False, "packages": [item]})
        one = self.show("pkgname")
        package = one["packages"][0].pop("package")
        item.update({"file": f"{self.folder}/data/packages/pkgname.wmopkg", "epoch_floor": 0,
                     "trial": {"state": "coming"}})
        self.assertEqual(one, {"format": 1, "allow_untrusted": False, "packages": [item]})
        self.assertEqual((package["verdict"], package["file_bytes"]),
                         ("Signed", os.path.getsize(self.package)))

    def test_every_status(self):
        for name in ("active", "inactive", "replaced", "moved"):
            self.place(self.make(name, keys=self.keys), name)
        self.place(self.make("moved", keys=self.keys), "moved", "persist")
        os.unlink("data/packages/moved.wmopkg")
        self.booted(self.entry("active"), self.entry("removed"), self.entry("moved", version="0.9"),
                    self.entry("inactive", active=False, code="mount-failed", message="none"),
                    {**self.entry("replaced", version="1.0"),
                     "file": {"inode": 1, "bytes": 1, "changed_ns": 1}})
        self.assertEqual([(item["name"], item["status"], item["active"], item.get("ends"),
                           item.get("moved"), item.get("running_version"),
                           item.get("reason", {}).get("code")) for item in self.show()["packages"]],
                         [("active", "active", True, None, None, None, None),
                          ("inactive", "inactive", False, None, None, None, "mount-failed"),
                          ("moved", "pending", True, None, True, "0.9", None),
                          ("replaced", "pending", True, None, None, "1.0", None),
                          ("removed", "removed", True, True, None, None, None)])
        for name in ("active", "removed", "moved", "inactive", "replaced"):
            self.show(name)
        os.unlink("run/state.json")
        self.assertEqual({item["status"] for item in self.show()["packages"]}, {"unknown"})

    def test_not_listed(self):
        """What is no package is a number, after the first few."""
        self.place(self.package, "pkgname")
        for number in range(70):
            bench.write(f"data/packages/a{number:02}.wmopkg", b"")
        bench.write("data/packages/README", b"hello\n")
        for number in range(3):
            os.link("data/packages/pkgname.wmopkg", f"data/packages/z{number}.wmopkg")
        self.booted()
        told = self.show()
        self.assertEqual(len(told["packages"]), 64 + 1)
        self.assertEqual(told["unlisted"], {"data": {"junk": 7, "links": 3, "over": 0},
                                            "persist": {"junk": 0, "links": 0, "over": 0}})
        self.assertTrue(self.wmopkg("show").stdout.endswith(
            "\nDATA has 7 more files that are not packages, 3 more hard links to packages, and 0 "
            "files over the limit of 1024.\n"))
        self.assertEqual("unlisted" in self.show("pkgname"), False)

    def test_duplicates(self):
        """Of several files of one package, the one that the next boot activates."""
        self.place(self.package, "pkgname")
        self.place(self.make("newer", "--name", "pkgname", "--epoch", "1", keys=self.keys), "zzz")
        self.place(self.make("forged", "--name", "pkgname", "--epoch", "9"), "forged", "persist")
        self.booted(self.entry("pkgname"))
        items = {item["name"]: item for item in self.show()["packages"]}
        self.assertEqual({name: (item["status"], item["active"], item.get("ends"))
                          for name, item in items.items()},
                         {"pkgname": ("active", True, True), "zzz": ("pending", False, None),
                          "forged": ("inactive", False, None)})
        why = "the ordinary package 'zzz', version 5.26.0-rev0, has the same identity and counts"
        self.assertEqual((items["pkgname"]["reason"]["code"], items["pkgname"]["reason"]["message"]),
                         ("duplicate", why))
        self.assertIn(f"pkgname: active until reboot: {why} (remove the one that is not needed)",
                      " ".join(self.wmopkg("show").stdout.split()))
        os.unlink("data/packages/zzz.wmopkg")
        self.assertEqual(self.show()["packages"][1]["status"], "active")

    def test_every_verification(self):
        """What is allowed, what is not, and what is no package."""
        subprocess.run([bench.BUILD, "keys", "strangers"], check=True, stdout=subprocess.DEVNULL)
        self.place(self.make("unsigned"), "unsigned")
        self.place(self.make("untrusted", keys="strangers"), "untrusted")
        self.place(self.make("other", "--compatible", "EX-9*", "--compatible", "EX-8",
                             "--firmware-min", "5.20", "--firmware-max", "6", "--epoch", "3",
                             "--priority", "-2", "--need", "base>=1", "--conflict", "old",
                             keys=self.keys), "incompatible")
        self.place(self.package, "signed", "persist")
        os.mkdir("data/packages/folder.wmopkg")
        for name, content in (("empty", b""), ("text", b"no package\n" * 1000),
                              ("cut", bench.read(self.package)[:-4096])):
            bench.write(f"data/packages/{name}.wmopkg", content)
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write('model = "EX-7"\nfirmware_version = "5.26"\nanchor = always\n')
        for cmdline in ("", "wmopkg.allow_untrusted=1"):
            self.boot(cmdline)
            told = self.show()
            for item in told["packages"]:
                self.show(item["name"])
        self.assertEqual(told["locked"]["code"], "locked")
        self.assertEqual({item["name"]: item["verification"] for item in told["packages"]},
                         {"cut": "Invalid", "empty": "Invalid", "folder": "Invalid",
                          "incompatible": "Incompatible", "signed": "Signed", "text": "Invalid",
                          "unsigned": "Unsigned", "untrusted": "Untrusted"})

    def test_trial(self):
        self.install(self.package)
        self.booted(self.entry("pkgname"))
        digest = json.loads(self.output("audit", "json").splitlines()[-1])["id"]
        for state, count in (("trial", 1), ("passed", 2), ("quarantined", 0)):
            bench.write("persist/wmopkg/trials.json", json.dumps({
                "type": "trials", "format": 1, "completed": True,
                "idle": False, "failed": 0, "packages": [
                    {"id": digest, "name": "pkgname", "persistent": False, "state": state,
                     "incomplete": count, "ran": state != "quarantined"}]}).encode())
            trial = self.show("pkgname")["packages"][0]["trial"]
            self.assertEqual(trial["state"], {"trial": "running"}.get(state, state))

    def test_texts_of_all_kinds(self):
        self.craft("wide", description="漢字 e\u0301 \U0001f600", version="\u00fc\"\\/<>&")
        for name, text in (("escape", "\x1b[2J"), ("override", "a\u202eb"),
                           ("bytes", b"\xff\xe6".decode("utf-8", "surrogateescape"))):
            self.craft(name, description=text)
        told = self.show()
        self.assertEqual([item.get("description") for item in told["packages"]],
                         [None, None, None, "漢字 e\u0301 \U0001f600"])
        for item in told["packages"]:
            self.show(item["name"])
            held("verify", self.output("verify", f"data/packages/{item['name']}.wmopkg", "json",
                                       status=3))

    def test_a_path_of_any_bytes(self):
        """Where it lies may be no UTF-8; what is printed is."""
        folder = os.fsencode(self.folder) + b"/d\xff\x1b"
        os.rename("data", folder)
        os.symlink(folder, "data")
        self.install(self.package)
        told = self.show("pkgname")["packages"][0]
        self.assertEqual(told["file"], f"{self.folder}/d??/packages/pkgname.wmopkg")

    def test_errors(self):
        bench.write("bad.conf", b"date = 1\n")
        self.check_no_output(1, "--config", "bad.conf", "show", "json")
        self.check_no_output(4, "--config", "none.conf", "show", "json")


class Media(Json):
    def test_none(self):
        self.boot("wmopkg.media=a:LABEL=not-there")
        for words in (("show", "media"), ("media",)):
            told = held("media", self.output(*words, "json"))
            self.assertIn({"label": "a", "match": "LABEL=not-there", "state": "not-connected"},
                          told["media"])


class Verify(Json):
    def test_accepted(self):
        told = held("verify", self.output("verify", self.package, "json"))
        self.assertEqual((told["accepted"], told["verdict"]), (True, "Signed"))

    def test_forecast(self):
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write('firmware_version = "5.5"\n')
        self.install(self.make("new", "--firmware-min", "5", "--firmware-max", "6",
                               keys=self.keys))
        words = ("--check-firmware", "7", "--check-model", "Other")
        told = held("forecast", self.output("verify", *words, "json", status=3))
        reason = {"code": "wrong-firmware",
                  "message": "it requires firmware 6 or earlier, and this is 7"}
        packages = [{"name": "new", "at_hand": False, "forecast": "stops", "reason": reason}]
        self.assertEqual(told, {"firmware": "7", "model": "Other", "packages": packages})
        told = held("verify", self.output("verify", self.package, *words, "json", status=3))
        self.assertEqual(told["forecast"]["packages"], [
            {"name": "pkgname", "at_hand": True, "forecast": "stays"}, *packages])

    def test_refused(self):
        for package in (self.make("unsigned"), bench.write("x", b"x"), bench.write("empty", b"")):
            told = held("verify", self.output("verify", package, "json", status=3))
            self.assertEqual(told["accepted"], False)
        self.assertEqual(held("verify", self.output("verify", "x", "json", status=3)), {
            "accepted": False, "verdict": "Invalid", "reason": {
                "code": "bad-length",
                "message": "the file has 1 bytes, too few for a package"}})

    def test_no_file(self):
        self.check_no_output(4, "verify", "not-there", "json")
        self.check_no_output(1, "verify", "data", "json")


class Inspect(Json):
    def test_package(self):
        os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
        self.addCleanup(os.environ.pop, "SOURCE_DATE_EPOCH")
        package = self.make("built", "--persistent", "required", keys=self.keys)
        told = self.inspect("package", "--keys", "keys", package)
        self.assertEqual((told["built"], told["persistent"], told["signer"]["trusted_by"]),
                         (1700000000, "required", "root.pem"))
        self.inspect("package", package)
        self.inspect("package", bench.write("x", b"x"), status=3)

    def test_statement(self):
        for file, kind in ((self.unlock(), "unlock"), (self.denylist(), "denylist")):
            self.assertEqual(self.inspect("statement", file)["type"], kind)
            self.inspect("statement", "--keys", "keys", file)


class Statements(Json):
    LOCKED = {"format": 1, "serial": "SN-1", "unlocked": False, "allow_untrusted": False,
              "anchor": {"present": True, "evidence": "always",
                         "message": "the configuration sets anchor = always"}}

    def test_unlock(self):
        self.assertEqual(held("unlock", self.output("unlock", "json")), {
            "format": 1, "unlocked": False, "allow_untrusted": False,
            "anchor": {"present": False, "evidence": "none",
                       "message": "the configuration sets anchor = none"}})
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write('serial = "SN-1"\nanchor = always\n')
        self.assertEqual(held("unlock", self.output("unlock", "json")), self.LOCKED)
        self.boot("wmopkg.allow_untrusted=1")
        told = held("unlock", self.output("unlock", "json"))
        self.assertEqual(told.pop("locked")["code"], "locked")
        self.assertEqual(told, self.LOCKED)
        self.output("unlock", self.unlock())
        told = held("unlock", self.output("unlock", "json"))
        signer = told["statement"].pop("signer")
        self.assertEqual((signer["subject"], signer["trusted_by"]),
                         ("CN=wmopkg development unlock signer", "root.pem"))
        self.assertEqual(told, {**self.LOCKED, "unlocked": True,
                                "allow_untrusted": True, "statement": {
                                    "allow": ["untrusted"], "serial": "SN-1",
                                    "not_after": 4102444799, "id": "1",
                                    "hash": told["statement"]["hash"]}})
        self.assertRegex(told["statement"]["hash"], "^[0-9a-f]{64}$")
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("firmware_built = 4102444800\n")
        told = held("unlock", self.output("unlock", "json"))
        self.assertEqual((told["unlocked"], told["reason"]["code"], told["locked"]["code"]),
                         (False, "expired", "locked"))

    def test_denylist(self):
        self.assertEqual(held("denylist", self.output("denylist", "json")),
                         {"format": 1, "number": 0, "deny": []})
        self.output("denylist", self.denylist())
        told = held("denylist", self.output("denylist", "json"))
        root_hash = held("verify", self.output("verify", self.package, "json", status=3))[
            "image"]["root_hash"]
        self.assertEqual(told["signer"]["trusted_by"], "root.pem")
        self.assertEqual((told["number"], told["deny"]), (7, [
            {"name": "pkgname", "epoch_below": 3}, {"root_hash": root_hash}, {"key": "0a" * 32},
            {"unlock": "0b" * 32}]))


class Boot(Json):
    def test_words(self):
        self.boot("wmopkg.safe=1")
        told = held("boot", self.output("boot", "json"))
        self.assertIn({"word": "wmopkg.safe", "value": "1", "origin": "cmdline"}, told["words"])


class Audit(Json):
    def lines(self):
        return [held("audit", line) for line in self.output("audit", "json").splitlines()]

    def test_repeated(self):
        for name in ("unsigned", "unsigned", "unsigned", "other"):
            self.wmopkg("install", self.make(name))
        self.assertEqual([(line["event"], line.get("count")) for line in self.lines()],
                         [("refuse", None), ("repeat", 2), ("refuse", None)])

    def test_lines(self):
        self.assertEqual(self.lines(), [])
        self.install(self.package)
        self.wmopkg("install", self.make("unsigned"))
        self.wmopkg("remove", "pkgname", "--yes")
        self.wmopkg("denylist", "cmdline")
        events = [line["event"] for line in self.lines()]
        self.assertEqual(events, ["install", "refuse", "remove", "refuse"])


class ZSchemas(unittest.TestCase):
    """Comes last, and asks what the others saw."""

    def test_sound(self):
        for name in schema.names():
            schema.jsonschema.Draft202012Validator.check_schema(schema.load(name))

    def test_every_key_is_described(self):
        def walk(part):
            if isinstance(part, dict):
                for key, item in part.get("properties", {}).items():
                    if part.get("type") == "object":
                        self.assertIn("description", item, key)
                for item in part.values():
                    walk(item)
        for name in schema.names():
            walk(schema.load(name))

    def test_every_key_was_seen(self):
        unseen = [key for name in schema.names() for key in schema.unseen(name[:-len(".json")])]
        self.assertEqual([key for key in unseen if not key.startswith(ELSEWHERE)], [])

    def test_every_file_is_in_the_document(self):
        with open(os.path.join(TESTS, "..", "docs", "json.md"), encoding="utf-8") as file:
            links = re.findall(r"\(schema/([a-z]+\.json)\)", file.read())
        self.assertEqual(sorted(set(links)), schema.names())


if __name__ == "__main__":
    unittest.main()
