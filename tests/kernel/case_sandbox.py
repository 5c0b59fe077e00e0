# SPDX-License-Identifier: MIT
"""The process without rights on a kernel that lacks pieces of its protection, such as Landlock:
what remains stops the same attacks."""

import os
import subprocess

from device import equal, run

HERE = os.path.dirname(os.path.abspath(__file__))
TEST = os.path.join(HERE, "..", "installer", "sandbox", "test_sandbox.py")
CASES = ("test_attacks_are_real", "test_every_piece", "test_threads", "test_ends_with_its_parent")
NEVER_MISSING = {"user", "no new privileges", "limits", "private root"}


def prepare(_work, _build):
    """Nothing: the attacker is a program of the build."""


def test_pieces(_work, build):
    """On this kernel, and what is in force on it."""
    said = run(f"{build}/tests/installer/misbehave", "0", "fetch", "pieces").stdout
    found = set(said.strip().split(", "))
    print(said, end="")
    equal(NEVER_MISSING - found, set())


def test_attacks(_work, build):
    run("ip", "link", "set", "lo", "up")
    done = subprocess.run(["/usr/bin/python3", TEST, *(f"Sandbox.{name}" for name in CASES)],
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "WMOPKG_BUILD": build,
                               "PYTHONDONTWRITEBYTECODE": "1"})
    equal((done.returncode, done.stderr[-3000:] if done.returncode else ""), (0, ""))
