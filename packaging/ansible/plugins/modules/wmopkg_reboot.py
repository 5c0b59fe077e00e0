# SPDX-License-Identifier: MIT
"""What ansible-doc shows of wmopkg_reboot, which runs on the controller: see ../action."""

DOCUMENTATION = """
module: wmopkg_reboot
short_description: Reboot a device, and wait until its boot is completed
description:
  - Reboots if a package is pending. Then waits until the device answers in another boot and no active package is on trial.
  - Fails with the reasons if a package is not active then. Without a reboot, too, it looks at all packages.
author: wmopkg
version_added: 0.1.0
extends_documentation_fragment: wmopkg.fleet.device
options:
  force:
    description: Reboot also if nothing is pending.
    type: bool
    default: false
  reboot_command:
    description: The words of the command that reboots the device.
    type: list
    elements: str
    default: [reboot]
  test_command:
    description: A shell command that succeeds on a device that works. It is repeated until I(timeout).
    type: str
  timeout:
    description:
      - Seconds until the boot must be completed.
      - A bad package is quarantined after three boots; give it more than four boots take, with a watchdog four times its time.
    type: int
    default: 1200
  delay:
    description: Seconds between two looks at the device.
    type: int
    default: 5
  accepted_reasons:
    description: Codes of reasons for which a package may be inactive, such as C(revoked) after a deny list.
    type: list
    elements: str
    default: []
"""

EXAMPLES = """
- wmopkg.fleet.wmopkg_reboot:
    test_command: wget -q -O /dev/null http://127.0.0.1/health
"""

RETURN = """
pending:
  description: Names of the packages that a reboot changed.
  returned: always
  type: list
  elements: str
boot:
  description: Id and number of the boot.
  returned: success
  type: dict
faults:
  description: Why packages are not active.
  returned: failure
  type: list
  elements: str
"""
