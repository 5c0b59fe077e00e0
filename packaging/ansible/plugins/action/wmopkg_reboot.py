# SPDX-License-Identifier: MIT
"""Reboots a device that has changes to activate, waits until its boot is completed, and fails if a
package is not active then."""

import shlex
import time

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure

from ansible_collections.wmopkg.fleet.plugins.plugin_utils.action import DeviceAction
from ansible_collections.wmopkg.fleet.plugins.plugin_utils.device import check_name
from ansible_collections.wmopkg.fleet.plugins.plugin_utils.state import describe, faults, pending

# A device that a watchdog resets does not close its connections.
KEEP_ALIVE = "-o ServerAliveInterval=5 -o ServerAliveCountMax=3"


class ActionModule(DeviceAction):
    ARGUMENTS = {
        "force": {"type": "bool", "default": False},
        "reboot_command": {"type": "list", "elements": "str", "default": ["reboot"]},
        "test_command": {"type": "str"},
        "timeout": {"type": "int", "default": 1200},
        "delay": {"type": "int", "default": 5},
        "accepted_reasons": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, arguments):
        before = self.device.boot()
        packages = self.device.packages()
        waiting = pending(packages)
        changed = bool(waiting) or arguments["force"]
        result = {"changed": changed, "pending": waiting}
        if self.checking:
            return result
        if changed:
            self.reboot(arguments["reboot_command"])
        packages = self.settled(before if changed else None, arguments)
        found = faults(packages, arguments["accepted_reasons"])
        if found:
            raise AnsibleActionFail("; ".join(found), result={**result, "faults": found})
        return {**result, "boot": self.device.boot()}

    def reboot(self, command):
        """After the answer is back, so that it is told from a connection that broke."""
        words = " ".join(shlex.quote(word) for word in command)
        self.device.succeed(f"command -v {shlex.quote(command[0])} >/dev/null && "
                            f"{{ (sleep 1; exec {words}) </dev/null >/dev/null 2>&1 & }}", " ".join(command))

    def settled(self, before, arguments):
        """The packages, once this is another boot than @before and no trial is running."""
        if self._connection.transport == "ssh":
            extra = self._connection.get_option("ssh_extra_args") or ""
            self._connection.set_option("ssh_extra_args", f"{extra} {KEEP_ALIVE}".strip())
        deadline = time.monotonic() + arguments["timeout"]
        while True:
            try:
                packages, why = self.look(before, arguments["test_command"])
            except (AnsibleConnectionFailure, AnsibleActionFail) as error:
                packages, why = None, str(error)
            if not why:
                return packages
            if time.monotonic() >= deadline:
                raise AnsibleActionFail(f"the boot of the device is not completed after {arguments['timeout']} s: {why}",
                                        result={"changed": before is not None})
            time.sleep(arguments["delay"])
            # it belongs to a boot that may be over
            self._connection.reset()

    def look(self, before, test_command):
        """The packages, and what is still to be waited for."""
        boot = self.device.boot()
        if boot == before:
            return None, "it has not rebooted yet"
        packages = self.device.packages()
        for package in packages:
            if not package["active"] or package["status"] != "active":
                continue
            shown = self.device.told("list", check_name(package["name"]) + ".wmopkg")["packages"][0]
            trial = shown.get("trial", {})
            if trial.get("state") == "running":
                return None, (f"{describe(package)}: its trial is running, {trial.get('boots_left', 0)} boots left "
                              "(the firmware has not run 'wmopkg boot-complete')")
        if test_command:
            self.device.succeed(test_command, "test_command")
        return packages, None
