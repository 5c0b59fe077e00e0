# SPDX-License-Identifier: MIT
"""Packages on a device of 128 MiB."""

# pylint: disable-next=unused-import
from case_memory import prepare, test_files, test_more_than_there_is  # noqa: F401

MEMORY = "128M"
