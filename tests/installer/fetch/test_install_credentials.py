#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Users and passwords of wmopkg install: who is asked for them, when, and who never sees them."""

import os
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402
import typist  # noqa: E402
import wires  # noqa: E402

LOGIN = "(check the user name and the password)"
SECRET = servers.PASSWORD
WANTED = "it wants a password (give the words: user NAME password PASSWORD"
REFUSED = "the server says 530 Login incorrect."


class Credentials(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nginx = servers.Nginx(f"{cls.shared}/nginx", cls.shared)
        cls.addClassCleanup(cls.nginx.close)
        cls.ftp = servers.Ftp(f"{cls.shared}/ftp", cls.shared)
        cls.addClassCleanup(cls.ftp.close)
        shutil.copy(cls.package, f"{cls.ftp.home}/mine.wmopkg")
        cls.closed = servers.Ftp(f"{cls.shared}/closed", cls.shared, anonymous=False)
        cls.addClassCleanup(cls.closed.close)
        cls.at = f"127.0.0.1:{cls.ftp.port}"
        cls.web = f"http://127.0.0.1:{cls.nginx.port}/private/pkgname.wmopkg"
        cls.me = cls.login_name()

    @classmethod
    def login_name(cls):
        """As who runs the tests is known to the system, not to us."""
        try:
            return os.getlogin()
        except OSError:
            user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True)
            return user.stdout.strip()

    @staticmethod
    def attempt(port, name="mine", protocol="FTP"):
        return (f"Attempting to download file {name}.wmopkg, using {protocol}\n\n"
                f"Connecting to 127.0.0.1 (127.0.0.1:{port})\n")

    def output(self, name="mine"):
        return self.attempt(self.ftp.port, name) + bench.LOCAL.replace("pkgname", name)

    def test_ftp(self):
        self.succeed(self.output(), "install", "proto", "ftp", "user", servers.USER, "password",
                     SECRET, self.at, "mine.wmopkg")
        self.assertEqual(os.listdir("data/packages"), ["mine.wmopkg"])

    def test_ftp_url(self):
        self.succeed(self.output(), "install",
                     f"ftp://{servers.USER}:open%20sesame@{self.at}/mine.wmopkg")

    def test_ftp_guest(self):
        for name in ("anonymous", "ftp"):
            self.succeed(self.output("pkgname"), "install", "proto", "ftp", "user", name, self.at,
                         "pkgname.wmopkg")
            self.forget()

    def test_ftp_wrong_password(self):
        self.refuse(5, f"ftp://{self.at}/mine.wmopkg: {REFUSED} {LOGIN}", "install", "proto",
                    "ftp", "user", servers.USER, "password", "wrong", self.at, "mine.wmopkg",
                    output=self.attempt(self.ftp.port))

    def test_ftp_without_a_terminal(self):
        for words, says in (((), REFUSED),
                            (("user", servers.USER),
                             "the server says 331 Please specify the password.")):
            at = f"127.0.0.1:{self.closed.port}"
            self.refuse(5, f"ftp://{at}/mine.wmopkg: {says}; {WANTED})", "install", "proto",
                        "ftp", *words, at, "mine.wmopkg", output=self.attempt(self.closed.port))

    def test_ftp_refused_without_a_name(self):
        self.refuse(5, f"ftp://{self.at}/mine.wmopkg: {REFUSED} (check the user name and the "
                    "password, or give the words: user anonymous)", "install", "proto", "ftp",
                    "password", "wrong", self.at, "mine.wmopkg",
                    output=self.attempt(self.ftp.port))

    def test_ftp_user_is_who_is_logged_in(self):
        """Where guests are not let in."""
        console = self.type("install", "proto", "ftp", f"127.0.0.1:{self.closed.port}",
                            "who.wmopkg")
        self.ask(self.me)
        console.type("wrong\n")
        self.ask(self.me)
        console.type("\x03")
        console.end()
        self.assertIn(f'"USER {self.me}"', self.closed.commands())

    def test_http_without_a_terminal(self):
        self.refuse(5, f"{self.web}: the server says 401 Unauthorized; {WANTED})", "install",
                    self.web, output=self.attempt(self.nginx.port, "pkgname", "HTTP"))

    def test_not_sent_before_it_is_wanted(self):
        wire = wires.Wire(wires.answer(bench.read(self.package)))
        self.addCleanup(wire.close)
        self.assertEqual(self.wmopkg("install", f"http://bob:{SECRET}@127.0.0.1:{wire.port}"
                                     "/pkgname.wmopkg").returncode, 0)
        self.assertNotIn(b"Authorization", wire.request)

    def type(self, *words):
        self.typist = typist.Typist(*words)
        return self.typist

    def ask(self, user=servers.USER):
        self.typist.expect(f"Password for {user} at 127.0.0.1: ")
        self.assertFalse(self.typist.echoes())

    def test_asked(self):
        console = self.type("install", "proto", "ftp", "user", servers.USER, self.at,
                            "mine.wmopkg")
        self.ask()
        console.type(f"{SECRET}\n")
        self.assertEqual(console.end(), 0)
        self.assertEqual(console.screen, self.attempt(self.ftp.port) +
                         f"Password for {servers.USER} at 127.0.0.1: \n" +
                         bench.LOCAL.replace("pkgname", "mine"))

    def test_asked_again(self):
        console = self.type("install", "user", servers.USER, self.web)
        self.ask()
        console.type("wrong\n")
        console.expect("the server says 401 Unauthorized\n"
                       f"Password for {servers.USER} at 127.0.0.1: ")
        console.type(f"{SECRET}\n")
        self.assertEqual(console.end(), 0)
        self.assertIn(bench.INSTALLED, console.screen)

    def test_asked_three_times_at_most(self):
        for words in (("install", "proto", "ftp", "user", servers.USER, self.at, "mine.wmopkg"),
                      ("install", "user", servers.USER, self.web)):
            console = self.type(*words)
            for _ in range(3):
                self.ask()
                console.type("wrong\n")
            self.assertEqual(console.end(), 5)
            self.assertEqual(console.screen.count("Password for"), 3)
            self.assertTrue(console.screen.endswith(f" {LOGIN}\n"), console.screen)
        self.assertEqual(os.listdir("data/packages"), [])

    def test_nothing_typed(self):
        """Who types none does not want to go on: no other protocol is tried."""
        for words in ((), ("proto", "ftp")):
            for key in ("\n", "\x04"):
                console = self.type("install", *words, f"127.0.0.1:{self.closed.port}", "mine.wmopkg")
                self.ask(self.me)
                console.type(key)
                self.assertEqual(console.end(), 1)
                self.assertTrue(console.flat().endswith(
                    f"wmopkg: ftp://127.0.0.1:{self.closed.port}/mine.wmopkg: Password for {self.me} at 127.0.0.1: "
                    "nothing was typed (run the command again)\n"), console.screen)
                self.assertNotIn("TFTP", console.screen)
        self.assertEqual(bench.listing("data"), ["data/packages"])

    def test_what_cannot_be_sent(self):
        """It is refused aloud: without it, it would be another password."""
        for keys, told in (("gehe\x1b[Dim\n", "a control character was typed, such as an arrow key"),
                           ("geheim\x00x\n", "a zero byte was typed")):
            console = self.type("install", "user", self.me, self.at, "mine.wmopkg")
            self.ask(self.me)
            console.type(keys)
            self.assertEqual(console.end(), 1)
            self.assertIn(f"Password for {self.me} at 127.0.0.1: {told} (run", console.flat())

    def test_interrupted(self):
        console = self.type("install", "proto", "ftp", f"127.0.0.1:{self.closed.port}", "mine.wmopkg")
        self.ask(self.me)
        console.type("\x03")
        self.assertEqual(console.end(), 1)
        self.assertIn(": interrupted", console.screen)
        self.assertEqual(os.listdir("data/packages"), [])

    def test_a_given_one_is_not_asked_for(self):
        console = self.type("install", "proto", "ftp", "user", servers.USER, "password", "wrong",
                            self.at, "mine.wmopkg")
        self.assertEqual(console.end(), 5)
        self.assertNotIn("Password for", console.screen)

    def test_not_asked_for_another_host(self):
        """Who is led elsewhere does not tell that host what he tells this one."""
        other = wires.Wire(wires.answer(b"", 0, "401 Unauthorized",
                                        'WWW-Authenticate: Basic realm="x"\r\n'))
        self.addCleanup(other.close)
        wire = wires.Wire(wires.answer(b"", 0, "302 Found", f"Location: http://localhost:"
                                       f"{other.port}/pkgname.wmopkg\r\n"))
        self.addCleanup(wire.close)
        console = self.type("install", f"http://127.0.0.1:{wire.port}/pkgname.wmopkg")
        self.assertEqual(console.end(), 5)
        self.assertNotIn("Password for", console.screen)

    def test_nowhere_to_be_seen(self):
        """Not by the list of processes, in what is said, in the audit log or any other file."""
        secret = "s3same-0pen"
        for words in (("user", "bob", "password", secret, "http://127.0.0.1:{port}/x.wmopkg"),
                      (f"http://bob:{secret}@127.0.0.1:{{port}}/x.wmopkg",)):
            wire = wires.Wire(wires.held(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nW"))
            self.addCleanup(wire.close)
            words = [word.format(port=wire.port) for word in words]
            with subprocess.Popen([bench.WMOPKG, "--config", "wmopkg.conf", "install", *words],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                wire.sent.wait()
                line = bench.read(f"/proc/{process.pid}/cmdline")
                process.terminate()
                output = b"".join(process.communicate())
            self.assertIn(b"\0install\0", line)
            self.assertNotIn(secret.encode(), line)
            self.assertNotIn(secret.encode(), output)
        self.install(f"ftp://{servers.USER}:{SECRET.replace(' ', '%20')}@{self.at}/mine.wmopkg")
        found = subprocess.run(["grep", "-r", "-l", "-e", secret, "-e", "sesame", "."],
                               capture_output=True, text=True, check=False)
        self.assertEqual(found.stdout, "")
        self.assertIn(b"mine.wmopkg", bench.read("persist/wmopkg/audit.log"))

    def test_numbers_that_are_no_address(self):
        """Not another host than the one a person means."""
        for host in ("192.0.2", "0x7f.1", "2130706433", "192.0.2.010"):
            told = (f"'{host}' is not an IPv4 address: expected four numbers, such as 192.0.2.1 (see "
                    "'wmopkg help')")
            self.refuse(2, told, "install", host, "x.wmopkg")
            self.refuse(2, told, "install", f"http://bob:s@{host}:80/x.wmopkg")

    def test_wrong_urls_do_not_tell(self):
        for url in ("http://bob:s3same@[::1/x.wmopkg", "gopher://bob:s3same@host/x.wmopkg",
                    "sftp://bob:s3same@host/x.txt", "http://bob:s3same@/x.wmopkg",
                    "scp://bob:s3s@me@ho st:99999/x.wmopkg"):
            result = self.wmopkg("install", url)
            self.assertNotEqual(result.returncode, 0)
            self.assertNotIn("s3s", result.stdout + result.stderr)

    def test_urls_in_the_wrong_place_do_not_tell(self):
        """Nor does the audit log, where a path that holds one would be kept for good."""
        url = "ftp://bob:s3same@host/x.wmopkg"
        for words in (("install", "host", url), ("install", url, "host"),
                      ("install", "media", url, "x.wmopkg"),
                      ("install", "media", "external", url), ("install", "user", url, "host", "x"),
                      ("remove", url), ("show", url), ("which", url), ("conflicts", url),
                      ("unlock", "host", url), ("verify", "media", "external", url),
                      ("help", url), (url,), ("--config", url, "show")):
            with self.subTest(words=words):
                result = self.wmopkg(*words)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn("bob:******@host", result.stderr)
                self.assertNotIn("s3s", result.stdout + result.stderr)
        for command in ("install", "verify", "unlock", "denylist"):
            result = self.wmopkg(command, "ftp://bob:s3same@127.0.0.1:1/x.wmopkg")
            self.assertEqual(result.returncode, 5)
            self.assertNotIn("s3s", result.stdout + result.stderr)
        found = subprocess.run(["grep", "-r", "s3same", "."], capture_output=True, check=False)
        self.assertEqual(found.stdout, b"")


if __name__ == "__main__":
    unittest.main()
