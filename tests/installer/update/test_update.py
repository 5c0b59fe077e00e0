#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg update: from a catalogue on real servers, and what hostile ones achieve: nothing."""

import contextlib
import hashlib
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402
import states  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
import schema  # noqa: E402

UNTIL = "until 2099-12-31 23:59:59 UTC"
NOTHING = "Nothing to do: there is no update for this device.\n"
UPDATED = "Updated... Changes are applied after reboot.\n"
SERIAL = "SN-0815"
OLD = "bring the server up to date; if it is, do not trust it"
EXPIRED = "check the clock of this device; else publish a new catalogue"
OTHER = "try again later; if it stays, publish a new catalogue"


class Server:
    """The Python server on @folder: .port, and the headers of each request in .asked."""

    def __init__(self, folder, answer=None):
        """@answer: a function that answers some requests itself; True: it has"""
        self.asked = []
        outer = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *words, **options):
                super().__init__(*words, directory=folder, **options)

            def do_GET(self):
                outer.asked.append((self.path, dict(self.headers)))
                if not (answer and answer(self)):
                    super().do_GET()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Case(states.Case):
    published = 1600000000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(f"{cls.shared}/small")
        bench.write(f"{cls.shared}/small/file", b"content\n")
        os.mkdir(f"{cls.shared}/made")
        for name, version, *options in (
                ("brand", "1"), ("brand", "2"), ("brand", "3"), ("brand", "10"),
                ("brand", "4", "--compatible", "AX-*"), ("brand", "5", "--firmware-min", "9"),
                ("brand", "1.5", "--epoch", "1"), ("vpn", "1"), ("vpn", "2"),
                ("fix", "1"), ("fix", "2", "--need", "vpn>=2"), ("other", "7")):
            cls.make_small(name, version, *options)
        cls.web = f"{cls.shared}/web"
        os.mkdir(cls.web)
        cls.nginx = servers.Nginx(f"{cls.shared}/nginx", cls.web)
        cls.addClassCleanup(cls.nginx.close)
        cls.plain = Server(cls.web)
        cls.addClassCleanup(cls.plain.close)

    @classmethod
    def make_small(cls, name, version, *options):
        return bench.make_package(f"{cls.shared}/made/{name}-{version}.wmopkg",
                                  f"{cls.shared}/small", "--name", name, "--version", version,
                                  *options, keys=cls.keys)

    def setUp(self):
        super().setUp()
        for name in os.listdir(self.web):
            os.unlink(f"{self.web}/{name}")
        self.url = f"http://127.0.0.1:{self.nginx.port}/catalog"
        self.configure()

    def configure(self, *catalogs, **keys):
        """The configuration; without @catalogs it names that of nginx."""
        with open("wmopkg.conf", "w", encoding="utf-8") as file:
            for key in ("data", "persist", "keys", "run", "cmdline"):
                file.write(f'{key} = "{self.folder}/{key}"\n')
            places = ", ".join(f'"{place}"' for place in catalogs or [self.url])
            file.write(f'catalog = {{{places}}}\nserial = "{SERIAL}"\nmodel = "BX-1"\n'
                       'firmware_version = "5.0"\n')
            for key, value in keys.items():
                file.write(f"{key} = {value}\n")

    def publish(self, *packages, words=(), until="2099-12-31", signer="signer", keys=None):
        """The catalogue of exactly these, "NAME-VERSION", beside them."""
        for name in os.listdir(self.web):
            if name.endswith(".wmopkg"):
                os.unlink(f"{self.web}/{name}")
        for package in packages:
            shutil.copy(f"{self.shared}/made/{package}.wmopkg", self.web)
        keys = keys or self.keys
        subprocess.run([bench.BUILD, "catalog", "--not-after", until, *words, "--key",
                        f"{keys}/{signer}.key", "--cert", f"{keys}/{signer}.pem", self.web],
                       check=True, capture_output=True)
        # servers tell versions apart by the second
        Case.published += 1
        os.utime(f"{self.web}/catalog", (Case.published, Case.published))

    def have(self, *packages, words=()):
        for package in packages:
            name = package.split("-")[0]
            shutil.copy(f"{self.shared}/made/{package}.wmopkg", f"{name}.wmopkg")
            self.install(f"{name}.wmopkg", *words)
            os.unlink(f"{name}.wmopkg")

    def stored(self):
        known = {bench.read(f"{self.shared}/made/{file}"): file[:-7]
                 for file in os.listdir(f"{self.shared}/made")}
        return sorted(known.get(bench.read(path), path)
                      for path in bench.listing("data", "persist") if path.endswith(".wmopkg"))

    def left(self):
        """What is neither a package nor kept for an undo."""
        return [name for store in ("data", "persist") if os.path.isdir(f"{store}/packages")
                for name in os.listdir(f"{store}/packages")
                if name.startswith(".") and not name.startswith("._") and name != ".lock"]

    def update(self, *words):
        """Succeeds; what is printed but for the lines about transfers."""
        result = self.wmopkg("update", *words)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        return result.stdout

    def json(self, *words):
        told = json.loads(self.update(*words, "json"))
        schema.check("update", told)
        return told

    def refused(self, status, errors, *words):
        """Fails with just this, and nothing is changed."""
        before = self.stored()
        result = self.wmopkg("update", "--quiet", *words)
        self.assertEqual((result.returncode, result.stdout, result.stderr),
                         (status, "", "".join(f"wmopkg: {line}\n" for line in errors.splitlines())))
        self.assertEqual((self.stored(), self.left()), (before, []))

    def events(self):
        lines = self.wmopkg("audit", "json").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def refusals(self):
        return [(line["detail"], line["code"]) for line in self.events()
                if line["event"] == "refuse"]

    def passed(self):
        return [(one.get("passed_version"), one.get("reason", {}).get("code"))
                for one in self.json("check")["packages"]]


class Updates(Case):
    def test_newest_of_each(self):
        self.have("brand-1", "vpn-1")
        self.have("other-7", words=["persistent"])
        self.publish("brand-2", "brand-3", "brand-10", "vpn-1", "fix-1")
        output = self.update()
        self.assertIn(f"Catalogue 1, {UNTIL}\n  brand: version 1 goes, version 10 comes\n{UPDATED}",
                      output)
        # what is not installed does not come, and what is not published stays
        self.assertEqual(self.stored(), ["brand-10", "other-7", "vpn-1"])
        self.assertEqual(self.left(), [])
        output = self.update()
        self.assertTrue(output.endswith(f"Catalogue 1, {UNTIL}\n{NOTHING}"), output)
        event = [line for line in self.events() if line["event"] == "update"]
        self.assertEqual([(line["source"], line["detail"]) for line in event],
                         [(self.url, "catalogue 1, 1 package")])
        self.assertEqual(self.wmopkg("undo", "--yes").returncode, 0)
        self.assertEqual(self.stored(), ["brand-1", "other-7", "vpn-1"])

    def test_check_changes_nothing(self):
        self.have("brand-1", "vpn-1")
        self.publish("brand-2", "vpn-2", "brand-4")
        before = bench.listing("data", "persist", "run") + os.listdir("persist/wmopkg")
        output = self.update("check")
        self.assertTrue(output.endswith(
            f"Catalogue 1, {UNTIL}\n  brand: version 1 goes, version 2 comes\n"
            "  brand: version 4 does not come: it is for AX-*, and this device is 'BX-1'\n"
            "  vpn: version 1 goes, version 2 comes\n"), output)
        told = self.json("check")
        size = os.path.getsize(f"{self.web}/brand-2.wmopkg")
        self.assertEqual((told["number"], told["source"], told["packages"][0]), (1, self.url, {
            "name": "brand", "identity": "brand", "persistent": False, "action": "replace",
            "installed_version": "1", "version": "2", "file_bytes": size, "passed_version": "4",
            "reason": told["packages"][0]["reason"]}))
        self.assertEqual(told["packages"][0]["reason"]["code"], "wrong-model")
        self.assertEqual(bench.listing("data", "persist", "run") + os.listdir("persist/wmopkg"),
                         before)
        self.assertEqual(self.stored(), ["brand-1", "vpn-1"])

    def test_some_of_them(self):
        self.have("brand-1", "vpn-1")
        self.publish("brand-2", "vpn-2")
        self.update("vpn")
        self.assertEqual(self.stored(), ["brand-1", "vpn-2"])
        self.check(4, "", "vqn: no such package (installed: vpn, brand)",
                   "update", "vqn")
        self.assertEqual([one["action"] for one in self.json("check", "brand", "vpn")["packages"]],
                         ["replace", "none"])

    def test_quiet(self):
        """For cron: nothing is printed where all is well, whatever it did."""
        self.have("brand-1")
        self.publish("brand-2")
        for _ in range(2):
            self.assertEqual(self.update("--quiet"), "")
        self.assertEqual(self.stored(), ["brand-2"])

    def test_other_name_and_store(self):
        """The identity counts; the installed name and the store stay."""
        shutil.copy(f"{self.shared}/made/brand-1.wmopkg", "acme.wmopkg")
        self.install("acme.wmopkg", "persistent")
        self.publish("brand-2")
        told = self.json()
        self.assertEqual([(one["name"], one["identity"], one["persistent"])
                          for one in told["packages"]], [("acme", "brand", True)])
        self.assertEqual(bench.read("persist/packages/acme.wmopkg"),
                         bench.read(f"{self.shared}/made/brand-2.wmopkg"))
        self.assertEqual(self.stored(), ["brand-2"])

    def test_never_older(self):
        self.have("brand-3")
        self.publish("brand-1", "brand-2", "brand-3")
        self.assertIn(NOTHING, self.update())
        # the epoch counts first
        self.publish("brand-1.5")
        self.update()
        self.assertEqual(self.stored(), ["brand-1.5"])
        self.publish("brand-10")
        self.assertIn(NOTHING, self.update())
        self.assertEqual(self.stored(), ["brand-1.5"])

    def test_what_does_not_fit(self):
        self.have("brand-1", "fix-1", "vpn-1")
        self.publish("brand-5", "fix-2")
        self.assertEqual(self.passed(), [("5", "wrong-firmware"), ("2", "missing-need"),
                                         (None, None)])
        self.assertIn(NOTHING, self.update())
        # together they fit
        self.publish("fix-2", "vpn-2")
        self.update()
        self.assertEqual(self.stored(), ["brand-1", "fix-2", "vpn-2"])

    def test_rollout(self):
        """The draw of this device is 22 for brand 2, and 96 for brand 3."""
        self.have("brand-1")
        self.publish("brand-2", "brand-3", words=["--rollout", "brand-2.wmopkg=22", "--rollout",
                                                  "brand-3.wmopkg=96"])
        self.assertEqual(self.passed(), [("3", "rollout")])
        self.publish("brand-2", "brand-3", words=["--rollout", "brand-2.wmopkg=23"])
        self.update()
        self.assertEqual(self.stored(), ["brand-2"])
        self.publish("brand-2", "brand-3", words=["--rollout", "brand-3.wmopkg=97"])
        self.update()
        self.assertEqual(self.stored(), ["brand-3"])

    def test_without_a_serial_number(self):
        """All such devices would draw alike, so they are the last."""
        self.have("brand-1")
        self.configure()
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'serial = "{self.folder}/none"\n')
        self.publish("brand-2", words=["--rollout", "brand-2.wmopkg=99"])
        result = self.wmopkg("update")
        self.assertIn("its rollout is 99 %, and the serial number of this device is unknown",
                      result.stdout)
        self.publish("brand-2", words=["--rollout", "brand-2.wmopkg=100"])
        self.assertEqual(self.wmopkg("update").returncode, 0)
        self.assertEqual(self.stored(), ["brand-2"])

    def test_deny_list_travels_along(self):
        self.have("brand-1", "vpn-1")
        for number in (3, 4):
            subprocess.run([bench.BUILD, "denylist", "--number", str(number), "--package",
                            f"{self.shared}/made/brand-2.wmopkg", "--key",
                            f"{self.keys}/signer.key", "--cert", f"{self.keys}/signer.pem",
                            f"{self.shared}/{number}.deny"], check=True, capture_output=True)
        shutil.copy(f"{self.shared}/3.deny", f"{self.web}/deny")
        self.publish("brand-2", "vpn-2", words=["--denylist", "deny"])
        self.assertIn("Deny list 3 comes.\n", self.update("check"))
        self.assertEqual(json.loads(self.wmopkg("denylist", "json").stdout)["number"], 0)
        told = self.json()
        self.assertEqual(told["denylist"], 3)
        self.assertEqual([one.get("reason", {}).get("code") for one in told["packages"]],
                         ["revoked", None])
        self.assertEqual(self.stored(), ["brand-1", "vpn-2"])
        self.assertEqual(json.loads(self.wmopkg("denylist", "json").stdout)["number"], 3)
        self.assertNotIn("denylist", self.json())
        # one that is kept back
        shutil.copy(f"{self.shared}/4.deny", f"{self.web}/deny")
        self.publish("vpn-2")
        shutil.copy(f"{self.shared}/3.deny", f"{self.web}/deny")
        place = self.url[:-len("catalog")] + "deny"
        self.refused(3, f"{place}: the catalogue names number 4, and the server has an older one "
                     "(get the newest deny list from the vendor)")
        shutil.copy(f"{self.shared}/4.deny", f"{self.web}/deny")
        self.update()
        self.assertEqual(json.loads(self.wmopkg("denylist", "json").stdout)["number"], 4)

    def test_not_configured(self):
        bench.write("wmopkg.conf", bench.read("wmopkg.conf").replace(b"catalog =", b"#"))
        self.check(1, "", "update: the configuration names no catalogue (set catalog in it)", "update")

    def test_from_a_folder(self):
        """A path: of a share, or of a stick that is mounted."""
        self.have("brand-1")
        self.publish("brand-2")
        self.configure(f"{self.web}/catalog")
        self.assertEqual(self.update(), f"brand.wmopkg:\n{bench.BAR}    PKG: Signed\nReplaces version 1 "
                         f"with 2.\nCatalogue 1, {UNTIL}\n  brand: version 1 goes, version 2 comes\n"
                         + UPDATED)

    def test_channel(self):
        self.have("brand-1")
        self.publish("brand-2", words=["--channel", "beta"])
        self.refused(3, f"{self.url}: the catalogue is of channel 'beta', and this device takes that "
                     "of '' (check catalog and channel in the configuration)")
        self.configure(channel="beta")
        self.update()
        self.assertEqual(self.stored(), ["brand-2"])
        # another channel counts for itself
        os.unlink(f"{self.web}/catalog")
        self.publish("brand-3", words=["--channel", "stable"])
        self.configure(channel="stable")
        self.update()
        self.assertEqual(self.stored(), ["brand-3"])


class Servers(Case):
    """Servers, good and bad."""

    def test_not_modified(self):
        """The second time a server has nothing to send; each of both says so in its own way."""
        self.have("brand-1")
        self.publish("vpn-1")
        self.update()
        self.update()
        with open(f"{self.shared}/nginx/access.log", encoding="utf-8") as file:
            last = file.read().splitlines()[-2:]
        size = os.path.getsize(f"{self.web}/catalog")
        self.assertRegex(last[0], f'"GET /catalog HTTP/1.1" 200 {size} ')
        self.assertRegex(last[1], '"GET /catalog HTTP/1.1" 304 0 ')
        self.configure(f"http://127.0.0.1:{self.plain.port}/catalog")
        self.update()
        self.update()
        asked = [headers.get("If-Modified-Since") for _, headers in self.plain.asked[-2:]]
        self.assertIsNone(asked[0])
        self.assertRegex(asked[1], "^[A-Z][a-z][a-z], .* GMT$")
        # and it goes on with what it knows
        self.publish("brand-2")
        self.update()
        self.assertEqual(self.stored(), ["brand-2"])

    def test_conditions_are_ignored(self):
        """A server without dates and tags, that sends all of it each time."""
        def answer(handler):
            if handler.path != "/catalog":
                return False
            content = bench.read(f"{self.web}/catalog")
            handler.send_response_only(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
            return True

        server = Server(self.web, answer)
        self.addCleanup(server.close)
        self.configure(f"http://127.0.0.1:{server.port}/catalog")
        self.have("brand-1")
        self.publish("vpn-1")
        self.update()
        changed = os.stat("persist/wmopkg/catalog").st_ino
        self.assertIn(NOTHING, self.update())
        self.assertNotIn("If-None-Match", server.asked[-1][1])
        # the storage is not written for nothing
        self.assertEqual(os.stat("persist/wmopkg/catalog").st_ino, changed)

    def test_said_not_modified_to_who_asked_nothing(self):
        server = Server(self.web, lambda handler: [handler.send_response(304),
                                                   handler.end_headers()])
        self.addCleanup(server.close)
        self.configure(f"http://127.0.0.1:{server.port}/catalog")
        self.refused(5, f"http://127.0.0.1:{server.port}/catalog: the server says 304 Not Modified "
                     "(check the address, the path and the server)")

    def test_older_number(self):
        """A server, or somebody in between, that replays an older catalogue."""
        self.have("brand-1")
        self.publish("vpn-1")
        old = bench.read(f"{self.web}/catalog")
        self.publish("brand-2")
        new = bench.read(f"{self.web}/catalog")
        self.update()
        bench.write(f"{self.web}/catalog", old)
        os.utime(f"{self.web}/catalog", (1, 1))
        self.refused(3, f"{self.url}: its number is 1, and this device has seen number 2 ({OLD})")
        self.assertEqual(self.refusals(), [("catalogue", "old-catalog")])
        # two with one number
        os.unlink(f"{self.web}/catalog")
        self.publish("brand-3", words=["--number", "2"])
        self.refused(3, f"{self.url}: this device has seen another catalogue with its number, 2 "
                     f"({OLD})")
        bench.write(f"{self.web}/catalog", new)
        self.update()
        # also where only the record of what the server said is lost
        os.unlink("persist/wmopkg/catalog.json")
        bench.write(f"{self.web}/catalog", old)
        self.refused(3, f"{self.url}: its number is 1, and this device has seen number 2 ({OLD})")

    def test_expired(self):
        self.have("brand-1")
        self.publish("brand-2", until="2021-01-01")
        now = time.strftime("%Y-%m-%d", time.gmtime())
        result = self.wmopkg("update")
        self.assertEqual(result.returncode, 3)
        self.assertIn(f"{self.url}: number 1 was good until 2021-01-01 23:59:59 UTC, and by this "
                      f"device it is {now}", result.stderr)
        self.assertTrue(result.stderr.endswith(f" ({EXPIRED})\n"), result.stderr)
        self.assertEqual(self.stored(), ["brand-1"])

    def test_frozen(self):
        """A server that goes on saying that nothing has changed, until after the end."""
        self.have("brand-1")
        end = int(time.time()) + 600
        self.publish("vpn-1", until=str(end))
        self.assertIn(NOTHING, self.update())
        # some days later, by the firmware that is there then
        self.configure(firmware_built=end + 1)
        result = self.wmopkg("update")
        self.assertEqual(result.returncode, 3)
        self.assertIn("number 1 was good until", result.stderr)

    def test_clock_is_behind(self):
        """The time at which the newest catalogue was signed is the least that it can be."""
        self.have("brand-1")
        day, now = 86400, int(time.time())
        self.publish("vpn-1", until=str(now + 60 * day),
                     words=["--signing-time", str(now + 40 * day)])
        self.assertNotIn("the clock is not set", self.update())
        self.assertIn("\nNote: the clock is not set, so it cannot be told whether this is still the "
                      "newest one.\n", self.update())
        os.unlink(f"{self.web}/catalog")
        self.publish("brand-2", until=str(now + 30 * day), words=["--number", "2"])
        self.refused(3, f"{self.url}: number 2 was good until {self.utc(now + 30 * day)}, and by this "
                     f"device it is {self.utc(now + 40 * day)} ({EXPIRED})")

    @staticmethod
    def utc(when):
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(when))

    def test_not_signed_by_the_vendor(self):
        self.have("brand-1")
        others = f"{self.shared}/others"
        if not os.path.exists(others):
            subprocess.run([bench.BUILD, "keys", others], check=True, capture_output=True)
        self.publish("brand-2", keys=others)
        result = self.wmopkg("update", "--quiet")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("ask for one that is signed for this device", result.stderr)
        content = bytearray(bench.read(f"{self.web}/catalog"))
        content[40] ^= 1
        bench.write(f"{self.web}/catalog", content)
        self.assertEqual(self.wmopkg("update", "--quiet").returncode, 3)
        bench.write(f"{self.web}/catalog", b"<html>not found</html>")
        self.refused(3, f"{self.url}: it is not a signed statement (get the file again from its "
                     "vendor)")
        shutil.copy(f"{self.shared}/made/brand-2.wmopkg", f"{self.web}/catalog")
        self.refused(3, f"{self.url}: it is a package, not a signed statement (check which file this "
                     "is)")
        self.assertEqual(self.stored(), ["brand-1"])

    def test_record_of_a_stranger(self):
        """Who writes to PERSIST can forget a number, but not raise it."""
        self.have("brand-1")
        others = f"{self.shared}/others"
        if not os.path.exists(others):
            subprocess.run([bench.BUILD, "keys", others], check=True, capture_output=True)
        self.publish(words=["--number", "4294967295"], keys=others)
        os.makedirs("persist/wmopkg", exist_ok=True)
        shutil.move(f"{self.web}/catalog", "persist/wmopkg/catalog")
        for record in (None, b"junk", b'{"type":"catalog-seen","format":1}'):
            if record:
                bench.write("persist/wmopkg/catalog.json", record)
                bench.write("persist/wmopkg/catalog", record)
            self.publish("brand-2")
            self.assertIn("brand: version 1 goes, version 2 comes", self.update("check"))
        os.unlink("persist/wmopkg/catalog")
        os.mkdir("persist/wmopkg/catalog")
        self.update()
        self.assertEqual(self.stored(), ["brand-2"])

    def test_denied_key(self):
        """A stolen key publishes nothing any more."""
        self.have("brand-1")
        self.publish("brand-2")
        subprocess.run([bench.BUILD, "denylist", "--number", "1", "--revoke-cert",
                        f"{self.keys}/signer.pem", "--key", f"{self.keys}/signer.key", "--cert",
                        f"{self.keys}/signer.pem", "deny"], check=True, capture_output=True)
        self.assertEqual(self.wmopkg("denylist", "./deny").returncode, 0)
        result = self.wmopkg("update", "--quiet")
        self.assertEqual(result.returncode, 3)
        self.assertIn("deny list 1 names a key that it was signed with", result.stderr)

    def test_mirrors(self):
        """In their order: one that is down, one that is behind, one that is right."""
        self.have("brand-1", "vpn-1")
        self.publish("vpn-2")
        old = f"{self.folder}/old"
        shutil.copytree(self.web, old)
        self.publish("vpn-2", "brand-2")
        self.update("vpn")
        behind = Server(old)
        self.addCleanup(behind.close)
        down = f"http://127.0.0.1:{servers.free_port()}/catalog"
        late = f"http://127.0.0.1:{behind.port}/catalog"
        self.configure(down, late, self.url)
        result = self.wmopkg("update", "--quiet")
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        self.assertEqual(result.stderr, f"wmopkg: warning: {late}: its number is 1, and this device "
                         "has seen number 2; trying the next one\n")
        self.assertEqual(self.stored(), ["brand-2", "vpn-2"])
        self.configure(down, self.url)
        result = self.wmopkg("update")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stderr, f"^wmopkg: warning: {down}: .*; trying the next one\n$")
        # that one was refused matters more than that the other one is down
        self.configure(late, down)
        result = self.wmopkg("update", "--quiet")
        self.assertEqual(result.returncode, 3)
        self.assertEqual(len(result.stderr.splitlines()), 2)

    def test_package_is_missing_on_a_mirror(self):
        self.have("brand-1")
        self.publish("brand-2")
        half = f"{self.folder}/half"
        os.mkdir(half)
        shutil.copy(f"{self.web}/catalog", half)
        server = Server(half)
        self.addCleanup(server.close)
        self.configure(f"http://127.0.0.1:{server.port}/catalog", self.url)
        self.assertEqual(self.wmopkg("update").returncode, 0)
        self.assertEqual(self.stored(), ["brand-2"])

    def serve(self, answer):
        server = Server(self.web, answer)
        self.addCleanup(server.close)
        self.configure(f"http://127.0.0.1:{server.port}/catalog")
        return server

    def test_redirects(self):
        """To another place, for the catalogue and for the packages; not in a circle."""
        other = Server(self.web)
        self.addCleanup(other.close)

        def lead(handler):
            handler.send_response(302)
            handler.send_header("Location", f"http://127.0.0.1:{other.port}{handler.path}")
            handler.end_headers()
            return True

        self.have("brand-1")
        self.publish("brand-2")
        server = self.serve(lead)
        self.assertEqual(self.update("--quiet"), "")
        self.assertEqual(self.stored(), ["brand-2"])
        self.assertEqual([path for path, _ in server.asked], ["/catalog", "/brand-2.wmopkg"])
        event = [line for line in self.events() if line["event"] == "install"][-1]
        self.assertTrue(event["source"].startswith(f"http://127.0.0.1:{other.port}/brand-2"), event)

        def circle(handler):
            handler.send_response(302)
            handler.send_header("Location", handler.path)
            handler.end_headers()
            return True

        server = self.serve(circle)
        self.assertEqual(self.wmopkg("update", "--quiet").returncode, 5)
        self.assertLess(len(server.asked), 20)

    def cut_off(self, *paths):
        """A server that promises the whole of these files, and ends in the middle of them."""
        def answer(handler):
            if handler.path not in paths:
                return False
            content = bench.read(f"{self.web}{handler.path}")
            handler.send_response_only(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content[:len(content) // 2])
            handler.close_connection = True
            return True

        return Server(self.web, answer)

    def test_cut_off(self):
        """A catalogue, and then a package: nothing is changed, and the next mirror is used."""
        self.have("brand-1")
        self.publish("brand-2")
        for path in ("/catalog", "/brand-2.wmopkg"):
            with self.subTest(path):
                server = self.cut_off(path)
                self.addCleanup(server.close)
                place = f"http://127.0.0.1:{server.port}/catalog"
                self.configure(place)
                result = self.wmopkg("update", "--quiet")
                self.assertEqual(result.returncode, 5, result.stderr)
                self.assertEqual((self.stored(), self.left()), (["brand-1"], []))
                self.configure(place, self.url)
                self.assertEqual(self.wmopkg("update", "--quiet").returncode, 0)
                self.assertEqual(self.stored(), ["brand-2"])
                self.have("brand-1")

    def test_two_at_once(self):
        """The second one says that the first is at it, and has changed nothing."""
        self.have("brand-1")
        self.publish("brand-2")
        told = []

        def meanwhile(handler):
            if handler.path != "/catalog" and not told:
                told.append(None)
                told[0] = self.wmopkg("update", "--quiet")
            return False

        self.serve(meanwhile)
        self.update("--quiet")
        self.assertEqual(told[0].returncode, 1)
        self.assertIn("another installation is under way", told[0].stderr)
        self.assertEqual((self.stored(), self.left()), (["brand-2"], []))
        self.assertEqual([line["event"] for line in self.events()].count("update"), 1)

    def wait_for_stop(self, process):
        """The process that strace, @process, has stopped."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if os.path.exists("trace"):
                found = re.search(rb"^(\d+) +--- stopped by SIGSTOP", bench.read("trace"), re.M)
                if found:
                    return int(found[1])
            time.sleep(0.02)
        subprocess.run(["pkill", "-KILL", "-P", str(process.pid)], check=False)
        return self.fail("it was not stopped")

    def test_installed_meanwhile(self):
        """After the choice: what is newer by then is not replaced, what is gone does not come back."""
        self.publish("brand-2")
        for change in (["install", "brand.wmopkg"], ["remove", "--yes", "brand"]):
            with self.subTest(change[0]):
                self.have("brand-1")
                if os.path.exists("trace"):
                    os.unlink("trace")
                shutil.copy(f"{self.shared}/made/brand-10.wmopkg", "brand.wmopkg")
                # it stops when it has opened the installed file to choose; the plan opens it again
                with subprocess.Popen(
                        ["strace", "-f", "-o", "trace", "-P", "brand.wmopkg", "-e", "trace=openat",
                         "-e", "inject=openat:signal=STOP:when=1", bench.WMOPKG,
                         "--config", "wmopkg.conf", "update", "--quiet"],
                        stderr=subprocess.PIPE, text=True) as process:
                    stopped = self.wait_for_stop(process)
                    self.assertEqual(self.wmopkg(*change).returncode, 0)
                    before = self.stored()
                    os.kill(stopped, signal.SIGCONT)
                    told = process.communicate()[1]
                self.assertEqual(process.returncode, 1, told)
                self.assertIn("another program has installed or removed packages meanwhile; nothing "
                              "was changed (try again)", told)
                self.assertEqual((self.stored(), self.left()), (before, []))

    def test_reset_is_requested(self):
        """Updated all the same, and told: what is ordinary goes with the reboot."""
        self.have("brand-1")
        self.publish("brand-2")
        self.assertEqual(self.wmopkg("factory-reset", "--yes").returncode, 0)
        result = self.wmopkg("update", "--quiet")
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        self.assertIn("warning: a factory reset is requested: the next reboot deletes all but "
                      "persistent packages", result.stderr)
        self.assertEqual(self.stored(), ["brand-2"])

    def test_quarantined(self):
        """One that stops the boot: it is not fetched again, and a newer one comes."""
        self.have("brand-1")
        self.publish("brand-2")
        self.update()
        identity = [line for line in self.events() if line["event"] == "install"][-1]["id"]
        bench.write("persist/wmopkg/trials.json", json.dumps({
            "type": "trials", "format": 1, "completed": True, "idle": False, "failed": 0, "packages": [
                {"id": identity, "name": "brand", "persistent": False, "state": "quarantined",
                 "incomplete": 3, "ran": False}]}).encode())
        self.configure(f"http://127.0.0.1:{self.plain.port}/catalog")
        self.plain.asked.clear()
        self.assertIn(NOTHING, self.update())
        # somebody goes back to the older one, and the night comes before the reboot
        os.unlink("data/packages/brand.wmopkg")
        shutil.copy(f"{self.shared}/made/brand-1.wmopkg", "data/packages/brand.wmopkg")
        self.assertEqual(self.passed(), [("2", "quarantined")])
        self.assertIn(NOTHING, self.update())
        self.assertEqual({path for path, _ in self.plain.asked}, {"/catalog"})
        self.assertEqual(self.stored(), ["brand-1"])
        self.publish("brand-2", "brand-3")
        self.update()
        self.assertEqual(self.stored(), ["brand-3"])

    def test_quarantined_and_gone(self):
        """The record of trials forgets what is no longer installed; update does not bring it back by
        itself, night after night. Somebody may."""
        self.have("brand-1")
        self.publish("brand-2")
        self.update()
        shutil.copy("data/packages/brand.wmopkg", "brand.wmopkg")
        line = [line for line in self.events() if line["event"] == "install"][-1]
        # as the boot that left it out has logged it: docs/audit.md
        line.update(event="quarantine", number=line["number"] + 100, prev="0" * 64)
        del line["digest"]
        body = json.dumps(line, separators=(",", ":"))[:-1]
        bench.write("persist/wmopkg/audit.boots",
                    f'{body},"digest":"{hashlib.sha256(body.encode()).hexdigest()}"}}\n'.encode())
        self.assertEqual(self.wmopkg("undo", "--yes").returncode, 0)
        self.assertEqual(self.stored(), ["brand-1"])
        self.assertEqual(self.passed(), [("2", "quarantined")])
        self.assertIn(NOTHING, self.update())
        self.assertEqual(self.stored(), ["brand-1"])
        self.assertEqual(self.wmopkg("install", "brand.wmopkg").returncode, 0)
        self.assertEqual(self.wmopkg("undo", "--yes").returncode, 0)
        self.update()
        self.assertEqual(self.stored(), ["brand-2"])

    def endless(self, first=b""):
        """A server whose answer has no end; closed after the test."""
        def answer(handler):
            handler.send_response_only(200)
            handler.end_headers()
            with contextlib.suppress(OSError):
                handler.wfile.write(first)
                while True:
                    handler.wfile.write(bytes(65536))
            return True

        server = Server(self.web, answer)
        self.addCleanup(server.close)
        return f"http://127.0.0.1:{server.port}/catalog"

    def test_endless_catalogue(self):
        """At most as much as its head says, and that is bounded."""
        self.have("brand-1")
        where = self.endless()
        self.configure(where)
        self.refused(3, f"{where}: it is not a signed statement (get the file again from its vendor)")
        where = self.endless(b"WMOSTM01" + b"\xff" * 8)
        self.configure(where)
        self.refused(3, f"{where}: the statement's sizes are out of their range (get the file again "
                     "from its vendor)")
        self.publish("vpn-1")
        where = self.endless(bench.read(f"{self.web}/catalog"))
        self.configure(where)
        size = os.path.getsize(f"{self.web}/catalog")
        self.refused(3, f"{where}: longer than the {size} bytes that its head says (get the file "
                     "again from its vendor)")

    def test_endless_package(self):
        self.have("brand-1")
        self.publish("brand-2")
        content = bench.read(f"{self.web}/brand-2.wmopkg")

        def answer(handler):
            if handler.path == "/catalog":
                return False
            handler.send_response_only(200)
            handler.end_headers()
            with contextlib.suppress(OSError):
                handler.wfile.write(content)
                while True:
                    handler.wfile.write(bytes(65536))
            return True

        server = Server(self.web, answer)
        self.addCleanup(server.close)
        self.configure(f"http://127.0.0.1:{server.port}/catalog")
        result = self.wmopkg("update", "--quiet")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertEqual((self.stored(), self.left()), (["brand-1"], []))

    def test_other_package_than_the_catalogue_names(self):
        """Signed by the same vendor, for the same identity and even the same version."""
        self.have("brand-1", "vpn-1")
        self.publish("brand-2", "vpn-2")
        shutil.copy(f"{self.shared}/made/brand-3.wmopkg", f"{self.web}/brand-2.wmopkg")
        self.refused(3, "brand: the catalogue names version 2, but this is version 3 " f"({OTHER})")
        self.assertEqual(self.refusals(), [("catalogue", "not-published")])
        again = self.make_small("brand", "2", "--priority", "1")
        shutil.move(again, f"{self.web}/brand-2.wmopkg")
        self.make_small("brand", "2")
        self.refused(3, "brand: its manifest is not the one that the catalogue names " f"({OTHER})")
        self.assertEqual(self.stored(), ["brand-1", "vpn-1"])

    def test_last_one_is_bad(self):
        """All or none: what came before it is not installed either."""
        self.have("brand-1", "vpn-1")
        self.publish("brand-2", "vpn-2")
        content = bytearray(bench.read(f"{self.web}/vpn-2.wmopkg"))
        content[-4000] ^= 1
        bench.write(f"{self.web}/vpn-2.wmopkg", content)
        result = self.wmopkg("update", "--quiet")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("vpn: Invalid: ", result.stderr)
        self.assertEqual((self.stored(), self.left()), (["brand-1", "vpn-1"], []))
        os.unlink(f"{self.web}/vpn-2.wmopkg")
        self.assertEqual(self.wmopkg("update", "--quiet").returncode, 4)
        self.assertEqual((self.stored(), self.left()), (["brand-1", "vpn-1"], []))

    def test_no_room(self):
        """For half of them: nothing is fetched each night that has no room, nothing is left."""
        os.makedirs("data/packages", exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", "data"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", f"{self.folder}/data"], check=True)
        self.have("brand-1", "vpn-1")
        self.publish("brand-2", "vpn-2")
        sizes = [os.path.getsize(f"{self.web}/{name}-2.wmopkg") for name in ("brand", "vpn")]
        stat = os.statvfs("data")
        bench.write("data/fill", bytes(stat.f_bavail * stat.f_frsize - max(sizes) - 4096))
        stat = os.statvfs("data")
        free = stat.f_bavail * stat.f_frsize
        self.assertTrue(max(sizes) < free < sum(sizes), (sizes, free))
        self.configure(f"http://127.0.0.1:{self.plain.port}/catalog")
        self.plain.asked.clear()
        self.refused(6, f"the new packages need {bench.size(sum(sizes))} and there is room for {bench.size(free)} on "
                     "data (remove a package or free some space)")
        self.assertEqual([path for path, _ in self.plain.asked], ["/catalog"])
        os.unlink("data/fill")
        self.update()
        self.assertEqual(self.stored(), ["brand-2", "vpn-2"])


if __name__ == "__main__":
    unittest.main()
