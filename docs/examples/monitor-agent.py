#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An agent that follows `wmopkg monitor json`: reports packages that are not active, and what is
done on the device, and goes on after a restart where it ended. See docs/monitor.md.

	monitor-agent.py NUMBER_FILE [COMMAND ...]

NUMBER_FILE keeps the number of the newest line of the audit log that was reported. COMMAND starts
wmopkg, for a test or over ssh; default: wmopkg.
"""

import contextlib
import json
import os
import subprocess
import sys


def report(*words):
    """Here goes what your agent does: an SNMP trap, a NETCONF notification, a D-Bus signal."""
    print(*words, flush=True)


def load(path):
    with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:
        return int(file.read())
    return 0


def save(path, number):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(f"{number}\n")
    os.replace(path + ".new", path)


def state_of(package):
    """In a word; the one that a table of an agent would show."""
    if package.get("ends"):
        return "ends"
    if "reason" in package:
        return f'{package["status"]}: {package["reason"]["code"]}'
    return package["status"]


def follow(events, number_file):
    for text in events:
        event = json.loads(text)
        kind = event["type"]
        if kind == "begin" and event["format"] != 1:
            sys.exit("this format is newer than the agent")
        if kind == "package":
            package = event["package"]
            report("package", package["name"], package.get("version", "-"), state_of(package))
        elif kind == "gone":
            report("package", event["name"], "-", "gone")
        elif kind == "log":
            line = event["line"]
            report("log", line["number"], line["event"], line.get("package", "-"),
                   line.get("code", "ok"))
            save(number_file, line["number"])
        elif kind == "missed":
            report("missed", event["first"], event["last"])
        elif kind == "device" and "factory_reset" in event:
            report("factory reset", event["factory_reset"])
        elif kind == "error":
            report("error", event["reason"]["code"])
        # Unknown events come with newer versions: they are ignored.


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    number_file, *command = sys.argv[1:]
    command = [*(command or ["wmopkg"]), "monitor", "json", "since", str(load(number_file))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        try:
            follow(process.stdout, number_file)
        finally:
            process.terminate()
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
