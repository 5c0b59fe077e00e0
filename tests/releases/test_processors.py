# SPDX-License-Identifier: MIT
"""Other processors: the build for them has no warning, their units pass, and what one of them
made is accepted by all.

	test_processors.py SOURCE BUILD IMAGE-WRITE

Cross-compiles into a folder of BUILD the programs of ARM, with 64 bits as a release and with 32 bits, and
runs units on an emulated processor: with 32 bits dates after 2038 and 2106, JSON, sizes; big-endian all
that has integers in it. The programs of ARM are booted by tests/machine/test_board.py. In the long form
whole builds, with all unit programs; packages and statements that each makes and all judge.
"""

import concurrent.futures
import filecmp
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cross  # pylint: disable=wrong-import-position
import debian  # pylint: disable=wrong-import-position
import images  # pylint: disable=wrong-import-position

LONG = os.environ.get("WMOPKG_LONG") == "1"
ONLY_LONG = unittest.skipUnless(LONG, "only in ./check long")
SOURCE, BUILD, IMAGE_WRITE = "", "", ""
# In the short form; see each of them for what it is about.
SHORT = {
    "arm64": ("verity/test_verity_hash", "overlay/test_overlay_bootconf"),
    "armhf": ("verity/test_verity_cms_chain", "verity/test_verity_json",
              "verity/test_verity_manifest", "overlay/test_overlay_trust"),
    "s390x": ("verity/test_verity_format", "verity/test_verity_hash", "verity/test_verity_package",
              "verity/test_verity_tree"),
}
# What the emulator cannot run, by the name of the test, and why. It must fail: what can be run is run.
CANNOT = {
    "factory-filesystem": "the emulator does not pass on the limit of memory that is tested",
    "overlay-firmware": "in the emulator, / is the folder of the libraries, where nothing is mounted",
}
BUILT = 1700000000


def units(build):
    """{name of the test: program} of a whole build."""
    with open(os.path.join(build.folder, "meson-info/intro-tests.json"), encoding="utf-8") as file:
        tests = json.load(file)
    return {test["name"]: os.path.relpath(test["cmd"][0], build.folder) for test in tests
            if "wmopkg:unit" in test["suite"] and test["cmd"][0].startswith(build.folder + "/")}


class Processors(unittest.TestCase):
    emulators = ""

    def build(self, name, *targets):
        try:
            if LONG:
                self.emulators = cross.new_emulators()
            # with all tests, each of which would take seconds to link in a release
            build = cross.Build(name, BUILD, self.emulators, cross.CHEAP if LONG else None)
        except debian.Unavailable as why:
            self.fail(f"packages for {name}: {why}")
        try:
            build.make(SOURCE, *targets)
        except cross.Failed as why:
            self.fail(f"{name}: {why}")
        return build

    def run_one(self, command, **environment):
        """(exit status, output)"""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                              env={**os.environ, **environment})
        return done.returncode, done.stdout

    def succeed(self, command, **environment):
        status, output = self.run_one(command, **environment)
        self.assertEqual(status, 0, f"{' '.join(command)}\n{output[-4000:]}")
        return output

    def run_units(self, build, programs):
        """@programs: by name."""
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            done = dict(zip(programs, pool.map(self.run_one, map(build.command, programs.values()))))
        for name, (status, output) in done.items():
            with self.subTest(unit=name, processor=build.name):
                if name in CANNOT:
                    self.assertNotEqual(status, 0, f"it can be run now: {CANNOT[name]}")
                else:
                    self.assertEqual(status, 0, output[-4000:])

    @unittest.skipIf(LONG, "the long form runs all of them")
    def test_short(self):
        for name, programs in SHORT.items():
            targets = ["tests/" + program for program in programs]
            build = self.build(name, *cross.PROCESSORS[name].programs, *targets)
            self.run_units(build, dict(zip(targets, targets)))

    @ONLY_LONG
    def test_units(self):
        for name in cross.PROCESSORS:
            build = self.build(name)
            programs = units(build)
            self.assertGreater(len(programs), 100)
            self.assertEqual(CANNOT.keys() - programs.keys(), set())
            self.run_units(build, programs)

    @ONLY_LONG
    def test_images(self):
        for name in cross.PROCESSORS:
            there = self.build(name).command("tests/overlay/image-write")
            self.assertEqual(images.differ([IMAGE_WRITE], there), [], name)

    def makers(self):
        """{processor: function that makes the command of a program of it}, of this host, too."""
        commands = {name: self.build(name).command for name in cross.PROCESSORS}
        commands[cross.HOST] = lambda program: [os.path.join(BUILD, program)]
        return commands

    def make(self, command, tree, keys, folder):
        """Packages and statements that @command makes there; @keys: those of another maker."""
        os.mkdir(folder)
        build = command("installer/wmopkg-build")
        signing = ["--key", f"{keys}/signer.key", "--cert", f"{keys}/signer.pem"]
        unlocking = ["--key", f"{keys}/unlock.key", "--cert", f"{keys}/unlock.pem"]
        for compressor in images.STEADY:
            self.succeed([*build, "create", "--compressor", compressor, "--version", "1.0", "--description",
                          "Example", "--name", "example", tree, f"{folder}/unsigned-{compressor}.wmopkg"],
                         SOURCE_DATE_EPOCH=str(BUILT))
        self.succeed([*build, "sign", *signing, f"{folder}/unsigned-xz.wmopkg", f"{folder}/example.wmopkg"])
        self.succeed([*build, "denylist", "--number", "7", "--name", "other=3", *signing,
                      f"{folder}/7.denylist"])
        self.succeed([*build, "unlock", "--serial", "SN-1", "--allow", "untrusted", "--not-after",
                      "2099-12-31", *unlocking, f"{folder}/SN-1.unlock"])

    def judge(self, command, keys, folder, device):
        """What another one made, in a device of our own; @device is its folder then."""
        for name in "data", "persist", "run":
            os.makedirs(os.path.join(device, name))
        conf = os.path.join(device, "wmopkg.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write("".join(f'{name} = "{device}/{name}"\n' for name in ("data", "persist", "run")) +
                       f'keys = "{keys}/ring"\nserial = SN-1\n')
        wmopkg = [*command("installer/wmopkg"), "--config", conf]
        said = self.succeed([*command("installer/wmopkg-build"), "inspect", "--keys", f"{keys}/ring",
                             f"{folder}/example.wmopkg"])
        self.assertIn("Verification: Signed\n", said)
        self.assertIn("    PKG: Signed\n", self.succeed([*wmopkg, "install", "persistent",
                                                        f"{folder}/example.wmopkg"]))
        status, said = self.run_one([*wmopkg, "install", f"{folder}/unsigned-xz.wmopkg"])
        self.assertEqual(status, 3, said)
        self.assertIn("Deny list 7 is in force", self.succeed([*wmopkg, "denylist", f"{folder}/7.denylist"]))
        self.succeed([*wmopkg, "unlock", f"{folder}/SN-1.unlock"])

    def check_device(self, command, device):
        """What is on a device of another processor."""
        wmopkg = [*command("installer/wmopkg"), "--config", os.path.join(device, "wmopkg.conf")]
        shown = json.loads(self.succeed([*wmopkg, "show", "json"]))
        self.assertEqual([(package["name"], package["persistent"], package["verification"])
                          for package in shown["packages"]], [("example", True, "Signed")])
        self.assertIn("not changed.", self.succeed([*wmopkg, "audit", "verify"]))
        plan = self.succeed([*command("initramfs/wmopkg-activate"), "--plan", "--config",
                             os.path.join(device, "wmopkg.conf")])
        self.assertIn("example 1.0 (persistent): Signed, active", plan)
        self.assertIn("Deny list: number 7", plan)

    @ONLY_LONG
    def test_exchange(self):
        """Each makes keys and the same packages; each judges what the next one made, with its keys, and
        finds on the device of the one before what that one has put there."""
        commands = self.makers()
        names = list(commands)
        with tempfile.TemporaryDirectory() as work:
            tree = os.path.join(work, "tree")
            os.mkdir(tree)
            images.make_tree(tree)
            for name, command in commands.items():
                keys = os.path.join(work, name + "-keys")
                self.succeed([*command("installer/wmopkg-build"), "keys", keys])
                os.mkdir(f"{keys}/ring")
                os.rename(f"{keys}/root.pem", f"{keys}/ring/root.pem")
            for name, signer in zip(names, names[1:] + names[:1]):
                self.make(commands[name], tree, os.path.join(work, signer + "-keys"), os.path.join(work, name))
            for name in names[1:]:
                for compressor in images.STEADY:
                    self.assertTrue(filecmp.cmp(f"{work}/{names[0]}/unsigned-{compressor}.wmopkg",
                                                f"{work}/{name}/unsigned-{compressor}.wmopkg", shallow=False),
                                    f"{compressor}: {names[0]} and {name}")
            for judge in names:
                for maker, signer in zip(names, names[1:] + names[:1]):
                    device = os.path.join(work, f"{judge}-has-{maker}")
                    with self.subTest(judge=judge, maker=maker, keys=signer):
                        self.judge(commands[judge], os.path.join(work, signer + "-keys"),
                                   os.path.join(work, maker), device)
                for reader in names:
                    with self.subTest(device=judge, reader=reader):
                        self.check_device(commands[reader], device)


if __name__ == "__main__":
    SOURCE, BUILD, IMAGE_WRITE = sys.argv[1:4]
    os.environ.pop("WMOPKG_LONG", None)  # the units have no long form here
    unittest.main(argv=sys.argv[:1])
