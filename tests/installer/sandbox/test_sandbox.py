#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a process without rights can do once a stranger has taken it over: nothing.

Each attack succeeds in a process that has its rights, and in none that has lost them, whichever
piece of the protection a kernel lacks.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
import everybody  # noqa: E402  pylint: disable=wrong-import-position

PROGRAM = everybody.runnable(os.path.join(os.environ["WMOPKG_BUILD"], "tests/installer/misbehave"))
USER, PRIVILEGES, LIMITS, ROOT, LANDLOCK, SYSCALLS = (1 << bit for bit in range(6))
NAMES = {USER: "user", PRIVILEGES: "no new privileges", LIMITS: "limits", ROOT: "private root",
         LANDLOCK: "Landlock", SYSCALLS: "seccomp"}
ALL = 63
NOBODY = 64321  # an account of no one
SECRET = "not for strangers"


def pieces(without=0, *words, program=PROGRAM, user=None):
    """Those in force, as a mask."""
    said = subprocess.run([program, str(without), "fetch", "pieces", *words], check=True,
                          capture_output=True, text=True, user=user, group=user,
                          extra_groups=[] if user else None).stdout.strip()
    return sum(piece for piece, name in NAMES.items() if name in said.split(", "))


class Sandbox(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="wmopkg-test-sandbox.")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o777)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.port = str(self.server.getsockname()[1])
        self.path = f"{self.folder}/socket"
        self.abstract = f"@wmopkg-test-{os.getpid()}"
        for address in (self.path, "\0" + self.abstract[1:]):
            one = socket.socket(socket.AF_UNIX)
            self.addCleanup(one.close)
            one.bind(address)
            one.listen()
        os.chmod(self.path, 0o777)
        self.store = f"{self.folder}/packages"
        os.mkdir(self.store)
        os.chmod(self.store, 0o777)

    def do(self, action, argument="", without=0, rules="fetch", user=None):
        """What became of an attack."""
        return subprocess.run(
            [PROGRAM, str(without), rules, action, argument], check=True,
            capture_output=True, text=True, user=user, group=user,
            extra_groups=[] if user else None, env={**os.environ, "SECRET": SECRET},
            stdin=subprocess.DEVNULL).stdout.strip()

    def attacks(self):
        """Each with a file that is open to everybody, so that only the sandbox protects it."""
        for name in ("file", "gone", "moved"):
            path = f"{self.store}/{name}"
            with open(path, "w", encoding="ascii") as file:
                file.write("x")
            os.chmod(path, 0o666)
        return (("read", f"{self.store}/file"), ("read", "/etc/passwd"),
                ("write", f"{self.store}/file"), ("write", f"{self.store}/new"),
                ("mkdir", f"{self.store}/folder"), ("unlink", f"{self.store}/gone"),
                ("rename", f"{self.store}/moved"), ("list", self.folder), ("list", "/proc"),
                ("exec", "/bin/true"), ("memory", ""), ("peek", ""), ("trace", ""),
                ("signal", ""), ("fork", ""), ("fill", ""), ("memfd", ""), ("files", ""),
                ("program", ""), ("environment", "SECRET"), ("setrlimit", ""),
                ("unix", self.path), ("unix", self.abstract), ("listen", ""),
                ("socket", str(socket.AF_INET)), ("socket", str(socket.AF_PACKET)),
                ("mount", self.store), ("root", ""), ("unshare", ""))

    @staticmethod
    def open_to(missing, is_root):
        """The attacks that remain possible without some pieces, on files that are everybody's."""
        files = {LANDLOCK} | ({ROOT} if is_root else set()) <= missing
        found = {"read", "list"} if files else set()
        if SYSCALLS in missing:
            found |= {"fork", "program", "unshare"}
            found |= {"mkdir", "unlink", "rename", "exec"} if files else set()
            found |= {"unix"} if missing & {LANDLOCK, ROOT} or not is_root else set()
            if LANDLOCK in missing:
                found |= {"listen"} | (set() if is_root else {"signal"})
        return found

    def check_attacks(self, without, user):
        left_out = {piece for piece in NAMES if piece & without}
        lacking = {piece for piece in NAMES if not piece & pieces(user=user)}
        allowed = self.open_to(left_out | lacking, user is None)
        for action, argument in self.attacks():
            with self.subTest(action, argument=argument, without=left_out, user=user):
                said = self.do(action, argument, without, user=user)
                if action not in allowed:
                    self.assertRegex(said, r"\Arefused: .|\Akilled: Bad system call\Z")

    def test_attacks_are_real(self):
        """With all rights each of them succeeds, so the test can tell."""
        for action, argument in self.attacks():
            if action in ("environment", "setrlimit"):
                continue  # what needs no piece
            with self.subTest(action, argument=argument):
                self.assertEqual(self.do(action, argument, ALL & ~PRIVILEGES), "done")

    def test_every_piece(self):
        found = pieces()
        for piece in (USER, PRIVILEGES, LIMITS, ROOT):
            self.assertTrue(found & piece, NAMES[piece])
        self.check_attacks(0, None)

    def test_without_a_piece(self):
        for piece in (ROOT, LANDLOCK, SYSCALLS):
            self.check_attacks(piece, None)

    def test_without_two(self):
        for without in (ROOT | LANDLOCK, LANDLOCK | SYSCALLS, ROOT | SYSCALLS):
            self.check_attacks(without, None)

    def test_not_root(self):
        self.assertFalse(pieces(user=NOBODY) & (USER | ROOT))
        for without in (0, LANDLOCK, SYSCALLS):
            self.check_attacks(without, NOBODY)

    def test_nothing_is_left(self):
        """No attack has left a trace in the store."""
        self.check_attacks(0, None)
        self.assertEqual(sorted(os.listdir(self.store)), ["file", "gone", "moved"])

    def test_what_would_only_be_an_attack_ends_it(self):
        if not pieces() & SYSCALLS:
            self.skipTest("no seccomp")
        for action in ("fork", "exec", "trace", "peek", "signal", "mount", "unshare"):
            self.assertEqual(self.do(action, "/bin/true"), "killed: Bad system call", action)

    def test_ports(self):
        """One port is one port, and a reader of media has none."""
        self.assertEqual(self.do("tcp", self.port), "done")
        self.assertEqual(self.do("tcp", self.port, rules=f"port={self.port}"), "done")
        for user in (None, NOBODY):
            if pieces() & SYSCALLS:
                self.assertNotEqual(self.do("tcp", self.port, rules="probe", user=user), "done")
            if pieces() & LANDLOCK:
                self.assertEqual(self.do("tcp", self.port, rules="port=9", user=user),
                                 "refused: Permission denied")

    def test_agent(self):
        """It is asked for its keys and for signatures, and for nothing else: not to forget its keys
        (19), to be locked (22), to load a library (20, 26), or whatever an extension does (27)."""
        if not pieces() & ROOT:
            self.skipTest("no private root")
        heard = []

        def serve(server):
            server.settimeout(60)
            with server, server.accept()[0] as client:
                while said := client.recv(4096):
                    heard.append(said)
                    client.sendall(said.count(b"x") * b"\0\0\0\1\5")

        for types, passed in (("11 13", 2), ("19", 0), ("20", 0), ("22", 0), ("26", 0), ("27", 0),
                              ("13 22", 1)):
            path = f"{self.folder}/agent{types}"
            server = socket.socket(socket.AF_UNIX)
            server.bind(path)
            server.listen()
            heard.clear()
            thread = threading.Thread(target=serve, args=(server,))
            thread.start()
            said = self.do("agent", types, rules="agent=" + path)
            thread.join()
            self.assertEqual(b"".join(heard).count(b"x"), passed, (types, heard))
            self.assertEqual(said, "done" if passed == 2 else "refused: Connection reset by peer")

    def test_agent_that_is_busy(self):
        """One that accepts nobody is like one that is not there."""
        path = f"{self.folder}/busy"
        with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as first:
            server.bind(path)
            server.listen(0)
            first.connect(path)
            self.assertRegex(self.do("agent", "11", rules="agent=" + path), "refused")

    def test_threads(self):
        """Names are looked up in a thread; a reader of media needs none."""
        for user in (None, NOBODY):
            self.assertEqual(self.do("thread", user=user), "done")
            self.assertRegex(self.do("thread", rules="probe", user=user), "refused")

    def test_descriptors(self):
        """Those of the parent are closed; standard input is not the parent's."""
        with open(f"{self.store}/secret", "w+", encoding="ascii") as file:
            file.write(SECRET)
            file.flush()
            for without, number, found in (
                    (ALL & ~PRIVILEGES, 0, "No data available"), (0, 0, "No data available"),
                    (0, 9, "Bad file descriptor"), (0, file.fileno(), "Bad file descriptor")):
                said = subprocess.run(
                    ["sh", "-c", f'exec "$@" 9<{self.store}/secret', "sh",
                     PROGRAM, str(without), "fetch", "descriptor", str(number)], check=True,
                    stdin=file, pass_fds=[file.fileno()], capture_output=True, text=True).stdout
                self.assertEqual(said, f"refused: {found}\n")

    def test_ends_with_its_parent(self):
        for user in (None, NOBODY):
            with subprocess.Popen([PROGRAM, "0", "fetch", "wait"],
                                  stdout=subprocess.PIPE, text=True, user=user) as parent:
                child = int(parent.stdout.readline())
                os.kill(child, 0)
                parent.kill()
                parent.wait()
                end = time.monotonic() + 60
                while os.path.exists(f"/proc/{child}"):
                    self.assertLess(time.monotonic(), end)
                    time.sleep(0.01)

    def test_killed(self):
        with subprocess.Popen([PROGRAM, "0", "fetch", "wait"], stdout=subprocess.PIPE,
                              text=True) as parent:
            os.kill(int(parent.stdout.readline()), signal.SIGTERM)
            self.assertEqual(parent.communicate()[0], "killed: Terminated\n")


if __name__ == "__main__":
    unittest.main()
