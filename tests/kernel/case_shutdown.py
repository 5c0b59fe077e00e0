# SPDX-License-Identifier: MIT
"""wmopkg-shutdown, in a namespace of processes and mounts of its own: its first process leaves the
root as systemd-shutdown does. Whole devices are switched off in tests/machine/test_systemd.py."""

import os
import re
import shutil
import signal
import time

from device import equal, run, write
from mounts import kernel_log

MIB = 1 << 20
GENEROUS = 60  # seconds; what is in the way would sleep for 1000
# What a device has: a stack as its root, which holds a loop device of a file on DATA, which is
# mounted below it. /run is noexec, as on Debian.
DEVICE = r"""
set -e
mount -t tmpfs -o noexec run /run
mount -t tmpfs root /mnt
mkdir -p /run/wmopkg/data /run/wmopkg/layers/1 /mnt/root
mount {data} /run/wmopkg/data
{before}
loop=$(losetup --find --show -r /run/wmopkg/data/package)
mount -o ro $loop /run/wmopkg/layers/1
losetup --detach $loop
{removed}
mount -t overlay wmopkg -o lowerdir=/run/wmopkg/layers/1:/ /mnt/root
umount /run/wmopkg/layers/1
mount --rbind /dev /mnt/root/dev
mount -t proc proc /mnt/root/proc
cd /mnt/root
mount --move /run run
pivot_root . mnt
umount -l /mnt
"""
# As systemd-shutdown does it, at the end without a process of the old root but the first.
LEAVE = r"""
{program} --prepare
cd /run/initramfs
mkdir -p oldroot dev proc sys run
mount --rbind /dev dev
mount -t proc proc proc
mount --bind /run run
pivot_root . oldroot
exec /shutdown {verb} --log-level 6 </dev/null >/dev/null 2>&1
"""
PREPARE = """
set -e
mount -t tmpfs -o noexec run /run
{before}
LD_LIBRARY_PATH={libraries} {program} --prepare
{after}
"""
STACK = ("mkdir -p /run/a /run/b /run/stack && "
         "mount -t overlay wmopkg -o lowerdir=/run/a:/run/b /run/stack")


def prepare(work, build):
    """DATA with a package on it."""
    os.makedirs(work + "/tree")
    write(work + "/tree/file", "content\n")
    os.makedirs(work + "/data")
    run("mksquashfs", work + "/tree", work + "/data/package", "-quiet", "-no-progress")
    with open(work + "/data.img", "wb") as image:
        image.truncate(16 * MIB)
    run("mke2fs", "-q", "-t", "ext4", "-d", work + "/data", work + "/data.img")


def program(build):
    return build + "/initramfs/shutdown/wmopkg-shutdown"


def in_namespace(script, **options):
    """Its first process is a shell with this script."""
    return run("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private",
               "sh", "-c", script, check=False, **options)


def loop_devices():
    return {name for name in os.listdir("/sys/block") if os.path.exists(f"/sys/block/{name}/loop")}


def shut_down(work, build, verb="poweroff", before="", removed="", data=None):
    """The status of the namespace, the seconds that it took, and its last lines."""
    image = f"{work}/data.now.img"
    shutil.copy(work + "/data.img", image)
    script = (DEVICE + LEAVE).format(data=data or f"-o loop {image}", before=before, removed=removed,
                                     program=program(build), verb=verb)
    begin = time.monotonic()
    done = in_namespace(script)
    return done, time.monotonic() - begin, image


def clean(image):
    shown = run("dumpe2fs", "-h", image).stdout
    assert re.search(r"Filesystem state: +clean\n", shown), shown
    for word in ("needs_recovery", "First orphan inode"):
        assert word not in shown, shown
    equal(run("e2fsck", "-f", "-n", image, check=False).returncode, 0)


def test_unmounted(work, build):
    """Also what was deleted while the stack held it, and with both ways to end."""
    for verb, number in (("poweroff", signal.SIGINT), ("reboot", signal.SIGHUP)):
        done, took, image = shut_down(work, build, verb, removed="rm /run/wmopkg/data/package")
        # what the kernel tells of a namespace whose first process has asked for it
        equal(done.returncode, -number, f"{verb}: {done.stdout}")
        assert took < GENEROUS, took
        equal(loop_devices(), set())
        clean(image)


def test_in_use(work, build):
    """What another process holds is made read-only, and the end comes all the same."""
    before = len(kernel_log())
    done, took, image = shut_down(work, build,
                                  before="sleep 1000 </run/wmopkg/data/package >/dev/null 2>&1 &")
    equal(done.returncode, -signal.SIGINT, done.stdout)
    assert 2 <= took < GENEROUS, took
    said = "\n".join(kernel_log()[before:])
    assert re.search(r"wmopkg: shutdown: /dev/loop\d+ \(ext4\) is still in use", said), said
    clean(image)


def test_prepare(work, build):
    """Only where there is a stack, and never over what another program has put there."""
    for before, after in (
            ("", "! mountpoint -q /run/initramfs"),
            (STACK, "mountpoint -q /run/initramfs && chroot /run/initramfs /shutdown --check"),
            (STACK + "; mkdir /run/initramfs; echo other >/run/initramfs/shutdown",
             "! mountpoint -q /run/initramfs && grep -q other /run/initramfs/shutdown")):
        done = in_namespace(PREPARE.format(before=before, program=program(build), after=after,
                                           libraries=""))
        equal((done.returncode, done.stdout), (0, ""), before)


def test_cannot_start(work, build):
    """A copy that does not start is no way out of the root: there is none then."""
    folder = work + "/elsewhere"
    os.makedirs(folder, exist_ok=True)
    for line in run("ldd", program(build)).stdout.splitlines():
        if "libc." in line:
            shutil.copy(line.split()[2], folder)
    before = len(kernel_log())
    done = in_namespace(PREPARE.format(before=STACK, program=program(build), libraries=folder,
                                       after="! mountpoint -q /run/initramfs"))
    equal(done.returncode, 0, done.stdout)
    said = "\n".join(kernel_log()[before:])
    assert ("wmopkg: shutdown: DATA and PERSIST are only made read-only: /run/initramfs: Exec format "
            "error") in said, said


def test_by_hand(work, build):
    """Nothing happens on a running system."""
    for words in ([], ["poweroff"], ["--prepare", "x"]):
        done = run(program(build), *words, check=False)
        equal(done.returncode, 2)
        assert done.stdout.startswith("Usage: wmopkg-shutdown --prepare\n"), done.stdout
    # nor as the first process of a container
    with open("/proc/self/mountinfo", encoding="ascii") as mounts:
        before = mounts.read()
    done = run("unshare", "--pid", "--fork", "--kill-child", program(build), "reboot", check=False)
    equal(done.returncode, 2)
    with open("/proc/self/mountinfo", encoding="ascii") as mounts:
        equal(mounts.read(), before)
