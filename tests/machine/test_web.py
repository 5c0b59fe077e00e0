# SPDX-License-Identifier: MIT
"""The pages of the device, served by the device itself, in a browser of this host."""

import os
import sys

import bench

sys.path.insert(0, os.path.join(bench.HERE, "..", "installer", "web"))
import webdriver  # noqa: E402  pylint: disable=wrong-import-position

BRAND_MOTD = "Property of ACME Power & Water."
INSTALLED = "Done Installed... Changes are applied after reboot."


class Web(bench.MachineTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        for kind in ("brand", "factory-configuration", "licence"):
            cls.bench.create(kind, cls.bench.tree(kind), keys=cls.bench.keys)
        cls.bench.create("unsigned", cls.bench.tree("rework"))
        driver = webdriver.Driver()
        cls.addClassCleanup(driver.close)
        cls.browser = webdriver.Browser(driver)
        cls.addClassCleanup(cls.browser.close)
        cls.device = cls.bench.device(usb=True)
        cls.put_on_data("licence")

    def open(self, page="packages"):
        self.browser.open(f"http://127.0.0.1:{self.device.port(8080)}/cgi-bin/packages?page={page}")

    def messages(self):
        self.browser.find("#messages .message")
        return [line.text for line in self.browser.find_all("#messages .message")]

    def send(self, action, **fields):
        """Fill in a form of the page, and send it."""
        form = f"form[data-action={action}] "
        for name, value in fields.items():
            self.browser.find(f"{form}[name={name}]").type(value)
        self.browser.find(f"{form}button").click()

    def assert_listed(self, *rows):
        """The page lists these: "NAME VERSION VERDICT STATE ...", and no others."""
        self.browser.find("tbody tr")
        listed = [row.text for row in self.browser.find_all("tbody tr")]
        self.assertEqual(len(listed), len(rows), listed)
        for row, text in zip(rows, listed):
            self.assertTrue(text.startswith(row), listed)

    def test_1_login(self):
        self.device.start()
        self.open()
        self.assertNotIn("Packages", self.browser.text())
        port = self.device.port(8080)
        self.browser.open(f"http://admin:admin@127.0.0.1:{port}/cgi-bin/packages")
        self.assertIn("Logged in as admin", self.browser.text())
        self.assert_listed("licence 1.0 Signed active No")
        self.open("boot")
        self.assertIn("1 of 1 package active", self.browser.find(".timeline").text)

    def test_2_install(self):
        """From the computer of the browser and from a stick; a bad one is refused."""
        self.open("install")
        self.send("upload", file=self.bench.package_path("unsigned"))
        self.assertIn("Error unsigned.wmopkg: Unsigned: it has no signature (", self.messages()[0])
        self.browser.run("document.querySelector('#file').value = ''")
        self.browser.find("form[data-action=upload] [name=persistent]").click()
        self.send("upload", file=self.bench.package_path("brand"))
        self.browser.find(".message.done")
        self.assertEqual(self.messages(), ["Note PKG: Signed", INSTALLED])
        self.device.plug_in(self.bench.stick(self.bench.package_path("factory-configuration")))
        self.open("install")
        self.send("media", path="factory-configuration.wmopkg")
        self.browser.find(".message.done")

    def test_3_remove(self):
        self.open("remove&name=licence")
        self.send("remove")
        self.assertEqual(self.messages(), ["Done Removed... Changes are applied after reboot."])
        self.assert_listed("brand 1.0 Signed active after reboot Yes",
                           "factory-configuration 1.0 Signed active after reboot No",
                           "licence 1.0 Signed removed, active until reboot No")
        self.open("pending")
        self.assertIn("Reboot to activate 2 packages and to deactivate 1.", self.browser.text())

    def test_4_reset(self):
        """With a reboot, after which the page comes back by itself."""
        self.open("reset")
        self.browser.find("[name=confirm]").click()
        self.browser.find("[name=reboot]").click()
        self.send("reset")
        self.assertIn("Done Rebooting...", self.messages())
        self.device.expect("Restarting system")
        self.assertIn(BRAND_MOTD, self.device.wait_prompt("the prompt after the reset"))
        self.assert_listed("brand 1.0 Signed active Yes")
        self.open("audit")
        told = " ".join(self.browser.find("tbody").text.split())
        for words in ("web:admin factory-reset requested", "web:admin remove licence",
                      "web:admin refuse unsigned", "boot factory-reset"):
            self.assertIn(words, told)
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    bench.main()
