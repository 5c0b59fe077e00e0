#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Cut the power of a running device, at random, again and again.

	kills.py BUILD-FOLDER [--cuts N] [--seed S]

A User-Mode Linux with DATA and PERSIST on disks of their own boots, activates, installs,
replaces, moves and removes packages, and is reset to factory, until it is killed at a moment
that chance picks: while it boots, while it activates or is reset, or in the midst of a
command. After each cut, on the host:

 - both file systems hold the packages from before the command that was cut, or from after it,
   byte by byte, and nothing else but unfinished files with a dot in front;
 - in the midst of a reset, all persistent packages, and no others than were there before;
 - the audit log is whole.

And at the next boot: all that is installed is active, unfinished files are gone, a reset that
was asked for is complete, and the kernel log complains of nothing.
"""

import argparse
import hashlib
import json
import os
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import uml
from device import FIRMWARE, Vendor, run, write
from mounts import unmount_now

NAMES = ("alpha", "beta", "gamma")
VERSIONS = ("1.0", "2.0")
COMMANDS = 8
RESET = "factory-reset --yes"
DATA_MIB, PERSIST_MIB = 24, 16
LINE_S = 120  # the longest that any step takes on a busy machine

# Everything that the host has to know goes to the console: that is never cached.
INIT = """#!/bin/sh
export LC_ALL=C
{prepare}
busybox mount -t devtmpfs devtmpfs /dev 2>/dev/null
busybox mount -t tmpfs tmpfs {work}/mnt
mkdir {work}/mnt/root {work}/mnt/run
cp -a {work}/firmware/. {work}/mnt/root
wmopkg="{build}/installer/wmopkg --config {work}/conf"
echo "@begin activate"
{build}/initramfs/wmopkg-activate --config {work}/conf --root {work}/mnt/root
echo "@end activate $?"
echo "@state $(tr -d '\\n' <{work}/mnt/run/state.json)"
echo "@files $(cd {work}/mnt/run && find data/packages persist/packages -type f | tr '\\n' ' ')"
echo "@log $(dmesg --notime | grep '^wmopkg: ' | tr '\\n' '|')"
echo "@begin complete"
$wmopkg boot-complete
echo "@end complete $?"
number=0
while read -r words; do
	echo "@begin $number"
	$wmopkg $words >/dev/null
	echo "@end $number $?"
	number=$((number + 1))
done <{work}/steps
echo "@idle"
while :; do sleep 1; done
"""


def persistent_of(installed):
    """What a reset leaves."""
    return {name: what for name, what in installed.items() if what[1]}


def apply(steps, installed):
    """What is installed after some steps of Lab.plan()."""
    now = dict(installed)
    for _, name, what in steps:
        if what:
            now[name] = what
        elif name:
            now.pop(name, None)
    return now


class Cut(Exception):
    """Something is not as it must be after a cut."""


class Console:
    """A machine, and the lines it writes, as they come."""

    def __init__(self, work):
        command = uml.kernel_words(work, "256M", f"ubda={work}/data.img",
                                   f"ubdb={work}/persist.img")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, env=dict(os.environ, TMPDIR=work))
        self.lines = queue.Queue()
        self.seen = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode("utf-8", "replace").rstrip("\r\n"))

    def wait(self, mark):
        """Until a line begins with @mark; it."""
        end = time.monotonic() + LINE_S
        while True:
            try:
                line = self.lines.get(timeout=max(0.1, end - time.monotonic()))
            except queue.Empty:
                raise Cut(f"'{mark}' never came:\n" + "\n".join(self.seen)) from None
            self.seen.append(line)
            if line.startswith(mark):
                return line
            if self.process.poll() is not None and self.lines.empty():
                raise Cut(f"it died before '{mark}':\n" + "\n".join(self.seen))

    def kill(self):
        """The power goes; all that it had written to the console by then."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
        while not self.lines.empty():
            self.seen.append(self.lines.get())
        return self.seen


class Lab:
    """The device's disks, its packages, and what must be on it."""

    def __init__(self, work, build, chance):
        self.work, self.build, self.chance = work, build, chance
        self.installed = {}  # name: (version, persistent)
        self.reset = False  # asked for; None: nobody can tell
        self.digests = {}
        for folder in ("mnt", "uml", "look"):
            os.mkdir(f"{work}/{folder}")
        self._make_packages()
        for path, what in FIRMWARE.items():
            text, mode = what if isinstance(what, tuple) else (what, 0o644)
            write(f"{work}/firmware/{path}", text, mode)
        for name, mib in (("data", DATA_MIB), ("persist", PERSIST_MIB)):
            with open(f"{work}/{name}.img", "wb") as image:
                image.truncate(mib << 20)
            run("mke2fs", "-q", "-t", "ext4", "-E", "root_owner=0:0", f"{work}/{name}.img")
        write(f"{work}/cmdline", "quiet\n")
        write(f"{work}/conf", f'data = "/dev/ubda"\npersist = "/dev/ubdb"\nkeys = "{work}/ring"\n'
              f'run = "{work}/mnt/run"\ncmdline = "{work}/cmdline"\ntrials = 100\n')
        write(f"{work}/init", INIT.format(prepare=uml.prepare_words(), work=work, build=build), 0o755)

    def _make_packages(self):
        vendor = Vendor(self.work, self.build)
        os.mkdir(f"{self.work}/ring")
        shutil.copy(f"{self.work}/keys/root.pem", f"{self.work}/ring")
        for version in VERSIONS:
            os.makedirs(f"{self.work}/{version}")
            for name in NAMES:
                content = self.chance.randbytes(200000 + self.chance.randrange(1 << 20))
                shutil.rmtree(f"{self.work}/trees", ignore_errors=True)
                made = vendor.make(name, {f"usr/share/{name}": content}, version=version)
                place = f"{self.work}/{version}/{name}.wmopkg"
                os.rename(made, place)
                with open(place, "rb") as file:
                    self.digests[hashlib.sha256(file.read()).digest()] = (name, version)

    def plan(self):
        """Commands that will not fail; what each does to what is installed, see apply()."""
        steps, now = [], dict(self.installed if self.reset is False
                              else persistent_of(self.installed))
        for _ in range(COMMANDS):
            name = self.chance.choice(NAMES)
            if self.chance.random() < 0.1:
                steps.append((RESET, None, None))
            elif name in now and self.chance.random() < 0.3:
                steps.append((f"remove {name} --yes", name, None))
            else:
                version, persistent = self.chance.choice(VERSIONS), self.chance.random() < 0.5
                stays = name in now and now[name][1]  # only a removal ends it
                steps.append((f"install {'persistent ' if persistent else ''}"
                              f"{self.work}/{version}/{name}.wmopkg", name,
                              (version, persistent or stays)))
            now = apply(steps[-1:], now)
        write(f"{self.work}/steps", "".join(words + "\n" for words, _, _ in steps))
        return steps

    def after_boot(self):
        """What may be installed once a boot is through."""
        return ([self.installed] if not self.reset else []) + \
            ([persistent_of(self.installed)] if self.reset is not False else [])

    def check_boot(self, console):
        """The boot after a cut: nothing but what is installed, and all of that."""
        end = console.wait("@end activate")
        if end != "@end activate 0":
            raise Cut(end)
        state = json.loads(console.wait("@state")[len("@state "):])
        found = {package["name"]: (package["version"], package["persistent"])
                 for package in state["packages"] if package["active"]}
        may = self.after_boot()
        if found not in may or state["stack"]["code"] != "ok":
            raise Cut(f"active are {found}, and should be one of {may}: {state}")
        self.installed, self.reset = found, False
        for file in console.wait("@files").split()[1:]:
            if os.path.basename(file).startswith("."):
                raise Cut(f"{file} is still there after the boot")
        for line in console.wait("@log")[len("@log "):].split("|"):
            if re.search(r"broken|damaged|anew|not active|cannot|no valid", line):
                raise Cut(f"the kernel log says: {line}")

    def look(self):
        """What is on the disks now: the last step of ext4's recovery is what a mount does."""
        found = {}
        for volume, persistent in (("data", False), ("persist", True)):
            place = f"{self.work}/look/{volume}"
            os.makedirs(place, exist_ok=True)
            run("mount", "-o", "loop", f"{self.work}/{volume}.img", place)
        try:
            for volume, persistent in (("data", False), ("persist", True)):
                folder = f"{self.work}/look/{volume}/packages"
                for file in os.listdir(folder) if os.path.isdir(folder) else ():
                    if file.startswith("."):
                        continue
                    with open(f"{folder}/{file}", "rb") as package:
                        digest = hashlib.sha256(package.read()).digest()
                    if digest not in self.digests:
                        raise Cut(f"{volume}/packages/{file} is no package that ever was")
                    name, version = self.digests[digest]
                    if file != f"{name}.wmopkg":
                        raise Cut(f"{volume}/packages/{file} is {name}")
                    # of two files of one name the persistent one is the package
                    found[name] = (version, persistent)
            self.check_audit()
        finally:
            for volume in ("data", "persist"):
                unmount_now(f"{self.work}/look/{volume}")
        return found

    def check_audit(self):
        write(f"{self.work}/look/conf", f'data = "{self.work}/look/data"\n'
              f'persist = "{self.work}/look/persist"\nkeys = "{self.work}/ring"\n'
              f'run = "{self.work}/look/run"\ncmdline = "{self.work}/cmdline"\n')
        run(self.build + "/installer/wmopkg", "--config", self.work + "/look/conf", "audit",
            "verify")

    def round(self):
        """One life, from power on to power cut; what it was cut in."""
        steps = self.plan()
        marks = ["@begin activate", "@end activate", "@begin complete",
                 *[f"@begin {number}" for number in range(COMMANDS)]]
        # a reset is over soon: more than its share of the cuts, or few would hit one
        mark = marks[0] if self.reset is not False and self.chance.random() < 0.7 \
            else self.chance.choice(marks)
        console = Console(self.work)
        try:
            if mark != marks[0]:
                console.wait("@begin activate")
                self.check_boot(console)
                if mark != "@end activate":
                    console.wait(mark)
            else:
                console.wait(mark)
            time.sleep(self.chance.random() ** 2 * 0.5)
        finally:
            lines = console.kill()
        done = [line.split() for line in lines if re.match(r"@end \d", line)]
        failed = [" ".join(words) for words in done if words[2] != "0"]
        if failed:
            raise Cut(f"a command failed: {failed}:\n" + "\n".join(lines))
        begun = sum(bool(re.match(r"@begin \d", line)) for line in lines)
        current = steps[len(done)][0] if begun > len(done) else None
        found = self.look()
        if not any(line.startswith("@end activate") for line in lines):
            self.check_in_reset(found, lines)
            return "reset" if self.reset else "boot"
        may = [apply(steps[:len(done) + number], start) for start in self.after_boot()
               for number in range(2 if current else 1)]
        if found not in may:
            raise Cut(f"{found} is installed, and should be one of {may}; it was cut in "
                      f"{current or mark}:\n" + "\n".join(lines))
        self.installed, self.reset = found, False
        if any(words == RESET for words, _, _ in steps[:len(done)]):
            self.reset = True
        elif current == RESET:
            self.reset = None
        return current.split()[0] if current else "boot" if mark == marks[1] else "between"

    def check_in_reset(self, found, lines):
        """The power went before the boot was through: a reset may be half done, nothing else."""
        lost = set(self.installed.items()) - set(found.items())
        more = set(found.items()) - set(self.installed.items())
        if more or any(what[1] for _, what in lost) or (lost and self.reset is False):
            raise Cut(f"{found} is installed after {self.installed}, reset {self.reset}:\n" +
                      "\n".join(lines))
        if lost:
            self.reset = True
        self.installed = found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--cuts", type=int, default=24)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    uml.end_on_signals()
    chance = random.Random(options.seed)
    counts = {}
    work = tempfile.mkdtemp(prefix="wmopkg-kills-", dir="/var/tmp")
    try:
        uml.stay_on_one_processor()
        lab = Lab(work, os.path.abspath(options.build), chance)
        for number in range(options.cuts):
            try:
                where = lab.round()
            except Cut as why:
                print(f"cut {number + 1}: {why}")
                return 1
            counts[where] = counts.get(where, 0) + 1
        print(f"{options.cuts} cuts:", ", ".join(f"{count} in {where}" for where, count
                                                 in sorted(counts.items())))
        return 0
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
