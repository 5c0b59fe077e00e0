# SPDX-License-Identifier: MIT
"""What ansible-doc shows of wmopkg_facts, which runs on the controller: see ../action."""

DOCUMENTATION = """
module: wmopkg_facts
short_description: Read which packages are installed and active
description:
  - Sets the variable C(wmopkg). See the README of the collection for its keys.
author: wmopkg
version_added: 0.1.0
extends_documentation_fragment: wmopkg.fleet.device
"""

EXAMPLES = """
- wmopkg.fleet.wmopkg_facts:
- ansible.builtin.debug:
    var: wmopkg.packages
"""

RETURN = """
ansible_facts:
  description: The variable C(wmopkg), with version, boot, boot_configuration, allow_untrusted, denylist, packages, pending and faults.
  returned: success
  type: dict
"""
