# SPDX-License-Identifier: MIT
"""The files of the source: those of the repository, or of the tree where git cannot tell, as in a
release archive."""

import os
import re
import subprocess

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
# as .gitignore
IGNORED = re.compile(r"(build|build-.*|__pycache__|wmopkg-bench\..*)")


def is_file(path):
    """Not a link of the virtual device that leads nowhere here."""
    return os.path.isfile(os.path.join(ROOT, path))


def files():
    """Their paths, relative to the top."""
    if os.path.exists(os.path.join(ROOT, ".git")):
        done = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode == 0:
            return [path for path in done.stdout.splitlines() if is_file(path)]
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not IGNORED.fullmatch(name)]
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names]
    return sorted(path for path in found if is_file(path))
