# SPDX-License-Identifier: MIT
"""The power is cut at every write of a purge, which empties PERSIST, too: it is ended, or was
never requested."""

from case_reset_cuts import PURGED, check_every_write, prepare  # noqa: F401


def test_every_write_of_a_purge(work, build):
    check_every_write(work, build, PURGED)
