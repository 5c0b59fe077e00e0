#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install over http where the connection is lost, or worse."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import wires  # noqa: E402

LOST = "(check the connection, then try again)"
SERVER = "(check the address, the path and the server)"
ETAG = 'ETag: "one"\r\n'
MODIFIED = "Last-Modified: Sun, 22 Nov 2026 10:00:00 GMT\r\n"
CUT = 1 << 20


class WithWire(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = bench.read(cls.package)
        cls.at = f"{CUT * 100 // len(cls.whole)} %"

    def serve(self, *answers):
        self.wire = wires.Wire(*answers)
        self.addCleanup(self.wire.close)
        self.url = f"http://127.0.0.1:{self.wire.port}/pkgname.wmopkg"
        self.connecting = f"Connecting to 127.0.0.1 (127.0.0.1:{self.wire.port})\n"

    def cut(self, headers=ETAG, at=CUT):
        return wires.answer(self.whole[:at], len(self.whole), headers=headers)

    def lost(self, *ats):
        """What is said until a connection is lost at each of @ats and another one is made."""
        return "".join(f"Connection lost at {at}, trying again ({count + 1} of 3)\n"
                       f"{self.connecting}" for count, at in enumerate(ats))

    def begun(self):
        return (f"Attempting to download file pkgname.wmopkg, using HTTP\n\n{self.connecting}"
                f"pkgname.wmopkg:\n{bench.SCALE}")

    def check_installed(self, *ats):
        bar = bench.BAR[len(bench.SCALE):]
        self.succeed(f"{self.begun()}{self.lost(*ats)}{bar}    PKG: Signed\n{bench.INSTALLED}",
                     "install", self.url)
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), self.whole)
        self.forget()

    def check_refused(self, message, *ats, status=5):
        self.refuse(status, f"{self.url}: {message}", "install", self.url,
                    output=self.begun() + self.lost(*ats))


class Lost(WithWire):
    def test_goes_on(self):
        for headers, validator in ((ETAG + MODIFIED, '"one"'),
                                   (MODIFIED, "Sun, 22 Nov 2026 10:00:00 GMT"),
                                   ('ETag: W/"weak"\r\n' + MODIFIED,
                                    "Sun, 22 Nov 2026 10:00:00 GMT")):
            with self.subTest(validator):
                self.serve(self.cut(headers), wires.part(self.whole, CUT, headers=headers))
                self.check_installed(self.at)
                self.assertNotIn(b"Range", self.wire.requests[0])
                self.assertIn(f"\r\nRange: bytes={CUT}-\r\n".encode(), self.wire.requests[1])
                self.assertIn(f"\r\nIf-Range: {validator}\r\n".encode(), self.wire.requests[1])

    def test_goes_on_three_times(self):
        places = (CUT, CUT + 5, CUT + 5)
        self.serve(self.cut(),
                   wires.answer(self.whole[CUT:CUT + 5], len(self.whole) - CUT,
                                "206 Partial Content", "Content-Range: bytes "
                                f"{CUT}-{len(self.whole) - 1}/{len(self.whole)}\r\n{ETAG}"),
                   b"", wires.part(self.whole, CUT + 5, headers=ETAG))
        self.check_installed(*(f"{place * 100 // len(self.whole)} %" for place in places))
        self.assertIn(f"\r\nRange: bytes={CUT + 5}-\r\n".encode(), self.wire.requests[3])

    def test_given_up(self):
        self.serve(self.cut(), b"", b"", b"")
        self.check_refused(f"the connection was lost after {CUT} of {len(self.whole)} bytes "
                           f"{LOST}", *3 * [self.at])

    def test_the_server_does_not_come_back(self):
        self.serve(self.cut())
        self.check_refused(f"cannot connect: Connection refused {SERVER}", *3 * [self.at])

    def test_the_server_has_to_start_anew(self):
        self.serve(self.cut(), wires.answer(b"", 0, "503 Service Unavailable"),
                   wires.part(self.whole, CUT))
        self.check_installed(self.at, self.at)

    def test_before_the_first_byte(self):
        self.serve(b"", wires.answer(self.whole, len(self.whole)))
        self.succeed("Attempting to download file pkgname.wmopkg, using HTTP\n\n"
                     f"{self.connecting}Connection lost after 0 bytes, trying again (1 of 3)\n"
                     f"{self.connecting}{bench.LOCAL}", "install", self.url)
        self.assertNotIn(b"Range", self.wire.requests[1])

    def test_length_not_told(self):
        """Without a length or chunks, only the package's own head tells that bytes lack."""
        chunk = f"{CUT:x}\r\n".encode() + self.whole[:CUT] + b"\r\n"
        self.serve(wires.answer(chunk, headers=f"Transfer-Encoding: chunked\r\n{ETAG}"),
                   wires.part(self.whole, CUT, headers=ETAG))
        self.succeed(self.begun() + f"Connection lost after {CUT} bytes, trying again (1 of 3)\n"
                     f"{self.connecting}{bench.BAR[len(bench.SCALE):]}    PKG: Signed\n"
                     f"{bench.INSTALLED}", "install", self.url)

    def test_changed(self):
        changed = "the file on the server has changed meanwhile"
        longer = self.whole + bytes(4096)
        cases = (
            (wires.answer(self.whole, len(self.whole), headers='ETag: "two"\r\n'), changed),
            (wires.part(self.whole, CUT, headers='ETag: "two"\r\n'), changed),
            (wires.answer(b"", 0, "416 Range Not Satisfiable"),
             f"{changed}: 416 Range Not Satisfiable"),
            (wires.part(longer, CUT, headers=ETAG),
             f"{changed}: it had {len(self.whole)} bytes, and has {len(longer)} now"),
        )
        for answer, message in cases:
            with self.subTest(message=message):
                self.serve(self.cut(), answer)
                self.check_refused(f"{message} {LOST}", self.at)

    def test_another_part(self):
        for answer in (wires.part(self.whole, CUT - 1, headers=ETAG),
                       wires.answer(self.whole[CUT:], len(self.whole) - CUT,
                                    "206 Partial Content", ETAG)):
            self.serve(self.cut(), answer)
            self.check_refused("the server sends another part of the file than it was asked for "
                               f"{SERVER}", self.at)

    def test_the_server_knows_no_parts(self):
        self.serve(self.cut(), self.cut(at=len(self.whole)))
        self.check_refused(f"the connection was lost after {CUT} bytes, and the server cannot send "
                           f"only the rest {LOST}", self.at)

    def test_wrong_bytes_behind_the_cut(self):
        """A server that lies about what it has: the package itself tells."""
        other = bytearray(self.whole)
        other[CUT + 100] ^= 1
        self.serve(self.cut(), wires.part(bytes(other), CUT, headers=ETAG))
        result = self.wmopkg("install", self.url)
        self.assertEqual(result.returncode, 3)
        self.assertIn("Invalid: ", result.stderr)
        self.assertEqual(os.listdir("data/packages"), [])

    def test_encoded(self):
        self.serve(wires.answer(self.whole, headers="Content-Encoding: gzip\r\n"))
        self.refuse(5, f"{self.url}: the server encodes the file (Content-Encoding: "
                    f"gzip), it has to send it as it is {SERVER}", "install", self.url,
                    output="Attempting to download file pkgname.wmopkg, using HTTP\n\n"
                    + self.connecting)

    def test_statuses(self):
        for words, status, hint in (("401 Unauthorized; it wants a password", 5,
                                     "(give the words: user NAME password PASSWORD)"),
                                    ("403 Forbidden", 5, SERVER), ("404 Not Found", 4,
                                                                   "(check the path)"),
                                    ("410 Gone", 4, "(check the path)"),
                                    ("500 Internal Server Error", 5, SERVER)):
            with self.subTest(words):
                self.serve(wires.answer(b"<html>", 6, words.split(";")[0]))
                self.refuse(status, f"{self.url}: the server says {words} {hint}", "install",
                            self.url, output="Attempting to download file pkgname.wmopkg, using "
                            f"HTTP\n\n{self.connecting}")


class Endless(WithWire):
    """What comes besides the file, and never ends."""

    TOO_LONG = "the server sends a line that is too long, or too many of them, besides the file"

    @staticmethod
    def pouring(begin, more):
        def pour(wire, connection):
            connection.sendall(begin)
            while True:
                connection.sendall(more)
        return pour

    def test_pages(self):
        for begin, more in (
                (b"HTTP/1.1 302 Found\r\nLocation: /x.wmopkg\r\nTransfer-Encoding: chunked\r\n\r\n",
                 b"1000\r\n" + bytes(4096) + b"\r\n"),
                (b"HTTP/1.1 302 Found\r\nLocation: /x.wmopkg\r\nContent-Length: 1000000000000\r\n\r\n",
                 bytes(4096)),
                (b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                 b"Content-Length: 1000000000000\r\n\r\n", bytes(4096))):
            self.serve(self.pouring(begin, more))
            url = self.url.replace("http://", "http://bob:secret@")
            self.refuse(5, f"{self.url}: the server sends over 1048576 bytes that are not part of "
                        f"the file {SERVER}", "install", url, output="Attempting to download file "
                        f"pkgname.wmopkg, using HTTP\n\n{self.connecting}")

    def test_headers(self):
        filler = b"X: " + b"x" * 4000 + b"\r\n"
        for begin, more in ((b"HTTP/1.1 200 OK\r\n", filler),
                            (b"", b"HTTP/1.1 100 Continue\r\n" + filler + b"\r\n")):
            self.serve(*4 * [self.pouring(begin, more)])
            result = self.wmopkg("install", self.url)
            self.assertIn(f": {self.TOO_LONG} {SERVER}", result.stderr)
            self.assertEqual((result.returncode, os.listdir("data/packages")), (5, []))
            self.assertEqual(len(self.wire.requests), 1)

    def test_lines(self):
        """Before the file, within it, and after it, where less than the whole has come."""
        chunk = b"%x\r\n" % CUT + self.whole[:CUT] + b"\r\n"
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk
        for begin, more in ((b"HTTP/1.1 200 ", b"x" * 4096), (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4096),
                            (b"HTTP/1.1 200 OK\r\n", b" " * 4096),
                            (chunked + b"0\r\n", b"X: " + b"x" * 4000 + b"\r\n"),
                            (chunked + b"0\r\nX: ", b"x" * 4096)):
            with self.subTest(begin=begin[-16:]):
                self.serve(self.pouring(begin, more))
                result = self.wmopkg("install", self.url)
                self.assertIn(f": {self.TOO_LONG} {SERVER}", result.stderr)
                self.assertEqual((result.returncode, os.listdir("data/packages")), (5, []))


class Slow(WithWire):
    """What takes longer than the 30 seconds after which a silent connection counts as lost."""

    def test_slow(self):
        head = 12
        stall = wires.Wire(wires.held(self.cut()), wires.part(self.whole, CUT, headers=ETAG))
        self.addCleanup(stall.close)
        drip = wires.Wire(lambda wire, connection: (
            connection.sendall(wires.answer(b"", len(self.whole))),
            wires.dripping(self.whole[:head], 1, 4)(wire, connection),
            connection.sendall(self.whole[head:])))
        self.addCleanup(drip.close)
        results = {}

        def install(name, wire):
            configuration = bench.read("wmopkg.conf")
            for key in ("data", "run"):
                os.mkdir(f"{name}-{key}")
                configuration = re.sub(rf'{key} = ".*/{key}"'.encode(),
                                       f'{key} = "{self.folder}/{name}-{key}"'.encode(),
                                       configuration)
            bench.write(f"{name}.conf", configuration)
            results[name] = subprocess.run(
                [bench.WMOPKG, "--config", f"{name}.conf", "install",
                 f"http://127.0.0.1:{wire.port}/pkgname.wmopkg"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

        threads = [threading.Thread(target=install, args=pair)
                   for pair in (("stall", stall), ("drip", drip))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for name, result in results.items():
            self.assertEqual((name, result.returncode, result.stderr), (name, 0, ""))
            self.assertEqual(bench.read(f"{name}-data/packages/pkgname.wmopkg"), self.whole)
        self.assertIn(f"Connection lost at {self.at}, trying again (1 of 3)\n",
                      results["stall"].stdout)
        self.assertNotIn("Connection lost", results["drip"].stdout)


class Interrupted(WithWire):
    """Ctrl-C where nothing moves; while bytes come see test_install_http.py."""

    def interrupt(self, words, before, inside=(), ready=lambda: None):
        """@before: how the output goes until then; @inside: what runs it"""
        with subprocess.Popen([*inside, bench.WMOPKG, "--config", "wmopkg.conf", "install", *words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            said = ""
            while not said.endswith(before):
                line = process.stdout.readline()
                self.assertTrue(line, said)
                said += line
            ready()
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=60)
        self.assertEqual(rest.strip(), "")
        self.assertRegex(errors, r"\Awmopkg: .*: interrupted, nothing was installed.*\n\Z")
        self.assertEqual(os.listdir("data/packages"), [])
        return process.returncode

    def test_waiting_for_an_answer(self):
        self.serve(wires.held(b""))
        self.assertEqual(self.interrupt([self.url], self.connecting), 1)

    def test_waiting_for_a_name_server(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.9.9.9", 53))
            bench.write("resolv.conf", b"nameserver 127.9.9.9\n")
            inside = ("unshare", "--mount", "sh", "-ec",
                      'mount --bind resolv.conf /etc/resolv.conf; exec "$@"', "sh")
            for protocol in ("http", "ftp"):
                self.assertEqual(self.interrupt([f"{protocol}://slow.example/pkgname.wmopkg"],
                                                f"using {protocol.upper()}\n", inside,
                                                lambda: server.recv(1000)), 1)

    def test_waiting_to_try_again(self):
        self.serve(self.cut(), wires.held(b""))
        self.assertEqual(self.interrupt([self.url], "trying again (1 of 3)\n"), 1)

    def test_no_other_protocol_is_tried(self):
        self.serve(wires.held(b""))
        address = f"127.0.0.1:{self.wire.port}"
        self.assertEqual(self.interrupt([address, "pkgname.wmopkg"], self.connecting), 1)


if __name__ == "__main__":
    unittest.main()
