# SPDX-License-Identifier: MIT
"""What ansible-doc shows of wmopkg_undo, which runs on the controller: see ../action."""

DOCUMENTATION = """
module: wmopkg_undo
short_description: Take back the last installation, removal or set
description:
  - Runs C(wmopkg undo), which is possible until the next boot.
author: wmopkg
version_added: 0.1.0
extends_documentation_fragment: wmopkg.fleet.device
"""

EXAMPLES = """
- wmopkg.fleet.wmopkg_undo:
"""
