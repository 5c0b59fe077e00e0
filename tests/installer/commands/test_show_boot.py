#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wmopkg show boot: how long each step of a boot took, as text, as JSON and as an SVG image."""

import json
import os
import re
import socket
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import states  # noqa: E402
from typist import Typist  # noqa: E402

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests"))
import schema  # noqa: E402  pylint: disable=wrong-import-position

SVG = "{http://www.w3.org/2000/svg}"
ORDER = ("prepare", "volumes", "reset", "trust", "judge", "try", "attach", "stack", "record", "seed")
BEGAN = 2104511
STEPS = {"prepare": (0, 1400), "volumes": (1400, 26900), "trust": (26900, 30050),
         "judge": (30050, 73100), "try": (73200, 79300), "attach": (79300, 124400),
         "stack": (124400, 126600), "record": (126700, 131200)}
NEVER = {"start_us": 0, "end_us": 0}
DAMAGED = "image: block 7 of 25, at byte 40960 of the file, does not match"
NOTHING = ("nothing was activated in this boot, so there is nothing to show (wmopkg-activate, "
           "which the initramfs runs, did not complete; see: dmesg | grep wmopkg)")
OLD = ("no times were recorded in this boot: its wmopkg-activate is an older version (build the "
       "initramfs again)")


def span(times):
    return {"start_us": BEGAN + times[0], "end_us": BEGAN + times[1]} if times else NEVER


class Boot(states.Case):
    def part(self, name, judging, attaching=None, **facts):
        return {**self.entry(name, **facts), "judging": span(judging), "attaching": span(attaching)}

    def booted_with(self, *entries, steps=None, **facts):
        steps = STEPS if steps is None else steps
        self.booted(*entries, steps={name: span(steps.get(name)) for name in ORDER},
                    **{"boot": 12, **facts})

    def example(self):
        self.booted_with(
            self.part("alpha", (30100, 32900), (79300, 99300)),
            self.part("beta", (30080, 71100), (99300, 124390)),
            self.part("damaged", (33000, 33900), active=False, verification="Invalid",
                      code="image-mismatch", message=DAMAGED))

    def told(self):
        shown = self.wmopkg("show", "boot", "json")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        return schema.check("timeline", schema.parse(shown.stdout.encode()))

    def picture(self):
        shown = self.wmopkg("show", "boot", "svg")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        return ElementTree.fromstring(shown.stdout.encode())

    def bars(self, picture):
        """(what, text of it) of all bars."""
        return [bar.find(SVG + "title").text for bar in picture.iter(SVG + "rect")
                if bar.find(SVG + "title") is not None]


class Text(Boot):
    def test_as_documented(self):
        self.example()
        page = bench.read(os.path.join(ROOT, "docs", "show.md")).decode()
        shown = re.search(r"```\n(Boot 12: .*?)```", page, re.S).group(1)
        self.assertEqual(self.terminal(80, "show", "boot"), shown)

    def test_narrow(self):
        self.example()
        shown = self.terminal(40, "show", "boot", LC_ALL="de_DE.ISO-8859-1")
        self.assertEqual(shown, """\
Boot 12: 2 of 3 packages active
Activation: 131.2 ms, from 2104.5 ms
  after the kernel started

STEP         AT ms  TOOK ms
prepare        0.0      1.4  |
volumes        1.4     25.5  ###
trust         26.9      3.2    #
judge         30.1     43.1    #####
  beta        30.1     41.0*   ####
  alpha       30.1      2.8    |
  damaged     33.0      0.9    |
try           73.2      6.1        #
attach        79.3     45.1*       #####
  alpha       79.3     20.0        ###
  beta        99.3     25.1*         ###
stack        124.4      2.2            #
record       126.7      4.5            |
* took longest: of the steps, and of the
  packages of each

damaged: Invalid, not active: image:
    block 7 of 25, at byte 40960 of the
    file, does not match
""")

    def test_a_file_has_all(self):
        """No name is cut where no terminal asks for it."""
        name = "n" * 64
        self.booted_with(self.part(name, (30100, 32900), (79300, 99300)))
        self.assertIn(f"\n  {name}     30.1      2.8", self.wmopkg("show", "boot").stdout)
        self.assertIn("n…     30.1      2.8", self.terminal(80, "show", "boot"))

    def test_safe_mode(self):
        self.booted_with(self.part("alpha", (30100, 32900), active=False, code="safe-mode",
                                   message="all are left out"), safe=True)
        shown = self.wmopkg("show", "boot").stdout
        self.assertTrue(shown.startswith("Boot 12: 0 of 1 package active, safe mode\n"), shown)
        self.assertTrue(shown.endswith("\n\nalpha: Signed, not active: all are left out\n"), shown)

    def test_stack_failed(self):
        steps = {name: STEPS[name] for name in ("prepare", "volumes")}
        self.booted_with(steps=steps, stack={"code": "stack-failed", "message": "no\x1broom"})
        shown = self.wmopkg("show", "boot")
        self.assertEqual((shown.returncode, shown.stdout), (1, ""))
        self.booted_with(steps=steps, boot=0, stack={"code": "stack-failed", "message": "no room"})
        self.succeed("""\
This boot: 0 of 0 packages active
Activation: 26.9 ms, from 2104.5 ms after the kernel started
No stack: no room

STEP        AT ms  TOOK ms
prepare       0.0      1.4  ███
volumes       1.4     25.5*   ██████████████████████████████████████
* took longest: of the steps, and of the packages of each
""", "show", "boot")

    def test_nothing_to_tell(self):
        for words in ((), ("json",), ("svg",)):
            self.check(4, "", NOTHING, "show", "boot", *words)
        self.booted(self.entry("alpha"))
        for words in ((), ("json",), ("svg",)):
            self.check(4, "", OLD, "show", "boot", *words)
        bench.write("run/state.json", b"{")
        shown = self.wmopkg("show", "boot")
        self.assertEqual((shown.returncode, shown.stdout), (1, ""))
        self.assertIn("state: not JSON: incomplete at byte 1", shown.stderr)

    def test_output_lost(self):
        self.example()
        with open("/dev/full", "wb") as full:
            for words in ((), ("json",), ("svg",)):
                done = subprocess.run([bench.WMOPKG, "--config", "wmopkg.conf", "show", "boot",
                                       *words], stdout=full, stderr=subprocess.PIPE, text=True,
                                      check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn("output could not be written: No space left on device\n", done.stderr)

    def test_in_the_shell(self):
        self.example()
        host = socket.gethostname().split(".")[0]
        typist = Typist(env=dict(os.environ, TERM="dumb", COLUMNS="80"))
        self.addCleanup(typist.process.kill)
        for prompt, words in ((f"{host}:/#> ", "show boot\n"), (f"{host}:/#> ", "package\n"),
                              (f"{host}:/package/#> ", "show boot\n")):
            typist.expect(prompt)
            typist.type(words)
            if words == "show boot\n":
                typist.expect("volumes        1.4     25.5  ###########\n")
                typist.expect("does not match\n")
        typist.type("exit\n")
        self.assertEqual(typist.end(), 0)

    def test_a_package_of_that_name(self):
        """It can be shown and removed, and none can be installed any more."""
        self.place(self.package, "boot")
        self.assertIn("\nVersion: 5.26.0-rev0\n", self.wmopkg("list", "boot").stdout)
        self.check(0, "Removed... Changes are applied after reboot.\n", "", "remove", "boot",
                   "--yes")
        bench.write("boot.wmopkg", bench.read(self.package))
        done = self.wmopkg("install", "./boot.wmopkg")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'boot' is a word of the commands, not a name a package may have",
                      done.stderr)


class Json(Boot):
    def test_to_the_letter(self):
        self.example()
        told = self.told()
        self.assertEqual((told["boot"], told["safe"], told["began_us"], told["took_us"]),
                         (12, False, BEGAN, 131200))
        self.assertEqual(told["steps"], [
            {"step": step, "start_us": start, "took_us": end - start,
             **({"slowest": True} if step == "attach" else {})}
            for step, (start, end) in STEPS.items()])
        self.assertEqual(told["packages"], [
            {"name": "alpha", "persistent": False, "version": "5.26.0-rev0",
             "verification": "Signed", "active": True,
             "judging": {"start_us": 30100, "took_us": 2800},
             "attaching": {"start_us": 79300, "took_us": 20000}},
            {"name": "beta", "persistent": False, "version": "5.26.0-rev0",
             "verification": "Signed", "active": True,
             "judging": {"start_us": 30080, "took_us": 41020, "slowest": True},
             "attaching": {"start_us": 99300, "took_us": 25090, "slowest": True}},
            {"name": "damaged", "persistent": False, "version": "5.26.0-rev0",
             "verification": "Invalid", "active": False,
             "reason": {"code": "image-mismatch", "message": DAMAGED, "hint": bench.AGAIN},
             "judging": {"start_us": 33000, "took_us": 900}}])

    def test_stack_failed(self):
        self.booted_with(steps={"prepare": (0, 10)}, boot=0,
                         stack={"code": "stack-failed", "message": "no room"})
        told = self.told()
        self.assertEqual((told["stack"]["code"], told["packages"], "boot" in told),
                         ("stack-failed", [], False))

    def test_every_key_is_told(self):
        self.test_to_the_letter()
        self.test_stack_failed()
        self.assertEqual(schema.unseen("timeline"), [])


class Picture(Boot):
    def test_bars(self):
        self.example()
        picture = self.picture()
        self.assertEqual(picture.tag, SVG + "svg")
        self.assertEqual(self.bars(picture)[:2], ["prepare: 1.4 ms, from 0.0 ms",
                                                  "volumes: 25.5 ms, from 1.4 ms"])
        self.assertEqual(self.bars(picture)[8:], [
            "judging: 41.0 ms, from 30.1 ms", "attaching: 25.1 ms, from 99.3 ms",
            "judging: 2.8 ms, from 30.1 ms", "attaching: 20.0 ms, from 79.3 ms",
            "judging: 0.9 ms, from 33.0 ms"])

    def test_lies_within(self):
        """Bars and texts are on the picture, one below the other."""
        self.example()
        picture = self.picture()
        width, height = (float(picture.get(key)) for key in ("width", "height"))
        rows = []
        for rect in picture.iter(SVG + "rect"):
            x, y = (float(rect.get(key, 0)) for key in ("x", "y"))
            self.assertGreaterEqual(x, 0)
            self.assertLessEqual(x + float(rect.get("width")), width)
            self.assertLessEqual(y + float(rect.get("height")), height)
            if rect.find(SVG + "title") is not None:
                rows.append(y)
        self.assertEqual(rows, sorted(rows))
        self.assertEqual(len(set(rows)), 8 + 3)
        for text in picture.iter(SVG + "text"):
            self.assertLess(float(text.get("x")), width)
            self.assertLess(float(text.get("y")), height)

    def test_complete_in_itself(self):
        self.example()
        for item in self.picture().iter():
            self.assertIn(item.tag, [SVG + tag for tag in ("svg", "rect", "text", "line", "g",
                                                           "title")])
            for key in item.keys():
                self.assertNotRegex(key, "href|^on|style|class")

    def test_hostile_texts(self):
        """What packages say of themselves is text, and nothing else, whatever it is."""
        text = "]]></title><script>x()</script>&amp;\"'é 漢字"
        self.booted_with({**self.part("a", (30100, 32900), (79300, 99300)), "description": text,
                          "version": "<1>&"},
                         {**self.part("b", (30100, 32900), active=False, code="io",
                                      message=text), "description": ""},
                         stack={"code": "stack-failed", "message": text})
        picture = self.picture()
        titles = [item.text for item in picture.iter(SVG + "title")]
        self.assertIn(f"a <1>&: Signed, active\n{text}", titles)
        self.assertIn(f"b 5.26.0-rev0: Signed, not active: {text}", titles)
        self.assertIn(f"no stack: {text}", [item.text for item in picture.iter(SVG + "text")])
        self.assertEqual([item for item in picture.iter() if "script" in item.tag], [])

    def test_any_time(self):
        """Also where all of it took no time, or ages, and what lies outside its step."""
        latest = 1 << 53
        for steps in ({"prepare": (0, 0)}, {"prepare": (0, 1)}, {"judge": (0, latest - BEGAN)},
                      {"judge": (-BEGAN + 1, -BEGAN + 2), "seed": (latest - BEGAN,) * 2}):
            self.booted_with(self.part("a", (5, 6), (7, 8)), steps=steps)
            ticks = [line for line in self.picture().iter(SVG + "line")]
            self.assertIn(len(ticks), range(1, 10), steps)
            self.assertEqual(self.wmopkg("show", "boot").returncode, 0)
            self.told()

    def test_many(self):
        self.booted_with(*(self.part(f"p{i:04}", (i * 10, i * 10 + 9), (30000 + i * 5,) * 2)
                           for i in range(2048)))
        self.assertEqual(len(self.bars(self.picture())), 8 + 2 * 2048)


if __name__ == "__main__":
    unittest.main()
