# SPDX-License-Identifier: MIT
"""A small system in memory, with the programs, what they need, and a device in a folder: what
they do is seen in one place, and they find no more of this machine than it has."""

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import zlib

PROGRAMS = {"wmopkg": "installer", "wmopkg-fetch": "installer", "wmopkg-build": "installer",
            "wmopkg-web": "installer", "wmopkg-activate": "initramfs"}
STORES = ("data", "persist")
CONFIGURATION = """data = /device/data
persist = /device/persist
keys = /device/keys
run = /device/run
cmdline = /device/cmdline
serial = SN-1
model = AX-1
firmware_version = "5.0"
"""
# what a boot leaves of each package
BOOTED = {"format": 1, "safe": False, "allow_untrusted": False,
          "stack": {"code": "ok", "message": ""},
          "device": {"model": "AX-1", "serial": "SN-1", "firmware": "5.0"}}
# caches and locks: what is in there says nothing of the device
UNSEEN = re.compile(r"device/run/(lock(/.*)?|read-images|changes|web(/.*)?|state\.json)|"
                    r"device/persist/wmopkg/\.(trials\.)?lock")
# told by their variables: which copy is the newer one is another question
UBOOT = re.compile(r"device/env2?")
# told by `audit`, not by its bytes
AUDIT = re.compile(r"device/persist/wmopkg/audit\.(log|refusals|boots|head|step)(\.\d+)?")


def libraries(paths):
    """What the loader maps with these programs."""
    found = set()
    for path in paths:
        told = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        found |= set(re.findall(r"(/\S+) \(0x", told))
    return found


def copy(path, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(path, target)


class Root:
    """The system in the folder @path, which is a file system of its own."""

    def __init__(self, path, build, *files):
        self.path, self.inject = path, f"{path}.inject"
        copy(f"{build}/tests/faults/inject", self.inject)  # which may be built again meanwhile
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path], check=True)
        programs = [f"{build}/{folder}/{name}" for name, folder in PROGRAMS.items()]
        for program in programs:
            copy(program, f"{path}/usr/bin/{os.path.basename(program)}")
        for library in libraries(programs + list(files)):
            copy(library, path + library)
        for file in files:
            copy(file, f"{path}/usr/lib/{os.path.basename(file)}")
        for folder in ("dev", "device", "proc", "sys/class/block", "tmp", "etc"):
            os.makedirs(f"{path}/{folder}")
        shutil.copytree("/usr/lib/locale/C.utf8", f"{path}/usr/lib/locale/C.utf8")
        for name in ("passwd", "group", "nsswitch.conf"):
            copy(f"/etc/{name}", f"{path}/etc/{name}")
        for name, number in (("null", 3), ("zero", 5), ("full", 7), ("urandom", 9)):
            os.mknod(f"{path}/dev/{name}", stat.S_IFCHR | 0o666, os.makedev(1, number))
            os.chmod(f"{path}/dev/{name}", 0o666)
        os.chmod(f"{path}/tmp", 0o1777)
        subprocess.run(["mount", "-t", "proc", "proc", f"{path}/proc"], check=True)

    def end(self):
        for path in (f"{self.path}/proc", self.path):
            subprocess.run(["umount", "-l", path], check=False)

    def run(self, words, options=(), environment=None, stdin=b"", report="/dev/null", limit_s=60):
        """A finished program of this system, with the @options of inject; None as its status where
        it did not end."""
        # what is allocated or was freed has bytes that nobody relies on
        variables = {"PATH": "/usr/bin", "MALLOC_PERTURB_": "165", **(environment or {})}
        with subprocess.Popen(
                [self.inject, "--root", self.path, *options, report, f"/usr/bin/{words[0]}", *words[1:]],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=variables) as process:
            try:
                out, err = process.communicate(stdin, limit_s)
            except subprocess.TimeoutExpired:
                process.kill()  # and all that it traces
                out, err = process.communicate()
                return subprocess.CompletedProcess(words, None, out, err)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def succeed(self, *words, **options):
        done = self.run(words, **options)
        assert done.returncode == 0, (words, done)
        return done

    def type(self, *words):
        return self.succeed("wmopkg", "--config", "/device/wmopkg.conf", *words)

    def restore(self, template):
        """The device is as in @template, and this boot found its packages."""
        for folder in ("device", "tmp"):
            shutil.rmtree(f"{self.path}/{folder}", ignore_errors=True)
        os.makedirs(f"{self.path}/tmp")
        os.chmod(f"{self.path}/tmp", 0o1777)
        shutil.copytree(template, f"{self.path}/device", symlinks=True)
        self.note_boot()

    def note_boot(self):
        """The packages that lie there are those that this boot found, and all of them are active."""
        entries = []
        for store in STORES:
            folder = f"{self.path}/device/{store}/packages"
            for file in sorted(os.listdir(folder) if os.path.isdir(folder) else []):
                status = os.stat(f"{folder}/{file}")
                if file.endswith(".wmopkg") and not file.startswith("."):
                    entries.append({
                        "name": file[:-7], "persistent": store == "persist",
                        "file": {"inode": status.st_ino, "bytes": status.st_size,
                                 "changed_ns": status.st_ctime_ns},
                        "identity": file[:-7], "version": "1", "description": "Example",
                        "verification": "Signed", "active": True,
                        "reason": {"code": "ok", "message": ""}})
        with open(f"{self.path}/device/run/state.json", "w", encoding="utf-8") as state:
            json.dump({**BOOTED, "packages": entries}, state)

    def facts(self):
        """({path: what is there}, lines of the audit log) of all that is no part of the system."""
        found, lines = {}, []
        for top in ("device", "tmp", "etc"):
            for place, folders, files in os.walk(f"{self.path}/{top}"):
                for name in folders + files:
                    path = f"{place}/{name}"
                    key = os.path.relpath(path, self.path)
                    if UNSEEN.fullmatch(key):
                        continue
                    if AUDIT.fullmatch(key):
                        lines += events(path)
                        continue
                    found[key] = variables(path) if UBOOT.fullmatch(key) else describe(path)
        return found, lines


def events(path):
    """What is logged, without when."""
    if path.endswith((".head", ".step")):
        return []
    with open(path, encoding="utf-8") as log:
        lines = [json.loads(line) for line in log]
    return [{key: value for key, value in line.items()
             if key not in ("time", "prev", "digest", "number", "id")} for line in lines]


def variables(path):
    """Of a copy of U-Boot's environment, of which there are two; None where it is damaged."""
    with open(path, "rb") as file:
        data = file.read()
    if zlib.crc32(data[5:]) != int.from_bytes(data[:4], "little"):
        return None
    return sorted(data[5:].partition(b"\0\0")[0].split(b"\0"))


def describe(path):
    status = os.lstat(path)
    kind = stat.filemode(status.st_mode)
    if stat.S_ISREG(status.st_mode):
        with open(path, "rb") as file:
            return kind, hashlib.sha256(file.read()).hexdigest()
    if stat.S_ISLNK(status.st_mode):
        return kind, os.readlink(path)
    return kind, ""
