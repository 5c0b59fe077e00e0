# SPDX-License-Identifier: MIT
"""What users of packages know and rely on, each thing typed at a booted device.

Prints a table in Markdown: what the user does, what was typed, what was seen. Each row is an
assertion; the column at the right is what it found in the output of the device. Run as root, as
its servers have accounts and a network of their own:

	WMOPKG_BUILD=$PWD/build python3 tests/machine/guide.py
"""

import os
import re
import subprocess
import sys
import time

import bench
import console
from bench import PACKAGE

sys.path.append(os.path.join(bench.HERE, "..", "installer"))
import servers  # noqa: E402

# An address of examples (RFC 5737). In the network namespace it is one of the loopback, and the
# device reaches it through its gateway, so ftp and tftp have their own ports.
SERVER = "192.0.2.1"
# how the virtual machine calls the loopback of this host
LOOPBACK = "10.0.2.2"
NETWORK = (f"busybox ip link set lo up && busybox ip address add {SERVER}/32 dev lo && "
           "exec \"$@\"")
INSIDE = "WMOPKG_GUIDE_NETWORK"
HIDDEN = "(a password, which does not appear)"
INSTALLED = r"PKG: Signed Installed\.\.\. Changes are applied after reboot\."
REMOVED = r"Removed\.\.\. Changes are applied after reboot\."
ALL_REMOVED = r"Removing all packages\.\.\. Changes are applied after reboot\."
FIRMWARE_MOTD = "Welcome to the example device."
BRAND_MOTD = "Property of ACME Power & Water."
INSTALL_TRANSCRIPT = """\
example:/package/#> install proto tftp 192.0.2.1 pkgname.wmopkg
Attempting to download file pkgname.wmopkg, using TFTP

Connecting to 192.0.2.1 (192.0.2.1:69)
pkgname.wmopkg:

0%       25%       50%       75%       100%
|---------+---------+---------+---------|
|=======================================|
    PKG: Signed
Installed... Changes are applied after reboot.
"""
REMOVE_TRANSCRIPT = """\
example:/package/#> show
╒ Packages ════════════════════════════════════════════════════════════════════╕
│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTION                   │
│pkgname  5.26.0-rev0  False       Signed        Example                       │
└──────────────────────────────────────────────────────────────────────────────┘
example:/package/#> remove pkgname
Remove package pkgname (y/N)?y
Removed... Changes are applied after reboot.
example:/package/#> remove all
Remove all packages (y/N)?y
Removing all packages... Changes are applied after reboot.
"""


def row_of(name, version, persistent, verification):
    """A pattern for what `show` has of a package."""
    return rf"│{name} +{re.escape(version)} +{persistent} +{verification}\b"


class Table:
    """The rows that held, in the order in which they were typed."""

    def __init__(self):
        self.rows = []

    def add(self, does, typed, seen):
        self.rows.append((does, typed, seen))

    @staticmethod
    def code(lines):
        return "<br>".join(f"`{line}`" if line.strip() and "`" not in line else line.strip() for line in lines).replace("|", "\\|")

    def print(self):
        print("\n| the user | typed | seen |\n|---|---|---|")
        for does, typed, seen in self.rows:
            print(f"| {does} | {self.code(typed)} | {self.code(seen)} |")
        print(f"\n{len(self.rows)} rows", flush=True)


class Guide(bench.ShellTest):
    VARIANT = "plain"

    @classmethod
    def prepare(cls):
        cls.table = Table()
        cls.addClassCleanup(cls.table.print)
        cls.make_packages()
        cls.make_media()
        cls.start_servers()
        cls.device = cls.bench.device(usb=True, card=cls.bench.path("card.img"))

    @classmethod
    def make_packages(cls):
        make, tree = cls.bench.create, cls.bench.tree
        branding = tree("branding")
        make("pkgname", branding, keys=cls.bench.keys, version="5.26.0-rev0")
        for kind in ("brand", "factory-configuration", "nginx", "rework"):
            # its page lies over that of the web server
            options = ("--priority", "10") if kind == "brand" else ()
            make(kind, tree(kind), keys=cls.bench.keys, options=options)
        make("unsigned", branding)
        strangers = cls.bench.path("strangers")
        subprocess.run([cls.bench.program("installer/wmopkg-build"), "keys", strangers],
                       check=True, stdout=subprocess.DEVNULL)
        make("foreign", branding, keys=strangers)
        content = bytearray(bench.read(cls.bench.package_path("rework")))
        content[-2000] ^= 1
        cls.write("tampered.wmopkg", content)
        cls.write("pkgname.zip", bench.read(cls.bench.package_path("pkgname")))
        os.makedirs(f"{cls.bench.packages}/path/on/server")
        cls.write("path/on/server/deep.wmopkg", bench.read(cls.bench.package_path("pkgname")))
        unlock = os.path.join(cls.bench.keys, "unlock")
        subprocess.run([cls.bench.program("installer/wmopkg-build"), "unlock", "--serial",
                        console.SERIAL, "--allow", "untrusted", "--not-after",
                        str(int(time.time()) + 30 * 86400), "--key", f"{unlock}.key", "--cert",
                        f"{unlock}.pem", os.path.join(cls.bench.packages, "device.unlock")],
                       check=True)

    @classmethod
    def write(cls, name, content):
        with open(os.path.join(cls.bench.packages, name), "wb") as file:
            file.write(content)

    @classmethod
    def make_media(cls):
        """A card and a stick with a package at the root and another one in folders."""
        for name, folders in (("card", "path/on/media"), ("stick", "relative/path")):
            image, top = cls.bench.path(f"{name}.img"), cls.bench.path(f"files-{name}")
            os.makedirs(f"{top}/{folders}")
            for path in (f"{top}/pkgname.wmopkg", f"{top}/{folders}/{name}.wmopkg"):
                with open(path, "wb") as file:
                    file.write(bench.read(cls.bench.package_path("pkgname")))
            console.make_stick(image, [], name=name.upper())
            subprocess.run(["mcopy", "-s", "-i", f"{image}@@1M", f"{top}/pkgname.wmopkg",
                            f"{top}/{folders.split('/', maxsplit=1)[0]}", "::"], check=True)

    @classmethod
    def start_servers(cls):
        path, packages = cls.bench.path, cls.bench.packages
        os.chmod(cls.bench.folder, 0o755)
        cls.tftp = servers.Tftp(path("tftp"), packages, host=SERVER, port=69)
        cls.closed = servers.Ftp(path("closed"), packages, host=SERVER, anonymous=False)
        cls.nginx = servers.Nginx(path("nginx"), packages, keys=f"{cls.bench.built}/web")
        cls.ssh = servers.Ssh(path("ssh"))
        for server in (cls.tftp, cls.closed, cls.nginx, cls.ssh):
            cls.addClassCleanup(server.close)
        for home in (cls.closed.home, cls.ssh.home):
            subprocess.run(["cp", cls.bench.package_path("pkgname"), home], check=True)

    # a row

    def row(self, does, line, *seen, answers=(), prompt=PACKAGE):
        """Type @line at the shell, and @answers at its questions; @seen: patterns."""
        said = self.say(line, prompt, answers)
        typed = [HIDDEN if answer == servers.PASSWORD else answer for _, answer in answers]
        self.note(does, [line, *typed], said, *seen)
        return said

    def note(self, does, typed, said, *seen):
        """A row about what is in @said; its lines may be wrapped."""
        flat, found = " ".join(said.split()), []
        for pattern in seen:
            match = re.search(pattern, flat)
            self.assertIsNotNone(match, f"{typed}: there is no {pattern!r} in:\n{said}")
            found.append(match.group(0))
        self.table.add(does, typed, found)

    def in_system(self, does, command, *seen, status=0):
        """The same at the shell of the system, before or after `wmopkg`."""
        said = self.exit_with(status, command)
        self.note(does, [f"# {command}"], said, *seen)
        return said

    def into_packages(self):
        self.enter()
        self.say("package")

    def forget(self):
        """Packages that only the row before needed."""
        self.say("remove all --yes")

    def installs(self, does, line, *seen, name="pkgname", persistent=False, answers=()):
        """@line installs what `show` then has."""
        said = self.row(does, line, *seen, INSTALLED, answers=answers)
        self.assertRegex(self.say("show"), row_of(name, "5.26.0-rev0", persistent, "Signed"))
        self.forget()
        return said

    # what is typed

    def test_01_the_package_context(self):
        self.assertIn(FIRMWARE_MOTD, self.device.start())
        self.enter()
        self.device.type("package")
        said = console.plain(self.device.expect(PACKAGE))
        self.note("goes from the top level to the packages", ["package"], said,
                  re.escape(PACKAGE.strip()))
        self.row("lists packages on a device that has none", "show", r"No packages installed\.")
        said = self.row("asks what can be typed", "help", r"install \[persistent\]",
                        r"remove \[NAME\.\.\. \| all\]", r"\bshow\b", r"\blist\b")
        self.assertIn("proto <ftp|tftp|scp|sftp|http|https>] [user <name>] [password <password>] "
                      "address[:port] PKGNAME.wmopkg", " ".join(said.split()))

    def test_02_transcript_of_an_installation(self):
        line = f"install proto tftp {SERVER} pkgname.wmopkg"
        screen = f"{PACKAGE}{line}\n{self.say(line)}"
        self.assertEqual(screen, INSTALL_TRANSCRIPT)
        self.table.add("installs from a TFTP server: the whole screen", [line], screen.splitlines())

    def test_03_transcript_of_show_and_remove(self):
        screen, lines = "", ("show", "remove pkgname", "remove all")
        for line in lines:
            answers = {"show": (), "remove pkgname": [("Remove package pkgname (y/N)?", "y")],
                       "remove all": [("Remove all packages (y/N)?", "y")]}[line]
            if line == "remove all":
                self.say(f"install proto tftp {SERVER} pkgname.wmopkg")
            said = self.say(line, answers=answers)
            if line == "show":
                self.assertEqual(said.count("pkgname: active after reboot"), 1, said)
                said = said[:said.index("pkgname: active after")]
            screen += f"{PACKAGE}{line}\n{said}"
        self.assertEqual(screen, REMOVE_TRANSCRIPT)
        self.table.add("lists packages, removes one, then all: the whole screen", lines,
                       screen.splitlines())

    def test_04_protocol(self):
        """Without one: ftp, then tftp."""
        line = f"install {SERVER} pkgname.wmopkg"
        self.installs("gives no protocol, and no FTP server runs", line, "using FTP",
                      r"FTP failed: cannot connect: Connection refused", "using TFTP")
        ftp = servers.Ftp(self.bench.path("ftp"), self.bench.packages, host=SERVER, port=21)
        self.addClassCleanup(ftp.close)
        said = self.installs("gives no protocol, and an FTP server runs", line, "using FTP",
                             r"Connecting to 192\.0\.2\.1 \(192\.0\.2\.1:21\)")
        self.assertNotIn("TFTP", said)
        self.installs("installs from an FTP server", f"install proto ftp {SERVER} pkgname.wmopkg",
                      "using FTP")
        self.installs("makes the package persistent", f"install persistent {SERVER} pkgname.wmopkg",
                      persistent=True)
        self.installs("names a path on the server: only the name of the file counts",
                      f"install proto ftp {SERVER} path/on/server/deep.wmopkg", name="deep")
        self.row("names a file that neither server has", f"install {SERVER} other.wmopkg",
                 r"FTP failed: the server says 550 Failed to open file\.",
                 r"TFTP: the server says File not found \(check the path\)")
        self.row("names a file without .wmopkg", f"install {SERVER} pkgname.zip",
                 r"wmopkg: pkgname\.zip: the file's name does not end in \.wmopkg.*")
        self.assertIn("No packages installed.", self.say("show"))

    def test_05_web(self):
        self.installs("installs from a web server, with a port",
                      f"install proto http {LOOPBACK}:{self.nginx.port} pkgname.wmopkg", "using HTTP",
                      rf"Connecting to 10\.0\.2\.2 \(10\.0\.2\.2:{self.nginx.port}\)")
        self.installs("installs from a web server with a certificate",
                      f"install proto https {LOOPBACK}:{self.nginx.tls['server']} pkgname.wmopkg",
                      "using HTTPS")

    def test_06_user_and_password(self):
        at, words = f"{SERVER}:{self.closed.port}", f"user {servers.USER}"
        asked = f"Password for {servers.USER} at"
        said = self.installs("gives a user, and is asked for the password",
                             f"install proto ftp {words} {at} pkgname.wmopkg", asked,
                             answers=[(f"{asked} {SERVER}: ", servers.PASSWORD)])
        self.assertNotIn(servers.PASSWORD, said)
        self.installs("gives user and password", f"install proto ftp {words} password "
                      f"\"{servers.PASSWORD}\" {at} pkgname.wmopkg", "using FTP")
        self.device.type(f"install proto ftp {at} pkgname.wmopkg")
        question = f"Password for root at {SERVER}: "
        said = self.device.expect(question)
        self.device.type("wrong")
        said += self.device.expect(question)
        self.device.write("\x03")
        said = console.plain(said + self.device.expect(PACKAGE))
        self.assertIn('"USER root"', self.closed.commands())
        self.assertNotIn("wrong", said)
        self.note("gives no user: it is the one who is logged in; gives up with Ctrl-C",
                  [f"install proto ftp {at} pkgname.wmopkg", HIDDEN, "Ctrl-C"], said,
                  question.strip(), "the server says 530 Login incorrect", ": interrupted")
        private = f"{LOOPBACK}:{self.nginx.port} private/pkgname.wmopkg"
        self.installs("installs from a web server that wants a password",
                      f"install proto http {words} {private}", "using HTTP", asked,
                      answers=[(f"{asked} {LOOPBACK}: ", servers.PASSWORD)])
        self.row("types a wrong password on the line",
                 f"install proto http {words} password wrong {private}",
                 r"the server says 401 Unauthorized \(check the user name and the password\)")

    def test_07_ssh(self):
        at, password = f"{LOOPBACK}:{self.ssh.port}", f"Password for {servers.USER} at {LOOPBACK}: "
        known = ("Is it the right one (y/N)?", "y")
        for protocol, answers in (("scp", [known]), ("sftp", [])):
            self.installs(f"installs by {protocol}" + (", for the first time from this server" if
                          answers else ""),
                          f"install proto {protocol} user {servers.USER} {at} pkgname.wmopkg",
                          f"using {protocol.upper()}", password.strip(),
                          answers=[*answers, (password, servers.PASSWORD)])

    def take_card_out(self):
        self.leave()
        self.succeed("for i in /sys/bus/pci/drivers/sdhci-pci/0*; do echo 1 >$i/remove; done")
        self.device.wait_for("! test -b /dev/mmcblk0")
        self.into_packages()

    def test_08_media(self):
        """The medium `external` is a card before a stick; others get a label first."""
        self.installs("installs from the SD card", "install media external pkgname.wmopkg",
                      r"Using mmcblk0p1 \(SD, vfat, CARD\)")
        self.installs("names a path on it: only the name of the file counts",
                      "install media external path/on/media/card.wmopkg", name="card")
        self.take_card_out()
        self.row("has nothing connected", "install media external pkgname.wmopkg",
                 r"wmopkg: external: no USB stick or SD card is connected.*")
        self.leave()
        self.device.plug_in(self.bench.path("stick.img"))
        self.into_packages()
        self.installs("installs from a USB stick", "install media external pkgname.wmopkg",
                      r"Using sda1 \(USB, vfat, STICK\)")
        self.row("looks at the connected media", "do show media",
                 r"│external SD, USB sda1 USB vfat STICK 63\.0 MiB connected")
        self.row("names a medium without configuring it", "install media my-usb "
                 "relative/path/stick.wmopkg", r"wmopkg: my-usb: no such media label.*")
        self.row("gives the stick a label in the boot configuration",
                 "do boot set media my-usb:LABEL=STICK",
                 r"wmopkg\.media=my-usb:LABEL=STICK, until 'wmopkg boot clear media'\. "
                 r"This applies now, without a reboot\.")
        self.installs("installs from it by that label",
                      "install media my-usb relative/path/stick.wmopkg",
                      r"Using sda1 \(USB, vfat, STICK\)", name="stick")

    def test_09_unsigned(self):
        for name, verdict in (("unsigned", "Unsigned"), ("foreign", "Untrusted"),
                              ("tampered", "Invalid")):
            self.row({"unsigned": "installs an unsigned package",
                      "foreign": "installs a package that a stranger signed",
                      "tampered": "installs a package in which a bit was changed"}[name],
                     f"install proto tftp {SERVER} {name}.wmopkg",
                     rf"wmopkg: tftp://192\.0\.2\.1/{name}\.wmopkg: {verdict}: .*")
        self.assertIn("No packages installed.", self.say("show"))

    def test_10_what_the_next_reboot_activates(self):
        for name, kept, does in (("brand", "persistent ", "another brand"),
                                 ("factory-configuration", "persistent ", "another factory configuration"),
                                 ("nginx", "", "a service"), ("rework", "", "a workaround")):
            self.row(f"installs {does}", f"install {kept}proto tftp {SERVER} {name}.wmopkg",
                     "PKG: Signed", r"Installed\.\.\. Changes are applied after reboot\.")
        self.row("installs a persistent package again, without the word",
                 f"install proto tftp {SERVER} brand.wmopkg", "PKG: Signed",
                 r"It stays persistent \(to make it ordinary, remove it first\)\.")
        shown = self.row("lists the packages", "show", *(row_of(*cells) for cells in (
            ("brand", "1.0", True, "Signed"), ("factory-configuration", "1.0", True, "Signed"),
            ("nginx", "1.0", False, "Signed"), ("rework", "1.0", False, "Signed"))),
            r"Reboot to activate 4 packages\.")
        self.assertEqual(self.say("list"), shown)
        self.table.add("lists them with the other word", ["list"], ["the same as `show`"])
        self.leave()
        self.in_system("looks whether anything changed before the reboot", "cat /etc/motd",
                       re.escape(FIRMWARE_MOTD))
        self.assertIsNone(self.fetch())

    def test_11_after_the_reboot(self):
        seen = self.device.reboot()
        self.note("reboots", ["# reboot"], seen, "ACME Industrial Router 3000",
                  re.escape(BRAND_MOTD))
        self.in_system("looks what the boot did with each package", "dmesg | grep 'Signed, active'",
                       *(rf"{name} 1\.0: Signed, active" for name in ("brand", "factory-configuration", "nginx",
                                                                   "rework")))
        shown = self.succeed("wmopkg show")
        self.assertTrue(shown.endswith("┘\n"), shown)
        self.note("lists the packages: all are active", ["# wmopkg show"], shown,
                  *(row_of(name, "1.0", name in ("brand", "factory-configuration"), "Signed")
                    for name in ("brand", "factory-configuration", "nginx", "rework")))
        self.assertIn("ACME", self.fetch() or "no answer")
        self.in_system("looks at the service", "wget -q -O - http://127.0.0.1/", "<h1>ACME</h1>.*")
        self.in_system("looks at the workaround", "cat /usr/share/notes/replaced", "the package")
        self.in_system("looks at the configuration it came up with",
                       "cat /run/wmopkg/data/config/network", r"address = 192\.0\.2\.1")

    def enter_branded(self):
        """The brand changes the name of the device."""
        self.device.type("wmopkg")
        self.device.expect("acme:/#> ")
        self.say("package", "acme:/package/#> ")

    def test_12_removal(self):
        prompt = "acme:/package/#> "
        self.enter_branded()
        self.press("remove ng\t\n")
        said = self.device.expect("Remove package nginx (y/N)?")
        self.device.type("n")
        said += self.device.expect(prompt)
        self.note("completes the name of a package, and says no", ["remove ng", "Tab", "n"],
                  console.plain(said), r"Remove package nginx \(y/N\)\?n", r"Nothing removed\.")
        self.row("removes one package", "remove nginx", REMOVED, prompt=prompt,
                 answers=[("Remove package nginx (y/N)?", "y")])
        self.row("lists packages before the reboot", "show", "nginx: removed, active until reboot",
                 prompt=prompt)
        self.row("removes a package that is not installed", "remove nginx",
                 r"wmopkg: nginx: no such package.*", prompt=prompt)
        self.device.type("exit")
        self.device.expect(console.PROMPT)
        self.assertIn("ACME", self.fetch() or "no answer")
        self.table.add("looks at its service before the reboot", ["(a browser)"],
                       ["it answers until the reboot"])

    def test_13_factory_reset(self):
        self.succeed("echo 'address = 198.51.100.7' >/run/wmopkg/data/config/network")
        question = "Reset to factory, deleting all but persistent packages (y/N)?"
        said = self.succeed("wmopkg factory-reset", answers=[(question, "y")])
        self.note("resets the device to factory", ["# wmopkg factory-reset", "y"], said,
                  r"Factory reset requested.*")
        seen = self.device.reboot()
        self.note("reboots: the persistent brand is still there", ["# reboot"], seen,
                  re.escape(BRAND_MOTD))
        shown = self.in_system("lists what survived", "wmopkg show", row_of(
            "brand", "1.0", True, "Signed"), row_of("factory-configuration", "1.0", True, "Signed"))
        self.assertNotIn("rework", shown)
        self.assertIsNone(self.fetch())
        self.in_system("looks what the device was reset to", "cat /run/wmopkg/data/config/network",
                       r"address = 192\.0\.2\.1")
        self.in_system("looks at the workaround, which was not persistent",
                       "cat /usr/share/notes/replaced", "the firmware")

    def test_14_remove_without_a_name(self):
        self.enter_branded()
        self.row("removes without a name: all, the persistent ones too", "remove", ALL_REMOVED,
                 prompt="acme:/package/#> ", answers=[("Remove all packages (y/N)?", "y")])
        self.device.type("exit")
        self.device.expect(console.PROMPT)
        self.succeed(f"wmopkg install proto tftp {SERVER} rework.wmopkg")

    def test_15_changed_on_the_disk(self):
        """From here on with UEFI firmware, in which Secure Boot is off."""
        self.assertEqual(self.device.poweroff(), 0)
        for name in ("tampered", "unsigned"):
            bench.write_to_data(self.device.disk, self.bench.package_path(name),
                                f"packages/{name}.wmopkg")
        self.device.card = None
        self.device.secure_boot = True
        seen = self.device.start()
        self.note("reboots: what was removed is gone, the banner is that of the firmware",
                  ["# reboot"], seen, re.escape(FIRMWARE_MOTD))
        self.in_system("finds packages in the store that were changed, or never signed",
                       "wmopkg show", row_of("rework", "1.0", False, "Signed"),
                       row_of("tampered", "1.0", False, "Invalid"),
                       row_of("unsigned", "1.0", False, "Unsigned"),
                       r"tampered: not active: .*? does not match",
                       "unsigned: not active: it has no signature")
        self.in_system("looks whether one costs another", "cat /usr/share/notes/replaced",
                       "the package")

    def test_16_allow_untrusted(self):
        self.in_system("turns on Allow Untrusted in the boot configuration",
                       "wmopkg boot set allow_untrusted 1", r"wmopkg\.allow_untrusted=1, until .*")
        seen = self.device.reboot()
        self.note("reboots: the unsigned package is active", ["# reboot"], seen,
                  re.escape(BRAND_MOTD))
        self.in_system("lists packages: what was changed stays out all the same", "wmopkg show",
                       row_of("tampered", "1.0", False, "Invalid"),
                       row_of("unsigned", "1.0", False, "Unsigned"),
                       r"tampered: not active: .*? does not match")
        self.succeed("wmopkg remove all --yes")
        self.in_system("installs an unsigned package now",
                       f"wmopkg install proto tftp {SERVER} unsigned.wmopkg", "PKG: Unsigned",
                       "wmopkg: warning: Allow Untrusted is set: packages of any origin may be active",
                       r"Installed\.\.\. Changes are applied after reboot\.")

    def test_17_hardware_anchor(self):
        """With Secure Boot on, the same package needs an unlock statement as well."""
        self.assertEqual(self.device.enrol(), (0, ""))
        seen = self.device.reboot()
        self.note("switches on Secure Boot: the unsigned package is not active", ["# reboot"], seen,
                  re.escape(FIRMWARE_MOTD))
        self.in_system("asks why", "wmopkg show unsigned", "Active: no", r"Reason: .*?\)",
                       "What to do: .*? unlock statement")
        self.in_system("installs the unlock statement for this device",
                       f"wmopkg unlock proto tftp {SERVER} device.unlock", "Unlocked.*")
        self.note("reboots: the unsigned package is active", ["# reboot"], self.device.reboot(),
                  re.escape(BRAND_MOTD))
        self.assertEqual(self.device.poweroff(), 0)


if __name__ == "__main__":
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "sh", "-ec", NETWORK, "sh", sys.executable,
                              *sys.argv])
    bench.main()
