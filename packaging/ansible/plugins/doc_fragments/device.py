# SPDX-License-Identifier: MIT
"""Options that all modules have."""


class ModuleDocFragment:
    DOCUMENTATION = """
options:
  command:
    description: The words that start wmopkg on the device.
    type: list
    elements: str
    default: [wmopkg]
  folder:
    description: Folder of the device in which temporary folders are made.
    type: str
    default: /tmp
"""
