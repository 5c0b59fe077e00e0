#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The packages of docs/examples: each command makes one that a device accepts, and no two of them
change the same file. tests/machine/test_reset.py boots with them. And the scripts: keys and disks
that are there already stay."""

import glob
import json
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
EXAMPLES = os.path.join(ROOT, "docs", "examples")
BUILD = os.environ["WMOPKG_BUILD"]
# What a boot leaves that had a package: so the firmware is the one beside it.
BEFORE = {"name": "before", "persistent": False, "identity": "before", "version": "1.0",
          "description": "", "verification": "Signed", "active": True,
          "file": {"inode": 1, "bytes": 1, "changed_ns": 1}, "reason": {"code": "ok", "message": ""}}
STATE = {"format": 1, "safe": False, "allow_untrusted": False,
         "device": {"model": "", "serial": "EX-000042", "firmware": "5.26.0"},
         "stack": {"code": "ok", "message": ""}, "packages": [BEFORE]}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def indented(text):
    """The lines of a document that are code."""
    return [line[4:] for line in text.splitlines() if line.startswith("    ")]


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        work = tempfile.TemporaryDirectory(prefix="wmopkg-test-examples-")
        cls.addClassCleanup(work.cleanup)
        cls.work = work.name
        os.symlink(f"{ROOT}/docs", f"{cls.work}/docs")
        cls.commands = {}
        for path in sorted(glob.glob(f"{EXAMPLES}/*/README.md")):
            if not os.path.isdir(os.path.join(os.path.dirname(path), "tree")):
                continue  # no package
            lines = [line for line in indented(read(path)) if line.startswith("wmopkg-build create ")]
            cls.commands[os.path.basename(os.path.dirname(path))] = lines
        cls.sh("wmopkg-build keys keys; mkdir -p try/data try/persist try/run/layers; "
               f"cp -r '{ROOT}/tests/device/firmware' try/run/layers/root; "
               r"""printf 'data = "%s"\npersist = "%s"\nkeys = "%s"\nrun = "%s"\n' """
               '"$PWD/try/data" "$PWD/try/persist" "$PWD/keyring" "$PWD/try/run" >try/wmopkg.conf; '
               "mkdir keyring; cp keys/root.pem keyring")
        with open(f"{cls.work}/try/run/state.json", "w", encoding="ascii") as file:
            json.dump(STATE, file)

    @classmethod
    def sh(cls, text, status=0):
        path = f"{BUILD}/installer:{os.environ['PATH']}"
        done = subprocess.run(["sh", "-euc", text], cwd=cls.work, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              env={**os.environ, "PATH": path})
        if done.returncode != status:
            raise AssertionError(f"{text}: status {done.returncode}\n{done.stdout}")
        return done.stdout

    def wmopkg(self, words, status=0):
        return self.sh(f"wmopkg --config try/wmopkg.conf {words}", status)

    def test_1_one_command_each(self):
        self.assertGreaterEqual(len(self.commands), 5)
        for name, lines in self.commands.items():
            with self.subTest(example=name):
                self.assertEqual(len(lines), 1)
                self.assertRegex(lines[0], rf" docs/examples/{name}/tree {name}\.wmopkg$")
                self.assertEqual(read(f"{EXAMPLES}/README.md").count(f"({name}/README.md)"), 1)
                self.assertIn(f"{name}.wmopkg: {name} 1.0, ", self.sh(lines[0]))
                self.assertRegex(self.sh(f"wmopkg-build inspect --keys keyring {name}.wmopkg"),
                                 r"(?m)^Verification: Signed$")

    def test_2_no_conflict(self):
        """Together, over the firmware of the virtual device: as README.md shows it."""
        for name in self.commands:
            persistent = "persistent " * ("--persistent required" in self.commands[name][0])
            self.assertIn("    PKG: Signed\n", self.wmopkg(f"install {persistent}./{name}.wmopkg"))
        lines = indented(read(f"{EXAMPLES}/README.md"))
        self.assertEqual(lines.pop(0), "# wmopkg conflicts")
        self.assertEqual([line for line in self.wmopkg("conflicts").splitlines() if line],
                         [line for line in lines if line])

    def test_3_a_repaired_firmware(self):
        """The workaround is for the old one only."""
        shown = " ".join(self.wmopkg("verify --check-firmware 5.27", status=3).split())
        self.assertIn("workaround: would no longer be active: it requires firmware 5.26.999", shown)
        self.assertEqual(shown.count("stays active"), len(self.commands) - 1, shown)

    def test_4_the_workaround_changes_one_line(self):
        path = "etc/init.d/S60web"
        files = [os.path.relpath(os.path.join(folder, name), f"{EXAMPLES}/workaround/tree")
                 for folder, _, names in os.walk(f"{EXAMPLES}/workaround/tree") for name in names]
        self.assertEqual(files, [path])
        firmware = read(f"{ROOT}/tests/device/firmware/{path}").splitlines()
        patched = read(f"{EXAMPLES}/workaround/tree/{path}").splitlines()
        self.assertEqual(len(firmware), len(patched))
        changed = [new for old, new in zip(firmware, patched)
                   if old != new and not new.startswith("#")]
        self.assertEqual(len(changed), 1)
        self.assertIn("-p 127.0.0.1:8080 ", changed[0])

    def kept(self, command, folder, message):
        """Fails with @message, and changes nothing in @folder."""
        look = f"cd {folder}; find . -type f -exec sha256sum {{}} + | sort; ls -lAR"
        before = self.sh(look)
        self.assertIn(message, self.sh(command, status=1))
        self.assertEqual(self.sh(look), before)

    def test_5_keys_stay(self):
        """A key that lies elsewhere, or a program that is missing, is no reason for new keys."""
        make = "docs/examples/secure-boot/make-"
        self.sh(f"{make}keys 'boot keys'; mkdir bare-path")
        self.assertEqual(self.sh("find 'boot keys' ! -perm /077 | wc -l").strip(), "10")
        self.kept(f"{make}keys 'boot keys'", "'boot keys'", "there are keys in it already")
        self.sh("rm 'boot keys/PK.key'")
        self.kept(f"{make}keys 'boot keys'", "'boot keys'", "there are keys in it already")
        self.assertIn("openssl: not in PATH", self.sh(f"PATH=bare-path; /bin/sh {make}keys none", status=1))
        self.sh("[ ! -e none ]")
        self.assertIn("the kernel command line is empty",
                      self.sh(f"{make}uki 'boot keys' /bin/sh /bin/sh '' none", status=1))

        # nothing on the partition beside it is a credential for a systemd in the initramfs, and nothing
        # on a disk is resumed
        self.sh(f"{make}uki 'boot keys' /bin/sh /bin/sh 'root=/dev/none ro' image; "
                "objcopy -O binary --only-section=.cmdline image words")
        self.assertEqual(self.sh("cat words").strip("\0"),
                         "systemd.import_credentials=no nohibernate root=/dev/none ro")

        self.sh("echo kernel >'a kernel'; echo initrd >'an initrd'; "
                "echo '/dts-v1/; / { chosen { bootargs = \"ro\"; }; };' | dtc -q -O dtb -o 'a tree' -")
        fit = f"{make}fit 'fit keys' 'a kernel' 0x40400000 'an initrd' 'a tree' 'a fit'"
        self.sh(fit)
        self.assertEqual(self.sh("stat -c %a 'fit keys/fit.key'").strip(), "600")
        self.sh("cp 'fit keys/fit.crt' before; " + fit + "; cmp 'fit keys/fit.crt' before")
        self.kept(fit.replace("0x40400000", "''"), "'fit keys'", "not an address")
        self.sh("mv 'fit keys/fit.key' away")
        self.kept(fit, "'fit keys'", "fit.key: no such file")
        self.sh("mv away 'fit keys/fit.key'; rm 'fit keys/fit.crt'")
        self.kept(fit, "'fit keys'", "fit.crt: no such file")
        self.sh("cp before 'fit keys/fit.crt'")
        for key, message in (("-algorithm rsa -pkeyopt rsa_keygen_bits:1024", "not an RSA key of 2048"),
                             ("-algorithm ec -pkeyopt ec_paramgen_curve:P-256", "not an RSA key of 2048"),
                             ("-algorithm rsa -pkeyopt rsa_keygen_bits:3072", "not the certificate of fit.key")):
            self.sh(f"openssl genpkey -quiet {key} -out 'fit keys/fit.key' || openssl genpkey {key} -out 'fit keys/fit.key'")
            self.kept(fit, "'fit keys'", message)
        self.sh("openssl req -batch -new -x509 -key 'fit keys/fit.key' -out 'fit keys/fit.crt'")
        self.sh(fit + "; dtc -q -I dtb -O dts 'a fit' | grep -q 'sha256,rsa3072'")

    def test_6_disks_stay(self):
        """Until the new one is complete; and what is no file is not replaced."""
        self.sh("docs/examples/device/new-device 'a device' plain; mkdir -p 'a device/root/sbin' disks")
        make = "'a device/make-disk' 'a device/root' "
        self.sh(make + "'disks/a disk' 90")
        self.kept(make + "'disks/a disk' 10", "disks", "")
        self.kept(make + "disks 90", "disks", "not a file")
        self.kept(make + "disks/other ''", "disks", "not a number")
        self.kept(make.replace("a device/root", "") + "disks/other 90", "disks", "not a root folder")

    def test_7_one_kernel(self):
        """Of several kernels none is guessed: the initramfs of another one would not find its modules."""
        for kind in "plain", "initramfs-tools", "dracut":
            with self.subTest(kind):
                self.sh(f"docs/examples/device/new-device 'with {kind}' {kind}; mkdir -p root/lib/modules/6.1 root/lib/modules/6.2")
                make = f"'with {kind}/make-initramfs' root 'of one kernel'"
                self.kept(make, "root", "several kernels: name one of them: 6.1 6.2")
                self.assertNotIn("several kernels", self.sh(make + " 6.2", status=1))
                self.sh("[ ! -e 'of one kernel' ]")


if __name__ == "__main__":
    unittest.main()
