# SPDX-License-Identifier: MIT
"""Writes the result of each task as a line of JSON to the file that WMOPKG_RESULTS names."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: results
type: notification
short_description: results of tasks for tests
description: One JSON object on each line.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "results"

    def write(self, status, result):
        # pylint: disable=protected-access
        told = json.loads(self._dump_results(result._result))  # as Ansible prints it, which is without this:
        if "diff" in result._result:
            told["diff"] = result._result["diff"]
        line = {"host": result._host.get_name(), "task": result._task.get_name().rpartition(" : ")[2],
                "status": status, "result": told}
        with open(os.environ["WMOPKG_RESULTS"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def v2_runner_on_ok(self, result):
        self.write("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.write("failed", result)

    def v2_runner_on_unreachable(self, result):
        self.write("unreachable", result)

    def v2_runner_on_skipped(self, result):
        self.write("skipped", result)
