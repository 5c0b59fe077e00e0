# SPDX-License-Identifier: MIT
"""The tiers of ./check: what each builds and runs, what is counted and how long it took.

	check.py [quick | long | TIER... | TEST...]

Two builds serve all tests: build/ (gcc) for what runs whole programs, build-fuzz/ (clang,
address and undefined-behaviour sanitizers, libFuzzer) for units and decoders. A tier
without a test is a failure, and so is a test that was not found.
"""

import collections
import json
import os
import subprocess
import sys
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
PROGRAMS = ("installer/wmopkg", "installer/wmopkg-build", "initramfs/wmopkg-activate")
# Units and decoders run with the sanitizers; what boots or serves is built as it is shipped.
SANITIZED = ("unit", "fuzz")

Result = collections.namedtuple("Result", "tier name good seconds")


def fail(message):
    print(f"check: {message}", file=sys.stderr)
    sys.exit(2)


def build(folder, *targets):
    """Configure and build; the end of what was printed where that fails."""
    environment, options = BUILDS[folder]
    command = ["ninja", "-C", folder, *targets]
    setup = ["meson", "setup", *options, folder]
    steps = [command] if os.path.exists(f"{folder}/build.ninja") else [setup, command]
    for step in steps:
        done = subprocess.run(step, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              env={**os.environ, **environment}, check=False)
        if done.returncode != 0:
            print("\n".join(done.stdout.splitlines()[-40:]))
            return False
    return True


def listed_tests(folder):
    """{name: tier} of a build, those first that meson.build gives the highest priority."""
    told = subprocess.run(["meson", "introspect", "--tests", folder], stdout=subprocess.PIPE,
                          check=True, text=True).stdout
    tests = sorted(json.loads(told), key=lambda test: (-test["priority"], test["name"]))
    return {test["name"]: test["suite"][0].split(":")[-1] for test in tests}


def run_tests(folder, names, tiers):
    """Run tests of a build side by side, in this order; @tiers: {name: tier} of all of them."""
    log = f"{folder}/meson-logs/testlog.json"
    if os.path.exists(log):
        os.unlink(log)
    # one more than there are processors: many a test waits for a machine to go down
    done = subprocess.run(["meson", "test", "-C", folder, "--no-rebuild", "--print-errorlogs",
                           "--num-processes", str(os.cpu_count() + 1), *names],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    results = []
    if os.path.exists(log):
        with open(log, encoding="utf-8") as file:
            for test in map(json.loads, file):
                name = test["name"].split(" / ")[-1]
                results.append(Result(tiers[name], name, test["result"] == "OK",
                                      test["duration"]))
    missing = set(names) - {result.name for result in results}
    results += [Result(tiers[name], name, False, 0) for name in sorted(missing)]
    if not all(result.good for result in results):
        print(done.stdout)
    return results


def timed(tier, name, call, *arguments):
    began = time.monotonic()
    good = call(*arguments)
    return Result(tier, name, good, time.monotonic() - began)


def quietly(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    if done.returncode != 0:
        print(done.stdout)
    return done.returncode == 0


def check_layout():
    files = subprocess.run(["git", "ls-files", "*.c", "*.h"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.split()
    return quietly("clang-format", "--dry-run", "--Werror", *files)


def show(results):
    for result in results:
        print(f"{'ok  ' if result.good else 'FAIL'}  {result.name}", flush=True)
    return results


def run_tier_of_style(tests):
    results = show([timed("style", "clang-format", check_layout),
                    timed("style", "clang-tidy", quietly, sys.executable, "tests/style/tidy.py",
                          CLANG)])
    names = [name for name, tier in tests[GCC].items() if tier == "style"]
    return results + show(run_tests(GCC, names, tests[GCC]))


def run_tier_of_builds():
    """Compiles what strangers compile, with their flags; nothing of it is run."""
    return show([timed("builds", folder, build, folder, *PROGRAMS)
                 for folder in ("build-release", "build-plain")])


def print_times(results, seconds):
    tiers = collections.OrderedDict()
    for result in results:
        tiers.setdefault(result.tier, []).append(result)
    print(f"\nThe {SLOWEST} slowest:")
    for result in sorted(results, key=lambda result: -result.seconds)[:SLOWEST]:
        print(f"  {result.seconds:6.1f} s  {result.name}")
    print("Tiers, each the sum of its tests, some of which ran side by side:")
    for tier, members in tiers.items():
        print(f"  {sum(result.seconds for result in members):6.1f} s  {tier},"
              f" {len(members)} tests")
    print(f"All of it took {int(seconds) // 60} min {int(seconds) % 60} s"
          f" on {os.cpu_count()} processors.\n")


def main():
    began = time.monotonic()
    wanted = sys.argv[1:] or list(TIERS)
    if wanted == ["quick"]:
        wanted = list(QUICK)
    elif wanted == ["long"]:
        wanted = list(LONG)
    print("Building into build/ (gcc) and build-fuzz/ (clang, sanitizers, libFuzzer) ...",
          flush=True)
    for folder in (GCC, CLANG):
        if not build(folder):
            fail(f"the build in {folder}/ failed")
    built = time.monotonic() - began
    tests = {folder: listed_tests(folder) for folder in (GCC, CLANG)}
    known = {*LONG, *tests[GCC], *tests[CLANG]}
    unknown = [word for word in wanted if word not in known]
    if unknown:
        fail(f"'{unknown[0]}' is neither a tier ({' '.join(LONG)}) nor a test")
    chosen = {}
    for folder in (GCC, CLANG):
        for name, tier in tests[folder].items():
            sanitized = tier in SANITIZED or name.startswith("fuzz-")
            # The tier of style runs its tests itself; one of them can be named, too.
            asked = tier != "style" and tier in wanted
            if sanitized == (folder == CLANG) and (asked or name in wanted):
                chosen.setdefault(folder, []).append(name)
    results = [Result("build", "build", True, built)]
    if "style" in wanted:
        results += run_tier_of_style(tests)
    if "builds" in wanted:
        results += run_tier_of_builds()
    for folder in (CLANG, GCC):
        if folder in chosen:
            results += show(run_tests(folder, chosen[folder], tests[folder]))
    found = {result.tier for result in results} | {result.name for result in results}
    results += show([Result(word, f"{word}: no test ran", False, 0) for word in wanted
                     if word not in found])
    print_times(results, time.monotonic() - began)
    counted = [result for result in results if result.tier != "build"]
    failed = sum(not result.good for result in counted)
    for result in counted:
        if not result.good:
            print(f"FAIL  {result.name}")
    print(f"{len(counted) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
