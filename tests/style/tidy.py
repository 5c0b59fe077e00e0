#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clang-tidy on every source file, but not again on one that has not changed.

	tidy.py BUILD [--analyzer]	a build with clang, which knows the flags and the headers
	tidy.py BUILD --gcc		a build with gcc: its analyzer instead

Nine tenths of the time are the static analyzer's: it runs with --analyzer only.

The key of a file is its text, the text of each header that it includes, its flags, the
checks and the version of the program; those that were clean are in BUILD/tidy.
"""

import concurrent.futures
import hashlib
import itertools
import json
import os
import shlex
import subprocess
import sys

# In a command, in the place of the files. To start clang-tidy takes half of what a file takes, so that
# several are given to one.
FILES = None
AT_ONCE = 8
# Not compiled on this processor, so that no build knows their flags.
ARM = {"verity/hashtree/sha256_lanes_arm.c": ["--target=aarch64-linux-gnu", "-isystem", "/usr/aarch64-linux-gnu/include"],
       "verity/hashtree/sha256_lanes_arm32.c": ["--target=arm-linux-gnueabihf", "-mfpu=neon", "-isystem",
                                                "/usr/arm-linux-gnueabihf/include", "-D_FILE_OFFSET_BITS=64",
                                                "-D_TIME_BITS=64", "-Wno-ignored-attributes"]}
ARM_ALSO = ("verity/hashtree/sha256_vectors.h",)
ARM_FLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-I."]
# The analyzer of gcc 12 does not know the cleanup attribute, nor that 0 means that the outputs are
# set, as that of clang 14: see .clang-tidy.
GCC = ["-fanalyzer", "-Wno-analyzer-malloc-leak", "-Wno-analyzer-null-argument",
       "-Wno-analyzer-null-dereference", "-Wno-analyzer-use-of-uninitialized-value",
       "-Wno-analyzer-possible-null-argument", "-Wno-analyzer-possible-null-dereference"]
# What it finds that is none, by file.
GCC_JUSTIFIED = {
    # who waits for the jobs has a share of what serve() would free
    "initramfs/timed_jobs.c": ["-Wno-analyzer-use-after-free"],
}


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def dependencies(build):
    """{object: files that it was made of}, as the compiler told ninja."""
    found, current = {}, None
    for line in output("ninja", "-C", build, "-t", "deps").splitlines():
        if line and not line.startswith(" "):
            current = line.split(":")[0]
            found[current] = []
        elif line.strip():
            found[current].append(os.path.normpath(os.path.join(build, line.strip())))
    return found


def digest(*texts):
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def text_of(path, cache={}):  # pylint: disable=dangerous-default-value
    if path not in cache:
        with open(path, encoding="utf-8", errors="replace") as file:
            cache[path] = file.read()
    return cache[path]


def sources(build):
    """(path, command, the text of each file that it is made of) of each source file outside of tests/."""
    deps = dependencies(build)
    with open(f"{build}/compile_commands.json", encoding="utf-8") as file:
        commands = json.load(file)
    for command in commands:
        path = os.path.relpath(os.path.join(build, command["file"]))
        if path.startswith("tests/") or not path.endswith(".c"):
            continue
        own = [name for name in deps.get(command["output"], [path]) if not name.startswith("/usr")]
        yield path, command["command"], [text_of(name) for name in own]


def jobs(build, checks):
    """(key, command, path) of each source file outside of tests/; @checks: options of clang-tidy."""
    general = "".join([output("clang-tidy", "--version"), text_of(".clang-tidy"), *checks])
    # of one that is compiled in several ways, clang-tidy takes all
    texts_of = {}
    for path, command, texts in sources(build):
        texts_of.setdefault(path, []).extend([command, *texts])
    for path, texts in texts_of.items():
        yield digest(general, *texts), ["clang-tidy", "--quiet", *checks, "-p", build, FILES], path
    for path, flags in ARM.items():
        yield (digest(general, *flags, *map(text_of, (path, *ARM_ALSO))),
               ["clang-tidy", "--quiet", *checks, FILES, "--", *flags, *ARM_FLAGS], path)


def gcc_jobs(build):
    """(key, command, path) of each source file outside of tests/, to be compiled into nothing."""
    general = "".join([output("gcc", "--version"), *GCC])
    for path, command, texts in sources(build):
        words = [word for word in shlex.split(command) if word not in ("ccache", "-MD")]
        for option in "-MF", "-MQ":
            at = words.index(option)
            del words[at:at + 2]
        words[words.index("-o") + 1] = "/dev/null"
        options = [*GCC, *GCC_JUSTIFIED.get(path, [])]
        yield (digest(general, command, *options, *texts),
               ["env", "-C", build, *words, *options, "-Werror", "-fdiagnostics-plain-output"], path)


def batches(todo):
    """Lists of jobs: those with one command together, a few in each."""
    for _, same in itertools.groupby(todo, lambda job: job[1]):
        same = list(same)
        for begin in range(0, len(same), AT_ONCE):
            yield same[begin:begin + AT_ONCE]


def run(batch):
    """[(key, what came of it)]: one by one where not all of them are clean."""
    paths = [path for _, _, path in batch]
    command = [word for item in batch[0][1] for word in (paths if item is FILES else [item])]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode and len(batch) > 1:
        return [result for job in batch for result in run([job])]
    return [(key, done) for key, _, _ in batch]


def main():
    build = sys.argv[1]
    checks = [] if "--analyzer" in sys.argv else ["--checks=-clang-analyzer-*"]
    by_gcc = "--gcc" in sys.argv
    clean = os.path.join(build, "tidy")
    os.makedirs(clean, exist_ok=True)
    todo = [job for job in (gcc_jobs(build) if by_gcc else jobs(build, checks))
            if not os.path.exists(f"{clean}/{job[0]}")]
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for key, done in itertools.chain.from_iterable(pool.map(run, batches(todo))):
            if done.returncode == 0:
                with open(f"{clean}/{key}", "w", encoding="ascii"):
                    pass
            else:
                wrong += 1
                # of clang-tidy, how much it counted
                print(done.stdout or done.stderr)
    print(f"{'gcc -fanalyzer' if by_gcc else 'clang-tidy'}: {len(todo)} files, {wrong} with faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
