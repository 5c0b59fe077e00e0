#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every name that a Python file uses is defined: a test that runs rarely would fail of that, long after."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tracked  # pylint: disable=wrong-import-position

# of what pyflakes finds; a kernel case imports the tests of another one, and does not use them
FAULTS = ("undefined name", "syntax error", "invalid syntax", "referenced before assignment")


def main():
    paths = [path for path in tracked.files() if path.endswith(".py")]
    told = subprocess.run(["pyflakes3", *paths], cwd=tracked.ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False).stdout
    found = [line for line in told.splitlines() if any(fault in line for fault in FAULTS)]
    print(*found, sep="\n")
    return 1 if found or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
