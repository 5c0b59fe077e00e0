# SPDX-License-Identifier: MIT
"""The audit log of a device: boots and commands, in one chain that no cut of the power and
no killed program breaks; and what is said to syslog of it."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time

import effort
import uml
from device import AUDIT, Device, Vendor, equal, kernel_log, read, run

LOG = "persist/wmopkg/audit.log"
BOOTS = "persist/wmopkg/audit.boots"


def cuts():
    """Each of them is a boot of its own."""
    return effort.choose((0, 1, 2), (1,))


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("good", {"etc/good": "good\n"})
    vendor.make("plain", {"etc/plain": "plain\n"}, signer=None)
    for number in cuts():
        cut_power(work, build, number)


def cut_power(work, build, number):
    """Boot a kernel that adds line after line, and kill it in the middle of that."""
    cut = f"{work}/cut{number}"
    for folder in ("data/packages", "persist/packages", "uml", "run"):
        os.makedirs(f"{cut}/{folder}")
    shutil.copytree(work + "/keys", cut + "/keys")
    shutil.copytree(work + "/packages", cut + "/packages")
    lines = 3 + 2 * number

    def written():
        try:
            return read(f"{cut}/{LOG}").count("\n") >= lines
        except OSError:
            return False

    equal(uml.boot(cut, build, "audit_cut", 60, cut=written), None, "the power was cut")


def lines_of(device):
    """What is no line is a warning."""
    return [json.loads(line) for line in device.tell("audit", "json").splitlines()
            if line.startswith("{")]


def events(device):
    return [(line["boot"], line["user"], line["event"], line.get("package"),
             line.get("verdict"), line.get("code", "ok")) for line in lines_of(device)]


def whole(device):
    lines = lines_of(device)
    equal(device.tell("audit", "verify").splitlines()[0],
          f"Audit log: {len(lines)} line{'s' if len(lines) != 1 else ''}, number {lines[0]['number']} to "
          f"{lines[-1]['number']}, not changed.")
    return len(lines)


def test_boots_and_commands(work, build):
    good, plain = f"{work}/packages/good.wmopkg", f"{work}/packages/plain.wmopkg"
    with Device(work, build) as device:
        device.activate()
        device.tell("install", good)
        device.tell("install", plain, status=3)
        device.reboot()
        device.activate()
        equal(device.state()["boot"], 2)
        device.install(plain)  # past the installer
        device.reboot()
        device.activate()
        device.tell("remove", "good", "--yes")
        equal(events(device), [
            (1, "boot", "boot", None, None, "ok"),
            (1, "root", "install", "good", "Signed", "ok"),
            (1, "root", "refuse", "plain", "Unsigned", "no-signature"),
            (2, "boot", "boot", None, None, "ok"),
            (2, "boot", "activate", "good", "Signed", "ok"),
            (3, "boot", "boot", None, None, "ok"),
            (3, "boot", "activate", "good", "Signed", "ok"),
            (3, "boot", "refuse", "plain", "Unsigned", "no-signature"),
            (3, "root", "remove", "good", None, "ok")])
        installed, active = lines_of(device)[1], lines_of(device)[4]
        equal(installed["id"], active["id"])
        equal(installed["signer"], active["signer"])
        equal(installed["source"], good)
        equal(whole(device), 9)


def test_changed_between_boots(work, build):
    """The boot says so, sets it aside, and goes on."""
    with Device(work, build) as device:
        device.install(f"{work}/packages/good.wmopkg")
        device.activate()
        path = f"{device.base}/{BOOTS}"
        changed = read(path).replace('"activate"', '"refuse"')
        with open(path, "w", encoding="utf-8") as file:
            file.write(changed)
        assert "wmopkg: audit.boots, line 2: its digest does not match" in \
            device.tell("audit", "verify", status=1)
        device.reboot()
        device.activate()
        equal(read(path + ".broken"), changed)
        equal(device.see("etc/good"), "good\n")
        equal([event[:3] for event in events(device)], [
            (2, "boot", "broken-log"), (2, "boot", "boot"), (2, "boot", "activate")])
        equal([line["number"] for line in lines_of(device)], [3, 4, 5])
        device.tell("audit", "verify", status=1)
        os.unlink(path + ".broken")
        equal(whole(device), 3)


def test_junk(work, build):
    """However many files are in a store: what was done stays, and a boot has a few lines."""
    with Device(work, build) as device:
        device.configure(audit_bytes=16384)
        device.activate()
        device.tell("install", f"{work}/packages/good.wmopkg")
        for number in range(1000):
            open(f"{device.base}/data/packages/junk{number}.wmopkg", "wb").close()
        for _ in range(2):
            device.reboot()
            device.activate()
        lines = lines_of(device)
        equal([line["event"] for line in lines],
              ["boot", "install", "boot", "activate", "refuse", "boot"])
        equal(lines[4]["detail"].startswith("junk0, junk1, "), True)
        equal(lines[5]["detail"].endswith(", as in boot 2"), True)
        whole(device)
        record = f"{device.base}/persist/wmopkg"
        size = sum(os.path.getsize(f"{record}/{name}") for name in os.listdir(record)
                   if name.startswith("audit."))
        assert size < 16384, size


def test_boots_that_change_nothing(work, build):
    """Each is one line; a boot that did not get to its end is named by the next."""
    with Device(work, build) as device:
        device.tell("install", f"{work}/packages/good.wmopkg")
        for _ in range(3):
            device.activate()
            device.reboot()
        head = f"{device.base}/persist/wmopkg/audit.head"
        equal([event[:3] for event in events(device)], [
            (0, "root", "install"), (1, "boot", "boot"), (1, "boot", "activate"),
            (2, "boot", "boot"), (3, "boot", "boot")])
        equal(lines_of(device)[-1]["detail"], "1 active, 0 not, as in boot 1")
        equal(json.loads(read(head))["boot"], 3)
        device.activate()
        line = [line for line in kernel_log() if line.startswith(AUDIT)][-1]
        equal(line, f"wmopkg: audit log: number {lines_of(device)[-1]['number']}, digest "
              f"{lines_of(device)[-1]['digest']}")


def test_deleted_between_boots(work, build):
    """A completed boot has noted the newest line elsewhere: that the log is gone shows."""
    with Device(work, build) as device:
        device.install(f"{work}/packages/good.wmopkg")
        device.activate()
        device.tell("boot-complete")
        last = lines_of(device)[-1]["number"]
        record = f"{device.base}/persist/wmopkg"
        for name in os.listdir(record):
            if name.startswith("audit."):
                os.unlink(f"{record}/{name}")
        assert "was there when a boot was completed" in device.tell("audit", "verify", status=1)
        device.reboot()
        device.activate()
        first = lines_of(device)[0]
        equal((first["event"], first["number"]), ("broken-log", last + 1))


def test_no_persist(work, build):
    with Device(work, build) as device:
        device.configure(persist="/nowhere")
        device.install(f"{work}/packages/good.wmopkg")
        device.activate()
        equal(device.see("etc/good"), "good\n")
        equal(device.state()["boot"], 0)


def test_power_cut(work, build):
    """Whatever the power was cut in: the log is whole, and goes on."""
    for number in cuts():
        cut = f"{work}/cut{number}"
        with Device(work, build) as device:
            shutil.copytree(f"{cut}/persist/wmopkg", f"{device.base}/persist/wmopkg")
            before = whole(device)
            assert before >= 2, before
            device.activate()
            # and refusals that were only counted are a line, too
            assert before + 1 <= whole(device) <= before + 2


def test_killed(work, build):
    """A program that is killed anywhere leaves a log that is whole."""
    chance = random.Random(20260301)
    with Device(work, build) as device:
        device.configure(audit_bytes=16384)
        words = [device.wmopkg, "--config", device.base + "/conf", "install",
                 f"{work}/packages/good.wmopkg"]
        begun = time.monotonic()
        run(*words, check=False)
        seconds = time.monotonic() - begun
        count = whole(device)
        for _ in range(effort.choose(100, 6)):
            command = subprocess.Popen(words, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.1, 1) * seconds)
            command.send_signal(signal.SIGKILL)
            command.wait()
            count = whole(device)
        device.tell("install", f"{work}/packages/good.wmopkg")
        assert whole(device) > count


def receive(listener):
    listener.settimeout(5)
    return listener.recv(8192).decode()


def test_syslog(work, build):
    """What the installer does goes to whoever listens at /dev/log."""
    base = f"{work}/listener"
    os.mkdir(base)
    run("mount", "-t", "tmpfs", "tmpfs", base)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(base + "/log")
            open(base + "/null", "wb").close()
            with Device(work, build) as device:
                check_syslog(work, device, base, listener)
    finally:
        run("umount", "-l", base)


def check_syslog(work, device, base, listener):
    def quietly(*words):
        """wmopkg where /dev holds nothing but the socket and what a program needs."""
        script = f"mount --bind /dev/null {base}/null; mount --bind {base} /dev; exec \"$@\""
        return run("unshare", "-m", "sh", "-c", script, "sh", device.wmopkg, "--config",
                   device.base + "/conf", *words, check=False)

    done = quietly("install", f"{work}/packages/good.wmopkg")
    equal(done.returncode, 0, done.stdout)
    told = receive(listener)
    # authpriv is 10 * 8, a notice 5, a warning 4
    assert told.startswith("<85>"), told
    assert " wmopkg[" in told, told
    line = lines_of(device)[-1]
    assert f"]: install user=root package=good version=1.0 verdict=Signed number=1 " \
        f"digest={line['digest']} source={work}/packages/good.wmopkg" in told, told
    done = quietly("install", f"{work}/packages/plain.wmopkg")
    equal(done.returncode, 3, done.stdout)
    told = receive(listener)
    assert told.startswith("<84>"), told
    assert "]: refuse user=root package=plain version=1.0 verdict=Unsigned number=2 " in told
    assert ' code=no-signature ' in told and ' reason="' in told, told
    odd = f'{work}/odd user="x" a=b'
    shutil.copytree(work + "/packages", odd)
    quietly("install", odd + "/plain.wmopkg")
    told = receive(listener)
    assert f""" source="{work}/odd user='x' a=b/plain.wmopkg" reason=""" in told, told
    done = quietly("remove", "good", "--yes")
    equal(done.returncode, 0, done.stdout)
    assert "]: remove user=root package=good" in receive(listener)
