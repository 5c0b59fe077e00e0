#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install over http: against nginx, and against a server that misbehaves."""

import json
import os
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402
import wires  # noqa: E402

SERVER = "(check the address, the path and the server)"
LOST = "(check the connection, then try again)"


def attempt(*ports, name="pkgname"):
    """What is said before a byte of the package has come."""
    connecting = "".join(f"Connecting to 127.0.0.1 (127.0.0.1:{port})\n" for port in ports)
    return f"Attempting to download file {name}.wmopkg, using HTTP\n\n{connecting}"


class WithNginx(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make("unsigned")
        cls.nginx = servers.Nginx(f"{cls.shared}/nginx", cls.shared)
        cls.addClassCleanup(cls.nginx.close)
        cls.url = f"http://127.0.0.1:{cls.nginx.port}"

    def test_good(self):
        self.succeed(attempt(self.nginx.port) + bench.LOCAL, "install",
                     f"{self.url}/pkgname.wmopkg")
        self.assertEqual(bench.listing("data", "persist"),
                         ["data/packages", "data/packages/pkgname.wmopkg"])
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(self.package))

    def test_persistent(self):
        self.succeed(attempt(self.nginx.port) + bench.LOCAL, "install", "persistent",
                     f"{self.url}/pkgname.wmopkg?from=here#part")
        self.assertEqual(os.listdir("persist/packages"), ["pkgname.wmopkg"])

    def test_unsigned(self):
        self.refuse(3, f"{self.url}/unsigned.wmopkg: Unsigned: {bench.UNSIGNED}", "install",
                    f"{self.url}/unsigned.wmopkg",
                    output=attempt(self.nginx.port, name="unsigned"))

    def test_not_found(self):
        self.refuse(4, f"{self.url}/none.wmopkg: the server says 404 Not Found (check the path)",
                    "install", f"http://user:secret@127.0.0.1:{self.nginx.port}/none.wmopkg",
                    output=attempt(self.nginx.port, name="none"))

    def test_forbidden(self):
        url = f"{self.url}/forbidden/pkgname.wmopkg"
        self.refuse(5, f"{url}: the server says 403 Forbidden {SERVER}", "install", url,
                    output=attempt(self.nginx.port))

    def test_redirect(self):
        self.succeed(attempt(self.nginx.port) + bench.LOCAL, "install",
                     f"{self.url}/old/pkgname.wmopkg")

    def test_logged(self):
        """Where the bytes came from in the end, and no password on the way."""
        more = (f"location = /login/pkgname.wmopkg {{ return 302 http://mallory:secret@127.0.0.1:"
                f"{self.nginx.port}/pkgname.wmopkg?token=hidden#part; }}")
        nginx = servers.Nginx(f"{self.folder}/nginx", self.shared, more=more)
        self.addCleanup(nginx.close)
        at = f"127.0.0.1:{self.nginx.port}"
        end = f"{self.url}/pkgname.wmopkg"
        first = f"http://127.0.0.1:{nginx.port}/login/pkgname.wmopkg"
        for url, detail in ((end, f"address {at}"),
                            (f"{self.url}/old/pkgname.wmopkg",
                             f"address {at}, redirected from {self.url}/old/pkgname.wmopkg"),
                            (first, f"address {at}, redirected from {first}")):
            result = self.wmopkg("install", url)
            self.assertEqual(result.returncode, 0, result.stderr)
            log = self.wmopkg("audit", "json").stdout
            line = json.loads(log.splitlines()[-1])
            self.assertEqual((line["event"], line["source"], line["detail"]),
                             ("install", end, detail))
            for secret in ("mallory", "secret", "hidden"):
                self.assertNotIn(secret, log)

    def test_redirect_to_another_protocol(self):
        for protocol in ("ftp", "file"):
            url = f"{self.url}/{protocol}/pkgname.wmopkg"
            self.refuse(5, f"{url}: the server says 302 Moved Temporarily, to another protocol "
                        f"than http and https {SERVER}", "install", url,
                        output=attempt(self.nginx.port))

    def test_redirected_in_a_circle(self):
        url = f"{self.url}/round/pkgname.wmopkg"
        self.refuse(5, f"{url}: too many redirects: "
                    f"Maximum (10) redirects followed {SERVER}", "install", url,
                    output=attempt(self.nginx.port))

    def test_no_content(self):
        url = f"{self.url}/nowhere/pkgname.wmopkg"
        self.refuse(5, f"{url}: the server says 204 No Content {SERVER}", "install", url,
                    output=attempt(self.nginx.port))


class WithWire(bench.Case):
    """Each test says what the server answers, byte for byte."""

    def serve(self, *answers, **options):
        self.wire = wires.Wire(*answers, **options)
        self.addCleanup(self.wire.close)
        self.url = f"http://127.0.0.1:{self.wire.port}/pkgname.wmopkg"
        return self.wire

    def refuse_url(self, status, message, begun=False, more=""):
        output = attempt(self.wire.port) + more
        if begun:
            output += f"pkgname.wmopkg:\n{bench.SCALE}"
        self.refuse(status, f"{self.url}: {message}", "install", self.url, output=output)

    def test_nobody_listens(self):
        port = servers.free_port()
        url = f"http://127.0.0.1:{port}/pkgname.wmopkg"
        self.refuse(5, f"{url}: cannot connect: Connection refused {SERVER}", "install", url,
                    output=attempt(port))

    def test_length_not_told(self):
        self.serve(wires.answer(bench.read(self.package)))
        self.succeed(attempt(self.wire.port) + bench.LOCAL, "install", self.url)

    def test_wrong_length(self):
        whole = bench.read(self.package)
        for length in (len(whole) - 1, len(whole) + 1):
            self.serve(wires.answer(whole, length))
            self.refuse_url(3, f"Invalid: the file has {length} bytes, but its manifest says "
                            f"{len(whole)} ({bench.INCOMPLETE})")

    def test_cut(self):
        whole = bench.read(self.package)
        self.serve(wires.answer(whole[:1 << 20], len(whole)))
        self.refuse_url(5, f"the connection was lost after {1 << 20} of {len(whole)} bytes; the "
                        "server gives neither an ETag nor a date for the file, so the rest cannot "
                        f"be fetched separately {LOST}", begun=True)

    def test_cut_where_the_length_is_not_told(self):
        whole = bench.read(self.package)
        self.serve(wires.answer(whole[:1 << 20]))
        self.refuse_url(3, f"Invalid: the file ends at byte {1 << 20} of {len(whole)} "
                        f"({bench.INCOMPLETE})", begun=True)

    def test_longer_than_it_says(self):
        whole = bench.read(self.package)
        self.serve(wires.answer(whole + b"more"))
        self.refuse_url(3, f"Invalid: the file is longer than the {len(whole)} bytes that its "
                        f"manifest says ({bench.INCOMPLETE})", begun=True)

    def test_empty(self):
        self.serve(wires.answer(b"", 0))
        self.refuse_url(3, f"Invalid: the file is empty ({bench.INCOMPLETE})")

    def test_no_http(self):
        self.serve(b"220 ftp ready\r\n")
        self.refuse_url(5, f"the server does not speak HTTP {SERVER}")

    def test_silence(self):
        self.serve(b"", b"", b"", b"")
        again = "".join(f"Connection lost after 0 bytes, trying again ({count} of 3)\n"
                        f"Connecting to 127.0.0.1 (127.0.0.1:{self.wire.port})\n"
                        for count in (1, 2, 3))
        self.refuse_url(5, f"the server closed the connection without an answer {LOST}", more=again)

    def test_a_bad_head_ends_the_transfer(self):
        """The server goes on offering: only a client that hangs up gets to its end."""
        self.serve(wires.held(wires.answer(b"not a package   " + bytes(100000), 1 << 40)))
        self.refuse_url(3, "Invalid: not a package: it does not begin with WMOPKG01 (check that "
                        "this is a wmopkg package file)")

    def test_a_bad_block_ends_the_transfer(self):
        whole = bytearray(bench.read(self.package))
        whole[1 << 20] ^= 1
        self.serve(wires.held(wires.answer(whole[:2 << 20], len(whole))))
        result = self.wmopkg("install", self.url)
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, rf"\Awmopkg: {self.url}: Invalid: .*block \d+.* "
                         rf"\({bench.AGAIN}\)\n\Z")
        self.assertEqual(os.listdir("data/packages"), [])

    def test_words_of_the_server_do_not_steer_the_terminal(self):
        self.serve(wires.answer(b"", 0, status="500 \x1b[2JGone \x9b"))
        self.refuse_url(5, f"the server says 500 ?[2JGone ?? {SERVER}")

    def test_unasked_part(self):
        self.serve(wires.answer(bench.read(self.package), status="206 Partial Content"))
        self.refuse_url(5, f"the server says 206 Partial Content {SERVER}")

    def test_login(self):
        wants = 'WWW-Authenticate: Basic realm="x"\r\n'
        self.serve(*2 * [wires.answer(b"", 0, "401 Unauthorized", wants)])
        again = f"Connecting to 127.0.0.1 (127.0.0.1:{self.wire.port})\n"
        self.check(5, attempt(self.wire.port) + again,
                   f"{self.url}: the server says 401 Unauthorized (check the user name and the "
                   "password)", "install", "user", "somebody", "password", "wrong", "proto", "http",
                   f"127.0.0.1:{self.wire.port}", "pkgname.wmopkg")

    def test_credentials_stay_with_their_host(self):
        other = wires.Wire(wires.answer(bench.read(self.package)))
        self.addCleanup(other.close)
        wants = 'WWW-Authenticate: Basic realm="x"\r\n'
        self.serve(wires.answer(b"", 0, "401 Unauthorized", wants),
                   wires.answer(b"", 0, "302 Found",
                                f"Location: http://localhost:{other.port}/x.wmopkg\r\n"))
        result = self.wmopkg("install",
                             f"http://user:secret@127.0.0.1:{self.wire.port}/pkgname.wmopkg")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn(f"\nConnecting to 127.0.0.1 (127.0.0.1:{self.wire.port})\n"
                      "Connecting to localhost (", result.stdout)
        self.assertNotIn(b"Authorization", self.wire.requests[0])
        self.assertIn(b"\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n", self.wire.requests[1])
        self.assertNotIn(b"Authorization", other.request)
        self.assertEqual(os.listdir("data/packages"), ["pkgname.wmopkg"])

    def interrupt(self, number):
        whole = bench.read(self.package)
        wire = self.serve(wires.held(wires.answer(whole[:1 << 20], len(whole))))
        with subprocess.Popen([bench.WMOPKG, "--config", "wmopkg.conf", "install", self.url],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            wire.sent.wait()
            head = "".join(process.stdout.readline() for _ in range(4))
            self.assertEqual(head, attempt(wire.port) + "pkgname.wmopkg:\n")
            self.assertEqual(os.listdir("data/packages"), [".pkgname.wmopkg.new"])
            process.send_signal(number)
            rest, errors = process.stdout.read(), process.stderr.read()
        self.assertEqual(rest, bench.SCALE)
        self.assertEqual(errors, f"wmopkg: {self.url}: interrupted, nothing was installed "
                         "(run the command again)\n")
        self.assertEqual(process.returncode, 1)
        self.assertEqual(os.listdir("data/packages"), [])

    def test_interrupted(self):
        # whoever started the tests may have made them deaf to it
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.interrupt(number)

    def test_stalled(self):
        whole = bench.read(self.package)
        self.serve(wires.held(wires.answer(whole[:1 << 20], len(whole))))
        self.refuse_url(5, "nothing received for 30 seconds; the server gives neither an ETag nor "
                        f"a date for the file, so the rest cannot be fetched separately {LOST}", begun=True)


if __name__ == "__main__":
    unittest.main()
