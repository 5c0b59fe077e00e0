#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg apply: the installed packages become those of a set, all of them or none."""

import fcntl
import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402
import typist  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
import schema  # noqa: E402

LONG = os.environ.get("WMOPKG_LONG") == "1"
APPLIED = "Applied... Changes are applied after reboot.\n"
SAME = "Nothing to do: the packages are those of the set.\n"
QUESTION = "Remove what the set does not name (y/N)?\n"
WRONG = "(correct the set)"
WAITING_HINT = "(make both stores available, or remove what is in the way; then run 'wmopkg show')"
QUARANTINE_HINT = "(run 'wmopkg retry NAME', or install another version)"


def covers(name, other):
    """All packages here have the same file: the one with the later name lies on top."""
    return (f"Note: 1 file of package '{other}' will be covered by this one: /file. See: wmopkg "
            f"conflicts {name}")


def covered(name, other):
    return (f"Note: 1 file of this one will be covered by package '{other}': /file. See: wmopkg "
            f"conflicts {name}")


def shown(name, note=None, verdict="Signed"):
    """What is printed of one package as it arrives."""
    return f"{name}.wmopkg:\n{bench.BAR}    PKG: {verdict}\n" + (f"{note}\n" if note else "")


class Apply(states.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(f"{cls.shared}/small")
        bench.write(f"{cls.shared}/small/file", b"content\n")
        os.mkdir(f"{cls.shared}/server")
        cls.files = {}
        for name, version, *options in (
                ("brand", "1"), ("brand", "2"), ("fix", "1"), ("fix", "2"), ("old", "1"),
                ("licence", "1"), ("home", "1", "--persistent", "forbidden"),
                ("twin", "1", "--name", "brand"), ("vpn", "1", "--need", "brand>=2"),
                ("base", "1", "--need", "vpn"), ("rival", "1", "--conflict", "fix")):
            folder = f"{cls.shared}/server/{version}"
            os.makedirs(folder, exist_ok=True)
            cls.files[name, version] = f"{folder}/{name}.wmopkg"
            bench.make_package(f"{folder}/{name}.wmopkg", f"{cls.shared}/small",
                               "--version", version, *options, keys=cls.keys)
        bench.make_package(f"{cls.shared}/server/1/unsigned.wmopkg", f"{cls.shared}/small")
        cls.other = cls.make("other", keys=cls.keys)

    def setUp(self):
        super().setUp()
        os.symlink(f"{self.shared}/server", "packages")

    def set(self, *packages, name="set.json", **keys):
        """A set, as a file: NAME VERSION, or an object."""
        listed = [{"source": "packages/{1}/{0}.wmopkg".format(*item.split())}
                  if isinstance(item, str) else item for item in packages]
        wanted = {"type": "set", "format": 1, "packages": listed, **keys}
        schema.check("set", wanted)
        bench.write(name, json.dumps(wanted).encode())
        return name

    def apply(self, output, *packages, words=(), answer=None, **keys):
        self.succeed(output, "apply", *words, self.set(*packages, **keys), answer=answer)

    def refused(self, status, errors, *packages, output="", **keys):
        before = self.stored()
        self.check(status, output, errors, "apply", "--yes", self.set(*packages, **keys))
        self.assertEqual(self.stored(), before)
        self.assertEqual(self.left(), [])

    def stored(self):
        """Each installed package, and its version."""
        known = {bench.read(path): f"{name} {version}"
                 for (name, version), path in self.files.items()}
        return {path: known.get(bench.read(path), "?") for path in bench.listing("data", "persist")
                if path.endswith(".wmopkg") and not os.path.basename(path).startswith(".")}

    def left(self):
        """What is neither a package nor kept for an undo."""
        return [name for store in ("data", "persist") if os.path.isdir(f"{store}/packages")
                for name in os.listdir(f"{store}/packages")
                if name.startswith(".") and not name.startswith("._") and name != ".lock"]

    def install(self, *packages, words=()):
        for package in packages:
            result = self.wmopkg("install", *words, self.files[tuple(package.split())])
            self.assertEqual(result.returncode, 0, result.stderr)

    def root_hash(self, name, version):
        told = subprocess.run([bench.BUILD, "inspect", "--json", self.files[name, version]],
                              check=True, capture_output=True, text=True).stdout
        return json.loads(told)["image"]["root_hash"]

    def test_from_nothing_and_again(self):
        wanted = ("brand 1", {"source": "packages/1/fix.wmopkg", "persistent": True})
        self.apply(shown("brand") + shown("fix", covers("fix", "brand")) + APPLIED, *wanted)
        self.assertEqual(self.stored(), {"data/packages/brand.wmopkg": "brand 1",
                                         "persist/packages/fix.wmopkg": "fix 1"})
        self.assertEqual(self.left(), [])
        self.apply(SAME, *wanted)

    def test_replace_move_and_remove(self):
        self.install("brand 1", "old 1")
        self.install("fix 1", words=["persistent"])
        self.apply("  old: version 1 goes\n" + QUESTION +
                   shown("brand", "Replaces version 1 with 2. It is persistent from now on.") +
                   shown("fix", "Replaces version 1 with 2. It is ordinary from now on.\n" +
                         covers("fix", "brand")) + APPLIED,
                   {"source": "packages/2/brand.wmopkg", "persistent": True}, "fix 2",
                   answer="y\n")
        self.assertEqual(self.stored(), {"persist/packages/brand.wmopkg": "brand 2",
                                         "data/packages/fix.wmopkg": "fix 2"})
        self.assertEqual(self.wmopkg("undo", "--yes").returncode, 0)
        self.assertEqual(self.stored(), {"data/packages/brand.wmopkg": "brand 1",
                                         "data/packages/old.wmopkg": "old 1",
                                         "persist/packages/fix.wmopkg": "fix 1"})

    def test_keep(self):
        self.install("old 1")
        self.apply(shown("brand", covered("brand", "old")) + APPLIED, "brand 1", keep=True)
        self.assertEqual(sorted(self.stored().values()), ["brand 1", "old 1"])
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write('model = "RS20"\n')
        self.apply(SAME, keep=True, number=1, compatible=["*"])  # number: of signed ones

    def test_empty_set(self):
        self.install("old 1")
        self.apply(APPLIED, words=["--yes"])
        self.assertEqual(self.stored(), {})
        self.apply(SAME, words=["--yes"])

    def test_question(self):
        self.install("old 1")
        wanted = self.set("brand 1")
        self.check(1, "  old: version 1 goes\n" + QUESTION,
                   "apply: there is no terminal to ask on (to continue without asking: --yes)",
                   "apply", wanted)
        console = typist.Typist("apply", wanted)
        self.addCleanup(console.process.kill)
        console.expect("(y/N)?")
        console.type("n\n")
        self.assertEqual(console.end(), 1)
        self.assertIn("Nothing changed.", console.screen)
        self.assertEqual(self.stored(), {"data/packages/old.wmopkg": "old 1"})

    def test_installed_already(self):
        """By version or root hash: its source is not even there."""
        self.install("brand 1", "fix 1")
        self.apply(SAME, {"name": "brand", "version": "1"},
                   {"name": "fix", "root_hash": self.root_hash("fix", "1"),
                    "source": "/nowhere/fix.wmopkg"})
        for package, why in (
                ({"name": "fix", "version": "2"}, "fix: the set says version 2, but this is version 1"),
                ({"name": "fix", "version": "1", "persistent": True}, "fix: it is not persistent"),
                ({"name": "new", "version": "1"}, "new: it is not installed"),
                ({"name": "fix", "root_hash": "0" * 64},
                 "fix: its root hash is not the one that the set says")):
            self.refused(1, f"set.json: {why}, and the set names no source for it {WRONG}",
                         package, keep=True)

    def test_other_package_than_the_set_says(self):
        self.install("old 1")
        for package, why in (
                ({"source": "packages/1/fix.wmopkg", "version": "2"},
                 "the set says version 2, but this is version 1"),
                ({"source": "packages/1/fix.wmopkg", "root_hash": "ab" * 32},
                 "its root hash is not the one that the set says")):
            self.refused(1, f"fix: {why} {WRONG}", "brand 1", package, output=shown("brand"))

    def test_refused_as_a_whole(self):
        """The last one is bad: none is installed, and nothing is removed."""
        self.install("old 1")
        damaged = bytearray(bench.read(self.files["fix", "1"]))
        damaged[-5000] ^= 1
        bench.write("fix.wmopkg", damaged)
        self.refused(3, "unsigned: Unsigned: " + bench.UNSIGNED, "brand 1", "unsigned 1",
                     output=shown("brand"))
        self.refused(1, f"twin: it is the package brand, and so is brand {WRONG}", "brand 1",
                     "twin 1", output=shown("brand"))
        self.refused(1, "home: the package must not be persistent (install it without the "
                     "word 'persistent')", {"source": "packages/1/home.wmopkg", "persistent": True})
        result = self.wmopkg("apply", "--yes", self.set("brand 1", {"source": "fix.wmopkg"}))
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("fix: Invalid: ", result.stderr)
        self.assertEqual((list(self.stored().values()), self.left()), (["old 1"], []))
        result = self.wmopkg("apply", "--yes", self.set("brand 1", "nothing 1"))
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertEqual((list(self.stored().values()), self.left()), (["old 1"], []))

    def test_same_package_under_a_new_name(self):
        """Refused beside the old name; not where the set removes that."""
        self.install("brand 1")
        self.refused(1, "twin: brand is installed already, as 'brand' (remove it first: wmopkg "
                     "remove brand; or install this file as brand.wmopkg)", "twin 1", keep=True)
        self.apply(shown("twin") + APPLIED, "twin 1", words=["--yes"])
        self.assertEqual(list(self.stored()), ["data/packages/twin.wmopkg"])

    def test_needs(self):
        """In any order; a set whose needs are not met, or that ends those of others, is refused."""
        self.apply(shown("base") + shown("vpn", covers("vpn", "base")) +
                   shown("brand", covered("brand", "vpn")) + APPLIED, "base 1", "vpn 1", "brand 2")
        for packages, why, keep in (
                (("brand 1",), "base would not be active: it needs vpn, which is not active: it needs "
                 "brand>=2, and brand has version 1", True),
                (("base 1", "brand 2"), "base would not be active: it needs vpn, which is not installed",
                 False),
                (("rival 1", "fix 1"), "rival would not be active: it conflicts with the "
                 "ordinary package 'fix', version 1, which stays active; this is in its own manifest",
                 False)):
            before = self.stored()
            result = self.wmopkg("apply", "--yes", self.set(*packages, keep=keep))
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertEqual(result.stderr, f"wmopkg: {why} {WRONG}\n")
            self.assertEqual((self.stored(), self.left()), (before, []))

    def test_latest(self):
        """A newer one only: not an older one, and not the same one again."""
        latest = {"source": "packages/1/fix.wmopkg", "version": "latest"}
        self.apply(shown("fix") + APPLIED, latest)
        self.apply(SAME, latest)
        self.install("fix 2")
        self.apply(SAME, latest)
        self.apply(SAME, latest, words=["--check"])
        self.assertEqual(list(self.stored().values()), ["fix 2"])
        self.apply(shown("fix", "Replaces version 2 with 1, which is older.") + APPLIED, "fix 1")
        self.apply("  fix: version 1 goes, version 2 comes\n",
                   {**latest, "source": "packages/2/fix.wmopkg"}, words=["--check"])
        self.apply(shown("fix", "Replaces version 1 with 2.") + APPLIED,
                   {**latest, "source": "packages/2/fix.wmopkg"})
        self.refused(1, "fix: it has to move to the other store, and version 1 of the source is "
                     f"older than the installed version 2 {WRONG}", {**latest, "persistent": True})
        self.apply(shown("fix", "Replaces version 2 with the same version. It is persistent from "
                         "now on.") + APPLIED,
                   {"source": "packages/2/fix.wmopkg", "version": "latest", "persistent": True})
        self.apply(SAME, {**latest, "persistent": True})

    def test_latest_of_a_higher_epoch(self):
        """The epoch comes before the version, as at a boot."""
        bench.make_package("fix.wmopkg", f"{self.shared}/small", "--version", "0", "--epoch", "3",
                           keys=self.keys)
        self.install("fix 2")
        latest = {"source": "fix.wmopkg", "version": "latest"}
        self.apply(shown("fix", "Replaces version 2 with 0, which is older.") + APPLIED, latest)
        self.apply(SAME, {**latest, "source": "packages/2/fix.wmopkg"})

    def test_required(self):
        self.install("old 1")
        with open("wmopkg.conf", "a", encoding="utf-8") as file:
            file.write('require_packages = {"old"}\n')
        self.refused(3, "set.json: old: the device does not start without it (name it in the set, "
                     "or change require_packages in the configuration)", "brand 1")

    def test_check(self):
        self.install("brand 1", "old 1", "fix 1")
        before = bench.listing("data", "persist", "run")
        wanted = ("brand 2", {"source": "packages/1/licence.wmopkg", "persistent": True},
                  {"name": "fix", "version": "1"})
        self.apply("  brand: version 1 goes, version 2 comes\n"
                   "  licence: version 1 comes (persistent)\n"
                   "  old: version 1 goes\n", *wanted, words=["--check"])
        # wherever the words stand
        for words in (("check", "set.json"), ("set.json", "--check"), ("set.json", "check")):
            self.assertEqual(self.wmopkg("apply", *words).returncode, 0, words)
        self.check(2, "", "apply: json is the output of --check (see 'wmopkg help')", "apply", "set.json", "json")
        result = self.wmopkg("apply", "--check", self.set(*wanted), "json")
        told = json.loads(result.stdout)
        schema.check("apply", told)
        self.assertEqual([(one["name"], one["action"]) for one in told["packages"]],
                         [("brand", "replace"), ("licence", "install"), ("fix", "none"),
                          ("old", "remove")])
        self.assertEqual(bench.listing("data", "persist", "run"), before)
        self.apply(SAME, "brand 1", "fix 1", keep=True, words=["--check"])
        self.check(1, "", f"set.json: brand: the set says version 3, but this is version 2 {WRONG}",
                   "apply", "--check",
                   self.set({"source": "packages/2/brand.wmopkg", "version": "3"}))

    def test_check_judges(self):
        """What heads tell, without the packages."""
        self.install("old 1")
        before = bench.listing("data", "persist", "run")
        for packages, status, why in (
                (("vpn 1", "brand 1"), 1, "vpn would not be active: it needs brand>=2, and brand has "
                 f"version 1 {WRONG}"),
                (("rival 1", "fix 1"), 1, "rival would not be active: it conflicts with the ordinary "
                 "package 'fix', version 1, which stays active; this is in its own manifest "
                 f"{WRONG}"),
                (("brand 1", "twin 1"), 1, f"twin: it is the package brand, and so is brand {WRONG}"),
                (("unsigned 1",), 3, "unsigned: Unsigned: " + bench.UNSIGNED),
                (({"source": "packages/1/home.wmopkg", "persistent": True},), 1,
                 "home: the package must not be persistent (install it without the word "
                 "'persistent')")):
            for words in (["apply", "--check", "set.json"], ["apply", "--check", "set.json", "json"]):
                with self.subTest(why, words=words):
                    self.set(*packages)
                    self.check(status, "", f"set.json: {why}", *words)
        self.install("brand 1")
        self.check(1, "", "set.json: twin: brand is installed already, as 'brand' (remove it first: "
                   "wmopkg remove brand; or install this file as brand.wmopkg)", "apply", "--check",
                   self.set("twin 1", keep=True))
        self.assertEqual(self.wmopkg("remove", "brand", "--yes").returncode, 0)
        self.assertEqual([name for name in bench.listing("data", "persist", "run")
                          if name not in before and "audit" not in name and "kept" not in name and
                          "._" not in name], [])

    def test_no_room(self):
        """For half of the set: the old one stays whole, and --check says so before."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4800k", "tmpfs", "data"], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", "data"], check=True)
        self.install("old 1")
        before = self.stored()
        big = [{"source": self.package, "name": name} for name in ("a", "b")]
        self.set({**big[0]}, {"source": self.other, "name": "b"})
        result = self.wmopkg("apply", "--check", "set.json")
        self.assertEqual(result.returncode, 6, result.stderr)
        self.assertRegex(result.stderr, r"^wmopkg: set.json: the new packages need \d\.\d MiB and "
                         r"there is room for \d\.\d MiB on data \(remove a package or free some space\)\n$")
        result = self.wmopkg("apply", "--yes", "set.json")
        self.assertEqual(result.returncode, 6, result.stderr)
        self.assertRegex(result.stderr, r"^wmopkg: b: it needs \d\.\d MiB and there is room for ")
        self.assertEqual((self.stored(), self.left()), (before, []))

    def test_damaged_file(self):
        """Of the wanted version, but this boot found its image damaged: it is fetched again."""
        self.install("fix 1", "brand 1")
        path = "data/packages/fix.wmopkg"
        damaged = bytearray(bench.read(path))
        damaged[-5000] ^= 1
        bench.write(path, damaged)
        self.booted(self.entry("fix", active=False, verification="Invalid", code="image-mismatch",
                               message="block 1 of the image", version="1"),
                    self.entry("brand", version="1"))
        wanted = ({"source": "packages/1/fix.wmopkg", "version": "1"},
                  {"name": "brand", "version": "1"})
        self.apply("  fix: version 1 goes, version 1 comes\n", *wanted, words=["--check"])
        result = self.wmopkg("apply", self.set(*wanted))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(bench.read(path), bench.read(self.files["fix", "1"]))
        self.apply(SAME, *wanted)
        bench.write(path, damaged)  # since the boot: judged, as `show` does
        self.refused(1, f"set.json: fix: its file is damaged, and the set names no source for it {WRONG}",
                     {"name": "fix", "version": "1"}, keep=True)

    def test_quarantined(self):
        """What stays is told where it is not active; what is replaced leaves the quarantine."""
        self.install("fix 1")
        identity = json.loads(self.wmopkg("audit", "json").stdout.splitlines()[-1])["id"]
        why = "it was left out after boots that were not completed"
        self.booted(self.entry("fix", active=False, verification="Quarantined", code="quarantined",
                               message=why, version="1"))
        bench.write("persist/wmopkg/trials.json", json.dumps({
            "type": "trials", "format": 1, "completed": True, "idle": False, "failed": 0, "packages": [
                {"id": identity, "name": "fix", "persistent": False, "state": "quarantined",
                 "incomplete": 3, "ran": False}]}).encode())
        inactive = f"warning: fix: it stays installed, but is not active: {why} " + QUARANTINE_HINT
        for words in ([], ["--check"]):
            self.check(0, SAME, inactive, "apply", *words, self.set({"name": "fix", "version": "1"}))
        told = json.loads(self.wmopkg("apply", "--check", "set.json", "json").stdout)
        schema.check("apply", told)
        self.assertEqual(told["packages"][0]["inactive"]["code"], "quarantined")
        self.apply(shown("fix", "Replaces version 1 with 2.") + APPLIED, "fix 2")
        self.assertNotIn("Quarantined", self.wmopkg("show").stdout)

    def test_from_a_server(self):
        """A source that is a URL; the file there need not be called like the package."""
        shutil.copy(self.files["brand", "1"], "download")
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=self.folder)
        handler.log_message = None
        http.server.SimpleHTTPRequestHandler.log_message = lambda *_: None
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        base = f"http://127.0.0.1:{server.server_port}"
        wanted = {"name": "brand", "source": f"{base}/download?x=1"}
        result = self.wmopkg("apply", self.set(wanted))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(self.stored(), {"data/packages/brand.wmopkg": "brand 1"})
        result = self.wmopkg("apply", self.set(wanted))
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertTrue(result.stdout.endswith(SAME), result.stdout)
        told = ("Attempting to download file set.json, using HTTP\n\nConnecting to 127.0.0.1 "
                f"(127.0.0.1:{server.server_port})\n")
        self.check(3, told, f"{base}/set.json: it is not a signed statement: a set that is not signed "
                   "is taken from a file of this device only (get the file again from its vendor)",
                   "apply", f"{base}/set.json")

    def test_bad_sets(self):
        for text, why in (
                ("", "not JSON: incomplete at byte 0"),
                ("[]", "not one JSON object and nothing else"),
                ('{"type":"denylist","format":1,"packages":[]}', "type"),
                ('{"type":"set","format":2,"packages":[]}', "format"),
                ('{"type":"set","format":1}', "packages"),
                ('{"type":"set","format":1,"packages":[{}]}', "it has no name"),
                ('{"type":"set","format":1,"packages":[{"source":"x.tar"}]}', "it has no name"),
                ('{"type":"set","format":1,"packages":[{"name":"a"}]}', "neither source nor"),
                ('{"type":"set","format":1,"packages":[{"name":"a","version":"latest"}]}',
                 "a: its version is 'latest', and it has no source"),
                ('{"type":"set","format":1,"packages":[{"name":"../a","version":"1"}]}', "name"),
                ('{"type":"set","format":1,"packages":[{"name":"json","version":"1"}]}', "json"),
                ('{"type":"set","format":1,"packages":[{"name":"a","root_hash":"ab"}]}',
                 "not 64 hex digits"),
                ('{"type":"set","format":1,"packages":[{"name":"a","version":"1"},'
                 '{"name":"A","version":"1"}]}', "A: it is named twice")):
            with self.subTest(text):
                bench.write("bad.json", text.encode())
                result = self.wmopkg("apply", "--yes", "bad.json")
                self.assertEqual((result.returncode, result.stdout), (1, ""), result.stderr)
                self.assertTrue(result.stderr.startswith("wmopkg: bad.json: "), result.stderr)
                self.assertIn(why, result.stderr)
                self.assertRegex(result.stderr, r" \((correct the set|choose another name)\)\n$")
        bench.write("bad.json", b" " * (256 * 1024 + 1))
        self.assertEqual(self.wmopkg("apply", "bad.json").returncode, 1)
        self.check(4, "", "missing.json: No such file or directory (check the name)", "apply",
                   "missing.json")
        self.check(1, "", "persist: not a file (give the name of a regular file)", "apply", "persist")
        result = self.wmopkg("apply", "http://user:secret@127.0.0.1:9/set.json")
        self.assertEqual(result.returncode, 5, result.stderr)
        self.assertNotIn("secret", result.stdout + result.stderr)
        self.assertEqual(self.wmopkg("apply").returncode, 2)

    def test_set_is_no_file(self):
        """Nothing waits for a writer, and nothing is read without end."""
        os.mkfifo("fifo")
        for path in ("fifo", ".", "/dev/zero", "/dev/null"):
            with self.subTest(path):
                self.check(1, "", f"{path}: not a file (give the name of a regular file)", "apply", path)

    def test_locked(self):
        os.makedirs("run/lock", mode=0o700, exist_ok=True)
        with open("run/lock/packages", "w", encoding="utf-8") as lock:
            os.chmod("run/lock/packages", 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            result = self.wmopkg("apply", self.set("brand 1"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("another installation is under way", result.stderr)
        self.assertEqual(self.stored(), {})

    def cut(self, renames, *packages):
        """Ended before the rename of this number, after the step; the one of audit.step is not counted."""
        with subprocess.Popen(["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e",
                               f"inject=renameat,rename,renameat2:signal=KILL:when={renames + 1}+",
                               bench.WMOPKG, "--config", "wmopkg.conf", "apply", "--yes",
                               self.set(*packages)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            process.wait()
        self.assertEqual(self.left().count(".set.wmopkg"), 2, bench.listing("data", "persist"))

    def waiting(self, why):
        """What every command tells of a set that cannot be completed, and `apply` refuses."""
        told = f"a set that was applied is not complete: {why}"
        for words in ("show", "show pending"):
            result = self.wmopkg(*words.split())
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn(f"wmopkg: warning: {told} {WAITING_HINT}\n", result.stderr)
        shown = json.loads(self.wmopkg("show", "json").stdout)
        schema.check("show", shown)
        self.assertEqual(shown["waiting_set"]["code"], "waiting-set")
        self.assertEqual(shown["waiting_set"]["message"], told)
        before = bench.listing("data", "persist")
        for word in ("--yes", "--check"):
            result = self.wmopkg("apply", word, self.set("old 1", keep=True))
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertIn(f"{told} {WAITING_HINT}\n", result.stderr)
        self.assertEqual(bench.listing("data", "persist"), before)

    def test_waits(self):
        """A set that cannot be completed yet is told, and no other one takes its place."""
        self.install("licence 1")
        self.leave_set("brand", bench.read(self.files["brand", "1"]))
        self.waiting("data: brand.wmopkg: Is a directory")
        shown = json.loads(self.wmopkg("show", "json").stdout)
        self.assertEqual(shown["waiting_set"]["code"], "waiting-set")
        self.assertEqual(self.wmopkg("remove", "--yes", "brand").returncode, 0)
        shown = json.loads(self.wmopkg("show", "json").stdout)
        self.assertNotIn("waiting_set", shown)
        self.assertEqual(sorted(self.stored().values()), ["brand 1", "licence 1"])
        self.assertEqual(self.left(), [])

    def test_waits_for_the_other_store(self):
        self.install("licence 1")
        self.write_list("data", ("brand", bench.read(self.files["brand", "1"])))
        os.rename("persist", "away")
        self.waiting("persist is not there")
        self.assertEqual(sorted(self.left()), [".brand.wmopkg.new", ".set.wmopkg"])
        os.rename("away", "persist")
        self.assertNotIn("warning", self.wmopkg("show").stderr)  # it was never committed
        self.assertEqual(list(self.stored().values()), ["licence 1"])

    def test_completed_by_the_next_command(self):
        """A set whose changes were cut off after the step: `show` has the whole of it."""
        self.install("old 1")
        self.install("fix 1", words=["persistent"])
        self.cut(8, "brand 1", "fix 2")
        self.assertEqual(self.wmopkg("show").returncode, 0)
        self.assertEqual(self.stored(), {"data/packages/brand.wmopkg": "brand 1",
                                         "data/packages/fix.wmopkg": "fix 2"})
        self.assertEqual(self.left(), [])

    def events(self):
        self.assertEqual(self.wmopkg("audit", "verify").returncode, 0)
        lines = [json.loads(line) for line in self.wmopkg("audit", "json").stdout.splitlines()]
        return [(line["event"], line.get("package"), line.get("detail")) for line in lines]

    def test_logged_once(self):
        """Killed at many moments: a set that was made is in the audit log, as if nothing had been."""
        whole = {"data/packages/brand.wmopkg": "brand 1", "persist/packages/fix.wmopkg": "fix 2"}
        wanted = ("brand 1", {"source": "packages/2/fix.wmopkg", "persistent": True})
        lines = [("install", "brand", None), ("install", "fix", None), ("remove", "old", None),
                 ("set", None, "not signed, 2 packages")]
        seen = set()
        for call, count in (("fsync", 60), ("renameat,rename,renameat2", 20), ("unlinkat", 12),
                            ("pwrite64", 12)):
            for moment in range(1, count, 1 if LONG else 15):
                shutil.rmtree("data")
                shutil.rmtree("persist")
                os.mkdir("data")
                os.mkdir("persist")
                self.install("old 1")
                result = subprocess.run(
                    ["strace", "-f", "--seccomp-bpf", "-o", "/dev/null", "-e",
                     f"inject={call}:signal=KILL:when={moment}", bench.WMOPKG, "--config",
                     "wmopkg.conf", "apply", "--yes", self.set(*wanted)],
                    capture_output=True, text=True, check=False)
                self.assertEqual(self.wmopkg("show").returncode, 0)
                made = self.stored() == whole
                seen.add((made, result.returncode == 0))
                with self.subTest(call=call, moment=moment):
                    if not made:
                        self.assertEqual(self.stored(), {"data/packages/old.wmopkg": "old 1"})
                    self.assertEqual(self.events()[1:], lines if made else [])
                    if not made:  # what has arrived goes with the next installation, or the next boot
                        self.install("licence 1")
                    self.assertEqual(self.left(), [])
        self.assertIn((True, False), seen)  # cut off, and completed
        self.assertIn((False, False), seen)

    def test_undo_after_a_cut(self):
        """What was kept before the cut is a part of the set: that alone is not undone."""
        self.install("brand 1", "old 1")
        self.cut(7, {"source": "packages/1/fix.wmopkg", "persistent": True}, "brand 2")
        cut = self.stored()
        self.assertEqual((cut["data/packages/brand.wmopkg"], cut["data/packages/old.wmopkg"]),
                         ("brand 2", "old 1"))
        self.assertEqual(self.wmopkg("show").returncode, 0)
        whole = {"data/packages/brand.wmopkg": "brand 2", "persist/packages/fix.wmopkg": "fix 1"}
        self.assertEqual(self.stored(), whole)
        result = self.wmopkg("undo", "--yes")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn("or a set of changes was cut off", result.stderr)
        self.assertEqual(self.stored(), whole)

    def test_cannot_be_completed_yet(self):
        """The new files wait for as long as something is in the way of the rest of the set."""
        self.cut(5, {"source": "packages/1/fix.wmopkg", "persistent": True}, "brand 1")
        self.assertEqual(list(self.stored()), ["persist/packages/fix.wmopkg"])
        os.mkdir("data/packages/brand.wmopkg")
        bench.write("data/packages/brand.wmopkg/file", b"")
        for words in (["show"], ["install", self.files["licence", "1"]]):
            self.assertEqual(self.wmopkg(*words).returncode, 0)
        shutil.rmtree("data/packages/brand.wmopkg")
        self.assertEqual(self.wmopkg("show").returncode, 0)
        self.assertEqual(sorted(self.stored().values()), ["brand 1", "fix 1", "licence 1"])
        self.assertEqual(self.left(), [])

    def test_other_store_is_missing(self):
        """One half of the set is not made, and nothing of it is deleted, without the other."""
        self.install("brand 1")
        self.cut(4, {"source": "packages/1/fix.wmopkg", "persistent": True}, "brand 2")
        self.assertEqual(self.stored(), {"data/packages/brand.wmopkg": "brand 1"})
        os.rename("data", "away")
        for words in (["show"], ["install", "persistent", self.files["licence", "1"]]):
            self.assertEqual(self.wmopkg(*words).returncode, 0)
        self.assertEqual(self.stored(), {"persist/packages/licence.wmopkg": "licence 1"})
        os.rename("away", "data")
        os.rename("persist", "away")
        self.install("old 1")  # clears what an installation left
        self.assertEqual(sorted(self.stored().values()), ["brand 1", "old 1"])
        os.rename("away", "persist")
        self.assertEqual(self.wmopkg("show").returncode, 0)
        self.assertEqual(sorted(self.stored().values()), ["brand 2", "fix 1", "licence 1", "old 1"])
        self.assertEqual(self.left(), [])

    def test_folder_in_the_way(self):
        """Known before the step, and not in the middle of the set."""
        self.install("brand 1")
        os.mkdir("data/packages/fix.wmopkg")
        result = self.wmopkg("apply", "--yes", self.set("brand 2", "fix 1"))
        self.assertEqual((result.returncode, result.stderr),
                         (1, "wmopkg: fix.wmopkg: a folder of this name lies in the store (remove it "
                          "first: wmopkg remove fix)\n"))
        os.rmdir("data/packages/fix.wmopkg")
        self.assertEqual((self.stored(), self.left()), ({"data/packages/brand.wmopkg": "brand 1"}, []))

    def serve(self, answer):
        """A server on the packages, whose address is returned; @answer is called with each path."""
        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                answer(self.path)
                super().do_GET()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(
            Handler, directory=f"{self.shared}/server"))
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return f"http://127.0.0.1:{server.server_port}"

    def test_others_meanwhile(self):
        """While a set arrives, nobody else installs, and each says so; a removal needs not wait for it."""
        self.install("old 1")
        told = []

        def meanwhile(_):
            for words in (["remove", "--yes", "old"], ["install", self.files["licence", "1"]],
                          ["apply", "--yes", self.set("licence 1", name="other.json")],
                          ["undo", "--yes"]):
                result = self.wmopkg(*words)
                told.append((words[0], result.returncode, "another installation is under way"
                             in result.stderr))

        place = self.serve(meanwhile)
        result = self.wmopkg("apply", "--yes", self.set(
            {"name": "brand", "source": f"{place}/1/brand.wmopkg"}, keep=True))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(told, [("remove", 0, False)] + [(word, 1, True) for word in ("install", "apply", "undo")])
        self.assertEqual(sorted(self.stored().values()), ["brand 1"])

    def test_source_changes_after_the_check(self):
        """What counts is what arrives: it is judged again, and held to the set."""
        shutil.copy(self.files["brand", "1"], "brand.wmopkg")
        for wanted, end in (({"source": "brand.wmopkg"}, "brand 2"),
                            ({"source": "brand.wmopkg", "version": "1"}, None)):
            shutil.copy(self.files["brand", "1"], "brand.wmopkg")
            result = self.wmopkg("apply", "--check", self.set(wanted))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("version 1 comes", result.stdout)
            shutil.copy(self.files["brand", "2"], "brand.wmopkg")
            if end:
                self.assertEqual(self.wmopkg("apply", self.set(wanted)).returncode, 0)
                self.assertEqual(list(self.stored().values()), [end])
                self.assertEqual(self.wmopkg("remove", "--yes", "all").returncode, 0)
            else:
                self.refused(1, f"brand: the set says version 1, but this is version 2 {WRONG}", wanted)

    def test_source_changes_after_it_was_judged(self):
        """What was judged is what is installed: it lies in the store by then."""
        shutil.copy(self.files["brand", "1"], "brand.wmopkg")

        def change(_):
            with open("brand.wmopkg", "r+b") as file:  # the same file, as a writer of it would
                file.write(bytes(4096))

        place = self.serve(change)
        result = self.wmopkg("apply", self.set({"source": "brand.wmopkg"},
                                               {"name": "fix", "source": f"{place}/1/fix.wmopkg"}))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(bench.read("brand.wmopkg")[:4096], bytes(4096))
        self.assertEqual(sorted(self.stored().values()), ["brand 1", "fix 1"])

    @unittest.skipUnless(LONG, "in ./check long")
    def test_many(self):
        """As many as a set can name, in one step; and no fewer of them in the log."""
        os.mkdir("many")
        listed = []
        for number in range(256):
            bench.make_package(f"many/p{number}.wmopkg", f"{self.shared}/small", keys=self.keys)
            listed.append({"source": f"many/p{number}.wmopkg", "persistent": number % 2 == 1})
        result = self.wmopkg("apply", self.set(*listed))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual((len(self.stored()), self.left()), (256, []))
        self.assertEqual([event for event, *_ in self.events()].count("install"), 256)
        self.apply(SAME, *listed)
        listed.append({"source": "many/p256.wmopkg"})  # one more than the schema allows
        bench.write("long.json", json.dumps({"type": "set", "format": 1, "packages": listed}).encode())
        result = self.wmopkg("apply", "long.json")
        self.assertEqual(result.returncode, 1)
        self.assertIn("long.json: ", result.stderr)
        self.assertEqual(self.wmopkg("apply", "--yes", self.set()).returncode, 0)
        self.assertEqual((self.stored(), self.left()), ({}, []))

    def test_changed_during_the_question(self):
        """What was asked is not what would be done."""
        self.install("old 1")
        console = typist.Typist("apply", self.set("brand 1"))
        self.addCleanup(console.process.kill)
        console.expect("(y/N)?")
        self.install("licence 1")
        console.type("y\n")
        self.assertEqual(console.end(), 1)
        self.assertIn("meanwhile; nothing was changed (try again)", " ".join(console.screen.split()))
        self.assertEqual(sorted(self.stored().values()), ["licence 1", "old 1"])

    def test_other_store_is_read_only(self):
        """One in which nothing changes need not be writable."""
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "persist"], check=True)
        self.addCleanup(subprocess.run, ["umount", "persist"], check=True)
        self.install("fix 1", words=["persistent"])
        subprocess.run(["mount", "-o", "remount,ro", "persist"], check=True)
        wanted = ("brand 1", {"name": "fix", "version": "1", "persistent": True})
        result = self.wmopkg("apply", "--yes", self.set(*wanted))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.apply(SAME, *wanted)
        before = self.stored()
        result = self.wmopkg("apply", "--yes", self.set("brand 2"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("wmopkg: persist: .set.wmopkg: Read-only file system", result.stderr)
        self.assertEqual((self.stored(), self.left()), (before, []))


class ZSchemas(unittest.TestCase):
    """Comes last."""

    def test_every_key_was_seen(self):
        self.assertEqual(schema.unseen("set") + schema.unseen("apply"), [])


if __name__ == "__main__":
    unittest.main()
