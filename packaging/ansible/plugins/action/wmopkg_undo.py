# SPDX-License-Identifier: MIT
"""Takes back the last installation, removal or set since the boot: see wmopkg undo."""

from ansible_collections.wmopkg.fleet.plugins.plugin_utils.action import DeviceAction
from ansible_collections.wmopkg.fleet.plugins.plugin_utils.state import listing

NOTHING_TO_UNDO = 4


class ActionModule(DeviceAction):
    def act(self, arguments):
        before = self.device.packages()
        done = self.device.shell(self.device.line("undo", "--check"))
        if done["rc"] == NOTHING_TO_UNDO:
            return {"changed": False}
        self.device.succeeded(done, "wmopkg undo --check")
        if self.checking:
            return {"changed": True}
        self.device.wmopkg("undo", "--yes")
        return {"changed": True, **self.difference("packages", listing(before), listing(self.device.packages()))}
