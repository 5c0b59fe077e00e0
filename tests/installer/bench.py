# SPDX-License-Identifier: MIT
"""What the tests of wmopkg share: a device in a directory tree, and packages for it."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import everybody  # noqa: E402  pylint: disable=wrong-import-position

INSTALLER = os.path.join(os.environ["WMOPKG_BUILD"], "installer")
BUILD = os.path.join(INSTALLER, "wmopkg-build")
WMOPKG = os.path.join(INSTALLER, "wmopkg")

SCALE = """
0%       25%       50%       75%       100%
|---------+---------+---------+---------|
"""
BAR = SCALE + "|=======================================|\n"
INSTALLED = "Installed... Changes are applied after reboot.\n"
LOCAL = f"pkgname.wmopkg:\n{BAR}    PKG: Signed\n{INSTALLED}"

# The table of one ordinary package whose state needs a column.
WITH_STATE = """\
╒ Packages ════════════════════════════════════════════════════════════════════╕
│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTION  STATE            │
│pkgname  5.26.0-rev0  False       {verdict:12}  Example      {state:8}         │
└──────────────────────────────────────────────────────────────────────────────┘
"""

AGAIN = "the copy is damaged or was changed: get it again"
INCOMPLETE = "the copy is incomplete or damaged: get it again"
UNSIGNED = ("it has no signature (install a signed package, or set Allow Untrusted in the boot "
            "configuration)")
ALLOWED = "warning: Allow Untrusted is set: packages of any origin may be active"
RENAME = "rename it: a letter or digit, up to 63 of A-Z a-z 0-9 . _ -, then .wmopkg"


def listing(*folders):
    """Every file and folder below, dot files too, but for what the device remembers, and what is
    kept until the reboot."""
    found = (os.path.join(place, name) for folder in folders
             for place, folders_in_it, files in os.walk(folder)
             for name in folders_in_it + files)
    return sorted(path for path in found if not path.startswith("persist/wmopkg") and
                  not os.path.basename(path).startswith("._"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


def size(count):
    """Bytes as messages have them: three digits."""
    tenths, units = count * 10, ["B", "KiB", "MiB", "GiB"]
    while tenths >= 10240:
        tenths //= 1024
        units.pop(0)
    return f"{tenths // 10}" + (f".{tenths % 10}" if tenths < 1000 and units[0] != "B" else "") + f" {units[0]}"


def make_package(out, tree, *options, keys=None):
    signing = ["--key", f"{keys}/signer.key", "--cert", f"{keys}/signer.pem"] if keys else []
    subprocess.run([BUILD, "create", "--version", "5.26.0-rev0", "--description", "Example",
                    *options, *signing, tree, out], check=True, stdout=subprocess.DEVNULL)
    return out


class Case(unittest.TestCase):
    """A device of its own for each test; the packages are made once."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="wmopkg-test-packages.")
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        os.chmod(cls.shared, 0o755)
        os.mkdir(f"{cls.shared}/tree")
        write(f"{cls.shared}/tree/noise", os.urandom(3 << 20))
        cls.keys = f"{cls.shared}/keys"
        subprocess.run([BUILD, "keys", cls.keys], check=True, stdout=subprocess.DEVNULL)
        cls.package = cls.make("pkgname", keys=cls.keys)

    @classmethod
    def make(cls, name, *options, keys=None):
        return make_package(f"{cls.shared}/{name}.wmopkg", f"{cls.shared}/tree", *options,
                            keys=keys)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="wmopkg-test-device.")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        os.chdir(self.folder)
        for name in ("data", "persist", "keys", "run"):
            os.mkdir(name)
        shutil.copy(f"{self.keys}/root.pem", "keys")
        self.boot("")
        with open("wmopkg.conf", "w", encoding="utf-8") as file:
            for key in ("data", "persist", "keys", "run", "cmdline"):
                file.write(f'{key} = "{self.folder}/{key}"\n')

    def boot(self, cmdline):
        write("cmdline", cmdline.encode() + b"\n")

    def wmopkg(self, *words, answer=None, user=None):
        """A finished wmopkg with its output as text."""
        program = everybody.runnable(WMOPKG) if user else WMOPKG
        return subprocess.run(
            [program, "--config", "wmopkg.conf", *words], input=answer or "", capture_output=True,
            text=True, check=False, user=user, group=user, extra_groups=[] if user else None)

    def check(self, status, output, errors, *words, **options):
        """wmopkg says just this; lines of @errors without the program's name, unless indented."""
        result = self.wmopkg(*words, **options)
        expected = "".join(f"{line}\n" if line.startswith("  ") else f"wmopkg: {line}\n"
                           for line in errors.splitlines())
        self.assertEqual((result.stdout, result.stderr), (output, expected))
        self.assertEqual(result.returncode, status)

    def succeed(self, output, *words, **options):
        self.check(0, output, "", *words, **options)

    def refuse(self, status, message, *words, output="", **options):
        """wmopkg says just this and leaves both stores as they were."""
        before = listing("data", "persist")
        self.check(status, output, message, *words, **options)
        for made in ("data/packages", "persist/packages"):
            if os.path.isdir(made) and not os.listdir(made):
                before = sorted(set(before) | {made})
        self.assertEqual(listing("data", "persist"), before)

    def forget(self):
        """What was installed is not there any more: the next one replaces nothing."""
        for path in listing("data", "persist"):
            if path.endswith(".wmopkg"):
                os.unlink(path)

    def install(self, package, *words):
        result = self.wmopkg("install", *words, package)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
