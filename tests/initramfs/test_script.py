#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg.sh, which all ways into a system share, in the shells that an initramfs may have."""

import os
import subprocess
import tempfile
import unittest

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "initramfs")
ACTIVATE = os.path.join(os.environ["WMOPKG_BUILD"], "initramfs", "wmopkg-activate")
SHELLS = (["dash"], ["bash", "--posix"], ["busybox", "ash"])
TOOLS = "/usr/sbin:/usr/bin:/sbin:/bin"

# a configuration, and what it says of data
CONFIGURATIONS = (
    ('data = "LABEL=data"\n', "LABEL=data"),
    ("data='PARTLABEL=data'\n", "PARTLABEL=data"),
    ('\t data\t=\t"LABEL=a name of three words"   # why\n', "LABEL=a name of three words"),
    ('data = "LABEL=without an end of line"', "LABEL=without an end of line"),
    ("data = /dev/nowhere # why\n", "/dev/nowhere"),
    ('# data = "LABEL=not this"\ndata = "LABEL=this"\n', "LABEL=this"),
    ('data = "LABEL=not this"\ndata = "LABEL=this"\n', "LABEL=this"),
    ('data = "LABEL=$(touch /nowhere)`false`*"\n', "LABEL=$(touch /nowhere)`false`*"),
    ('persist = "LABEL=other"\n', ""),
    ("", ""),
)


SAY = 'wmopkg_say() { echo "said: $*" >&2; }'


class Script(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="wmopkg-script-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        return self.path(name)

    def shell(self, shell, commands, path=TOOLS):
        """The exit status, and what was said on standard output and error."""
        program = subprocess.run(["sh", "-c", f"command -v {shell[0]}"], check=True,
                                 capture_output=True, text=True).stdout.strip()
        done = subprocess.run([program, *shell[1:], "-c", f". '{SOURCE}/wmopkg.sh'\n{commands}"],
                              check=False, capture_output=True, text=True,
                              env={"PATH": path, "LC_ALL": "C"})
        return done.returncode, done.stdout, done.stderr

    def planned(self, configuration):
        """What wmopkg-activate reads there."""
        done = subprocess.run([ACTIVATE, "--plan", "--config", configuration, "--root",
                               self.folder], check=False, capture_output=True, text=True)
        line = next(line for line in done.stdout.splitlines() if line.startswith("  data: "))
        return line.removeprefix("  data: ").rpartition(": ")[0]

    def test_configured(self):
        rest = f'run = "{self.folder}"\ncmdline = "/dev/null"\nkeys = "{self.folder}"\n'
        for text, expected in CONFIGURATIONS:
            file = self.write("wmopkg.conf", text)
            for shell in SHELLS:
                done = self.shell(shell, f"wmopkg_configuration={file}; wmopkg_configured data")
                self.assertEqual(done, (0, expected + "\n", ""), (shell, text))
            self.assertEqual(self.planned(self.write("whole.conf", f"{rest}{text}")),
                             expected or "PARTLABEL=wmopkg-data", text)

    def test_no_configuration(self):
        for shell in SHELLS:
            done = self.shell(shell, "wmopkg_configuration=/nowhere; wmopkg_configured data")
            self.assertEqual(done, (0, "", ""), shell)

    def test_device(self):
        for spec in ("LABEL=no-such-label", "PARTLABEL=no such label", "PARTUUID=0-0",
                     "/dev/null", "/nowhere", "*", ""):
            for shell in SHELLS:
                for function in ("wmopkg_device", "wmopkg_volume"):
                    done = self.shell(shell, f"{function} '{spec}'")
                    self.assertEqual(done[:2], (1, ""), (shell, function, spec))

    def test_volume(self):
        """Of several devices of one name; r: on a disk of the root, b: built in, p: plugged."""
        stubs = """wmopkg_matches() { echo $matches; }
wmopkg_on_root() { case $1 in r*) ;; *) false ;; esac }
wmopkg_plugged() { case $1 in p*) ;; *) false ;; esac }
"""
        for matches, label, exact in (
                ("", "", ""), ("b1", "b1", "b1"), ("r1", "r1", "r1"), ("p1", "", "p1"),
                ("p1 b1", "b1", "b1"), ("p1 r1", "r1", "r1"), ("b1 r1 p1", "r1", "r1"),
                ("b1 b2", "", ""), ("r1 r2 b1", "", ""), ("p1 p2", "", ""), ("b1 b2 r1", "r1", "r1")):
            for tag, expected in (("LABEL", label), ("PARTLABEL", label), ("UUID", exact),
                                  ("PARTUUID", exact)):
                for shell in SHELLS:
                    done = self.shell(shell, f"{stubs}matches='{matches}'\nwmopkg_volume {tag}=x")
                    self.assertEqual(done[:2], (0 if expected else 1, f"{expected}\n" if expected
                                                else ""), (shell, tag, matches))

    def test_disks(self):
        """What a device lies on, and whether it can be unplugged, in a sysfs made for this."""
        for path in ("dm/slaves", "usb1/sdb/sdb1", "ata/sda/sda2", "mmc/mmcblk0/device",
                     "pci/nvme0n1", "ata/sdc"):
            os.makedirs(self.path("sys/" + path))
        self.write("sys/usb1/sdb/sdb1/partition", "1\n")
        self.write("sys/ata/sda/sda2/partition", "2\n")
        self.write("sys/mmc/mmcblk0/device/type", "SD\n")
        self.write("sys/pci/removable", "removable\n")
        self.write("sys/ata/sdc/removable", "1\n")
        os.symlink("../../ata/sda/sda2", self.path("sys/dm/slaves/sda2"))
        os.symlink("../../usb1/sdb/sdb1", self.path("sys/dm/slaves/sdb1"))
        base = os.path.realpath(self.path("sys"))
        for path, disks, plugged in (
                ("ata/sda", ["ata/sda"], 1), ("ata/sda/sda2", ["ata/sda"], 1),
                ("usb1/sdb/sdb1", ["usb1/sdb"], 0), ("mmc/mmcblk0", ["mmc/mmcblk0"], 0),
                ("pci/nvme0n1", ["pci/nvme0n1"], 0), ("ata/sdc", ["ata/sdc"], 0),
                ("dm", ["dm", "ata/sda", "usb1/sdb"], 0)):
            for shell in SHELLS:
                done = self.shell(shell, f"wmopkg_disks {base}/{path}")
                self.assertEqual(done, (0, "".join(f"{base}/{disk}\n" for disk in disks), ""),
                                 (shell, path))
                done = self.shell(shell, f"wmopkg_disks_of() {{ wmopkg_disks {base}/{path}; }}\n"
                                  "wmopkg_plugged x")
                self.assertEqual(done[:2], (plugged, ""), (shell, path))
                for root, expected in ((disks[-1], 0), ("ata/other", 1)):
                    done = self.shell(
                        shell, f"wmopkg_disks_of() {{ wmopkg_disks {base}/{path}; }}\n"
                        f"wmopkg_root_disks='{base}/{root} /x'; wmopkg_on_root x")
                    self.assertEqual(done[:2], (expected, ""), (shell, path, root))

    def test_nothing_there(self):
        """Where all programs are missing, it says so, and the boot goes on."""
        for shell in SHELLS:
            # BusyBox's shell has some of them in it
            status, _, said = self.shell(
                shell, f"wmopkg_wait=0; wmopkg_waits={self.folder}/log; {SAY}\n"
                "wmopkg_activate /nowhere", path=self.folder)
            self.assertEqual(status, 0, shell)
            self.assertIn("said: data: PARTLABEL=wmopkg-data: no such device after 0 s\n", said)
            self.assertIn("said: wmopkg-activate ended with status 127: no package is active\n",
                          said)

    def test_debug(self):
        self.write("wmopkg-activate", "#!/bin/sh\necho \"$*\"\n")
        os.chmod(self.path("wmopkg-activate"), 0o755)
        for words, expected in (("quiet wmopkg.debug ro", "--debug --root /nowhere\n"),
                                ("wmopkg.debug=1", "--debug --root /nowhere\n"),
                                ("wmopkg.debug=0 wmopkg.debugger", "--root /nowhere\n")):
            self.write("cmdline", words + "\n")
            for shell in SHELLS:
                _, printed, _ = self.shell(
                    shell, f"wmopkg_wait=0; wmopkg_waits={self.folder}/log; {SAY}\n"
                    f"wmopkg_cmdline={self.folder}/cmdline\nwmopkg_activate /nowhere",
                    path=f"{self.folder}:{TOOLS}")
                self.assertEqual(printed, expected, (shell, words))

    def test_within(self):
        """What never comes back is not waited for."""
        setup = f"wmopkg_waits={self.folder}/log; {SAY}; quick() {{ echo \"did $*\"; }}\n"
        for shell in SHELLS:
            done = self.shell(shell, setup + "wmopkg_within 60 data quick a 'b  c'")
            self.assertEqual(done, (0, "did a b  c\n", ""), shell)
            _, _, said = self.shell(shell, setup + "wmopkg_within 1 data sleep 5")
            self.assertEqual(said, "said: data: not done after 1 s: storage may be failing\n", shell)
            done = self.shell(shell, setup + "wmopkg_waits=/nowhere/log; wmopkg_within 1 data quick")
            self.assertEqual(done[:2], (0, "did \n"), shell)

    def test_where_the_program_is(self):
        """Hook and module look where the build installs it, and in the usual places."""
        for name in ("initramfs-tools/wmopkg", "dracut/module-setup.sh"):
            with open(f"{os.path.dirname(ACTIVATE)}/{name}", encoding="ascii") as file:
                text = file.read()
            self.assertRegex(text, r'for folder in "/.+/sbin" /usr/sbin /usr/local/sbin;')
            self.assertNotIn("@", text)
        os.makedirs(self.path("usr/local/sbin"))
        program = self.write("usr/local/sbin/wmopkg-activate", "")
        os.chmod(program, 0o755)
        # as it is in the source, too, which image builders may take
        for module in (f"{os.path.dirname(ACTIVATE)}/dracut/module-setup.sh",
                       f"{SOURCE}/dracut/90wmopkg/module-setup.sh"):
            done = subprocess.run(["bash", "-c", f". '{module}'; find_activate"], check=False,
                                  capture_output=True, text=True,
                                  env={"PATH": TOOLS, "WMOPKG_STAGE": self.folder})
            self.assertEqual((done.stdout, done.stderr), (program + "\n", ""))

    # require_… of the configuration, the status of wmopkg-activate, and what the device does
    REQUIREMENTS = (
        ("", 0, "goes on"),
        ("", 1, "goes on"),
        ("", 127, "goes on"),
        ("require_persist = no\n", 1, "goes on"),
        ("require_packages = {}\n", 1, "goes on"),
        ("# require_persist = yes\n", 1, "goes on"),
        ("require_else = halt\n", 1, "goes on"),
        ("require_persist = yes\n", 0, "goes on"),
        ("require_packages = base\n", 0, "goes on"),
        ("require_persist = yes\n", 1, "reboot -f"),
        ("require_persist=yes", 1, "reboot -f"),
        ('require_persist = "yes"\n', 1, "reboot -f"),
        ("require_persist = perhaps\n", 1, "reboot -f"),
        ("require_packages = base\n", 1, "reboot -f"),
        ("require_packages = {base, other}\n", 1, "reboot -f"),
        ("require_packages = {\n\tbase,\n\tother\n}\n", 1, "reboot -f"),
        ('require_packages += {"base"}\n', 1, "reboot -f"),
        # as wmopkg-activate understands it, too
        ("require_packages+={base}\n", 1, "reboot -f"),
        ("require_packages =\n{base}\n", 1, "reboot -f"),
        ("require_packages\n= {base}\n", 1, "reboot -f"),
        ("verify = lazy require_packages = {base}\n", 1, "reboot -f"),
        ("require_persist = yes discard = no\n", 1, "reboot -f"),
        ("/* */ require_persist = yes\n", 1, "reboot -f"),
        ("\trequire_persist  =  \"no\" # yet\nrequire_packages={ }\n", 1, "goes on"),
        ("// require_persist = yes\n", 1, "goes on"),
        # by a signal, for lack of memory, or because it is not there
        ("require_persist = yes\n", 137, "reboot -f"),
        ("require_persist = yes\n", 127, "reboot -f"),
        # it knows better what is required than this script
        ("", 3, "reboot -f"),
        ("require_else = reboot\n", 3, "reboot -f"),
        ("require_else = perhaps\n", 3, "reboot -f"),
        ("require_else = poweroff\n", 3, "poweroff -f"),
        ("require_else = halt\n", 3, "halts"),
        ("require_else = shell\n", 3, "panic wmopkg: a requirement is not met: see dmesg|reboot -f"),
    )
    # Nothing of this host is rebooted: the end of each way is a file of the test.
    ENDS = """wmopkg_load_modules() {{ :; }}
wmopkg_within() {{ :; }}
wmopkg_sysrq={folder}/sysrq
wmopkg_configuration={folder}/wmopkg.conf
sync() {{ :; }}
reboot() {{ echo "reboot $*" >&3; exit 0; }}
poweroff() {{ echo "poweroff $*" >&3; exit 0; }}
panic() {{ echo "panic $*" >&3; }}
sleep() {{ [ "$1" != 3600 ] || {{ echo halts >&3; exit 0; }}; }}
exec 3>&1
wmopkg_activate /nowhere
echo "goes on"
"""

    def test_requirements(self):
        for text, status, expected in self.REQUIREMENTS:
            self.write("wmopkg.conf", text)
            commands = self.ENDS.format(folder=self.folder)
            program = self.write("wmopkg-activate", f"#!/bin/sh\nexit {status}\n")
            os.chmod(program, 0o755)
            for shell in SHELLS:
                with self.subTest(shell=shell[0], text=text, status=status):
                    _, told, said = self.shell(shell, commands, f"{self.folder}:{TOOLS}")
                    self.assertEqual(told.replace("\n", "|").strip("|"), expected, said)
                    self.assertEqual("a requirement of the configuration is not met" in said,
                                     expected != "goes on", said)
                    self.assertFalse(os.path.exists(self.path("sysrq")))

    def test_no_program_to_end_with(self):
        """The kernel is told by sysrq, and nothing else happens if it does nothing."""
        self.write("wmopkg.conf", "")
        for shell in SHELLS:
            _, told, _ = self.shell(
                shell, f"wmopkg_sysrq={self.folder}/sysrq\nwmopkg_read=0\nsync() {{ :; }}\n"
                f"reboot() {{ return 127; }}\nwmopkg_configuration={self.folder}/wmopkg.conf\n"
                'sleep() { [ "$1" != 3600 ] || { echo waits; exit 0; }; }\nwmopkg_refuse\necho on\n')
            self.assertEqual(told, "waits\n")
            with open(self.path("sysrq"), encoding="ascii") as file:
                self.assertEqual(file.read(), "b\n")


if __name__ == "__main__":
    unittest.main()
