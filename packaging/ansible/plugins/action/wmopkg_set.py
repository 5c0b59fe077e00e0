# SPDX-License-Identifier: MIT
"""Makes the packages of a device those of a set: see wmopkg apply, docs/sets.md."""

from ansible_collections.wmopkg.fleet.plugins.plugin_utils.action import DeviceAction, encode_set


class ActionModule(DeviceAction):
    ARGUMENTS = {
        "packages": {"type": "list", "elements": "dict"},
        "keep": {"type": "bool", "default": False},
        "src": {"type": "str"},
        "files": {"type": "list", "elements": "str", "default": []},
    }
    RULES = {"mutually_exclusive": [("packages", "src")], "required_one_of": [("packages", "src")]}

    def act(self, arguments):
        if arguments["src"] is None:
            content = encode_set(arguments["packages"], arguments["keep"])
        else:
            # as it is: it may be signed
            with open(self.find(arguments["src"]), "rb") as file:
                content = file.read()
        return self.apply(content, arguments["files"])
