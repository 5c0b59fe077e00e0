# SPDX-License-Identifier: MIT
"""What the actions share: arguments, the device, and the life of a set."""

import json

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.wmopkg.fleet.plugins.plugin_utils.device import Device
from ansible_collections.wmopkg.fleet.plugins.plugin_utils.state import listing, planned

COMMON = {
    "command": {"type": "list", "elements": "str", "default": ["wmopkg"]},
    "folder": {"type": "str", "default": "/tmp"},
}


class DeviceAction(ActionBase):
    """An action that runs on the controller; a subclass has ARGUMENTS, and perhaps RULES, and act()."""

    TRANSFERS_FILES = False
    ARGUMENTS = {}
    RULES = {}

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec({**COMMON, **self.ARGUMENTS}, **self.RULES)
        if not arguments["command"]:
            raise AnsibleActionFail("command: expected at least one word")
        self.device = Device(self._low_level_execute_command, self._connection, arguments["command"],
                             arguments["folder"].rstrip("/"))
        try:
            result.update(self.act(arguments))
        except AnsibleActionFail as error:
            # without the traceback that Ansible would show
            result.update({key: value for key, value in error.result.items() if key != "exception"})
        return result

    def act(self, arguments):
        """The result of the task."""
        raise NotImplementedError

    @property
    def checking(self):
        return self._task.check_mode

    def find(self, path):
        """A file of the controller, where tasks look for files."""
        try:
            return self._loader.get_real_file(self._find_needle("files", path))
        except AnsibleError as error:
            raise AnsibleActionFail(f"{path}: there is no such file on the controller") from error

    def difference(self, title, before, after):
        """The key of a result that --diff shows."""
        if not self._task.diff:
            return {}
        return {"diff": {"before_header": title, "after_header": title, "before": before, "after": after}}

    def apply(self, content, files=()):
        """Make the packages those of a set, which lies beside @files of the controller; in check mode,
        only look."""
        installed = self.device.packages() if self._task.diff else []
        with self.device.temporary_folder() as folder:
            for file in files:
                self.device.put_file(self.find(file), folder)
            path = f"{folder}/set.json"
            self.device.put(content, path)
            plan = self.device.told("apply", "--check", path)["packages"]
            changed = any(package["action"] != "none" for package in plan)
            if changed and not self.checking:
                self.device.wmopkg("apply", "--yes", path)
        return {"changed": changed, "packages": plan,
                **self.difference("packages", listing(installed), planned(plan))}


def encode_set(packages, keep):
    return json.dumps({"type": "set", "format": 1, "keep": keep, "packages": packages}).encode()
