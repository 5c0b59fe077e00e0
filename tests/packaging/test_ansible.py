# SPDX-License-Identifier: MIT
"""The collection for Ansible against devices in folders, over a real sshd that has no Python and
whose shell is BusyBox."""

import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "installer"))
import bench  # noqa: E402
import controller  # noqa: E402
import everybody  # noqa: E402
import servers  # noqa: E402
import states  # noqa: E402

# One test shows what most tasks do; each takes five seconds of processor time, so the others are long.
LONG = unittest.skipUnless(os.environ.get("WMOPKG_LONG") == "1", "in ./check long")
# in the mount namespace of sshd only
NO_PYTHON = "for python in /usr/bin/python3*; do mount --bind /dev/null $python; done\n"
BUSYBOX = "mount --bind /bin/busybox /bin/dash\n"
STEPS = ("prepare", "volumes", "reset", "trust", "judge", "try", "attach", "stack", "record", "seed")
# Prints what each action takes.
OPTIONS = """
import json, sys
from ansible.plugins.loader import action_loader
actions = {name: action_loader.get("wmopkg.fleet." + name, class_only=True) for name in sys.argv[1:]}
from ansible_collections.wmopkg.fleet.plugins.plugin_utils.action import COMMON
print(json.dumps({name: {**COMMON, **action.ARGUMENTS} for name, action in actions.items()}))
"""
LEFT_OUT = "it was left out after boots that were not completed"
# a package with the name unsigned
UNSIGNED = "unsigned: Unsigned: " + bench.UNSIGNED


def task(action, **arguments):
    """One that goes on after a failure; keywords of the task begin with `task_`."""
    keywords = {key[5:]: arguments.pop(key) for key in list(arguments) if key.startswith("task_")}
    return {"name": action, f"wmopkg.fleet.wmopkg_{action}": arguments, "ignore_errors": True, **keywords}


class Boots(threading.Thread):
    """What boots leave in a device that is a folder: each begins when the file `reboot` is there, and is a
    list of functions, one a second: what wmopkg-activate does (first the trials, then the record of the
    boot), and then the services."""

    def __init__(self, *boots):
        super().__init__()
        self.boots = list(boots)
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.1):
            if os.path.exists("reboot"):
                os.unlink("reboot")
                for step in self.boots.pop(0):
                    step()
                    self.ended.wait(1)

    def end(self):
        self.ended.set()
        self.join()


class Fleet(states.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(f"{cls.shared}/small")
        bench.write(f"{cls.shared}/small/file", b"content\n")
        os.mkdir(f"{cls.shared}/server")
        for file, *options in (("brand-1", "--name", "brand", "--version", "1"),
                               ("brand-2", "--name", "brand", "--version", "2"),
                               ("fix-1", "--name", "fix", "--version", "1",
                                "--description", "{{ lookup('pipe', 'echo templated') }}")):
            bench.make_package(f"{cls.shared}/server/{file}.wmopkg", f"{cls.shared}/small", *options, keys=cls.keys)
        bench.make_package(f"{cls.shared}/server/unsigned.wmopkg", f"{cls.shared}/small")
        cls.here = tempfile.mkdtemp(prefix="wa.", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.here)
        os.chmod(cls.here, 0o755)
        cls.controller = controller.Controller(f"{cls.here}/c")
        cls.sshd = servers.Ssh(f"{cls.here}/sshd", mounts=NO_PYTHON + BUSYBOX)
        cls.addClassCleanup(cls.sshd.close)
        cls.key = servers.make_key(f"{cls.here}/key")
        cls.sshd.authorize(cls.key)
        with open(f"{cls.sshd.keys['ed25519']}.pub", encoding="utf-8") as file:
            bench.write(f"{cls.here}/known", f"[127.0.0.1]:{cls.sshd.port} {file.read()}".encode())
        subprocess.run(["chown", "-R", f"{servers.UID}", f"{cls.shared}/server"], check=True)
        cls.program = everybody.runnable(bench.WMOPKG)

    def setUp(self):
        super().setUp()
        self.boots = None
        os.mkdir("tmp")
        self.boot_with(7)()
        self.own()
        self.controller.hosts = {"device": {
            "ansible_host": "127.0.0.1", "ansible_port": self.sshd.port, "ansible_user": servers.USER,
            "ansible_ssh_private_key_file": self.key,
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={self.here}/known -o IdentitiesOnly=yes",
            "wmopkg_command": [self.program, "--config", f"{self.folder}/wmopkg.conf"],
            "wmopkg_folder": f"{self.folder}/tmp"}}

    def own(self):
        """What this test has written; a boot sees from its times that no other file was changed."""
        subprocess.run(["chown", "-R", "--from=0", f"{servers.UID}", self.folder], check=True)

    def play(self, *tasks, words=()):
        """The results of tasks on the device, in their order."""
        playbook = self.controller.write("play.json", [{
            "hosts": "all", "gather_facts": False, "tasks": list(tasks),
            "module_defaults": {"group/wmopkg.fleet.wmopkg": {
                "command": "{{ wmopkg_command }}", "folder": "{{ wmopkg_folder }}"}}}])
        _, output, results = self.controller.playbook(playbook, *words)
        self.assertEqual(len(results), len(tasks), output)
        self.assertEqual(os.listdir("tmp"), [], "a temporary folder is left")
        return [{**result["result"], "status": result["status"]} for result in results]

    def source(self, name):
        return f"{self.shared}/server/{name}.wmopkg"

    def stored(self):
        return [path for path in bench.listing("data", "persist") if path.endswith(".wmopkg")]

    def assert_results(self, results, *expected):
        """@expected: of each, `changed`, or a part of the message of its failure."""
        for result, wanted in zip(results, expected, strict=True):
            if isinstance(wanted, bool):
                self.assertEqual((result["status"], result["changed"]), ("ok", wanted), result)
            else:
                self.assertEqual(result["status"], "failed", result)
                self.assertIn(wanted, result["msg"])

    def test_documentation(self):
        """ansible-doc shows the options that the actions take."""
        modules = [os.path.basename(path)[:-3] for path in sorted(glob.glob(f"{controller.COLLECTION}/plugins/action/*.py"))]
        told = json.loads(self.controller.run("ansible-doc", "--json", *(f"wmopkg.fleet.{name}" for name in modules)))
        taken = json.loads(self.controller.run("/usr/bin/python3", "-c", OPTIONS, *modules))
        self.assertEqual(len(modules), 6)
        for name in modules:
            options = told[f"wmopkg.fleet.{name}"]["doc"]["options"]
            for option in options.values():
                self.assertTrue(option.pop("description"))
            self.assertEqual({option: {key: facts[key] for key in facts if key not in ("version_added", "version_added_collection")}
                              for option, facts in options.items()}, taken[name], name)

    def test_set(self):
        """Check mode changes nothing; the first run changes, the second one does not."""
        wanted = {"packages": [{"name": "brand", "source": self.source("brand-1"), "version": "1"},
                               {"name": "fix", "source": self.source("fix-1"), "persistent": True}]}
        newer = {"packages": [{"name": "brand", "source": self.source("brand-2")}]}
        results = self.play(
            task("set", **wanted, task_check_mode=True, task_diff=True), task("facts"),
            task("set", **wanted, task_diff=True), task("set", **wanted, task_check_mode=True),
            task("set", **wanted, task_diff=True), task("set", **newer, keep=True, task_diff=True),
            task("facts"), task("set", **newer, task_diff=True, task_check_mode=True), task("set", packages=[]))
        self.assert_results(results, True, False, True, False, False, True, False, True, True)
        self.assertEqual(results[1]["ansible_facts"]["wmopkg"]["packages"], {})
        both = "brand 1\nfix 1 (persistent)\n"
        for number, before, after in ((0, "", both), (2, "", both), (4, both, both),
                                      (5, both, "brand 2\nfix 1 (persistent)\n"),
                                      (7, "brand 2\nfix 1 (persistent)\n", "brand 2\n")):
            diff = results[number]["diff"]
            self.assertEqual((diff["before"], diff["after"]), (before, after), number)
        facts = results[6]["ansible_facts"]["wmopkg"]
        self.assertEqual({name: package["version"] for name, package in facts["packages"].items()},
                         {"brand": "2", "fix": "1"})
        self.assertEqual(facts["packages"]["fix"]["description"], "{{ lookup('pipe', 'echo templated') }}")
        self.assertEqual((facts["denylist"], facts["allow_untrusted"], facts["boot"]["number"]), (0, False, 7))
        self.assertEqual(facts["version"], bench.read(f"{controller.COLLECTION}/galaxy.yml").decode().split(
            "version: ")[1].split()[0])
        self.assertEqual(self.stored(), [])

    @LONG
    def test_package(self):
        results = self.play(
            task("package", src=self.source("fix-1"), name="fix", persistent=True),
            # it stays persistent where nothing is said about it
            task("package", src=self.source("fix-1"), name="fix", task_diff=True),
            task("package", source=self.source("brand-1"), name="brand", task_check_mode=True),
            task("package", source=self.source("brand-1"), name="brand"),
            task("package", source=self.source("brand-2"), name="brand", version="2"),
            task("package", name="brand", version="2"),
            task("package", name="fix", state="absent", task_check_mode=True, task_diff=True),
            task("package", name="fix", state="absent"), task("package", name="fix", state="absent"),
            task("package", name="brand", version="3"), task("package", state="absent"))
        self.assert_results(results, True, False, True, True, True, False, True, True, False,
                            "brand: the set says version 3, but this is version 2", "name")
        self.assertEqual(results[6]["diff"]["before"], "brand 2\nfix 1 (persistent)\n")
        self.assertEqual(results[6]["diff"]["after"], "brand 2\n")
        self.assertEqual(self.stored(), ["data/packages/brand.wmopkg"])

    @LONG
    def test_hostile_words(self):
        """Values are data for the shell of the device, for wmopkg, and for Ansible."""
        marks = [f"{self.folder}/mark{number}" for number in range(8)]
        shell = f"'; touch {marks[0]}; '$(touch {marks[1]})`touch {marks[2]}`\n touch {marks[3]}\n"
        os.makedirs(f"{self.folder}/tmp'$(touch mark5); touch mark6 #")
        os.makedirs(f"{self.folder}/a b'$(touch mark4)")
        spaced = f"{self.folder}/a b'$(touch mark4)/brand.wmopkg"
        shutil.copy(self.source("brand-1"), spaced)
        self.own()
        names = [shell, "all", "--yes", "../brand", "brand;reboot", "-h"]
        results = self.play(
            task("set", packages=[{"name": "brand", "source": shell}]),
            task("set", packages=[{"name": shell, "source": self.source("brand-1")}]),
            task("set", packages=[{"source": spaced, "version": shell}]),
            task("set", packages=[{"source": spaced, "no-such\0key": "a\0b"}]),
            task("package", source=spaced), task("package", src=spaced),
            task("set", packages=[], keep=True, folder=f"{self.folder}/tmp'$(touch mark5); touch mark6 #"),
            task("facts", command=[self.program, "--config", f"{self.folder}/$(touch mark7)"]),
            *(task("package", name=name, state="absent") for name in names))
        self.assert_results(results, "wmopkg: ", "wmopkg: ", "wmopkg: ", "wmopkg: ", True, False, False,
                            "wmopkg show json: exit status 4 (no such package, file or media): ", *(False if name == "all" else "is not the name of a package" for name in names))
        self.assertEqual(self.stored(), ["data/packages/brand.wmopkg"])
        self.assertEqual([mark for mark in os.listdir(".") if mark.startswith("mark")], [])

    @LONG
    def test_failures(self):
        """The message of wmopkg and its exit status; nothing is changed."""
        self.install(self.source("brand-1"))
        os.rename("data/packages/brand-1.wmopkg", "data/packages/brand.wmopkg")
        self.own()
        results = self.play(
            task("set", packages=[{"source": self.source("unsigned")}]),
            task("set", packages=[{"source": "/nowhere/at.wmopkg"}]),
            task("set", packages="one"), task("set"), task("set", src="/nowhere/set.json"),
            task("set", packages=[], folder="/nowhere"), task("facts", command=["/nowhere/wmopkg"]),
            task("facts", command=["echo"]), task("facts", command=["echo", '{"format": 2}', "#"]), task("facts", command=[]),
            task("package", src=self.source("unsigned"), task_check_mode=True))
        self.assert_results(
            results, UNSIGNED,
            "exit status 4 (no such package, file or media): wmopkg: ", "packages", "packages, src",
            "/nowhere/set.json: there is no such file on the controller", "a temporary folder in /nowhere: exit status 1",
            "exit status 127 (there is no such program)", "this is not what wmopkg prints", "this is not what wmopkg prints",
            "command: expected at least one word", UNSIGNED)
        self.assertEqual(results[0]["rc"], 3)
        self.assertIn("exit status 3 (refused by verification): " + results[0]["stderr"].strip(), results[0]["msg"])
        self.assertEqual(self.stored(), ["data/packages/brand.wmopkg"])

    def denylist(self, number, *options):
        path = f"{self.folder}/{number}-{len(options)}.denylist"
        subprocess.run([bench.BUILD, "denylist", "--number", f"{number}", *options, "--key", f"{self.keys}/signer.key",
                        "--cert", f"{self.keys}/signer.pem", path], check=True, stdout=subprocess.DEVNULL)
        return path

    @LONG
    def test_denylist(self):
        first, other = self.denylist(1, "--name", "brand=1"), self.denylist(1, "--name", "brand=1", "--name", "fix=3")
        second = self.denylist(2, "--name", "fix=2")
        results = self.play(
            task("denylist", src=first, task_check_mode=True, task_diff=True), task("denylist", src=first),
            task("denylist", src=first), task("denylist", src=other), task("denylist", src=second, task_diff=True),
            task("denylist", src=first), task("denylist", src=self.source("brand-1")))
        self.assert_results(results, True, True, False, "has the number 1 too, and other entries", True, False,
                            "this is not a deny list")
        self.assertEqual(results[4]["diff"]["before"], 'number 1\n{"epoch_below": 1, "name": "brand"}\n')
        self.assertEqual(results[4]["diff"]["after"], 'number 2\n{"epoch_below": 2, "name": "fix"}\n')
        self.assertEqual([result["number"] for result in results[4:6]], [2, 2])
        self.assertIn('"number":2', self.wmopkg("denylist", "json").stdout)

    def boot_with(self, number, *packages):
        """The function of a boot with these packages: keywords of entry()."""
        def begin():
            os.makedirs("persist/wmopkg", exist_ok=True)
            self.booted(*(self.entry(**package) for package in packages), boot=number,
                        steps={step: {"start_us": 1, "end_us": 2} for step in STEPS})
            self.own()
        return begin

    def trial(self, package, name, state):
        """The function of what a boot writes of the trial of a package."""
        def write():
            subprocess.run([bench.BUILD, "extract", "--manifest", "manifest", package], check=True,
                           stdout=subprocess.DEVNULL)
            bench.write("persist/wmopkg/trials.json", json.dumps({
                "type": "trials", "format": 1, "completed": True, "idle": False, "failed": 0, "packages": [
                    {"id": hashlib.sha256(bench.read("manifest")).hexdigest(), "name": name, "persistent": False,
                     "state": state, "incomplete": 1, "ran": state != "quarantined"}]}).encode())
            self.own()
        return write

    def reboots(self, *boots):
        """What the next boots leave, instead of those that were to come."""
        if self.boots:
            self.boots.end()
        self.boots = Boots(*boots)
        self.addCleanup(self.boots.end)

    @LONG
    def test_reboot(self):
        """When something is pending; until the trial is over."""
        good = {"name": "brand", "version": "1"}
        self.reboots([self.trial(self.source("brand-1"), "brand", "trial"), self.boot_with(8, good),
                      lambda: None, self.trial(self.source("brand-1"), "brand", "passed")],
                     [self.trial(self.source("brand-1"), "brand", "quarantined"),
                      self.boot_with(9, {**good, "active": False, "verification": "Quarantined", "code": "quarantined",
                                         "message": LEFT_OUT})])
        reboot = {"reboot_command": ["touch", f"{self.folder}/reboot"], "delay": 1, "timeout": 60}
        results = self.play(
            task("reboot", **reboot), task("package", name="brand", source=self.source("brand-1")),
            task("facts"), task("reboot", **reboot, task_check_mode=True), task("reboot", **reboot),
            task("facts"), task("reboot", **reboot), task("reboot", **{**reboot, "timeout": 1}, test_command="echo why >&2; false"),
            task("reboot", **reboot, force=True), task("reboot", **reboot),
            task("reboot", **reboot, accepted_reasons=["quarantined"]),
            task("reboot", force=True, reboot_command=["no such; command"]),
            task("reboot", force=True, reboot_command=["true"], timeout=1, delay=1))
        quarantined = f"brand 1: not active: {LEFT_OUT} (quarantined)"
        self.assert_results(results, False, True, False, True, True, False, False,
                            "is not completed after 1 s: test_command: exit status 1 (failed): why", quarantined,
                            quarantined, False, "no such; command: exit status 127",
                            "is not completed after 1 s: it has not rebooted yet")
        self.assertEqual([results[number]["ansible_facts"]["wmopkg"]["pending"] for number in (2, 5)], [["brand"], []])
        self.assertEqual((results[4]["pending"], results[4]["boot"]["number"]), (["brand"], 8))
        self.assertEqual(results[8]["faults"], [quarantined])

    @LONG
    def test_boot_that_is_not_completed(self):
        self.reboots([self.trial(self.source("brand-1"), "brand", "trial"),
                      self.boot_with(8, {"name": "brand", "version": "1"})])
        results = self.play(
            task("package", name="brand", source=self.source("brand-1")),
            task("reboot", reboot_command=["touch", f"{self.folder}/reboot"], delay=1, timeout=6))
        self.assert_results(results, True, "the boot of the device is not completed after 6 s: brand 1: its trial is "
                            "running, 2 boots left (the firmware has not run 'wmopkg boot-complete')")

    @LONG
    def test_undo(self):
        results = self.play(
            task("undo"), task("package", name="brand", source=self.source("brand-1")),
            task("undo", task_check_mode=True), task("undo", task_diff=True), task("undo"))
        self.assert_results(results, False, True, True, True, False)
        self.assertEqual((results[3]["diff"]["before"], results[3]["diff"]["after"]), ("brand 1\n", ""))

    def roll_out(self, *boots, **variables):
        """The last result of the role."""
        self.reboots(*boots)
        status, output, results = self.controller.playbook("wmopkg.fleet.rollout", **{
            f"wmopkg_rollout_{key}": value for key, value in {
                "reboot_command": ["touch", f"{self.folder}/reboot"], "delay": 1, "timeout": 30, **variables}.items()})
        self.assertNotEqual(status, 0, output)
        return results[-1]["result"]["msg"]

    def set(self, name):
        return {"packages": [{"name": "brand", "source": self.source(name)}]}

    @LONG
    def test_back_to_the_previous_set(self):
        """And what is done where that is not possible: there is none, or the device did not reboot."""
        bad = {"name": "brand", "version": "2", "active": False, "verification": "Quarantined", "code": "quarantined",
               "message": LEFT_OUT}
        why = f"brand 2: not active: {LEFT_OUT} (quarantined)"
        quarantine = self.trial(self.source("brand-2"), "brand", "quarantined")
        self.assertEqual(self.roll_out([quarantine, self.boot_with(8, bad)], [self.boot_with(9, {"name": "brand", "version": "1"})],
                                       set=self.set("brand-2"), previous=self.set("brand-1")),
                         f"{why} (rolled back to the previous set)")
        self.assertEqual(bench.read("data/packages/brand.wmopkg"), bench.read(self.source("brand-1")))
        self.assertEqual(self.roll_out([quarantine, self.boot_with(10, bad)], set=self.set("brand-2")),
                         f"{why} (not rolled back, as wmopkg_rollout_previous is not set)")

    @LONG
    def test_back_before_the_reboot(self):
        self.assertEqual(self.roll_out(set=self.set("brand-2"), reboot_command=["no-such-command"]),
                         "no-such-command: exit status 127 (there is no such program): no message (the set was "
                         "taken back before the reboot)")
        self.assertEqual(self.stored(), [])
        self.assertIn("(nothing was changed)", self.roll_out(set=self.set("nowhere"), previous=self.set("brand-1")))


if __name__ == "__main__":
    unittest.main()
