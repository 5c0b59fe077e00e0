#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shell, as somebody at a terminal finds it."""

import os
import signal
import socket
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
from typist import Typist  # noqa: E402

HOST = socket.gethostname().split(".")[0]
TOP = f"{HOST}:/#> "
PACKAGE = f"{HOST}:/package/#> "
TABLE = """╒ Packages ════════════════════════════════════════════════════════════════════╕
│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTION                   │
│pkgname  5.26.0-rev0  False       Signed        Example                       │
└──────────────────────────────────────────────────────────────────────────────┘
"""


class Shell(bench.Case):
    terminal = "vt100"

    def shell(self, terminal=None):
        typist = Typist(env=dict(os.environ, TERM=terminal or self.terminal, COLUMNS="80"))
        self.addCleanup(typist.process.kill)
        typist.expect(TOP)
        return typist

    def install(self, name):
        path = self.make(name, keys=self.keys)
        self.assertEqual(self.wmopkg("install", path).returncode, 0)


class Plain(Shell):
    """A terminal that shows what it gets, so that transcripts can be compared."""

    terminal = "dumb"

    def test_transcript(self):
        bench.write("pkgname.wmopkg", bench.read(self.package))
        typist = self.shell()
        typist.type("package\ninstall ./pkgname.wmopkg\nshow\nremove pkgname\n")
        typist.expect("Remove package pkgname (y/N)?")
        typist.type("y\nremove all\n")
        typist.expect("No packages installed.")
        typist.expect(PACKAGE)
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)
        screen = typist.screen
        self.assertIn(f"pkgname.wmopkg:\n{bench.BAR}    PKG: Signed\n{bench.INSTALLED}{PACKAGE}",
                      screen)
        # a dumb terminal has a frame of its own
        self.assertIn("|pkgname  5.26.0-rev0  False       Signed        Example", screen)
        self.assertIn("Remove package pkgname (y/N)?", screen)
        self.assertIn(f"Removed... Changes are applied after reboot.\n{PACKAGE}", screen)

    def test_question_at_the_end(self):
        typist = self.shell()
        typist.type("package\ninstall pro?\n")
        typist.expect("proto           protocol of the download (default: ftp, then tftp)\n")
        typist.expect(PACKAGE)
        typist.type("remove ?\n")
        typist.expect("NAME            an installed package\n")
        typist.expect("<Enter>         run the command\n")
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)

    def test_keys(self):
        typist = self.shell()
        typist.type("package\n")
        typist.expect(PACKAGE)
        typist.type("sho\x03")
        typist.expect(PACKAGE)
        typist.type("\x1a")
        typist.expect(TOP)
        typist.type("package\n")
        typist.expect(PACKAGE)
        typist.type("\x04")
        typist.expect(TOP)
        typist.type("\x04")
        self.assertEqual(typist.end(), 0)


class Edited(Shell):
    def shell(self, terminal=None):
        typist = super().shell(terminal)
        self.wait_for_keys(typist)
        return typist

    def shell_without_locale(self):
        """As on most devices: the C library knows no characters but ASCII."""
        typist = Typist(program="unshare", options=(
            "--mount", "sh", "-c", "mount -t tmpfs tmpfs /usr/lib/locale && exec "
            f"{bench.WMOPKG} --config wmopkg.conf"), env={"PATH": os.environ["PATH"],
                                                          "TERM": self.terminal, "HOME": self.folder})
        self.addCleanup(typist.process.kill)
        typist.expect(TOP)
        self.wait_for_keys(typist)
        return typist

    def wait_for_keys(self, typist):
        """A prompt is shown just before keys are taken one by one."""
        end = time.monotonic() + 60
        while termios.tcgetattr(typist.terminal)[3] & termios.ICANON:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.005)

    def at(self, typist, prompt):
        typist.expect(prompt)
        self.wait_for_keys(typist)

    def leave(self, typist):
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)

    def test_contexts(self):
        typist = self.shell()
        typist.type("package\n")
        self.at(typist, PACKAGE)
        typist.type("do package\n")
        self.at(typist, PACKAGE)
        typist.type("end\n")
        self.at(typist, TOP)
        typist.type("end\n")
        self.at(typist, TOP)
        typist.type("pack\n")
        self.at(typist, PACKAGE)
        typist.type("leave\n")
        self.at(typist, TOP)
        typist.type("package show\n")
        typist.expect("No packages installed.\n")
        self.at(typist, TOP)
        typist.type("package\n")
        self.at(typist, PACKAGE)
        typist.type("do unlock\n")
        typist.expect("Unlocked: no\n")
        self.at(typist, PACKAGE)
        self.leave(typist)

    def test_show(self):
        self.install("pkgname")
        typist = self.shell()
        typist.type("show\n")
        typist.expect(TABLE)
        self.leave(typist)

    def test_wrong_words(self):
        typist = self.shell()
        for line, answer in (
                ("do frob x", "wmopkg: 'frob' is not a command (? explains them)\n"
                 "  frob x\n  ^\n  expected: show, "),
                ("install x", "wmopkg: 'install' is a command of the package context (type: "
                 "package)\n"),
                ("boot-complete", "wmopkg: 'boot-complete' is not a command "),
                ("do", "wmopkg: do: a command is expected (do show media)\n"),
                ("e", "wmopkg: 'e' can mean more than one command (end, exit)\n"),
                ('""', "wmopkg: '' is not a command (? explains them)\n"),
                ("show a\\", "wmopkg: the line ends with a backslash (remove it)\n"),
                ("package boot", "wmopkg: 'boot' is a command of the top level "
                 "(type: do boot)\n"),
                ("INSTAL x", "wmopkg: 'install' is a command of the package context (type: "
                 "package)\n"),
                ("shwo", "wmopkg: 'shwo' is not a command (did you mean show?)\n"),
                ("package isntall x", "wmopkg: 'isntall' is not a command (did you mean "
                 "install?)\n"),
                ("boot stet safe 1", "wmopkg: boot: unexpected 'stet' (did you mean set?)\n"),
                ("package install persistant 192.0.2.1 x.wmopkg",
                 "wmopkg: install: unexpected 'persistant' (did you mean persistent?)\n"),
                ("sho a b", "wmopkg: show: unexpected 'b'\n  sho a b\n        ^\n"),
                ("show '' b", "wmopkg: show: unexpected ''\n  show '' b\n       ^\n"),
                ("show \u65e5\u672c x", "wmopkg: show: unexpected 'x'\n  show \u65e5\u672c x\n"
                 "            ^\n"),
                ("show 'a", "wmopkg: a quote is not closed (close it)\n"),
                ("leave now", "wmopkg: leave: unexpected 'now'\n  leave now\n        ^\n"
                 "  expected: end of line\n"),
                ("package install proto ftpp", "wmopkg: install: unexpected 'ftpp' (did you mean ftp?)\n"
                 "  install proto ftpp\n                ^\n"
                 "  expected: <ftp|tftp|scp|sftp|http|https>\n"),
                ("package re", "wmopkg: 're' can mean more than one command (remove, retry, reboot)\n"),
                ("audit verify extra", "wmopkg: audit: unexpected 'extra'\n"),
                ("audit last 0", "wmopkg: audit last 0: expected a number from 1 to 1000000"),
                ("audit last 1x", "wmopkg: audit last 1x: expected a number from 1 to 1000000")):
            with self.subTest(line=line):
                typist.type(line + "\n")
                typist.expect(answer)
                self.at(typist, TOP)
        typist.type("# nothing at all\n\n   \n")
        self.at(typist, TOP)
        self.leave(typist)

    def test_tab(self):
        self.install("alpha")
        self.install("beta")
        typist = self.shell()
        typist.type("pac\t\n")
        self.at(typist, PACKAGE)
        typist.type("rem\talp\t\n")
        typist.expect("Remove package alpha (y/N)?")
        typist.type("n\n")
        typist.expect("Nothing removed.\n")
        self.at(typist, PACKAGE)
        typist.type("remove \t")
        typist.expect("all    alpha  beta\n")
        typist.type("b\t\n")
        typist.expect("Remove package beta (y/N)?")
        typist.type("n\n")
        self.at(typist, PACKAGE)
        typist.type("install proto \t")
        typist.expect("ftp    http   https  scp    sftp   tftp\n")
        typist.type("\x03")
        self.at(typist, PACKAGE)
        typist.type("install media \t")
        typist.expect("external")
        typist.type("\x03")
        self.at(typist, PACKAGE)
        self.leave(typist)

    def test_tab_inserts_nothing_needless(self):
        """A word that may be left out is shown, and never comes into the line by itself."""
        self.install("pkgname")
        typist = self.shell()
        typist.type("package\n")
        self.at(typist, PACKAGE)
        typist.type("remove p\t\t\n")
        typist.expect("Remove package pkgname (y/N)?")
        typist.type("n\n")
        self.at(typist, PACKAGE)
        typist.type("show pk\t\t")
        typist.expect("json\n")
        typist.type("\n")
        typist.expect("Name: pkgname\n")
        self.at(typist, PACKAGE)
        typist.type("install persistent media external \t")
        typist.expect("--check-firmware  --check-model     force\n")
        typist.type("\n")
        typist.expect("wmopkg: install: incomplete command\n  install persistent media external\n")
        self.at(typist, PACKAGE)
        typist.type("apply media external \t\t")
        typist.expect("--check  json\n")
        typist.type("\n")
        typist.expect("wmopkg: apply: incomplete command\n  apply media external\n")
        self.at(typist, PACKAGE)
        self.assertNotIn("--yes", typist.screen)
        self.assertTrue(os.path.exists("data/packages/pkgname.wmopkg"))
        self.leave(typist)

    def test_pasted_lines(self):
        """Some terminals paste two characters for the end of a line: it is one."""
        for name in ("alpha", "beta"):
            self.install(name)
        typist = self.shell()
        typist.type("package\r\nremove alpha\r\ny\r\nremove beta\r\ny\r\nexit\r\n")
        self.assertEqual(typist.end(), 0)
        self.assertNotIn("Nothing removed", typist.screen)
        self.assertEqual(bench.listing("data"), ["data/packages"])

    def test_characters_without_a_locale(self):
        """What is typed comes through, is found again, and breaks no frame."""
        folder = "stra\u00dfe \u65e5\u672c"
        os.mkdir(folder)
        bench.write(f"{folder}/pkgname.wmopkg", bench.read(self.make(
            "pkgname", "--description", "Gr\u00fc\u00dfe \u65e5\u672c", keys=self.keys)))
        for shell in (self.shell_without_locale, self.shell):
            typist = shell()
            typist.type("package\n")
            self.at(typist, PACKAGE)
            typist.type(f"install './{folder}/pkg\t\n")
            typist.expect(bench.INSTALLED)
            self.at(typist, PACKAGE)
            typist.type("show\n")
            typist.expect("Gr\u00fc\u00dfe \u65e5\u672c                    \u2502\n")
            self.at(typist, PACKAGE)
            # bytes of another character set are refused, and the line with them: without them it
            # is another one
            os.write(typist.master, b"remove pkgname\xfc\xe4 --yes\n")
            typist.expect("wmopkg: nothing was run: the line has bytes that are not UTF-8 (set the "
                          "terminal\n  to UTF-8, and type the line again)\n")
            self.at(typist, PACKAGE)
            typist.type("show pkgname\n")
            typist.expect("Name: pkgname\n")
            self.at(typist, PACKAGE)
            typist.type("verify \u00fc\u20ac\U0001f600\n")
            typist.expect("wmopkg: \u00fc\u20ac\U0001f600: ")
            self.at(typist, PACKAGE)
            typist.type("\x1b[A\n")
            typist.expect("wmopkg: \u00fc\u20ac\U0001f600: ")
            self.at(typist, PACKAGE)
            self.leave(typist)
        self.assertIn("verify \u00fc\u20ac\U0001f600\n",
                      bench.read(".wmopkg_history").decode())

    def test_any_case_and_brief(self):
        """Keywords are read in any case, and their beginnings where that means one thing."""
        for name in ("alpha", "beta", "gamma"):
            self.install(name)
        typist = self.shell()
        typist.type("PACKAGE\n")
        self.at(typist, PACKAGE)
        typist.type("REM\tALPHA\t\x15")
        typist.type("SHOW\n")
        typist.expect("alpha")
        self.at(typist, PACKAGE)
        typist.type("remove beta.wmopkg gamma.WMOPKG\n")
        typist.expect("Remove packages beta and gamma (y/N)?")
        typist.type("y\n")
        typist.expect("Removed... Changes are applied after reboot.\n")
        self.at(typist, PACKAGE)
        bench.write("PKGNAME.WMOPKG", bench.read(self.package))
        # before a file of the device, where a host could not stand
        for line in ("install pers ./PKG\t\n", "install ./PKG\tpers\n"):
            typist.type(line)
            typist.expect(bench.INSTALLED)
            self.at(typist, PACKAGE)
        # no password stays, however the word before it is typed
        typist.type("install PASSW geheim host x y z\n")
        typist.expect("install: unexpected ")
        self.at(typist, PACKAGE)
        mark = typist.screen.index("install: unexpected ")
        typist.type("\x1b[A\x1b[A\x1b[A" + "\x03")
        self.at(typist, PACKAGE)
        self.assertNotIn("geheim", typist.screen[mark:])
        self.assertEqual(bench.listing("data", "persist"),
                         ["data/packages", "data/packages/alpha.wmopkg", "persist/packages",
                          "persist/packages/PKGNAME.wmopkg"])
        self.leave(typist)

    def test_tab_on_paths(self):
        os.makedirs("a folder/in it")
        bench.write("a folder/in it/pkgname.wmopkg", bench.read(self.package))
        bench.write("a folder/other.txt", b"")
        typist = self.shell()
        typist.type("package\n")
        self.at(typist, PACKAGE)
        typist.type("install ./a\t\t\t\n")
        typist.expect("    PKG: Signed\n" + bench.INSTALLED)
        self.at(typist, PACKAGE)
        typist.type("verify \"a fo\tot\t\n")
        typist.expect("a folder/other.txt: Invalid: the file is empty")
        self.at(typist, PACKAGE)
        self.leave(typist)

    def test_question(self):
        typist = self.shell()
        typist.type("?")
        typist.expect("  package         enter the package context, or run one of its commands\n")
        typist.type("package install ?")
        typist.expect("  persistent      the package survives a factory reset\n")
        typist.expect("  address[:port]  the server: 192.0.2.1, a name, or [2001:db8::1]:port\n")
        typist.type("proto ?")
        typist.expect("protocol of the download")
        # not where it is a character like others
        typist.type("\x03")
        self.at(typist, TOP)
        typist.type("package install password a?b 'c?d' e?")
        typist.expect("PKGNAME.wmopkg  path of the file on the server\n")
        typist.type("\x03")
        self.at(typist, TOP)
        self.leave(typist)

    def test_history(self):
        typist = self.shell()
        typist.type("package install password geheim 'x y' z z\n")
        typist.expect("install: unexpected ")
        self.at(typist, TOP)
        self.assertNotIn("geheim", typist.screen[typist.screen.index("install: unexpected "):])
        typist.type("package install z ftp://bob:geheim@z/z.wmopkg\n")
        typist.expect("unexpected 'ftp://bob:******@z/z.wmopkg'")
        self.at(typist, TOP)
        typist.type("show\n")
        typist.expect("No packages installed.\n")
        typist.type("unlock\n")
        typist.expect("Unlocked: no\n")
        self.at(typist, TOP)
        typist.type("\x1b[A\x1b[A\n")
        typist.expect("No packages installed.\n")
        self.at(typist, TOP)
        typist.type("\x12unl\n")
        typist.expect("Unlocked: no\n")
        self.at(typist, TOP)
        mark = len(typist.screen)
        typist.type("\x1b[A" * 9 + "\x03")
        self.at(typist, TOP)
        self.assertNotIn("geheim", typist.screen[mark:])
        self.leave(typist)

    def test_keys(self):
        typist = self.shell()
        typist.type("package\n")
        self.at(typist, PACKAGE)
        typist.type("remove all --yes\x03")
        self.at(typist, PACKAGE)
        typist.type("sxhow\x1b[D\x1b[D\x1b[D\x1b[D\x04\n")
        typist.expect("No packages installed.\n")
        self.at(typist, PACKAGE)
        typist.type("sho\x1a")
        self.at(typist, TOP)
        typist.type("package\n")
        self.at(typist, PACKAGE)
        typist.type("\x04")
        self.at(typist, TOP)
        typist.type("\x04")
        self.assertEqual(typist.end(), 0)

    def test_interrupted_command(self):
        """What is asked is not answered, and the shell goes on."""
        self.install("alpha")
        typist = self.shell()
        typist.type("package\nremove alpha\n")
        typist.expect("Remove package alpha (y/N)?")
        typist.type("\x03")
        typist.expect(f"^C\n{PACKAGE}")
        self.wait_for_keys(typist)
        self.assertTrue(os.path.exists("data/packages/alpha.wmopkg"))
        self.leave(typist)

    def test_meant_keywords(self):
        """What was read as a name may be a keyword; nobody is led to remove more than one name."""
        self.install("alpha")
        absent = "no such package (installed: alpha)\n"
        for words, name, meant in ((("show", "pend"), "pend", "pending"), (("show", "jsno"), "jsno", "json"),
                                   (("update", "chek"), "chek", "check"), (("remove", "al"), "al", None),
                                   (("remove", "alpha", "yes"), "yes", None), (("show", "x"), "x", None)):
            result = self.wmopkg(*words)
            self.assertEqual((result.returncode, result.stderr), (
                4, f"wmopkg: {name}: {absent}" + (f"  did you mean '{meant}'?\n" if meant else "")))
        self.assertIn("(did you mean --check?)", self.wmopkg("undo", "chek").stderr)
        self.assertNotIn("mean", self.wmopkg("apply", "check").stderr)
        self.succeed("  alpha: version 5.26.0-rev0 goes\n", "undo", "check")

    def test_question_beside_the_output(self):
        """Nobody waits for an answer to a question that went to a file."""
        self.install("alpha")
        for answer, said in (("n", "Nothing removed.\n"),
                             ("y", "Removed... Changes are applied after reboot.\n")):
            typist = Typist(program="sh", options=(
                "-c", f"exec {bench.WMOPKG} --config wmopkg.conf remove alpha >output"))
            self.addCleanup(typist.process.kill)
            typist.expect("Remove package alpha (y/N)?")
            typist.type(f"{answer}\n")
            self.assertEqual(typist.end(), int(answer == "n"))
            self.assertEqual(bench.read("output").decode(), said)

    def test_long_answer(self):
        """All of a line is the answer, and none of it the next command."""
        self.install("alpha")
        line = "yyyyyyyyyyyyyyyremove alpha --yes"
        typist = self.shell()
        typist.type(f"package\nremove alpha\n{line}\nshow brief\n")
        typist.expect("Remove package alpha (y/N)?")
        typist.expect(f"Nothing removed.\n{PACKAGE}show brief\n")
        typist.expect("alpha  ")
        self.at(typist, PACKAGE)
        self.leave(typist)
        self.assertEqual(self.script(f"package\nremove alpha\n{line}\nremove alpha\ny\n"), (
            1, "Remove package alpha (y/N)?\nNothing removed.\n",
            "wmopkg: warning: line 2 failed; the lines after it were not run\n"))

    def test_killed(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            typist = self.shell()
            typist.process.send_signal(number)
            self.assertEqual(typist.end(), -number)

    def test_reboot(self):
        """What it changes is shown before it is asked for."""
        bench.write("reboot", f"#!/bin/sh\necho rebooted >{self.folder}/rebooted\n".encode())
        os.chmod("reboot", 0o755)
        self.install("alpha")
        self.install("beta")
        bench.write("run/state.json", b'{"format":1,"safe":false,"allow_untrusted":false,'
                    b'"stack":{"code":"ok","message":""},"packages":[]}')
        typist = Typist(program="unshare", options=(
            "--mount", "sh", "-c", f"mount --bind reboot /sbin/reboot && exec {bench.WMOPKG} "
            "--config wmopkg.conf"), env=dict(os.environ, TERM=self.terminal))
        self.addCleanup(typist.process.kill)
        self.at(typist, TOP)
        told = ("alpha: active after reboot\nbeta: active after reboot\nReboot to activate 2 "
                "packages.\n")
        typist.type("show pending\n")
        typist.expect(f"show pending\n{told}{TOP}")
        self.wait_for_keys(typist)
        for answer, end in (("n", "Not rebooted.\n"), ("y", "Rebooting...\n")):
            typist.type("reboot\n")
            typist.expect(f"{told}Reboot this device (y/N)?")
            typist.type(f"{answer}\n")
            typist.expect(end)
            self.at(typist, TOP)
            self.assertEqual(os.path.exists("rebooted"), answer == "y")
        typist.type("quit\n")
        self.assertEqual(typist.end(), 0)

    def test_as_in_the_shell_of_the_system(self):
        """What hints and documents say can be typed here, too."""
        self.install("alpha")
        typist = self.shell()
        typist.type("wmopkg show\n")
        typist.expect("alpha  ")
        self.at(typist, TOP)
        typist.type("wmopkg remo\talp\t\n")
        typist.expect("Remove package alpha (y/N)?")
        typist.type("n\n")
        self.at(typist, TOP)
        for line, answer in (("wmopkg", "wmopkg: a command is expected (see 'wmopkg help')\n"),
                             ("wmopkg leave", "wmopkg: 'leave' is not a command (see 'wmopkg help')\n"),
                             ("wmopkg help retry", "  retry NAME\n"),
                             ("wmopkg boot-complete now",
                              "wmopkg: boot-complete: unexpected 'now'\n  boot-complete now\n"
                              "                ^\n  expected: end of line\n")):
            typist.type(line + "\n")
            typist.expect(answer)
            self.at(typist, TOP)
        self.leave(typist)
        self.assertEqual(self.script("wmopkg remove alpha --yes\npackage\nwmopkg show\n")[:2],
                         (0, "Removed... Changes are applied after reboot.\nNo packages installed.\n"))

    def test_narrow(self):
        """Nothing is wrapped by the terminal itself, which would break words and bars."""
        bench.write("pkgname.wmopkg", bench.read(self.package))
        bench.write("unsigned.wmopkg", bench.read(self.make("unsigned")))
        typist = Typist(env=dict(os.environ, TERM=self.terminal), columns=40)
        self.addCleanup(typist.process.kill)
        self.at(typist, TOP)
        for line, shown in (
                ("show a b", "wmopkg: show: unexpected 'b'\n  show a b\n         ^\n"),
                # the words around the wrong one
                ("show pkgname brief 1234567890 1234567890", "wmopkg: show: unexpected '1234567890'\n"
                 "  show pkgname brief 1234567890 1234567…\n                     ^\n"
                 "  expected: end of line\n"),
                ("package install ./a/long/path/pkgname.wmopkg frob", "wmopkg: install: unexpected "
                 "'frob'\n  … ./a/long/path/pkgname.wmopkg frob\n                                 ^\n"),
                ("show x frob 1234567890 1234567890 12", "wmopkg: show: unexpected 'frob'\n"
                 "  show x frob 1234567890 1234567890 12\n         ^\n"),
                ("package install proto ftpp user bob 192.0.2.1 x.wmopkg",
                 "wmopkg: install: unexpected 'ftpp' (did\n  you mean ftp?)\n"
                 "  install proto ftpp user bob 192.0.2.1…\n                ^\n"
                 "  expected:\n    <ftp|tftp|scp|sftp|http|https>\n"),
                ("package install ./unsigned.wmopkg",
                 "wmopkg: ./unsigned.wmopkg: Unsigned: it\n  has no signature (install a signed\n"
                 "  package, or set Allow Untrusted in the\n  boot configuration)\n"),
                ("package install ./pkgname.wmopkg",
                 "pkgname.wmopkg:\n\n0%       50%       100%\n|---------+---------|\n"
                 "|===================|\n    PKG: Signed\nInstalled... Changes are applied after\n"
                 "  reboot.\n"),
                ("factory-reset", "Reset to factory, deleting all but\npersistent packages (y/N)?")):
            typist.type(line + "\n")
            typist.expect(shown)
            if line == "factory-reset":
                typist.type("n\n")
            self.at(typist, TOP)
        self.leave(typist)

    def test_pages(self):
        """A page at a time, unless more was typed already; nothing of the question stays."""
        os.makedirs("data/packages")
        for number in range(20):
            bench.write(f"data/packages/p{number:02}.wmopkg", b"")
        typist = Typist("show", env=dict(os.environ, TERM="vt100"))
        self.assertEqual(typist.end(), 0)
        whole = typist.screen.splitlines()
        typist = Typist("show", rows=10, env=dict(os.environ, TERM="vt100"))
        self.addCleanup(typist.process.kill)
        for keys, rows in ((" ", 9), ("x\n", 18), ("\n", 19), (" ", 20), ("q", 29)):
            typist.expect("--More--")
            screen = typist.screen.replace("--More--\r        \r", "")
            self.assertEqual(screen.splitlines()[:-1], whole[:rows])
            typist.type(keys)
        self.assertEqual(typist.end(), 0)
        self.assertTrue(typist.screen.endswith("--More--\r        \r"))
        # what a set would change
        bench.write("set.json", b'{"type":"set","format":1,"packages":[{"source":"%s"}]}' %
                    self.package.encode())
        typist = Typist("apply", "--check", "set.json", rows=10, env=dict(os.environ, TERM="vt100"))
        self.addCleanup(typist.process.kill)
        typist.expect("--More--")
        self.assertIn("pkgname: version 5.26.0-rev0 comes\n", typist.screen)
        typist.type("q")
        self.assertEqual(typist.end(), 0)
        # errors and warnings too, in their order; lines typed ahead are for the next command
        typist = Typist(rows=10, env=dict(os.environ, TERM=self.terminal))
        self.addCleanup(typist.process.kill)
        typist.expect(TOP)
        typist.type("help\n")
        typist.expect("--More--")
        typist.type("q")
        self.at(typist, TOP)
        typist.type("do show\ndo show p00\nexit\n")
        self.assertEqual(typist.end(), 0)
        self.assertEqual(typist.screen.count("--More--"), 1)
        self.assertIn("Name: p00", typist.screen)

    def test_other_contexts(self):
        """A command can be read about everywhere, and 'package' means the same everywhere."""
        typist = self.shell()
        typist.type("help install\n")
        typist.expect("  install [persistent]")
        self.at(typist, TOP)
        typist.type("package\npackage show\n")
        typist.expect("No packages installed.\n")
        self.at(typist, PACKAGE)
        typist.type("package\n")
        self.at(typist, PACKAGE)
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)

    def test_last_of_the_log(self):
        self.install("alpha")
        self.install("beta")
        lines = self.wmopkg("audit").stdout.splitlines()
        newest = max(at for at, line in enumerate(lines) if line.startswith("20"))
        for words, expected in ((("last", "1"), lines[:1] + lines[newest:]), (("last", "99"), lines)):
            self.assertEqual(self.wmopkg("audit", *words).stdout.splitlines(), expected)
        self.assertEqual(self.wmopkg("audit", "json", "last", "1").stdout.splitlines(),
                         self.wmopkg("audit", "json").stdout.splitlines()[-1:])

    def script(self, text):
        done = subprocess.run([bench.WMOPKG, "--config", "wmopkg.conf"], input=text, text=True,
                              capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_pasted_procedure(self):
        """A file of commands, with the answers behind them; the first failure ends it."""
        self.make("alpha", keys=self.keys)
        self.assertEqual(self.script("# for the line 4 devices\npackage\n"
                                     f"install {self.shared}/alpha.wmopkg\r\n\nremove alpha\ny\n"
                                     "do show\nlogout\nfrob\n"),
                         (0, f"alpha.wmopkg:\n{bench.BAR}    PKG: Signed\n{bench.INSTALLED}"
                          "Remove package alpha (y/N)?\nRemoved... Changes are applied after "
                          "reboot.\nNo packages installed.\n", ""))
        for lines, status, message in (
                (("package", "remove alpha", "show"), 4,
                 "alpha: no such package (none is installed)"),
                (("show", "shwo", "show"), 2, "'shwo' is not a command (did you mean show?)"),
                (("show", "show 'a"), 2, "a quote is not closed (close it)")):
            returned, output, errors = self.script("\n".join(lines))
            self.assertEqual((returned, output.count("No packages")), (status, int(lines[0] == "show")))
            self.assertTrue(errors.startswith(f"wmopkg: {message}\n"), errors)
            self.assertTrue(errors.endswith("wmopkg: warning: line 2 failed; the lines after it were "
                                            "not run\n"), errors)
        # the number counts answers, too
        self.assertEqual(self.wmopkg("install", f"{self.shared}/alpha.wmopkg").returncode, 0)
        self.assertEqual(self.script("package\nremove alpha\ny\nremove beta\n")[2],
                         "wmopkg: beta: no such package (none is installed)\n"
                         "wmopkg: warning: line 4 failed; the lines after it were not run\n")
        self.assertEqual(self.script("show\n" + "#" * (1 << 20))[0], 1)

    def test_nobody_types(self):
        for text in ("", "\n \n"):
            self.assertEqual(self.script(text),
                             (2, "", "wmopkg: a command is expected (see 'wmopkg help')\n"))


if __name__ == "__main__":
    unittest.main()
