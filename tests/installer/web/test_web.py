#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg-web, request by request: what it does, and what it refuses."""

import contextlib
import http.server
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import served  # noqa: E402

INSTALLED = "Installed... Changes are applied after reboot."
REMOVED = "Removed... Changes are applied after reboot."
FORGED = ("nothing was done: the form is too old, or another site sent it (go back, load the page "
          "again, then try again)")
FOREIGN = ("nothing was done: another site sent the request (open the address of the device, then "
           "try again)")
NO_LOGIN = ("the web server has asked nobody for a login (set up its authentication, or set "
            "web_login in the configuration)")
NO_FORM = "the form did not arrive as a browser sends it (multipart/form-data)"
NO_FIELD = "the request has a field that is no field of these pages, or is too long"
SLOW = ("the browser sent nothing, or too slowly (check the connection to the device, then try "
        "again)")
HEADERS = {"x-frame-options": "DENY", "x-content-type-options": "nosniff",
           "referrer-policy": "same-origin", "cross-origin-resource-policy": "same-origin"}
PAGES = ("", "page=packages", "page=package&name=pkgname", "page=remove&name=pkgname",
         "page=install", "page=pending", "page=boot", "page=conflicts", "page=audit",
         "page=device", "page=reset", "page=reboot", "page=undo")
MARKUP = """</title><script>alert(1)</script>"'&lt;"""


class Web(served.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.content = bench.read(cls.package)
        cls.unsigned = bench.read(cls.make("unsigned"))

    def stored(self):
        """What is installed."""
        return [path for path in bench.listing("data", "persist") if path.endswith(".wmopkg")]

    def last_event(self):
        return json.loads(self.wmopkg("audit", "json").stdout.splitlines()[-1])

    # who may

    def test_login(self):
        self.refused(self.cgi(user=None), 403, NO_LOGIN)
        self.refused(self.cgi(user=""), 403, NO_LOGIN)
        self.refused(self.cgi("POST", user=None), 403, NO_LOGIN)
        self.refused(self.cgi(query="asset=style", user=None), 403, NO_LOGIN)
        for user in ("x" * 49, "a\nb", "\x1b[m", "\udcff"):
            answer = self.cgi(user=user)
            self.assertEqual(answer.status, 403)
            self.assertIn("the name of the user", answer.text)
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("web_login = none\n")
        self.assertIn("No login", self.show(user=None).text)
        self.done(self.post({"action": "upload"}, self.content, token=self.token(user=None),
                            user=None),
                  ("note", "PKG: Signed"), ("done", INSTALLED))
        self.assertEqual(self.last_event()["user"], "web:anybody")

    def test_secret(self):
        """Only root knows it; what others can change is not used."""
        self.show("page=install")
        self.assertEqual(os.stat("run/web").st_mode & 0o777, 0o700)
        self.assertEqual(os.stat("run/web/secret").st_mode & 0o777, 0o600)
        os.chmod("run/web", 0o755)
        self.refused(self.cgi(), 403, f"{self.folder}/run/web: it belongs to somebody else, or can "
                     "be read by others (run it as root, or change the permissions)")
        shutil.rmtree("run/web")
        os.mkdir("elsewhere", 0o700)
        os.symlink("../elsewhere", "run/web")
        self.assertEqual(self.cgi().status, 500)
        self.assertEqual(os.listdir("elsewhere"), [])

    def test_waiting_set(self):
        told = self.leave_set("other", self.content)
        self.assertIn(("warning", f"{told} (make both stores available, or remove what is in the "
                       "way; then run 'wmopkg show')"), self.show("page=packages").messages)
        shutil.rmtree("data/packages/other.wmopkg")
        page = self.show("page=packages")
        self.assertEqual(page.messages, [])
        self.assertIn("other", page.text)

    def foreign_post(self, **variables):
        """Refused before it is decoded: it is no form."""
        return self.cgi("POST", body=b"\0", CONTENT_TYPE="multipart/form-data; boundary=x",
                        **variables)

    def test_forged(self):
        """Without a token of this user, this boot and these hours, nothing is done."""
        self.install(self.package)
        remove = {"action": "remove", "name": "pkgname"}
        self.refused(self.post(remove, token=""), 403, FORGED)
        self.refused(self.post(remove, token="0" * 16 + "-" + "0" * 64), 403, FORGED)
        self.refused(self.post(remove, token=self.token(user="other")), 403, FORGED)
        for origin in ("http://evil", "null", "http://device.evil"):
            self.refused(self.foreign_post(HTTP_ORIGIN=origin), 403, FOREIGN)
        for site in ("cross-site", "same-site"):
            self.refused(self.foreign_post(HTTP_SEC_FETCH_SITE=site), 403, FOREIGN)
            # a picture or a frame of another site, which would have a whole package read
            for kind in ("image", "iframe", "empty"):
                self.refused(self.cgi(query="page=package&name=pkgname", HTTP_SEC_FETCH_SITE=site,
                                      HTTP_SEC_FETCH_DEST=kind), 403, FOREIGN)
            self.show("page=package&name=pkgname", HTTP_SEC_FETCH_SITE=site,
                      HTTP_SEC_FETCH_DEST="document")
        old = self.token()
        os.unlink("run/web/secret")
        self.refused(self.post(remove, token=old), 403, FORGED)
        # by a link
        self.assertEqual(self.cgi(query=f"action=remove&name=pkgname&token={self.token()}").status,
                         200)
        self.assertEqual(self.stored(), ["data/packages/pkgname.wmopkg"])
        self.done(self.post(remove, HTTP_ORIGIN="http://Device", HTTP_SEC_FETCH_SITE="same-origin"),
                  ("done", REMOVED))
        self.assertEqual(self.stored(), [])

    # what a browser is told

    def test_headers(self):
        self.install(self.package)
        answers = [self.cgi(query=page) for page in PAGES]
        answers += [self.cgi(query="page=x"), self.cgi("PUT"), self.cgi(user=None),
                    self.cgi(query="asset=style"), self.cgi(query="asset=x"),
                    self.post({"action": "upload"}, self.content)]
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            self.assertEqual({name: answer.headers[name] for name in HEADERS}, HEADERS)
            for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'",
                         "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"):
                self.assertIn(rule, policy.split("; "))
            self.assertNotIn("unsafe", policy)
        for answer in answers[:len(PAGES)]:
            self.assertEqual(answer.status, 200, answer.text)
            self.assertEqual(answer.headers["cache-control"], "no-store")
            self.assertEqual(int(answer.headers["content-length"]), len(answer.body))
            # what the policy would forbid, and what comes from elsewhere
            self.assertNotRegex(answer.text, r"<script(?! src=\"\?asset=script)|<style|\sstyle=|"
                                r"\son\w+=|javascript:|(src|href|action)=\"?[a-z]+:")
        self.assertEqual([answer.status for answer in answers[len(PAGES):]],
                         [404, 405, 403, 200, 404, 303])
        head = self.cgi("HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        style = answers[len(PAGES) + 3].headers["content-length"]
        head = self.cgi("HEAD", "asset=style")
        self.assertEqual((head.headers["content-length"], head.body), (style, b""))
        name = "0" * 32
        self.post({"action": "reset_cancel", "id": name})
        self.assertEqual(self.cgi("HEAD", f"progress={name}").body, b"")

    def test_markup(self):
        """No text from outside becomes part of a page."""
        self.craft("pkgname", description=MARKUP, version="1<i>0")
        self.boot("wmopkg.allow_untrusted=1")
        self.booted(self.entry("pkgname", verification="Unsigned", message=MARKUP,
                               code="no-signature", version="1<i>0", active=False))
        queries = [*PAGES, f"page={MARKUP}", f"page=package&name={MARKUP}",
                   f"page=remove&name={MARKUP}", f"result={MARKUP}", f"progress={MARKUP}"]
        for query in queries:
            query = query.replace('"', "%22").replace("<", "%3C").replace("&lt;", "%26lt;")
            answer = self.cgi(query=query, user="<i>")
            self.assertNotIn("<script>", answer.text, query)
            self.assertNotIn("<i>", answer.text, query)
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;lt;",
                      self.show("page=packages").text)
        error = self.post({"action": MARKUP})
        self.refused(error, 400, f"there is no action '{MARKUP}'")
        self.assertNotIn("<script>", error.text)
        error = self.post({"action": "fetch", "url": f"http://127.0.0.1:1/{MARKUP}.wmopkg"})
        self.assertNotIn("<script>", error.text)
        # bytes of a name that a browser sends
        error = self.post({"action": "upload"}, b"x", name="<script>\xff.wmopkg")
        self.assertEqual(error.status, 400)
        self.assertNotIn("<script>", error.text)

    # what it does

    def test_list(self):
        """The words of show."""
        for name in ("alpha", "beta", "gamma"):
            self.install(self.make(name, keys=self.keys))
        other = {"inode": 1, "bytes": 1, "changed_ns": 1}
        self.booted(self.entry("alpha"), {**self.entry("beta", version="4.0"), "file": other},
                    self.entry("gone"))
        text = re.sub(r"<[^>]*>", " ", self.show().text)
        for words in (r"alpha\s+5\.26\.0-rev0\s+Signed\s+active\s+No\s+Example",
                      r"beta .*active after reboot, until then version 4\.0",
                      r"gamma .*active after reboot", r"gone .*removed, active until reboot",
                      r"Reboot to activate 2 packages and to deactivate 1\."):
            self.assertRegex(text, words)
        text = self.show("page=pending").text
        self.assertNotIn(">alpha<", text)
        self.assertIn(">gamma<", text)
        facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>",
                                self.show("page=package&name=alpha").text))
        self.assertEqual((facts["Name"], facts["Verification"]), ("alpha", "Signed"))
        self.assertEqual(len(facts["Root hash"]), 64)
        for page in ("package", "remove", "conflicts"):
            self.refused(self.cgi(query=f"page={page}&name=delta"), 404, "delta: no such package "
                         "(installed: alpha, beta, gamma)")

    def test_undo(self):
        """The last change, with the same words and refusals."""
        self.assertNotIn("Undo", self.show("page=pending").text)
        self.refused(self.cgi(query="page=undo"), 404, "nothing to undo: no package was installed or "
                     "removed since the boot, or all of this was undone, or a set of changes was "
                     "cut off and completed later (a factory reset: wmopkg factory-reset cancel; an "
                     "unlock statement and a deny list are not undone)")
        self.done(self.post({"action": "upload"}, self.content), ("note", "PKG: Signed"),
                  ("done", INSTALLED))
        self.install(self.make("other", keys=self.keys))
        self.done(self.post({"action": "remove", "name": "pkgname"}), ("done", REMOVED))
        self.assertIn(">Undo the last change</a>", self.show("page=pending").text)
        self.assertIn("<li>pkgname: version 5.26.0-rev0 comes back</li>",
                      self.show("page=undo").text)
        self.refused(self.post({"action": "undo"}, token=""), 403, FORGED)
        undone = ("done", "Undone... Changes are applied after reboot.")
        other = ("nothing was undone: the last change is not the one that the page has shown (load the "
                 "page again, then decide)")
        shown = self.show("page=undo").fields
        self.refused(self.post({"action": "undo"}), 409, other)
        self.wmopkg("remove", "other", "--yes")
        self.refused(self.post(shown), 409, other)
        self.assertEqual(self.stored(), [])
        self.wmopkg("undo", "--yes")
        self.done(self.post(shown), undone)
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), self.content)
        self.assertEqual((self.last_event()["event"], self.last_event()["user"]), ("undo", "web:admin"))
        self.refused(self.post(shown), 409, other)  # the same form twice
        self.done(self.post(self.show("page=undo").fields), undone)
        self.done(self.post(self.show("page=undo").fields), undone)
        self.assertEqual(self.stored(), [])

    def test_install_and_remove(self):
        answer = self.post({"action": "upload", "persistent": "yes"}, self.content)
        self.done(answer, ("note", "PKG: Signed"), ("done", INSTALLED))
        self.assertEqual(self.stored(), ["persist/packages/pkgname.wmopkg"])
        self.assertEqual(bench.read(self.stored()[0]), self.content)
        event = self.last_event()
        self.assertEqual((event["event"], event["user"], event["source"], event["detail"]),
                         ("install", "web:admin", "upload://pkgname.wmopkg", "address 192.0.2.7"))
        self.done(self.post({"action": "upload"}, self.content), ("note", "PKG: Signed"),
                  ("note", "Replaces version 5.26.0-rev0 with the same version. It stays persistent "
                   "(to make it ordinary, remove it first)."), ("done", INSTALLED))
        self.assertIn("Remove the persistent package <strong>pkgname</strong>?",
                      self.show("page=remove&name=pkgname").text)
        self.done(self.post({"action": "remove", "name": "pkgname"}), ("done", REMOVED))
        self.assertEqual((self.last_event()["event"], self.last_event()["user"]),
                         ("remove", "web:admin"))
        self.refused(self.post({"action": "remove", "name": "pkgname"}), 404,
                     "pkgname: no such package (none is installed)")

    def test_other_identity(self):
        """Another package takes the place of one only if that is wanted."""
        self.install(self.package)
        other = bench.read(self.make("other", keys=self.keys))
        self.refused(self.post({"action": "upload"}, other), 409, "pkgname.wmopkg: pkgname is the "
                     "package pkgname version 5.26.0-rev0, and this is the package other version "
                     "5.26.0-rev0 (to keep both, give the file another name; to replace it, see "
                     "More options)")
        self.assertEqual(bench.read(self.stored()[0]), self.content)
        self.done(self.post({"action": "upload", "replace": "yes"}, other), ("note", "PKG: Signed"),
                  ("note", "Replaces pkgname version 5.26.0-rev0 with other version 5.26.0-rev0."),
                  ("done", INSTALLED))
        self.assertEqual(bench.read(self.stored()[0]), other)

    def test_bad_packages(self):
        """In the words of install, and nothing is stored."""
        damaged = bytearray(self.content)
        damaged[len(damaged) // 2] ^= 1
        name = "pkgname.wmopkg"
        for content, status, message in (
                (self.unsigned, 422, f"{name}: Unsigned: {bench.UNSIGNED}"),
                (bytes(damaged), 422, f"({bench.AGAIN})"),
                (self.content[:-4096], 422, f"({bench.INCOMPLETE})"),
                (self.content + b"x", 422, f"({bench.INCOMPLETE})"),
                (b"<html>no package</html>", 422, "(check that this is a wmopkg package file)"),
                (b"", 422, f"the file is empty ({bench.INCOMPLETE})")):
            answer = self.post({"action": "upload"}, content)
            self.assertEqual(answer.status, status, answer.text)
            self.assertEqual(len(answer.messages), 1)
            self.assertTrue(answer.messages[0][1].endswith(message), answer.messages)
        self.assertEqual(self.stored(), [])
        self.install(self.package)
        self.refused(self.post({"action": "upload"}, self.content, "other.wmopkg"), 409,
                     "other.wmopkg: pkgname is installed already, as 'pkgname' (remove it first: "
                     "wmopkg remove pkgname; or install this file as pkgname.wmopkg)")
        self.assertEqual(self.wmopkg("audit", "json").stdout.count('"web:admin"'), 6)

    def test_names_of_files(self):
        """A browser sends a name; what else comes is refused."""
        path = "{}: the name of the file has a path (" + bench.RENAME + ")"
        for name in ("../pkgname.wmopkg", "/etc/pkgname.wmopkg", "a\\pkgname.wmopkg"):
            self.refused(self.post({"action": "upload"}, self.content, name), 400,
                         path.format(name))
        for name in (".wmopkg", "x.txt", "-x.wmopkg", "x y.wmopkg", "x.wmopkg\x00.txt"):
            answer = self.post({"action": "upload"}, self.content, name)
            self.assertEqual(answer.status, 400, answer.text)
        self.refused(self.post({"action": "upload"}, b"", ""), 400,
                     "no file was chosen (choose a .wmopkg file)")
        self.refused(self.post({"action": "upload"}), 400,
                     "no file was chosen (choose a .wmopkg file)")
        self.assertEqual(self.stored(), [])

    def test_paths(self):
        """Nothing that a browser says is a path of the device."""
        bench.write("x.wmopkg", self.content)
        for url in ("", "/etc/passwd", f"{self.folder}/x.wmopkg", "x.wmopkg", "./x.wmopkg"):
            self.refused(self.post({"action": "fetch", "url": url}), 400, "the address is not a URL "
                         "(such as https://192.0.2.1/example.wmopkg)")
        self.assertEqual(self.post({"action": "fetch", "url":
                                    f"file://{self.folder}/x.wmopkg"}).status, 400)
        for name in ("../../wmopkg.conf", "secret", "lock", "/etc/passwd", "." * 32):
            self.assertEqual(self.cgi(query=f"progress={name}").status, 404)
            self.assertEqual(self.show(f"result={name}").messages, [])
        self.assertEqual(self.cgi(PATH_INFO="/../x").status, 404)
        self.assertEqual(self.post({"action": "media", "label": "external",
                                    "path": "../x.wmopkg"}).status, 404)
        self.assertEqual(self.stored(), [])

    def test_fetch(self):
        """From a server, in the words of install."""
        folder = self.shared

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=folder)

            def log_message(self, *_args):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_address[1]}"
            self.done(self.post({"action": "fetch", "url": f"{url}/pkgname.wmopkg"}),
                      ("note", "PKG: Signed"), ("done", INSTALLED))
            answer = self.post({"action": "fetch", "url": f"{url}/none.wmopkg"})
            self.assertEqual(answer.status, 404, answer.text)
            self.assertIn(f"{url}/none.wmopkg", answer.messages[0][1])
            server.shutdown()
        self.assertEqual(self.stored(), ["data/packages/pkgname.wmopkg"])

    def test_boot(self):
        """The image of the last boot gets colours of the page, light and dark."""
        top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "installer")
        with open(os.path.join(top, "device", "timeline_svg.c"), encoding="utf-8") as file:
            colors = re.findall(r"#define COLOR_\w+ +\"(#\w+)\"", file.read())
        style = self.cgi(query="asset=style").text
        self.assertEqual([color for color in colors if f'.timeline [fill="{color}"]' not in style
                          and f'.timeline [stroke="{color}"]' not in style], [])
        self.assertGreater(len(colors), 5)
        self.assertIn("Nothing was activated in this boot.", self.show("page=boot").text)

    def test_progress(self):
        """Another request can see how far it is, and how it ended."""
        name = "0123456789abcdef0123456789abcdef"
        self.post({"action": "upload", "id": name}, self.unsigned)
        told = json.loads(self.show(f"progress={name}").text)
        self.assertEqual((told["state"], [item["kind"] for item in told["messages"]]),
                         ("failed", ["error"]))
        self.post({"action": "upload", "id": name}, self.content)
        told = json.loads(self.show(f"progress={name}").text)
        self.assertEqual((told["state"], told["total_bytes"]), ("done", len(self.content)))
        for number in range(40):
            self.post({"action": "reset_cancel", "id": f"{number:032x}"})
        self.assertLessEqual(len(os.listdir("run/web")), 32 + 2)

    def test_reset(self):
        self.install(self.package)
        page = self.show("page=reset").text
        self.assertIn("Deleted: all of DATA, with configuration, users and logs, and 1 package: "
                      "pkgname", page)
        self.refused(self.post({"action": "reset"}), 400, "nothing was reset: it was not confirmed")
        self.assertFalse(os.path.exists("persist/wmopkg/factory-reset"))
        answer = self.post({"action": "reset", "confirm": "yes"})
        self.assertEqual(answer.status, 303)
        self.assertTrue(os.path.exists("persist/wmopkg/factory-reset"))
        self.assertIn(("done", "Factory reset requested... It takes place at the next reboot."),
                      self.show(answer.headers["location"].partition("?")[2]).messages)
        self.assertIn("Cancel the factory reset", self.show("page=device").text)
        self.done(self.post({"action": "reset_cancel"}),
                  ("done", "Cancelled... Nothing is reset at the next reboot."))
        self.assertFalse(os.path.exists("persist/wmopkg/factory-reset"))
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("factory_reset = console\n")
        self.assertNotEqual(self.post({"action": "reset", "confirm": "yes"}).status, 303)
        self.assertFalse(os.path.exists("persist/wmopkg/factory-reset"))

    # what is no request

    def test_limits(self):
        form = "application/x-www-form-urlencoded"
        self.refused(self.cgi(query="a=" + "x" * 3000), 400, NO_FIELD)
        self.refused(self.cgi(query="a=&" * 6000), 413, "the query has more than 16384 bytes (shorten it)")
        self.refused(self.cgi(query="&".join(f"{chr(97 + i)}=1" for i in range(17))), 413,
                     "the request has more than 16 fields (send fewer)")
        self.refused(self.cgi(query="page=boot&page=audit"), 400, "the request has 'page' twice")
        self.refused(self.cgi("POST", body=b"a" * 16385, CONTENT_TYPE=form), 413,
                     "the form has more than 16384 bytes (shorten it)")
        self.refused(self.cgi("POST", body=b"a=\0", CONTENT_TYPE=form), 400,
                     "the form has a zero byte")
        for length in ("", "-1", "1x", "9" * 19):
            self.refused(self.cgi("POST", CONTENT_TYPE=form, CONTENT_LENGTH=length), 400,
                         "the request does not say how long it is")
        kind, body = served.multipart({}, b"x")
        self.refused(self.cgi("POST", body=body, CONTENT_TYPE=kind, CONTENT_LENGTH=10 ** 17), 413,
                     "the file is larger than any package can be (check that this is a package)")
        self.refused(self.cgi("POST", body=b"{}", CONTENT_TYPE="application/json"), 415,
                     "the request is not a form")
        self.refused(self.cgi("POST", body=body[:-10], CONTENT_TYPE=kind,
                              CONTENT_LENGTH=len(body)), 403, FORGED)

    def test_malformed(self):
        """Each in a form whose token is right."""
        kind, good = served.multipart({"token": self.token(), "action": "upload"}, self.content)
        mark = f"--{served.BOUNDARY}".encode()
        for content_type, body, status, message in (
                ("multipart/form-data", good, 400, NO_FORM),
                (kind.replace("boundary=", "boundary=\""), good, 400, NO_FORM),
                (kind, b"x" + good, 400, NO_FORM),
                (kind, good.replace(b"form-data", b"attachment"), 400, NO_FORM),
                (kind, good.replace(b'name="file"', b'name="fi<le"'), 400, NO_FORM),
                (kind, good.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 5000 + b"\r\n\r\n", 1), 400,
                 NO_FORM),
                (kind, good[:-8], 400,
                 "pkgname.wmopkg: the connection ended before the whole form came"),
                # what is decided before the file has to come before it
                (kind, good.replace(mark + b"--", mark + b"\r\nContent-Disposition: form-data; "
                                    b'name="force"\r\n\r\nyes\r\n' + mark + b"--"), 400,
                 "pkgname.wmopkg: the form has something after its file")):
            answer = self.cgi("POST", body=body, CONTENT_TYPE=content_type)
            self.assertEqual(answer.status, status, (body[:300], answer.messages))
            self.assertEqual(len(answer.messages), 1)
            self.assertTrue(answer.messages[0][1].startswith(message), answer.messages)
        self.assertEqual(self.stored(), [])

    def test_words(self):
        """Some web servers make words of a query."""
        self.assertIn("No packages", self.cgi(arguments=("--version",)).text)
        done = subprocess.run([served.WEB, "--version"], capture_output=True, text=True, check=True)
        self.assertRegex(done.stdout, r"^wmopkg-web [0-9.]+\n$")
        done = subprocess.run([served.WEB], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, "wmopkg-web: a web server runs this "
                         "program, by CGI (see wmopkg-web(8))\n"))

    @contextlib.contextmanager
    def half_sent(self, size=200000):
        """An upload that does not go on; the program that waits for it."""
        kind, body = served.multipart({"token": self.token(), "action": "upload"}, self.content)
        with subprocess.Popen([served.WEB], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=self.environment("POST", CONTENT_TYPE=kind,
                                                   CONTENT_LENGTH=len(body))) as process:
            process.stdin.write(body[:size])
            process.stdin.flush()
            try:
                yield process, body[size:]
            finally:
                process.kill()

    def memory(self, pid):
        """All that a process can read."""
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
                open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for line in maps:
                first, last = (int(part, 16) for part in line.split()[0].split("-"))
                with contextlib.suppress(OSError, OverflowError):  # of the kernel, or a hole
                    memory.seek(first)
                    yield memory.read(last - first)

    def reads(self, process, count):
        """The reads with which a process has read so many bytes."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with open(f"/proc/{process.pid}/io", encoding="utf-8") as file:
                facts = {name: int(value) for name, value in (line.split(": ") for line in file)}
            if facts["rchar"] > count:
                return facts["syscr"]
            time.sleep(0.02)
        raise AssertionError(f"{count} bytes are not read")

    def reader_of(self, process):
        """What the kernel says of the process that decodes the request of @process."""
        path = f"/proc/{process.pid}/task/{process.pid}/children"
        end = time.monotonic() + 10
        while time.monotonic() < end:
            children = bench.read(path).split()
            if children:
                with open(f"/proc/{int(children[0])}/status", encoding="utf-8") as file:
                    status = dict(line.rstrip("\n").split(":\t", 1) for line in file
                                  if ":\t" in line)
                if status["NoNewPrivs"] == "1" and status["Seccomp"] == "2":
                    return status
            time.sleep(0.02)
        raise AssertionError("no process without rights")

    @unittest.skipUnless(os.geteuid() == 0, "only root has rights to give up")
    def test_reader(self):
        """What a browser sends is decoded by a process without rights; one upload at a time."""
        with self.half_sent() as (process, rest):
            status = self.reader_of(process)
            self.assertEqual(status["Uid"].split(), ["65534"] * 4)
            self.assertEqual(status["Groups"].split(), [])
            self.assertEqual(int(status["CapEff"], 16), 0)
            memory = list(self.memory(int(status["Pid"])))
            self.assertTrue(any(served.BOUNDARY.encode() in part for part in memory))
            secret = bench.read("run/web/secret")
            self.assertFalse(any(secret in part for part in memory))
            self.assertLess(self.reads(process, 190000), 400)
            # in the tree of a device, another upload has to wait
            end = time.monotonic() + 10
            while not os.path.exists("run/web/lock") and time.monotonic() < end:
                time.sleep(0.02)
            self.refused(self.post({"action": "upload"}, self.content), 409, "another installation "
                         "from a browser goes on (wait for the other process to end, then try "
                         "again)")
            output, _ = process.communicate(rest)
            self.done(self.answer(output), ("note", "PKG: Signed"), ("done", INSTALLED))

    @unittest.skipUnless(os.geteuid() == 0, "only root has rights to give up")
    def test_reader_killed(self):
        """Whoever ends the process without rights ends no more than this request."""
        with self.half_sent() as (process, _rest):
            os.kill(int(self.reader_of(process)["Pid"]), signal.SIGKILL)
            process.stdin.close()
            answer = self.answer(process.stdout.read())
        self.assertEqual(answer.status, 500)
        self.assertRegex(answer.messages[0][1], "the process that reads the request does not keep "
                         r"to its rules, or has ended \(try again\)$")
        self.assertEqual(bench.listing("data"), ["data/packages"])
        self.assertEqual(self.post({"action": "upload"}, self.content).status, 303)

    def test_ended(self):
        """A browser that goes away leaves nothing behind."""
        with self.half_sent() as (process, _rest):
            process.stdin.close()
            answer = self.answer(process.stdout.read())
        self.refused(answer, 400, "pkgname.wmopkg: the connection ended before the whole form came "
                     "(check the connection, then try again)")
        self.assertEqual(bench.listing("data"), ["data/packages"])

    def test_slow(self):
        """Silence ends a request, after half a minute; a form has 20 seconds for all of it."""
        form = subprocess.Popen(
            [served.WEB], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=self.environment("POST", CONTENT_TYPE="application/x-www-form-urlencoded",
                                 CONTENT_LENGTH=100))
        with form, self.half_sent() as (upload, _rest):
            for _ in range(24):
                with contextlib.suppress(BrokenPipeError):
                    form.stdin.write(b"a")
                    form.stdin.flush()
                time.sleep(1)
            self.refused(self.answer(form.stdout.read()), 408, SLOW)
            self.refused(self.answer(upload.stdout.read()), 408, f"pkgname.wmopkg: {SLOW}")
        self.assertEqual(self.stored(), [])

    # behind a web server

    def test_busybox(self):
        """It asks for the login, and passes on what comes, as it comes."""
        server = served.WebServer(self.folder)
        self.addCleanup(server.close)
        path = "/cgi-bin/packages"
        anonymous = served.request(server.port, path, Authorization="")
        self.assertEqual(anonymous.status, 401)
        page = served.request(server.port, f"{path}?page=install")
        self.assertEqual(page.status, 200)
        fields = {"token": page.fields["token"], "action": "upload"}
        kind, body = served.multipart(fields, self.content)
        answer = served.request(server.port, path, "POST", body, Content_Type=kind,
                                Origin=f"http://127.0.0.1:{server.port}")
        self.assertEqual(answer.status, 303)
        self.assertEqual(self.last_event()["user"], "web:admin")
        # busybox passes on Origin and Host
        answer = served.request(server.port, path, "POST", body, Content_Type=kind,
                                Origin="http://evil")
        self.refused(answer, 403, FOREIGN)
        # the answer to the first bytes of a large file
        kind, body = served.multipart(fields, self.unsigned)
        head = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
                f"Authorization: {served.authorization()}\r\nContent-Length: {len(body)}\r\n\r\n")
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as link:
            link.sendall(head.encode() + body[:20000])
            received, sent = b"", 20000
            while b"</html>" not in received and sent < 60000:
                if select.select([link], [], [], 0.2)[0]:
                    received += link.recv(65536)
                else:  # the browser goes on
                    link.sendall(body[sent:sent + 1000])
                    sent += 1000
        self.assertIn(b" 422 ", received.split(b"\r\n")[0])
        self.assertIn(bench.UNSIGNED.encode(), received)

    def test_nginx(self):
        """With fcgiwrap, as docs/web.md has it."""
        port = served.free_port()
        bench.write("users", f"{served.USER}:{{PLAIN}}{served.PASSWORD}\n".encode())
        bench.write("nginx.conf", f"""
            daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;
            user root; worker_processes 1; events {{}}
            http {{
                access_log off; client_body_temp_path {self.folder}/body;
                server {{
                    listen 127.0.0.1:{port};
                    location = /packages {{
                        auth_basic "device";
                        auth_basic_user_file {self.folder}/users;
                        client_max_body_size 0;
                        fastcgi_request_buffering off;
                        include /etc/nginx/fastcgi_params;
                        fastcgi_param REMOTE_USER $remote_user;
                        fastcgi_param SCRIPT_FILENAME {served.WEB};
                        fastcgi_param WMOPKG_CONFIG {self.folder}/wmopkg.conf;
                        fastcgi_pass unix:{self.folder}/socket;
                    }}
                    location = /other {{
                        include /etc/nginx/fastcgi_params;
                        fastcgi_param SCRIPT_FILENAME /bin/true;
                        fastcgi_pass unix:{self.folder}/socket;
                    }}
                }}
            }}
            """.encode())
        wrap = subprocess.Popen(["/usr/sbin/fcgiwrap", "-c", "4", "-p", served.WEB, "-s",
                                 f"unix:{self.folder}/socket"], stdin=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(wrap.wait)
        self.addCleanup(os.killpg, wrap.pid, signal.SIGTERM)
        served.wait_for(socket.AF_UNIX, self.folder + "/socket")
        nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", f"{self.folder}/nginx.conf"],
                                 stdin=subprocess.DEVNULL)
        self.addCleanup(nginx.wait)
        self.addCleanup(nginx.terminate)
        served.wait_for_port(port)
        self.assertEqual(served.request(port, "/packages", Authorization="").status, 401)
        form = served.request(port, "/packages?page=install")
        self.assertEqual(form.status, 200, form.text)
        self.assertEqual(served.request(port, "/other").status, 403)
        kind, body = served.multipart({"token": form.fields["token"], "action": "upload"},
                                      self.content)
        head = (f"POST /packages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
                f"Authorization: {served.authorization()}\r\nContent-Length: {len(body)}\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.sendall(head.encode() + body[:20000])
            self.assertEqual(served.request(port, "/packages").status, 200)
        # until it is noticed that the other one has gone, that one has the lock
        end = time.monotonic() + 30
        answer = served.request(port, "/packages", "POST", body, Content_Type=kind)
        while answer.status == 409 and time.monotonic() < end:
            answer = served.request(port, "/packages", "POST", body, Content_Type=kind)
        self.assertEqual((answer.status, answer.headers.get("location", "").split("&")[0]),
                         (303, "/packages?page=packages"), answer.text)
        self.assertEqual(self.stored(), ["data/packages/pkgname.wmopkg"])


if __name__ == "__main__":
    unittest.main()
