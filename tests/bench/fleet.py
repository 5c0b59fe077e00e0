#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a fleet costs a web server: devices in folders that all follow one catalogue by nginx.

    tests/bench/fleet.py BUILD-FOLDER [DEVICES]

Each device is `wmopkg update --quiet` with stores, records and a serial number of its own, at most
AT_ONCE at a time. What nginx has sent and received is counted by nginx. The figures of
docs/fleet.md are from here. It fails where the fleet is not in the state that it must be in.
"""

import concurrent.futures
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "installer"))
import servers  # noqa: E402

DEVICES = 500
AT_ONCE = 4
FLEET = 100_000  # what the last table is about
TREE_MIB = 8  # most of it is the same in the next version
CHANGED_KIB = 80


class Fleet:
    def __init__(self, build, folder, count):
        self.wmopkg = f"{build}/installer/wmopkg"
        self.build = f"{build}/installer/wmopkg-build"
        self.folder, self.count = folder, count
        self.keys, self.web, self.tree = f"{folder}/keys", f"{folder}/web", f"{folder}/tree"
        self.run_build("keys", self.keys)
        os.mkdir(self.web)
        os.mkdir(self.tree)
        for number in range(TREE_MIB * 1024 // CHANGED_KIB):
            self.change(number)
        self.server = servers.Nginx(f"{folder}/nginx", self.web)
        for number in range(count):
            self.make_device(number)

    def run_build(self, *words):
        subprocess.run([self.build, *words], check=True, stdout=subprocess.DEVNULL)

    def signed(self, *words):
        signer = f"{self.keys}/signer"
        self.run_build(words[0], "--key", f"{signer}.key", "--cert", f"{signer}.pem", *words[1:])

    def change(self, number):
        with open(f"{self.tree}/{number:04}", "wb") as file:
            file.write(os.urandom(CHANGED_KIB * 1024))

    def make(self, version):
        self.signed("create", "--name", "service", "--version", version, "--description", "Example",
                    self.tree, f"{self.web}/service-{version}.wmopkg")

    def publish(self, *options):
        self.signed("catalog", "--valid", "30", *options, self.web)

    def place(self, number):
        return f"{self.folder}/devices/{number}"

    def make_device(self, number):
        place = self.place(number)
        for name in ("data", "persist", "run"):
            os.makedirs(f"{place}/{name}")
        os.mkdir(f"{place}/keys")
        shutil.copy(f"{self.keys}/root.pem", f"{place}/keys")
        servers.write(f"{place}/cmdline", "\n")
        servers.write(f"{place}/wmopkg.conf", "".join(
            f'{key} = "{place}/{key}"\n' for key in ("data", "persist", "keys", "run", "cmdline")) +
            f'serial = "SN-{number:06}"\nmodel = "BX-1"\nfirmware_version = "5.0"\n'
            f'catalog = "http://127.0.0.1:{self.server.port}/catalog"\n')

    def wmopkg_on(self, number, *words):
        return subprocess.run([self.wmopkg, "--config", f"{self.place(number)}/wmopkg.conf", *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def everywhere(self, *words, status=0):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for done in pool.map(lambda number: self.wmopkg_on(number, *words), range(self.count)):
                if done.returncode != status:
                    sys.exit(f"{' '.join(words)}: exit status {done.returncode}\n{done.stderr}")

    def counted(self, title, *words, status=0):
        """All devices do it: a row of requests and bytes for one of them."""
        log = f"{self.folder}/nginx/bytes.log"
        begin = os.path.getsize(log)
        before = time.monotonic()
        self.everywhere(*words, status=status)
        seconds = time.monotonic() - before
        with open(log, encoding="utf-8") as file:
            file.seek(begin)
            rows = [line.split() for line in file]
        asked = sum(int(row[1]) for row in rows)
        sent = sum(int(row[2]) for row in rows)
        print(f"  {title:52}{len(rows) / self.count:9.2f}{asked / self.count:10.0f}"
              f"{sent / self.count:14.0f}{seconds:8.1f}", flush=True)
        return len(rows) / self.count, sent / self.count

    def installed(self, version):
        """On how many devices a version is."""
        return sum(version in self.wmopkg_on(number, "show").stdout for number in range(self.count))

    def close(self):
        self.server.close()


def expect(good, what):
    if not good:
        sys.exit(f"the fleet is not as it must be: {what}")


def run(fleet):
    count = fleet.count
    print(f"{count} devices, {AT_ONCE} at a time; for one device:\n"
          f"  {'':52}{'requests':>9}{'received':>10}{'sent, bytes':>14}{'all, s':>8}")
    fleet.make("1.0")
    fleet.publish()
    fleet.counted("the first package, installed from the server", "install",
                  f"http://127.0.0.1:{fleet.server.port}/service-1.0.wmopkg")
    for path in glob.glob(f"{fleet.folder}/devices/*/data/packages/service-1.0.wmopkg"):
        os.rename(path, path.replace("service-1.0", "service"))
    fleet.counted("first look at the catalogue", "update", "--quiet")
    quiet = fleet.counted("look again: nothing is new", "update", "--quiet")
    fleet.change(3)
    fleet.make("2.0")
    size = os.path.getsize(f"{fleet.web}/service-2.0.wmopkg")
    fleet.publish("--rollout", "service-2.0.wmopkg=5")
    fleet.counted("version 2.0 for 5 % of the devices", "update", "--quiet")
    first = fleet.installed("2.0")
    expect(0 < first < count / 5 or count < 100, f"{first} devices have version 2.0")
    fleet.publish("--rollout", "service-2.0.wmopkg=0")
    fleet.counted("version 2.0 is bad: for no more devices", "update", "--quiet")
    expect(fleet.installed("2.0") == first, "a version that was stopped goes on")
    fleet.change(5)
    fleet.make("2.1")
    os.unlink(f"{fleet.web}/service-2.0.wmopkg")
    fleet.publish()
    update = fleet.counted("version 2.1 for all", "update", "--quiet")
    expect(fleet.installed("2.1") == count, "not all devices have version 2.1")
    print(f"\nA package of {size} bytes, of which {CHANGED_KIB} KiB in {TREE_MIB} MiB have "
          f"changed: {update[1] / size:.3f} of it was sent to a device.")
    for title, day in (("an ordinary day", quiet), ("the day of an update", update)):
        requests, sent = (value * FLEET for value in day)
        print(f"{FLEET} devices, {title}: {requests:.0f} requests "
              f"({requests / 86400:.2f} a second), {sent / 1e9:.2f} GB "
              f"({sent * 8 / 86400 / 1e6:.2f} Mbit/s).")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="wmopkg-bench.") as folder:
        os.chmod(folder, 0o755)
        fleet = Fleet(build, folder, int(sys.argv[2]) if len(sys.argv) > 2 else DEVICES)
        try:
            run(fleet)
        finally:
            fleet.close()


if __name__ == "__main__":
    main()
