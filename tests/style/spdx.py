#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every file that can have a comment names its license in one of its first lines."""

import fnmatch
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tracked  # pylint: disable=wrong-import-position

TAG = b"SPDX-License-Identifier: MIT"
LINES = 3
# Files without comments: data, and files of a device that have a fixed format.
WITHOUT = (
    "LICENSE",
    "*.json",
    "*.png",
    "*.svg",
    "docs/examples/branding/tree/*",
    "docs/examples/device/firmware/etc/factory-config/*",
    "docs/examples/device/firmware/etc/group",
    "docs/examples/device/firmware/etc/hostname",
    "docs/examples/device/firmware/etc/motd",
    "docs/examples/device/firmware/etc/passwd",
    "docs/examples/factory-configuration/tree/*",
    "docs/examples/licence/tree/*",
    "docs/examples/service/tree/*.html",
    "packaging/debian/changelog",
    "packaging/debian/copyright",
    "packaging/debian/source/format",
    "tests/fuzz/corpus/*",
    "tests/device/firmware/etc/group",
    "tests/device/firmware/etc/hostname",
    "tests/device/firmware/etc/issue",
    "tests/device/firmware/etc/motd",
    "tests/device/firmware/etc/passwd",
    "tests/device/firmware/etc/shadow",
    "tests/device/firmware/usr/share/notes/*",
)


def main():
    listed = tracked.files()
    missing = []
    for path in listed:
        if any(fnmatch.fnmatch(path, pattern) for pattern in WITHOUT):
            continue
        with open(os.path.join(tracked.ROOT, path), "rb") as file:
            if TAG not in b"".join(file.readlines()[:LINES]):
                missing.append(path)
    for path in missing:
        print(f"{path}: no line '{TAG.decode()}' in its first {LINES} lines")
    return 1 if missing or not listed else 0


if __name__ == "__main__":
    sys.exit(main())
