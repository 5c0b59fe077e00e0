#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install by tftp: from tftpd-hpa, and from a server that misbehaves."""

import os
import shutil
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402

SERVER = "(check the address, the path and the server)"
LOST = "(check the connection, then try again)"
STRANGE = "my files/50%/#1?;mode=netascii/\u00e4"
BLOCK = 512


def attempt(port, host="127.0.0.1", name="pkgname"):
    return (f"Attempting to download file {name}.wmopkg, using TFTP\n\n"
            f"Connecting to {host} ({host}:{port})\n")


class Tftpd(bench.Case):
    def serve(self, host="127.0.0.1", options=()):
        tftp = servers.Tftp(f"{self.folder}/tftp", self.shared, host, options)
        self.addCleanup(tftp.close)
        host = f"[{host}]" if ":" in host else host
        self.address = f"{host}:{tftp.port}"
        self.attempt = attempt(tftp.port, host)

    def install(self, path="pkgname.wmopkg"):
        self.succeed(self.attempt + bench.LOCAL, "install", "proto", "tftp", self.address, path)

    def test_good(self):
        self.serve()
        for path in ("pkgname.wmopkg", "/pkgname.wmopkg"):
            self.install(path)
            self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(self.package))
            self.forget()
        self.succeed(self.attempt + bench.LOCAL, "install",
                     f"tftp://{self.address}/pkgname.wmopkg")

    def test_ipv6(self):
        self.serve("::1")
        self.install()

    def test_strange_path(self):
        os.makedirs(f"{self.shared}/{STRANGE}")
        shutil.copy(self.package, f"{self.shared}/{STRANGE}")
        self.serve()
        self.install(f"{STRANGE}/pkgname.wmopkg")

    def test_server_without_options(self):
        self.serve(options=("--refuse", "tsize", "--refuse", "blksize"))
        self.install()

    def test_more_blocks_than_numbers(self):
        """65536 blocks are 32 MiB; then their numbers begin again."""
        with open(f"{self.shared}/tree/more", "wb") as file:
            for _ in range(33):
                file.write(os.urandom(1 << 20))
        self.addCleanup(os.unlink, f"{self.shared}/tree/more")
        large = self.make("large", keys=self.keys)
        self.assertGreater(os.path.getsize(large), 65536 * BLOCK)
        self.serve(options=("--refuse", "blksize"))
        self.succeed((self.attempt + bench.LOCAL).replace("pkgname", "large"), "install",
                     f"tftp://{self.address}/large.wmopkg")
        self.assertEqual(bench.read("data/packages/large.wmopkg"), bench.read(large))

    def test_not_found(self):
        self.serve()
        self.refuse(4, f"tftp://{self.address}/none.wmopkg: the server says File not found (check "
                    "the path)", "install", f"tftp://{self.address}/none.wmopkg",
                    output=self.attempt.replace("pkgname", "none"))

    def test_not_for_all_to_read(self):
        shutil.copy(self.package, f"{self.shared}/secret.wmopkg")
        os.chmod(f"{self.shared}/secret.wmopkg", 0o600)
        self.serve()
        self.refuse(5, f"tftp://{self.address}/secret.wmopkg: the server says Permission "
                    f"denied {SERVER}", "install", f"tftp://{self.address}/secret.wmopkg",
                    output=self.attempt.replace("pkgname", "secret"))


class Datagrams(bench.Case):
    """A server that says to the first packet what a test wants, and then no more."""

    def serve(self, *answers):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"tftp://127.0.0.1:{self.port}/pkgname.wmopkg"
        self.request = None
        self.thread = threading.Thread(target=self.answer, args=answers)
        self.thread.start()

    def answer(self, *answers):
        self.request, client = self.socket.recvfrom(2048)
        for answer in answers:
            self.socket.sendto(answer, client)

    def refuse_url(self, status, message, more=""):
        self.refuse(status, f"{self.url}: {message}", "install", self.url,
                    output=attempt(self.port) + more)
        self.thread.join()

    def test_what_is_asked_for(self):
        self.serve(struct.pack(">HH", 5, 1) + b"no such file\0")
        self.refuse_url(4, "the server says no such file (check the path)")
        words = self.request[2:].split(b"\0")
        self.assertEqual((self.request[:2], words[:2]), (b"\0\1", [b"pkgname.wmopkg", b"octet"]))
        options = dict(zip(words[2::2], words[3::2]))
        self.assertEqual((options[b"tsize"], options[b"blksize"]), (b"0", b"1428"))

    def test_again_without_options(self):
        """What a server does not like about options does not keep it from its file."""
        whole = bench.read(self.package)

        def serve(answer):
            self.socket.settimeout(60)
            self.plain, client = self.socket.recvfrom(2048)
            # libcurl does not see an answer that comes at once, and sends the request again
            while self.plain[:2] != b"\0\1" or b"blksize" in self.plain:
                if self.plain[:2] == b"\0\1":
                    self.socket.sendto(answer, client)
                self.plain, client = self.socket.recvfrom(2048)
            for number in range(len(whole) // BLOCK + 1):
                block = whole[number * BLOCK:(number + 1) * BLOCK]
                self.socket.sendto(struct.pack(">HH", 3, number + 1 & 0xffff) + block, client)
                while self.socket.recv(2048)[2:4] != struct.pack(">H", number + 1 & 0xffff):
                    pass

        for answer in (struct.pack(">HH", 5, 8) + b"no options\0",
                       struct.pack(">HH", 5, 4) + b"illegal\0",
                       struct.pack(">HH", 5, 0) + b"what is that\0",
                       struct.pack(">H", 6), b"x",
                       struct.pack(">H", 6) + b"blksize\x0065464\0",
                       struct.pack(">H", 6) + b"blksize\0nonsense\0",
                       struct.pack(">H", 6) + b"tsize\x000\0blksize\x004\0"):
            with self.subTest(answer=answer):
                self.serve(answer)
                self.thread.join(0)
                more = threading.Thread(target=lambda: (self.thread.join(), serve(answer)))
                more.start()
                self.succeed(attempt(self.port) + bench.LOCAL, "install", self.url)
                more.join()
                self.assertIn(b"blksize", self.request)
                self.assertEqual(self.plain, b"\0\1pkgname.wmopkg\0octet\0")
                self.forget()

        # options that it takes, and blocks of that size that do not get through
        answer = struct.pack(">H", 6) + b"tsize\0%d\0blksize\x001428\0" % len(whole)
        self.serve(answer)
        more = threading.Thread(target=lambda: (self.thread.join(), serve(answer)))
        more.start()
        self.succeed(f"{attempt(self.port)}Connection lost after 0 bytes, trying again (1 of 3)\n"
                     f"Connecting to 127.0.0.1 (127.0.0.1:{self.port})\n{bench.LOCAL}", "install",
                     self.url)
        more.join()
        self.assertEqual(self.plain, b"\0\1pkgname.wmopkg\0octet\0")

    def test_words_of_the_server_do_not_steer_the_terminal(self):
        self.serve(struct.pack(">HH", 5, 2) + b"\x1b[2Jno\n\xff\0")
        self.refuse_url(5, f"the server says ?[2Jno?? {SERVER}")

    def test_less_than_a_packet(self):
        """To each request, also to one without options."""
        def serve():
            while (request := self.socket.recvfrom(2048))[0] != b"end":
                self.request, client = request
                self.socket.sendto(b"\0", client)
        self.answer = serve
        self.serve()
        result = self.wmopkg("install", self.url)
        self.assertEqual((result.returncode, result.stderr), (
            5, f"wmopkg: {self.url}: the server answers with less than a packet of TFTP has (check the "
            "protocol and the port)\n"))
        self.socket.sendto(b"end", self.socket.getsockname())
        self.thread.join()
        self.assertNotIn(b"blksize", self.request)

    def test_no_answer(self):
        self.serve()
        self.refuse_url(5, f"no answer from the server {SERVER}")

    def test_stalled(self):
        whole = bench.read(self.package)
        self.serve(struct.pack(">HH", 3, 1) + whole[:BLOCK])
        self.refuse_url(5, "nothing received for 30 seconds; this protocol cannot go on where it "
                        f"ended {LOST}")


if __name__ == "__main__":
    unittest.main()
