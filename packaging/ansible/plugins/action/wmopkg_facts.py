# SPDX-License-Identifier: MIT
"""What is installed on a device and active in this boot, as the variable wmopkg."""

from ansible_collections.wmopkg.fleet.plugins.plugin_utils.action import DeviceAction
from ansible_collections.wmopkg.fleet.plugins.plugin_utils.state import faults, pending


class ActionModule(DeviceAction):
    def act(self, arguments):
        shown = self.device.told("show")
        words = self.device.told("boot")["words"]
        denylist = self.device.told("denylist")
        return {"changed": False, "ansible_facts": {"wmopkg": {
            "version": self.device.wmopkg("--version").split()[-1],
            "boot": self.device.boot(),
            "boot_configuration": {word["word"]: word["value"] for word in words if "value" in word},
            "allow_untrusted": shown["allow_untrusted"],
            "denylist": denylist["number"],
            "packages": {package["name"]: package for package in shown["packages"]},
            "pending": pending(shown["packages"]),
            "faults": faults(shown["packages"], ()),
        }}}
