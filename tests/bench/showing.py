# SPDX-License-Identifier: MIT
"""`wmopkg show` where much is installed, and much has changed since the boot."""

import statistics

from boot_target import Ours, Target, timed

GOAL_MS = 100


def names(scale):
    installed, pending = scale["show"]
    return [f"s{number:03}" for number in range(installed + pending)]


def prepare_showing(vendor, scale):
    for name in names(scale):
        vendor.make(name, {f"usr/share/{name}": name})


def part_show(bench):
    installed, pending = bench.scale["show"]
    with Target(bench.work, bench.build, verify="lazy") as target:
        for number, name in enumerate(names(bench.scale)):
            if number == installed:
                Ours(target).up()
            target.install(f"{bench.work}/packages/{name}.wmopkg")
        words = [target.wmopkg, "--config", target.base + "/conf", "show"]
        runs = [timed(bench.build, *words) for _ in range(bench.scale["runs"] + 1)]
        first, again = runs[0], runs[1:]
        lines = first.said.splitlines()
        if not any(f"{pending} " in line for line in lines):
            raise AssertionError(f"not pending: {lines[-3:]}")
        target.reboot(completed=False)
    ms = statistics.median(run.ms for run in again)
    print(f"  {installed} packages, {pending} more since the boot: the first time {first.ms:.1f} ms"
          f" (processor {first.cpu_ms:.1f}), then {ms:.1f} ms (processor "
          f"{statistics.median(run.cpu_ms for run in again):.1f})")
    bench.goal(f"show: {installed} packages and {pending} pending", ms, "at most", GOAL_MS, "ms")
