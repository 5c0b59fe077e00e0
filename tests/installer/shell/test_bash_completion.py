#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tab in a real bash, behind wmopkg."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
from typist import Typist  # noqa: E402

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "installer",
                      "completion", "wmopkg")
# what shows the line as it is edited, and begins another
SETTINGS = ("bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; "
            "bind -x '\"\\C-t\": echo \"<<$READLINE_LINE>>\"; READLINE_LINE='; "
            f"source '{SCRIPT}'; echo ready''.\n")


class Bash(bench.Case):
    def setUp(self):
        super().setUp()
        self.install(self.package)
        os.makedirs("my folder/in:side")
        os.mkdir("home")
        for path in ("my folder/a b.wmopkg", "my folder/in:side/x.wmopkg", "with:colon.wmopkg",
                     "it's.wmopkg", "home/at home.wmopkg", "cash$(touch made).wmopkg",
                     "a\nb.wmopkg"):
            bench.write(path, b"")
        for name in ("set.json", "some.set"):
            bench.write(name, b"")
        os.symlink(bench.WMOPKG, "wmopkg")

    def bash(self):
        typist = Typist(program="bash", options=("--norc", "--noprofile", "-i"),
                        env={"PATH": f"{self.folder}:{os.environ['PATH']}", "TERM": "vt100",
                             "HOME": f"{self.folder}/home", "PS1": "$ ", "HISTFILE": ""})
        self.addCleanup(typist.process.kill)
        typist.type(SETTINGS)
        typist.expect("ready.\n")
        return typist

    def test_lines(self):
        typist = self.bash()
        config = "wmopkg --config wmopkg.conf "
        for line, completed in (
                (config + "rem", config + "remove "),
                (config + "remove pk", config + "remove pkgname "),
                (config + "remove pkgname ", config + "remove pkgname "),
                (config + "show pkgname ", config + "show pkgname "),
                (config + "show pkgname j", config + "show pkgname json "),
                (config + "install media external ", config + "install media external "),
                (config + "remove pkgname -", config + "remove pkgname --yes "),
                (config + "install my", config + "install my\\ folder/"),
                (config + "install my\\ folder/a", config + "install my\\ folder/a\\ b.wmopkg "),
                (config + "install \"my folder/a", config + "install \"my folder/a b.wmopkg\" "),
                (config + "install 'my folder/a", config + "install 'my folder/a b.wmopkg' "),
                (config + "install with", config + "install with:colon.wmopkg "),
                (config + "install with:c", config + "install with:colon.wmopkg "),
                (config + "install my\\ folder/in:s", config + "install my\\ folder/in:side/"),
                (config + "install it", config + "install it\\'s.wmopkg "),
                (config + "install ca",
                 config + "install cash\\$\\(touch\\ made\\).wmopkg "),
                (config + "verify ~/at", config + "verify ~/at\\ home.wmopkg "),
                (config + "install proto ht", config + "install proto http"),
                (config + "install 192.0.2.1:80 pk", config + "install 192.0.2.1:80 pk"),
                (config + "install user pers", config + "install user pers"),
                ("X=1 true; " + config + "ret", "X=1 true; " + config + "retry "),
                ("wmopkg --con", "wmopkg --config "), ("wmopkg --v", "wmopkg --version "),
                ("wmopkg --config wmopkg.c", "wmopkg --config wmopkg.conf "),
                ("wmopkg --config=wmopkg.c", "wmopkg --config=wmopkg.conf "),
                ("wmopkg --config=wmopkg.conf inst", "wmopkg --config=wmopkg.conf install "),
                ("wmopkg --config nowhere retry pk", "wmopkg --config nowhere retry pk"),
                ("wmopkg frob pk", "wmopkg frob pk"), ("wmopkg leav", "wmopkg leav"),
                ("wmopkg hel", "wmopkg help "), ("wmopkg boot-", "wmopkg boot-complete ")):
            with self.subTest(line=line):
                typist.type(f"{line}\t\x14")
                typist.expect("<<")
                start = typist.seen
                typist.expect(">>\n")
                self.assertEqual(typist.screen[start:typist.seen - 3], completed)
        # in the middle of a line
        typist.type(f"{config}inst ./x" + "\x1b[D" * 4 + "\t\x14")
        typist.expect(f"<<{config}install ./x>>\n")
        typist.type("exit\n")
        typist.process.wait(60)
        self.assertFalse(os.path.exists("made"))

    def complete(self, *words):
        done = self.wmopkg("complete", "--", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_words(self):
        """What other shells may ask as well."""
        for words, found in (
                (["--config", "wmopkg.conf", "retry", ""], ["pkgname"]),
                (["ap"], ["apply"]), (["apply", "--"], ["--check", "--yes"]),
                (["apply", "s"], ["set.json", "some.set"]),
                (["apply", "--check", "s"], ["set.json", "some.set"]),
                (["apply", "--check", "set.json", "j"], ["json"]),
                (["apply", "--yes", "set.json", ""], ["--check", "json", "password", "proto", "user"]),
                (["up"], ["update"]),
                (["--config", "wmopkg.conf", "update", "p"], ["pkgname"]),
                (["--config", "wmopkg.conf", "update", "c"], ["check"]),
                (["--config", "wmopkg.conf", "update", "check", "p"], ["pkgname"]),
                (["update", "--"], ["--quiet"]),
                (["re"], ["remove", "retry"]), (["install", "my folder/a"],
                                                ["my folder/a b.wmopkg"]),
                (["install", "'my folder/a"], ["my folder/a b.wmopkg"]),
                (["install", "a"], []), (["install", "password", ""], []),
                (["--"], ["--config", "--debug", "--help", "--version"]), (["--frob", ""], []),
                (["--debug", "re"], ["remove", "retry"]),
                (["--config=no/such", "retry", ""], []), ([""], None)):
            with self.subTest(words=words):
                told = self.complete(*words)
                if found is None:
                    self.assertIn("install", told)
                else:
                    self.assertEqual(told, found)

    def test_nothing_is_said(self):
        """Devices that are broken, and asked nonsense."""
        bench.write("wmopkg.conf", b"nonsense = {")
        self.assertEqual(self.complete("--config", "wmopkg.conf", "retry", ""), [])
        done = subprocess.run([bench.WMOPKG, "complete", "--", *("x" * 100 for _ in range(200))],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.stdout, done.stderr), ("", ""))


if __name__ == "__main__":
    unittest.main()
