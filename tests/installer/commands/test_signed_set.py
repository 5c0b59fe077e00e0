#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg apply with a signed set: from everywhere, and as an attacker would give it."""

import functools
import http.server
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
import schema  # noqa: E402

SAME = "Nothing to do: the packages are those of the set.\n"
OLD = "(get the newest set from the vendor)"


class SignedSet(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(f"{cls.shared}/small")
        bench.write(f"{cls.shared}/small/file", b"content\n")
        os.mkdir(f"{cls.shared}/packages")
        for name in ("brand", "fix"):
            bench.make_package(f"{cls.shared}/packages/{name}.wmopkg", f"{cls.shared}/small",
                               "--version", "1", keys=cls.keys)
        subprocess.run([bench.BUILD, "keys", f"{cls.shared}/others"], check=True,
                       stdout=subprocess.DEVNULL)

    def setUp(self):
        super().setUp()
        os.makedirs("server/sets")
        os.symlink(f"{self.shared}/packages", "server/sets/packages")

    def build(self, *words):
        return subprocess.run([bench.BUILD, *words], capture_output=True, text=True, check=False)

    def sign(self, number, *packages, out="server/sets/site.set", keys=None, signer="signer", **more):
        keys = keys or self.keys
        listed = [{"source": f"packages/{name}.wmopkg"} if isinstance(name, str) else name
                  for name in packages]
        bench.write("set.json", json.dumps({"type": "set", "format": 1, "number": number,
                                            "packages": listed, **more}).encode())
        result = self.build("set", "--key", f"{keys}/{signer}.key", "--cert", f"{keys}/{signer}.pem",
                            "set.json", out)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, f"{out}: set {number}, {len(packages)} "
                         f"package{'' if len(packages) == 1 else 's'}, signed\n")
        return out

    def serve(self, watch=None):
        """@watch: called with the path of each file that is asked for, and the request; true: it has
        answered"""
        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                if not watch or not watch(self.path, self):
                    super().do_GET()
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=f"{self.folder}/server"))
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}/sets"

    def installed(self):
        return sorted(path for path in bench.listing("data", "persist")
                      if path.endswith(".wmopkg") and not os.path.basename(path).startswith("."))

    def applied(self, *words, installed):
        result = self.wmopkg("apply", "--yes", *words)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.installed(), [f"data/packages/{name}.wmopkg" for name in installed])
        return result.stdout

    def refused(self, status, why, *words):
        before = self.installed()
        result = self.wmopkg("apply", "--yes", *words)
        self.assertEqual((result.returncode, result.stderr), (status, f"wmopkg: {why}\n"))
        self.assertEqual(self.installed(), before)

    def test_from_a_file(self):
        path = self.sign(7, "brand", "fix")
        self.applied(path, installed=["brand", "fix"])
        self.assertEqual(self.applied(path, installed=["brand", "fix"]), SAME)
        lines = [json.loads(line) for line in self.wmopkg("audit", "json").stdout.splitlines()]
        self.assertEqual([(line["event"], line.get("detail")) for line in lines if line["event"] == "set"],
                         [("set", "number 7, 2 packages")])
        self.assertIn("signer", lines[-1])

    def test_from_a_server(self):
        """Its sources begin in its own folder there."""
        self.sign(1, "brand")
        base = self.serve()
        self.applied(f"{base}/site.set?x=/y/", installed=["brand"])
        self.sign(2, "brand", "fix")
        self.applied("proto", "http", base.split("/")[2], "sets/site.set", installed=["brand", "fix"])

    def test_json_only(self):
        """What is said of the transfers is not in the output."""
        self.sign(7, "brand", "fix")
        result = self.wmopkg("apply", "--check", f"{self.serve()}/site.set", "json")
        self.assertEqual([item["action"] for item in json.loads(result.stdout)["packages"]],
                         ["install", "install"])
        self.assertIn("Attempting to download file brand.wmopkg", result.stderr)

    def test_credentials_stay_with_their_server(self):
        """What was typed goes to relative sources, wherever they lead on it, and to no other server."""
        seen = []

        def ask(path, request):
            """Programs send a password only to who asks for it."""
            seen.append((request.server.server_port, path, request.headers.get("Authorization")))
            if seen[-1][2]:
                return False
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="all"')
            request.send_header("Content-Length", "0")
            request.end_headers()
            return True
        base, other = self.serve(ask), self.serve(ask)
        with_password = base.replace("//", "//user:secret@") + "/site.set"
        self.sign(1, {"source": "../sets/packages/brand.wmopkg"})
        self.applied(with_password, installed=["brand"])
        self.sign(2, "brand", {"source": f"{other}/packages/fix.wmopkg"})
        self.assertNotEqual(self.wmopkg("apply", "--yes", with_password).returncode, 0)
        self.assertEqual(self.installed(), ["data/packages/brand.wmopkg"])
        theirs = [value for port, _, value in seen if str(port) == other.split("/")[2].split(":")[1]]
        self.assertEqual(set(theirs), {None})

    def test_url_without_a_folder(self):
        """Nothing of the URL of the set is left out until another host can take its place."""
        base = self.serve(lambda path, request: path.startswith("/?") and
                          self.answer(request, bench.read("server/sets/site.set")))
        other = self.serve().split("/")[2]
        self.sign(1, {"source": f"{other}/sets/packages/brand.wmopkg"})
        result = self.wmopkg("apply", "--yes", base.removesuffix("/sets") + "?/site.set")
        self.assertNotEqual(result.returncode, 0, result.stdout)
        self.assertNotIn(f"Connecting to {other}", result.stdout)
        self.assertEqual(self.installed(), [])

    def answer(self, request, content, whole=True):
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content if whole else content[:len(content) // 2])
        return True

    def test_server_is_lost_in_the_middle(self):
        content = bench.read(f"{self.shared}/packages/fix.wmopkg")
        base = self.serve(lambda path, request: path.endswith("/fix.wmopkg") and
                          self.answer(request, content, whole=False))
        self.sign(1, "brand", "fix")
        result = self.wmopkg("apply", "--yes", f"{base}/site.set")
        self.assertEqual(result.returncode, 5, result.stderr)
        self.assertIn("fix: the connection was lost after", result.stderr)
        self.assertEqual(self.installed(), [])
        self.assertEqual([path for path in bench.listing("data") if path.endswith(".new")], [])
        self.assertFalse(os.path.exists("persist/wmopkg/set"))

    def test_interrupted_between_two_packages(self):
        """Ctrl-C: nothing of it stays, and the same set can be applied afterwards."""
        running = []

        def watch(path, _):
            if path.endswith("/fix.wmopkg") and running:
                running.pop().send_signal(signal.SIGINT)
        base = self.serve(watch)
        self.sign(1, "brand", "fix")
        process = subprocess.Popen([bench.WMOPKG, "--config", "wmopkg.conf", "apply", "--yes",
                                    f"{base}/site.set"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        with process:
            running.append(process)
            errors = process.communicate()[1]
        self.assertNotEqual(process.returncode, 0, errors)
        self.assertEqual(running, [])
        self.assertEqual(self.installed(), [])
        self.assertEqual([path for path in bench.listing("data") if path.endswith(".new")], [])
        self.assertFalse(os.path.exists("persist/wmopkg/set"))
        self.applied(f"{base}/site.set", installed=["brand", "fix"])

    def test_names_no_file_of_the_device(self):
        """From a server; from a file of the device it may."""
        path = self.sign(1, {"source": f"{self.shared}/packages/brand.wmopkg"})
        base = self.serve()
        self.refused(1, "brand: its source is a file of this device, which only a set that is a file "
                     "of this device can name (correct the set)", f"{base}/site.set")
        self.applied(path, installed=["brand"])

    def test_number_only_rises(self):
        """A replay of an older set; the same one is fine, another of the same number is not."""
        old = self.sign(3, "brand", out="old.set", packages=[{"source": "server/sets/packages/brand.wmopkg"}])
        new = self.sign(4, "brand", "fix")
        twin = self.sign(4, "fix", out="server/sets/twin.set")
        self.applied(new, installed=["brand", "fix"])
        self.refused(3, f"old.set: its number is 3, and this device has applied number 4 {OLD}", old)
        self.refused(3, "server/sets/twin.set: this device has applied another set with its number, 4 "
                     f"{OLD}", twin)
        self.assertEqual(self.applied(new, installed=["brand", "fix"]), SAME)
        lines = [json.loads(line) for line in self.wmopkg("audit", "json").stdout.splitlines()]
        self.assertEqual([(line["detail"], line["code"]) for line in lines
                          if line["event"] == "refuse"], [("set", "old-set")] * 2)
        # what nobody has signed is a hint, and keeps the vendor's set out for no time
        bench.write("persist/wmopkg/set", b"WMOSTM01 and so on")
        self.applied(twin, installed=["fix"])
        self.refused(3, f"old.set: its number is 3, and this device has applied number 4 {OLD}", old)

    def test_a_refused_set_raises_nothing(self):
        """Its number counts only when all of it is judged."""
        good = self.sign(5, "brand")
        bad = self.sign(9, "brand", {"source": "packages/none.wmopkg"}, out="server/sets/bad.set")
        self.assertEqual(self.wmopkg("apply", "--yes", bad).returncode, 4)
        self.assertEqual(self.wmopkg("apply", "--check", good).returncode, 0)
        self.applied(good, installed=["brand"])

    def test_not_of_the_vendor(self):
        self.sign(1, "brand", out="other.set", keys=f"{self.shared}/others")
        changed = bytearray(bench.read(self.sign(1, "brand")))
        changed[changed.index(b"brand")] ^= 1
        bench.write("changed.set", changed)
        self.assertEqual(self.build("set", "set.json", "unsigned.set").returncode, 0)
        for path, code in (("other.set", "untrusted-signer"), ("changed.set", "bad-signature"),
                           ("unsigned.set", "no-signature")):
            result = self.wmopkg("apply", "--yes", path)
            self.assertEqual(result.returncode, 3, result.stderr)
            self.assertTrue(result.stderr.startswith(f"wmopkg: {path}: "), result.stderr)
            line = json.loads(self.wmopkg("audit", "json").stdout.splitlines()[-1])
            self.assertEqual((line["event"], line["code"]), ("refuse", code))
            self.assertEqual(self.installed(), [])

    def test_revoked_signer(self):
        path = self.sign(1, "brand")
        subprocess.run([bench.BUILD, "keys", "new"], check=True, stdout=subprocess.DEVNULL)
        os.rename("new/root.pem", "keys/new.pem")
        result = self.build("denylist", "--number", "1", "--revoke-cert", f"{self.keys}/signer.pem",
                            "--key", "new/signer.key", "--cert", "new/signer.pem", "1.denylist")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.wmopkg("denylist", "1.denylist").returncode, 0)
        result = self.wmopkg("apply", "--yes", path)
        self.assertEqual(result.returncode, 3)
        self.assertIn("deny list 1 names a key that it was signed with", result.stderr)

    def test_other_model(self):
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write('model = "RS20"\n')
        path = self.sign(1, "brand", compatible=["MSP*", "BRS*"])
        self.refused(3, f"{path}: it is for MSP*, BRS*, and this device is 'RS20' (ask the vendor for "
                     "a package made for this model)", path)
        self.applied(self.sign(1, "brand", compatible=["RS*"]), installed=["brand"])

    def test_other_statements(self):
        """One type never passes for another."""
        result = self.build("denylist", "--number", "1", "--key", f"{self.keys}/signer.key", "--cert",
                            f"{self.keys}/signer.pem", "1.denylist")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.refused(3, "1.denylist: it is a deny list, not a set (check which file this is)",
                     "1.denylist")
        path = self.sign(1, "brand")
        result = self.wmopkg("denylist", path)
        self.assertEqual(result.returncode, 3)
        self.assertIn("it is a set, not a deny list", result.stderr)
        result = self.wmopkg("install", path)
        self.assertIn(f"(give it to: wmopkg apply {path})", result.stderr)

    def test_too_many_bytes(self):
        """A server that never ends: its head says how many bytes follow, and has a limit."""
        bench.write("server/sets/long", struct.pack("<8sII", b"WMOSTM01", 1 << 30, 0) + bytes(1 << 20))
        bench.write("server/sets/set.json", b'{"type":"set","format":1,"packages":[]}')
        base = self.serve()
        self.refused(3, f"{base}/long: the statement's sizes are out of their range: a set that is not "
                     "signed is taken from a file of this device only (get the file again from its "
                     "vendor)", f"{base}/long")
        self.refused(3, f"{base}/set.json: it is not a signed statement: a set that is not signed is "
                     "taken from a file of this device only (get the file again from its vendor)",
                     f"{base}/set.json")

    def test_inspect(self):
        path = self.sign(7, "brand", {"name": "fix", "version": "1", "persistent": True}, keep=True,
                         compatible=["RS*"])
        result = self.build("inspect", "--keys", "keys", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        for line in ("Type: set", "Number: 7", "Compatible: RS*", "Others: stay",
                     "Package: brand, packages/brand.wmopkg", "Package: fix 1, persistent"):
            self.assertIn(f"{line}\n", result.stdout)
        told = json.loads(self.build("inspect", "--json", "--keys", "keys", path).stdout)
        schema.check("statement", told)
        self.assertEqual((told["type"], told["number"], told["keep"], len(told["packages"])),
                         ("set", 7, True, 2))

    def test_build_refuses(self):
        for text, why in (
                ('{"type":"set","format":1,"packages":[]}', "a signed set has a number"),
                ('{"type":"set","format":1,"number":1,"packages":[{}]}', "it has no name")):
            bench.write("bad.json", text.encode())
            result = self.build("set", "bad.json", "out.set")
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(f"bad.json: {'' if 'number' in why else 'packages[0]: '}{why}", result.stderr)
        self.assertFalse(os.path.exists("out.set"))
        result = self.build("set", "--number", "2", "bad.json", "out.wmopkg")
        self.assertEqual(result.returncode, 2)


if __name__ == "__main__":
    unittest.main()
