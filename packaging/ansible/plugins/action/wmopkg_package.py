# SPDX-License-Identifier: MIT
"""Installs, replaces or removes one package of a device."""

import os
import urllib.parse

from ansible_collections.wmopkg.fleet.plugins.plugin_utils.action import DeviceAction, encode_set
from ansible_collections.wmopkg.fleet.plugins.plugin_utils.device import check_name
from ansible_collections.wmopkg.fleet.plugins.plugin_utils.state import listing

SUFFIX = ".wmopkg"


class ActionModule(DeviceAction):
    ARGUMENTS = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "name": {"type": "str"},
        "source": {"type": "str"},
        "src": {"type": "str"},
        "version": {"type": "str"},
        "root_hash": {"type": "str"},
        "persistent": {"type": "bool"},
    }
    RULES = {"mutually_exclusive": [("source", "src")],
             "required_if": [("state", "absent", ("name",)),
                             ("state", "present", ("name", "source", "src"), True)]}

    def act(self, arguments):
        if arguments["state"] == "absent":
            return self.remove(check_name(arguments["name"]))
        return self.install(arguments)

    def install(self, arguments):
        """As a set with one package that keeps the others: it is changed as a whole or not at all."""
        wanted = {key: arguments[key] for key in ("name", "source", "version", "root_hash", "persistent")
                  if arguments[key] is not None}
        files = []
        if arguments["src"] is not None:
            files = [arguments["src"]]
            wanted["source"] = os.path.basename(arguments["src"])
        name = check_name(wanted["name"] if "name" in wanted else name_of(wanted["source"]))
        if "persistent" not in wanted:
            # a set would move it to the other store
            wanted["persistent"] = any(package["persistent"] for package in self.device.packages()
                                       if package["name"] == name and package["status"] != "removed")
        return self.apply(encode_set([wanted], True), files)

    def remove(self, name):
        before = self.device.packages()
        left = [package for package in before if package["name"] != name or package["status"] == "removed"]
        changed = len(left) != len(before)
        if changed and not self.checking:
            # with the suffix it is never a word of the command
            self.device.wmopkg("remove", "--yes", name + SUFFIX)
        return {"changed": changed, **self.difference("packages", listing(before), listing(left))}


def name_of(source):
    """The installed name of what a URL or a path names."""
    path = urllib.parse.urlsplit(source).path if "://" in source else source
    return os.path.basename(path).removesuffix(SUFFIX)
