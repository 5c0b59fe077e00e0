#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`wmopkg boot`, on an environment of two copies as U-Boot keeps it, made and read by its tools."""

import json
import os
import struct
import subprocess
import sys
import unittest
import zlib

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
import schema  # noqa: E402  pylint: disable=wrong-import-position

BYTES = 0x2000
DONE = "Changes are applied after reboot.\n"
NOW = "This applies now, without a reboot.\n"
EMPTY = """\
╒ Boot configuration ══════════════════════════════════════════════════════════╕
│KEY                     VALUE  SOURCE                                         │
│wmopkg.allow_untrusted  -      -                                              │
│wmopkg.safe             -      -                                              │
│wmopkg.factory_reset    -      -                                              │
│wmopkg.disable          -      -                                              │
│wmopkg.media            -      -                                              │
│wmopkg.debug            -      -                                              │
└──────────────────────────────────────────────────────────────────────────────┘
"""


def copy_of(*variables):
    """A copy with these variables, as U-Boot writes it."""
    content = b"".join(variable + b"\0" for variable in variables) + b"\0"
    assert len(content) <= BYTES - 5
    content = content.ljust(BYTES - 5, b"\0")
    return struct.pack("=IB", zlib.crc32(content), 1) + content


class Boot(bench.Case):
    def setUp(self):
        super().setUp()
        bench.write("text", b"bootdelay=3\nbootcmd=run main\n")
        subprocess.run(["mkenvimage", "-r", "-s", str(BYTES), "-o", "copy", "text"], check=True)
        with open("copy", "rb") as copy, open("env", "wb") as env:
            env.write(copy.read() * 2)
        self.place(f"{self.folder}/env 0x0 {BYTES:#x}\n{self.folder}/env {BYTES:#x} {BYTES:#x}\n")
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write(f'uboot_env = "{self.folder}/fw_env.config"\n')
        self.boot("")

    def place(self, text):
        bench.write("fw_env.config", text.encode())

    def printenv(self):
        """All that U-Boot has, as its own tool reads it."""
        return subprocess.run(["fw_printenv", "-c", "fw_env.config"], check=True, text=True,
                              capture_output=True).stdout.splitlines()

    def copies(self):
        with open("env", "rb") as file:
            return file.read(BYTES), file.read(BYTES)

    def words(self):
        """What `boot json` says, by word."""
        result = self.wmopkg("boot", "json")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        told = schema.check("boot", json.loads(result.stdout))
        return {word["word"]: (word.get("value"), word.get("origin")) for word in told["words"]}

    def test_show(self):
        self.succeed(EMPTY, "boot")
        self.boot("quiet wmopkg.disable=a,b wmopkg.safe")
        # the other keys are read at boot, labels when they are used
        self.succeed("wmopkg.media=card:LABEL=CARD, until 'wmopkg boot clear media'. " + NOW,
                     "boot", "set", "media", "card:LABEL=CARD")
        self.succeed("""\
╒ Boot configuration ══════════════════════════════════════════════════════════╕
│KEY                     VALUE            SOURCE                               │
│wmopkg.allow_untrusted  -                -                                    │
│wmopkg.safe             1                kernel command line                  │
│wmopkg.factory_reset    -                -                                    │
│wmopkg.disable          a,b              kernel command line                  │
│wmopkg.media            card:LABEL=CARD  U-Boot environment                   │
│wmopkg.debug            -                -                                    │
└──────────────────────────────────────────────────────────────────────────────┘
""", "boot")
        self.assertEqual(self.words(), {
            "wmopkg.allow_untrusted": (None, None), "wmopkg.safe": ("1", "cmdline"),
            "wmopkg.factory_reset": (None, None),
            "wmopkg.disable": ("a,b", "cmdline"), "wmopkg.media": ("card:LABEL=CARD", "uboot"),
            "wmopkg.debug": (None, None)})
        self.succeed("wmopkg.media is cleared. " + NOW, "boot", "clear", "media")
        self.boot("wmopkg.media=old:LABEL=OLD")
        warned = ("warning: the kernel command line of this boot sets wmopkg.media=old:LABEL=OLD and "
                  "takes precedence: if the bootloader sets it again, nothing changes")
        self.check(0, "wmopkg.media=card:LABEL=CARD, until 'wmopkg boot clear media'. " + DONE,
                   warned, "boot", "set", "media", "card:LABEL=CARD")
        self.check(0, "wmopkg.media is cleared. " + DONE, warned, "boot", "clear", "media")

    def test_without_effect(self):
        """What counts is shown, and beside it what somebody may think counts: of both places."""
        bench.write("text", b"wmopkg.safe=yes\nwmopkg.debug=1\n")
        subprocess.run(["mkenvimage", "-r", "-s", str(BYTES), "-o", "copy", "text"], check=True)
        with open("copy", "rb") as copy, open("env", "wb") as env:
            env.write(copy.read() * 2)
        self.boot("wmopkg.allow_untrusted=2 wmopkg.disable=a,/b wmopkg.saef=1\x1b[2J")
        switch = "its value is not understood and has no effect"
        table = EMPTY
        for key, value, source in (("disable", "a", "kernel command line"), ("debug", "1", "U-Boot environment")):
            row = f"│{'wmopkg.' + key:24}{{:7}}{{:47}}│"
            table = table.replace(row.format("-", "-"), row.format(value, source))
        self.check(0, table, f"""\
warning: kernel command line: wmopkg.allow_untrusted: {switch} (wmopkg.allow_untrusted takes 0 or 1)
warning: U-Boot environment: wmopkg.safe: {switch} (wmopkg.safe takes 0 or 1)
warning: kernel command line: wmopkg.disable: what is not understood of its value has no effect \
(wmopkg.disable takes package names, each once, with a comma between them)
warning: kernel command line: unknown boot configuration key 'wmopkg.saef'; expected: allow_untrusted, \
safe, factory_reset, disable, media, debug""", "boot")

    def test_set_and_clear(self):
        self.succeed("wmopkg.safe=1, until 'wmopkg boot clear safe'. " + DONE,
                     "boot", "set", "safe", "1")
        # a name that is mistyped disables nothing
        os.makedirs("data/packages")
        bench.write("data/packages/b.wmopkg", b"")
        self.check(0, "wmopkg.disable=a,b, until 'wmopkg boot clear wmopkg.disable'. " + DONE,
                   "warning: a: no such package (installed: b)", "boot", "set", "wmopkg.disable",
                   "a,b")
        self.assertEqual(sorted(self.printenv()), ["bootcmd=run main", "bootdelay=3",
                                                   "wmopkg.disable=a,b", "wmopkg.safe=1"])
        self.assertEqual(self.words()["wmopkg.safe"], ("1", "uboot"))
        self.succeed("wmopkg.safe is cleared. " + DONE, "boot", "clear", "safe")
        self.succeed("wmopkg.safe is cleared. " + DONE, "boot", "clear", "safe")
        self.assertEqual(sorted(self.printenv()),
                         ["bootcmd=run main", "bootdelay=3", "wmopkg.disable=a,b"])
        events = [json.loads(line) for line in self.wmopkg("audit", "json").stdout.splitlines()]
        self.assertEqual([event["detail"] for event in events if event["event"] == "boot-set"],
                         ["wmopkg.safe=1", "wmopkg.disable=a,b", "wmopkg.safe deleted",
                          "wmopkg.safe deleted"])

    def test_the_value_that_is_replaced(self):
        for value, replaced in (("a", ""), ("b", ", in place of a"), ("b", "")):
            self.check(0, f"wmopkg.disable={value}{replaced}, until 'wmopkg boot clear disable'. " +
                       DONE, f"warning: {value}: no such package (none is installed)",
                       "boot", "set", "disable", value)

    def test_allow_untrusted_on_a_device_with_an_anchor(self):
        words = ("boot", "set", "allow_untrusted", "1")
        told = "wmopkg.allow_untrusted=1, until 'wmopkg boot clear allow_untrusted'. " + DONE
        self.succeed(told, *words)
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write("anchor = always\n")
        self.check(0, told, "warning: this device has a hardware anchor: Allow Untrusted counts only "
                   "with an unlock statement that allows it (see: wmopkg unlock)", *words)
        self.assertEqual(self.wmopkg("boot", "clear", "allow_untrusted").stderr, "")
        package = self.make("unsigned")
        self.refuse(3, f"{package}: Unsigned: it has no signature (install one signed for this device, or "
                    "set Allow Untrusted, which requires an unlock statement here, too)", "install", package)

    def test_a_reset_by_the_key(self):
        """It is asked for, others are told, and what cancels a reset cancels it."""
        key, words = "wmopkg.factory_reset", ("boot", "set", "factory_reset", "1")
        question = ("Deleted: all of DATA, with configuration, users and logs, and no package\n"
                    "Kept: the audit log, known hosts, unlock statement, deny list and floors, and no "
                    "persistent package\n"
                    "Reset to factory, deleting all but persistent packages (y/N)?\n")
        told = (f"{key}=1, until the factory reset at the next reboot (to cancel it: wmopkg "
                "factory-reset cancel).\n")
        self.check(1, question + "Nothing reset.\n", "", *words, answer="n\n")
        self.check(1, question, "boot set factory_reset: there is no terminal to ask on (to continue "
                   "without asking: --yes)", *words)
        self.assertEqual(self.words()[key], (None, None))
        self.succeed(question + told, *words, answer="y\n")
        self.succeed(told, *words, "--yes")
        self.assertIn(f"{key}=1", self.printenv())
        self.check(0, "No packages installed.\n", "warning: a factory reset is requested by the boot "
                   "configuration: the next reboot deletes all but persistent packages (to cancel it: "
                   "wmopkg factory-reset cancel)", "show")
        cancelled = "Cancelled... Nothing is reset at the next reboot.\n"
        self.succeed(cancelled, "factory-reset", "cancel")
        self.assertEqual(self.words()[key], (None, None))
        # of both requests none is left
        self.succeed(told, *words, "--yes")
        self.assertEqual(self.wmopkg("factory-reset", "--yes").returncode, 0)
        self.succeed(cancelled, "factory-reset", "cancel")
        self.check(0, "No packages installed.\n", "", "show")
        # the question is about what will happen
        self.assertEqual(self.wmopkg("factory-reset", "--purge", "--yes").returncode, 0)
        result = self.wmopkg(*words, answer="n\n")
        self.assertIn("Purge this device", result.stdout)
        self.assertIn("a purge is requested already, and stays requested", result.stderr)
        self.succeed(cancelled, "factory-reset", "cancel")
        # without a question where nothing is reset
        self.succeed(f"{key}=0, until 'wmopkg boot clear factory_reset'. " + DONE,
                     "boot", "set", "factory_reset", "0")

    def test_a_reset_that_cannot_be_cancelled(self):
        bench.write("text", b"wmopkg.factory_reset=1\n")
        subprocess.run(["mkenvimage", "-s", str(BYTES), "-o", "env", "text"], check=True)
        self.place(f"{self.folder}/env 0x0 {BYTES:#x}\n")
        self.check(1, "", "factory-reset: still requested by the boot configuration: "
                   f"{self.folder}/fw_env.config: the U-Boot environment has only one copy, and a power "
                   "cut while it is written would lose all of it (give U-Boot a redundant one)",
                   "factory-reset", "cancel")
        bench.write("env", b"\0" * BYTES)
        self.check(1, "", "factory-reset: not known whether the boot configuration requests one: "
                   f"U-Boot environment: no valid copy that {self.folder}/fw_env.config points to "
                   "(check the path and the file system)", "factory-reset", "cancel")

    def test_the_copy_in_use_is_never_written(self):
        """So a power cut at any moment of writing leaves U-Boot what it had."""
        before = self.copies()
        for turn, value in enumerate("1010"):
            self.assertEqual(self.wmopkg("boot", "set", "safe", value).returncode, 0)
            after = self.copies()
            changed = [old != new for old, new in zip(before, after)]
            self.assertEqual(changed, [turn % 2 == 1, turn % 2 == 0])
            before = after
        # the newest copy, torn
        with open("env", "r+b") as file:
            file.write(b"\0" * 100)
        self.assertEqual(self.words()["wmopkg.safe"], ("1", "uboot"))
        self.assertEqual(self.wmopkg("boot", "set", "safe", "0").returncode, 0)
        self.assertEqual(self.words()["wmopkg.safe"], ("0", "uboot"))
        self.assertIn("wmopkg.safe=0", self.printenv())

    def test_what_is_not_understood(self):
        before = self.copies()
        switch, names = "takes 0 or 1", "takes package names, each once, with a comma between them"
        media = "takes LABEL:MATCH[,LABEL:MATCH...], where MATCH is LABEL=, UUID=, PARTLABEL=, " \
                "or a path below /dev"
        for key, value, why in (
                ("safe", "yes", switch), ("factory_reset", "yes", switch), ("allow_untrusted", "01", switch), ("safe", "2", switch),
                ("disable", "a,,b", names), ("disable", "a b", names), ("disable", "a,a", names),
                ("disable", "../a", names), ("media", "card", media),
                ("media", "external:LABEL=x", media), ("media", "x:/dev/../etc/passwd", media)):
            self.refuse(2, f"wmopkg.{key} {why} (see 'wmopkg help')", "boot", "set", key, value)
        self.refuse(2, "unknown boot configuration key 'bootcmd'; expected: allow_untrusted, "
                       "safe, factory_reset, disable, media, debug (see 'wmopkg help')", "boot", "set", "bootcmd", "x")
        self.refuse(2, "unknown boot configuration key 'x'; expected: allow_untrusted, safe, "
                       "factory_reset, disable, media, debug (see 'wmopkg help')", "boot", "clear", "x")
        self.assertEqual(self.wmopkg("boot", "set", "safe").returncode, 2)
        self.assertEqual(self.copies(), before)

    def test_the_command_line_has_the_last_word(self):
        self.boot("wmopkg.safe=0")
        result = self.wmopkg("boot", "set", "safe", "1")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr, "wmopkg: warning: the kernel command line of this boot sets "
                         "wmopkg.safe=0 and takes precedence: if the bootloader sets it again, "
                         "nothing changes\n")

    def test_one_copy(self):
        self.place(f"{self.folder}/env 0x0 {BYTES:#x}\n# {self.folder}/env 1 2\n")
        before = self.copies()
        self.refuse(1, f"{self.folder}/fw_env.config: the U-Boot environment has only one copy, "
                    "and a power cut while it is written would lose all of it (give U-Boot a redundant one)",
                    "boot", "set", "safe", "1")
        self.assertEqual(self.copies(), before)

    def test_no_environment(self):
        os.unlink("fw_env.config")
        self.succeed(EMPTY, "boot")
        self.refuse(4, "this device has no U-Boot environment: there is no "
                    f"{self.folder}/fw_env.config (set it on the kernel command line)",
                    "boot", "set", "safe", "1")

    def test_no_room(self):
        bench.write("text", b"filler=" + b"x" * (BYTES - 40) + b"\n")
        subprocess.run(["mkenvimage", "-r", "-s", str(BYTES), "-o", "copy", "text"], check=True)
        with open("copy", "rb") as copy, open("env", "wb") as env:
            env.write(copy.read() * 2)
        before = self.copies()
        self.refuse(6, "the U-Boot environment has no room for wmopkg.disable (delete what it does "
                    "not need with fw_setenv)",
                    "boot", "set", "disable", "a-name-that-is-long-enough")
        self.assertEqual(self.copies(), before)

    def test_just_room(self):
        """What fills a copy leaves no room for its end, without which nobody reads it any more."""
        for bytes_left, status in ((0, 6), (1, 0)):
            filler = BYTES - 5 - len("a=\0") - len("wmopkg.safe=1\0") - bytes_left
            bench.write("env", 2 * copy_of(b"a=" + b"x" * filler))
            before = self.copies()
            self.assertEqual(self.wmopkg("boot", "set", "safe", "1").returncode, status)
            self.assertEqual(self.copies() == before, status != 0)
            self.assertEqual(self.words()["wmopkg.safe"], ("1", "uboot") if status == 0 else (None, None))

    def test_flags_without_room(self):
        """U-Boot's types of variables are written in a longer form than they had, by libubootenv
        without a look at the room."""
        names = [b"%03x" % number for number in range(BYTES // 11 - 4)]
        variables = [name + b"=" for name in names]
        flags = b".flags=" + b",".join(name + b":d" for name in names)
        filled = len(b"".join(variables)) + len(variables) + len(flags) + 1
        self.assertGreater(filled + len(names), BYTES)
        bench.write("env", 2 * copy_of(*variables, flags))
        before = self.copies()
        for words in ("set", "safe", "1"), ("clear", "safe"):
            result = self.wmopkg("boot", *words)
            self.assertEqual((result.returncode, result.stdout), (6, ""))
            self.assertIn("the U-Boot environment has no room for wmopkg.safe", result.stderr)
        self.assertEqual(self.copies(), before)

    def test_flags_that_do_not_allow_it(self):
        bench.write("env", 2 * copy_of(b"wmopkg.safe=0", b".flags=wmopkg.safe:sr"))
        before = self.copies()
        self.refuse(1, "the variable .flags of the U-Boot environment does not allow this value of "
                       "wmopkg.safe", "boot", "set", "safe", "1")
        self.assertEqual(self.copies(), before)

    def test_copies_that_overlap(self):
        """To write one of them would damage the other, also by another name of its file."""
        os.symlink("env", "other")
        for name, start in (("env", 0), ("env", BYTES - 1), ("other", 1)):
            self.place(f"{self.folder}/env 0x0 {BYTES:#x}\n{self.folder}/{name} {start:#x} {BYTES:#x}\n")
            before = self.copies()
            self.refuse(1, f"{self.folder}/fw_env.config: the two copies of the U-Boot environment "
                           "overlap, and a power cut while one is written would lose both (give each "
                           "a place of its own)", "boot", "set", "safe", "1")
            self.assertEqual(self.copies(), before)

    def test_a_place_that_is_not_there(self):
        first = f"{self.folder}/env 0x0 {BYTES:#x}\n"
        hint = " (check the path and the file system)"
        for second, why in (
                (f"{self.folder}/none 0x0 {BYTES:#x}\n",
                 f"{self.folder}/fw_env.config describes no place for one, or a place that is missing, "
                 "or two that differ in size"),
                (f"{self.folder}/env {BYTES:#x} {BYTES // 2:#x}\n",
                 f"{self.folder}/fw_env.config describes no place for one, or a place that is missing, "
                 "or two that differ in size"),
                (f"{self.folder}/env {2 * BYTES - 1:#x} {BYTES:#x}\n",
                 f"a copy that {self.folder}/fw_env.config points to cannot be read")):
            self.place(first + second)
            self.refuse(1, f"U-Boot environment: {why}{hint}", "boot", "set", "safe", "1")

    def test_both_copies_damaged(self):
        with open("env", "wb") as env:
            env.write(b"\0" * 2 * BYTES)
        self.refuse(1, f"U-Boot environment: no valid copy that {self.folder}/fw_env.config "
                    "points to (check the path and the file system)", "boot", "set", "safe", "1")


if __name__ == "__main__":
    unittest.main()
