# SPDX-License-Identifier: MIT
"""Every verdict, and some packages that would earn two of them, under every policy that a
device can have: what it must say, and whether it uses the package. Written out by hand.
"""

import hashlib
import json
import struct
from typing import NamedTuple

import members
from ca import DAY, read, run
from members import flip_near_end, openssl, signed, unsigned

SERIAL = "SN-0001"
MODEL = "example-switch"
FIRMWARE = "5.26.0"
FLOOR = 5  # the epoch that the device has run of each package that is named a downgrade

OLD = ["--epoch", str(FLOOR - 1)]
ELSEWHERE = ["--compatible", "another-*"]

# name: how it is made
MEMBERS = {
    "signed": signed("good", options=["--compatible", "example-*", "--firmware-min", "5.9",
                                      "--firmware-max", "5.26.0"]),
    "unsigned": unsigned(),
    "untrusted": signed("foreign"),
    "invalid": openssl("good", change=flip_near_end),
    "revoked": signed("denied"),
    "incompatible": signed("good", options=ELSEWHERE),
    "wrong-firmware": signed("good", options=["--firmware-min", "5.100"]),
    "downgrade": signed("good", options=OLD),
    "quarantined": signed("good"),
    "unsigned-downgrade": unsigned(*OLD),
    "untrusted-downgrade": signed("foreign", options=OLD),
    "unsigned-revoked": unsigned(),
    "untrusted-revoked": signed("foreign-too"),
    "unsigned-incompatible": unsigned(*ELSEWHERE),
    "unsigned-quarantined": unsigned(),
    "downgrade-incompatible": signed("good", options=[*OLD, *ELSEWHERE]),
    "downgrade-revoked": signed("good", options=OLD),
    "quarantined-downgrade": signed("good", options=OLD),
}

# What a person installs is to be tried, whatever became of it before: `verify` and
# `install` take it for what it is otherwise.
ANEW = {"quarantined": "signed", "unsigned-quarantined": "unsigned",
        "quarantined-downgrade": "downgrade"}
QUARANTINED = list(ANEW)
DOWNGRADES = [name for name in MEMBERS if "downgrade" in name]


class Policy(NamedTuple):
    asked: bool  # the boot configuration says Allow Untrusted
    anchor: str
    unlock: tuple  # what the unlock statement allows, () for none
    warns: str = ""  # part of what each command and each boot say of it


ALLOWED = "Allow Untrusted is set: packages of any origin may be active"
LOCKED = "Allow Untrusted does not count on this device"
POLICIES = {
    "default": Policy(False, "none", ()),
    "allow": Policy(True, "none", (), ALLOWED),
    "anchor": Policy(True, "always", (), f"{LOCKED} without an unlock statement (serial number: "
                     f"{SERIAL}): the configuration sets anchor = always"),
    "unlocked": Policy(True, "always", ("untrusted", "downgrade"), ALLOWED),
    "untrusted": Policy(True, "always", ("untrusted",), ALLOWED),
    "downgrade": Policy(True, "always", ("downgrade",), f"{LOCKED}: its unlock statement does not "
                        "allow it"),
    "not asked": Policy(False, "always", ("untrusted", "downgrade")),
}

# + it is used, - it is not
TABLE = """
package                | default       | allow         | anchor        | unlocked      | untrusted     | downgrade     | not asked
signed                 | Signed       +| Signed       +| Signed       +| Signed       +| Signed       +| Signed       +| Signed       +
unsigned               | Unsigned     -| Unsigned     +| Unsigned     -| Unsigned     +| Unsigned     +| Unsigned     -| Unsigned     -
untrusted              | Untrusted    -| Untrusted    +| Untrusted    -| Untrusted    +| Untrusted    +| Untrusted    -| Untrusted    -
invalid                | Invalid      -| Invalid      -| Invalid      -| Invalid      -| Invalid      -| Invalid      -| Invalid      -
revoked                | Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -
incompatible           | Incompatible -| Incompatible -| Incompatible -| Incompatible -| Incompatible -| Incompatible -| Incompatible -
wrong-firmware         | Incompatible -| Incompatible -| Incompatible -| Incompatible -| Incompatible -| Incompatible -| Incompatible -
downgrade              | Downgrade    -| Downgrade    -| Downgrade    -| Downgrade    +| Downgrade    -| Downgrade    +| Downgrade    +
quarantined            | Quarantined  -| Quarantined  -| Quarantined  -| Quarantined  -| Quarantined  -| Quarantined  -| Quarantined  -
unsigned-downgrade     | Unsigned     -| Downgrade    -| Unsigned     -| Downgrade    +| Downgrade    -| Unsigned     -| Unsigned     -
untrusted-downgrade    | Untrusted    -| Downgrade    -| Untrusted    -| Downgrade    +| Downgrade    -| Untrusted    -| Untrusted    -
unsigned-revoked       | Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -
untrusted-revoked      | Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -
unsigned-incompatible  | Unsigned     -| Incompatible -| Unsigned     -| Incompatible -| Incompatible -| Unsigned     -| Unsigned     -
unsigned-quarantined   | Unsigned     -| Quarantined  -| Unsigned     -| Quarantined  -| Quarantined  -| Unsigned     -| Unsigned     -
downgrade-incompatible | Downgrade    -| Downgrade    -| Downgrade    -| Incompatible -| Downgrade    -| Incompatible -| Incompatible -
downgrade-revoked      | Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -| Revoked      -
quarantined-downgrade  | Quarantined  -| Quarantined  -| Quarantined  -| Quarantined  -| Quarantined  -| Quarantined  -| Quarantined  -
"""

CODES = {"Signed": "ok", "Unsigned": "no-signature", "Untrusted": "untrusted-signer",
         "Invalid": "bad-signature", "Revoked": "revoked", "Incompatible": "wrong-model",
         "Downgrade": "downgrade", "Quarantined": "quarantined"}


class Expected(NamedTuple):
    verdict: str
    code: str
    used: bool


def expected(table=TABLE):
    """{policy: {package: Expected}}"""
    head, *rows = [[cell.strip() for cell in line.split("|")]
                   for line in table.strip().splitlines()]
    found = {policy: {} for policy in head[1:]}
    for name, *cells in rows:
        for policy, cell in zip(head[1:], cells, strict=True):
            verdict = cell[:-1].strip()
            code = "wrong-firmware" if name == "wrong-firmware" else CODES[verdict]
            found[policy][name] = Expected(verdict, code, cell[-1] == "+")
    if list(found) != list(POLICIES) or any(list(column) != list(MEMBERS)
                                            for column in found.values()):
        raise AssertionError("the table and what it speaks of are not the same")
    return found


def expected_anew(policy, name):
    """What `verify` and `install` are to say of a package file."""
    return expected()[policy][ANEW.get(name, name)]


def settings(policy):
    return {"anchor": POLICIES[policy].anchor, "serial": SERIAL, "model": MODEL,
            "firmware_version": FIRMWARE}


def cmdline(policy):
    return "quiet" + (" wmopkg.allow_untrusted=1" if POLICIES[policy].asked else "")


def unlock_text(allow, not_after, serial=SERIAL):
    return json.dumps({"type": "unlock", "format": 1, "serial": serial, "allow": list(allow),
                       "not_after": not_after}).encode()


def package_id(path):
    """The digest of its manifest."""
    content = read(path)
    size = struct.unpack_from("<I", content, 8)[0]
    return hashlib.sha256(content[16:16 + size]).hexdigest()


def make(folder, build):
    """The packages; before-NAME.wmopkg, which raises the floor of NAME; the deny list; and
    unlock-POLICY for each policy that has one."""
    maker = members.Maker(folder, build)
    for name, how in MEMBERS.items():
        how(maker, name)
    for name in DOWNGRADES:
        signed("good", options=["--name", name, "--epoch", str(FLOOR)])(maker, f"before-{name}")
    run(maker.tool, "denylist", "--number", "7", "--revoke-cert", maker.ca.pem("denied"),
        "--key-id", maker.ca.key_id("foreign-too"), "--package", maker.path("unsigned-revoked"),
        "--name", f"downgrade-revoked={FLOOR}", *maker.signing("good"), f"{folder}/denylist")
    for policy, what in POLICIES.items():
        if what.unlock:
            allow = [word for kind in what.unlock for word in ("--allow", kind)]
            run(maker.tool, "unlock", "--serial", SERIAL, *allow, "--not-after",
                str(maker.ca.now + 30 * DAY), *maker.signing("unlock"),
                f"{folder}/unlock-{policy}")
    return maker
