#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg install over https: against nginx with certificates of every kind."""

import datetime
import os
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402

DEFAULT = ("(check the address; certificate authorities: /etc/ssl/certs/ca-certificates.crt; "
           "'authorities' in the configuration names others)")
CLOCK = "(set the clock; if it is correct, the server needs a new certificate)"


class Https(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificates = servers.certificates(f"{cls.shared}/certificates")
        cls.nginx = servers.Nginx(f"{cls.shared}/nginx", cls.shared, cls.certificates)
        cls.addClassCleanup(cls.nginx.close)

    def trust(self, path):
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'authorities = "{path}"\n')

    def trusted(self):
        return (f"(check the address; certificate authorities: {self.ca}, from 'authorities' in the "
                "configuration)")

    def setUp(self):
        super().setUp()
        self.ca = f"{self.certificates}/ca.pem"

    def url(self, kind, host="127.0.0.1"):
        return f"https://{host}:{self.nginx.tls[kind]}/pkgname.wmopkg"

    def attempt(self, kind, host="127.0.0.1"):
        return ("Attempting to download file pkgname.wmopkg, using HTTPS\n\n"
                f"Connecting to {host} ({host}:{self.nginx.tls[kind]})\n")

    def refuse_kind(self, kind, message):
        self.refuse(5, f"{self.url(kind)}: {message}", "install", self.url(kind),
                    output=self.attempt(kind))

    def test_good(self):
        self.trust(self.ca)
        for host in ("127.0.0.1", "[::1]"):
            self.succeed(self.attempt("good", host) + bench.LOCAL, "install",
                         self.url("good", host))
            self.forget()
            self.succeed(self.attempt("good", host) + bench.LOCAL, "install", "proto", "https",
                         f"{host}:{self.nginx.tls['good']}", "pkgname.wmopkg")
            self.forget()

    def test_folder_of_authorities(self):
        os.mkdir("ca")
        shutil.copy(f"{self.certificates}/other.pem", "ca/first.crt")
        shutil.copy(self.ca, "ca/second.pem")
        bench.write("ca/README", b"no certificate")
        self.trust(f"{self.folder}/ca")
        self.succeed(self.attempt("good") + bench.LOCAL, "install", self.url("good"))

    def test_no_authorities(self):
        os.mkdir("ca")
        self.trust(f"{self.folder}/ca")
        self.refuse(1, f"{self.url('good')}: the authorities of https: {self.folder}/ca: no file "
                    "*.pem or *.crt in it (correct the configuration file)", "install",
                    self.url("good"), output=self.attempt("good").split("\n")[0] + "\n")

    def test_unknown_authority(self):
        self.refuse_kind("good", "the certificate of the server is not accepted: no authority that "
                         "this device trusts has signed it: SSL certificate problem: unable to get "
                         f"local issuer certificate {DEFAULT}")

    def test_other_name(self):
        self.trust(self.ca)
        self.refuse_kind("other", "the certificate of the server is not accepted: it is for "
                         "another host name: SSL: no alternative certificate subject name matches "
                         f"target host name '127.0.0.1' {self.trusted()}")

    def test_clock(self):
        self.trust(self.ca)
        for kind, words in (("early", "is not valid yet"), ("expired", "has expired")):
            result = self.wmopkg("install", self.url(kind))
            self.assertEqual((result.returncode, result.stdout), (5, self.attempt(kind)))
            self.assertRegex(result.stderr, rf"\Awmopkg: {self.url(kind)}: the server's "
                             rf"certificate {words} by this device's clock, which shows "
                             r"\d{4}-\d\d-\d\d \d\d:\d\d UTC \(set the clock; .*\)\n\Z")
            shown = datetime.datetime.strptime(result.stderr.split("which shows ")[1][:16],
                                               "%Y-%m-%d %H:%M")
            now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
            self.assertLess(abs(now - shown), datetime.timedelta(minutes=10))

    def test_from_http(self):
        """A redirect from http leads to https, and there the certificate counts."""
        nginx = servers.Nginx(f"{self.folder}/nginx", self.shared, more=
                              f"location = /to/pkgname.wmopkg {{ return 301 {self.url('good')}; }}"
                              f"location = /no/pkgname.wmopkg {{ return 301 {self.url('other')}; }}")
        self.addCleanup(nginx.close)
        self.trust(self.ca)

        def said(kind):
            return ("Attempting to download file pkgname.wmopkg, using HTTP\n\n"
                    f"Connecting to 127.0.0.1 (127.0.0.1:{nginx.port})\n"
                    f"Connecting to 127.0.0.1 (127.0.0.1:{self.nginx.tls[kind]})\n")

        url = f"http://127.0.0.1:{nginx.port}"
        self.succeed(said("good") + bench.LOCAL, "install", f"{url}/to/pkgname.wmopkg")
        self.refuse(5, f"{url}/no/pkgname.wmopkg: the certificate of the server is not accepted: "
                    "it is for another host name: SSL: no alternative certificate subject name matches "
                    f"target host name '127.0.0.1' {self.trusted()}", "install",
                    f"{url}/no/pkgname.wmopkg", output=said("other"))

    def test_never_to_less(self):
        """What https has said once leads to https only, however the redirects began."""
        nginx = servers.Nginx(f"{self.folder}/nginx", self.shared, self.certificates,
                              "location /to/ { return 301 $arg_to; }")
        self.addCleanup(nginx.close)
        self.trust(self.ca)
        plain, tls = f"127.0.0.1:{nginx.port}", f"127.0.0.1:{nginx.tls['good']}"

        def chain(*hops):
            """The URL of the first, which leads to the next by its query."""
            url = hops[-1]
            for hop in reversed(hops[:-1]):
                url = f"{hop}/to/pkgname.wmopkg?to={url}"
            return url

        end = "/pkgname.wmopkg"
        for hops in ((f"https://{tls}", f"https://{tls}{end}"),
                     (f"http://{plain}", f"http://{plain}{end}"),
                     (f"http://{plain}", f"https://{tls}", f"https://{tls}{end}")):
            with self.subTest(hops=hops):
                result = self.wmopkg("install", chain(*hops))
                self.assertEqual((result.returncode, result.stderr), (0, ""), result)
                self.forget()
        for hops in ((f"https://{tls}", f"http://{plain}{end}"),
                     (f"HTTPS://{tls}", f"HTTP://{plain}{end}"),
                     (f"https://{tls}", f"http://{plain}", f"https://{tls}{end}"),
                     (f"http://{plain}", f"https://{tls}", f"http://{plain}{end}"),
                     (f"https://{tls}", f"https://{tls}", f"http://{plain}{end}"),
                     (f"https://{tls}", f"ftp://{plain}{end}"),
                     (f"https://{tls}", "file:///etc/passwd")):
            with self.subTest(hops=hops):
                result = self.wmopkg("install", chain(*hops))
                self.assertEqual(result.returncode, 5, result)
                self.assertIn("the server says 301 Moved Permanently, to another protocol than "
                              "https (check the address", result.stderr)
                self.assertEqual(bench.listing("data", "persist"), ["data/packages"])

    def test_password(self):
        self.trust(self.ca)
        url = self.url("good").replace("/pkgname", "/private/pkgname")
        self.succeed(self.attempt("good") + bench.LOCAL, "install", url.replace(
            "https://", f"https://{servers.USER}:{servers.PASSWORD.replace(' ', '%20')}@"))
        self.refuse(5, f"{url}: the server says 401 Unauthorized (check the user name and the "
                    "password)", "install", url.replace("https://", "https://bob:wrong@"),
                    output=self.attempt("good"))


if __name__ == "__main__":
    unittest.main()
