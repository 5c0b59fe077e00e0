# SPDX-License-Identifier: MIT
"""A device in a directory tree, to which wmopkg needs no root."""

import json
import os
import shutil
import subprocess

from clock import at

STORES = ("data", "persist")


class Device:
    """Its key ring is a copy of @ring; @settings are further keys of its configuration."""

    def __init__(self, folder, build, ring, **settings):
        self.folder = folder
        self.tools = build + "/installer"
        for name in (*STORES, "run"):
            os.makedirs(f"{folder}/{name}")
        shutil.copytree(ring, f"{folder}/keys")
        self.boot_with("quiet")
        self.configure(**settings)

    def configure(self, **settings):
        with open(f"{self.folder}/wmopkg.conf", "w", encoding="utf-8") as file:
            for key in (*STORES, "keys", "run", "cmdline"):
                file.write(f'{key} = "{self.folder}/{key}"\n')
            for key, value in settings.items():
                values = value if isinstance(value, list) else [value]
                words = ", ".join(f'"{word}"' for word in values)
                file.write(f"{key} = {words}\n" if values is not value else
                           f"{key} = {{{words}}}\n")

    def boot_with(self, cmdline):
        with open(f"{self.folder}/cmdline", "w", encoding="utf-8") as file:
            file.write(cmdline + "\n")

    def wmopkg(self, *words, clock=None):
        """A finished wmopkg with its output as text; @clock: where the RTC stands."""
        front = at(clock) if clock else []
        return subprocess.run(
            [*front, f"{self.tools}/wmopkg", "--config", f"{self.folder}/wmopkg.conf", *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def told(self, *words, clock=None):
        """The JSON that wmopkg prints, whatever its exit status."""
        done = self.wmopkg(*words, "json", clock=clock)
        try:
            return json.loads(done.stdout)
        except ValueError:
            raise AssertionError(f"{words}: {done}") from None

    def put(self, package, store="data"):
        """A package into a store, past the installer."""
        os.makedirs(f"{self.folder}/{store}/packages", exist_ok=True)
        return shutil.copy(package, f"{self.folder}/{store}/packages")

    def stored(self):
        """Every file in the two stores of packages, dot files too."""
        return sorted(os.path.relpath(os.path.join(place, name), self.folder)
                      for store in STORES
                      for place, _, files in os.walk(f"{self.folder}/{store}/packages")
                      for name in files)

    def empty(self):
        for store in STORES:
            shutil.rmtree(f"{self.folder}/{store}/packages", ignore_errors=True)


def reason(told):
    """(verdict, code, message) of what `verify json` or `show json` told of a package."""
    why = told.get("reason", {})
    return (told.get("verdict") or told["verification"], why.get("code", "ok"),
            why.get("message", ""))
