# SPDX-License-Identifier: MIT
"""Installs a deny list, a file of the controller, unless the device has this one or a newer one."""

import json
import struct

from ansible.errors import AnsibleActionFail

from ansible_collections.wmopkg.fleet.plugins.plugin_utils.action import DeviceAction

# docs/statements.md; only the device verifies it
HEAD = struct.Struct("<8sII")
MAGIC = b"WMOSTM01"
TEXT_BYTES_MAX = 131072


class ActionModule(DeviceAction):
    ARGUMENTS = {"src": {"type": "str", "required": True}}

    def act(self, arguments):
        path = self.find(arguments["src"])
        wanted = read(path)
        current = self.device.told("denylist")
        before, after = as_text(current), as_text(wanted)
        if wanted["number"] == current["number"] and before != after:
            raise AnsibleActionFail(f"{path}: the deny list of the device has the number {wanted['number']} too, and "
                                    "other entries (give the list a higher number)")
        changed = wanted["number"] > current["number"]
        if changed and not self.checking:
            with self.device.temporary_folder() as folder:
                self.device.wmopkg("denylist", self.device.put_file(path, folder))
        return {"changed": changed, "number": max(wanted["number"], current["number"]),
                **self.difference("deny list", before, after if changed else before)}


def read(path):
    """Number and entries of a list."""
    try:
        with open(path, "rb") as file:
            magic, text_bytes, _ = HEAD.unpack(file.read(HEAD.size))
            if magic != MAGIC or text_bytes > TEXT_BYTES_MAX:
                raise ValueError
            told = json.loads(file.read(text_bytes))
        if told["type"] != "denylist":
            raise ValueError
        return {"number": int(told["number"]), "deny": list(told["deny"])}
    except (ValueError, KeyError, TypeError, struct.error):
        raise AnsibleActionFail(f"{path}: this is not a deny list (see: wmopkg-build inspect)") from None


def as_text(denylist):
    entries = sorted(json.dumps(entry, sort_keys=True) for entry in denylist["deny"])
    return "".join(f"{line}\n" for line in (f"number {denylist['number']}", *entries))
