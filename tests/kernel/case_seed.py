# SPDX-License-Identifier: MIT
"""What a device starts with: the factory configuration of the firmware, with all packages
on top, copied to DATA once."""

import os
import signal
import subprocess
import time

from device import FIRMWARE, Device, Vendor, equal, read, run, write

LINE = "wmopkg: factory configuration: seeded DATA/config"
SMALL = {"etc/factory-config/" + path: text for path, text in {
    "hostname": "example\n",
    "net/eth0": "dhcp\n",
    "net/eth1": "down\n",
    "users": ("root\n", 0o600),
}.items()}
PLAIN = {"hostname": "example\n", "net": {"eth0": "dhcp\n", "eth1": "down\n"},
         "users": "root\n"}
MERGED = {"banner": "brand\n", "hostname": "brand\n", "net": {"eth0": "dhcp\n"},
          "users": "root\n"}
FILES = 100
STEPS = 8


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("brand", {"etc/factory-config/hostname": "brand\n",
                          "etc/factory-config/banner": "brand\n",
                          "etc/factory-config/net/eth1": "whiteout"})
    for name, signer in (("signed", "keys"), ("unsigned", None)):
        vendor.make(name, {"etc/factory-config/set": ("#!/bin/sh\n", 0o4755)},
                    signer=signer)


def new_device(work, build, config=None):
    return Device(work, build, firmware=FIRMWARE | (SMALL if config is None else config))


def boot_again(device):
    """Without its state file, an activation is none, and the root is stacked anew."""
    os.remove(device.base + "/run/state.json")
    device.activate()


def tree(path):
    """A folder as a dictionary of texts and folders; None where there is none."""
    if not os.path.lexists(path):
        return None
    return {item.name: tree(item.path) if item.is_dir(follow_symlinks=False)
            else read(item.path) for item in os.scandir(path)}


def config(device):
    return tree(device.base + "/data/config")


def check_nothing_else(device):
    equal(sorted(os.listdir(device.base + "/data")), ["config", "packages"])


def test_merged_once(work, build):
    with new_device(work, build) as device:
        place = device.install(work + "/packages/brand.wmopkg")
        users = device.root("etc/factory-config/users")
        os.chown(users, 12, 34)
        os.setxattr(users, "trusted.note", b"kept")
        os.utime(users, ns=(10**18 + 1, 10**18 + 2))
        device.activate()
        equal(config(device), MERGED)
        equal(device.log(), ["wmopkg: brand 1.0: Signed, active", LINE])
        check_nothing_else(device)
        users = device.base + "/data/config/users"
        look = os.stat(users)
        equal((look.st_uid, look.st_gid, look.st_mode & 0o7777, look.st_mtime_ns),
              (12, 34, 0o600, 10**18 + 2))
        equal(os.getxattr(users, "trusted.note"), b"kept")
        os.remove(place)
        write(device.base + "/data/config/users", "root admin\n")
        boot_again(device)
        equal(device.is_stacked(), False)
        equal(config(device), MERGED | {"users": "root admin\n"})
        equal(device.log().count(LINE), 1)


def test_no_package(work, build):
    with new_device(work, build) as device:
        device.activate()
        equal(config(device), PLAIN)
        equal(device.log(), [LINE])
        check_nothing_else(device)


def test_persistent_package(work, build):
    """It decides what a device is reset to: DATA is empty, and it is there."""
    with new_device(work, build) as device:
        device.install(work + "/packages/brand.wmopkg", store="persist")
        os.rmdir(device.base + "/data/packages")
        device.activate()
        equal(config(device), MERGED)


def test_pairs(work, build):
    """Other folders of the configuration, each by itself; one that is there stays."""
    with new_device(work, build) as device:
        device.configure()
        with open(device.base + "/conf", "a", encoding="utf-8") as file:
            file.write('seed = {"/etc/certs:certs", "/srv/none:none", "/usr/share/tree:tree"}\n')
        write(device.root("etc/certs/ca.pem"), "ca\n")
        write(device.base + "/data/tree/own", "own\n")
        device.activate()
        equal(config(device), PLAIN)
        equal(tree(device.base + "/data/certs"), {"ca.pem": "ca\n"})
        equal(tree(device.base + "/data/tree"), {"own": "own\n"})
        equal(device.log(), [LINE, "wmopkg: factory configuration: seeded DATA/certs"])
        equal(sorted(os.listdir(device.base + "/data")), ["certs", "config", "packages", "tree"])


def test_safe_mode(work, build):
    with new_device(work, build) as device:
        device.install(work + "/packages/brand.wmopkg")
        device.boot_with("wmopkg.safe")
        device.activate()
        equal(config(device), PLAIN)
        equal(device.log()[-1], LINE)


def test_no_factory_configuration(work, build):
    with new_device(work, build, {}) as device:
        device.activate()
        equal(config(device), None)
        equal(device.log(), [])


def test_leftover_of_a_cut(work, build):
    with new_device(work, build) as device:
        device.install(work + "/packages/brand.wmopkg")
        write(device.base + "/data/.config.seed/hostname", "ex")
        write(device.base + "/data/.config.seed/gone/file", "old\n")
        device.activate()
        equal(config(device), MERGED)
        check_nothing_else(device)


def start_and_kill(device, delay):
    """Kill an activation @delay seconds after its copy was begun; how long it ran then. None:
    the copy was done before it was seen."""
    with subprocess.Popen([device.tool, "--config", device.base + "/conf",
                           "--root", device.base + "/root"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as process:
        while not os.path.exists(device.base + "/data/.config.seed"):
            if process.poll() is not None:
                return None
        begun = time.monotonic()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        return time.monotonic() - begun


def test_killed_at_any_time(work, build):
    """Never a part of it; and the next boot makes it whole."""
    many = {f"etc/factory-config/{n % 10}/{n}": f"{n}\n" * 2000 for n in range(FILES)}
    whole_seconds = None
    while whole_seconds is None:
        with new_device(work, build, many) as device:
            whole_seconds = start_and_kill(device, 60)
            whole = config(device)
            equal(whole, tree(device.root("etc/factory-config")))
    halves = 0
    for step in [*range(STEPS), *range(STEPS)]:
        if halves and step == 0:
            break
        with new_device(work, build, many) as device:
            start_and_kill(device, whole_seconds * step / STEPS)
            found = config(device)
            assert found in (None, whole), "a part of it"
            halves += os.path.exists(device.base + "/data/.config.seed")
            if os.path.exists(device.base + "/run/state.json"):
                boot_again(device)
            else:
                device.activate()
            equal(config(device), whole)
            check_nothing_else(device)
    assert halves > 0, "it was never killed in the midst of it"


def test_full(work, build):
    big = SMALL | {"etc/factory-config/big/file": "x" * 300000}
    with new_device(work, build, big) as device:
        data = device.base + "/data"
        run("mount", "-t", "tmpfs", "-o", "size=128k,mode=755", "tmpfs", data)
        device.activate()
        equal(os.listdir(data), [])
        equal(device.log(), ["wmopkg: factory configuration: not seeded: no-room: "
                             ".config.seed: big/file: No space left on device"])
        run("mount", "-o", "remount,size=1m", data)
        boot_again(device)
        equal(config(device)["big"], {"file": "x" * 300000})
        equal(os.listdir(data), ["config"])
        equal(device.log()[1:], [LINE])


def test_read_only_data(work, build):
    with new_device(work, build) as device:
        run("mount", "-t", "tmpfs", "-o", "ro,mode=755", "tmpfs", device.base + "/data")
        device.activate()
        equal(device.log(), ["wmopkg: factory configuration: not seeded: read-only: "
                             ".config.seed: Read-only file system"])


def test_no_data(work, build):
    with new_device(work, build) as device:
        os.rmdir(device.base + "/data/packages")
        os.rmdir(device.base + "/data")
        device.activate()
        equal([line for line in device.log() if "factory" in line], [])


def test_left_out(work, build):
    with new_device(work, build) as device:
        os.mkfifo(device.root("etc/factory-config/net/fifo"))
        os.mknod(device.root("etc/factory-config/net/null"), 0o20666, os.makedev(1, 3))
        device.activate()
        equal(config(device), PLAIN)
        left, seeded = device.log()
        assert left.startswith(
            "wmopkg: factory configuration: left out 2 devices, FIFOs or sockets and 0 "
            "attributes, the first at net/"), left
        equal(seeded, LINE)


def test_set_id(work, build):
    """What an unsigned package may not do on the stack, it may not do from DATA either."""
    for name, mode in (("signed", 0o4755), ("unsigned", 0o755)):
        with new_device(work, build) as device:
            device.install(f"{work}/packages/{name}.wmopkg")
            device.boot_with("wmopkg.allow_untrusted=1")
            device.activate()
            equal(os.stat(device.base + "/data/config/set").st_mode & 0o7777, mode, name)
