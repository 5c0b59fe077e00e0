#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install where the whole file has come, and only the server's last word is missing."""

import os
import shutil
import ssl
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402
import wires  # noqa: E402

# sftp-server, but for the answer to the end of the file: @1 is what it does instead
SUBSYSTEM = """#!/usr/bin/python3 -u
import os, struct, subprocess, sys, threading
CLOSE, STATUS, FAILURE = 4, 101, 4
server = subprocess.Popen(["/usr/lib/openssh/sftp-server"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE)
def answer():
    while part := os.read(server.stdout.fileno(), 65536):
        os.write(1, part)
threading.Thread(target=answer, daemon=True).start()
while head := sys.stdin.buffer.read(5):
    size, kind = struct.unpack(">IB", head)
    body = sys.stdin.buffer.read(size - 1)
    if kind == CLOSE:
        if "{end}" == "dies":
            server.kill()
            os._exit(1)
        text = b"no"
        reply = struct.pack(">B4sII", STATUS, body[:4], FAILURE, len(text)) + text + bytes(4)
        os.write(1, struct.pack(">I", len(reply)) + reply)
        continue
    server.stdin.write(head + body)
    server.stdin.flush()
"""


class LastWord(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.whole = bench.read(cls.package)

    def check_installed(self, *words, port, protocol="FTP"):
        self.succeed(f"Attempting to download file pkgname.wmopkg, using {protocol}\n\n"
                     f"Connecting to 127.0.0.1 (127.0.0.1:{port})\n{bench.LOCAL}",
                     "install", *words)
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), self.whole)
        self.forget()

    def test_ftp(self):
        sized = {"SIZE": f"213 {len(self.whole)}"}
        for size in (sized, {"SIZE": "502 not implemented"}):
            for last in (None, "426 Connection closed; transfer aborted.",
                         "451 Local error in processing.", "nonsense",
                         "421 Service not available, closing control connection."):
                with self.subTest(last=last, size=size):
                    server = wires.Ftp(self.whole, _226=last, **size)
                    self.addCleanup(server.close)
                    self.check_installed(f"ftp://127.0.0.1:{server.port}/pkgname.wmopkg",
                                         port=server.port)

    def test_ftp_behind_a_firewall(self):
        """Its connection for commands is forgotten during the transfer: nothing comes any more."""
        for size in (f"213 {len(self.whole)}", "502 not implemented"):
            server = wires.Ftp(self.whole, SIZE=size)
            server.replies["226"] = server.silent
            self.addCleanup(server.close)
            self.check_installed(f"ftp://127.0.0.1:{server.port}/pkgname.wmopkg",
                                 port=server.port)

    def test_ftp_not_whole(self):
        """What is missing is still missing: the rest is asked for."""
        server = wires.Ftp(self.whole, _226=None)
        self.addCleanup(server.close)
        server.content = self.whole[:-4096]
        result = self.wmopkg("install", f"ftp://127.0.0.1:{server.port}/pkgname.wmopkg")
        self.assertEqual(result.returncode, 5, result)
        self.assertIn("trying again (1 of 3)", result.stdout)
        self.assertEqual(os.listdir("data/packages"), [])

    def chunked(self, end):
        return wires.answer(f"{len(self.whole):x}\r\n".encode() + self.whole + b"\r\n" + end,
                            headers="Transfer-Encoding: chunked\r\n")

    def test_http(self):
        keep = wires.answer(self.whole).replace(b"Connection: close\r\n", b"")
        for answer in (self.chunked(b""), self.chunked(b"0\r\n"), self.chunked(b"zzz"),
                       self.chunked(b"0\r\nX: x"), wires.held(self.chunked(b"")),
                       wires.held(self.chunked(b"0\r\n")), wires.held(keep), keep,
                       wires.answer(self.whole)):
            wire = wires.Wire(answer)
            self.addCleanup(wire.close)
            self.check_installed(f"http://127.0.0.1:{wire.port}/pkgname.wmopkg", port=wire.port,
                                 protocol="HTTP")
            wire.close()

    def test_too_much(self):
        """What follows the end of the file makes it another file."""
        wire = wires.Wire(wires.answer(self.whole + b"x"))
        self.addCleanup(wire.close)
        result = self.wmopkg("install", f"http://127.0.0.1:{wire.port}/pkgname.wmopkg")
        self.assertEqual(result.returncode, 3)
        self.assertIn("the file is longer than", result.stderr)

    def test_https(self):
        """A connection that ends without an end of TLS."""
        keys = servers.certificates(f"{self.folder}/certificates", "good")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{keys}/good.pem", f"{keys}/good.key")
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'authorities = "{keys}/ca.pem"\n')
        for answer in (wires.answer(self.whole), self.chunked(b"")):
            wire = wires.Wire(answer,
                              wrap=lambda connection: context.wrap_socket(connection, True))
            self.addCleanup(wire.close)
            self.check_installed(f"https://127.0.0.1:{wire.port}/pkgname.wmopkg", port=wire.port,
                                 protocol="HTTPS")

    def test_sftp(self):
        for end in ("fails", "dies"):
            program = servers.write(f"{self.folder}/sftp-{end}", SUBSYSTEM.format(end=end), 0o755)
            ssh = servers.Ssh(f"{self.folder}/ssh-{end}", sftp=program)
            self.addCleanup(ssh.close)
            shutil.copy(self.package, ssh.home)
            with open(f"{ssh.keys['ed25519']}.pub", encoding="ascii") as key:
                os.makedirs("persist/wmopkg", 0o700, exist_ok=True)
                servers.write("persist/wmopkg/known_hosts",
                              f"[127.0.0.1]:{ssh.port} {key.read()}")
            self.check_installed("proto", "sftp", "user", servers.USER, "password",
                                 servers.PASSWORD, f"127.0.0.1:{ssh.port}", "pkgname.wmopkg",
                                 port=ssh.port, protocol="SFTP")


if __name__ == "__main__":
    unittest.main()
