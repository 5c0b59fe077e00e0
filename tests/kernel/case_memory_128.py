# SPDX-License-Identifier: MIT
"""Packages on a device of 128 MiB."""

from case_memory import prepare, test_more_than_there_is  # noqa: F401  pylint: disable=unused-import

MEMORY = "128M"
