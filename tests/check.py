# SPDX-License-Identifier: MIT
"""The tiers of ./check: what each builds and runs, what is counted and how long it took.

	check.py [quick | long | TIER... | TEST...]

Two builds serve all tests: build/ (gcc) for what runs whole programs, build-fuzz/ (clang,
address and undefined-behaviour sanitizers, libFuzzer) for units and decoders. Only what
the chosen tests need is built. The tests of build/ mostly wait for emulated machines: they
start as soon as it is there, and everything else runs beside them.

A tier without a test is a failure, and so is a test that does not report a result.
"""

import collections
import concurrent.futures
import fnmatch
import json
import os
import re
import resource
import subprocess
import sys
import threading
import time

TIERS = ("style", "builds", "unit", "fuzz", "peers", "kernel", "machine")
LONG = (*TIERS, "long")
QUICK = ("style", "unit", "fuzz", "kernel-activate", "kernel-tamper", "machine-plain")
SLOWEST = 10

GCC, CLANG = "build", "build-fuzz"
BUILDS = {
    GCC: ({}, ["-Dwerror=true"]),
    CLANG: ({"CC": "clang"}, ["-Dwerror=true", "-Dfuzz=true", "-Db_lundef=false",
                              "-Db_sanitize=address,undefined"]),
    # What strangers build with: the two extremes, without a warning.
    "build-release": ({}, ["-Dwerror=true", "--buildtype=release", "-Db_lto=true"]),
    "build-plain": ({"CC": "clang"}, ["-Dwerror=true", "--buildtype=plain"]),
}
STRANGERS = ("build-release", "build-plain")
PROGRAMS = ("installer/wmopkg", "installer/wmopkg-build", "initramfs/wmopkg-activate")
# Units and decoders run with the sanitizers; what boots or serves is built as it is shipped.
SANITIZED = ("unit", "fuzz")
# Names of checks that are no tests of a build, each in its tier.
LAYOUT, TIDY, ANALYZER = "clang-format", "clang-tidy", "clang-analyzer"
OWN = {LAYOUT: "style", TIDY: "style", ANALYZER: "long", **{folder: "builds" for folder in STRANGERS}}

CPUS = os.cpu_count()
# Compilers and unit tests keep all processors busy. A third of the other tests wait, for a
# watchdog or for a server that is lost.
AT_ONCE = {GCC: CPUS + 2, CLANG: CPUS}
# Tests share the processors with compilers here, so that they take longer than alone.
PATIENCE = "2"
# What does not wait for anything gives way to what does.
GIVES_WAY = ("nice", "-n", "5")
RESULT_LINE = re.compile(r"^ *\d+/\d+ \S+ / (\S+) +([A-Z]+) +([\d.]+)s")

Result = collections.namedtuple("Result", "tier name good seconds")
printing = threading.Lock()


def fail(message):
    print(f"check: {message}", file=sys.stderr)
    sys.exit(2)


def say(*lines):
    with printing:
        print(*lines, sep="\n", flush=True)


def line_of(good, name, seconds):
    return f"{'ok  ' if good else 'FAIL'}  {name} ({seconds:.1f} s)"


def show(result):
    say(line_of(result.good, result.name, result.seconds))
    return result


def run_quietly(command, **environment):
    """Whether it succeeded; what it printed is shown where it did not."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", env={**os.environ, **environment}, check=False)
    if done.returncode != 0:
        say(f"{' '.join(command)}:", *done.stdout.splitlines()[-60:])
    return done.returncode == 0


def configure(folder):
    """Set up a build, or set it up again if a meson.build has changed."""
    environment, options = BUILDS[folder]
    if os.path.exists(f"{folder}/build.ninja"):
        return run_quietly(["ninja", "-C", folder, "build.ninja"])
    return run_quietly(["meson", "setup", *options, folder], **environment)


def build(folder, *targets):
    return configure(folder) and run_quietly([*GIVES_WAY, "ninja", "-C", folder, *PROGRAMS, *targets])


def introspect(folder, what):
    return json.loads(subprocess.run(["meson", "introspect", what, folder], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)


class Tests:
    """The tests of one build: those that are chosen, and what came of them."""

    def __init__(self, folder):
        self.folder = folder
        self.described = {test["name"]: test for test in introspect(folder, "--tests")}
        self.tiers = {name: test["suite"][0].split(":")[-1]
                      for name, test in self.described.items()
                      if self.belongs(name, test["suite"][0].split(":")[-1])}
        self.chosen = []

    def belongs(self, name, tier):
        """Each test runs in one of the builds only."""
        return (tier in SANITIZED or name.startswith("fuzz-")) == (self.folder == CLANG)

    def choose(self, words):
        """meson runs them in this order: those first that meson.build gives a priority."""
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
        if not self.chosen:
            return []
        log = f"{self.folder}/meson-logs/testlog.json"
        if os.path.exists(log):
            os.unlink(log)
        with subprocess.Popen(
                ["meson", "test", "-C", self.folder, "--no-rebuild", "--num-processes",
                 str(AT_ONCE[self.folder]), "--timeout-multiplier", PATIENCE, *self.chosen],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                env={**os.environ, "PYTHONUNBUFFERED": "1"}) as meson:
            printed = []
            for line in meson.stdout:
                printed.append(line)
                if match := RESULT_LINE.match(line):
                    say(line_of(match[2] == "OK", match[1], float(match[3])))
        results = self.read_results(log)
        missing = {*self.chosen} - {result.name for result in results}
        if missing:
            say("".join(printed))
        return results + [Result(self.tiers[name], name, False, 0) for name in sorted(missing)]

    def read_results(self, log):
        results = []
        for line in open(log, encoding="utf-8") if os.path.exists(log) else ():
            test = json.loads(line)
            name = test["name"].split(" / ")[-1]
            good = test["result"] == "OK"
            results.append(Result(self.tiers[name], name, good, test["duration"]))
            if not good:
                say(f"--- {name}: {test['result']}", test.get("stdout", ""), test.get("stderr", ""),
                    f"--- the end of {name}")
        return results


def is_laid_out():
    files = subprocess.run(["git", "ls-files", "*.c", "*.h"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.split()
    return run_quietly(["clang-format", "--dry-run", "--Werror", *files])


def check_own(name):
    """One of OWN."""
    began = time.monotonic()
    if name == LAYOUT:
        good = is_laid_out()
    elif name == TIDY:
        good = run_quietly([*GIVES_WAY, sys.executable, "tests/style/tidy.py", CLANG])
    elif name == ANALYZER:
        good = run_quietly([*GIVES_WAY, sys.executable, "tests/style/tidy.py", CLANG,
                            "--analyzer"])
    else:
        good = build(name)
    return show(Result(OWN[name], name, good, time.monotonic() - began))


def beside(sanitized, own):
    """What runs beside the tests of the first build."""
    results = []
    if sanitized.chosen or {TIDY, ANALYZER} & {*own}:
        began = time.monotonic()
        good = build(CLANG, *sanitized.targets())
        results.append(Result("build", CLANG, good, time.monotonic() - began))
        if good:
            results += sanitized.run()
        else:
            results += [show(Result(sanitized.tiers[name], name, False, 0))
                        for name in sanitized.chosen]
    return results + [check_own(name) for name in own]


def run_all(programs, sanitized, own):
    """The results of all tests, and of the builds that they needed."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        results = []
        if programs.chosen:
            began = time.monotonic()
            if not build(GCC, *programs.targets()):
                fail(f"the build in {GCC}/ failed")
            results.append(Result("build", GCC, True, time.monotonic() - began))
        others = pool.submit(beside, sanitized, own)
        results += programs.run()
        return results + others.result()


def print_times(results, seconds):
    tiers = collections.OrderedDict((tier, []) for tier in ("build", *LONG))
    for result in results:
        tiers[result.tier].append(result)
    tests = [result for result in results if result.tier != "build"]
    lines = ["", f"The {SLOWEST} slowest:"]
    lines += [f"  {result.seconds:6.1f} s  {result.name}"
              for result in sorted(tests, key=lambda result: -result.seconds)[:SLOWEST]]
    lines.append("Tiers, each the sum of what it ran, much of it side by side:")
    lines += [f"  {sum(result.seconds for result in members):6.1f} s  {tier}, {len(members)}"
              for tier, members in tiers.items() if members]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    say(*lines, f"All of it took {int(seconds) // 60} min {int(seconds) % 60} s on {CPUS} "
        f"processors, and {used.ru_utime + used.ru_stime:.0f} s of their time.", "")


def main():
    began = time.monotonic()
    words = sys.argv[1:] or list(TIERS)
    words = {"quick": list(QUICK), "long": list(LONG)}.get(words[0], words)
    say(f"Building into {GCC}/ (gcc) and {CLANG}/ (clang, sanitizers, libFuzzer) ...")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for folder, good in zip((GCC, CLANG), pool.map(configure, (GCC, CLANG))):
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
    results += [show(Result(tier, f"{tier}: no test ran", False, 0))
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
