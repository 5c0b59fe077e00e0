# SPDX-License-Identifier: MIT
"""What ansible-doc shows of wmopkg_undo, which runs on the controller: see ../action."""

DOCUMENTATION = """
module: wmopkg_undo
short_description: Take back the last installation, removal or set
description:
  - Runs C(wmopkg undo), which is possible until the next boot.
author: wmopkg
version_added: 0.1.0
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

EXAMPLES = """
- wmopkg.fleet.wmopkg_undo:
"""
