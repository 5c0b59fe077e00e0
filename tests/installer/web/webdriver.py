# SPDX-License-Identifier: MIT
"""Chromium without a screen, driven by the requests of WebDriver (W3C).

Only what the tests need, with nothing but the library of Python: Debian's chromedriver takes
JSON over HTTP on loopback.
"""

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
WAIT_S = 60
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--force-device-scale-factor=1"]

TAB, ENTER, SPACE = "\ue004", "\ue007", " "


class BrowserError(Exception):
    pass


class Element:
    def __init__(self, browser, name):
        self.browser = browser
        self.name = name

    def _do(self, what, **data):
        return self.browser.post(f"element/{self.name}/{what}", **data)

    def click(self):
        self._do("click")

    def type(self, text):
        self._do("value", text=text)

    @property
    def text(self):
        return self.browser.get(f"element/{self.name}/text")

    def attribute(self, name):
        return self.browser.get(f"element/{self.name}/attribute/{name}")

    def rect(self):
        return self.browser.get(f"element/{self.name}/rect")


class Driver:
    """chromedriver: browsers of its own, each with a new folder for all that it keeps."""

    def __init__(self):
        self.process = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if "successfully on port" in line:
                self.port = int(line.split("on port")[1].strip(" .\n"))
                return
        raise BrowserError("chromedriver did not start")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Browser:
    """One window; @script: whether it runs JavaScript."""

    def __init__(self, driver, width=1280, height=900, script=True, dark=False):
        self.base = f"http://127.0.0.1:{driver.port}/session"
        self.folder = tempfile.mkdtemp(prefix="wmopkg-browser.")
        preferences = {} if script else {"profile.managed_default_content_settings.javascript": 2}
        flags = FLAGS + [f"--user-data-dir={self.folder}", f"--window-size={width},{height}"]
        options = {"args": flags, "prefs": preferences}
        answer = self._send("POST", "", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "timeouts": {"pageLoad": WAIT_S * 1000}}}})
        self.base += "/" + answer["sessionId"]
        if dark:
            self.look(dark)

    def _send(self, method, path, data=None):
        request = urllib.request.Request(f"{self.base}{path}", method=method,
                                         data=None if data is None else json.dumps(data).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=2 * WAIT_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise BrowserError(f"{path}: {value['error']}: {value['message']}") from None

    def post(self, path, **data):
        return self._send("POST", f"/{path}", data)

    def get(self, path):
        return self._send("GET", f"/{path}")

    def close(self):
        self._send("DELETE", "")
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, url):
        self.post("url", url=url)

    def chrome(self, command, **parameters):
        """A command of Chromium's own protocol."""
        return self.post("goog/cdp/execute", cmd=command, params=parameters)

    def look(self, dark):
        self.chrome("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def size(self, width, height, phone=False):
        self.chrome("Emulation.setDeviceMetricsOverride", width=width, height=height,
                    deviceScaleFactor=1, mobile=phone)

    def run(self, script, *words):
        return self.post("execute/sync", script=script, args=list(words))

    def find_all(self, selector):
        found = self.post("elements", using="css selector", value=selector)
        return [Element(self, item[ELEMENT]) for item in found]

    def find(self, selector):
        """The first one, waited for."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            found = self.find_all(selector)
            if found:
                return found[0]
            time.sleep(0.1)
        raise BrowserError(f"no {selector} in {self.url}: {self.text()}")

    def press(self, *keys):
        """Keys that are pressed one after the other, whatever has the focus."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.post("actions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def focused(self):
        return Element(self, self.get("element/active")[ELEMENT])

    @property
    def url(self):
        return self.get("url")

    def text(self):
        return self.run("return document.body.innerText")

    def picture(self, path, whole=False):
        """A PNG of the window, or of the whole page."""
        if whole:
            data = self.chrome("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        else:
            data = self.get("screenshot")
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
