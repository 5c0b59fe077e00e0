#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install over an older version: only the blocks that are not there are fetched, whatever
the server makes of it."""

import http.server
import os
import re
import shutil
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402

SERVER = "(check the address, the path and the server)"
BLOCK = 4096
OTHER_PART = "the server sends another part of the file than it was asked for"


class Parts(http.server.ThreadingHTTPServer):
    """A server of one file, .whole, that knows ranges, and lies about them as it is told.

    @lie: called with the number of the request, its range (first, end) or None, and the answer: a
    dict of status, headers and body, which it changes. .ranges: what was asked for; .served: bytes
    of the file that were sent; .connections: how many there were.
    """

    daemon_threads = True

    def __init__(self, whole, lie=None):
        super().__init__(("127.0.0.1", 0), Parts.Handler)
        self.whole, self.lie = whole, lie or (lambda number, part, answer: None)
        self.ranges, self.heads, self.served, self.connections = [], [], 0, 0
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/pkgname.wmopkg"

    def handle_error(self, request, client_address):
        pass  # the other end has heard enough

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            self.server.connections += 1

        def log_message(self, *_):
            pass

        def do_GET(self):
            server, whole = self.server, self.server.whole
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            answer = {"status": 200, "body": whole, "headers": {"ETag": '"one"'}}
            part = None
            if asked:
                part = int(asked[1]), int(asked[2] or len(whole) - 1) + 1
                body = whole[slice(*part)]
                answer |= {"status": 206, "body": body}
                answer["headers"]["Content-Range"] = \
                    f"bytes {part[0]}-{part[0] + len(body) - 1}/{len(whole)}"
            answer["headers"]["Content-Length"] = len(answer["body"])
            server.ranges.append(part)
            server.heads.append(dict(self.headers))
            server.lie(len(server.ranges), part, answer)
            self.send_response(answer["status"])
            for name, value in answer["headers"].items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(answer["body"])
            server.served += len(answer["body"])
            if answer.get("cut"):
                self.close_connection = True


class Case(bench.Case):
    """The tree: files of noise, each of whole blocks of squashfs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tree = f"{cls.shared}/files"
        os.mkdir(cls.tree)
        for number in range(24):
            bench.write(f"{cls.tree}/{number:02}", os.urandom(128 << 10))
        cls.old = cls.version("1", {})
        cls.new = cls.version("2", {"03": os.urandom(128 << 10), "17": os.urandom(128 << 10)})
        cls.far = cls.version("3", {f"{number:02}": os.urandom(128 << 10)
                                    for number in range(24)})

    @classmethod
    def version(cls, version, changes):
        os.mkdir(f"{cls.shared}/{version}")
        for name, content in changes.items():
            bench.write(f"{cls.tree}/{name}", content)
        return bench.read(bench.make_package(f"{cls.shared}/{version}/pkgname.wmopkg", cls.tree,
                                             "--version", version, keys=cls.keys))

    def setUp(self):
        super().setUp()
        self.install(f"{self.shared}/1/pkgname.wmopkg")

    def serve(self, whole=None, lie=None):
        self.server = Parts(self.new if whole is None else whole, lie)
        self.addCleanup(self.server.close)
        return self.server.url

    def installed(self):
        return bench.read("data/packages/pkgname.wmopkg")

    def share(self, fetched, whole):
        return (f"{fetched * 10 // (1 << 20) / 10} of {whole * 10 // (1 << 20) / 10} MiB to fetch, "
                "the rest is on this device\n")

    def good(self, url, port, fetched, *words, protocol="HTTP", replaces=("1", "2")):
        """@fetched: bytes; None: the whole file"""
        share = "" if fetched is None else self.share(fetched, len(self.new))
        self.succeed(f"Attempting to download file pkgname.wmopkg, using {protocol}\n\n"
                     f"Connecting to 127.0.0.1 (127.0.0.1:{port})\n{share}pkgname.wmopkg:\n"
                     f"{bench.BAR}    PKG: Signed\nReplaces version {replaces[0]} with "
                     f"{replaces[1]}.\n{bench.INSTALLED}", "install", *words, url)
        self.assertEqual(self.installed(), self.new)

    def refused(self, status, message):
        """Nothing is installed, and what was there is as it was."""
        result = self.wmopkg("install", self.server.url)
        self.assertEqual((result.returncode, result.stderr),
                         (status, f"wmopkg: {self.server.url}: {message}\n"), result.stdout)
        self.assertEqual(self.installed(), self.old)
        self.assertEqual(os.listdir("data/packages"), ["pkgname.wmopkg"])


class Fetched(Case):
    def test_only_what_is_missing(self):
        url = self.serve()
        self.good(url, self.server.server_port, 290 << 10)
        self.assertEqual(self.server.connections, 1)
        # two files of 128 KiB, and less than as much around them
        self.assertLess(self.server.served, 400 << 10)
        self.assertEqual(self.server.served, sum(end - first for first, end in self.server.ranges))
        for (_, before), (first, _) in zip(self.server.ranges, self.server.ranges[1:]):
            self.assertGreaterEqual(first, before)
        self.assertNotIn("If-Range", self.server.heads[0])
        for head in self.server.heads[1:]:
            self.assertEqual(head["If-Range"], '"one"')

    def test_the_same_again(self):
        """Only what comes before the image."""
        url = self.serve(self.old)
        result = self.wmopkg("install", url)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.installed(), self.old)
        self.assertEqual(len(self.server.ranges), 1)

    def test_nothing_is_installed(self):
        """One plain transfer, as ever."""
        self.forget()
        url = self.serve()
        result = self.wmopkg("install", url)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotIn("to fetch", result.stdout)
        self.assertEqual(self.server.ranges, [None])

    def test_nothing_matches(self):
        """Two requests, on one connection, for each byte once."""
        url = self.serve(self.far)
        result = self.wmopkg("install", url)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertNotIn("to fetch", result.stdout)
        self.assertEqual(self.installed(), self.far)
        self.assertEqual(len(self.server.ranges), 2)
        self.assertEqual((self.server.served, self.server.connections), (len(self.far), 1))

    def test_the_old_one_is_damaged(self):
        """What does not match is fetched; a hole of the file, and its end, too."""
        damaged = bytearray(self.old)
        damaged[1 << 20] ^= 1
        bench.write("data/packages/pkgname.wmopkg", damaged[:2 << 20])
        url = self.serve()
        result = self.wmopkg("install", url)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.installed(), self.new)
        self.assertIn((1 << 20) // BLOCK, [block for first, end in self.server.ranges
                                           for block in range(first // BLOCK, end // BLOCK)])
        self.assertLess(self.server.served, len(self.new) * 2 // 3)

    def test_the_old_one_is_no_package(self):
        for content in (bytes(1 << 20), os.urandom(1 << 20), b"", b"x" * 5000):
            bench.write("data/packages/pkgname.wmopkg", content)
            url = self.serve()
            result = self.wmopkg("install", url)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(self.installed(), self.new)

    def test_the_old_one_changes(self):
        """After it was compared: what it does not have any more is fetched, in one part."""
        path = "data/packages/pkgname.wmopkg"

        def overwritten():
            with open(path, "r+b") as file:
                file.write(bytes(len(self.old)))

        def last_blocks_overwritten():
            with open(path, "r+b") as file:
                file.seek(-5 * BLOCK, os.SEEK_END)
                file.write(bytes(BLOCK))

        for change in (overwritten, last_blocks_overwritten, lambda: os.truncate(path, 5000),
                       lambda: os.truncate(path, 0), lambda: os.unlink(path),
                       lambda: bench.write(path + ".new", b"") or os.rename(path + ".new", path)):
            self.forget()
            self.install(f"{self.shared}/1/pkgname.wmopkg")

            def lie(number, part, answer, change=change):
                if number == 2:
                    change()
            url = self.serve(lie=lie)
            result = self.wmopkg("install", url)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertEqual(self.installed(), self.new)
            self.assertLess(len(self.server.ranges), 6)
            self.assertLess(self.server.served, len(self.new) + (64 << 10))

    def test_work(self):
        """How much is read of the old one depends on how much of the new one is to be fetched."""
        compared = re.compile(r"comparing (\d+) blocks of the installed file")
        bench.write("data/packages/pkgname.wmopkg", self.old + bytes(40 << 20))
        for size, most in ((64, None), (800, 800 // 4 * 16)):
            os.makedirs(f"{self.folder}/small/{size}/files")
            bench.write(f"{self.folder}/small/{size}/files/one", os.urandom(size << 10))
            small = bench.read(bench.make_package(
                f"{self.folder}/small/{size}/pkgname.wmopkg", f"{self.folder}/small/{size}/files",
                "--version", "4", keys=self.keys))
            # the first part does not have all of it
            os.truncate("data/packages/pkgname.wmopkg", len(self.old) if size < 100 else 44 << 20)
            url = self.serve(small)
            result = self.wmopkg("--debug", "install", url)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(self.installed(), small)
            counts = [int(count) for count in compared.findall(result.stdout + result.stderr)]
            if most is None:
                self.assertEqual(counts, [])
            else:
                self.assertEqual(len(counts), 1)
                self.assertLess(counts[0], most)
            bench.write("data/packages/pkgname.wmopkg", self.old)

    def test_moved_to_the_other_store(self):
        url = self.serve()
        result = self.wmopkg("install", "persistent", url)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(bench.read("persist/packages/pkgname.wmopkg"), self.new)
        self.assertLess(self.server.served, 400 << 10)

    def test_set(self):
        url = self.serve()
        bench.write("set.json", f'{{"type": "set", "format": 1, "packages": '
                    f'[{{"source": "{url}"}}]}}'.encode())
        result = self.wmopkg("apply", "set.json")
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        self.assertIn(" MiB to fetch, the rest is on this device\n", result.stdout)
        self.assertEqual(self.installed(), self.new)
        self.assertLess(self.server.served, 400 << 10)

    def test_lost(self):
        """In the middle of a part: it goes on there."""
        def cut(number, part, answer):
            if number == 2:
                answer["body"] = answer["body"][:50000]
                answer["cut"] = True
        url = self.serve(lie=cut)
        result = self.wmopkg("install", url)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"\nConnection lost after \d+ bytes, trying again \(1 of 3\)\n")
        self.assertEqual(self.installed(), self.new)
        self.assertEqual(self.server.ranges[2],
                         (self.server.ranges[1][0] + 50000, self.server.ranges[1][1]))
        self.assertLess(self.server.served, 400 << 10)

    def test_few_requests_a_second(self):
        """Each part is asked for again, as often as a file is."""
        for status, words in ((503, "Service Unavailable"), (429, "Too Many Requests")):
            def busy(number, part, answer, status=status):
                if number % 2 == 0:
                    answer.update(status=status, body=b"", headers={"Content-Length": 0})
            self.forget()
            self.install(f"{self.shared}/1/pkgname.wmopkg")
            url = self.serve(lie=busy)
            result = self.wmopkg("install", url)
            self.assertEqual((result.returncode, result.stderr), (0, ""), words)
            self.assertEqual(self.installed(), self.new)

    def test_busy_for_ever(self):
        for status, words in ((503, "Service Unavailable"), (429, "Too Many Requests")):
            def busy(number, part, answer, status=status):
                if number > 1:
                    answer.update(status=status, body=b"", headers={"Content-Length": 0})
            self.serve(lie=busy)
            self.refused(5, f"the server says {status} {words} {SERVER}")
            self.assertEqual(len(self.server.ranges), 5)

    def test_without_anything_that_identifies_it(self):
        def bare(number, part, answer):
            del answer["headers"]["ETag"]
        url = self.serve(lie=bare)
        self.good(url, self.server.server_port, 290 << 10)


class Lies(Case):
    def test_ranges_are_ignored(self):
        def ignore(number, part, answer):
            del answer["headers"]["Content-Range"]
            answer.update(status=200, body=self.new)
            answer["headers"]["Content-Length"] = len(self.new)
        url = self.serve(lie=ignore)
        self.good(url, self.server.server_port, None)
        self.assertEqual((len(self.server.ranges), self.server.served), (1, len(self.new)))

    def test_ranges_are_refused(self):
        def refuse(number, part, answer):
            if part:
                answer.update(status=416, body=b"", headers={"Content-Length": 0})
        url = self.serve(lie=refuse)
        self.good(url, self.server.server_port, None)
        self.assertIsNone(self.server.ranges[1])

    def test_ranges_end(self):
        """The first part is one, the next answer is all of the file."""
        def ignore(number, part, answer):
            if number > 1:
                del answer["headers"]["Content-Range"]
                answer.update(status=200, body=self.new)
                answer["headers"]["Content-Length"] = len(self.new)
        self.serve(lie=ignore)
        self.refused(5, "the server sends the whole file where it was asked for a part, after it "
                     f"has sent another part {SERVER}")

    def test_other_range(self):
        def moved(place, by):
            def lie(number, part, answer):
                if number == place:
                    first, end = (at + by for at in part)
                    answer["headers"]["Content-Range"] = f"bytes {first}-{end - 1}/{len(self.new)}"
            return lie
        for place in (1, 2):
            for by in (BLOCK, 1, -1) if place > 1 else (BLOCK, 1):
                self.serve(lie=moved(place, by))
                self.refused(5, f"{OTHER_PART} {SERVER}")

    def test_shorter_and_longer_range(self):
        for more in (-1, 1):
            def lie(number, part, answer, more=more):
                if number == 2:
                    first, end = part[0], part[1] + more
                    answer["body"] = self.new[first:end]
                    answer["headers"] |= {
                        "Content-Length": end - first,
                        "Content-Range": f"bytes {first}-{end - 1}/{len(self.new)}"}
            self.serve(lie=lie)
            self.refused(5, f"{OTHER_PART} {SERVER}")

    def test_more_or_less_than_its_range(self):
        """Where the length is not told, the body is what it is."""
        for more, message in ((1, "the server sends more than the part of the file that it was "
                               "asked for"),
                              (-1, "the server sends less than the part of the file that it was "
                               "asked for")):
            def lie(number, part, answer, more=more):
                if number == 2:
                    body = self.new[part[0]:part[1] + more]
                    del answer["headers"]["Content-Length"]
                    answer["headers"]["Transfer-Encoding"] = "chunked"
                    answer["body"] = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
            self.serve(lie=lie)
            self.refused(5, f"{message} {SERVER}")

    def test_several_parts(self):
        def lie(number, part, answer):
            del answer["headers"]["Content-Range"]
            answer["headers"]["Content-Type"] = "multipart/byteranges; boundary=x"
        self.serve(lie=lie)
        self.refused(5, f"{OTHER_PART} {SERVER}")

    def test_other_bytes(self):
        def lie(number, part, answer):
            if number == 2:
                answer["body"] = bytes(len(answer["body"]))
        self.serve(lie=lie)
        result = self.wmopkg("install", self.server.url)
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, r": Invalid: image: block \d+ of \d+, at byte \d+ of the "
                         rf"file, does not match \({bench.AGAIN}\)\n\Z")
        self.assertEqual(self.installed(), self.old)
        self.assertEqual(os.listdir("data/packages"), ["pkgname.wmopkg"])

    def test_changed(self):
        """Between two parts the file becomes another one of the same length."""
        changed = "the file on the server has changed meanwhile"

        def other(honest):
            def lie(number, part, answer):
                if number > 1:
                    answer["headers"]["ETag"] = '"two"'
                    if honest:  # If-Range does not match
                        del answer["headers"]["Content-Range"]
                        answer.update(status=200, body=self.far)
                        answer["headers"]["Content-Length"] = len(self.far)
            return lie
        for honest in (True, False):
            self.serve(lie=other(honest))
            self.refused(5, f"{changed} (check the connection, then try again)")

    def test_grown(self):
        def lie(number, part, answer):
            if number > 1:
                answer["headers"]["Content-Range"] = \
                    f"bytes {part[0]}-{part[1] - 1}/{len(self.new) + 1}"
        self.serve(lie=lie)
        self.refused(5, "the file on the server has changed meanwhile: it had "
                     f"{len(self.new)} bytes, and has {len(self.new) + 1} now "
                     "(check the connection, then try again)")

    def test_wrong_length(self):
        for more in (b"", bytes(BLOCK)):
            whole = self.new[:-BLOCK] if not more else self.new + more
            self.serve(whole)
            self.refused(3, f"Invalid: the file has {len(whole)} bytes, but its manifest says "
                         f"{len(self.new)} ({bench.INCOMPLETE})")

    def test_gone(self):
        def lie(number, part, answer):
            if number > 1:
                answer.update(status=404, body=b"", headers={"Content-Length": 0})
        self.serve(lie=lie)
        self.refused(4, "the server says 404 Not Found (check the path)")


class Peers(Case):
    """Real servers, and what they say that they have sent."""

    def test_nginx(self):
        nginx = servers.Nginx(f"{self.folder}/nginx", f"{self.shared}/2")
        self.addCleanup(nginx.close)
        self.good(f"http://127.0.0.1:{nginx.port}/pkgname.wmopkg", nginx.port, 290 << 10)
        with open(f"{nginx.folder}/access.log", encoding="utf-8") as file:
            lines = [line.split('"')[2].split() for line in file]
        self.assertEqual({status for status, _ in lines}, {"206"})
        self.assertLess(sum(int(sent) for _, sent in lines), 400 << 10)

    def test_nginx_without_ranges(self):
        nginx = servers.Nginx(f"{self.folder}/nginx", f"{self.shared}/2")
        self.addCleanup(nginx.close)
        self.good(f"http://127.0.0.1:{nginx.port}/noranges/pkgname.wmopkg", nginx.port, None)

    def test_nginx_with_a_password(self):
        nginx = servers.Nginx(f"{self.folder}/nginx", f"{self.shared}/2")
        self.addCleanup(nginx.close)
        result = self.wmopkg("install", f"http://{servers.USER}:{servers.PASSWORD.replace(' ', '%20')}"
                             f"@127.0.0.1:{nginx.port}/private/pkgname.wmopkg")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("to fetch, the rest is on this device\n", result.stdout)
        self.assertEqual(self.installed(), self.new)

    def test_sftp(self):
        """A session, and a file that is opened once for each part."""
        ssh = servers.Ssh(f"{self.folder}/ssh")
        self.addCleanup(ssh.close)
        shutil.copy(f"{self.shared}/2/pkgname.wmopkg", ssh.home)
        with open(f"{ssh.keys['ed25519']}.pub", encoding="utf-8") as public, \
                open("known_hosts", "w", encoding="utf-8") as hosts:
            hosts.write(f"[127.0.0.1]:{ssh.port} {public.read()}")
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'known_hosts = "{self.folder}/known_hosts"\n')
        self.good(f"sftp://127.0.0.1:{ssh.port}/~/pkgname.wmopkg", ssh.port, 290 << 10, "user",
                  servers.USER, "password", servers.PASSWORD, protocol="SFTP")
        self.assertEqual(ssh.log().count("Accepted password"), 1)

    def test_ftp_sends_all(self):
        """Each part would be a connection, and bytes on their way are lost."""
        ftp = servers.Ftp(f"{self.folder}/ftp", f"{self.shared}/2")
        self.addCleanup(ftp.close)
        self.good(f"ftp://127.0.0.1:{ftp.port}/pkgname.wmopkg", ftp.port, None, protocol="FTP")


if __name__ == "__main__":
    unittest.main()
