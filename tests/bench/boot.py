#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a boot with packages costs, in one boot of one kernel.

	tests/bench/boot.py [--qemu | --counted] [--quick] [--runs N] [--svg FILE] [--lean LEAN-BUILD] \
		BUILD-FOLDER [PART]...

	sysext     16 packages of 1 MiB, `verify = lazy`: wmopkg-activate, systemd-sysext refresh
	           with the same images as dm-verity extensions, and the bare sequence (bare.c)
	one        one package, the start of wmopkg-activate, and the bare sequence
	calls      system calls for each package, beyond the bare sequence
	full       8 packages of 64 MiB, `verify = full`, against `wmopkg verify` of 512 MiB
	growth     1, 2, 4 … 256 packages
	memory     64 packages: the most that wmopkg-activate has
	show       `wmopkg show` with 300 packages, and 40 more since the boot
	reading    `tar c` of 20,000 small files through 1, 8 and 64 layers
	initramfs  what the hook adds to an image of initramfs-tools; this part needs no kernel. With
	           --lean, that of a build with -Dlean_initramfs=true beside it

All of them by default. Sides take turns, and every figure is the median of 5 runs (--runs)
after one that does not count. --quick runs everything small and once, to see that it
still works. Goals are printed beside what was measured, and never decide the exit status.
The charts go to FILE too, by default to BUILD-FOLDER/bench-boot.svg.

The kernel is User-Mode Linux; with --qemu, Debian's in QEMU. With --counted, the clock in QEMU
counts instructions, 2 ns each: its times are the same whatever else the host does, so that two
versions of a program can be compared while it works. Only what is waited for is not
counted there.

The packages lie on a tmpfs of the kernel under test, so no disk is part of any figure. In
User-Mode Linux system calls and page faults cost a hundred times what they do on the machine
itself: it shows who asks the kernel for more than is needed. It also pays, for each process
and each piece of its memory, by how many pieces that has, which shows from about 100 packages
on, with the bare sequence as with all others. It is kept on one processor, without which its
times double from one minute to the next. What dm-verity takes grows from one activation to
the next and falls back after four or five of them, as the kernel gives back the addresses of
its own memory: the part `sysext`, which is about few packages, has 2N-1 runs.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "kernel")]
import boot_image  # noqa: E402
import emulated  # noqa: E402
import boot_parts  # noqa: E402
import plot  # noqa: E402
import uml  # noqa: E402

MEMORY = "3G"
SECONDS = 3 * 3600
ROOM = 5 << 30  # bytes that the kernel's memory may take where it is kept

SCALE = {"runs": 5, "packages": 16, "growth": [1, 2, 4, 8, 16, 32, 64, 128, 256],
         "memory": 64, "full": [8, 64], "files": 20000, "layers": [1, 8, 64], "zstd": "-19",
         "show": [300, 40]}
QUICK = {"runs": 1, "packages": 2, "growth": [1, 2], "memory": 2, "full": [2, 1],
         "files": 30, "layers": [1, 2], "zstd": "-1", "show": [2, 2]}


def boot(work, build, options):
    """Run the parts that need a kernel; what it says is printed as it comes."""
    program = f"python3 {HERE}/boot.py --inside {work} {build}"
    room = shutil.disk_usage("/dev/shm").free if os.path.isdir("/dev/shm") else 0
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(processors)})
    try:
        with uml.following(work + "/log"), \
             tempfile.TemporaryDirectory(prefix="wmopkg-bench-",
                                         dir="/dev/shm" if room > ROOM else work) as scratch:
            console = emulated.boot(work, program, MEMORY, SECONDS, options.counted) \
                if options.qemu or options.counted else \
                uml.boot(work, build, None, SECONDS, memory=MEMORY, scratch=scratch,
                         program=program)
    finally:
        os.sched_setaffinity(0, processors)
    if console is None or uml.read(work, "status").strip() != "0":
        sys.exit(f"the kernel did not come to its end:\n{console}")


def inside(work, build):
    """What runs in the kernel."""
    with open(work + "/plan.json", encoding="utf-8") as file:
        plan = json.load(file)
    if os.path.isdir(work + "/copies"):
        build = emulated.use_copies(work)
    bench = boot_parts.Bench(work, build, plan["scale"])
    for part in plan["parts"]:
        print(f"\n{part}: {boot_parts.TITLES[part]}", flush=True)
        boot_parts.PARTS[part](bench)
    with open(work + "/results.json", "w", encoding="utf-8") as file:
        json.dump({"goals": bench.goals, "charts": bench.charts}, file)


def print_goals(goals):
    print(f"\n  {'':52}{'measured':>12}{'goal':>16}")
    for what, value, sign, goal, unit in goals:
        met = value <= goal if sign == "at most" else value >= goal
        print(f"  {what:52.52}{f'{plot.short(value)} {unit}':>12}"
              f"{f'{sign} {plot.short(goal)}':>16}  {'met' if met else 'missed'}")


def run(build, options, parts, scale):
    work = tempfile.mkdtemp(prefix="wmopkg-bench-", dir="/var/tmp")
    results = {"goals": [], "charts": []}
    try:
        os.mkdir(work + "/uml")
        inner = [part for part in parts if part in boot_parts.PARTS]
        with open(work + "/plan.json", "w", encoding="utf-8") as file:
            json.dump({"parts": inner, "scale": scale}, file)
        if inner:
            start = time.monotonic()
            boot_parts.prepare(work, build, inner, scale)
            print(f"prepared ({time.monotonic() - start:.0f} s)", flush=True)
            if options.qemu or options.counted:
                emulated.copy_programs(work, build)
            boot(work, build, options)
            with open(work + "/results.json", encoding="utf-8") as file:
                results = json.load(file)
        if "initramfs" in parts:
            print("\ninitramfs: what the hook adds, without kernel modules", flush=True)
            boot_image.measure(work, build, options.lean, results, scale["zstd"])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print_goals(results["goals"])
    svg = options.svg or build + "/bench-boot.svg"
    with open(svg, "w", encoding="utf-8") as file:
        file.write(plot.svg([getattr(plot, kind)(*values)
                             for kind, *values in results["charts"]]))
    print(f"\ncharts: {svg}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--qemu", action="store_true")
    parser.add_argument("--counted", action="store_true")
    parser.add_argument("--svg")
    parser.add_argument("--lean")
    parser.add_argument("--inside", metavar="WORK")
    parser.add_argument("build")
    parser.add_argument("parts", nargs="*")
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    if options.inside:
        inside(options.inside, build)
        return
    uml.end_on_signals()
    every = [*boot_parts.PARTS, "initramfs"]
    if not set(options.parts) <= set(every):
        parser.error(f"the parts are: {' '.join(every)}")
    scale = dict(QUICK if options.quick else SCALE)
    scale["runs"] = options.runs or scale["runs"]
    processor = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
    model = [line.split(":")[1].strip() for line in processor.splitlines()
             if line.startswith("Model name")]
    print(f"{', '.join(model)}; medians of {scale['runs']} runs, sides taking turns", flush=True)
    run(build, options, options.parts or every, scale)


if __name__ == "__main__":
    main()
