# SPDX-License-Identifier: MIT
"""Programs of a build where every user may run them: the tree may lie in a folder that only its
owner can enter."""

import atexit
import functools
import os
import shutil
import tempfile


@functools.cache
def runnable(program):
    """The path of a copy of @program, which is there until the test ends."""
    folder = tempfile.mkdtemp(prefix="wmopkg-test-everybody.")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.chmod(folder, 0o755)
    return shutil.copy(program, folder)
