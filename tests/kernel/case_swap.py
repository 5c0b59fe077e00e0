# SPDX-License-Identifier: MIT
"""A package that is changed after it was verified and before, or after, it is mounted:
what the device reads is what was verified, or nothing."""

import errno
import os
import shutil

from device import Device, Vendor, devices, equal, loops, run, wait_gone
from mounts import unmount_now

BLOCK = 4096


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("good", {"file": b"what was signed\n" * 50000, "small": "small\n",
                         "noise": os.urandom(200 * BLOCK)})
    vendor.make("other", {"file": "another one\n"})


def swap(work, build, way, place):
    os.makedirs(place + "/layer")
    run("mount", "-t", "tmpfs", "tmpfs", place + "/layer")
    for name in ("good", "other"):
        shutil.copy(f"{work}/packages/{name}.wmopkg", place)
    return run(build + "/tests/kernel/swap", way, place + "/good.wmopkg",
               place + "/other.wmopkg", work + "/keys-ring", place + "/layer",
               check=False)


def ring(work):
    os.makedirs(work + "/keys-ring", exist_ok=True)
    shutil.copy(work + "/keys/root.pem", work + "/keys-ring")


def test_renamed_over(work, build):
    """Another package lies under the name now: the one verified is mounted."""
    ring(work)
    place = work + "/renamed"
    done = swap(work, build, "rename", place)
    equal((done.returncode, done.stdout), (0, ""))
    run("cmp", place + "/layer/file", work + "/trees/good/file")
    run("cmp", place + "/layer/noise", work + "/trees/good/noise")
    unmount_now(place + "/layer")
    equal((wait_gone(devices), wait_gone(loops)), ([], []), "left behind")


def test_written_over(work, build):
    """The file's own bytes are others now: whatever was changed reads as EIO."""
    ring(work)
    place = work + "/written"
    done = swap(work, build, "inplace", place)
    if done.returncode == 0:
        for name in ("file", "noise", "small"):
            try:
                with open(f"{place}/layer/{name}", "rb") as file:
                    file.read()
                raise AssertionError(f"{name} was read to its end")
            except OSError as error:
                equal(error.errno, errno.EIO, name)
        unmount_now(place + "/layer")
    else:
        assert done.returncode == 1 and done.stdout.startswith("mount-failed: "), \
            done.stdout
    equal((wait_gone(devices), wait_gone(loops)), ([], []), "left behind")


def test_written_over_while_active(work, build):
    """After activation: the other files stay, the changed ones read as EIO."""
    with Device(work, build) as device:
        place = device.install(work + "/packages/good.wmopkg")
        device.activate()
        equal(device.see("small"), "small\n")
        size = os.path.getsize(place)
        with open(place, "r+b") as file:
            file.seek(size // 2)
            file.write(os.urandom(20 * BLOCK))
        run("sync")
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("3\n")
        try:
            with open(device.root("noise"), "rb") as file:
                file.read()
            raise AssertionError("the changed file was read to its end")
        except OSError as error:
            equal(error.errno, errno.EIO)
        equal(device.see("etc/banner"), "firmware\n")


def test_name_in_use(work, build):
    """Two devices of one name: the second fails, and leaves nothing behind."""
    ring(work)
    first, second = work + "/first", work + "/second"
    equal(swap(work, build, "rename", first).returncode, 0)
    before = sorted(devices()), sorted(loops())
    done = swap(work, build, "rename", second)
    equal((done.returncode, done.stdout),
          (1, "device-failed: dm-verity: Device wmopkg-swap already exists.\n"))
    equal((sorted(devices()), sorted(loops())), before)
    unmount_now(second + "/layer")
    unmount_now(first + "/layer")
    equal((wait_gone(devices), wait_gone(loops)), ([], []), "left behind")
