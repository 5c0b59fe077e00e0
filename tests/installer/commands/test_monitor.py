#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`wmopkg monitor json`: what a program reads of a device as it changes, and the agent of docs/."""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, TESTS)
import schema  # noqa: E402  pylint: disable=wrong-import-position

AGENT = os.path.join(TESTS, "..", "docs", "examples", "monitor-agent.py")
PATIENCE_S = 60
# The fields of /proc/PID/stat, counted from the state.
UTIME, STIME = 11, 12


class Monitor(states.Case):
    def start(self, *words, program=None):
        """A monitor whose lines are read as they come."""
        process = subprocess.Popen(  # pylint: disable=consider-using-with
            [*(program or [bench.WMOPKG, "--config", "wmopkg.conf", "monitor", "json"]), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        lines = queue.Queue()

        def read():
            for line in process.stdout:
                lines.put(line)
            process.stdout.close()
            lines.put(None)

        reader = threading.Thread(target=read)
        reader.start()
        self.addCleanup(reader.join)
        self.addCleanup(process.kill)
        process.lines = lines
        return process

    def line(self, process):
        line = process.lines.get(timeout=PATIENCE_S)
        self.assertIsNotNone(line, "it has ended")
        return line

    def event(self, process):
        return schema.check("event", schema.parse(self.line(process).encode()))

    def until(self, process, kind):
        """The events up to the first of a kind."""
        events = [self.event(process)]
        while events[-1]["type"] != kind:
            events.append(self.event(process))
        return events

    def quiet(self, process):
        """Nothing is told, and nothing is done."""
        def used():
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
                fields = file.read().rpartition(")")[2].split()
            return int(fields[UTIME]) + int(fields[STIME])

        time.sleep(0.5)
        before = used()
        time.sleep(1)
        self.assertLessEqual(used() - before, 1)
        self.assertTrue(process.lines.empty())

    def test_life(self):
        self.install(self.package)
        self.booted(self.entry("pkgname"), boot=3)
        process = self.start()
        begin, device, package, ready = self.until(process, "ready")
        self.assertEqual(begin, {"type": "begin", "format": 1, "boot": 3, "last": 1})
        self.assertEqual(device, {"type": "device", "allow_untrusted": False})
        self.assertEqual((package["package"]["name"], package["package"]["status"]),
                         ("pkgname", "active"))
        self.assertEqual(ready, {"type": "ready"})

        shutil.copy(self.package, "other.wmopkg")
        self.wmopkg("remove", "pkgname", "--yes")
        log, package = self.event(process), self.event(process)
        self.assertEqual((log["type"], log["line"]["event"], log["line"]["number"]),
                         ("log", "remove", 2))
        self.assertEqual((package["package"]["name"], package["package"]["status"]),
                         ("pkgname", "removed"))

        self.wmopkg("install", "persistent", "other.wmopkg")
        events = {event["type"]: event for event in
                  (self.event(process) for _ in range(2))}
        self.assertEqual(events["log"]["line"]["package"], "other")
        self.assertEqual((events["package"]["package"]["persistent"],
                          events["package"]["package"]["status"]), (True, "pending"))

        self.wmopkg("remove", "other", "--yes")
        self.assertEqual([self.event(process)["type"], self.event(process)],
                         ["log", {"type": "gone", "name": "other", "persistent": True}])

        self.wmopkg("factory-reset", "--yes")
        events = self.until(process, "device")
        self.assertEqual(events[-1]["factory_reset"], "requested")
        self.wmopkg("factory-reset", "cancel")
        self.assertNotIn("factory_reset", self.until(process, "device")[-1])
        self.quiet(process)

    def test_waiting_set(self):
        """A set that cannot be completed yet, and then is."""
        self.install(self.package)
        process = self.start()
        self.until(process, "ready")
        told = self.leave_set("other", bench.read(self.package))
        waiting = self.until(process, "device")[-1]["waiting_set"]
        self.assertEqual((waiting["code"], waiting["message"]), ("waiting-set", told))
        shutil.rmtree("data/packages/other.wmopkg")
        self.assertNotIn("waiting_set", self.until(process, "device")[-1])
        self.assertTrue(os.path.isfile("data/packages/other.wmopkg"))

    def test_bytes_of_the_log(self):
        """A line can be checked as it stands."""
        self.install(self.package)
        process = self.start("since", "0")
        while (line := self.line(process).rstrip("\n")).startswith('{"type":"log"') is False:
            pass
        self.assertEqual(line, '{"type":"log","line":' +
                         bench.read("persist/wmopkg/audit.log").decode().rstrip("\n") + "}")

    def test_since(self):
        for _ in range(3):
            self.install(self.package)
        numbers = {}
        for since in ("0", "1", "3", "99"):
            process = self.start("since", since)
            numbers[since] = [event["line"]["number"] for event in self.until(process, "ready")
                              if event["type"] == "log"]
        self.assertEqual(numbers, {"0": [1, 2, 3], "1": [2, 3], "3": [],
                                   "99": [1, 2, 3]})  # a purge: it began again

    def test_missed(self):
        for _ in range(3):
            self.install(self.package)
        lines = bench.read("persist/wmopkg/audit.log").splitlines(True)
        bench.write("persist/wmopkg/audit.log", b"".join(lines[2:]))
        events = self.until(self.start("since", "0"), "ready")
        self.assertIn({"type": "missed", "first": 1, "last": 2}, events)

    def test_forged_line(self):
        """A high number does not hide what comes after it."""
        self.install(self.package)
        process = self.start("since", "0")
        self.until(process, "ready")
        line = json.loads(bench.read("persist/wmopkg/audit.log"))
        with open("persist/wmopkg/audit.log", "ab") as file:
            file.write(json.dumps({**line, "number": 1 << 62}, separators=(",", ":")).encode() + b"\n")
        self.install(self.package)
        self.assertIn("broken-log", [event["line"]["event"] for event in
                                     (self.event(process) for _ in range(2))
                                     if event["type"] == "log"])

    def test_error(self):
        """What cannot be read now is told, and read again."""
        self.install(self.package)
        head = bench.read("persist/wmopkg/audit.head")
        process = self.start()
        self.until(process, "ready")
        bench.write("persist/wmopkg/audit.head", head[:-9])
        error = self.until(process, "error")[-1]
        self.assertEqual(error["reason"]["code"], "audit")
        bench.write("persist/wmopkg/audit.head", head)
        self.install(self.package)
        self.until(process, "log")

    def test_no_folder_yet(self):
        process = self.start()
        self.assertEqual([event["type"] for event in self.until(process, "ready")],
                         ["begin", "device", "ready"])
        self.assertEqual(os.listdir("persist"), [])
        self.install(self.package)
        self.until(process, "package")

    def test_no_persist(self):
        """There is no audit log; packages are told all the same."""
        os.rmdir("persist")
        process = self.start()
        self.until(process, "ready")
        self.wmopkg("install", self.package)
        self.assertEqual([event["type"] for event in self.until(process, "package")], ["package"])

    def test_nothing_stays_open(self):
        """A volume can be unmounted."""
        self.install(self.package)
        process = self.start()
        self.until(process, "ready")
        self.quiet(process)
        names = os.listdir(f"/proc/{process.pid}/fd")
        opened = [os.readlink(f"/proc/{process.pid}/fd/{name}") for name in names]
        self.assertEqual([path for path in opened if path.startswith(self.folder)], [])

    def test_reader_leaves(self):
        with subprocess.Popen([bench.WMOPKG, "--config", "wmopkg.conf", "monitor", "json"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.readline()
            process.stdout.close()
            self.assertEqual((process.wait(PATIENCE_S), process.stderr.read()), (0, b""))

    def test_words(self):
        for words in ((), ("since", "1"), ("json", "since"), ("json", "since", "x"),
                      ("json", "since", "-1"), ("json", "since", "9223372036854775808")):
            with self.subTest(words):
                result = self.wmopkg("monitor", *words)
                self.assertEqual((result.returncode, result.stdout), (2, ""))

    def test_agent(self):
        """It goes on where it ended."""
        command = [sys.executable, AGENT, "number", bench.WMOPKG, "--config", "wmopkg.conf"]
        self.install(self.package)
        process = self.start(program=command)
        self.assertEqual([self.line(process), self.line(process)],
                         ["log 1 install pkgname ok\n", "package pkgname 5.26.0-rev0 unknown\n"])
        process.terminate()
        process.wait()
        self.wmopkg("remove", "pkgname", "--yes")
        process = self.start(program=command)
        self.assertEqual(self.line(process), "log 2 remove pkgname ok\n")
        deadline = time.monotonic() + PATIENCE_S  # it is kept after it was reported
        while bench.read("number") != b"2\n":
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_zz_schema(self):
        """The tests before this one have seen all keys that are not those of show.json."""
        self.assertEqual([key for key in schema.unseen("event") if not key.endswith(("/locked", "/waiting_set"))], [])


if __name__ == "__main__":
    unittest.main()
