# SPDX-License-Identifier: MIT
"""What ansible-doc shows of wmopkg_package, which runs on the controller: see ../action."""

DOCUMENTATION = """
module: wmopkg_package
short_description: Install, replace or remove one package
description:
  - Installs as a set with one package that keeps the others, so that it is done as a whole or not at all.
author: wmopkg
version_added: 0.1.0
extends_documentation_fragment: wmopkg.fleet.device
options:
  state:
    description: Whether it is installed or removed.
    type: str
    choices: [present, absent]
    default: present
  name:
    description: Installed name; by default the name of the file without C(.wmopkg).
    type: str
  source:
    description: URL, or path on the device.
    type: str
  src:
    description: A package file of the controller, which is copied to the device for each run.
    type: str
  version:
    description: Version that it must have. If this is installed, nothing is fetched.
    type: str
  root_hash:
    description: Root hash that it must have.
    type: str
  persistent:
    description: Whether it survives a factory reset. By default an installed package stays as it is, and a new one is not persistent.
    type: bool
"""

EXAMPLES = """
- wmopkg.fleet.wmopkg_package:
    source: https://packages.example.com/vpn.wmopkg
    version: "1.4"
- wmopkg.fleet.wmopkg_package:
    name: old-vpn
    state: absent
"""

RETURN = """
packages:
  description: As of M(wmopkg.fleet.wmopkg_set).
  returned: state is present
  type: list
  elements: dict
"""
