# SPDX-License-Identifier: MIT
"""Pipes, sockets and devices where files are expected: none of them is opened, nothing waits."""

import ctypes
import os
import shutil
import socket
import stat
import struct

from device import Device, Vendor, equal, run

IN_OPEN = 0x20
IN_NONBLOCK = os.O_NONBLOCK
# Everything that a boot or a command reads, below the folder of the device.
PLACES = ("data/packages/special.wmopkg", "persist/packages/special.wmopkg",
          "persist/wmopkg/floors.json", "persist/wmopkg/denylist", "persist/wmopkg/unlock",
          "persist/wmopkg/trials.json", "persist/wmopkg/good.json", "persist/wmopkg/begun",
          "persist/wmopkg/audit.log", "persist/wmopkg/audit.log.1", "persist/wmopkg/audit.head",
          "persist/wmopkg/known_hosts", "persist/wmopkg/data.json", "cmdline",
          "root/etc/os-release")
COMMANDS = (("show",), ("show", "json"), ("unlock",), ("denylist",), ("audit",),
            ("audit", "verify"), ("conflicts",), ("boot-complete",))

libc = ctypes.CDLL(None, use_errno=True)


def prepare(work, build):
    Vendor(work, build).make("plain", {"etc/plain": "plain\n"})


def make_pipe(path):
    os.mkfifo(path, 0o600)


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        server.bind(f"/proc/self/fd/{folder}/{os.path.basename(path)}")
        os.close(folder)


def make_device(path):
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))


class Watch:
    """Which paths were opened; a look with O_PATH is no opening."""

    def __enter__(self):
        self.descriptor = libc.inotify_init1(IN_NONBLOCK)
        self.paths = {}
        return self

    def __exit__(self, *_):
        os.close(self.descriptor)

    def add(self, path):
        number = libc.inotify_add_watch(self.descriptor, path.encode(), IN_OPEN)
        assert number > 0, (path, os.strerror(ctypes.get_errno()))
        self.paths[number] = path

    def opened(self):
        try:
            events = os.read(self.descriptor, 65536)
        except BlockingIOError:
            return set()
        found = set()
        while events:
            number, mask, _, size = struct.unpack_from("iIII", events)
            if mask & IN_OPEN:  # not that the last one is gone
                found.add(self.paths[number])
            events = events[16 + size:]
        return found


def check(work, build, make):
    with Device(work, build) as device:
        device.install(work + "/packages/plain.wmopkg")
        device.activate()
        device.reboot()
        with Watch() as watch:
            for place in PLACES:
                path = f"{device.base}/{place}"
                os.makedirs(os.path.dirname(path), exist_ok=True)
                if os.path.isdir(path):
                    shutil.rmtree(path)
                elif os.path.lexists(path):
                    os.unlink(path)
                make(path)
                watch.add(path)
            device.activate()
            equal(watch.opened(), set())
            equal(device.see("etc/plain"), "plain\n")
            for name, persistent in (("special", False), ("special", True)):
                equal(device.package(name, persistent)["reason"]["code"], "not-a-file")
            for words in COMMANDS:
                run(device.wmopkg, "--config", device.base + "/conf", *words, check=False)
                equal((words, watch.opened()), (words, set()))
            for place in ("data/packages/special.wmopkg", "persist/wmopkg/unlock"):
                for command in ("install", "verify", "unlock", "denylist"):
                    run(device.wmopkg, "--config", device.base + "/conf", command,
                        f"{device.base}/{place}", check=False)
                    equal((command, watch.opened()), (command, set()))
            # what would have been seen
            path = device.base + "/cmdline"
            if stat.S_ISFIFO(os.stat(path).st_mode):
                os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
                equal(watch.opened(), {path})


def test_pipes(work, build):
    check(work, build, make_pipe)


def test_sockets(work, build):
    check(work, build, make_socket)


def test_devices(work, build):
    check(work, build, make_device)


def test_key_ring(work, build):
    """What is not a file there is skipped, and named: trust only shrinks."""
    for make in (make_pipe, make_socket, make_device):
        with Device(work, build) as device, Watch() as watch:
            device.install(work + "/packages/plain.wmopkg")
            make(device.base + "/keys/special.pem")
            watch.add(device.base + "/keys/special.pem")
            device.activate()
            equal(device.package("plain")["active"], True)
            told = "".join(device.log())
            assert "special.pem: not a file" in told, told
            run(device.wmopkg, "--config", device.base + "/conf", "show", check=False)
            equal(watch.opened(), set())


def test_configuration(work, build):
    """Nothing is active then, and it says why at once."""
    for make in (make_pipe, make_socket, make_device):
        with Device(work, build) as device, Watch() as watch:
            os.unlink(device.base + "/conf")
            make(device.base + "/conf")
            watch.add(device.base + "/conf")
            told = device.activate(status=1)
            equal(told, f"wmopkg-activate: {device.base}/conf: not a file\n")
            told = run(device.wmopkg, "--config", device.base + "/conf", "show", check=False).stdout
            assert "not a file" in told, told
            equal(watch.opened(), set())
