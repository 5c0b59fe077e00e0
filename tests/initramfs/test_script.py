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
        done = subprocess.run([program, *shell[1:], "-c", f". {SOURCE}/wmopkg.sh\n{commands}"],
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
                             expected or "LABEL=wmopkg-data", text)

    def test_no_configuration(self):
        for shell in SHELLS:
            done = self.shell(shell, "wmopkg_configuration=/nowhere; wmopkg_configured data")
            self.assertEqual(done, (0, "", ""), shell)

    def image(self, name, make):
        path = self.path(name)
        with open(path, "wb") as file:
            file.truncate(4 << 20)
        if make:
            subprocess.run([*make, path], check=True, env={"PATH": TOOLS},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return path

    def test_is_ext(self):
        """By blkid; and by the magic number, with BusyBox alone."""
        busybox = self.path("bin")
        os.mkdir(busybox)
        # as BusyBox has it: all of what it knows, whatever is asked
        self.write("bin/blkid", "#!/bin/sh\necho '/dev/x: LABEL=\"data\" TYPE=\"something\"'\n")
        os.chmod(f"{busybox}/blkid", 0o755)
        for tool in ("dd", "od"):
            os.symlink(subprocess.run(["sh", "-c", "command -v busybox"], check=True, text=True,
                                      capture_output=True).stdout.strip(), f"{busybox}/{tool}")
        for make, expected in ((["mke2fs", "-q", "-t", "ext2"], 0),
                               (["mke2fs", "-q", "-t", "ext4"], 0),
                               (["mkfs.vfat"], 1), (None, 1)):
            image = self.image("image", make)
            for shell in SHELLS:
                for path in (TOOLS, busybox):
                    status, _, _ = self.shell(shell, f"wmopkg_is_ext {image}", path)
                    self.assertEqual(status, expected, (shell, make, path))

    def test_device(self):
        for spec in ("LABEL=no-such-label", "PARTLABEL=no such label", "PARTUUID=0-0",
                     "/dev/null", "/nowhere", "*", ""):
            for shell in SHELLS:
                done = self.shell(shell, f"wmopkg_device '{spec}'")
                self.assertEqual(done[:2], (1, ""), (shell, spec))

    def test_nothing_there(self):
        """Where all programs are missing, it says so, and the boot goes on."""
        for shell in SHELLS:
            # BusyBox's shell has some of them in it
            status, _, said = self.shell(
                shell, f"wmopkg_wait=0; wmopkg_log={self.folder}/log; {SAY}\n"
                "wmopkg_activate /nowhere", path=self.folder)
            self.assertEqual(status, 0, shell)
            self.assertIn("said: data: LABEL=wmopkg-data: no such device after 0 s\n", said)
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
                    shell, f"wmopkg_wait=0; wmopkg_log={self.folder}/log; {SAY}\n"
                    f"wmopkg_cmdline={self.folder}/cmdline\nwmopkg_activate /nowhere",
                    path=f"{self.folder}:{TOOLS}")
                self.assertEqual(printed, expected, (shell, words))

    def test_within(self):
        """What never comes back is not waited for."""
        setup = f"wmopkg_log={self.folder}/log; {SAY}; quick() {{ echo \"did $*\"; }}\n"
        for shell in SHELLS:
            done = self.shell(shell, setup + "wmopkg_within 60 data quick a 'b  c'")
            self.assertEqual(done, (0, "did a b  c\n", ""), shell)
            _, _, said = self.shell(shell, setup + "wmopkg_within 1 data sleep 5")
            self.assertEqual(said, "said: data: not done after 1 s: storage may be failing\n", shell)
            done = self.shell(shell, setup + "wmopkg_log=/nowhere/log; wmopkg_within 1 data quick")
            self.assertEqual(done[:2], (0, "did \n"), shell)

    def test_what_cannot_be_repaired(self):
        self.write("e2fsck", "#!/bin/sh\necho UNEXPECTED INCONSISTENCY\nexit 4\n")
        os.chmod(self.path("e2fsck"), 0o755)
        for shell in SHELLS:
            _, _, said = self.shell(
                shell, f"wmopkg_log={self.folder}/log; {SAY}; wmopkg_device() {{ echo /dev/x; }}; "
                "wmopkg_is_ext() { true; }\nwmopkg_check_volume data", f"{self.folder}:{TOOLS}")
            self.assertEqual(said, "said: data: e2fsck did not repair /dev/x (status 4, see "
                             f"{self.folder}/log)\n", shell)
            with open(self.path("log"), encoding="ascii") as file:
                self.assertIn("UNEXPECTED INCONSISTENCY", file.read())


if __name__ == "__main__":
    unittest.main()
