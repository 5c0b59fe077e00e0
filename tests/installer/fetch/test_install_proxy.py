#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install through the proxies that the environment names."""

import os
import re
import sys
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402
import wires  # noqa: E402

SERVER = "(check the address, the path and the server)"
INVALID = "the URL of the proxy cannot be used (check the variable: http://HOST:PORT)"
NOT_TRIED = "Attempting to download file pkgname.wmopkg, using HTTP\n"
NONE = {name: "" for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                              "no_proxy", "NO_PROXY")}


class Proxies(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificates = servers.certificates(f"{cls.shared}/certificates", "good", "other")
        cls.nginx = servers.Nginx(f"{cls.shared}/nginx", cls.shared, cls.certificates)
        cls.addClassCleanup(cls.nginx.close)
        cls.urls = {"http": f"http://127.0.0.1:{cls.nginx.port}/pkgname.wmopkg",
                    "https": f"https://127.0.0.1:{cls.nginx.tls['good']}/pkgname.wmopkg"}

    def setUp(self):
        super().setUp()
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'authorities = "{self.certificates}/ca.pem"\n')

    def start(self, **options):
        proxy = wires.Proxy(**options)
        self.addCleanup(proxy.close)
        return proxy

    def attempt(self, protocol, port):
        return (f"Attempting to download file pkgname.wmopkg, using {protocol.upper()}\n\n"
                f"Connecting to the proxy (127.0.0.1:{port})\n")

    def environment(self, **variables):
        patch = mock.patch.dict(os.environ, {**NONE, **variables})
        patch.start()
        self.addCleanup(patch.stop)
        for name, value in NONE.items():
            if not variables.get(name, value):
                os.environ.pop(name, None)

    def test_good(self):
        """Plain and with TLS, for both protocols; its certificate counts like that of a server."""
        for keys, scheme in ((None, "http"), (self.certificates, "https")):
            for protocol, url in self.urls.items():
                with self.subTest(scheme=scheme, protocol=protocol):
                    proxy = self.start(keys=keys)
                    self.environment(**{f"{protocol}_proxy": f"{scheme}://127.0.0.1:{proxy.port}"})
                    self.succeed(self.attempt(protocol, proxy.port) + bench.LOCAL, "install", url)
                    self.assertEqual(proxy.requests, [
                        f"CONNECT {url.split('/')[2]}" if protocol == "https" else f"GET {url}"])
                    self.forget()

    def test_not_for_all(self):
        self.environment(https_proxy="http://127.0.0.1:1", no_proxy="127.0.0.1")
        url = self.urls["https"]
        self.succeed(self.attempt("https", url.split(":")[2].split("/")[0]).replace(
            "the proxy", "127.0.0.1") + bench.LOCAL, "install", url)

    def test_named(self):
        """Whoever did not set it learns that there is one, but not its password."""
        refusing = self.start(answer=b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        other = self.start(keys=self.certificates, name="other")
        for variable, proxy, protocol, why in (
                ("https_proxy", "http://bob:s3same@127.0.0.1:1", "https",
                 "cannot connect: Connection refused (check the proxy)"),
                *[("http_proxy", value, "http", why) for value, why in (
                    # libcurl takes them, whatever is wrong with them as URLs
                    ("bob:s3same@127.0.0.1:1", "cannot connect: Connection refused (check the proxy)"),
                    ("http://bob:s3'same@127.0.0.1:1", "cannot connect: Connection refused (check the "
                     "proxy)"),
                    ("bob:s3same@no host:1", INVALID), ("http://bob:s3/same@127.0.0.1:1", INVALID),
                    ("foo://bob:s3same@127.0.0.1:1", INVALID),
                    ("http://bob:s3same@no.invalid:1", "cannot resolve the host name of the proxy (check "
                     "the proxy)"))],
                ("http_proxy", f"http://127.0.0.1:{refusing.port}", "http",
                 f"the server says 403 Forbidden {SERVER}"),
                ("https_proxy", f"http://127.0.0.1:{refusing.port}", "https",
                 "the proxy does not connect to the server: it says 403 (check the proxy)"),
                ("ALL_PROXY", f"https://127.0.0.1:{other.port}", "https",
                 "the certificate of the server is not accepted: it is for another host name: SSL: no "
                 "alternative certificate subject name matches target host name '127.0.0.1' (check "
                 f"the address; certificate authorities: {self.certificates}/ca.pem, from "
                 "'authorities' in the configuration)")):
            with self.subTest(why=why):
                self.environment(**{variable: proxy})
                shown = re.sub("bob:.*@", "", proxy)
                url = self.urls[protocol]
                output = self.attempt(protocol, proxy.rsplit(":", 1)[1])
                self.refuse(5, f"{url}: through the proxy {shown} ({variable}): {why}", "install", url,
                            output=output if "127" in shown and why != INVALID else NOT_TRIED)
                os.environ.pop(variable)

    def test_very_long(self):
        """Where libcurl cuts what it says, the password may have no end."""
        self.environment(http_proxy=f"http://bob:{'s3same' * 500}@127.0.0.1:1")
        result = self.wmopkg("install", self.urls["http"])
        self.assertEqual(result.returncode, 5)
        self.assertIn("through the proxy of a very long URL (http_proxy): ", result.stderr)
        self.assertNotIn("s3same", result.stdout + result.stderr)

    def test_does_not_end(self):
        """What a proxy says is bounded, too."""
        proxy = self.start(answer=b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 400000)
        self.environment(https_proxy=f"http://127.0.0.1:{proxy.port}")
        result = self.wmopkg("install", self.urls["https"])
        self.assertEqual(result.returncode, 5, result)
        self.assertIn(f"through the proxy http://127.0.0.1:{proxy.port} (https_proxy): ",
                      result.stderr)
        self.assertNotIn("memory", result.stderr)

    def test_refusal_does_not_end(self):
        """libcurl reads the page that comes with it byte by byte, without a limit of its own."""
        proxy = self.start(answer=b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n"
                           b"Content-Length: 99999999999\r\n\r\n" + bytes(4 << 20))
        self.environment(https_proxy=f"http://127.0.0.1:{proxy.port}")
        result = self.wmopkg("install", self.urls["https"])
        self.assertEqual((result.returncode, result.stderr), (
            5, f"wmopkg: {self.urls['https']}: the proxy http://127.0.0.1:{proxy.port} (https_proxy) "
            f"sends over 1048576 bytes that are not part of the file {SERVER}\n"))


if __name__ == "__main__":
    unittest.main()
