#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Us and the peers on the same bytes in one run: wall time, processor time, peak memory.

    tests/bench/bench.py BUILD-FOLDER [hash] [verify] [create] [install]

Every figure is the median of RUNS runs after one that warms the caches; the commands take
turns, so that a machine that changes its speed changes it for all of them. Who shares the
machine with others looks at the processor time, and at the fastest runs, as well.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "installer"))
import servers  # noqa: E402

RUNS = 9
IMAGE_MIB = 512


class Run:
    def __init__(self, wall, cpu, peak_kib, runs=()):
        self.wall, self.cpu, self.peak_kib = wall, cpu, peak_kib
        self.runs = runs  # those that this is the median of
        self.fastest = min((run.wall for run in runs), default=wall)


def measure(build, command):
    """One run of a command, or of several one after the other (peak: the largest).

    A small program counts, from starting a command to its end: a process started from here
    would be charged with our own memory, and its time with ours.
    """
    commands = command if isinstance(command[0], list) else [command]
    wall, cpu, peak = 0.0, 0.0, 0
    for words in commands:
        done = subprocess.run([build + "/tests/bench/timed", *words], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words)}: exit status {done.returncode}\n{done.stderr}")
        nanoseconds, kib, microseconds = done.stderr.splitlines()[-1].split()
        wall += int(nanoseconds) / 1e9
        cpu += int(microseconds) / 1e6
        peak = max(peak, int(kib))
    return Run(wall, cpu, peak)


def compare(build, sides, before=lambda name: None):
    """Median figures of each side, the sides taking turns; @before is called before each."""
    runs = {name: [] for name in sides}
    for turn in range(RUNS + 1):
        for name, command in sides.items():
            before(name)
            run = measure(build, command)
            if turn:
                runs[name].append(run)
    medians = {
        name: Run(*(statistics.median(getattr(run, key) for run in side)
                    for key in ("wall", "cpu", "peak_kib")), side)
        for name, side in runs.items()
    }
    print(f"  {'':34}{'wall s':>9}{'fastest':>9}{'cpu s':>9}{'peak MiB':>10}")
    for name, run in medians.items():
        print(f"  {name:34}{run.wall:9.3f}{run.fastest:9.3f}{run.cpu:9.3f}"
              f"{run.peak_kib / 1024:10.1f}")
    return medians


def pairs(peer, us, key):
    """How many times as much the peer takes: the median of the pairs of runs that followed each other."""
    return statistics.median(getattr(a, key) / getattr(b, key) for a, b in zip(peer.runs, us.runs))


def hash_rates(build, **environment):
    """{kind of instructions: (MB/s of one processor, the same of the fastest turn)} for bytes in the cache"""
    said = subprocess.run([build + "/tests/bench/hash"], capture_output=True, text=True, check=True,
                          env={**os.environ, **environment}).stdout
    return {name: tuple(map(float, rest.split()))
            for name, rest in (line.split(": ") for line in said.splitlines())}


def forget(*paths):
    """The next reader fills the page cache, as after a boot, and not who wrote the file."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def section(title):
    print(f"\n{title}", flush=True)


def make_random(build, folder):
    """A signed package whose image is as large as its content, and a device that trusts it."""
    package, configuration = (os.path.join(folder, name) for name in
                              ("random.wmopkg", "wmopkg.conf"))
    if os.path.exists(package):
        return package, configuration
    tree = os.path.join(folder, "random")
    os.mkdir(tree)
    with open(os.path.join(tree, "data"), "wb") as file:
        for _ in range(IMAGE_MIB):
            file.write(os.urandom(1 << 20))  # does not compress: the image is as large
    keys = os.path.join(folder, "keys")
    subprocess.run([build + "/installer/wmopkg-build", "keys", keys], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run([build + "/installer/wmopkg-build", "create", "--version", "1",
                    "--description", "random bytes", "--key", keys + "/signer.key", "--cert",
                    keys + "/signer.pem", tree, package], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    ring = os.path.join(folder, "ring")
    os.mkdir(ring)
    shutil.copy(keys + "/root.pem", ring)
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(f'keys = "{ring}"\n')
        for key in ("data", "persist", "run"):
            os.mkdir(os.path.join(folder, key))
            file.write(f'{key} = "{folder}/{key}"\n')
    return package, configuration


def bench_verify(build, folder):
    section(f"verify: a package of {IMAGE_MIB} MiB, warm cache")
    package, configuration = make_random(build, folder)
    image, hashes = os.path.join(folder, "image"), os.path.join(folder, "tree")
    subprocess.run([build + "/installer/wmopkg-build", "extract", "--image", image, "--tree",
                    hashes, package], check=True)
    inspected = subprocess.run([build + "/installer/wmopkg-build", "inspect", package],
                               capture_output=True, text=True, check=True).stdout
    fact = dict(line.split(": ", 1) for line in inspected.splitlines())
    blocks = os.path.getsize(image) // 4096
    forget(package, image, hashes)
    medians = compare(build, {
        "wmopkg verify": [build + "/installer/wmopkg", "--config", configuration, "verify",
                          package],
        "veritysetup verify": ["veritysetup", "verify", "--no-superblock", "--data-blocks",
                               str(blocks), "--salt", fact["Salt"], image, hashes,
                               fact["Root hash"]],
    })
    us, peer = medians["wmopkg verify"], medians["veritysetup verify"]
    cores, size = os.cpu_count(), os.path.getsize(package) / 1e6
    rates = hash_rates(build)
    best = max(rates, key=rates.get)
    limit = rates[best][0] * cores
    print(f"  {pairs(peer, us, 'wall'):.2f} times as fast as veritysetup (goal: at least 5 on two processors); "
          f"the fastest runs: {peer.fastest / us.fastest:.2f}")
    print(f"  {pairs(peer, us, 'cpu'):.2f} times as many bytes for each second of a processor")
    print(f"  {size / us.wall:.0f} MB/s of {limit:.0f} MB/s that {cores} processors hash in their caches ({best}): "
          f"{100 * size / us.wall / limit:.0f} % (goal: at least 85 %); the fastest run: "
          f"{100 * size / us.fastest / (rates[best][1] * cores):.0f} %")
    print(f"  processor time: {100 * size / us.cpu / rates[best][0]:.0f} % of it is what hashing takes")
    print(f"  peak memory {us.peak_kib / 1024:.1f} MiB (goal: at most 24)")


def bench_create(build, folder):
    tree = "/usr/lib/gcc"
    cores = str(os.cpu_count())
    section(f"create: {tree}, zstd, 128 KiB blocks, {cores} processors, warm cache")
    ours = os.path.join(folder, "gcc.wmopkg")
    image, hashes = os.path.join(folder, "gcc.squashfs"), os.path.join(folder, "gcc.tree")

    medians = compare(build, {
        "wmopkg-build create": [build + "/installer/wmopkg-build", "create", "--version", "1",
                                "--description", "compilers", tree, ours],
        "mksquashfs + veritysetup format": [
            ["mksquashfs", tree, image, "-comp", "zstd", "-b", "131072", "-processors", cores,
             "-noappend", "-all-root", "-no-progress", "-quiet"],
            ["veritysetup", "format", "--no-superblock", image, hashes]],
    })
    us, peer = medians["wmopkg-build create"], medians["mksquashfs + veritysetup format"]
    print(f"  {us.wall / peer.wall:.2f} times its wall time (goal: at most 0.95)")
    print(f"  1/{peer.peak_kib / us.peak_kib:.0f} of its peak memory (goal: at most 1/10)")
    print(f"  {os.path.getsize(ours) / (os.path.getsize(image) + os.path.getsize(hashes)):.3f} "
          "times its bytes")


def bench_install(build, folder):
    section(f"install: a package of {IMAGE_MIB} MiB over http, and its parts")
    package, configuration = make_random(build, folder)
    store = os.path.join(folder, "data", "packages")

    def remove(_name):
        """Nothing is there of which blocks could be copied, or that has to be replaced."""
        shutil.rmtree(store, ignore_errors=True)

    wmopkg = [build + "/installer/wmopkg", "--config", configuration]
    copy = os.path.join(folder, "copy", os.path.basename(package))
    os.mkdir(os.path.dirname(copy))
    nginx = servers.Nginx(os.path.join(folder, "nginx"), folder)
    try:
        url = f"http://127.0.0.1:{nginx.port}/random.wmopkg"
        medians = compare(build, {
            "wmopkg install": [*wmopkg, "install", url],
            "curl -o FILE": ["curl", "--silent", "--show-error", "-o", copy, url],
            "wmopkg verify FILE": [*wmopkg, "verify", copy],
        }, remove)
    finally:
        nginx.close()
    us, peers = medians.pop("wmopkg install"), medians.values()
    print(f"  {us.cpu / sum(peer.cpu for peer in peers):.2f} times the processor time of curl and "
          "verify together (goal: at most 0.55)")
    print(f"  {us.wall / sum(peer.wall for peer in peers):.2f} times their wall time")
    print(f"  peak memory {us.peak_kib / 1024:.1f} MiB (goal: at most 24)")


def bench_hash(build, _folder):
    section("hash: salted blocks of 4096 bytes, one thread, the same buffer")
    rates = hash_rates(build)
    # OpenSSL without the SHA extensions of x86, for the kinds that are used where there are none
    slow = hash_rates(build, OPENSSL_ia32cap=":~0x20000000")["OpenSSL"]
    print(f"  {'':34}{'MB/s':>9}{'fastest':>9}{'times OpenSSL':>15}")
    for name, (median, fastest) in {**rates, "OpenSSL without SHA": slow}.items():
        base, goal = (rates["OpenSSL"], 1.65) if "SHA" in name or name == "OpenSSL" else (slow, 1.5)
        goal = "" if "OpenSSL" in name else f"  (goal: at least {goal})"
        print(f"  {name:34}{median:9.0f}{fastest:9.0f}{median / base[0]:15.2f}{goal}")
    if len(rates) == 1:
        print("  this processor has no instructions for lanes: OpenSSL hashes everything")


BENCHES = {"hash": bench_hash, "verify": bench_verify, "create": bench_create, "install": bench_install}


def main():
    if len(sys.argv) < 2 or any(name not in BENCHES for name in sys.argv[2:]):
        sys.exit(__doc__)
    print(f"{os.cpu_count()} processors, {RUNS} runs each, medians")
    with tempfile.TemporaryDirectory(prefix="wmopkg-bench.", dir=".") as folder:
        for name in sys.argv[2:] or BENCHES:
            BENCHES[name](os.path.abspath(sys.argv[1]), os.path.abspath(folder))


main()
