#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Let each system call and each allocation of each operation fail, one at a time.

	faults.py [--some N] [--seed N] [--jobs N] [--calls | --memory] [--each] [--known]
		[--log FILE] BUILD-FOLDER [OPERATION...]

An operation (typed.py) is done in a small system of its own (chroot.py). First as it is, to see
what it calls and allocates, what it prints, and what the device is like after it. Then once for
each system call and each way in which that fails (inject.c), and for each way of calls that leads
to an allocation (memory.c). Whatever fails:

- no process of ours crashes (a library may that gets no memory) or waits without end, and no descriptor is left open;
- what ends with 0 has done what it does where nothing fails (where it prints something else and
  no warning, this is counted as "quiet");
- what ends otherwise says why, and the device is as it was, or as it is after the operation;
- then the same operation is done where nothing fails, and nothing is left of the first one.

Calls to which the same functions of a program led are tried twice, allocations once, whatever the
operations are; with --each, all of them. With --some, only so many of all faults are tried: those that chance chooses. The
seed that is printed repeats it. With --known, some of what has once gone wrong is tried in any case
(KNOWN in typed.py).
"""

import argparse
import collections
import contextlib
import json
import multiprocessing
import os
import pickle
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "installer"), os.path.join(HERE, "..", "installer", "web")]
if len(sys.argv) > 1:
    os.environ.setdefault("WMOPKG_BUILD", sys.argv[1])
# pylint: disable=wrong-import-position
import servers  # noqa: E402
import typed  # noqa: E402
from chroot import Root  # noqa: E402

# @way: options of inject; @text: for people
Fault = collections.namedtuple("Fault", "operation way text")
Seen = collections.namedtuple("Seen", "status out err facts log report")
NO_ANSWER = 99
QUIET = "quiet: another output, and no warning"
SHIM = "/usr/lib/memory.so"
WMOPKG = ("wmopkg", "--config", "/device/wmopkg.conf")
ACTIVATE = ("wmopkg-activate", "--config", "/device/wmopkg.conf", "--root", "/")
START = {"wmopkg": WMOPKG, "wmopkg-activate": ACTIVATE}
HANDED = re.compile(rb"\b(Success|\(null\)|Unknown error)\b")
# records that are written before an operation, or after it and once more by the next boot; and the
# copies that `undo` would bring back, where they could be kept
AROUND = re.compile(r"device/persist/wmopkg/(catalog(\.json)?|set|floors\.json|time|audit\.log\.broken)|"
                    r"device/(data|persist)/packages/\._\d+_.*")
# of somebody else, by their names: what crashes in there without memory is no fault of ours
LIBRARIES = re.compile(r"lib(crypto|ssl|seccomp|archive|curl|squashfs|confuse|ubootenv|zstd|stdc)\S*\+")
# a hint for later boots that had no room
WARNED = re.compile(rb"warning: the last good set is not kept: .*No space left")
CLAIMS = re.compile(rb"Installed\.\.\.|Removed\.\.\.|Undone\.\.\.|Applied\.\.\.|Updated\.\.\.")


def plain(output):
    """What is printed, without times, numbers and digests."""
    return re.sub(rb"[0-9a-f]{16,}|\d+", b"#", output)


def differences(found, wanted):
    """Paths, and what is there."""
    return {key: (found.get(key), wanted.get(key)) for key in {*found, *wanted}
            if found.get(key) != wanted.get(key)}


class Bench:
    """Where operations are done, and what they do where nothing fails."""

    def __init__(self, root, template, operations):
        self.root, self.template, self.operations = root, template, operations
        self.usual = {}

    def do(self, name, options=(), again=False):
        """The operation, on the device as it is with @again, and else on a new one."""
        operation = self.operations[name]
        if not again:
            self.root.restore(self.template)
            for words in operation.before:
                self.root.type(*words.split())
        report = f"{self.root.path}.report"
        done = self.root.run((*START.get(operation.program, (operation.program,)), *operation.words),
                             options, operation.environment, operation.stdin, report)
        with open(report, encoding="utf-8", errors="replace") as file:
            lines = [line.split() for line in file]
        status, err = done.returncode, done.stderr
        if operation.program == "wmopkg-web":
            status, err = answered(done)
        return Seen(status, done.stdout, err, *self.root.facts(), lines)

    def look(self, name):
        """What the operation does where nothing fails, and when it is done twice; it is kept for
        all who try something with it."""
        kept = f"{self.template}.{name}"
        if name not in self.usual and not os.path.exists(kept):
            with open(kept, "wb") as file:
                pickle.dump(self.watch(name), file)
        if name not in self.usual:
            with open(kept, "rb") as file:
                self.usual[name] = pickle.load(file)
        return self.usual[name]

    def watch(self, name):
        operation = self.operations[name]
        self.root.restore(self.template)
        for words in operation.before:
            self.root.type(*words.split())
        old, old_log = self.root.facts()
        first = self.do(name, again=True)
        assert first.status == operation.status, (name, first[:3])
        twice = self.do(name, again=True)
        other = self.do(name)
        volatile = {key for key in other.facts if other.facts[key] != first.facts.get(key)}
        assert other.log == first.log, (name, other.log, first.log)
        return {"old": hide(old, volatile), "new": hide(first.facts, volatile), "volatile": volatile,
                "old_log": old_log, "twice": (twice.status, hide(twice.facts, volatile)), "seen": first}

    def survey(self, name, kinds):
        """All faults of an operation, each with what tells it from others and how many of that are
        enough."""
        program, found = self.operations[name].program, []
        for line in self.look(name)["seen"].report:
            if line[0] == "call" and "calls" in kinds:
                _, thread, call, number, functions, *more = line
                errors = [word for word in more if word.isalnum()]
                files = " ".join(word for word in more if not word.isalnum())
                found += [((program, thread == "0", call, functions, error), 2,
                           Fault(name, ("--call", way), way), (call, error, files))
                          for error in errors for way in [f"{thread}:{call}:{number}:{error}"]]
        listed = self.do(name, ("--memory", SHIM)).report if "memory" in kinds else []
        for _, image, _, *ways in (line for line in listed if line[0] == "memory"):
            found += [((program, image, functions), 1,
                       Fault(name, ("--memory", SHIM, "--allocation", place), f"memory {place}"), None)
                      for number, functions in (text.split(":") for text in ways)
                      for place in [f"{image}:{number}"]]
        return found

    def try_fault(self, fault):
        """What is wrong after it: [text]; None where it never came to it."""
        usual = self.look(fault.operation)
        seen = self.do(fault.operation, fault.way)
        about = next((" ".join(line[1:]) for line in seen.report if line[0] == "fault"), None)
        wrong = None if about is None else list(self.judge(fault.operation, usual, seen))
        if wrong == ["library"]:
            about, wrong = "library " + about, []
        return wrong, about, seen[:3]

    def judge(self, name, usual, seen):
        """Each promise that was not kept."""
        facts = hide(seen.facts, usual["volatile"])
        is_old, is_new = same(facts, usual["old"]), same(facts, usual["new"])
        is_left = self.may_stay(name, facts, usual, seen)
        crashes = [line for line in seen.report if line[0] == "crash"]
        if crashes and all(of_library(line, seen.report) for line in crashes):
            yield "library"
            return
        for line in crashes:
            yield " ".join(line)
        if seen.status is None:
            yield "it does not end"
            return
        if seen.status > 6 and (seen.status != NO_ANSWER or not self.is_unheard(seen)):
            yield f"status {seen.status}"
        if HANDED.search(seen.err + seen.out):
            yield "message without a reason"
        extra = opened(seen) - opened(usual["seen"])
        if extra:
            yield f"descriptors: {sorted(extra.elements())}"
        if seen.status == 0:
            if usual["seen"].status != 0:
                yield "wrong success: it has to be refused"
            elif not is_new and not (is_old and WARNED.search(seen.err)):
                yield f"wrong success: {differences(facts, usual['new'])}"
            elif not logged(seen.log, usual) and not seen.err and \
                    self.operations[name].program != "wmopkg-web":
                yield f"wrong success: the log has not {usual['seen'].log[-1]}"
            elif plain(seen.out) != plain(usual["seen"].out) and not seen.err:
                yield QUIET
        else:
            if not is_old and not is_new and not is_left:
                yield f"state: neither old {differences(facts, usual['old'])} nor new"
            if not seen.err.strip() and (usual["seen"].err or usual["seen"].status == 0) and \
                    not seen.out and not self.is_unheard(seen):
                yield "no message"
            if is_old and not is_new and CLAIMS.search(seen.out):
                yield "claims to be done"
        if usual["old"] != usual["new"] and (seen.status != usual["seen"].status or seen.err):
            yield from self.judge_after(name, usual, is_old, is_new)

    def may_stay(self, name, facts, usual, seen):
        """Whether what is neither as before nor as after it may be so until the next command."""
        more = {key for key in facts if not AROUND.fullmatch(key)} - {*usual["old"], *usual["new"]}
        tidying = failed_in(seen, "unlink")
        return self.operations[name].steps or b"is completed by the next" in seen.err or \
            tidying and all(os.path.basename(key).startswith(".") for key in more)

    def is_unheard(self, seen):
        """Whether what could not be written is what the program wanted to say."""
        return failed_in(seen, "write")

    def judge_after(self, name, usual, is_old, is_new):
        """Likewise of what comes then."""
        if self.operations[name].program == "wmopkg":
            show = self.root.run((*WMOPKG, "show", "json"))
            with contextlib.suppress(ValueError):
                json.loads(show.stdout)
                show = None
            if show:
                yield f"after it, show json: {show}"
            audit = self.root.run((*WMOPKG, "audit", "verify"))
            if audit.returncode or audit.stderr:
                yield f"after it, audit verify: {audit.returncode} {audit.stderr}"
        if is_old:  # as if nothing had been
            return
        again = self.do(name, again=True)
        facts = hide(again.facts, usual["volatile"])
        wanted = usual["twice"] if is_new else (usual["seen"].status, usual["new"])
        if not any(again.status == status and same(facts, state)
                   for status, state in (wanted, usual["twice"])):
            yield f"again: {again.status} {again.err} {differences(facts, wanted[1])}"


def failed_in(seen, call):
    """Whether the call that failed is called so; of an allocation the way may not be known."""
    return any(line[0] == "fault" and "".join(line[2:3]).startswith(call) for line in seen.report)


def of_library(crash, report):
    """Whether a library crashed in the call of ours in which it got no memory."""
    way = next((line[2:] for line in report if line[0] == "fault"), [])
    ours = next((place for place in way if place.startswith("wmopkg")), None)
    return not crash[3].startswith("wmopkg") and bool(way) and (
        crash[4:5] == [ours] or bool(LIBRARIES.match(way[0])))


def logged(log, usual):
    """Whether the lines of the operation are there, whatever else; who did it, and who signed, may
    not have been found out."""
    def events(lines):
        return [(line["event"], line.get("package"), line.get("version")) for line in lines]

    return all(line in events(log) for line in events(usual["seen"].log))


def same(found, wanted):
    """Whether a device is like that, but for what is around an operation."""
    return all(found.get(key) == wanted.get(key) for key in {*found, *wanted}
               if not AROUND.fullmatch(key))


def answered(done):
    """(status, errors) of a page, as if it were a program that is typed."""
    if done.returncode != 0 or not done.stdout.startswith(b"Status: "):
        return done.returncode or NO_ANSWER, done.stderr
    if done.stdout[8:9] in b"23":
        return 0, done.stderr
    return 1, b" ".join(re.findall(rb'<p class="message error.*?</p>', done.stdout)) + done.stderr


def hide(facts, volatile):
    """Of some files only that they are there."""
    return {key: "there" if key in volatile else value for key, value in facts.items()}


def opened(seen):
    """Files that the first process had open at its end."""
    return collections.Counter(
        re.sub(r"\d+", "#", " ".join(line[2:])) for line in seen.report
        if line[0] == "open" and line[1] == "0")


def new_root(arguments, folder):
    return Root(f"{folder}/root{os.getpid()}", arguments.build,
                f"{arguments.build}/tests/faults/memory.so")


class Workers:
    """Processes that each have a bench."""

    def __init__(self, arguments, folder, server):
        self.arguments, self.folder, self.server = arguments, folder, server
        self.jobs, self.found = multiprocessing.Queue(), multiprocessing.Queue()
        self.processes = [multiprocessing.Process(target=self.work) for _ in range(arguments.jobs)]
        for process in self.processes:
            process.start()

    def work(self):
        root = new_root(self.arguments, self.folder)
        bench = Bench(root, f"{self.folder}/device", typed.operations(self.server, f"{self.folder}/vendor"))
        shutil.copytree(f"{self.folder}/vendor", f"{root.path}/vendor", symlinks=True)
        for job in iter(self.jobs.get, None):
            try:
                if isinstance(job, str):
                    self.found.put((job, bench.survey(job, self.arguments.kinds)))
                else:
                    self.found.put((job, *bench.try_fault(job)))
            except Exception as error:  # it is told, and the others go on
                self.found.put((job, [f"test: {error!r}"], "", None))
        root.end()

    def do(self, jobs):
        """The results, as they come."""
        for job in jobs:
            self.jobs.put(job)
        for _ in jobs:
            yield self.found.get()

    def end(self):
        for _ in self.processes:
            self.jobs.put(None)
        for process in self.processes:
            process.join()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--some", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--calls", dest="kinds", action="store_const", const=("calls",),
                        default=("calls", "memory"))
    parser.add_argument("--memory", dest="kinds", action="store_const", const=("memory",))
    parser.add_argument("--quiet", action="store_true", help="these are failures, too")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--known", action="store_true", help="also what has once gone wrong")
    parser.add_argument("--log")
    parser.add_argument("build")
    parser.add_argument("operation", nargs="*")
    arguments = parser.parse_args()
    if os.environ.get("FAULTS_INSIDE") != "1":  # what is mounted here is seen here only
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, "-B",
                               *sys.argv], {**os.environ, "FAULTS_INSIDE": "1"})
    arguments.build = os.path.abspath(arguments.build)
    folder = tempfile.mkdtemp(prefix="wmopkg-faults.")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)
    try:
        return run(arguments, folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=False)
        os.rmdir(folder)


def run(arguments, folder):
    os.makedirs(f"{folder}/vendor")
    nginx = servers.Nginx(f"{folder}/nginx", f"{folder}/vendor")
    server = f"http://127.0.0.1:{nginx.port}"
    try:
        root = new_root(arguments, folder)
        typed.make_inputs(root)
        typed.make_device(root, server)
        for made in ("vendor", "device"):
            shutil.copytree(f"{root.path}/{made}", f"{folder}/{made}", symlinks=True, dirs_exist_ok=True)
        root.end()
        return try_all(arguments, folder, Workers(arguments, folder, server))
    finally:
        nginx.close()


def choose_known(surveys):
    """Of what has once gone wrong, by the files that it is about: MOST of each row, from all of it."""
    chosen = []
    for operation, calls, errors, files in typed.KNOWN:
        found = [fault for _, _, fault, what in surveys[operation]
                 if what and re.fullmatch(calls, what[0]) and re.fullmatch(errors, what[1]) and
                 re.search(files, what[2])]
        if not found:
            raise RuntimeError(f"{operation}: no {calls} of {files}")
        step = max(1, len(found) / typed.MOST)
        chosen += [found[int(at * step)] for at in range(min(typed.MOST, len(found)))]
    return chosen


def try_all(arguments, folder, workers):
    chance, began = random.Random(arguments.seed), time.monotonic()
    print(f"seed {arguments.seed}", flush=True)
    names = arguments.operation or list(typed.operations("", f"{folder}/vendor"))
    if arguments.some and not arguments.operation:  # to look costs, too
        names = chance.sample(names, min(len(names), max(1, arguments.some // 20)))
    if arguments.known:
        names += sorted({row[0] for row in typed.KNOWN} - {*names})
    surveys, faults, counted = {}, [], collections.Counter()
    for name, *survey in workers.do(names):
        if len(survey) > 1:
            raise RuntimeError(f"{name}: {survey[0]}")
        surveys[name] = survey[0]
    for name in names:
        for key, most, fault, _ in surveys[name]:
            counted[key] += 1
            if arguments.each or counted[key] <= most:
                faults.append(fault)
    count = len(faults)
    chance.shuffle(faults)
    faults = faults[:arguments.some]
    if arguments.known:
        faults += [fault for fault in choose_known(surveys) if fault not in faults]
    print(f"{len(faults)} of {count} faults in {len(names)} operations; "
          f"{sum(map(len, surveys.values()))} with --each", flush=True)
    results = []
    with open(arguments.log or os.devnull, "w", encoding="utf-8") as log:
        for fault, wrong, about, seen in workers.do(faults):
            results.append((fault, wrong, about, seen))
            print(json.dumps({"operation": fault.operation, "way": fault.text, "about": about,
                              "wrong": wrong, "seen": seen and [seen[0], repr(seen[1]), repr(seen[2])]}),
                  file=log, flush=True)
    workers.end()
    return count_failures(arguments, names, results, time.monotonic() - began)


def count_failures(arguments, names, results, seconds):
    table = {name: collections.Counter() for name in names}
    for fault, wrong, about, seen in results:
        counts = table[fault.operation]
        kind = "allocations" if fault.text.startswith("memory") else "calls"
        counts[kind] += wrong is not None
        counts["not reached"] += wrong is None
        counts["of libraries"] += about is not None and about.startswith("library ")
        counts["quiet"] += wrong == [QUIET]
        if wrong == [QUIET] and not arguments.quiet:
            continue
        counts["failed"] += bool(wrong)
        if wrong:
            print(f"FAIL  {fault.operation} {fault.text} ({about})", *wrong, seen, sep="\n      ")
    print(f"\n{'operation':24} {'calls':>8} {'allocations':>12} {'not reached':>12} "
          f"{'of libraries':>12} {'quiet':>8} {'failed':>8}")
    for name, counts in table.items():
        print(f"{name:24} {counts['calls']:8} {counts['allocations']:12} "
              f"{counts['not reached']:12} {counts['of libraries']:12} "
              f"{counts['quiet']:8} {counts['failed']:8}")
    failed = sum(counts["failed"] for counts in table.values())
    print(f"{len(results)} faults, {failed} failed, {seconds:.0f} s; --seed {arguments.seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
