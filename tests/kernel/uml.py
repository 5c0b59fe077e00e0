#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run one case of the kernel tier in a User-Mode Linux of its own.

	uml.py [--seconds N] [--long] [--seed N] [--installed] BUILD-FOLDER CASE
	uml.py --shell BUILD-FOLDER CASE

CASE is a module beside this file, case_CASE.py. Its prepare(work, build) runs on the host
and makes packages, keys and the like below the folder `work`. Then a kernel is booted
whose root is the host's own tree (hostfs), and run(work, build) runs inside it, as root,
with real loop devices, dm-verity, squashfs and overlayfs. Whatever it writes goes to
`work`, which is deleted, or to a tmpfs in there.

A case that needs another size of memory than MEMORY has a MEMORY of its own.

A case that tries very many moments tries a sample of them, which --seed moves, or all with
--long. The kernel has a time limit; past it, it is killed, and that is a failure.

The kernel is the one that linux.py has fetched, or with --installed the one of this system.

With --shell, prepare() runs as usual, and the kernel then starts a shell on this terminal
instead of run(): $WORK and $BUILD are the two folders, and `run` runs the case. There is no
time limit; `exit` ends the kernel.
"""

import argparse
import contextlib
import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
import traceback

import effort
import linux

HERE = os.path.dirname(os.path.abspath(__file__))
MEMORY = "768M"
MEMORY_SPACE = 6 << 30  # for more cases at a time than ./check runs
MODULES = ["drivers/block/loop", "drivers/md/dm-mod", "drivers/md/dm-bufio",
           "drivers/md/dm-verity", "fs/squashfs/squashfs", "fs/overlayfs/overlay"]

# Hundreds of these kernels are booted: they do not measure how fast the processor is, nor which
# algorithm for RAID is the fastest on it.
KERNEL_WORDS = ["initcall_blacklist=raid6_select_algo,calibrate_xor_blocks", "cryptomgr.notests",
                "lpj=4000000", "seccomp=auto"]

# With BusyBox: to start a program that has libraries costs as much as all of this.
PREPARE = f"""export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t tmpfs tmpfs /run
busybox ip link set lo up 2>/dev/null
export KERNEL_MODULES={{modules}}/$(busybox uname -r)/kernel
for module in {" ".join(MODULES)}; do
	file=$KERNEL_MODULES/$module.ko
	[ -e "$file" ] && busybox insmod "$file"
done
"""

INIT = """#!/bin/sh
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
{prepare}
{program}
echo $? >{work}/status
busybox sync
busybox halt -f
"""

# The console cannot be a controlling terminal, and without one Ctrl-C has no effect.
SHELL = """mknod /run/tty c 4 0
cat >/run/rc <<'END'
export WORK={work} BUILD={build}
run() {{ python3 {program} --inside $WORK $BUILD {case}; }}
PS1='uml:\\w# '
echo "case {case}: WORK=$WORK BUILD=$BUILD; type: run"
cd $WORK
END
setsid -c bash --rcfile /run/rc </run/tty >/run/tty 2>&1"""


def load(case):
    sys.path.insert(0, HERE)
    return importlib.import_module("case_" + case)


def inside(work, build, case):
    """What runs in the kernel under test: each test_* of the case in turn."""
    module = load(case)
    failed = 0
    tests = [(name, test) for name, test in vars(module).items() if name.startswith("test_")]
    if not tests:
        print("no tests in", case)
        return 1
    for name, test in tests:
        start = time.monotonic()
        try:
            test(work, build)
            print(f"ok    {name[5:]} ({time.monotonic() - start:.1f} s)")
        except Exception:  # a failed case is told, and the others go on
            failed += 1
            print("FAIL ", name[5:])
            traceback.print_exc(file=sys.stdout)
        sys.stdout.flush()
    return 1 if failed else 0


def prepare_words():
    """What each init begins with, as lines of shell."""
    return PREPARE.format(modules=linux.kernel()[1])


def kernel_words(work, memory, *words):
    """The command line of a kernel whose init is the file `init` in the folder @work."""
    return [linux.kernel()[0], "mem=" + memory, "root=/dev/root", "rootfstype=hostfs", "rootflags=/",
            "rw", f"init={work}/init", "con=null", "con0=fd:0,fd:1", "quiet", "selinux=0",
            f"uml_dir={work}/uml", "umid=wmopkg", *KERNEL_WORDS, *words]


def kernel_command(work, program, memory=MEMORY):
    """The same for an init that runs @program, lines of shell."""
    init = os.path.join(work, "init")
    with open(init, "w", encoding="utf-8") as file:
        file.write(INIT.format(prepare=prepare_words(), work=work, program=program))
    os.chmod(init, 0o755)
    return kernel_words(work, memory)


def memory_folder(work):
    """Where the kernel's memory is a file: on a disk, the host would write it there."""
    shared = "/dev/shm"
    try:
        space = os.statvfs(shared)
    except OSError:
        return work
    return shared if space.f_bavail * space.f_frsize >= MEMORY_SPACE else work


def boot(work, build, case, seconds, cut=None, memory=MEMORY, program=None, scratch=None):
    """Boot, wait, and return what the kernel's console said; None when it was killed.

    @cut: cut the power as soon as this is true
    @program: what runs in the kernel instead of the case; a line of shell
    @scratch: folder that the kernel's memory is kept in
    """
    words = "--long " if effort.LONG else ""
    program = program or (f"python3 {HERE}/uml.py --inside {work} {words}--seed {effort.SEED} "
                          f"{build} {case}")
    command = kernel_command(work, f"{program} >{work}/log 2>&1 </dev/null", memory)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, start_new_session=True,
                          env=dict(os.environ, TMPDIR=scratch or memory_folder(work))) as kernel:
        try:
            end = time.monotonic() + seconds
            while cut and not cut() and kernel.poll() is None and time.monotonic() < end:
                time.sleep(0.0005)
            if cut:
                seconds = 0
            return kernel.communicate(timeout=seconds)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            return None
        finally:
            if kernel.poll() is None:
                os.killpg(kernel.pid, signal.SIGKILL)
                kernel.communicate()


def end_on_signals():
    """Make SIGTERM and SIGHUP an exception, so that no kernel outlives this program."""
    def end(number, _frame):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def stay_on_one_processor():
    """A kernel and its processes take turns, at each system call, and wait for another processor
    to wake up where the next one runs there."""
    os.sched_setaffinity(0, {random.choice(sorted(os.sched_getaffinity(0)))})


def read(work, name):
    try:
        with open(os.path.join(work, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


@contextlib.contextmanager
def following(path):
    """Print what is written to the file @path as it comes: hours may pass before it is complete."""
    over = threading.Event()

    def follow():
        at = 0
        while True:
            last = over.wait(1)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    file.seek(at)
                    print(file.read(), end="", flush=True)
                    at = file.tell()
            if last:
                return

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        yield
    finally:
        over.set()
        follower.join()


def host(build, case, seconds):
    work = tempfile.mkdtemp(prefix="wmopkg-kernel-", dir="/var/tmp")
    try:
        os.mkdir(os.path.join(work, "uml"))
        stay_on_one_processor()
        start = time.monotonic()
        load(case).prepare(work, build)
        print(f"      prepared ({time.monotonic() - start:.1f} s), on {linux.kernel()[0]}",
              flush=True)
        with following(work + "/log"):
            console = boot(work, build, case, seconds,
                           memory=getattr(load(case), "MEMORY", MEMORY))
        status = read(work, "status").strip()
        if console is None:
            print("the kernel was still running after", seconds, "seconds")
        elif status != "0":
            print("status:", status or "none", "console:", console, sep="\n")
        return 0 if console is not None and status == "0" else 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


def shell(build, case):
    """Boot for a person: a shell on this terminal in place of the case's tests."""
    if not sys.stdin.isatty():
        print("--shell needs a terminal", file=sys.stderr)
        return 2
    work = tempfile.mkdtemp(prefix="wmopkg-kernel-", dir="/var/tmp")
    terminal = termios.tcgetattr(sys.stdin)
    try:
        os.mkdir(os.path.join(work, "uml"))
        load(case).prepare(work, build)
        program = SHELL.format(work=work, build=build, case=case,
                               program=os.path.join(HERE, "uml.py"))
        return subprocess.call(kernel_command(work, program),
                               env=dict(os.environ, TMPDIR=work))
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, terminal)
        shutil.rmtree(work, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--inside", metavar="WORK")
    parser.add_argument("--shell", action="store_true")
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--installed", action="store_true")
    parser.add_argument("build")
    parser.add_argument("case")
    options = parser.parse_args()
    effort.LONG, effort.SEED = options.long, options.seed
    linux.installed_only = options.installed
    build = os.path.abspath(options.build)
    if options.inside:
        return inside(options.inside, build, options.case)
    end_on_signals()
    if options.shell:
        return shell(build, options.case)
    return host(build, options.case, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
