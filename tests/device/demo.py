# SPDX-License-Identifier: MIT
"""The session that ./demo shows: see there."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
import time

import console

WIDTH = 78
TERMINAL = sys.stdout.isatty()


def style(text, code):
    return f"\x1b[{code}m{text}\x1b[m" if TERMINAL else text


def show(text=""):
    print(text, flush=True)


def tell(text):
    show(textwrap.fill(" ".join(text.split()), WIDTH) + "\n")


def step(title):
    step.number += 1
    head = f"{step.number}. {title} "
    show("\n" + style(head + "─" * (WIDTH - len(head)), "1") + "\n")


step.number = 0


class Screen:
    """Passes on what a device's console shows, and keeps its prompt for when it is used."""

    # a prompt, the beginning of one, of another escape sequence, or of a line end
    TAIL = re.compile(r"(\x1b\[m# )?(\x1b(\[([0-9;?]*|m#?))?|\r)?\Z")

    def __init__(self):
        self.held = ""

    def feed(self, text):
        self.held += text
        cut = self.TAIL.search(self.held).start()
        out, self.held = self.held[:cut], self.held[cut:]
        sys.stdout.write(console.plain(out))
        sys.stdout.flush()

    def forget(self):
        self.held = ""


class Demo:
    def __init__(self, build, folder):
        self.build = os.path.abspath(build)
        self.built = console.build_folder(build)
        self.folder = folder
        self.packages = os.path.join(folder, "packages")
        os.mkdir(self.packages)
        os.symlink(os.path.join(self.built, "keys"), os.path.join(folder, "keys"))
        os.symlink(os.path.join(self.built, "firmware", "etc", "wmopkg", "keys"),
                   os.path.join(folder, "keyring"))
        self.server = console.WebServer(self.packages)
        self.screen = Screen()
        self.device = None

    # blocks of output

    def begin(self, where):
        show(style(f"┌── {where} ──", "2"))

    def end(self):
        show(style("└──", "2") + "\n")

    def on_host(self, *commands):
        """Run commands of the vendor's host, in the work folder."""
        self.begin("the vendor's host")
        for command in commands:
            show(f"$ {command}")
            self.run_on_host(command)
        self.end()

    def run_on_host(self, command, **options):
        path = os.path.join(self.build, "installer") + ":" + os.environ["PATH"]
        subprocess.run(command, shell=True, check=True, cwd=self.folder,
                       env={**os.environ, "PATH": path}, **options)

    def on_device(self, *commands):
        """Type commands at the device's console; each a string, or (string, answers)."""
        self.begin("the device's console")
        for command in commands:
            line, answers = command if isinstance(command, tuple) else (command, ())
            self.screen.held = console.PROMPT
            self.device.run(line, answers)
        self.screen.forget()
        self.end()

    def first_boot(self):
        self.device = console.Device(self.built, self.folder, echo=self.screen.feed, usb=True)
        self.begin("the device's console")
        self.device.start()
        self.screen.forget()
        self.end()

    def reboot(self):
        self.begin("the device's console")
        self.screen.held = console.PROMPT
        self.device.reboot()
        self.screen.forget()
        self.end()

    # what the demo makes

    def make_trees(self):
        trees = os.path.join(console.HERE, "trees")
        for kind in ("brand", "factory-configuration", "licence"):
            subprocess.run([trees, kind, os.path.join(self.folder, kind)], check=True)
        subprocess.run([trees, "nginx", os.path.join(self.built, "firmware"),
                        os.path.join(self.folder, "nginx")], check=True)

    def make_changed(self):
        """A copy of a signed package with one bit flipped in its last block of content."""
        with open(os.path.join(self.packages, "nginx.wmopkg"), "rb") as file:
            content = bytearray(file.read())
        content[len(content) // 2] ^= 1
        os.mkdir(os.path.join(self.packages, "changed"))
        with open(os.path.join(self.packages, "changed", "nginx.wmopkg"), "wb") as file:
            file.write(content)

    def make_stick(self, *names):
        stick = os.path.join(self.folder, "stick.img")
        console.make_stick(stick, [os.path.join(self.packages, name) for name in names])
        return stick


def create_command(name, version, description, options=""):
    return (f"wmopkg-build create --version {version} --description '{description}' {options}\\\n"
            f"      --key keys/signer.key --cert keys/signer.pem {name} packages/{name}.wmopkg")


PACKAGES = (("brand", "1.0", "ACME brand", "--priority 10 "),
            ("factory-configuration", "1.0", "ACME factory settings"),
            ("nginx", "1.22.1", "Web server"),
            ("licence", "1.0", "Routing licence"))


def tell_bare_device(demo):
    step("A device, as it left the factory")
    tell("""A virtual device boots: the kernel of Debian, an initramfs made by initramfs-tools with
        the hook of wmopkg, and a read-only firmware. This is its serial console. The boot takes
        about ten seconds.""")
    demo.first_boot()
    tell("The firmware cannot be changed, and no packages are installed:")
    demo.on_device("touch /etc/motd", "wmopkg show")


def tell_vendor(demo):
    step("The vendor makes and signs four packages")
    demo.make_trees()
    tell("""A package lays files over the firmware. The first one is a brand: a banner, a host
        name, a web page. It is signed with a key of the vendor. The device has only the root
        certificate for this key, in its firmware.""")
    demo.on_host("find brand -type f", create_command(*PACKAGES[0]))
    tell("The second one contains the configuration after a factory reset.")
    demo.on_host("grep . factory-configuration/etc/factory-config/*", create_command(*PACKAGES[1]))
    tell("""The third one is a service: the nginx web server, with the original files of the Debian
        package and a start script. `inspect` verifies it with the key ring of the firmware. The
        last one is a licence, a file that a program looks for.""")
    demo.on_host("find nginx/etc/init.d nginx/usr -type f",
                 create_command(*PACKAGES[2]),
                 "wmopkg-build inspect --keys keyring packages/nginx.wmopkg",
                 create_command(*PACKAGES[3]))


def tell_install(demo):
    step("The technician installs them")
    tell("""The brand is on a USB stick, which is plugged in now. The package must survive a factory
        reset, so it is installed as persistent.""")
    stick = demo.make_stick("brand.wmopkg")
    echo, demo.device.echo = demo.device.echo, None
    demo.device.plug_in(stick)
    demo.device.echo = echo
    demo.on_device("wmopkg install persistent media external brand.wmopkg")
    tell("""The others are downloaded over the network. A package is verified during the download:
        first the signature, then every block.""")
    url = f"http://10.0.2.2:{demo.server.port}"
    demo.on_device(f"wmopkg install persistent {url}/factory-configuration.wmopkg",
                   f"wmopkg install {url}/nginx.wmopkg", f"wmopkg install {url}/licence.wmopkg")
    tell("""If a single bit of a package is changed on the way, the device refuses it:""")
    demo.make_changed()
    demo.on_device(f"wmopkg install {url}/changed/nginx.wmopkg")
    tell("Four packages are installed. They become active at the next boot.")
    demo.on_device("wmopkg show")


def tell_active(demo):
    step("Reboot: the packages are active")
    tell("""On every boot, before the system starts, the initramfs verifies each package again,
        attaches it through dm-verity, and lays it over the firmware. The greeting is that of the
        brand:""")
    demo.reboot()
    demo.on_device("wmopkg show", "dmesg | grep wmopkg:", "cat /etc/licence/routing")
    tell("How long each step took:")
    demo.on_device("wmopkg show boot")
    tell("The web server runs, with the page of the brand. This is its answer to the host:")
    demo.on_host(f"curl -s http://127.0.0.1:{demo.device.port()}/")
    tell("""The device also has pages for a browser; `./demo --console` prints their address. This is
        one of them, as text:""")
    pages = f"http://127.0.0.1:{demo.device.port(8080)}/cgi-bin/packages"
    demo.on_host(f"curl -s -u admin:admin {pages} |\n      sed -n '/<tbody>/,/<.tbody>/{{s/<[^>]*>/ /g; /[a-z]/p}}'")
    tell("""The configuration of the device was copied from the package, once. From now on it
        is changed on the device:""")
    demo.on_device("cat /run/wmopkg/data/config/network",
                   "echo 'address = 198.51.100.7' >/run/wmopkg/data/config/network")


def tell_reset(demo):
    step("Reset to factory")
    tell("""A factory reset deletes everything that was added in the field, except the two persistent
        packages. It is requested here, and carried out in the initramfs of the next boot.""")
    demo.on_device(("wmopkg factory-reset", [("(y/N)?", "y")]))
    demo.reboot()
    tell("The brand and the factory settings are still installed; web server and licence are not:")
    demo.on_device("wmopkg show", "ls /usr/sbin/nginx /etc/licence")
    tell("This is the configuration after the reset:")
    demo.on_device("hostname", "cat /run/wmopkg/data/config/network", "wmopkg audit | tail -n 12")


def tell_gone(demo):
    step("The packages are removed")
    tell("`remove` asks for confirmation. It takes effect at the next boot, too.")
    demo.on_device(("wmopkg remove all", [("(y/N)?", "y")]))
    demo.reboot()
    tell("Only the firmware is left:")
    demo.on_device("wmopkg show", "hostname")
    echo, demo.device.echo = demo.device.echo, None
    demo.device.poweroff()
    demo.device.echo = echo


def tell_session(build):
    begin = time.monotonic()
    with console.WorkFolder() as folder:
        demo = Demo(build, folder)
        for part in (tell_bare_device, tell_vendor, tell_install, tell_active, tell_reset,
                     tell_gone):
            part(demo)
    step("Summary")
    tell(f"""In {time.monotonic() - begin:.0f} seconds: four packages were made and signed, and installed
        from a stick and over http; a changed one was refused. They were verified and stacked at
        boot, and shown. The device was reset, with two persistent packages. All were
        removed. Four boots; only the hardware is simulated.""")
    show("Next steps:\n"
         "  ./demo --console    the console of the same device\n"
         "  ./check             all tests\n"
         "  README.md           how to put wmopkg into an image")


def console_disk(built):
    """The folder with the disk of ./demo --console; a new one for a device built anew."""
    folder = os.path.join(built, "console")
    with open(os.path.join(built, "inputs"), encoding="ascii") as inputs:
        now = inputs.read()
    try:
        with open(os.path.join(folder, "inputs"), encoding="ascii") as inputs:
            before = inputs.read()
    except FileNotFoundError:
        before = None
    if before != now:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        with open(os.path.join(folder, "inputs"), "w", encoding="ascii") as inputs:
            inputs.write(now)
    return folder


def open_console(build):
    """Leave the person at the device's prompt; its disk stays until it is deleted."""
    with console.WorkFolder() as work:
        demo = Demo(build, work)
        demo.make_trees()
        for arguments in PACKAGES:
            demo.run_on_host(create_command(*arguments), stdout=subprocess.DEVNULL)
        stick = demo.make_stick(*[f"{package[0]}.wmopkg" for package in PACKAGES])
        folder = console_disk(demo.built)
        device = console.Device(demo.built, folder, usb=True)
        port, pages_port = console.free_port(), console.free_port()
        show(f"""
The console of the device. Four packages are on its USB stick, and on a web server:

  wmopkg install persistent media external brand.wmopkg
  wmopkg install http://10.0.2.2:{demo.server.port}/nginx.wmopkg
  wmopkg show
  reboot
  wmopkg factory-reset

Port 80 of the device is http://127.0.0.1:{port}/ on this host. Its pages for a browser, with user
admin and password admin, are

  http://127.0.0.1:{pages_port}/cgi-bin/packages

To quit: Ctrl-A, then X (or type poweroff). The disk of the device is kept; for a new one,
delete {os.path.relpath(folder)}.
""")
        return subprocess.call(device.command(port=port, pages_port=pages_port) + [
            "-serial", "mon:stdio",
            "-drive", f"id=stick,if=none,format=raw,file={stick}",
            "-device", "usb-storage,drive=stick,removable=on"])


def main():
    console.clean_up_on_signals()
    try:
        if sys.argv[2:] == ["--console"]:
            return open_console(sys.argv[1])
        tell_session(sys.argv[1])
    except console.ConsoleError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
