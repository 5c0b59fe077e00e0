# SPDX-License-Identifier: MIT
"""The tiers of ./check: what each builds and runs, what is counted and how long it took.

	check.py [quick | long | TIER... | TEST...]

Two builds serve all tests: build/ (gcc) for what runs whole programs, build-fuzz/ (clang,
address and undefined-behaviour sanitizers, libFuzzer) for units and decoders. Only what
the chosen tests need is built. The tests of build/ mostly wait for emulated machines: they
start as soon as it is there, and everything else runs beside them.

A tier without a test is a failure. What a test costs is counted in seconds of processor time,
its own and that of the processes that it waited for: unlike the time that passes, they say
little of what else the machine does.
"""

import collections
import concurrent.futures
import fnmatch
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import coverage
import tracked

TIERS = ("style", "builds", "unit", "fuzz", "peers", "kernel", "machine")
LONG = (*TIERS, "long")
QUICK = ("style", "unit", "fuzz", "kernel-activate", "kernel-tamper", "machine-plain")
SLOWEST = 10
# Seconds of processor time that `./check` may take, by tier: 12 minutes on two processors. A
# tier that takes more is named at the end, and nothing fails: the processors differ.
BUDGET = {"build": 40, "style": 45, "builds": 100, "unit": 110, "fuzz": 5, "peers": 200,
          "kernel": 340, "machine": 510}

GCC, CLANG = "build", "build-fuzz"
# meson itself asks ccache, where that is installed, for the default compiler only.
CLANG_CC = "ccache clang" if shutil.which("ccache") else "clang"
BUILDS = {
    GCC: ({}, ["-Dwerror=true", "-Dtests=enabled"]),
    # lld links a program with sanitizers in a third of the time.
    CLANG: ({"CC": CLANG_CC, "CC_LD": "lld"}, ["-Dwerror=true", "-Dtests=enabled", "-Dfuzz=true",
                              "-Db_lundef=false", "-Db_sanitize=address,undefined"]),
    # What strangers build with: two compilers, two C libraries, optimized and not, no warning.
    "build-release": ({}, ["-Dwerror=true", "-Dtests=disabled", "-Dlean_initramfs=true",
                           "--buildtype=release", "-Db_lto=true"]),
    "build-musl": ({}, ["-Dwerror=true", "-Dtests=disabled", "--buildtype=plain",
                        "--cross-file=build-musl-root/cross.ini"]),
    coverage.BUILD: ({}, coverage.OPTIONS),
}
# What makes something that a build needs before it is configured.
BEFORE = {"build-musl": ["tests/builds/musl.py", "build-musl-root"]}
PROGRAMS = ("installer/wmopkg", "installer/wmopkg-fetch", "installer/wmopkg-web", "installer/wmopkg-build",
            "initramfs/wmopkg-activate", "initramfs/shutdown/wmopkg-shutdown")
# Units and decoders run with the sanitizers; what boots or serves is built as it is shipped.
SANITIZED = ("unit", "fuzz")
# Names of checks that are no tests of a build, each in its tier.
LAYOUT, TIDY, ANALYZER = "clang-format", "clang-tidy", "clang-analyzer"
CPPCHECK, GCC_ANALYZER, DECODERS = "cppcheck", "gcc-analyzer", "fuzz-coverage"
# Of a release, the short form builds the programs of a device, for ARM: tests/releases/cross.py.
OWN = {LAYOUT: "style", TIDY: "style", CPPCHECK: "style", ANALYZER: "long", GCC_ANALYZER: "long",
       DECODERS: "long", "build-release": "long", "build-musl": "builds"}

CPUS = os.cpu_count()
# Compilers and unit tests keep all processors busy. A third of the other tests wait, for a
# watchdog or for a server that is lost.
AT_ONCE = {GCC: CPUS + 2, CLANG: CPUS}
# Tests share the processors with compilers here, so that they take longer than alone.
PATIENCE = 2
# How long a test that took too long has to take down what it started.
LEAVE_S = 20
# What does not wait for anything gives way to what does.
GIVES_WAY = ("nice", "-n", "5")

Result = collections.namedtuple("Result", "tier name good cost")
Cost = collections.namedtuple("Cost", "seconds cpu")
NOTHING = Cost(0, 0)
printing = threading.Lock()
running = set()  # process groups


def fail(message):
    print(f"check: {message}", file=sys.stderr)
    sys.exit(2)


def say(*lines):
    with printing:
        print(*lines, sep="\n", flush=True)


def show(result):
    say(f"{'ok  ' if result.good else 'FAIL'}  {result.name} "
        f"({result.cost.seconds:.1f} s, processor {result.cost.cpu:.1f} s)")
    return result


def end_group(group, number=signal.SIGTERM):
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass


def stop(number, _frame):
    """What runs is in groups of its own, which no Ctrl-C reaches."""
    for group in list(running):
        end_group(group)
    os._exit(128 + number)


def run(command, environment, folder=".", limit_s=None):
    """(exit status, output, cost); None as the status where the time was over."""
    began, late = time.monotonic(), threading.Event()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, env={**os.environ, **environment},
                                   start_new_session=True)
        running.add(process.pid)

        def end():
            late.set()
            end_group(process.pid)
            if not gone.wait(LEAVE_S):
                end_group(process.pid, signal.SIGKILL)

        gone = threading.Event()
        timer = threading.Timer(limit_s, end) if limit_s else None
        if timer:
            timer.start()
        # not wait(), which does not tell what was used
        _, status, used = os.wait4(process.pid, 0)
        gone.set()
        if timer:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        running.discard(process.pid)
        output.seek(0)
        return (None if late.is_set() else process.returncode,
                output.read().decode("utf-8", "replace"),
                Cost(time.monotonic() - began, used.ru_utime + used.ru_stime))


def run_quietly(command, **environment):
    """(whether it succeeded, cost); what it printed is shown where it did not."""
    status, output, cost = run(command, environment)
    if status != 0:
        say(f"{' '.join(command)}:", *output.splitlines()[-60:])
    return status == 0, cost


def configure(folder):
    """Set up a build, or set it up again if a meson.build has changed."""
    environment, options = BUILDS[folder]
    if os.path.exists(f"{folder}/build.ninja"):
        return run_quietly(["ninja", "-C", folder, "build.ninja"])
    good, first = True, NOTHING
    if folder in BEFORE:
        good, first = run_quietly([sys.executable, *BEFORE[folder]])
    if not good:
        return good, first
    good, cost = run_quietly(["meson", "setup", *options, folder], **environment)
    return good, Cost(first.seconds + cost.seconds, first.cpu + cost.cpu)


def build(folder, *targets):
    good, first = configure(folder)
    if not good:
        return good, first
    good, cost = run_quietly([*GIVES_WAY, "ninja", "-C", folder, *PROGRAMS, *targets])
    return good, Cost(first.seconds + cost.seconds, first.cpu + cost.cpu)


def introspect(folder, what):
    return json.loads(subprocess.run(["meson", "introspect", what, folder], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)


class Tests:
    """The tests of one build: those that are chosen, and what came of them."""

    def __init__(self, folder):
        self.folder = folder
        self.described = {test["name"]: test for test in introspect(folder, "--tests")}
        tiers = {name: test["suite"][0].split(":")[-1] for name, test in self.described.items()}
        # the long forms of these are sanitized, too
        self.sanitized = {name + "-long" for name, tier in tiers.items() if tier in SANITIZED}
        self.tiers = {name: tier for name, tier in tiers.items() if self.belongs(name, tier)}
        self.chosen = []

    def belongs(self, name, tier):
        """Each test runs in one of the builds only."""
        return (tier in SANITIZED or name in self.sanitized) == (self.folder == CLANG)

    def choose(self, words):
        """They begin in this order: those first that meson.build gives a priority."""
        self.chosen = [name for name, tier in self.tiers.items()
                       if tier in words or any(fnmatch.fnmatch(name, word) for word in words)]
        self.chosen.sort(key=lambda name: (-self.described[name]["priority"], name))

    def targets(self):
        """What the chosen tests run, as ninja calls it."""
        wanted = {target for name in self.chosen for target in self.described[name]["depends"]}
        return sorted({os.path.relpath(path, os.path.abspath(self.folder))
                       for target in introspect(self.folder, "--targets")
                       if target["id"] in wanted for path in target["filename"]})

    def run(self):
        """Run the chosen tests side by side."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE[self.folder]) as pool:
            return list(pool.map(self.run_one, self.chosen))

    def run_one(self, name):
        test = self.described[name]
        status, output, cost = run(
            test["cmd"], {**test["env"], "PYTHONUNBUFFERED": "1",
                          "MALLOC_PERTURB_": str(random.randint(1, 255))},
            self.folder, test["timeout"] * PATIENCE)
        if status != 0:
            said = f"not done after {cost.seconds:.0f} s" if status is None else f"status {status}"
            say(f"--- {name}: {said}", output, f"--- the end of {name}")
        return show(Result(self.tiers[name], name, status == 0, cost))


def is_laid_out():
    files = [path for path in tracked.files() if path.endswith((".c", ".h"))]
    return run_quietly(["clang-format", "--dry-run", "--Werror", *files])


def is_clean_to_cppcheck():
    """All but the tests. What has not changed is not looked at again. It does not know the cleanup
    attribute; the sanitizers look for leaks in every test."""
    memory = f"{GCC}/cppcheck"
    os.makedirs(memory, exist_ok=True)
    files = [path for path in tracked.files() if path.endswith(".c") and not path.startswith("tests/")]
    return run_quietly([
        *GIVES_WAY, "cppcheck", "--quiet", f"-j{CPUS}", f"--cppcheck-build-dir={memory}",
        "--enable=warning,performance,portability", "--error-exitcode=1", "--inline-suppr",
        "--std=c11", "-D_GNU_SOURCE", "-I.", "--suppress=missingIncludeSystem", "--suppress=memleak",
        "--suppress=resourceLeak", "--template={file}:{line}: {id}: {message}", *files])


def check_own(name):
    """One of OWN."""
    if name == LAYOUT:
        good, cost = is_laid_out()
    elif name == TIDY:
        good, cost = run_quietly([*GIVES_WAY, sys.executable, "tests/style/tidy.py", CLANG])
    elif name == ANALYZER:
        good, cost = run_quietly([*GIVES_WAY, sys.executable, "tests/style/tidy.py", CLANG,
                                  "--analyzer"])
    elif name == CPPCHECK:
        good, cost = is_clean_to_cppcheck()
    elif name == GCC_ANALYZER:
        # for the headers that each file includes
        good, cost = build(GCC)
        if good:
            good, cost = run_quietly([*GIVES_WAY, sys.executable, "tests/style/tidy.py", GCC, "--gcc"])
    elif name == DECODERS:
        good, cost = configure(coverage.BUILD)
        if good:
            good, cost = run_quietly([*GIVES_WAY, sys.executable, "tests/fuzz/decoders.py",
                                      coverage.BUILD])
    else:
        good, cost = build(name)
    return show(Result(OWN[name], name, good, cost))


def beside(sanitized, own):
    """What runs beside the tests of the first build."""
    results = []
    if sanitized.chosen or {TIDY, ANALYZER} & {*own}:
        good, cost = build(CLANG, *sanitized.targets())
        results.append(show(Result("build", CLANG, good, cost)))
        if good:
            results += sanitized.run()
        else:
            results += [show(Result(sanitized.tiers[name], name, False, NOTHING))
                        for name in sanitized.chosen]
    return results + [check_own(name) for name in own]


def run_all(programs, sanitized, own):
    """The results of all tests, and of the builds that they needed."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        results = []
        if any(name.startswith("kernel-") for name in programs.chosen):
            say(run([sys.executable, "tests/kernel/linux.py"], {})[1].strip())
        if programs.chosen:
            good, cost = build(GCC, *programs.targets())
            if not good:
                fail(f"the build in {GCC}/ failed")
            results.append(show(Result("build", GCC, True, cost)))
        others = pool.submit(beside, sanitized, own)
        results += programs.run()
        return results + others.result()


def print_times(results, seconds):
    tiers = collections.OrderedDict((tier, []) for tier in ("build", *LONG))
    for result in results:
        tiers[result.tier].append(result)
    lines = ["", f"The {SLOWEST} that took longest, and the {SLOWEST} that took most of the processors:"]
    for cost in "seconds", "cpu":
        most = sorted(results, key=lambda result: -getattr(result.cost, cost))
        lines += [f"  {result.cost.seconds:6.1f} s, processor {result.cost.cpu:6.1f} s  {result.name}"
                  for result in most[:SLOWEST]] + [""]
    lines.append("Tiers, each the sum of what it ran, much of it side by side:")
    for tier, members in tiers.items():
        if members:
            cpu = sum(result.cost.cpu for result in members)
            over = cpu > BUDGET.get(tier, float("inf"))
            lines.append(f"  {sum(result.cost.seconds for result in members):6.1f} s, processor "
                         f"{cpu:6.1f} s  {tier}, {len(members)}"
                         + f"; more than the {BUDGET.get(tier)} s that it may take" * over)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    say(*lines, f"All of it took {int(seconds) // 60} min {int(seconds) % 60} s on {CPUS} "
        f"processors, and {used.ru_utime + used.ru_stime:.0f} s of their time.", "")


def main():
    began = time.monotonic()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    words = sys.argv[1:] or list(TIERS)
    words = {"quick": list(QUICK), "long": list(LONG)}.get(words[0], words)
    say(f"Building into {GCC}/ (gcc) and {CLANG}/ (clang, sanitizers, libFuzzer) ...")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for folder, (good, _) in zip((GCC, CLANG), pool.map(configure, (GCC, CLANG))):
            if not good:
                fail(f"{folder}/ could not be configured")
    programs, sanitized = Tests(GCC), Tests(CLANG)
    tiers = {**programs.tiers, **sanitized.tiers, **OWN}
    for word in words:
        if word not in LONG and not fnmatch.filter(tiers, word):
            fail(f"'{word}' is neither a tier ({' '.join(LONG)}) nor a test")
    programs.choose(words)
    sanitized.choose(words)
    own = [name for name, tier in OWN.items()
           if tier in words or any(fnmatch.fnmatch(name, word) for word in words)]
    results = run_all(programs, sanitized, own)
    ran = {result.tier for result in results}
    results += [show(Result(tier, f"{tier}: no test ran", False, NOTHING))
                for tier in words if tier in LONG and tier not in ran]
    print_times(results, time.monotonic() - began)
    counted = [result for result in results if result.tier != "build"]
    bad = [result for result in results if not result.good]
    for result in bad:
        say(f"FAIL  {result.name}")
    say(f"{len(counted) - len([result for result in counted if not result.good])} passed, "
        f"{len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
