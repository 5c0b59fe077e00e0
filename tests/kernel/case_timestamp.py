# SPDX-License-Identifier: MIT
"""Timestamps at boot: where the configuration requires them, only packages that an authority
of the key ring has stamped are active; where it does not, both kinds are.
"""

import os
import sys

from device import Device, equal

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "trust"))

import ca as authorities  # noqa: E402
from ca import read, run, write  # noqa: E402

CONFIG = """[tsa]
default_tsa = any
[any]
serial = {work}/tsa-serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
"""
REASONS = {
    "plain": "its signature has no timestamp",
    "foreign": "the authority of its timestamp is not in this device's key ring",
}


def prepare(work, build):
    tool = build + "/installer/wmopkg-build"
    ca = authorities.Authorities(work + "/ca")
    for root in ("root", "public", "unknown"):
        ca.authority(root)
    ca.issue("good", "root")
    ca.issue("tsa", "public", usage="critical,timeStamping")
    ca.issue("stranger", "unknown", usage="critical,timeStamping")
    os.makedirs(work + "/ring")
    write(work + "/ring/root.pem", read(ca.pem("root")))
    write(work + "/ring/public.tsa.pem", read(ca.pem("public")))
    write(work + "/tsa.conf", CONFIG.format(work=work).encode())
    for name, authority in (("plain", None), ("stamped", "tsa"), ("foreign", "stranger")):
        os.makedirs(f"{work}/tree-{name}/member")
        write(f"{work}/tree-{name}/member/{name}", name.encode())
        package = f"{work}/{name}.wmopkg"
        run(tool, "create", "--version", "1.0", "--description", "Example", "--key",
            ca.key("good"), "--cert", ca.pem("good"), f"{work}/tree-{name}", package)
        if authority:
            run(tool, "extract", "--timestamp-query", work + "/tsq", package)
            write(work + "/tsa-serial", b"01\n")
            run("openssl", "ts", "-reply", "-config", work + "/tsa.conf", "-queryfile",
                work + "/tsq", "-inkey", ca.key(authority), "-signer", ca.pem(authority), "-out",
                work + "/tsr")
            run(tool, "sign", "--timestamp", work + "/tsr", package, package)


def boot(work, build, **settings):
    names = ("foreign", "plain", "stamped")
    with Device(work, build, ring=work + "/ring", **settings) as device:
        for name in names:
            device.install(f"{work}/{name}.wmopkg")
        device.activate()
        for name in names:
            package, left_out = device.package(name), settings and name in REASONS
            equal(package["active"], not left_out, name)
            equal(package["verification"], "Untrusted" if left_out else "Signed", name)
            equal(package["reason"], {"code": "missing-timestamp", "message": REASONS[name]}
                  if left_out else {"code": "ok", "message": ""}, name)
            equal(device.see("member/" + name), None if left_out else name, name)


def test_required(work, build):
    boot(work, build, timestamp="required")


def test_optional(work, build):
    boot(work, build)
