#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install by scp and sftp from OpenSSH: whom it believes, and who is let in."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402
import typist  # noqa: E402

LOGIN = "(check the user name and the password)"
SERVER = "(check the address, the path and the server)"
WORDS = ("user", servers.USER, "password", servers.PASSWORD)
BOTH = ("sftp", "scp")
FETCH_USER = 64322  # no other process runs as this user


def fingerprint(key):
    """Kind and fingerprint, as ssh-keygen has them."""
    line = subprocess.run(["ssh-keygen", "-l", "-f", key], check=True, capture_output=True,
                          text=True).stdout.split()
    return f"{line[-1].strip('()')} {line[1]}"


def public(key):
    with open(f"{key}.pub", encoding="utf-8") as file:
        return " ".join(file.read().split()[:2])


def running(user):
    """How many processes run as @user."""
    count = 0
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/status", encoding="utf-8", errors="replace") as file:
                fields = dict(line.split(":", 1) for line in file)
        except OSError:  # it has ended
            continue
        count += fields["Uid"].split()[0] == str(user) and fields["State"].split()[0] not in "ZX"
    return count


class WithSsh(bench.Case):
    KEYS = ("ed25519",)
    OPTIONS = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ssh = servers.Ssh(f"{cls.shared}/ssh", cls.KEYS, cls.OPTIONS)
        cls.addClassCleanup(cls.ssh.close)
        shutil.copy(cls.package, cls.ssh.home)
        cls.address = f"127.0.0.1:{cls.ssh.port}"

    def setUp(self):
        super().setUp()
        self.file = f"{self.folder}/persist/wmopkg/known_hosts"
        os.mkdir("persist/wmopkg", 0o700)

    def know(self, *lines):
        bench.write(self.file, "".join(f"{line}\n" for line in lines).encode())

    def line(self, kind=None, port=None, host="127.0.0.1"):
        return f"[{host}]:{port or self.ssh.port} {public(self.ssh.keys[kind or self.KEYS[0]])}"

    def attempt(self, protocol, port=None, name="pkgname", host="127.0.0.1"):
        return (f"Attempting to download file {name}.wmopkg, using {protocol.upper()}\n\n"
                f"Connecting to {host} ({host}:{port or self.ssh.port})\n")

    def install_good(self, protocol, path="pkgname.wmopkg", words=WORDS):
        self.forget()
        self.succeed(self.attempt(protocol) + bench.LOCAL, "install", "proto", protocol, *words,
                     self.address, path)
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(self.package))

    def refuse_path(self, protocol, status, path, message, words=WORDS):
        name = os.path.basename(path)[:-len(".wmopkg")]
        begin = "" if path.startswith("/") else "/~/"
        self.refuse(status, f"{protocol}://{self.address}{begin}{path}: {message}", "install",
                    "proto", protocol, *words, self.address, path,
                    output=self.attempt(protocol, name=name))


class Known(WithSsh):
    """The server is known, so all is about the file and the login."""

    def setUp(self):
        super().setUp()
        self.know(self.line(), self.line(host="::1"))

    def test_good(self):
        for protocol in BOTH:
            self.install_good(protocol)

    def test_paths(self):
        folder = f"{self.ssh.home}/my 'files' $HOME/\u00e4"
        os.makedirs(folder, exist_ok=True)
        shutil.copy(self.package, folder)
        for protocol in BOTH:
            for path in (f"{folder}/pkgname.wmopkg", f"{folder[len(self.ssh.home) + 1:]}"
                         "/pkgname.wmopkg"):
                self.install_good(protocol, path)

    def test_dots(self):
        """The path is the server's to read: ".." after a link leads to where the link does."""
        os.makedirs(f"{self.ssh.home}/far/deep", exist_ok=True)
        os.makedirs(f"{self.ssh.home}/near", exist_ok=True)
        shutil.copy(self.package, f"{self.ssh.home}/far")
        os.symlink("../far/deep", f"{self.ssh.home}/near/link")
        for protocol in BOTH:
            for begin in ("", f"{self.ssh.home}/"):
                self.install_good(protocol, f"{begin}near/link/../pkgname.wmopkg")

    def test_ipv6_and_url(self):
        login = f"{servers.USER}:{servers.PASSWORD.replace(' ', '%20')}"
        for protocol in BOTH:
            self.forget()
            self.succeed(self.attempt(protocol, host="[::1]") + bench.LOCAL, "install",
                         f"{protocol}://{login}@[::1]:{self.ssh.port}/~/pkgname.wmopkg")

    def test_missing(self):
        root = ": it begins at the root of the server, not in the home folder, which is ~/"
        said = {"sftp": "the server says No such file or directory (check the path{})",
                "scp": f"the server has no such file, none that {servers.USER} may read, or no scp "
                "(check the path{}; or give the words: proto sftp)"}
        for protocol in BOTH:
            for path in ("none.wmopkg", "no folder/none.wmopkg".replace(" ", "-"),
                         "/none.wmopkg"):
                self.refuse_path(protocol, 4, path,
                                 said[protocol].format(root if path[0] == "/" else ""))

    def test_folder(self):
        os.makedirs(f"{self.ssh.home}/folder.wmopkg", exist_ok=True)
        result = self.wmopkg("install", "proto", "sftp", *WORDS, self.address, "folder.wmopkg")
        self.assertEqual((result.returncode, result.stderr), (
            5, f"wmopkg: sftp://{self.address}/~/folder.wmopkg: the server lets {servers.USER} in, but "
            "sends nothing of the file: it is a folder, or the connection is lost each time (check the "
            "path)\n"))
        self.assertEqual(result.stdout.count("trying again"), 1)

    def test_not_allowed(self):
        os.makedirs(f"{self.ssh.home}/closed", exist_ok=True)
        shutil.copy(self.package, f"{self.ssh.home}/closed")
        os.chmod(f"{self.ssh.home}/closed/pkgname.wmopkg", 0o600)
        self.refuse_path("sftp", 5, "closed/pkgname.wmopkg",
                         f"the server says Permission denied {SERVER}")
        self.refuse_path("scp", 4, "closed/pkgname.wmopkg", "the server has no such file, none "
                         f"that {servers.USER} may read, or no scp (check the path; or give the "
                         "words: proto sftp)")

    def test_wrong_password(self):
        for protocol in BOTH:
            self.refuse_path(protocol, 5, "pkgname.wmopkg", f"the server does not "
                             f"accept {servers.USER} with this password {LOGIN}",
                             ("user", servers.USER, "password", "wrong"))

    def test_without_a_terminal(self):
        self.refuse_path("sftp", 5, "pkgname.wmopkg", f"the server does not accept {servers.USER} "
                         "without a password; it wants a password (give the words: user NAME password "
                         "PASSWORD)", ("user", servers.USER))

    def test_asked(self):
        for protocol in BOTH:
            self.forget()
            console = typist.Typist("install", "proto", protocol, "user", servers.USER,
                                    self.address, "pkgname.wmopkg")
            question = f"Password for {servers.USER} at 127.0.0.1: "
            console.expect(question)
            self.assertFalse(console.echoes())
            console.type("wrong\n")
            console.expect(question)
            console.type(f"{servers.PASSWORD}\n")
            self.assertEqual(console.end(), 0)
            self.assertEqual(console.screen, self.attempt(protocol) + question + "\n" +
                             f"the server does not accept {servers.USER} with this password\n" +
                             question + "\n" + bench.LOCAL)

    def test_a_wrong_one_is_sent_once(self):
        """Servers count."""
        before = self.ssh.log().count("Failed password for")
        self.wmopkg("install", "proto", "sftp", "user", servers.USER, "password", "wrong",
                    self.address, "pkgname.wmopkg")
        self.wmopkg("install", "proto", "sftp", "user", servers.USER, self.address,
                    "pkgname.wmopkg")
        self.assertEqual(self.ssh.log().count("Failed password for"), before + 1)

    def test_interrupted(self):
        console = typist.Typist("install", "proto", "scp", "user", servers.USER, self.address,
                                "pkgname.wmopkg")
        console.expect(" at 127.0.0.1: ")
        console.type("\x03")
        self.assertEqual(console.end(), 1)
        self.assertIn(": interrupted", console.screen)
        self.assertEqual(os.listdir("data/packages"), [])

    def test_list_of_processes(self):
        for words in ((*WORDS, "proto", "scp", self.address, "pkgname.wmopkg"),
                      (f"sftp://{servers.USER}:open%20sesame@{self.address}/~/pkgname.wmopkg",)):
            with subprocess.Popen([bench.WMOPKG, "--config", "wmopkg.conf", "install", *words],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  text=True) as process:
                while "Connecting" not in process.stdout.readline():
                    pass
                process.send_signal(signal.SIGSTOP)
                line = bench.read(f"/proc/{process.pid}/cmdline")
                process.send_signal(signal.SIGCONT)
                process.communicate()
            self.assertEqual(process.returncode, 0)
            self.assertIn(b"127.0.0.1:", line)
            self.assertNotIn(b"sesame", line)

    def cut(self, *cuts):
        cutter = servers.Cutter(self.ssh.port, *cuts)
        self.addCleanup(cutter.close)
        self.know(self.line(port=cutter.port))
        return cutter

    def test_goes_on(self):
        cutter = self.cut(1 << 20, 2 << 20)
        result = self.wmopkg("install", "proto", "sftp", *WORDS, f"127.0.0.1:{cutter.port}",
                             "pkgname.wmopkg")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"\nConnection lost (at \d+ %|after \d+ bytes), trying again "
                         r"\(1 of 3\)\n"
                         rf"Connecting to 127.0.0.1 \(127.0.0.1:{cutter.port}\)\n")
        self.assertIn(" (2 of 3)\n", result.stdout)
        self.assertEqual(cutter.connections, 3)
        self.assertEqual(bench.read("data/packages/pkgname.wmopkg"), bench.read(self.package))

    def test_cannot_go_on(self):
        cutter = self.cut(5 << 19)  # more than ssh sends before somebody takes it
        result = self.wmopkg("install", "proto", "scp", *WORDS, f"127.0.0.1:{cutter.port}",
                             "pkgname.wmopkg")
        self.assertEqual(result.returncode, 5)
        self.assertRegex(result.stderr, r"the connection was lost after \d+ of \d+ bytes; this "
                         r"protocol cannot go on where it ended \(check the connection, then try "
                         r"again\)\n\Z")
        self.assertEqual(os.listdir("data/packages"), [])


class Keys(WithSsh):
    """The keys of who runs wmopkg, from a home of their own."""

    OPTIONS = "PasswordAuthentication no\n"

    def setUp(self):
        super().setUp()
        self.know(self.line())
        os.makedirs("home/.ssh")
        passwd = "".join(line for line in bench.read("/etc/passwd").decode().splitlines(True)
                         if not line.startswith("root:"))
        servers.write("passwd", f"root:x:0:0::{self.folder}/home:/bin/sh\n{passwd}")

    def run_at_home(self, protocol, **env):
        return subprocess.run(
            ["unshare", "--mount", "sh", "-ec", "mount --bind passwd /etc/passwd\nexec \"$@\"",
             "sh", bench.WMOPKG, "--config", "wmopkg.conf", "install", "proto", protocol, "user",
             servers.USER, self.address, "pkgname.wmopkg"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, env={**os.environ, **env})

    def test_key(self):
        for kind in ("ed25519", "ecdsa"):
            key = servers.make_key(f"home/.ssh/id_{kind}", kind)
            self.ssh.authorize(key)
            for protocol in BOTH:
                self.forget()
                result = self.run_at_home(protocol)
                self.assertEqual((result.returncode, result.stdout, result.stderr),
                                 (0, self.attempt(protocol) + bench.LOCAL, ""))

    @contextlib.contextmanager
    def agent(self):
        """An ssh agent without keys, and the environment to find it."""
        path = f"{self.folder}/agent"
        with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL) as agent:
            try:
                while not os.path.exists(path):
                    self.assertIsNone(agent.poll())
                yield agent, {**os.environ, "SSH_AUTH_SOCK": path}
            finally:
                agent.terminate()

    def wait_for_running(self, count):
        """Until @count processes of the fetch user run."""
        end = time.monotonic() + 60
        while running(FETCH_USER) != count:
            self.assertLess(time.monotonic(), end, running(FETCH_USER))
            time.sleep(0.02)

    def test_agent(self):
        """It lets wmopkg in, and what passes its words on ends with the command."""
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f"fetch_user = {FETCH_USER}\n")
        key = servers.make_key("key")
        self.ssh.authorize(key)
        with self.agent() as (_, env):
            subprocess.run(["ssh-add", "-q", key], check=True, env=env)
            for protocol in BOTH:
                self.forget()
                result = self.run_at_home(protocol, **env)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.wait_for_running(0)

    def test_agent_and_the_end(self):
        """What passes on its words ends with wmopkg, which may be killed, and with the agent."""
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f"fetch_user = {FETCH_USER}\n")
        with socket.create_server(("127.0.0.1", 0)) as silent, self.agent() as (agent, env):
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            for ends_first in ("wmopkg", "agent"):
                with subprocess.Popen(
                        [bench.WMOPKG, "--config", "wmopkg.conf", "install", "proto", "sftp", *WORDS,
                         address, "pkgname.wmopkg"], stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env) as wmopkg:
                    try:
                        self.wait_for_running(2)
                        if ends_first == "agent":
                            agent.terminate()
                            self.wait_for_running(1)
                    finally:
                        wmopkg.kill()
                self.wait_for_running(0)

    def test_stranger(self):
        servers.make_key("home/.ssh/id_ed25519")
        servers.make_key("home/.ssh/id_ecdsa", "ecdsa", passphrase="not known here")
        self.ssh.authorize(servers.make_key("key"))
        result = self.run_at_home("sftp")
        self.assertEqual(result.returncode, 5)
        self.assertEqual(result.stderr, f"wmopkg: sftp://{self.address}/~/pkgname.wmopkg: the "
                         f"server accepts {servers.USER} only by publickey, and no key of this "
                         "device (add the key of this device to the server)\n")

    def refused_at_home(self):
        result = self.run_at_home("sftp")
        self.assertEqual(result.returncode, 5)
        begin = f"wmopkg: sftp://{self.address}/~/pkgname.wmopkg: the server accepts {servers.USER} " \
            "only by publickey, and "
        self.assertTrue(result.stderr.startswith(begin), result.stderr)
        return result.stderr[len(begin):]

    def test_no_key(self):
        self.assertEqual(self.refused_at_home(), "this device has no key (make one, as by ssh-keygen "
                         "-t ed25519, and add it to the server)\n")

    def test_rsa(self):
        """The server has this key, and still does not take its signature from an old libssh2."""
        self.ssh.authorize(servers.make_key("home/.ssh/id_rsa", "rsa"))
        told = subprocess.run(["curl", "--version"], check=True, capture_output=True, text=True).stdout
        version = re.search(r" libssh2/(\d+)\.(\d+)\S*", told)
        if (int(version[1]), int(version[2])) < (1, 11):
            self.assertEqual(self.refused_at_home(), "no key of this device (use one of ed25519 or "
                             "ecdsa, and add it to the server: newer servers refuse how"
                             f"{version[0]} signs with RSA)\n")
        else:
            self.assertEqual(self.run_at_home("sftp").returncode, 0)

    def test_no_password_is_asked_for(self):
        console = typist.Typist("install", "proto", "sftp", "user", servers.USER, self.address,
                                "pkgname.wmopkg")
        self.assertEqual(console.end(), 5)
        self.assertNotIn("Password for", console.screen)


class Keyboard(WithSsh):
    OPTIONS = "PasswordAuthentication no\nKbdInteractiveAuthentication yes\n"

    def test_good(self):
        self.know(self.line())
        for protocol in BOTH:
            self.install_good(protocol)
        console = typist.Typist("install", "proto", "sftp", "user", servers.USER, self.address,
                                "pkgname.wmopkg")
        console.expect(f"Password for {servers.USER} at 127.0.0.1: ")
        console.type(f"{servers.PASSWORD}\n")
        self.assertEqual(console.end(), 0)


class HostKeys(WithSsh):
    KEYS = ("ed25519", "ecdsa")

    def setUp(self):
        super().setUp()
        self.url = f"sftp://{self.address}/~/pkgname.wmopkg"
        self.stranger = servers.make_key("stranger")

    def refuse_host(self, message):
        self.refuse_path("sftp", 5, "pkgname.wmopkg", message)

    def test_unknown(self):
        self.refuse_host(f"the host key of the server is not known: "
                         f"{fingerprint(self.ssh.keys['ecdsa'])} (compare it with the server's "
                         "own; then answer y at a terminal, or add the line that ssh-keyscan "
                         f"prints for [{self.address.replace(':', ']:')} to {self.file})")
        self.assertFalse(os.path.exists(self.file))

    def ask(self, protocol="sftp", kind="ecdsa"):
        console = typist.Typist("install", "proto", protocol, *WORDS, self.address,
                                "pkgname.wmopkg")
        console.expect(f"The host key of [127.0.0.1]:{self.ssh.port} is not known yet:\n"
                       f"{fingerprint(self.ssh.keys[kind])}\nIs it the right one (y/N)?")
        return console

    def check_asks(self):
        console = self.ask()
        console.type("n\n")
        self.assertEqual(console.end(), 5)

    def test_unknown_y(self):
        """What is written down is what OpenSSH writes, and it is believed from then on."""
        self.know("# ours", f"www.example.com {public(self.stranger)}")
        before = bench.read(self.file)[:-1]
        bench.write(self.file, before)
        console = self.ask()
        console.type("y\n")
        self.assertEqual(console.end(), 0)
        self.assertEqual(console.screen.count("Connecting"), 1)
        self.assertEqual(bench.read(self.file).decode(),
                         f"{before.decode()}\n{self.line('ecdsa')}\n")
        found = subprocess.run(["ssh-keygen", "-F", f"[127.0.0.1]:{self.ssh.port}", "-f",
                                self.file], capture_output=True, text=True, check=True)
        self.assertIn(public(self.ssh.keys["ecdsa"]), found.stdout)
        for protocol in BOTH:
            self.install_good(protocol)

    def test_unknown_n(self):
        for answer in ("n\n", "\n", "yo\n", "\x04"):
            console = self.ask()
            console.type(answer)
            self.assertEqual(console.end(), 5)
            self.assertTrue(console.flat().endswith(
                f"wmopkg: {self.url}: the host key of the server is not the right one (compare "
                "its fingerprint with the one shown on the server)\n"), console.flat())
        self.assertFalse(os.path.exists(self.file))
        self.assertEqual(os.listdir("data/packages"), [])

    def test_interrupted(self):
        console = self.ask("scp")
        console.type("\x03")
        self.assertEqual(console.end(), 1)
        self.assertIn(": interrupted", console.screen)
        self.assertFalse(os.path.exists(self.file))

    def test_cannot_be_remembered(self):
        os.mkdir(f"{self.folder}/elsewhere")
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'known_hosts = "{self.folder}/elsewhere/sub/known_hosts"\n')
        console = self.ask()
        console.type("y\n")
        self.assertEqual(console.end(), 0)
        self.assertIn("wmopkg: warning: the host key is not stored: "
                      f"{self.folder}/elsewhere/sub: No such file or directory\n", console.flat())

    def test_configured(self):
        path = f"{self.folder}/trusted hosts"
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'known_hosts = "{path}"\n')
        bench.write(path, self.line("ed25519").encode())
        self.install_good("sftp")

    def test_each_type(self):
        for kind in self.KEYS:
            self.know(self.line(kind))
            self.install_good("sftp")

    def test_hashed(self):
        self.know(self.line("ed25519"))
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", self.file], check=True,
                       capture_output=True)
        os.unlink(f"{self.file}.old")
        self.assertIn(b"|1|", bench.read(self.file))
        self.install_good("sftp")

    def test_scanned(self):
        scan = subprocess.run(["ssh-keyscan", "-p", str(self.ssh.port), "127.0.0.1"], check=True,
                              capture_output=True)
        bench.write(self.file, scan.stdout)
        self.install_good("scp")

    def test_changed(self):
        self.know("# ours", "", f"[127.0.0.1]:{self.ssh.port} {public(self.stranger)}")
        before = bench.read(self.file)
        message = ("THE HOST KEY OF THE SERVER HAS CHANGED, it may be another server that pretends "
                   f"to be this one: it shows {fingerprint(self.ssh.keys['ed25519'])}, but {self.file} line 3 "
                   f"has {fingerprint(self.stranger)} (find out why; if it is right: wmopkg "
                   f"host-key forget [127.0.0.1]:{self.ssh.port})")
        self.refuse_host(message)
        console = typist.Typist("install", "proto", "sftp", *WORDS, self.address,
                                "pkgname.wmopkg")
        self.assertEqual(console.end(), 5)
        self.assertTrue(console.flat().endswith(f"wmopkg: {self.url}: {message}\n"),
                        console.flat())
        self.assertEqual(bench.read(self.file), before)
        # as the message says, or as the address is typed
        for host in (f"[127.0.0.1]:{self.ssh.port}", self.address):
            bench.write(self.file, before + b"other.example " +
                        public(self.ssh.keys["ed25519"]).encode() + b"\n")
            self.succeed(f"[127.0.0.1]:{self.ssh.port}: {fingerprint(self.stranger)}\n"
                         f"other.example: {fingerprint(self.ssh.keys['ed25519'])}\n", "host-key")
            self.succeed(f"Forgotten... The next connection to {host} asks about its key.\n",
                         "host-key", "forget", host)
            self.succeed(f"other.example: {fingerprint(self.ssh.keys['ed25519'])}\n", "host-key",
                         "show")
            self.check(4, "", f"{host}: no host key of it is known (see 'wmopkg host-key')",
                       "host-key", "forget", host)
        # a hashed name is found, too, and no other one
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", self.file], check=True, capture_output=True)
        self.assertEqual(self.wmopkg("host-key", "forget", "another.example").returncode, 4)
        self.assertEqual(self.wmopkg("host-key", "forget", "Other.example").returncode, 0)
        self.succeed("No host keys known.\n", "host-key")

    def test_other_type(self):
        """Known by a key that the server does not have, or libssh2 cannot ask for."""
        rsa = servers.make_key("rsa", "rsa")
        self.know(f"[127.0.0.1]:{self.ssh.port} {public(rsa)}")
        self.refuse_host(f"the server shows the host key {fingerprint(self.ssh.keys['ecdsa'])}, "
                         f"but {self.file} line 1 has {fingerprint(rsa)} (if both belong to "
                         "the server, add the line that ssh-keyscan prints for the first)")

    def test_other_type_of_hashed_name(self):
        """libcurl asks for the type of the first hashed line, whatever host it is for."""
        rsa = servers.make_key("rsa", "rsa")
        other = servers.make_key("other", "ecdsa")
        self.know(f"[127.0.0.1]:1 {public(self.stranger)}", f"[127.0.0.1]:{self.ssh.port} "
                  f"{public(rsa)}", f"www.example.com {public(other)}")
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", self.file], check=True,
                       capture_output=True)
        self.refuse_host(f"the server shows the host key {fingerprint(self.ssh.keys['ed25519'])}, "
                         f"but {self.file} line 2 has {fingerprint(rsa)} (if both belong to "
                         "the server, add the line that ssh-keyscan prints for the first)")
        self.know(f"www.example.com {public(other)}", self.line("ed25519"))
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", self.file], check=True,
                       capture_output=True)
        self.refuse_host(f"the server shows the host key {fingerprint(self.ssh.keys['ecdsa'])}, "
                         f"but {self.file} line 2 has {fingerprint(self.ssh.keys['ed25519'])} (if "
                         "both belong to the server, add the line that ssh-keyscan prints for the "
                         "first)")
        self.know(f"www.example.com {public(rsa)}", self.line("ed25519"))
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", self.file], check=True,
                       capture_output=True)
        self.install_good("sftp")

    def test_unknown_among_others(self):
        """Whatever else is known, and in which form: the question is asked."""
        self.know(f"127.0.0.1 {public(self.stranger)}")
        self.check_asks()
        self.know(f"[127.0.0.1]:1 {public(self.stranger)}", f"ab,www.example.com "
                  f"{public(self.stranger)}")
        self.check_asks()
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", self.file], check=True,
                       capture_output=True)
        console = self.ask(kind="ed25519")
        console.type("y\n")
        self.assertEqual(console.end(), 0)
        self.install_good("scp")

    def test_name_without_the_port(self):
        """It is another server, though libssh2 would believe its key."""
        for kind in self.KEYS:
            self.know(f"127.0.0.1 {public(self.ssh.keys[kind])}")
            self.check_asks()
            self.know(f"127.0.0.1 {public(self.ssh.keys[kind])}",
                      f"[127.0.0.1]:{self.ssh.port} {public(self.stranger)}")
            self.assertIn("THE HOST KEY OF THE SERVER HAS CHANGED",
                          self.wmopkg("install", "proto", "sftp", *WORDS, self.address,
                                      "pkgname.wmopkg").stderr)

    def test_hashed_name_without_the_port(self):
        """libssh2 tries this one after the name with the port, as OpenSSH does."""
        for key, status in ((self.stranger, 5), (self.ssh.keys["ed25519"], 0)):
            self.know(f"127.0.0.1 {public(key)}")
            subprocess.run(["ssh-keygen", "-q", "-H", "-f", self.file], check=True,
                           capture_output=True)
            result = self.wmopkg("install", "proto", "sftp", *WORDS, self.address,
                                 "pkgname.wmopkg")
            self.assertEqual(result.returncode, status)
            self.assertEqual("HAS CHANGED" in result.stderr, status == 5)

    def test_short_name(self):
        """libssh2 takes a name of two letters for a hashed one."""
        hosts = bench.read("/etc/hosts").decode()
        servers.write("hosts", f"{hosts}\n127.0.0.1 zz\n")

        def install(*more):
            return subprocess.run(
                ["unshare", "--mount", "sh", "-ec", "mount --bind hosts /etc/hosts\nexec \"$@\"",
                 "sh", bench.WMOPKG, "--config", "wmopkg.conf", "install", "proto", "sftp",
                 *WORDS, *more, "pkgname.wmopkg"], stdin=subprocess.DEVNULL,
                capture_output=True, text=True, check=False)

        self.know(self.line("ed25519", host="zz"))
        for host in ("zz", "ZZ"):
            result = install(f"{host}:{self.ssh.port}")
            self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.know(f"[zz]:{self.ssh.port} {public(self.stranger)}")
        self.assertIn("THE HOST KEY OF THE SERVER HAS CHANGED",
                      install(f"ZZ:{self.ssh.port}").stderr)

    def test_after_a_malformed_line(self):
        """For libssh2 the file would end there, and the server be unknown."""
        other = public(servers.make_key("other"))
        for line in ("\r", "www.example.com", "www.example.com ssh-ed25519 AAAA", f"{300 * 'a'} "
                     f"{other}", f"|1|{40 * 'A'}|A {other}"):
            self.know(line, self.line("ed25519"))
            self.install_good("sftp")
            self.know(line, f"[127.0.0.1]:{self.ssh.port} {public(self.stranger)}")
            self.assertIn("line 2 has", self.wmopkg("install", "proto", "sftp", *WORDS,
                                                    self.address, "pkgname.wmopkg").stderr)

    def test_revoked(self):
        """libssh2 does not know the marker; here it counts for every host."""
        message = ("THE HOST KEY OF THE SERVER IS REVOKED: "
                   f"{fingerprint(self.ssh.keys['ed25519'])}, by {self.file} line 2 (do not "
                   "trust this server)")
        for hosts in ("*", f"[127.0.0.1]:{self.ssh.port}", "www.example.com"):
            revoked = f"@revoked {hosts} {public(self.ssh.keys['ed25519'])}"
            self.know(self.line("ed25519"), revoked)
            self.refuse_host(message)
            self.know(self.line("ed25519"), revoked + " a comment\r")
            self.refuse_host(message)

    def test_revoked_and_unknown(self):
        self.know(*(f"@revoked * {public(self.ssh.keys[kind])}" for kind in self.KEYS))
        before = bench.read(self.file)
        console = typist.Typist("install", "proto", "sftp", *WORDS, self.address,
                                "pkgname.wmopkg")
        self.assertEqual(console.end(), 5)
        self.assertIn("THE HOST KEY OF THE SERVER IS REVOKED", console.flat())
        self.assertNotIn("(y/N)?", console.screen)
        self.assertEqual(bench.read(self.file), before)

    def test_revoked_another(self):
        self.know(self.line("ed25519"), f"@revoked * {public(self.stranger)}")
        self.install_good("sftp")
        self.know(f"@revoked * {public(self.stranger)}")
        self.check_asks()

    def test_pattern(self):
        """libssh2 matches none, so a line that may mean the server forbids the question."""
        for key in (self.ssh.keys["ecdsa"], self.stranger):
            for line in (f"* {public(key)}", f"[127.0.0.?]:* {public(key)}",
                         f"www.example.com,!127.0.0.1 {public(key)}",
                         f"@strange www.example.com {public(key)}"):
                self.know("# ours", line)
                before = bench.read(self.file)
                message = ("the host key of the server is not known: "
                           f"{fingerprint(self.ssh.keys['ecdsa'])}, and {self.file} line 2 cannot "
                           "be matched: patterns and markers are not supported (replace it by the "
                           "lines that ssh-keyscan prints)")
                self.refuse_host(message)
                console = typist.Typist("install", "proto", "sftp", *WORDS, self.address,
                                        "pkgname.wmopkg")
                self.assertEqual(console.end(), 5)
                self.assertTrue(console.flat().endswith(f"wmopkg: {self.url}: {message}\n"),
                                console.flat())
                self.assertEqual(bench.read(self.file), before)
        self.know(f"* {public(self.stranger)}", self.line("ed25519"))
        self.install_good("sftp")

    def test_authority(self):
        self.know(f"@cert-authority * {public(self.stranger)}")
        self.check_asks()

    def test_no_such_file(self):
        """A link could be made to lead anywhere, and memory is small."""
        begin = f"the known hosts of ssh, {self.file}: known_hosts: "
        bench.write("real", self.line().encode())
        os.symlink("../../real", self.file)
        self.refuse(1, f"{self.url}: {begin}not a file (give the name of a regular file)", "install",
                    "proto", "sftp", *WORDS, self.address, "pkgname.wmopkg",
                    output="Attempting to download file pkgname.wmopkg, using SFTP\n")
        os.unlink(self.file)
        with open(self.file, "wb") as file:
            file.truncate((1 << 20) + 1)
        result = self.wmopkg("install", "proto", "sftp", *WORDS, self.address, "pkgname.wmopkg")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{begin}over 1048576 bytes", result.stderr)


class Half(bench.Case):
    """Servers that have one of both only, or something else on this port."""

    SFTP = f"the server lets {servers.USER} in, but has no sftp, or its shell prints a text first " \
        "(give the words: proto scp)"

    def serve(self, name, **options):
        os.makedirs("persist/wmopkg", 0o700, exist_ok=True)
        ssh = servers.Ssh(f"{self.folder}/{name}", **options)
        self.addCleanup(ssh.close)
        shutil.copy(self.package, ssh.home)
        bench.write("persist/wmopkg/known_hosts",
                    f"[127.0.0.1]:{ssh.port} {public(ssh.keys['ed25519'])}\n".encode())
        return ssh

    def told(self, ssh, protocol):
        result = self.wmopkg("install", "proto", protocol, *WORDS, f"127.0.0.1:{ssh.port}",
                             "pkgname.wmopkg")
        begin = f"wmopkg: {protocol}://127.0.0.1:{ssh.port}/~/pkgname.wmopkg: "
        self.assertTrue(result.stderr.startswith(begin), result)
        self.assertEqual(bench.listing("data"), ["data/packages"])
        return result.returncode, result.stderr[len(begin):].strip()

    def script(self, name, text):
        return servers.write(f"{self.folder}/{name}", f"#!/bin/sh\n{text}\n", 0o755)

    def test_no_scp(self):
        """As an account for sftp only has it, and one without the program."""
        none = self.script("none", 'echo "sh: 1: scp: not found" >&2; exit 127')
        for name, command, status, message in (
                ("only", "internal-sftp", 4, f"the server has no such file, none that {servers.USER} "
                 "may read, or no scp (check the path; or give the words: proto sftp)"),
                ("none", none, 5, "the server sends nothing: the file is empty, or the server has "
                 "no scp (give the words: proto sftp)")):
            ssh = self.serve(f"ssh-{name}", options=f"ForceCommand {command}")
            self.assertEqual(self.told(ssh, "scp"), (status, message))

    def test_no_sftp(self):
        menu = self.script("menu", 'echo "Welcome to the box"')
        for name, options in (("menu", {"options": f"ForceCommand {menu}"}),
                              ("silent", {"sftp": self.script("silent", "exec sleep 100")})):
            with self.subTest(name):
                self.assertEqual(self.told(self.serve(f"ssh-{name}", **options), "sftp"),
                                 (5, self.SFTP))

    def test_other_protocol(self):
        for greeting in (b"220 ready\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n",
                         b"\x15\3\1\0\2\2\x32", b"x" * 300):
            with socket.create_server(("127.0.0.1", 0)) as server:
                def answer(server=server, greeting=greeting):
                    with server.accept()[0] as connection:
                        connection.sendall(greeting)
                        connection.recv(4096)
                thread = threading.Thread(target=answer)
                thread.start()
                result = self.wmopkg("install", "proto", "sftp", *WORDS,
                                     f"127.0.0.1:{server.getsockname()[1]}", "pkgname.wmopkg")
                thread.join()
            self.assertEqual(result.returncode, 5, result)
            self.assertIn("the server does not speak SSH on this port, or refuses this device (check "
                          "the protocol and the port)", result.stderr)

    def test_greeting_without_an_end(self):
        """Neither lines before the greeting nor one greeting may go on for ever."""
        for more, why in ((b"hello\r\n", "no answer from the server"),
                          (b"SSH-2.0-" + b"x" * 4000, "cannot begin a session of SSH")):
            with socket.create_server(("127.0.0.1", 0)) as server:
                def pour(server=server, more=more):
                    try:
                        with server.accept()[0] as connection:
                            while True:
                                connection.sendall(more)
                                time.sleep(0.01)
                    except OSError:  # it has ended the connection
                        pass
                thread = threading.Thread(target=pour)
                thread.start()
                result = self.wmopkg("install", "proto", "sftp", *WORDS,
                                     f"127.0.0.1:{server.getsockname()[1]}", "pkgname.wmopkg")
                thread.join()
            self.assertEqual(result.returncode, 5, result)
            self.assertIn(why, result.stderr)

    HARDENED = "Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com\n"
    ALLOW = r"\(allow a method of this device on the server, with {} in sshd_config, or update the " \
            r"firmware of this device: it has libssh2/[\d.]+\)$"

    def test_nothing_in_common(self):
        """A server that is hardened, in each list and in several: what both sides offer."""
        for name, options, types, settings, what in (
                ("kex", "KexAlgorithms sntrup761x25519-sha512@openssh.com", ("ed25519",), "KexAlgorithms",
                 "no key exchange in common with the server: the server has "
                 r"sntrup761x25519-sha512@openssh.com, this device has .*curve25519-sha256.* and \d+ more"),
                ("key", "HostKeyAlgorithms rsa-sha2-512", ("ed25519", "rsa"), "HostKeyAlgorithms",
                 "no host key type in common with the server: the server has rsa-sha2-512, this device "
                 "has .*ecdsa-sha2-nistp256.*"),
                ("cipher", self.HARDENED, ("ed25519",), "Ciphers",
                 "no cipher in common with the server: the server has aes256-gcm@openssh.com, "
                 "aes128-gcm@openssh.com, this device has .*aes256-ctr.*"),
                ("mac", "MACs umac-128-etm@openssh.com", ("ed25519",), "MACs",
                 "no MAC in common with the server: the server has umac-128-etm@openssh.com, this "
                 "device has hmac-sha2-256.*"),
                ("all", self.HARDENED + "MACs umac-128-etm@openssh.com\nKexAlgorithms "
                 "sntrup761x25519-sha512@openssh.com\n", ("ed25519",), "KexAlgorithms, Ciphers, MACs",
                 "no key exchange, no cipher and no MAC in common with the server: key exchange: the "
                 "server has sntrup761x25519-sha512@openssh.com, this device has .*; cipher: the server "
                 "has aes256-gcm@openssh.com.*, this device has aes.*-ctr.*")):
            with self.subTest(name):
                ssh = self.serve(f"ssh-{name}", options=options, types=types)
                cutter = servers.Cutter(ssh.port)
                self.addCleanup(cutter.close)
                for protocol in BOTH:
                    cutter.connections = 0
                    result = self.wmopkg("install", "proto", protocol, *WORDS,
                                         f"127.0.0.1:{cutter.port}", "pkgname.wmopkg")
                    self.assertEqual(result.returncode, 5, result)
                    self.assertRegex(result.stderr.strip(), f"^wmopkg: {protocol}://127.0.0.1:"
                                     f"{cutter.port}/~/pkgname.wmopkg: {what} "
                                     + self.ALLOW.format(settings))
                    # with the type of a known key, with any, and for the lists
                    self.assertEqual(cutter.connections, 3)
                self.assertEqual(bench.listing("data"), ["data/packages"])

    def stranger(self, *sends):
        """A server that gives each connection one of @sends, the last of them again and again."""
        listener = socket.create_server(("127.0.0.1", 0))
        counted = []

        def serve():
            while True:
                try:
                    connection = listener.accept()[0]
                except OSError:
                    return
                counted.append(1)
                with connection, contextlib.suppress(OSError):
                    sends[min(len(counted), len(sends)) - 1](connection)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(listener.close)
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        return listener.getsockname()[1], counted

    @staticmethod
    def offer(kex=b"none-of-yours", before=b"SSH-2.0-box\r\n"):
        """What says that @kex is all that this server can do."""
        lists = [kex, b"ssh-ed25519"] + [b"aes256-ctr"] * 2 + [b"hmac-sha2-256"] * 2 + [b"none"] * 2
        content = b"\x14" + bytes(16) + b"".join(len(one).to_bytes(4, "big") + one
                                                 for one in [*lists, b"", b""]) + bytes(5)
        padding = 8 + -(len(content) + 5) % 8
        return before + (len(content) + padding + 1).to_bytes(4, "big") + bytes([padding]) + \
            content + bytes(padding)

    def test_nothing_in_common_with_a_stranger(self):
        """What it says when it is asked is text for a terminal, and has an end, or does not count."""
        def pour(connection):
            while True:
                connection.sendall(b"hello\r\n" * 100)

        def drip(connection):
            while True:
                connection.sendall(b"x")
                time.sleep(0.2)

        vague = "the server and this device have no method of SSH in common for keys, ciphers or checksums"
        many = b",".join(b"kex-%d" % i for i in range(2000))
        for name, send, what in (
                ("rubbish", lambda one: one.sendall(bytes(range(256)) * 100), vague),
                ("a line of rubbish", lambda one: one.sendall(b"SSH-2.0-x\r\n" + b"\xff" * 500), vague),
                ("nothing", lambda one: None, vague),
                ("cut", lambda one: one.sendall(self.offer()[:60]), vague),
                ("lines without an end", pour, vague),
                ("slow", drip, vague),
                ("too large", lambda one: one.sendall(self.offer(b"x," * 20000)), vague),
                ("more words first", lambda one: one.sendall(self.offer(before=b"hello\nSSH-2.0-x\n")),
                 "no key exchange in common with the server: the server has none-of-yours, this"),
                ("many", lambda one: one.sendall(self.offer(many)), "no key exchange in common with the "
                 "server: the server has kex-0, kex-1, kex-2, kex-3, kex-4, kex-5, kex-6, kex-7, kex-8, "
                 "kex-9, kex-10, kex-11, kex-12, kex-13 and 1986 more, this device has"),
                ("a long one", lambda one: one.sendall(self.offer(b"y" * 9000)), "no key exchange in "
                 f"common with the server: the server has {'y' * 64}, this device has"),
                ("none", lambda one: one.sendall(self.offer(b"ext-info-s,,")), "no key exchange in "
                 "common with the server: the server has none, this device has"),
                ("for a terminal", lambda one: one.sendall(self.offer(b"\x1b[2J\xc2\x9bm\0%s\nwmopkg: done")),
                 "no key exchange in common with the server: the server has ?[2J??m?%s?wmopkg:?done, ")):
            with self.subTest(name):
                first = lambda one: one.sendall(self.offer())  # noqa: E731
                port, counted = self.stranger(first, first, send)
                begin = time.monotonic()
                result = self.wmopkg("install", "proto", "sftp", *WORDS, f"127.0.0.1:{port}",
                                     "pkgname.wmopkg")
                self.assertLess(time.monotonic() - begin, 20)
                self.assertEqual(result.returncode, 5, result)
                self.assertIn(f"wmopkg: sftp://127.0.0.1:{port}/~/pkgname.wmopkg: {what}", result.stderr)
                self.assertEqual(len(counted), 3)


if __name__ == "__main__":
    unittest.main()
