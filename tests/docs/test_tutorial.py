#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/tutorial.md, line by line: what it says is typed on the computer and at the console of the
device, and what it prints is compared with what is seen.

The short form types what needs neither a build nor a device: it uses the programs that are there.
With WMOPKG_LONG all of it, in a copy of the source tree. A line `...` stands for any lines, and
`...` in a line for any text.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path += [os.path.join(HERE, ".."), os.path.join(HERE, "..", "device")]
import console  # noqa: E402
import tracked  # noqa: E402

BUILD = os.environ["WMOPKG_BUILD"]
LONG = os.environ.get("WMOPKG_LONG") == "1"
HOST, DEVICE = "$ ", "device# "
BOOT_S, COMMAND_S, BUILD_S = 240, 60, 1800
# of the short form: all commands but those that build, and up to the section that makes a device
BUILDS = ("meson ", "ninja ")
LAST = "## 4. "
DONE = re.compile(r"(?m)^done (\d+) here\n")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def steps(text):
    """(prompt, command, expected lines) of each command in the blocks of a document."""
    found = []
    for block in re.findall(r"(?ms)^```console\n(.*?)^```$", text):
        for line in block.splitlines():
            prompt = next((word for word in (HOST, DEVICE) if line.startswith(word)), None)
            if prompt:
                found.append([prompt, line[len(prompt):], []])
            elif found[-1][1].endswith("\\") and not found[-1][2]:
                found[-1][1] += "\n" + line
            else:
                found[-1][2].append(line)
    return found


def pattern(lines):
    """What output must be like."""
    text = ""
    for line in lines:
        text += "(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + "\n"
    return re.compile(text)


class Computer:
    """A shell that is typed at."""

    def __init__(self, home):
        # The cache of compiled files is not in the new home; and a copy has no time of its commit.
        cache = os.environ.get("CCACHE_DIR") or os.path.expanduser("~/.cache/ccache")
        self.shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=home, start_new_session=True,
            env={"HOME": home, "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "CCACHE_DIR": cache,
                 "SOURCE_DATE_EPOCH": re.search(r"_EPOCH INT64_C\((\d+)\)",
                                                read(f"{BUILD}/overlay/time_epoch.h")).group(1)})

    def type(self, command):
        """(exit status, output)"""
        # in braces: what it is to read is not the next command
        self.shell.stdin.write(f"{{ {command}\n}} </dev/null\necho done $? here\n")
        self.shell.stdin.flush()
        seen = ""
        for line in self.shell.stdout:
            done = DONE.match(line)
            if done:
                return int(done.group(1)), seen
            seen += line
        raise AssertionError(f"{command}: ended the shell\n{seen}")

    def where(self):
        """The folder and the variables of the shell."""
        return self.type("pwd")[1].strip(), self.type("echo $PATH")[1].strip()

    def close(self):
        self.shell.stdin.close()
        self.shell.stdout.close()
        self.shell.wait()


class Console(console.Device):
    """The device of the tutorial: another prompt, and started as the tutorial does it."""

    def __init__(self, command, folder, environment):  # pylint: disable=super-init-not-called
        self.answered, self.log, self.pending, self.partial = 0, "", "", ""
        self.echo, self.began = None, 0
        self.decoder = console.codecs.getincrementaldecoder("utf-8")("replace")
        self.process = subprocess.Popen(["bash", "-c", "exec " + command], cwd=folder,
                                        env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        console._running.append(self)  # pylint: disable=protected-access

    def until_prompt(self, limit_s):
        return console.plain(self.expect(DEVICE, limit_s)[:-len(DEVICE)])


class Tutorial(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = read("docs/tutorial.md")
        work = tempfile.TemporaryDirectory(prefix="wmopkg-tutorial-")
        cls.addClassCleanup(work.cleanup)
        cls.home = os.path.realpath(work.name)
        cls.computer = Computer(cls.home)
        cls.addClassCleanup(cls.computer.close)
        cls.device = None

    def check(self, command, expected, seen):
        self.assertRegex(seen, re.compile(r"\A" + pattern(expected).pattern + r"\Z"),
                         f"`{command}` printed:\n{seen}")

    def on_computer(self, command, expected):
        status, seen = self.computer.type(command)
        self.assertEqual(status, 0, f"`{command}` printed:\n{seen}")
        self.check(command, expected, seen)

    def start(self, command, expected):
        folder, path = self.computer.where()
        type(self).device = Console(command, folder, {**os.environ, "HOME": self.home, "PATH": path})
        self.addClassCleanup(self.device.kill)
        self.check(command, expected, self.device.until_prompt(BOOT_S))

    def on_device(self, command, expected):
        self.device.type(command)
        seen = ""
        for line in expected:
            question, answered, answer = line.partition("(y/N)?")
            if answered and answer:
                seen += self.device.expect(question + answered)
                self.device.type(answer)
        if command == "poweroff":
            while self.device._read(time.monotonic() + BOOT_S, "the end of the machine"):
                pass
            self.assertEqual(self.device.process.wait(), 0)
            seen += self.device.pending
        elif command == "reboot":
            # the shell may ask for one more line before it is ended
            seen += self.device.expect("Restarting system", BOOT_S)
            seen += self.device.expect(DEVICE, BOOT_S)[:-len(DEVICE)]
        else:
            seen += self.device.expect(DEVICE, COMMAND_S)[:-len(DEVICE)]
        # the first line is the echo of what was typed
        self.check(command, expected, console.plain(seen).partition("\n")[2])

    def test_1_packages(self):
        """Each package that it names is one of our list."""
        named = re.search(r"(?s)sudo apt install (.*?)\n\n", self.text).group(1).replace("\\\n", " ")
        listed = {line.split("#")[0].strip() for line in read("tests/packages.txt").splitlines()}
        self.assertEqual(sorted(set(named.split()) - listed), [])
        self.assertGreater(len(named.split()), 20)

    @unittest.skipIf(LONG, "the long form types all of it")
    def test_2_computer(self):
        os.mkdir(f"{self.home}/wmopkg")
        for name in os.listdir(ROOT):
            if not name.startswith("build"):
                os.symlink(f"{ROOT}/{name}", f"{self.home}/wmopkg/{name}")
        os.symlink(BUILD, f"{self.home}/wmopkg/build")
        typed = 0
        for prompt, command, expected in steps(self.text.partition(LAST)[0]):
            self.assertEqual(prompt, HOST)
            if not command.startswith(BUILDS):
                self.on_computer(command, expected)
                typed += 1
        self.assertGreater(typed, 10)

    @unittest.skipUnless(LONG, "the short form has no device")
    def test_3_all(self):
        copy_source(f"{self.home}/wmopkg")
        for prompt, command, expected in steps(self.text):
            if prompt == DEVICE:
                self.on_device(command, expected)
            elif "run-qemu" in command:
                self.start(command, expected)
            else:
                self.on_computer(command, expected)

    @unittest.skipUnless(LONG, "the short form has no device")
    def test_4_other_initramfs(self):
        """The device of the tutorial with the other kinds that new-device knows; each is up with its
        packages."""
        examples, device = "~/wmopkg/docs/examples/device", "~/tutorial/device"
        for kind in ("initramfs-tools", "dracut"):
            for command in (f"cd ~ && rm -rf ~/{kind} && {examples}/new-device ~/{kind} {kind}",
                            f"~/{kind}/make-initramfs {device}/root {device}/initrd.img",
                            f"cp {device}/packages/hello.wmopkg {device}/root/root/",
                            f"~/{kind}/make-disk {device}/root {device}/disk.img 256"):
                status, seen = self.computer.type(command)
                self.assertEqual(status, 0, f"`{command}` printed:\n{seen}")
            self.start(f"{examples}/run-qemu {device}", ["...", "Welcome to the tutorial device.", "..."])
            self.on_device("wmopkg install ./hello.wmopkg",
                           ["...", "Installed... Changes are applied after reboot."])
            self.on_device("reboot", ["...", "Hello again.", "..."])
            self.on_device("poweroff", ["..."])


def copy_source(folder):
    """As it is now, without what is built."""
    for name in tracked.files():
        os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
        shutil.copy2(f"{ROOT}/{name}", f"{folder}/{name}", follow_symlinks=False)


if __name__ == "__main__":
    console.clean_up_on_signals()
    unittest.main()
