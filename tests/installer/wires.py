# SPDX-License-Identifier: MIT
"""Servers that misbehave as they are told, byte for byte."""

import socket
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
