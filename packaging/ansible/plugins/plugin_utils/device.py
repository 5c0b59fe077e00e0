# SPDX-License-Identifier: MIT
"""A device that has a shell and wmopkg, and nothing else: what the actions ask it, and tell it."""

import contextlib
import json
import os
import re
import shlex

from ansible.errors import AnsibleActionFail

# What a shell without a login may lack on PATH.
SYSTEM_PATHS = "PATH=$PATH:/usr/sbin:/sbin; export PATH; "
STATUS = {1: "failed", 2: "usage", 3: "refused by verification", 4: "no such package, file or media",
          5: "transfer failed", 6: "no space left", 126: "it cannot be executed",
          127: "there is no such program"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
FORMAT = 1


def check_name(name):
    """An installed name as wmopkg has it; anything else could be a word of its commands."""
    if not NAME.fullmatch(name):
        raise AnsibleActionFail(f"{name!r} is not the name of a package (expected: a letter or digit, then up "
                                "to 63 of A-Z a-z 0-9 . _ -)")
    return name


class Device:
    """Runs commands through a connection of Ansible; a command that fails is AnsibleActionFail."""

    def __init__(self, execute, connection, command, folder):
        """@execute: _low_level_execute_command of an action; @command: the words that start wmopkg;
        @folder: of the device, where temporary folders are made"""
        self.execute = execute
        self.connection = connection
        self.command = command
        self.folder = folder

    def shell(self, script, data=None):
        """The result of a script of the shell: rc, stdout, stderr. @data is its standard input."""
        if "\0" in script:
            raise AnsibleActionFail("a value has a NUL character, which no command can have")
        # Input also keeps ssh from making a terminal, where output and errors would be one.
        if self.connection.has_pipelining:
            return self.execute(SYSTEM_PATHS + script, in_data=data or b"\n")
        if data is None:
            return self.execute(f"({SYSTEM_PATHS}{script}) </dev/null")
        raise AnsibleActionFail(f"the connection plugin {self.connection.transport} cannot pass files as input "
                                "(use ssh)")

    def succeed(self, script, shown, data=None):
        """What a script that must succeed prints; @shown: what it is called in the error."""
        return self.succeeded(self.shell(script, data), shown)

    @staticmethod
    def succeeded(done, shown):
        if done["rc"] != 0:
            meaning = STATUS.get(done["rc"])
            status = f"exit status {done['rc']}" + (f" ({meaning})" if meaning else "")
            said = done["stderr"].strip() or done["stdout"].strip() or "no message"
            raise AnsibleActionFail(f"{shown}: {status}: {said}", result={
                key: done[key] for key in ("rc", "stdout", "stderr")})
        return done["stdout"]

    def line(self, *words):
        """The command line that starts wmopkg with these words."""
        return " ".join(shlex.quote(word) for word in (*self.command, *words))

    def wmopkg(self, *words):
        """What it prints; it must succeed."""
        return self.succeed(self.line(*words), " ".join(("wmopkg", *words)))

    def told(self, *words):
        """The object that wmopkg prints."""
        output = self.wmopkg(*words, "json")
        try:
            told = json.loads(output)
            if told["format"] != FORMAT:
                raise AnsibleActionFail(f"wmopkg {' '.join(words)}: the device prints format {told['format']}, and "
                                        f"this collection knows format {FORMAT} (install a newer collection)")
        except (ValueError, KeyError, TypeError):
            raise AnsibleActionFail(f"wmopkg {' '.join(words)} json: this is not what wmopkg prints: "
                                    f"{output[:200]!r}") from None
        return told

    def packages(self):
        return self.told("show")["packages"]

    def boot(self):
        """What tells one boot from another: the kernel's id and, where packages were activated, the
        number of wmopkg."""
        done = self.shell("cat /proc/sys/kernel/random/boot_id && "
                          f"{self.line('show', 'boot', 'json')} 2>/dev/null")
        first, _, rest = done["stdout"].partition("\n")
        if not first.strip():
            raise AnsibleActionFail(f"the id of the boot cannot be read: {done['stderr'].strip()}")
        number = None
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            number = json.loads(rest).get("boot")
        return {"id": first.strip(), "number": number}

    @contextlib.contextmanager
    def temporary_folder(self):
        """A folder that only this user can enter, gone at the end."""
        template = shlex.quote(f"{self.folder}/wmopkg.XXXXXX")
        path = self.succeed(f"umask 077 && mktemp -d {template}", f"a temporary folder in {self.folder}").strip()
        # what is removed at the end
        if not re.fullmatch(re.escape(self.folder) + r"/wmopkg\.\w{6,}", path):
            raise AnsibleActionFail(f"mktemp: this is not a temporary folder: {path[:200]!r}")
        try:
            yield path
        finally:
            self.shell(f"rm -rf {shlex.quote(path)}")

    def put(self, content, path):
        """A file, which is there as a whole or not at all."""
        part, whole = shlex.quote(f"{path}.part"), shlex.quote(path)
        self.succeed(f"umask 077 && cat >{part} && test $(wc -c <{part}) -eq {len(content)} && mv {part} {whole}",
                     f"copy to {path}", content)

    def put_file(self, source, folder):
        """A copy of a file of the controller; its path."""
        with open(source, "rb") as file:
            content = file.read()
        path = f"{folder}/{os.path.basename(source)}"
        self.put(content, path)
        return path
