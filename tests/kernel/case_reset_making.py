# SPDX-License-Identifier: MIT
"""The power is cut at every write of a factory reset that makes the file system of DATA anew."""

from case_reset_cuts import MADE, check_every_write, prepare  # noqa: F401


def test_every_write_of_making_anew(work, build):
    check_every_write(work, build, MADE)
