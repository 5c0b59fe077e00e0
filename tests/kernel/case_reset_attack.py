# SPDX-License-Identifier: MIT
"""Whoever writes DATA and PERSIST asks for a factory reset, and would have it delete something
else: the firmware, the EFI system partition, a partition of somebody's. Nothing but DATA is ever
changed."""

import json
import os
import subprocess
import time

from case_special import Watch
from device import Vendor, equal, read, run, write
from mounts import unmount_now, unmount_whole
from partitions import NEXT, PARTS, PartitionedDevice, lengthen, start
from resets import DONE, LABEL, MIB, UUID, blkid, make_packages, names

LEFT_OUT = "wmopkg: factory reset: not finished, DATA is left out of this boot: "
WHOLE = '{"format":1,"step":"%s","by_bootloader":%s,"made":false,"line":%d}'


def prepare(work, build):
    vendor = Vendor(work, build)
    make_packages(vendor)
    vendor.squash("image", {"file": "text\n"})


def plant(device, name, by="partuuid"):
    """What PERSIST says of DATA: that it is another partition, in each way it can."""
    kind, label, identifier = blkid(device.nodes[name])
    folder = os.path.realpath("/sys/class/block/" + os.path.basename(device.nodes[name]))
    size = dict((part, mib) for part, mib, _ in PARTS)[name] * MIB
    place = "PARTUUID=" + device.partuuid(name) if by == "partuuid" else folder
    record = {"format": 1, "type": kind or "ext4", "label": label or LABEL,
              "uuid": identifier or UUID, "place": place, "bytes": size}
    with device.at("wmopkg-persist") as persist:
        write(persist + "/wmopkg/data.json", json.dumps(record))
        write(persist + "/wmopkg/factory-reset", "")


def test_record_names_another(work, build):
    """As it was seen: DATA's label is changed, the record names a partition, the file requests."""
    lost = (f"not-found: data: LABEL={LABEL}: there is no such file system: a name that is lost "
            "with the file system (configure PARTLABEL= or PARTUUID= of the partition)")
    with PartitionedDevice(work, build, data=f"LABEL={LABEL}") as device:
        start(device)
        run("tune2fs", "-L", "stolen", device.nodes[LABEL])
        for name, by in (("firmware", "partuuid"), ("firmware", "folder"), ("esp", "partuuid"),
                         ("raw", "partuuid"), ("raw", "folder"), ("home", "folder"),
                         ("wmopkg-persist", "partuuid")):
            plant(device, name, by)
            device.check_refused(lost)
            equal(blkid(device.nodes["wmopkg-persist"])[1], "wmopkg-persist", name)
            device.off()
        with device.at(LABEL) as folder:
            equal(read(folder + "/config/hostname"), "example\n")
        check_opens_no_device(device)


def check_opens_no_device(device):
    """A boot looks for what the record names: of a watchdog, that would start it."""
    run("tune2fs", "-L", LABEL, device.nodes[LABEL])
    with device.at("wmopkg-persist") as persist:
        record = json.loads(read(persist + "/wmopkg/data.json"))
        record.update(label=LABEL, place=os.path.realpath("/sys/class/mem/full"))
        write(persist + "/wmopkg/data.json", json.dumps(record))
        os.unlink(persist + "/wmopkg/factory-reset")
    with Watch() as watch:
        watch.add("/dev/full")
        device.activate()
        equal(watch.opened(), set())
    equal(device.see("etc/plain"), "plain\n")
    device.off()


def test_record_has_no_say(work, build):
    """With a name of the partition DATA is found and emptied, whatever is written on it."""
    with PartitionedDevice(work, build) as device:
        start(device)
        for name in ("firmware", "esp", "raw", "home"):
            run("tune2fs", "-L", "stolen", device.nodes[LABEL])
            plant(device, name)
            before = device.digests()
            device.activate()
            equal(device.resets()[-1:], [DONE], name)
            equal(names(device.data), ["lost+found"])
            device.check_untouched(before)
            equal(device.see("etc/plain"), None)
            device.off()
            with device.at(LABEL) as folder:
                write(folder + "/config/hostname", "again\n")


def test_new_file_system_is_called_by_no_other_name(work, build):
    """A next boot would take it for the root, or for PERSIST."""
    with PartitionedDevice(work, build) as device:
        start(device)
        for name in ("firmware", "wmopkg-persist"):
            kind, label, identifier = blkid(device.nodes[name])
            record = {"format": 1, "type": kind, "label": label, "uuid": identifier,
                      "place": "PARTUUID=" + device.partuuid(LABEL), "bytes": 16 * MIB}
            with open(device.nodes[LABEL], "wb") as data:
                data.write(bytes(16 * MIB))
            with device.at("wmopkg-persist") as persist:
                write(persist + "/wmopkg/data.json", json.dumps(record))
                write(persist + "/wmopkg/factory-reset", "")
            before = device.digests()
            device.activate()
            equal(device.resets()[-1:], [DONE + ", its file system is a new one"])
            made = blkid(device.nodes[LABEL])
            equal((made[:2], made[2] == identifier), (("ext4", ""), False))
            device.check_untouched(before)
            device.off()


def test_folders_in_the_way(work, build):
    """Where records go: the reset ends all the same, and DATA is emptied once."""
    with PartitionedDevice(work, build) as device:
        start(device)
        device.boot_with("quiet wmopkg.factory_reset=1")
        with device.at("wmopkg-persist") as persist:
            for name in ("trials.json", "trials.json.broken", ".trials.json.new", "factory-reset",
                         ".factory-reset.new", "begun", "begun.broken"):
                path = f"{persist}/wmopkg/{name}"
                if os.path.exists(path):
                    os.unlink(path)
                os.makedirs(path + "/in-the-way")
                run("chattr", "+i", path)
        device.activate()
        equal(device.resets()[-1:], [DONE])
        with device.at("wmopkg-persist") as persist:
            equal(os.path.exists(persist + "/wmopkg/factory-reset"), False)
        device.off()
        with device.at(LABEL) as folder:
            write(folder + "/config/hostname", "new\n")
        for _ in range(2):
            device.activate()
            equal(read(device.data + "/config/hostname"), "new\n")
            device.off()


def wait_until(is_so):
    end = time.monotonic() + 600
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_folder_without_end(work, build):
    """Boots that do not get through deleting are counted: then a new file system is made, or one
    boot goes without DATA, where there is no program for that."""
    with PartitionedDevice(work, build) as device:
        start(device)
        with device.at(LABEL) as data:
            os.makedirs(data + "/config/deep")
        lengthen(device.nodes[LABEL], "/config/deep")
        journal = device.persist + "/wmopkg/factory-reset"
        with device.at("wmopkg-persist") as persist:
            write(persist + "/wmopkg/factory-reset", "")
        with subprocess.Popen([device.tool, "--config", device.base + "/conf", "--root",
                               device.base + "/root"], stderr=subprocess.DEVNULL) as activation:
            wait_until(lambda: os.path.exists(journal) and '"erase"' in read(journal))
            activation.kill()
        noted = json.loads(read(journal))
        equal((noted["step"], noted["tries"]), ("erase", 1))
        wait_until(lambda: run("pgrep", "wmopkg-activate"[:15], check=False).returncode)
        device.reboot(completed=False)
        # it was killed before or after it had mounted DATA
        unmount_whole(device.data)
        unmount_whole(device.persist)
        # as three more of these leave it, and after that three that make a new one
        for makes, tries in ((False, 3), (True, 6), (True, 3)):
            noted["tries"] = tries
            with device.at("wmopkg-persist") as persist:
                write(persist + "/wmopkg/factory-reset", json.dumps(noted))
            if not makes:
                run("mount", "--bind", "/dev/null", "/sbin/mke2fs")
            device.activate()
            if not makes:
                unmount_now("/sbin/mke2fs")
            equal(device.see("etc/keep"), "keep\n")
            if tries == 3 and makes:
                break
            hint = "" if makes else (" (format it, or add the program that makes its file system to "
                                     "the initramfs)")
            equal(device.resets(), [f"{LEFT_OUT}timed-out: {tries} boots in a row did not get "
                                    f"through emptying it{hint}{NEXT}"])
            equal("tries" in json.loads(read(journal)), False)
            device.off()
        equal(device.resets()[-1:], [DONE + ", its file system is a new one"])
        equal((names(device.data), os.path.exists(journal)), (["lost+found"], False))


def test_journal_of_a_stranger(work, build):
    """It says that DATA is empty: that is seen, and not believed."""
    with PartitionedDevice(work, build) as device:
        start(device)
        for count, step in enumerate(("discard", "note", "close", "purge"), start=1):
            device.boot_with("quiet wmopkg.factory_reset=1")
            journal = WHOLE % (step, "true", 0)
            if step == "purge":  # which was tried three times: the reset gives that up
                journal = journal.replace("}", ',"purge":true,"purges":3}')
            with device.at("wmopkg-persist") as persist:
                write(persist + "/wmopkg/factory-reset", journal)
            with device.at(LABEL) as folder:
                write(folder + "/config/hostname", "hostile\n")
            device.activate()
            equal(device.resets()[-1].startswith(DONE), True, step)
            equal(names(device.data), ["lost+found"], step)
            equal(read(device.persist + "/wmopkg/audit.log").count('"factory-reset"'), count)
            device.boot_with("quiet")
            device.off()
            device.activate()
            device.off()
