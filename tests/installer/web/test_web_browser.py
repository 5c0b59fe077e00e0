#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pages of wmopkg-web in Chromium: with the mouse, with the keyboard only, on a phone, and
without JavaScript.

	test_web_browser.py --pictures FOLDER		also a picture of each page
"""

import contextlib
import os
import re
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import bench  # noqa: E402
import served  # noqa: E402
import webdriver  # noqa: E402

PICTURES = None
INSTALLED = "Installed... Changes are applied after reboot."
BEGAN = 2104511
STEPS = {"prepare": (0, 1400), "volumes": (1400, 26900), "reset": None, "trust": (26900, 30050),
         "judge": (30050, 73100), "try": (73200, 79300), "attach": (79300, 124400),
         "stack": (124400, 126600), "record": (126700, 131200), "seed": None}
# What axe and others measure: the contrast of each text with what is behind it.
CONTRAST = """
const light = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92
	: ((value + 0.055) / 1.055) ** 2.4; };
const parse = (text) => { const found = text.match(/[\\d.]+/g).map(Number);
	return found.length < 4 ? [...found, 1] : found; };
const shine = (color) => 0.2126 * light(color[0]) + 0.7152 * light(color[1])
	+ 0.0722 * light(color[2]);
const behind = (element) => { for (; element; element = element.parentElement) {
	const color = parse(getComputedStyle(element).backgroundColor);
	if (color[3] === 1) return color; } return [255, 255, 255, 1]; };
const bad = [];
for (const element of document.querySelectorAll("body *")) {
	const text = [...element.childNodes].some((node) => node.nodeType === 3
		&& node.data.trim());
	const box = element.getBoundingClientRect();
	if (!text || box.width < 2 || element.closest("svg")) continue;
	const [a, b] = [shine(parse(getComputedStyle(element).color)), shine(behind(element))];
	const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	if (contrast < 4.5) bad.push(element.outerHTML.slice(0, 90) + " " + contrast.toFixed(2));
}
return bad;
"""


def span(times):
    first, last = times or (-BEGAN, -BEGAN)
    return {"start_us": BEGAN + first, "end_us": BEGAN + last}


class SlowPipe:
    """A way to a web server that takes @rate bytes a second after the first @fast of each
    connection."""

    def __init__(self, port, fast, rate):
        self.target, self.fast, self.rate = port, fast, rate
        self.sent = 0  # by the connection that has sent most
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                link, _ = self.server.accept()
                threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, link):
        with link, socket.create_connection(("127.0.0.1", self.target)) as target:
            back = threading.Thread(target=self.pass_back, args=(target, link), daemon=True)
            back.start()
            moved = 0
            with contextlib.suppress(OSError):
                while data := link.recv(16384):
                    if moved > self.fast:
                        time.sleep(len(data) / self.rate)
                    target.sendall(data)
                    moved += len(data)
                    self.sent = max(self.sent, moved)
                target.shutdown(socket.SHUT_WR)
            back.join()

    @staticmethod
    def pass_back(target, link):
        with contextlib.suppress(OSError):
            while data := target.recv(65536):
                link.sendall(data)
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


class Browser(served.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        driver = webdriver.Driver()
        cls.addClassCleanup(driver.close)
        cls.browser = webdriver.Browser(driver)
        cls.addClassCleanup(cls.browser.close)
        cls.browser.chrome("Network.enable")
        cls.driver = driver
        cls.unsigned = cls.make("unsigned")
        cls.large = cls.make_large()

    @classmethod
    def make_large(cls):
        """A package of 8 MiB with a wrong bit in the first block of its image."""
        tree = f"{cls.shared}/large-tree"
        os.mkdir(tree)
        bench.write(f"{tree}/noise", os.urandom(8 << 20))
        path = bench.make_package(f"{cls.shared}/large.wmopkg", tree, keys=cls.keys)
        content = bytearray(bench.read(path))
        content[content.index(b"hsqs") + 100] ^= 1
        return bench.write(path, content)

    def setUp(self):
        super().setUp()
        self.server = served.WebServer(self.folder)
        self.addCleanup(self.server.close)
        self.url = self.server.url
        self.log_in(self.browser, self.url)
        self.browser.size(1200, 800)
        self.browser.look(dark=False)

    def log_in(self, browser, url):
        """Basic authentication, as the address has it once."""
        browser.open(url.replace("://", f"://{served.USER}:{served.PASSWORD}@"))
        browser.open(url)

    def messages(self, browser=None):
        browser = browser or self.browser
        return [line.text for line in browser.find_all("#messages .message")]

    def picture(self, name):
        if PICTURES:
            self.browser.picture(f"{PICTURES}/{name}.png", whole=True)

    def example(self):
        """A device with a package in each state, after a boot with times."""
        for name, version, text in (("brand", "1.4.0", "ACME brand: banner, host name, web page"),
                                    ("nginx", "1.22.1", "Web server"),
                                    ("routing", "3.0.2", "Routing licence: OSPF, BGP")):
            path = bench.make_package(f"{self.folder}/{name}.wmopkg", f"{self.shared}/tree",
                                      "--version", version, "--description", text, keys=self.keys)
            self.install(path, *(["persistent"] if name == "brand" else []))
        part = {"judging": span((30100, 62900)), "attaching": span((79300, 99300)),
                "description": "ACME brand: banner, host name, web page"}
        late = {"judging": span((30080, 71100)), "attaching": span((99300, 124390)),
                "description": "Web server"}
        self.craft("debug-tools", description="Tools for the bench", version="0.3")
        self.booted({**self.entry("brand", store="persist", version="1.4.0"), **part},
                    {**self.entry("nginx", version="1.22.1"), **late},
                    {**self.entry("debug-tools", verification="Unsigned", active=False,
                                  version="0.3", code="no-signature",
                                  message="it has no signature"),
                     "judging": span((62900, 66000)), "attaching": span(None)},
                    {**self.entry("snmp", version="2.1"), **part, "description": "SNMP agent"},
                    boot=12, steps={name: span(times) for name, times in STEPS.items()})

    def test_pages(self):
        """Each page, light and dark, at a desk and on a phone: no scrolling aside, no text that
        is hard to read."""
        self.example()
        browser = self.browser
        for page in ("packages", "package&name=brand", "remove&name=nginx", "install", "pending",
                     "boot", "conflicts", "audit", "device", "reset", "reboot"):
            browser.size(1200, 800)
            browser.look(dark=False)
            browser.open(f"{self.url}?page={page}")
            self.assertEqual(len(browser.find_all("h1")), 1, page)
            self.assertEqual(browser.run("return document.querySelectorAll('main input:not("
                                         "[type=hidden]), main select').length - document."
                                         "querySelectorAll('main label').length"), 0, page)
            name = page.split("&")[0]
            for width, height, phone in ((1200, 800, False), (390, 844, True)):
                browser.size(width, height, phone)
                self.assertEqual(browser.run("return document.documentElement.scrollWidth - "
                                             "document.documentElement.clientWidth"), 0, page)
                for dark in (False, True):
                    browser.look(dark)
                    self.assertEqual(browser.run(CONTRAST), [], f"{page}, dark: {dark}")
                    self.picture(f"{name}{'-phone' if phone else ''}{'-dark' if dark else ''}")

    def test_phone(self):
        """What is pressed is large enough for a finger, and a row says what each cell is."""
        self.example()
        self.browser.size(390, 844, phone=True)
        for page in ("packages", "install", "reset"):
            self.browser.open(f"{self.url}?page={page}")
            for element in self.browser.find_all("button, .button, nav a, select"):
                self.assertGreaterEqual(element.rect()["height"], 36, element.text)
        self.browser.open(self.url)
        shown = self.browser.run("return getComputedStyle(document.querySelector('td[data-label="
                                 "Version]'), '::before').content")
        self.assertEqual(shown, '"Version"')
        self.browser.open(f"{self.url}?page=conflicts")
        cells = self.browser.run("return [...document.querySelectorAll('td')].map((cell) => "
                                 "[cell.childNodes.length, cell.offsetHeight])")
        for parts, height in cells:
            # one thing beside what it is, and no line for nothing
            self.assertLessEqual(parts, 1)
            self.assertEqual(height > 0, parts > 0)

    def choose(self, browser, path):
        browser.open(f"{self.url}?page=install")
        browser.find("#file").type(path)

    def test_upload(self):
        """A good one, and then one that is refused; both with words of the device."""
        browser = self.browser
        self.choose(browser, self.package)
        browser.find("form[data-action=upload] button").click()
        browser.find(".message.done")
        self.assertEqual(self.messages(), ["Note PKG: Signed", f"Done {INSTALLED}"])
        self.assertIn("page=packages", browser.url)
        self.assertEqual(browser.find("tbody th").text, "pkgname")
        self.choose(browser, self.unsigned)
        browser.find("form[data-action=upload] button").click()
        self.assertEqual(browser.find(".message.error").text,
                         f"Error unsigned.wmopkg: Unsigned: {bench.UNSIGNED}")
        # the same form again, with the right file
        browser.run("document.querySelector('#file').value = ''")
        browser.find("#file").type(self.package)
        browser.find("form[data-action=upload] button").click()
        browser.find(".message.done")
        self.assertIn("Note Replaces version 5.26.0-rev0 with the same version.", self.messages())

    def test_early_refusal(self):
        """Of 8 MiB over a slow line, whose first block is wrong, little is sent."""
        pipe = SlowPipe(self.server.port, 200000, 400000)
        self.addCleanup(pipe.close)
        self.url = f"http://127.0.0.1:{pipe.port}/cgi-bin/packages"
        self.log_in(self.browser, self.url)
        self.choose(self.browser, self.large)
        self.browser.find("form[data-action=upload] button").click()
        self.assertRegex(self.browser.find(".message.error").text,
                         r"^Error large\.wmopkg: .*(block|image).* does not match .*\(the copy is "
                         "damaged or was changed: get it again\\)$")
        self.assertLess(pipe.sent, 4 << 20)
        self.picture("refused")

    def test_progress(self):
        pipe = SlowPipe(self.server.port, 1 << 20, 1 << 20)
        self.addCleanup(pipe.close)
        self.url = f"http://127.0.0.1:{pipe.port}/cgi-bin/packages"
        self.log_in(self.browser, self.url)
        self.choose(self.browser, self.package)
        self.browser.find("form[data-action=upload] button").click()
        self.browser.find("progress[value]")
        self.assertRegex(self.browser.find("form[data-action=upload] output").text,
                         r"(Sent|Verified) [0-9.]+ [KM]iB of 3\.0 MiB")
        self.picture("progress")
        self.browser.find(".message.done")

    def test_remove_and_reset(self):
        self.install(self.package)
        browser = self.browser
        browser.open(self.url)
        browser.find("a[aria-label='Remove pkgname']").click()
        browser.find("button.danger").click()
        browser.find(".message.done")
        self.assertEqual(self.messages(), ["Done Removed... Changes are applied after reboot."])
        browser.open(f"{self.url}?page=device")
        browser.find("a.danger").click()
        # the browser itself asks for the confirmation
        browser.find("button.danger").click()
        self.assertIn("page=reset", browser.url)
        self.assertFalse(os.path.exists("persist/wmopkg/factory-reset"))
        browser.find("input[name=confirm]").click()
        browser.find("button.danger").click()
        browser.find(".message.done")
        self.assertTrue(os.path.exists("persist/wmopkg/factory-reset"))
        browser.find("form[data-action=reset_cancel] button").click()
        browser.find("a.danger")
        self.assertFalse(os.path.exists("persist/wmopkg/factory-reset"))

    def tab_to(self, text):
        """Press Tab until something with this text has the focus, which is seen."""
        for _ in range(40):
            self.browser.press(webdriver.TAB)
            element = self.browser.focused()
            outline = self.browser.run("const style = getComputedStyle(document.activeElement); "
                                       "return style.outlineStyle + style.outlineWidth")
            self.assertEqual(outline, "solid3px", element.text)
            if text in (element.text, element.attribute("aria-label")):
                return
        self.fail(f"no {text} by Tab")

    def test_keyboard(self):
        """Everything without a mouse."""
        self.install(self.package)
        browser = self.browser
        browser.open(self.url)
        self.tab_to("Skip to the content")
        browser.press(webdriver.ENTER)
        self.tab_to("pkgname")
        self.tab_to("Remove pkgname")
        browser.press(webdriver.ENTER)
        browser.find("button.danger")
        self.tab_to("Remove pkgname")
        browser.press(webdriver.ENTER)
        browser.find(".message.done")
        self.assertEqual(bench.listing("data"), ["data/packages"])

    def test_no_script(self):
        """All of it as plain forms: the file is sent, the page comes, also that of a refusal."""
        browser = webdriver.Browser(self.driver, script=False)
        self.addCleanup(browser.close)
        self.log_in(browser, self.url)
        self.choose(browser, self.unsigned)
        browser.find("form[data-action=upload] button").click()
        self.assertEqual(browser.find(".message.error").text,
                         f"Error unsigned.wmopkg: Unsigned: {bench.UNSIGNED}")
        self.choose(browser, self.large)
        browser.find("form[data-action=upload] button").click()
        self.assertIn("does not match", browser.find(".message.error").text)
        self.choose(browser, self.package)
        browser.find("form[data-action=upload] button").click()
        browser.find(".message.done")
        self.assertEqual(self.messages(browser), ["Note PKG: Signed", f"Done {INSTALLED}"])
        browser.find("a[aria-label='Remove pkgname']").click()
        browser.find("button.danger").click()
        self.assertIn("Removed...", browser.find(".message.done").text)

    def test_policy(self):
        """The browser refuses what the pages do not have: script and style within them."""
        self.browser.open(self.url)
        done = self.browser.run("""
            const script = document.createElement("script");
            script.textContent = "window.wrong = true";
            document.body.append(script);
            const line = document.createElement("p");
            line.innerHTML = "<span style='color: red' onclick='window.wrong = true'>x</span>";
            document.body.append(line);
            line.firstChild.click();
            return [window.wrong === true, getComputedStyle(line.firstChild).color]""")
        self.assertFalse(done[0])
        self.assertFalse(re.match(r"rgb\(255, 0, 0\)", done[1]))


if __name__ == "__main__":
    if "--pictures" in sys.argv:
        at = sys.argv.index("--pictures")
        PICTURES = os.path.abspath(sys.argv[at + 1])
        os.makedirs(PICTURES, exist_ok=True)
        del sys.argv[at:at + 2]
    unittest.main()
