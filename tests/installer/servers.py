# SPDX-License-Identifier: MIT
"""The servers that packages are fetched from: nginx, and one that misbehaves as it is told."""

import os
import socket
import subprocess
import threading
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """nginx on loopback with a configuration, folder and port of its own."""

    CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {web};
        location /forbidden/ {{ return 403; }}
        location = /old/pkgname.wmopkg {{ return 302 /pkgname.wmopkg; }}
        location = /ftp/pkgname.wmopkg {{ return 302 ftp://127.0.0.1/pkgname.wmopkg; }}
        location = /file/pkgname.wmopkg {{ return 302 file:///etc/passwd; }}
        location = /round/pkgname.wmopkg {{ return 302 /round/pkgname.wmopkg; }}
        location = /nowhere/pkgname.wmopkg {{ return 204; }}
    }}
}}
"""

    def __init__(self, folder, web):
        self.port = free_port()
        os.mkdir(folder)
        configuration = os.path.join(folder, "nginx.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(self.CONFIGURATION.format(folder=folder, web=web, port=self.port))
        self.process = subprocess.Popen(
            ["nginx", "-e", os.path.join(folder, "error.log"), "-c", configuration],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("nginx does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait()


class Wire:
    """A server that answers one request with the bytes it is given, and then closes or waits."""

    def __init__(self, answer, hold=False):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answer, self.hold = answer, hold
        self.request = b""
        self.sent = threading.Event()
        self._let_go = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return
        with connection:
            while b"\r\n\r\n" not in self.request:
                part = connection.recv(4096)
                if not part:
                    break
                self.request += part
            try:
                connection.sendall(self.answer)
            except OSError:  # the other end has heard enough
                pass
            self.sent.set()
            if self.hold:
                self._let_go.wait()

    def close(self):
        self._let_go.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def answer(body, length=None, status="200 OK", headers=""):
    """An HTTP answer; @length is what it claims, None that it claims nothing."""
    claim = "" if length is None else f"Content-Length: {length}\r\n"
    return f"HTTP/1.1 {status}\r\n{claim}{headers}Connection: close\r\n\r\n".encode() + body
