# SPDX-License-Identifier: MIT
"""What ansible-doc shows of wmopkg_denylist, which runs on the controller: see ../action."""

DOCUMENTATION = """
module: wmopkg_denylist
short_description: Install a deny list
description:
  - Installs a deny list unless the device has this one or one with a higher number.
  - Packages that it names are not active after the next boot.
author: wmopkg
version_added: 0.1.0
extends_documentation_fragment: wmopkg.fleet.device
options:
  src:
    description: The deny list, a file of the controller.
    type: str
    required: true
"""

EXAMPLES = """
- wmopkg.fleet.wmopkg_denylist:
    src: 7.denylist
"""

RETURN = """
number:
  description: Number of the list that is in force.
  returned: success
  type: int
"""
