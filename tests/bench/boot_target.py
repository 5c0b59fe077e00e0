# SPDX-License-Identifier: MIT
"""A device within the kernel under test, and those who put packages over its root."""

import glob
import json
import os
import shutil
import subprocess
import time

import sysext
from device import FIRMWARE, Device, devices, loops, read, run, write

GONE_SECONDS = 120
IDLE_SHARE = 0.8


class Run:
    """@cpu_ms: of it and of its processes; @said: its output; @steps: {name: ms} of what it says
    of where its time went"""

    def __init__(self, ms, cpu_ms, kib, said):
        self.ms, self.cpu_ms, self.kib, self.said = ms, cpu_ms, kib, said
        self.steps = {}


def timed(build, *words):
    """Run a program; what it says is part of the failure."""
    done = subprocess.run([build + "/tests/bench/timed", *words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: status {done.returncode}: "
                             f"{done.stdout}{done.stderr}")
    ns, kib, us = done.stderr.splitlines()[-1].split()
    return Run(int(ns) / 1e6, int(us) / 1e3, int(kib), done.stdout)


def idle_share(seconds):
    """How much of that time the processor had nothing to do."""
    def ticks():
        words = [int(word) for word in read("/proc/stat").splitlines()[0].split()[1:]]
        return words[3], sum(words)

    idle, total = ticks()
    time.sleep(seconds)
    idle_then, total_then = ticks()
    return (idle_then - idle) / max(1, total_then - total)


def wait_gone():
    """Loop devices go a moment after their last user; and what the kernel takes down later
    still would be charged to whoever is next, so it waits until there is nothing to do."""
    end = time.monotonic() + GONE_SECONDS
    while devices() or loops() or idle_share(0.2) < IDLE_SHARE:
        if time.monotonic() > end:
            raise AssertionError(f"left behind: {devices()} {loops()}")


class Target(Device):
    """A device that boots again and again."""

    def __init__(self, work, build, **settings):
        firmware = {**FIRMWARE, "usr/lib/os-release": sysext.OS_RELEASE}
        super().__init__(work, build, firmware=firmware, **settings)
        self.build = build
        self.names = []

    def fill(self, count):
        """With the first so many of the packages of 1 MiB."""
        for number in range(len(self.names), count):
            name = f"p{number:03}"
            self.install(f"{self.work}/packages/{name}.wmopkg")
            self.names.append(name)

    def set(self, settings):
        if settings:
            self.configure(**settings)

    def reboot(self, completed=True):
        """As Device does, with more patience: many layers take a while to go."""
        if completed:
            self.tell("boot-complete")
        run("umount", "-l", self.base + "/root")
        layers = self.base + "/run/layers"
        run("umount", "-l", *[f"{layers}/{layer}" for layer in os.listdir(layers)])
        os.unlink(self.base + "/run/state.json")
        wait_gone()
        for node in glob.glob("/dev/mapper/wmopkg-*"):
            os.unlink(node)


class Ours:
    """wmopkg-activate."""

    def __init__(self, target, **settings):
        self.target, self.settings, self.build = target, settings, target.build

    def words_up(self):
        return [self.target.tool, "--config", self.target.base + "/conf", "--root",
                self.target.base + "/root"]

    def up(self):
        target = self.target
        target.set(self.settings)
        done = timed(target.build, *self.words_up())
        state = json.loads(read(target.base + "/run/state.json"))
        asleep = [package["name"] for package in state["packages"] if not package["active"]]
        if asleep:
            raise AssertionError(f"not active: {asleep}")
        done.steps = {name: (span["end_us"] - span["start_us"]) / 1000
                      for name, span in state["steps"].items()}
        return done

    def down(self):
        self.target.reboot()


class Bare:
    """The same with as few requests to the kernel as there can be."""

    def __init__(self, target):
        base = target.base
        shapes = json.loads(read(target.work + "/shapes.json"))
        self.words = [base + "/list", base + "/bare", base + "/root"]
        self.tool, self.build = target.build + "/tests/bench/bare", target.build
        write(base + "/list", "".join(
            f"{base}/data/packages/{name}.wmopkg {' '.join(map(str, shapes[name]))}\n"
            for name in target.names))
        os.makedirs(base + "/bare", exist_ok=True)

    def words_up(self):
        return [self.tool, "up", *self.words]

    def up(self):
        done = timed(self.build, *self.words_up())
        done.steps = {step: float(ms) for step, ms in
                      (line.split() for line in done.said.splitlines())}
        return done

    def down(self):
        run(self.tool, "down", *self.words)
        wait_gone()


class Sysext:
    """systemd-sysext refresh, over a root of its own; it wants a mount that is shared."""

    def __init__(self, target):
        self.build, self.root = target.build, target.base + "/sysext"
        self.names = target.names
        os.mkdir(self.root)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.root)
        run("mount", "--make-shared", self.root)
        for folder in ("usr/share", "etc"):
            os.makedirs(f"{self.root}/{folder}")
        write(self.root + "/usr/lib/os-release", sysext.OS_RELEASE)
        shutil.copytree(target.work + "/extensions", self.root + "/run/extensions")

    def up(self):
        done = timed(self.build, "systemd-sysext", "--root=" + self.root, "refresh")
        merged = sorted(os.listdir(self.root + "/usr/share"))
        if merged != self.names or len(devices()) != len(self.names):
            raise AssertionError(f"merged: {merged}, under dm-verity: {devices()}")
        return done

    def down(self):
        run("systemd-sysext", "--root=" + self.root, "unmerge")
        wait_gone()
