# SPDX-License-Identifier: MIT
"""Servers that misbehave as they are told, byte for byte."""

import socket
import ssl
import threading


class Wire:
    """A server that serves as many connections as it has answers, one after the other.

    An answer is bytes, after which the connection is closed, or what is called with the Wire and
    the connection. Behind the last one nobody listens any more.
    """

    def __init__(self, *answers, host="127.0.0.1", wrap=None):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, 0), family=family)
        self.port = self.listener.getsockname()[1]
        self.answers, self.wrap = answers, wrap
        self.requests = []
        self.sent = threading.Event()
        self.let_go = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    @property
    def request(self):
        """The first one."""
        return self.requests[0]

    def _serve(self):
        for number, answer in enumerate(self.answers):
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if number + 1 == len(self.answers):
                self.listener.close()
            try:
                with self.wrap(connection) if self.wrap else connection as talk:
                    self._answer(talk, answer)
            except OSError:  # the other end has heard enough
                pass

    def _answer(self, connection, answer):
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(4096)
            if not part:
                break
            request += part
        self.requests.append(request)
        if callable(answer):
            answer(self, connection)
        else:
            connection.sendall(answer)
        self.sent.set()

    def close(self):
        self.let_go.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:  # closed already
            pass
        self.listener.close()
        self.thread.join()


class Ftp:
    """A server of ftp that has one file, @content, for everyone, and says what it is told to.

    @replies: command -> its reply, or what is called with the connection, and returns whether to
    go on. "220" is its greeting, "226" what it says after the file; None is the end of the
    connection. .commands: what it was told, of all connections.
    """

    REPLIES = {"220": "220 ready", "USER": "331 password, please", "PASS": "230 welcome",
               "PWD": '257 "/" is here', "TYPE": "200 as it is", "CWD": "250 gone there",
               "MDTM": "213 20261122100000", "RETR": "150 here it comes", "226": "226 all of it",
               "QUIT": "221 goodbye"}

    def __init__(self, content, **replies):
        self.content, self.commands = content, []
        self.replies = self.REPLIES | {"SIZE": f"213 {len(content)}"} | {
            key.lstrip("_"): reply for key, reply in replies.items()}
        self.let_go = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._listen)]
        self.threads[0].start()

    def _listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self.threads[-1].start()

    def _reply(self, connection, key):
        reply = self.replies.get(key, "500 not here")
        if callable(reply):
            return reply(connection)
        if reply is not None:
            connection.sendall(f"{reply}\r\n".encode())
        return reply is not None

    def _serve(self, connection):
        data, offset = None, 0
        with connection, connection.makefile("rb") as lines:
            try:
                if not self._reply(connection, "220"):
                    return
                for line in lines:
                    self.commands.append(line.decode().strip())
                    key, _, value = self.commands[-1].partition(" ")
                    if key == "EPSV":
                        data = socket.create_server(("127.0.0.1", 0))
                        connection.sendall(f"229 (|||{data.getsockname()[1]}|)\r\n".encode())
                    elif key == "REST":
                        offset = int(value)
                        connection.sendall(b"350 from there\r\n")
                    elif not self._reply(connection, key):
                        return
                    if key == "RETR" and self.replies["RETR"].startswith("150"):
                        with data, data.accept()[0] as there:
                            there.sendall(self.content[offset:])
                        if not self._reply(connection, "226"):
                            return
            except OSError:  # the other end has heard enough
                pass
            finally:
                if data:
                    data.close()

    def silent(self, connection):
        """A reply that never comes, from a firewall that has forgotten the connection."""
        connection.settimeout(0.1)
        while not self.let_go.is_set():
            try:
                if not connection.recv(4096):
                    return False
            except TimeoutError:
                pass
        return False

    def close(self):
        self.let_go.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


class Proxy:
    """A proxy on .port that tunnels (CONNECT), and fetches by plain http; .requests: first lines.

    @keys: folder of servers.certificates(): it speaks TLS itself, as @name; @answer: what it says
    to each request instead.
    """

    def __init__(self, keys=None, name="good", answer=None):
        self.context = None
        if keys:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(f"{keys}/{name}.pem", f"{keys}/{name}.key")
        self.answer, self.requests = answer, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._listen)]
        self.threads[0].start()

    def _listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self.threads[-1].start()

    def _serve(self, connection):
        if self.context:
            try:
                connection = self.context.wrap_socket(connection, True)
            except OSError:  # it closes it
                return
        with connection:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    part = connection.recv(4096)
                    if not part:
                        return
                    head += part
                method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
                self.requests.append(f"{method} {target}")
                if self.answer:
                    connection.sendall(self.answer)
                    return
                host = target if method == "CONNECT" else target.split("/")[2]
                with socket.create_connection(host.rsplit(":", 1)) as server:
                    if method == "CONNECT":
                        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    else:
                        server.sendall(head)
                    self._carry(connection, server)
            except OSError:  # an end has heard enough
                pass

    @staticmethod
    def _carry(client, server):
        client.settimeout(0.01)
        server.settimeout(0.01)
        while True:
            for source, sink in ((client, server), (server, client)):
                try:
                    part = source.recv(65536)
                except TimeoutError:
                    continue
                if not part:
                    return
                sink.settimeout(60)
                sink.sendall(part)
                sink.settimeout(0.01)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()


def held(content):
    """An answer after which the connection stays open, and silent, until the client ends it."""
    def answer_and_wait(wire, connection):
        try:
            connection.sendall(content)
        finally:
            wire.sent.set()
        connection.settimeout(0.1)
        while not wire.let_go.is_set():
            try:
                if not connection.recv(4096):
                    return
            except TimeoutError:
                pass
    return answer_and_wait


def dripping(content, piece, pause_s):
    """An answer that comes in small pieces, with pauses."""
    def drip(wire, connection):
        for place in range(0, len(content), piece):
            connection.sendall(content[place:place + piece])
            wire.let_go.wait(pause_s)
    return drip


def answer(body, length=None, status="200 OK", headers=""):
    """An HTTP answer; @length is what it claims, None that it claims nothing."""
    claim = "" if length is None else f"Content-Length: {length}\r\n"
    return f"HTTP/1.1 {status}\r\n{claim}{headers}Connection: close\r\n\r\n".encode() + body


def part(whole, begin, total=None, headers=""):
    """The rest of a file, as an HTTP answer."""
    total = len(whole) if total is None else total
    return answer(whole[begin:], len(whole) - begin, "206 Partial Content",
                  f"Content-Range: bytes {begin}-{len(whole) - 1}/{total}\r\n{headers}")
