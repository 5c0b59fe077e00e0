# SPDX-License-Identifier: MIT
"""Four devices at once, and the collection for Ansible: a good version goes to all of them, in batches; a
bad one stops at the first, which goes back to the version before; and so with a deny list."""

import os
import subprocess
import sys
import threading
import time
import unittest

import bench

sys.path.insert(0, os.path.join(bench.HERE, "..", "packaging"))
import controller  # noqa: E402

COUNT = 4
# A device is slow where four share two processors.
BOOT_S = 600
PANIC = "#!/bin/sh\n[ \"$1\" = stop ] || echo c >/proc/sysrq-trigger\n"
# what the firmware runs at the end of a good boot
INCOMPLETE = "#!/bin/sh\nexit 1\n"


class Attendant(threading.Thread):
    """Reads the console of a device, so that it goes on, and starts again after a reset."""

    def __init__(self, device):
        super().__init__()
        self.device = device
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            try:
                self.device.expect(bench.console.PROMPT, 1)
            except bench.console.ConsoleError:
                if self.device.process is None:
                    return

    def end(self):
        self.ended.set()
        self.join()


class Fleet(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        work = bench.console.WorkFolder()
        cls.addClassCleanup(work.__exit__)
        cls.bench = bench.Bench(work.__enter__(), "plain")
        cls.server = bench.console.WebServer(cls.bench.packages)
        cls.addClassCleanup(cls.server.close)
        cls.controller = controller.Controller(cls.bench.path("c"))
        cls.make_ssh()
        for version, scripts in (("1", {}), ("2", {}), ("3", {"S70app": PANIC}),
                                 ("4", {"S99wmopkg": INCOMPLETE}), ("5", {})):
            cls.make_app(version, scripts)
        cls.devices = {}
        for number in range(COUNT):
            cls.make_device(f"device{number}")
        cls.start()

    @classmethod
    def make_ssh(cls):
        tree = cls.bench.tree("ssh")
        cls.key = cls.bench.path("key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", cls.key], check=True)
        os.makedirs(f"{tree}/root/.ssh", 0o700)
        with open(f"{tree}/root/.ssh/authorized_keys", "wb") as file:
            file.write(bench.read(f"{cls.key}.pub"))
        os.chmod(f"{tree}/root/.ssh/authorized_keys", 0o600)
        told = subprocess.run(["dropbearkey", "-t", "ed25519", "-f", f"{tree}/etc/dropbear/host_key"], check=True,
                              capture_output=True, text=True).stdout
        public = next(line for line in told.splitlines() if line.startswith("ssh-ed25519"))
        with open(cls.bench.path("known"), "w", encoding="ascii") as file:
            file.write(f"device {public}\n")
        cls.bench.create("ssh", tree, keys=cls.bench.keys)

    @classmethod
    def make_app(cls, version, scripts):
        tree = cls.bench.path(f"tree-app-{version}")
        os.makedirs(f"{tree}/etc/init.d")
        os.makedirs(f"{tree}/usr/share/app")
        with open(f"{tree}/usr/share/app/version", "w", encoding="ascii") as file:
            file.write(f"{version}\n")
        for name, text in scripts.items():
            with open(f"{tree}/etc/init.d/{name}", "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(f"{tree}/etc/init.d/{name}", 0o755)
        cls.bench.create(f"app-{version}", tree, keys=cls.bench.keys, version=version, options=["--name", "app"])

    @classmethod
    def make_device(cls, name):
        folder = cls.bench.path(name)
        os.mkdir(folder)
        device = bench.console.Device(cls.bench.built, folder, serial=name, initrd="initrd-plain.img")
        cls.addClassCleanup(device.kill)
        subprocess.run(["debugfs", "-w", "-R", "mkdir packages", f"{device.disk}?offset={bench.PERSIST_START}"],
                       check=True, capture_output=True)
        bench.write_to_data(device.disk, cls.bench.package_path("ssh"), "packages/ssh.wmopkg", bench.PERSIST_START)
        cls.devices[name] = device

    @classmethod
    def start(cls):
        """All at once."""
        failed = []

        def begin(device):
            try:
                device.start(limit_s=BOOT_S)
                device.port()  # which it keeps over a reset
            except bench.console.ConsoleError as error:
                failed.append(error)

        threads = [threading.Thread(target=begin, args=[device]) for device in cls.devices.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
        for name, device in cls.devices.items():
            attendant = Attendant(device)
            attendant.start()
            cls.addClassCleanup(attendant.end)
            cls.controller.hosts[name] = {
                "ansible_host": "127.0.0.1", "ansible_port": device.port(), "ansible_user": "root",
                "ansible_ssh_private_key_file": cls.key,
                "ansible_ssh_common_args": f"-o UserKnownHostsFile={cls.bench.path('known')} "
                                           "-o HostKeyAlias=device -o IdentitiesOnly=yes"}

    def set(self, version):
        return {"packages": [{"name": "ssh", "version": "1.0", "persistent": True},
                             {"name": "app", "version": version,
                              "source": f"http://10.0.2.2:{self.server.port}/app-{version}.wmopkg"}]}

    def roll_out(self, *words, serial=(1, 3), **variables):
        began = time.monotonic()
        variables = {f"wmopkg_rollout_{key}": value for key, value in variables.items()}
        done = self.controller.playbook("wmopkg.fleet.rollout", *words, wmopkg_serial=serial, **{
            "wmopkg_rollout_timeout": BOOT_S, "wmopkg_rollout_delay": 2, **variables})
        print(f"{self.id().rpartition('.')[2]}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        return done

    def facts(self):
        """Of each device: boot, deny list, and the packages with their state."""
        play = self.controller.write("facts.json", [{"hosts": "all", "gather_facts": False, "tasks": [
            {"wmopkg.fleet.wmopkg_facts": {}},
            {"ansible.builtin.raw": "cat /usr/share/app/version || echo none",
             "vars": {"ansible_ssh_use_tty": False}}]}])
        status, output, results = self.controller.playbook(play)
        self.assertEqual(status, 0, output)
        told = {result["host"]: result["result"]["ansible_facts"]["wmopkg"] for result in results
                if "ansible_facts" in result["result"]}
        for result in results:
            if "stdout" in result["result"]:
                told[result["host"]]["file"] = result["result"]["stdout"].split()[0]
        return told

    def assert_versions(self, facts, *versions):
        """Which version of the application is active on each device, and that nothing is pending."""
        self.assertEqual([(one["file"], one["packages"].get("app", {}).get("version"), one["pending"], one["faults"])
                          for _, one in sorted(facts.items())],
                         [(version, version, [], []) for version in versions])

    def results_of(self, results, task):
        return {result["host"]: (result["status"], result["result"].get("changed")) for result in results
                if result["task"] == task}

    def test_1_a_good_version(self):
        before = self.facts()
        self.assertEqual({one["file"] for one in before.values()}, {"none"})
        status, output, results = self.roll_out(set=self.set("1"))
        self.assertEqual(status, 0, output)
        self.assertEqual(self.results_of(results, "The set"), {name: ("ok", True) for name in self.devices})
        after = self.facts()
        self.assert_versions(after, *["1"] * COUNT)
        for name in self.devices:
            self.assertEqual(after[name]["boot"]["number"], before[name]["boot"]["number"] + 1)
            self.assertNotEqual(after[name]["boot"]["id"], before[name]["boot"]["id"])

    def test_2_again(self):
        """Nothing to do, and no reboot; check mode says what a newer version would do."""
        before = self.facts()
        status, output, results = self.roll_out(set=self.set("1"), serial=[COUNT])
        self.assertEqual(status, 0, output)
        self.assertFalse(any(result["result"].get("changed") for result in results), results)
        status, output, results = self.roll_out("--check", "--diff", set=self.set("2"), serial=[COUNT])
        self.assertEqual(status, 0, output)
        self.assertEqual(self.results_of(results, "The set"), {name: ("ok", True) for name in self.devices})
        self.assertIn("-app 1\n+app 2\n", output)
        self.assertEqual({name: one["boot"] for name, one in before.items()},
                         {name: one["boot"] for name, one in self.facts().items()})

    def assert_stopped(self, before, version, why, boots):
        """At the first batch, a device, which is back at version 1; no other was touched."""
        status, output, results = self.roll_out(set=self.set(version), previous=self.set("1"),
                                                **({"timeout": 300} if version == "4" else {}))
        self.assertNotEqual(status, 0, output)
        self.assertEqual({result["host"] for result in results}, {"device0"}, output)
        last = results[-1]
        self.assertEqual((last["task"], last["status"]), ("The device has failed", "failed"), output)
        self.assertIn(why, last["result"]["msg"])
        self.assertIn("(rolled back to the previous set)", last["result"]["msg"])
        after = self.facts()
        self.assert_versions(after, *["1"] * COUNT)
        for name in self.devices:
            self.assertEqual(after[name]["boot"]["number"] - before[name]["boot"]["number"],
                             boots if name == "device0" else 0)

    def test_3_a_version_that_panics(self):
        """Three boots with it, one without it, and one with the version before."""
        self.assert_stopped(self.facts(), "3", "app 3: not active: it was left out after boots that were not "
                            "completed (quarantined)", 5)

    def test_4_a_version_whose_boot_is_not_completed(self):
        """The device answers, but its firmware does not say that the boot was good."""
        self.assert_stopped(self.facts(), "4", "app 4: its trial is running, 2 boots left", 2)

    def test_5_a_deny_list(self):
        """It comes with the version that replaces what it denies."""
        denylist = self.bench.path("1.denylist")
        subprocess.run([self.bench.program("installer/wmopkg-build"), "denylist", "--number", "1", "--package",
                        self.bench.package_path("app-1"), "--key", f"{self.bench.keys}/signer.key", "--cert",
                        f"{self.bench.keys}/signer.pem", denylist], check=True, stdout=subprocess.DEVNULL)
        status, output, results = self.roll_out(set=self.set("5"), denylist=denylist, serial=[1, 3])
        self.assertEqual(status, 0, output)
        self.assertEqual(self.results_of(results, "The deny list"), {name: ("ok", True) for name in self.devices})
        after = self.facts()
        self.assert_versions(after, *["5"] * COUNT)
        self.assertEqual({one["denylist"] for one in after.values()}, {1})
        # what is denied does not come back
        status, output, results = self.roll_out(set=self.set("1"), previous=self.set("5"))
        self.assertNotEqual(status, 0, output)
        self.assertIn("exit status 3 (refused by verification)", results[-1]["result"]["msg"])
        self.assertIn("(nothing was changed)", results[-1]["result"]["msg"])
        self.assert_versions(self.facts(), *["5"] * COUNT)


if __name__ == "__main__":
    bench.main()
