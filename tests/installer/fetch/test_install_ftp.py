#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install by ftp from vsftpd, and by whatever is tried where no protocol is given."""

import os
import re
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402
import wires  # noqa: E402

LOGIN = "(check the user name and the password)"
LOST = "(check the connection, then try again)"
SERVER = "(check the address, the path and the server)"
GUEST = ("user", "anonymous")
GUESTS = "(check the path; this is what a guest sees: to log in, give the words: user NAME)"
STRANGE = "my files/50%/#1?;type=a/\u00e4"


def attempt(protocol, port, host="127.0.0.1", name="pkgname"):
    return (f"Attempting to download file {name}.wmopkg, using {protocol}\n\n"
            f"Connecting to {host} ({host}:{port})\n")


def sessions(process):
    """The processes of vsftpd that serve a client, below the one that listens."""
    found = []
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
        children = [int(child) for child in file.read().split()]
    for child in children:
        with open(f"/proc/{process}/comm", encoding="ascii") as file:
            if file.read() == "vsftpd\n":
                found.append(child)
        found += sessions(child)
    return found


class WithFtp(bench.Case):
    OPTIONS = ""
    HOST = "127.0.0.1"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ftp = servers.Ftp(f"{cls.shared}/ftp", cls.shared, cls.HOST, options=cls.OPTIONS)
        cls.addClassCleanup(cls.ftp.close)
        host = f"[{cls.HOST}]" if ":" in cls.HOST else cls.HOST
        cls.address = f"{host}:{cls.ftp.port}"
        cls.url = f"ftp://{cls.address}"
        cls.attempt = attempt("FTP", cls.ftp.port, host)

    def put(self, folder):
        os.makedirs(f"{self.ftp.home}/{folder}", exist_ok=True)
        shutil.copy(self.package, f"{self.ftp.home}/{folder}")


class Elsewhere(WithFtp):
    """A server that wants the data to be fetched from another machine is not obeyed."""

    OPTIONS = "pasv_address=192.0.2.9\ncmds_denied=EPSV"

    def test_passive(self):
        self.succeed(self.attempt + bench.LOCAL, "install", f"{self.url}/pkgname.wmopkg")
        self.assertIn("227 Entering Passive Mode (192,0,2,9,", self.ftp.commands())


class Ftp(WithFtp):
    def test_commands_within_words(self):
        """Nothing that is typed becomes a command of its own."""
        control, sound = "contains a control character (see 'wmopkg help')", "invalid URL: "
        for words, status, message in (
                (("user", "anonymous\r\nDELE x", self.address, "pkgname.wmopkg"), 2,
                 f"the user name {control}"),
                ((*GUEST, "password", "x\nDELE x", self.address, "pkgname.wmopkg"), 2,
                 f"the password {control}"),
                ((*GUEST, self.address, "x\r\nDELE x/pkgname.wmopkg"), 5,
                 "path contains control characters"),
                ((f"ftp://anonymous%0D%0ADELE%20x@{self.address}/pkgname.wmopkg",), 2, sound),
                ((f"ftp://anonymous:x%0D%0ADELE%20x@{self.address}/pkgname.wmopkg",), 2, sound),
                ((f"{self.url}/x%0D%0ADELE%20x/pkgname.wmopkg",), 2, sound)):
            protocol = () if "://" in words[0] else ("proto", "ftp")
            result = self.wmopkg("install", *protocol, *words)
            self.assertEqual(result.returncode, status, words)
            self.assertIn(message, result.stderr)
        self.assertNotIn('"DELE', self.ftp.commands())

    def test_anonymous(self):
        self.succeed(self.attempt + bench.LOCAL, "install", "proto", "ftp", *GUEST, self.address,
                     "pkgname.wmopkg")
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(self.package))
        self.assertIn('FTP command: Client "127.0.0.1", "EPSV"', self.ftp.commands())
        self.forget()
        self.succeed(self.attempt + bench.LOCAL, "install", f"{self.url}/pkgname.wmopkg")

    def test_user(self):
        """The folder is that of who logs in, unless the path begins with a slash."""
        self.put("sub")
        login = ("user", servers.USER, "password", servers.PASSWORD, "proto", "ftp")
        for path in ("sub/pkgname.wmopkg", f"{self.ftp.home}/sub/pkgname.wmopkg"):
            self.succeed(self.attempt + bench.LOCAL, "install", *login, self.address, path)
            self.forget()
        url = f"{servers.USER}:{servers.PASSWORD.replace(' ', '%20')}@{self.address}"
        for path in ("sub", f"%2F{self.ftp.home[1:]}/sub"):
            self.succeed(self.attempt + bench.LOCAL, "install",
                         f"ftp://{url}/{path}/pkgname.wmopkg")
            self.forget()

    def test_wrong_password(self):
        self.refuse(5, f"{self.url}/pkgname.wmopkg: the server says 530 Login incorrect. {LOGIN}",
                    "install", "user", servers.USER, "password", "wrong", "proto", "ftp",
                    self.address, "pkgname.wmopkg", output=self.attempt)

    def test_strange_path(self):
        self.put(STRANGE)
        self.succeed(self.attempt + bench.LOCAL, "install", "user", servers.USER, "password",
                     servers.PASSWORD, "proto", "ftp", self.address, f"{STRANGE}/pkgname.wmopkg")

    def test_not_found(self):
        for path, words in (("none.wmopkg", "550 Failed to open file."),
                            ("none/none.wmopkg", "550 Failed to change directory.")):
            self.refuse(4, f"{self.url}/{path}: the server says {words} {GUESTS}",
                        "install", f"{self.url}/{path}",
                        output=self.attempt.replace("pkgname", "none"))

    def test_nobody_listens(self):
        port = servers.free_port()
        self.refuse(5, f"ftp://127.0.0.1:{port}/pkgname.wmopkg: cannot connect: Connection refused "
                    "(check the address, the path and the server)", "install",
                    f"ftp://127.0.0.1:{port}/pkgname.wmopkg", output=attempt("FTP", port))

    def test_first_of_two(self):
        self.succeed(self.attempt + bench.LOCAL, "install", *GUEST, self.address, "pkgname.wmopkg")

    def test_second_of_two(self):
        """One port, tcp and udp: nobody says that they differ."""
        tftp = servers.Tftp(f"{self.folder}/tftp", self.shared)
        self.addCleanup(tftp.close)
        address = f"127.0.0.1:{tftp.port}"
        failed = (attempt("FTP", tftp.port) + "FTP failed: cannot connect: Connection refused\n"
                  + attempt("TFTP", tftp.port))
        self.succeed(failed + bench.LOCAL, "install", address, "pkgname.wmopkg")
        self.refuse(4, f"{address}/none.wmopkg: FTP: cannot connect: Connection refused; TFTP: the "
                    "server says File not found (check the path)", "install", address,
                    "/none.wmopkg", output=failed.replace("pkgname", "none"))

    def test_refused_is_not_tried_otherwise(self):
        self.make("unsigned")
        self.refuse(3, f"ftp://{self.address}/unsigned.wmopkg: Unsigned: {bench.UNSIGNED}",
                    "install", *GUEST, self.address, "unsigned.wmopkg",
                    output=self.attempt.replace("pkgname", "unsigned"))


    def test_binary(self):
        """What stands for binary at the end of a URL is no part of the name."""
        self.succeed(self.attempt + bench.LOCAL, "install", f"{self.url}/pkgname.wmopkg;type=i")

    def test_guest(self):
        """Without a user it is a guest, in the address as in the URL, where guests are let in."""
        for words in (("proto", "ftp", self.address, "pkgname.wmopkg"),
                      (f"{self.url}/pkgname.wmopkg",)):
            self.succeed(self.attempt + bench.LOCAL, "install", *words)
            self.forget()
        self.assertEqual(set(re.findall(r'"USER (.*?)"', self.ftp.commands())), {"anonymous"})


class Strange(bench.Case):
    """Servers that say something else."""

    def serve(self, **replies):
        server = wires.Ftp(bench.read(self.package), **replies)
        self.addCleanup(server.close)
        self.url = f"ftp://127.0.0.1:{server.port}/pkgname.wmopkg"
        self.attempt = attempt("FTP", server.port)
        return server

    def refuse_url(self, status, message):
        self.refuse(status, f"{self.url}: {message}", "install", self.url, output=self.attempt)

    def test_not_available(self):
        words = "421 Too many users"
        for key in ("_220", "USER", "PASS", "TYPE", "SIZE", "RETR"):
            with self.subTest(key):
                server = self.serve(**{key: words})
                self.refuse_url(5, f"the server says {words} {SERVER}")
                self.assertLess(server.commands.count("USER anonymous"), 2)

    def test_its_own_reason(self):
        for key in ("TYPE", "RETR"):
            self.serve(**{key: "452 disk on fire"})
            self.refuse_url(5, f"the server says 452 disk on fire {SERVER}")

    def test_size(self):
        """Refused, but the file is there; then: it is not."""
        for words in ("550 SIZE not allowed in ASCII mode", "550 no"):
            self.serve(SIZE=words)
            self.succeed(self.attempt + bench.LOCAL, "install", self.url)
            self.forget()
        self.serve(SIZE="550 no", RETR="550 no such file")
        self.refuse_url(4, "the server says 550 no such file (check the path; this is what a guest "
                        "sees: to log in, give the words: user NAME)")

    def test_other_protocol(self):
        """Not waited for."""
        for words in ("SSH-2.0-OpenSSH_9.2p1 Debian-2", "HTTP/1.1 400 Bad Request", "+OK ready"):
            server = self.serve(_220=words)
            self.refuse_url(5, "the server does not speak FTP on this port: it says "
                            f"{words} (check the protocol and the port)")
            self.assertEqual(server.commands, [])

    def test_endless(self):
        def pour(begin, more):
            def poured(connection):
                connection.sendall(begin)
                while True:
                    connection.sendall(more)
            return poured

        for begin, more in ((b"", b"220-welcome\r\n"), (b"220 ", b"x" * 4096)):
            self.serve(_220=pour(begin, more))
            result = self.wmopkg("install", self.url)
            self.assertEqual((result.returncode, os.listdir("data/packages")), (5, []), result)
            self.assertNotIn("memory", result.stderr)


class Ipv6(WithFtp):
    HOST = "::1"

    def test_good(self):
        self.succeed(self.attempt + bench.LOCAL, "install", "proto", "ftp", *GUEST, self.address,
                     "pkgname.wmopkg")
        self.assertIn('"EPSV"', self.ftp.commands())


class OlderServer(WithFtp):
    OPTIONS = "cmds_denied=EPSV"

    def test_good(self):
        self.succeed(self.attempt + bench.LOCAL, "install", "proto", "ftp", *GUEST, self.address,
                     "pkgname.wmopkg")
        self.assertIn('"PASV"', self.ftp.commands())


class Lost(WithFtp):
    OPTIONS = "anon_max_rate=1000000"

    def setUp(self):
        super().setUp()
        shutil.copy(self.package, f"{self.shared}/moving.wmopkg")

    def install_and_lose(self, meanwhile):
        """@meanwhile is called once the connection is lost and wmopkg has said so."""
        with subprocess.Popen([bench.WMOPKG, "--config", "wmopkg.conf", "install",
                               f"{self.url}/moving.wmopkg"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            for line in process.stdout:
                if line.startswith("|----"):
                    break
            for session in sessions(self.ftp.process.pid):
                try:
                    os.kill(session, signal.SIGKILL)
                except ProcessLookupError:  # one of two that ended with the other
                    pass
            self.assertRegex(process.stdout.readline(),
                             r"\AConnection lost at \d+ %, trying again \(1 of 3\)\n\Z")
            meanwhile()
            rest, errors = process.communicate()
        connecting = f"Connecting to 127.0.0.1 ({self.address})\n"
        self.assertTrue(rest.startswith(connecting), rest)
        return process.returncode, rest[len(connecting):], errors

    def test_goes_on(self):
        result = self.install_and_lose(lambda: None)
        self.assertEqual(result, (0, bench.BAR[len(bench.SCALE):] + "    PKG: Signed\n"
                                  + bench.INSTALLED, ""))
        self.assertEqual(bench.read("data/packages/moving.wmopkg"), bench.read(self.package))
        self.assertTrue(re.search(r'"REST [1-9]\d*"', self.ftp.commands()))

    def test_changed(self):
        status, _, errors = self.install_and_lose(
            lambda: os.utime(f"{self.shared}/moving.wmopkg", (1, 1)))
        self.assertEqual((status, errors), (5, f"wmopkg: {self.url}/moving.wmopkg: the file on the "
                                            f"server has changed meanwhile {LOST}\n"))
        self.assertEqual(os.listdir("data/packages"), [])

    def test_shorter(self):
        status, _, errors = self.install_and_lose(
            lambda: os.truncate(f"{self.shared}/moving.wmopkg", 1))
        self.assertEqual((status, errors), (5, f"wmopkg: {self.url}/moving.wmopkg: the file on the "
                                            "server has changed meanwhile: it is shorter now "
                                            f"{LOST}\n"))
        self.assertEqual(os.listdir("data/packages"), [])

    def test_gone(self):
        status, _, errors = self.install_and_lose(
            lambda: os.unlink(f"{self.shared}/moving.wmopkg"))
        self.assertEqual((status, errors), (4, f"wmopkg: {self.url}/moving.wmopkg: the server says "
                                            f"550 Could not get file size. {GUESTS}\n"))


if __name__ == "__main__":
    unittest.main()
