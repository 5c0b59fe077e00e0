# SPDX-License-Identifier: MIT
"""What the machine tests share: a built device, packages for it, and ways to harm its disk.

Run by hand, a test takes --console: it shows the console of the device, and after a failure
connects the terminal to it.
"""

import hashlib
import mmap
import os
import re
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "device"))

import console  # noqa: E402

# Where tests/device/build puts the partitions on the disk.
FIRMWARE_START = 33 << 20
FIRMWARE_BYTES = 72 << 20
DATA_START = 105 << 20
DATA_BYTES = 128 << 20
PERSIST_START = 233 << 20

# The prompts of the shell `wmopkg`.
TOP = "example:/#> "
PACKAGE = "example:/package/#> "

CONSOLE = "--console"
# A test that repeats slow boots tries some of them; all in ./check long.
LONG = os.environ.get("WMOPKG_LONG") == "1"


class Bench:
    """A work folder with packages in it, and the device they are for."""

    def __init__(self, folder, variant=None):
        self.build = os.environ["WMOPKG_BUILD"]
        self.variant = variant
        self.built = self.build_device()
        self.folder = folder
        self.packages = os.path.join(folder, "packages")
        os.mkdir(self.packages)

    def build_device(self):
        """The folder of its files."""
        return console.build_folder(self.build, self.variant)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def package_path(self, name):
        return os.path.join(self.packages, f"{name}.wmopkg")

    def tree(self, kind):
        """A tree of tests/device/trees."""
        tree = self.path(f"tree-{kind}")
        firmware = [os.path.join(self.built, "firmware")] if kind in ("nginx", "ssh") else []
        subprocess.run([os.path.join(console.HERE, "trees"), kind, *firmware, tree], check=True)
        return tree

    def create(self, name, tree, keys=None, version="1.0", description="Example", options=()):
        """Make a package, signed by the key folder @keys where there is one."""
        signing = []
        if keys:
            signing = ["--key", os.path.join(keys, "signer.key"),
                       "--cert", os.path.join(keys, "signer.pem")]
        path = self.package_path(name)
        subprocess.run([self.program("installer/wmopkg-build"), "create", "--version", version,
                        "--description", description, *options, *signing, tree, path],
                       check=True, stdout=subprocess.DEVNULL)
        return path

    def program(self, name):
        return os.path.join(self.build, name)

    @property
    def keys(self):
        """The keys whose root certificate the device trusts."""
        return os.path.join(self.built, "keys")

    def device(self, **options):
        initrd = f"initrd-{self.variant}.img"
        if os.path.exists(os.path.join(self.built, initrd)):
            options.setdefault("initrd", initrd)
        if CONSOLE in sys.argv:
            options.update(echo=show, attended=True)
        return console.Device(self.built, self.folder, **options)

    def stick(self, *files):
        """An image of a USB stick with these files on it."""
        image = self.path("stick.img")
        console.make_stick(image, files)
        return image


class MachineTest(unittest.TestCase):
    """A device and its life, step by step; the first step that fails ends it."""

    # Of tests/device/build. Where it does not matter how the initramfs was made, "plain" is
    # up in half the time.
    VARIANT = None
    BENCH = Bench

    @classmethod
    def setUpClass(cls):
        work = console.WorkFolder()
        cls.addClassCleanup(work.__exit__)
        cls.bench = cls.BENCH(work.__enter__(), cls.VARIANT)
        cls.server = console.WebServer(cls.bench.packages)
        cls.addClassCleanup(cls.server.close)
        cls.prepare()
        cls.addClassCleanup(cls.device.kill)

    @classmethod
    def put_on_data(cls, *names, start=DATA_START):
        """Packages in the store of a device that has not run yet: no boot only to install them."""
        subprocess.run(["debugfs", "-w", "-R", "mkdir packages", f"{cls.device.disk}?offset={start}"],
                       check=True, capture_output=True)
        for name in names:
            write_to_data(cls.device.disk, cls.bench.package_path(name), f"packages/{name}.wmopkg", start)

    @classmethod
    def put_on_persist(cls, *names):
        """The same of those that are persistent."""
        cls.put_on_data(*names, start=PERSIST_START)

    def url(self, name):
        return f"http://10.0.2.2:{self.server.port}/{name}.wmopkg"

    def succeed(self, command, **options):
        """Run a command on the device that must exit with 0; its output."""
        return self.exit_with(0, command, **options)

    def exit_with(self, expected, command, **options):
        status, output = self.device.run(command, **options)
        self.assertEqual(status, expected, f"`{command}` said:\n{output}")
        return output

    def install(self, name):
        output = self.succeed(f"wmopkg install {self.url(name)}")
        self.assertIn("Installed... Changes are applied after reboot.", output)
        return output

    def assert_row(self, name, version, verification, persistent=False, shown=None):
        """`show` has this row; @shown: what it has printed, which takes it half a second."""
        output = shown or self.succeed("wmopkg show")
        for line in output.splitlines():
            cells = line.strip("│").split()
            if cells[:1] == [name]:
                self.assertEqual(cells[1:4], [version, str(persistent), verification], output)
                return
        self.fail(f"no row of {name}:\n{output}")

    def fetch(self):
        """What the device serves on port 80; None where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.device.port()}/",
                                        timeout=20) as page:
                return page.read().decode()
        except (urllib.error.URLError, ConnectionError):
            return None


class ShellTest(MachineTest):
    """What is typed at the shell `wmopkg`."""

    def enter(self, terminal="vt100"):
        self.device.type(f"TERM={terminal} wmopkg")
        self.device.expect(TOP)

    def leave(self):
        self.device.type("exit")
        self.device.expect(console.PROMPT)

    def say(self, line, prompt=PACKAGE, answers=()):
        """Type a line; what comes before the next prompt, without the line itself."""
        self.device.type(line)
        seen = ""
        for question, answer in answers:
            seen += self.device.expect(question)
            self.device.type(answer)
        seen += self.device.expect(prompt)[:-len(prompt)]
        return console.plain(seen).partition("\n")[2]

    def press(self, keys):
        """Keys that mean something at once, once the line is being edited."""
        time.sleep(1)
        self.device.write(keys)


def unwrapped(said):
    """Messages of wmopkg, which the console of 80 columns wraps, in one line each."""
    return said.replace("\n  ", " ")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def unclean(disk):
    """What is wrong with the file systems of a disk that nobody has mounted since it was shut down:
    by their superblocks, which a replayed journal would change, and by e2fsck, which changes
    nothing."""
    found = []
    for name, start in (("data", DATA_START), ("persist", PERSIST_START)):
        device = f"{disk}?offset={start}"
        shown = subprocess.run(["dumpe2fs", "-h", device], check=True, capture_output=True,
                               text=True).stdout
        if not re.search(r"(?m)^Filesystem state: +clean$", shown):
            found.append(f"{name}: not clean")
        found += [f"{name}: {word}" for word in ("needs_recovery", "orphan_present", "First orphan inode")
                  if word in shown]
        checked = subprocess.run(["e2fsck", "-f", "-n", device], check=False, capture_output=True, text=True)
        if checked.returncode:
            found.append(f"{name}: {checked.stdout}")
    return found


def flip_bit(disk, content, offset):
    """Flip a bit of the only copy of @content on a disk image, @offset bytes into it."""
    with open(disk, "r+b") as file, mmap.mmap(file.fileno(), 0) as image:
        start = image.find(content)
        if start < 0 or image.find(content, start + 1) >= 0:
            raise AssertionError("the content is not on the disk exactly once")
        image[start + offset] ^= 0x40


def write_to_data(disk, source, target, start=DATA_START):
    """Write a file of this host to the data partition of a disk that is not in use."""
    done = subprocess.run(["debugfs", "-w", "-R", f"write {source} {target}",
                           f"{disk}?offset={start}"],
                          check=True, capture_output=True, text=True)
    if "error" in done.stderr.lower() or "not found" in done.stderr.lower():
        raise AssertionError(done.stderr)


def write_to_persist(disk, source, target):
    """The same to PERSIST; an older file is replaced."""
    subprocess.run(["debugfs", "-w", "-R", f"rm {target}", f"{disk}?offset={PERSIST_START}"],
                   check=True, capture_output=True)
    write_to_data(disk, source, target, PERSIST_START)


def digest(disk, start, size):
    """Of a part of a disk."""
    with open(disk, "rb") as file:
        file.seek(start)
        return hashlib.sha256(file.read(size)).hexdigest()


def partuuid(disk, number):
    """Of a partition, as the kernel names it."""
    return subprocess.run(["sfdisk", "--part-uuid", disk, str(number)], check=True,
                          capture_output=True, text=True).stdout.strip().lower()


def show(text):
    sys.stderr.write(console.plain(text))
    sys.stderr.flush()


class Attended(unittest.TextTestResult):
    """Leaves the terminal at the console of a device whose test has failed."""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.attend(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.attend(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.attend(test, err)

    def attend(self, test, err):
        device = getattr(test, "device", None)
        if not device or not device.process or not sys.stdin.isatty():
            return
        print(f"\n{err[1]}\n\nThe console of the device; Ctrl-] ends it.", file=sys.stderr)
        device.interact()


def main():
    console.clean_up_on_signals()
    attended = CONSOLE in sys.argv
    unittest.main(argv=[word for word in sys.argv if word != CONSOLE], failfast=True,
                  testRunner=unittest.TextTestRunner(
                      verbosity=2, failfast=True,
                      resultclass=Attended if attended else unittest.TextTestResult))
