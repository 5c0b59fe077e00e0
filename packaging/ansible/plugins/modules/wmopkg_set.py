# SPDX-License-Identifier: MIT
"""What ansible-doc shows of wmopkg_set, which runs on the controller: see ../action."""

DOCUMENTATION = """
module: wmopkg_set
short_description: Make the packages of a device those of a set
description:
  - Runs C(wmopkg apply). All packages of the set are installed, and the others removed, as one step, or nothing is changed.
  - The changes are active after the next boot, see M(wmopkg.fleet.wmopkg_reboot).
author: wmopkg
version_added: 0.1.0
extends_documentation_fragment: wmopkg.fleet.device
options:
  packages:
    description:
      - The packages, as objects of a set; see docs/sets.md of wmopkg for their keys.
      - This or I(src) is required.
    type: list
    elements: dict
  keep:
    description: Installed packages that the set does not name stay. Only with I(packages).
    type: bool
    default: false
  src:
    description: A set as a file of the controller, which is passed on as it is.
    type: str
  files:
    description: Package files of the controller that are put beside the set, in the folder in which a relative source begins.
    type: list
    elements: str
    default: []
"""

EXAMPLES = """
- wmopkg.fleet.wmopkg_set:
    packages:
      - source: https://packages.example.com/brand-acme.wmopkg
        version: 2.1.0
        persistent: true
      - name: licence
        version: "1"
"""

RETURN = """
packages:
  description: What C(wmopkg apply --check) tells of each package, such as its name and the action.
  returned: success
  type: list
  elements: dict
"""
