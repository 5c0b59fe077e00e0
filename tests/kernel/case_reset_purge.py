# SPDX-License-Identifier: MIT
"""A purge: a factory reset that also empties PERSIST, for a device that is given away. The
journal lies on PERSIST, and is deleted last."""

import json
import os

from device import Vendor, equal, read, run, write
from mounts import unmount_now
from partitions import NEXT, PartitionedDevice, start
from resets import DONE, LABEL, REFUSED, make_packages, names, snapshot

PURGED = DONE + ", and so is PERSIST"
JOURNAL = '{"format":1,"step":"%s","by_bootloader":false,"made":false,"line":0,"purge":true}'
SECRET = "secret of the last owner"
RECORDS = ("denylist", "floors.json", "unlock", "known_hosts", "users")


def prepare(work, build):
    vendor = Vendor(work, build)
    make_packages(vendor)
    vendor.squash("image", {"file": "text\n"})


def fill(device):
    """What an owner leaves on both."""
    with device.at("wmopkg-persist") as persist:
        os.makedirs(persist + "/wmopkg", 0o700, exist_ok=True)
        for name in RECORDS:
            write(f"{persist}/wmopkg/{name}", SECRET, 0o600)
        write(persist + "/wmopkg/.known_hosts.new", SECRET)
        write(persist + "/wmopkg/deep/er/file", SECRET)
        write(persist + "/other/file", SECRET)
        run("chattr", "+i", persist + "/other/file")
        os.symlink("/etc", persist + "/link")
    with device.at(LABEL) as data:
        write(data + "/config/users", SECRET)


def ask(device):
    device.mount("wmopkg-persist", device.persist)
    device.mount(LABEL, device.data)
    equal(device.tell("factory-reset", "--purge", "--yes").endswith(
        "Purge requested... It takes place at the next reboot.\n"), True)
    unmount_now(device.persist)
    unmount_now(device.data)


def check_purged(device):
    """Nothing is left but what this boot wrote itself."""
    equal(device.state()["packages"], [])
    equal((device.see("etc/keep"), device.see("etc/banner")), (None, "firmware\n"))
    equal(names(device.data), ["lost+found"])
    left = snapshot(device.persist)
    equal([path for path, text in left.items() if text and SECRET in text], [])
    equal({path.split("/")[0] for path in left}, {"lost+found", "wmopkg"})
    equal("wmopkg/factory-reset" in left, False)
    lines = [json.loads(line) for line in left["wmopkg/audit.log"].splitlines()]
    equal([(line["event"], line["detail"], line["user"]) for line in lines[:1]],
          [("factory-reset", "done, DATA and PERSIST emptied", "boot")])
    equal([line["event"] for line in lines].count("factory-reset"), 1)
    device.tell("audit", "verify")


def test_purge(work, build):
    with PartitionedDevice(work, build) as device:
        start(device)
        fill(device)
        ask(device)
        before = device.digests()
        device.activate()
        check_purged(device)
        equal(device.digests(), before)
        equal(device.resets()[0], "wmopkg: factory reset: begins, with a purge of PERSIST, as the "
              "request on PERSIST asks for")
        equal(device.resets()[-1], PURGED)
        device.off()
        # the next boot is one like any other, and takes a package
        device.activate()
        equal(device.resets(), [])
        device.tell("install", "persistent", work + "/packages/keep.wmopkg")
        device.off()
        device.activate()
        equal(device.see("etc/keep"), "keep\n")
        device.off()


def test_file_without_the_word(work, build):
    """Only a request that says so is a purge: not the bootloader's, and not any file."""
    with PartitionedDevice(work, build) as device:
        start(device)
        for text, word in (('{"purge":true}', "0"), (JOURNAL.replace("true", "1") % "asked", "0"),
                           (None, "1"), (None, "purge")):
            device.boot_with(f"quiet wmopkg.factory_reset={word}")
            if text is not None:
                with device.at("wmopkg-persist") as persist:
                    write(persist + "/wmopkg/factory-reset", text)
            device.activate()
            equal(device.see("etc/keep"), "keep\n", (text, word))
            equal(device.resets()[-1:], [] if word == "purge" else [DONE], (text, word))
            device.boot_with("quiet")
            device.off()
            device.activate()
            device.off()


def test_plan(work, build):
    with PartitionedDevice(work, build) as device:
        start(device)
        ask(device)
        device.mount("wmopkg-persist", device.persist)
        device.mount(LABEL, device.data)
        said = run(device.tool, "--plan", "--config", device.base + "/conf", "--root",
                   device.base + "/root").stdout
        equal("factory reset: requested, deletes all that is on DATA and PERSIST\n" in said, True,
              said)
        equal("keep 1.0" in said, False, said)
        unmount_now(device.persist)
        unmount_now(device.data)
        device.off()


def test_refused(work, build):
    """PERSIST is checked as DATA is: what else lies on it, or has the wrong type, stays."""
    with PartitionedDevice(work, build) as device:
        start(device)
        fill(device)
        ask(device)
        other = device.base + "/other"
        device.mount("wmopkg-persist", other)
        node = device.nodes["wmopkg-persist"]
        why = (f"config: persist: {node} is in use by the file system at {other} (unmount that, or "
               "configure the device that is PERSIST)")
        device.activate()
        equal(device.resets(), [REFUSED + why + NEXT])
        equal(names(device.data), ["config", "lost+found", "packages"])
        device.off()
        unmount_now(other)
        # the root lies on PERSIST, by a mistake
        run("umount", "--recursive", device.base + "/root")
        with device.at("wmopkg-persist") as persist:
            os.makedirs(persist + "/root/etc")
        device.mount("wmopkg-persist", device.base + "/root", "ro")
        device.activate()
        equal([line.split(" (")[0] for line in device.resets()],
              [REFUSED + "config: persist: the root lies in PERSIST and would be deleted with it"])
        device.off()
        unmount_now(device.base + "/root")
        device.mount("firmware", device.base + "/root", "ro")
        device.activate()
        check_purged(device)
        device.off()


def test_what_cannot_be_deleted(work, build):
    """A package must not outlive the deny list: the records go last, and none is active."""
    with PartitionedDevice(work, build) as device:
        start(device)
        fill(device)
        ask(device)
        node = device.nodes["wmopkg-persist"]
        block = run("debugfs", "-R", "blocks /other", node).stdout.split()[-1]
        with open(node, "r+b") as disk:
            disk.seek(int(block) * 1024)
            disk.write(bytes(1024))
        device.activate()
        last = device.resets()[-1]
        equal(last.startswith("wmopkg: factory reset: DATA is empty, but not PERSIST, whose packages "
                              "are left out of this boot: "), True, last)
        equal((device.state()["packages"], names(device.data)), ([], ["lost+found"]))
        # ext4 of Linux 6.6 to 6.14 lets nothing be read or locked, once it has found an error
        device.off(completed=False)
        with device.at("wmopkg-persist") as persist:
            equal(read(persist + "/wmopkg/denylist"), SECRET)
        for _ in range(2):
            device.activate()
            equal("but not PERSIST" in device.resets()[-1], True, device.resets())
            device.off(completed=False)
        # the third one was the last
        with device.at(LABEL) as data:
            write(data + "/config/new", "new\n")
        device.activate()
        equal(names(device.data), ["lost+found"])
        equal(device.resets()[-1], DONE + ", but PERSIST is not, after 3 tries: what is on it counts "
                                   "again (repair its file system, and repeat the reset)")
        equal(os.path.exists(device.persist + "/wmopkg/factory-reset"), False)
        equal(read(device.persist + "/wmopkg/audit.log").count(
            "done, DATA emptied, PERSIST cannot be"), 1, device.tell("audit"))
        device.off()
        device.activate()
        equal(device.resets(), [])
        device.off()
        # nor does a journal keep DATA from being emptied, by saying that all that was done
        with device.at("wmopkg-persist") as persist:
            write(persist + "/wmopkg/factory-reset", JOURNAL[:-1] % "purge" + ',"purges":3}')
        with device.at(LABEL) as data:
            write(data + "/config/new", "new\n")
        device.activate()
        equal(names(device.data), ["lost+found"])
        device.off()
        ask(device)
        # as the script of the initramfs does; it says so where it cannot
        run("e2fsck", "-f", "-y", node, check=False)
        device.activate()
        check_purged(device)
        device.off()
