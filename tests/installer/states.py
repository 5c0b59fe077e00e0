# SPDX-License-Identifier: MIT
"""Devices in many states: after a boot, with packages that nobody sane would make, seen on a
terminal."""

import contextlib
import fcntl
import hashlib
import json
import os
import pty
import struct
import subprocess
import termios

import bench

HEAD = struct.Struct("<8sII")
BLOCK = 4096


def craft(package, out, manifest):
    """An unsigned package of the same image, with another manifest: bytes."""
    content = bench.read(package)
    magic, manifest_bytes, signature_bytes = HEAD.unpack_from(content)
    rest = content[-(-(HEAD.size + manifest_bytes + signature_bytes) // BLOCK) * BLOCK:]
    head = HEAD.pack(magic, len(manifest), 0) + manifest
    return bench.write(out, head + bytes(-len(head) % BLOCK) + rest)


def manifest_of(package):
    content = bench.read(package)
    return json.loads(content[HEAD.size:HEAD.size + HEAD.unpack_from(content)[1]])


class Case(bench.Case):
    def booted(self, *entries, **facts):
        """A boot is pretended by what it would have left: its state file, and the firmware alone,
        which is empty here."""
        os.makedirs("run/layers/root", exist_ok=True)
        state = {"format": 1, "safe": False, "allow_untrusted": False,
                 "stack": {"code": "ok", "message": ""}, "packages": list(entries)}
        # where it would have put the firmware
        os.makedirs("run/layers/root", exist_ok=True)
        bench.write("run/state.json", json.dumps({**state, **facts}).encode())

    def entry(self, name, store="data", active=True, verification="Signed", code="ok", message="",
              version="5.26.0-rev0"):
        """What a boot writes of a file that lies in a store; of none, what it once wrote."""
        path = f"{store}/packages/{name}.wmopkg"
        file = {"inode": 1, "bytes": 1, "changed_ns": 1}
        if os.path.exists(path):
            stat = os.stat(path)
            file = {"inode": stat.st_ino, "bytes": stat.st_size, "changed_ns": stat.st_ctime_ns}
        return {"name": name, "persistent": store == "persist", "file": file, "identity": name,
                "version": version, "description": "Example", "verification": verification,
                "active": active, "reason": {"code": code, "message": message}}

    def write_list(self, store, *changes, **keys):
        """What a set that was cut off leaves: new files under other names, and the list of a store."""
        listed = []
        os.makedirs(f"{store}/packages", exist_ok=True)
        for name, content in changes:
            bench.write(f"{store}/packages/.{name}.wmopkg.new", content)
            listed.append({"name": name, "remove": False, "bytes": len(content),
                           "head": hashlib.sha256(content[:65536]).hexdigest()})
        bench.write(f"{store}/packages/.set.wmopkg",
                    json.dumps({"type": "changes", "format": 1, **keys, "changes": listed}).encode())

    def leave_set(self, name, content):
        """A set that cannot be completed, as a folder is in the way; what is told of it."""
        os.makedirs(f"data/packages/{name}.wmopkg/full")
        self.write_list("data", (name, content), alone=True)
        return f"a set that was applied is not complete: data: {name}.wmopkg: Is a directory"

    def place(self, package, name, store="data"):
        """As somebody puts it there by hand."""
        os.makedirs(f"{store}/packages", exist_ok=True)
        return bench.write(f"{store}/packages/{name}.wmopkg", bench.read(package))

    def craft(self, name, **facts):
        """An installed package whose manifest says otherwise than one that we make."""
        os.makedirs("data/packages", exist_ok=True)
        manifest = {**manifest_of(self.package), "name": name[:64], **facts}
        return craft(self.package, f"data/packages/{name}.wmopkg",
                     json.dumps(manifest, ensure_ascii=False).encode("utf-8", "surrogateescape"))

    def terminal(self, columns, *words, **environment):
        """What wmopkg prints on a terminal so wide, without the returns of its lines."""
        reader, writer = pty.openpty()
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        settings = {"PATH": os.environ["PATH"], "TERM": "vt100", **environment}
        with subprocess.Popen([bench.WMOPKG, "--config", "wmopkg.conf", *words], stdout=writer,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                              env=settings) as process:
            os.close(writer)
            output = b""
            with contextlib.suppress(OSError):  # the last one has closed it
                while part := os.read(reader, 65536):
                    output += part
            os.close(reader)
        return output.decode().replace("\r\n", "\n")
