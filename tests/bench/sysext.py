# SPDX-License-Identifier: MIT
"""The images of packages as extensions of systemd-sysext, under dm-verity like ours.

Each is a disk image as the Discoverable Partitions Specification has it: a partition table,
the image, its hash tree. Its root hash lies beside it, in NAME.roothash; the two partitions
are found by it, since their UUIDs are its first and its last 128 bits. systemd-sysext runs
without udev and without a service manager, so it waits for neither.
"""

import os
import subprocess
import uuid

from device import run

MIB = 1 << 20
ROOT_X86_64 = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"
ROOT_VERITY_X86_64 = "2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5"
OS_RELEASE = "ID=bench\nVERSION_ID=1\n"


def release(name):
    """The file that says what system an extension is for, and its text."""
    return f"usr/lib/extension-release.d/extension-release.{name}", OS_RELEASE


def copy(source, image, start):
    with open(source, "rb") as file, open(image, "r+b") as out:
        out.seek(start)
        out.write(file.read())


def make(squashfs, salt, folder, name):
    """FOLDER/NAME.raw and NAME.roothash; systemd needs the tree's own super block."""
    tree, raw = f"{folder}/{name}.tree", f"{folder}/{name}.raw"
    said = run("veritysetup", "format", "--salt", salt, squashfs, tree).stdout
    root_hash = next(line.split()[-1] for line in said.splitlines()
                     if line.startswith("Root hash:"))
    sizes = [-(-os.path.getsize(part) // MIB) for part in (squashfs, tree)]
    with open(raw, "wb") as file:
        file.truncate((2 + sum(sizes)) * MIB)
    subprocess.run(["sfdisk", "--quiet", raw], check=True, text=True, input=(
        "label: gpt\n"
        f"start=1MiB, size={sizes[0]}MiB, type={ROOT_X86_64}, uuid={uuid.UUID(root_hash[:32])}\n"
        f"start={1 + sizes[0]}MiB, size={sizes[1]}MiB, type={ROOT_VERITY_X86_64}, "
        f"uuid={uuid.UUID(root_hash[32:])}\n"))
    copy(squashfs, raw, MIB)
    copy(tree, raw, (1 + sizes[0]) * MIB)
    os.unlink(tree)
    with open(f"{folder}/{name}.roothash", "w", encoding="ascii") as file:
        file.write(root_hash)
