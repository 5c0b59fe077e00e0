# SPDX-License-Identifier: MIT
"""Mounts and the kernel log without mount(8), umount(8), findmnt(8) and dmesg(1).

To start a program is what costs most in User-Mode Linux, and the cases mount, unmount and look
thousands of times.
"""

import contextlib
import ctypes
import errno
import os
import re
import time

MS_BIND = 0x1000
MNT_DETACH = 2
READ_ALL, SIZE = 3, 10  # of syslog(2)
LIBC = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def mount_tmpfs(path, options="mode=755"):
    checked(LIBC.mount(b"tmpfs", path.encode(), b"tmpfs", 0, options.encode()), path)


def bind(source, target):
    checked(LIBC.mount(source.encode(), target.encode(), None, MS_BIND, None), target)


def unmount(path):
    """As `umount -l` does: what is mounted on it goes with it."""
    checked(LIBC.umount2(path.encode(), MNT_DETACH), path)


def unmount_now(path):
    """As `umount` does: not while it is in use. A process that has just ended may have it open
    for a moment, for which it takes long to start umount(8)."""
    end = time.monotonic() + 2
    while LIBC.umount2(path.encode(), 0) < 0:
        if ctypes.get_errno() != errno.EBUSY or time.monotonic() > end:
            checked(-1, path)
        time.sleep(0.01)


def unmount_whole(path):
    """All that is mounted on @path, which may be nothing."""
    while mounts_on(path):
        unmount_now(path)


def unescape(word):
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), word)


def mounts():
    """(path, kind, flags) of all that is mounted, the first first."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            left, right = line.split(" - ")
            yield unescape(left.split()[4]), right.split()[0], left.split()[5]


def mounts_on(path):
    """(kind, flags) of what is mounted on @path, the last, which is seen, last."""
    return [(kind, flags) for place, kind, flags in mounts() if place == path]


def mounts_below(path):
    """The paths of all mounts on and below @path."""
    return [place for place, _, _ in mounts() if (place + "/").startswith(path + "/")]


@contextlib.contextmanager
def only_so_many(more):
    """The kernel takes about as many mounts as there are, and @more."""
    def limit(number):
        with open("/proc/sys/fs/mount-max", "w", encoding="utf-8") as file:
            file.write(str(number))

    with open("/proc/sys/fs/mount-max", encoding="utf-8") as file:
        before = file.read()
    limit(len(list(mounts())) + more)
    try:
        yield
    finally:
        limit(before)


def unmount_all(path):
    """Whatever is mounted on @path, however often; how many there were."""
    count = 0
    while mounts_on(path):
        unmount(path)
        count += 1
    return count


def kernel_log():
    """The lines of the kernel log, without when they were said."""
    size = checked(LIBC.klogctl(SIZE, None, 0), "kernel log")
    buffer = ctypes.create_string_buffer(size)
    size = checked(LIBC.klogctl(READ_ALL, buffer, size), "kernel log")
    text = buffer.raw[:size].decode("utf-8", "replace")
    return [re.sub(r"^<\d+>(\[ *\d+\.\d+\] ?)?", "", line) for line in text.splitlines()]
