#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which versions and ciphers of TLS wmopkg accepts, whatever the OpenSSL of the system is told."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import servers  # noqa: E402

SERVER = "(check the address, the path and the server)"
OLD = ("the server supports no version of TLS from 1.2 on (update the server, or use another "
       "protocol)")

# Allows everything that OpenSSL can do, and loads what it is told to.
CONFIGURATION = """
openssl_conf = begin
[begin]
ssl_conf = ssl
{more}
[ssl]
system_default = everything
[everything]
MinProtocol = TLSv1
CipherString = ALL:eNULL:@SECLEVEL=0
"""
ENGINE = """engines = engines
[engines]
stranger = stranger
[stranger]
dynamic_path = {library}
init = 0
"""
PROVIDER = """providers = providers
[providers]
stranger = stranger
[stranger]
module = {library}
activate = 1
"""
LIBRARY = """
#include <fcntl.h>
#include <stdlib.h>
static void __attribute__((constructor)) loaded(void) {{ open("{mark}", O_CREAT, 0666); }}
"""


class Tls(bench.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificates = servers.certificates(f"{cls.shared}/certificates", "good")

    def setUp(self):
        super().setUp()
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'authorities = "{self.certificates}/ca.pem"\n')
        self.mark = f"{self.folder}/run/loaded"
        self.addCleanup(os.environ.pop, "OPENSSL_CONF", None)

    def configure(self, more=""):
        os.environ["OPENSSL_CONF"] = servers.write(f"{self.folder}/openssl.cnf",
                                                   CONFIGURATION.format(more=more))

    def serve(self, *options):
        os.environ.pop("OPENSSL_CONF", None)
        self.count = getattr(self, "count", 0) + 1
        server = servers.OpenSsl(f"{self.folder}/tls{self.count}", self.shared,
                                 self.certificates, *options)
        self.addCleanup(server.close)
        self.url = f"https://127.0.0.1:{server.port}/pkgname.wmopkg"
        self.attempt = ("Attempting to download file pkgname.wmopkg, using HTTPS\n\n"
                        f"Connecting to 127.0.0.1 (127.0.0.1:{server.port})\n")

    def test_accepted(self):
        for options in (["-tls1_2"], ["-tls1_3"], []):
            self.serve(*options)
            self.configure()
            self.succeed(self.attempt + bench.LOCAL, "install", self.url)
            self.forget()

    def test_old_versions(self):
        for version in ("-tls1", "-tls1_1"):
            self.serve(version, "-cipher", "ALL:@SECLEVEL=0")
            for configured in (False, True):
                with self.subTest(version, configured=configured):
                    if configured:
                        self.configure()
                    self.refuse(5, f"{self.url}: {OLD}", "install", self.url,
                                output=self.attempt)

    def test_weak_ciphers(self):
        for cipher in ("NULL-SHA256", "AECDH-AES128-SHA", "ADH-AES128-GCM-SHA256"):
            self.serve("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
            self.configure()
            result = self.wmopkg("install", self.url)
            self.assertEqual((result.returncode, result.stdout), (5, self.attempt), cipher)
            self.assertIn("handshake failure", result.stderr)

    def test_weak_keys(self):
        """Those of the exchange: 1024 bits."""
        subprocess.run(["openssl", "dhparam", "-dsaparam", "-out", f"{self.folder}/dh.pem", "1024"],
                       check=True, capture_output=True)
        self.serve("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:DHE-ECDSA-AES128-GCM-SHA256:"
                   "ADH-AES128-GCM-SHA256:@SECLEVEL=0", "-dhparam", f"{self.folder}/dh.pem")
        self.configure()
        self.assertEqual(self.wmopkg("install", self.url).returncode, 5)

    def test_nothing_is_loaded(self):
        """Neither an engine nor a provider, whatever the command does with OpenSSL."""
        source = servers.write(f"{self.folder}/stranger.c", LIBRARY.format(mark=self.mark))
        library = f"{self.folder}/stranger.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        self.serve()
        for more in (ENGINE, PROVIDER):
            self.configure(more.format(library=library))
            # It is loaded by who does not mind.
            subprocess.run(["openssl", "list", "-providers"], capture_output=True, check=False)
            self.assertTrue(os.path.exists(self.mark))
            os.unlink(self.mark)
            self.succeed(self.attempt + bench.LOCAL, "install", self.url)
            self.assertFalse(os.path.exists(self.mark), "install")
            for words in (["verify", self.package], ["show"], ["unlock"], ["denylist"], ["audit"]):
                self.assertEqual(self.wmopkg(*words).returncode, 0, words)
                self.assertFalse(os.path.exists(self.mark), words)
            activate = os.path.join(bench.INSTALLER, "../initramfs/wmopkg-activate")
            subprocess.run([activate, "--plan", "--config", "wmopkg.conf"], check=True,
                           capture_output=True)
            self.assertFalse(os.path.exists(self.mark))
            self.forget()


if __name__ == "__main__":
    unittest.main()
