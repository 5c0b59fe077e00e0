# SPDX-License-Identifier: MIT
"""Whether two systems make the same image of a tree, as docs/reproducible.md says they do."""

import os
import random
import subprocess
import tempfile

STEADY = ("xz", "gzip")


def make_tree(path):
    """Folders of many sizes, as squashfs keeps them in more than one form; files of some blocks."""
    source = random.Random(1)
    words = [bytes(source.choices(b"abcdefghij", k=source.randint(2, 9))) for _ in range(2000)]
    for count in (1, 255, 256, 300, 3000):
        os.mkdir(os.path.join(path, str(count)))
        for number in range(count):
            with open(os.path.join(path, str(count), f"a-file-with-a-long-name-{number}"), "wb") as file:
                file.write(b"%d" % (number % 7))
    for number in range(3):
        with open(os.path.join(path, f"text{number}"), "wb") as file:
            file.write(b" ".join(source.choices(words, k=60000 * number + 10)))


def write(command, tree, compressor):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run([*command, tree, out.name, compressor, "0", "1700000000"], check=True,
                       stdout=subprocess.DEVNULL)
        image = out.read()
    if len(image) < 100000:
        raise AssertionError(f"{command}: an image of only {len(image)} bytes")
    return image


def differ(here, there):
    """The compressors with which they do not. @here, @there: tests/overlay/image-write, as it is run."""
    with tempfile.TemporaryDirectory() as tree:
        make_tree(tree)
        return [compressor for compressor in STEADY
                if write(here, tree, compressor) != write(there, tree, compressor)]
