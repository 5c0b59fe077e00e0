# SPDX-License-Identifier: MIT
"""A device of folders, for the cases of the kernel tier, and packages to put on it."""

import json
import os
import shutil
import subprocess
import sys
import time

from mounts import bind, kernel_log, mount_tmpfs, mounts_below, mounts_on, unmount, unmount_all

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import schema  # noqa: E402  pylint: disable=wrong-import-position


def run(*command, check=True, **options):
    """Run a program; its words are part of the failure."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace",
                          check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}: {done.stdout}")
    return done


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    if not path.startswith("/dev/"):
        os.chmod(path, mode)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


class Vendor:
    """Makes packages, on the host. `keys` is in the device's key ring, `other` is not."""

    def __init__(self, work, build):
        self.folder = work
        self.tool = build + "/installer/wmopkg-build"
        self.seal_tool = build + "/tests/overlay/seal"
        run(self.tool, "keys", work + "/keys")
        run(self.tool, "keys", work + "/other")
        os.makedirs(work + "/packages")

    def path(self, name):
        return f"{self.folder}/packages/{name}.wmopkg"

    def signing(self, signer):
        if not signer:
            return []
        return ["--key", f"{self.folder}/{signer}/signer.key",
                "--cert", f"{self.folder}/{signer}/signer.pem"]

    def tree(self, name, files):
        """Text makes a file, None a folder, ("char", 0) a whiteout, (text, mode) both."""
        tree = f"{self.folder}/trees/{name}"
        for path, what in files.items():
            place = f"{tree}/{path}"
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if what is None:
                os.makedirs(place, exist_ok=True)
            elif what == "whiteout":
                os.mknod(place, 0o20600, os.makedev(0, 0))
            elif isinstance(what, tuple):
                write(place, what[0], what[1])
            else:
                write(place, what)
        return tree

    def make(self, name, files, signer="keys", priority=0, version="1.0", options=()):
        tree = files if isinstance(files, str) else self.tree(name, files)
        run(self.tool, "create", "--version", version, "--description", "made for a test",
            "--priority", str(priority), *options, *self.signing(signer), tree, self.path(name))
        return self.path(name)

    def seal(self, name, image, signer="keys", priority=0):
        """A package of an image that `create` would not make."""
        run(self.seal_tool, image, name, str(priority),
            *[f"{self.folder}/{signer}/signer.{kind}" for kind in ("key", "pem")],
            self.path(name))
        return self.path(name)

    def squash(self, name, files, *options):
        """An image as mksquashfs makes it, of anything."""
        image = f"{self.folder}/{name}.squashfs"
        run("mksquashfs", self.tree(name, files), image, "-all-root", "-noappend",
            "-no-progress", "-quiet", *options)
        return image


FIRMWARE = {
    "etc/wmopkg/wmopkg.conf": "# the firmware's own\n",
    "etc/wmopkg/keys/root.pem": "the firmware's key\n",
    "usr/bin/wmopkg": ("the firmware's wmopkg\n", 0o755),
    "usr/sbin/wmopkg-activate": ("the firmware's wmopkg-activate\n", 0o755),
    "etc/banner": "firmware\n",
    "etc/kept": "firmware\n",
    "usr/share/tree/one": "firmware\n",
    "usr/share/tree/two": "firmware\n",
}


class Device:
    """A device within a tmpfs of its own, inside the kernel under test."""

    count = 0

    def __init__(self, work, build, firmware=None, ring=None, **settings):
        """@ring: folder of its key ring; @settings: more keys of its configuration."""
        Device.count += 1
        self.work = work
        self.base = f"{work}/device{Device.count}"
        self.wmopkg = build + "/installer/wmopkg"
        self.shown = {}
        self.boots = 0
        self.tool = build + "/initramfs/wmopkg-activate"
        os.makedirs(self.base)
        mount_tmpfs(self.base)
        for folder in ("data/packages", "persist/packages", "root", "run"):
            os.makedirs(f"{self.base}/{folder}")
        mount_tmpfs(self.base + "/root")
        for path, what in (firmware or FIRMWARE).items():
            text, mode = what if isinstance(what, tuple) else (what, 0o644)
            write(f"{self.base}/root/{path}", text, mode)
        if ring:
            shutil.copytree(ring, self.base + "/keys")
        else:
            os.mkdir(self.base + "/keys")
            shutil.copy(work + "/keys/root.pem", self.base + "/keys")
        self.configure(**settings)
        self.boot_with("quiet")
        self.mark = f"a device begins: {self.base}"
        write("/dev/kmsg", f"<7>{self.mark}\n")

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        """Take it all down: devices go with their mounts, by themselves."""
        unmount_all(self.base)
        if not failure:
            equal((wait_gone(devices), wait_gone(loops)), ([], []), "left behind")

    def configure(self, **settings):
        folders = {key: f"{self.base}/{key}"
                   for key in ("data", "persist", "keys", "run", "cmdline")}
        write(self.base + "/conf", "".join(
            f'{key} = "{value}"\n' for key, value in {**folders, **settings}.items()))

    def tell(self, *words, status=0):
        """What wmopkg prints; run inside the kernel under test, as root."""
        done = run(self.wmopkg, "--config", self.base + "/conf", *words, check=False)
        equal(done.returncode, status, f"{words}: {done.stdout}")
        return done.stdout

    def verify(self, path):
        """What `wmopkg verify` says of a package file, whatever its exit status."""
        done = subprocess.run([self.wmopkg, "--config", self.base + "/conf", "verify", path, "json"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False)
        return schema.check("verify", json.loads(done.stdout))

    def boot_with(self, cmdline):
        write(self.base + "/cmdline", cmdline + "\n")

    def install(self, path, name=None, store="data", link=False):
        name = name or os.path.basename(path)[:-len(".wmopkg")]
        place = f"{self.base}/{store}/packages/{name}.wmopkg"
        if link:
            write(place, b"")
            bind(path, place)
        else:
            shutil.copy(path, place)
        return place

    def activate(self, status=0):
        done = run(self.tool, "--config", self.base + "/conf", "--root",
                   self.base + "/root", check=False)
        self.shown = {}
        if done.returncode != status:
            raise AssertionError(f"status {done.returncode}: {done.stdout}"
                                 + "\n".join(self.log()))
        return done.stdout

    def reboot(self, completed=True):
        """What a reboot does away with: the stack, its layers, and the state file.

        Before it, a boot that went well says so.
        """
        if completed:
            equal(self.tell("boot-complete"), "")
        while self.is_stacked():
            unmount(self.base + "/root")
        for place in reversed(mounts_below(self.base + "/run/layers")):
            unmount(place)
        if os.path.exists(self.base + "/run/state.json"):
            os.unlink(self.base + "/run/state.json")
        equal((wait_gone(devices), wait_gone(loops)), ([], []), "left behind")
        self.boots += 1
        write("/dev/kmsg", f"<7>{self.boot_mark()}\n")

    def boot_mark(self):
        return f"boot {self.boots} of {self.base} begins"

    def log_of_boot(self):
        """What we wrote to the kernel log since the last reboot(), but for the same."""
        lines = kernel_log()
        return [line for line in lines[lines.index(self.boot_mark()):]
                if line.startswith("wmopkg: ") and not line.startswith(AUDIT)]

    def plan(self, *words):
        """What the boot that comes next would do."""
        return run(self.tool, "--plan", "--config", self.base + "/conf", "--root",
                   self.base + "/root", *words).stdout

    def remove(self, name, store="data"):
        os.unlink(f"{self.base}/{store}/packages/{name}.wmopkg")

    def state(self):
        return schema.check("state", json.loads(read(self.base + "/run/state.json")))

    def package(self, name, persistent=False):
        for package in self.state()["packages"]:
            if package["name"] == name and package["persistent"] == persistent:
                return package
        raise AssertionError(f"{name} is not in the state")

    def show(self, name):
        """What `wmopkg show` says of a package."""
        if not self.shown:
            # without warnings: of the system clock, there may be one
            done = subprocess.run([self.wmopkg, "--config", self.base + "/conf", "show", "json"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=True)
            told = schema.check("show", json.loads(done.stdout))
            self.shown = {package["name"]: package for package in told["packages"]}
        return self.shown[name]

    def log(self):
        """What we wrote to the kernel log since this device began, but for the digest of the
        audit log, which each boot writes."""
        lines = kernel_log()
        return [line for line in lines[lines.index(self.mark):]
                if line.startswith("wmopkg: ") and not line.startswith(AUDIT)]

    def root(self, path):
        return f"{self.base}/root/{path}"

    def see(self, path):
        """What the device sees at a path of its root; None where nothing is."""
        try:
            return read(self.root(path))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def is_stacked(self):
        return [kind for kind, _ in mounts_on(self.base + "/root")][-1:] == ["overlay"]

    def stack_flags(self):
        return mounts_on(self.base + "/root")[-1][1]


def devices():
    """The device-mapper devices there are."""
    found = []
    for block in os.listdir("/sys/block"):
        try:
            found.append(read(f"/sys/block/{block}/dm/name").strip())
        except OSError:  # no such device, or on its way out
            pass
    return found


AUDIT = "wmopkg: audit log: number "
DISKS = set()  # loop devices that play the disks of a device


def loops():
    """The loop devices in use."""
    return [block for block in os.listdir("/sys/block") if block not in DISKS
            and os.path.exists(f"/sys/block/{block}/loop/backing_file")]


def load_module(path):
    """Load a module of the kernel under test, where it is not there already."""
    file = f"{os.environ['KERNEL_MODULES']}/{path}.ko"
    name = os.path.basename(path).replace("-", "_")
    if os.path.exists(file) and not os.path.isdir("/sys/module/" + name):
        run("insmod", file)


def lowers(options):
    """The layers of an overlay, the upper one first: "lowerdir=a:b", or since Linux 6.8
    "lowerdir+=a,lowerdir+=b"."""
    return [layer for option in options.split(",") if option.startswith("lowerdir")
            for layer in option.split("=", 1)[1].split(":")]


def wait_gone(what):
    """A lazy unmount, and what a kernel takes down behind it, ends a moment later."""
    for _ in range(500):
        if not what():
            break
        time.sleep(0.01)
    return what()


def equal(found, wanted, what=""):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r:.600} instead of {wanted!r:.600}")
