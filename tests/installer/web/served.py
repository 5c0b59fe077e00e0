# SPDX-License-Identifier: MIT
"""A device in a folder tree whose pages are served: by a real web server, or by none."""

import base64
import contextlib
import html.parser
import http.client
import os
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402  pylint: disable=wrong-import-position
import states  # noqa: E402  pylint: disable=wrong-import-position

WEB = os.path.join(os.environ["WMOPKG_BUILD"], "installer", "wmopkg-web")
USER, PASSWORD = "admin", "geheim"
BOUNDARY = "----WebKitFormBoundaryABCDEFGHIJKLMNOP"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        self.text = body.decode()

    @property
    def messages(self):
        """What stands at the top of the page: [(kind, text)]."""
        page = Messages()
        page.feed(self.text)
        return page.found

    @property
    def fields(self):
        """The hidden fields of the first form of the page."""
        form = re.search(r"<form.*?</form>", self.text, re.S)
        return dict(re.findall(r'<input type=hidden name=(\w+) value="?([^">]*)"?>',
                               form.group(0) if form else ""))


class Messages(html.parser.HTMLParser):
    """The messages of a page, as text."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.kind = None
        self.is_word = False

    def handle_starttag(self, tag, attrs):
        names = dict(attrs).get("class", "") or ""
        if tag == "p" and names.startswith("message "):
            self.kind = names.split()[1]
            self.found.append((self.kind, ""))
        self.is_word = tag == "strong"

    def handle_endtag(self, tag):
        self.is_word = False
        if tag == "p":
            self.kind = None

    def handle_data(self, data):
        if self.kind and not self.is_word:
            self.found[-1] = (self.kind, (self.found[-1][1] + data).strip())


def multipart(fields, file=None, name="pkgname.wmopkg"):
    """(type, body) as a browser makes it; @file: bytes."""
    parts = [f'Content-Disposition: form-data; name="{field}"\r\n\r\n{value}'.encode()
             for field, value in fields.items()]
    if file is not None:
        parts.append(f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
                     "Content-Type: application/octet-stream\r\n\r\n".encode() + file)
    body = b"".join(b"--" + BOUNDARY.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return f"multipart/form-data; boundary={BOUNDARY}", body + f"--{BOUNDARY}--\r\n".encode()


class Case(states.Case):
    """The pages as a web server asks for them, without one."""

    def environment(self, method="GET", query="", user=USER, **more):
        """The variables of CGI, and nothing else."""
        variables = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method,
                     "QUERY_STRING": query, "SCRIPT_NAME": "/packages", "REMOTE_ADDR": "192.0.2.7",
                     "HTTP_HOST": "device", "PATH": os.environ["PATH"],
                     "WMOPKG_CONFIG": f"{self.folder}/wmopkg.conf",
                     **{name: str(value) for name, value in more.items()}}
        if user is not None:
            variables["REMOTE_USER"] = user
        # for the sanitizers
        return {**variables, **{name: value for name, value in os.environ.items()
                                if name.endswith("SAN_OPTIONS")}}

    def answer(self, output):
        head, _, body = output.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        self.assertTrue(all(len(line) == 2 for line in lines), output)
        self.assertEqual(lines[0][0], "Status")
        return Answer(int(lines[0][1].split()[0]), lines, body)

    def cgi(self, method="GET", query="", body=b"", arguments=(), **variables):
        """The answer to one request."""
        done = subprocess.run([WEB, *arguments], input=body, capture_output=True, check=False,
                              env=self.environment(method, query, CONTENT_LENGTH=len(body),
                                                   **variables) if "CONTENT_LENGTH"
                              not in variables else self.environment(method, query, **variables))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return self.answer(done.stdout)

    def show(self, query="", **variables):
        """A page that is there."""
        answer = self.cgi(query=query, **variables)
        self.assertEqual(answer.status, 200, answer.text)
        return answer

    def token(self, **variables):
        return self.show("page=install", **variables).fields["token"]

    def post(self, fields, file=None, name="pkgname.wmopkg", token=None, **variables):
        """A form that is sent, with the token of a page."""
        fields = {"token": self.token() if token is None else token, **fields}
        kind, body = multipart(fields, file, name)
        return self.cgi("POST", "", body, CONTENT_TYPE=kind, **variables)

    def done(self, answer, *messages):
        """It was done, and the page that the browser is sent to says so."""
        self.assertEqual(answer.status, 303, answer.text)
        where = answer.headers["location"]
        self.assertTrue(where.startswith("/packages?"), where)
        self.assertEqual(self.show(where.partition("?")[2]).messages, list(messages))

    def refused(self, answer, status, message):
        """It was not, for this reason."""
        self.assertEqual((answer.status, answer.messages), (status, [("error", message)]))


class WebServer:
    """busybox httpd on loopback, with a login, as a device has it."""

    def __init__(self, folder):
        self.port = free_port()
        self.folder = folder
        program = f"{folder}/www/cgi-bin/packages"
        os.makedirs(os.path.dirname(program))
        with open(program, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nexport WMOPKG_CONFIG={folder}/wmopkg.conf\nexec {WEB}\n")
        os.chmod(program, 0o755)
        bench.write(f"{folder}/httpd.conf", f"/:{USER}:{PASSWORD}\n".encode())
        self.process = subprocess.Popen(
            ["/bin/busybox", "httpd", "-f", "-p", f"127.0.0.1:{self.port}", "-h", f"{folder}/www",
             "-c", f"{folder}/httpd.conf"], stdin=subprocess.DEVNULL)
        wait_for_port(self.port)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/cgi-bin/packages"

    def close(self):
        self.process.terminate()
        self.process.wait()


def wait_for_port(port):
    wait_for(socket.AF_INET, ("127.0.0.1", port))


def wait_for(family, address):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.socket(family) as probe:
            probe.connect(address)
            return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens at {address}")


def authorization():
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


def request(port, path, method="GET", body=None, **headers):
    """A request of a program, with a login."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as link:
        link.request(method, path, body, {"Authorization": authorization(),
                                          **{name.replace("_", "-"): value
                                             for name, value in headers.items()}})
        answer = link.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
