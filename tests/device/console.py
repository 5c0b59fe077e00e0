# SPDX-License-Identifier: MIT
"""The virtual device at the other end of a serial line.

Device starts a virtual machine on a disk of its own, types at its console as a technician
would, and reads what comes back. Every wait has a limit; when one is passed, or the machine
dies, ConsoleError says what was waited for and shows the end of the console.
"""

import atexit
import codecs
import http.server
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty

HERE = os.path.dirname(os.path.abspath(__file__))

# The shell's prompt: the invisible sequence is what tells it from the same text in output.
PROMPT = "\x1b[m# "
CURSOR_QUESTION = "\x1b[6n"
BOOT_S = 180
# what the machine's DMI says it is
MODEL = "Example-Switch-8"
SERIAL = "EX-000042"
UEFI = "/usr/share/OVMF"
SECURE_BOOT = os.path.normpath(os.path.join(HERE, "..", "..", "docs", "examples", "secure-boot"))
# where the partition that the UEFI firmware starts from begins and ends
ESP_START = 1 << 20
ESP_BYTES = 32 << 20
# of a firmware that does not start what its keys have not signed
DENIED = ": Access Denied"
COMMAND_S = 60
DETACH = b"\x1d"  # Ctrl-]
# The kernel's tests of its own cryptography take seconds on an emulated processor; and its
# timestamp counter, measured by the kernel at a moment when the host was busy with something
# else, makes its time run many times too fast; its timer then seems to be broken, and the kernel
# panics (no_timer_check). No emulated processor needs the mitigations of faults of real ones, which
# cost a tenth of a boot.
KERNEL_WORDS = ("console=ttyS0 root=PARTLABEL=firmware rootfstype=squashfs ro quiet loglevel=3 "
                "panic=-1 cryptomgr.notests tsc=unstable no_timer_check mitigations=off "
                "initcall_blacklist=crypto_kdf108_init,init_kprobe_trace")
# Without the instructions that fill and copy memory byte by byte, which are slow when emulated, and
# without what costs time at each access: a fifth level of page tables, and their protection keys.
PROCESSOR = "max,-erms,-fsrm,-smap,-smep,-la57,-pku"

# where Debian keeps sfdisk and mkfs.vfat, which is not on everyone's path
os.environ["PATH"] += ":/usr/sbin:/sbin"

_running = []


class ConsoleError(Exception):
    pass


def _kill_all():
    for device in list(_running):
        device.kill()


# after each page of a long output
MORE = "--More--"
# the last word of a kernel that switches the machine off, rather than to reset it
OFF = "Power down"


def _terminated(number, _frame):
    sys.exit(128 + number)


atexit.register(_kill_all)


def clean_up_on_signals():
    """Make SIGTERM and SIGHUP leave through atexit, so that no machine outlives us."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)


def plain(text):
    """Console output as a person sees it: no escape sequences, one kind of line end."""
    text = re.sub(r"\x1b7.*?\x1b8", "", text, flags=re.DOTALL)  # below a progress bar
    text = re.sub(rf"{MORE}\r *\r", "", text)
    text = re.sub(r"\x1b(D|\[[0-9;?]*[A-Za-z])", "", text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def build_folder(folder, variant=None):
    """Build the device (or find it built); the folder of its files."""
    subprocess.run([os.path.join(HERE, "build"), folder, *([variant] if variant else [])],
                   check=True)
    return os.path.join(os.path.abspath(folder), "device")


def make_uki(keys, kernel, initrd, words, path):
    """A unified kernel image, signed by the key folder @keys, as docs/integration.md makes it."""
    packed = path + ".initrd"
    # the firmware reads and hashes all of it on an emulated processor
    subprocess.run(["zstd", "-q", "-f", initrd, "-o", packed], check=True)
    subprocess.run([os.path.join(SECURE_BOOT, "make-uki"), keys, kernel, packed, words, path],
                   check=True)
    os.unlink(packed)


def write_esp(disk, files, start=ESP_START, size=ESP_BYTES):
    """A new EFI system partition with @files: path there, and on this host."""
    image = disk + ".partition"
    with open(image, "wb") as out:
        out.truncate(size)
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["mkfs.vfat", "-n", "BOOT", image], **quiet)
    folders = {"::" + name.rpartition("/")[0][:end] for name in files
               for end in [at for at, letter in enumerate(name) if letter == "/"] + [len(name)]}
    for folder in sorted(folders - {"::"}):
        subprocess.run(["mmd", "-i", image, folder], **quiet)
    for name, path in files.items():
        subprocess.run(["mcopy", "-i", image, path, "::" + name], **quiet)
    subprocess.run(["dd", f"if={image}", f"of={disk}", "bs=1M", f"seek={start}", "oflag=seek_bytes",
                    "conv=notrunc", "status=none"], check=True)
    os.unlink(image)


def make_stick(path, files, mib=64, name="STICK"):
    """A USB stick: one vfat partition called @name, holding @files (paths on this host)."""
    with open(path, "wb") as stick:
        stick.truncate(mib << 20)
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["sfdisk", "--quiet", path], input=b"start=2048, type=c\n", **quiet)
    sectors = (mib << 11) - 2048
    subprocess.run(["mkfs.vfat", "-n", name, "--offset=2048", path, str(sectors // 2)], **quiet)
    if files:
        subprocess.run(["mcopy", "-i", f"{path}@@1M", *files, "::"], **quiet)


class Device:
    """One device: a disk in @folder, and the machine that runs on it now and then."""

    def __init__(self, built, folder, echo=None, secure_boot=False, serial=SERIAL, card=None,
                 served=None, usb=False, initrd="initrd.img", disk="disk.img", attended=False):
        """@built: see build_folder(); @echo: called with console text as it comes

        With @secure_boot the machine has UEFI firmware, which starts a unified kernel image from
        the disk. It keeps its variables in @folder. It is in setup mode, where it starts
        anything, until enrol() gave it keys; from the next boot on it starts what they have signed.
        @card is the image of an
        SD card that is in its slot. @initrd and @disk are files that tests/device/build makes.
        @served is a folder whose files 10.0.2.2 has for TFTP. With @usb it has ports for
        sticks, whose drivers take a second of every boot. It is @attended where interact() may follow.
        """
        self.built = built
        self.folder = folder
        self.served = f",tftp={served}" if served else ""
        self.disk = os.path.join(folder, "disk.img")
        self.echo = echo
        self.secure_boot = secure_boot
        self.before = []  # disks that the UEFI firmware tries first
        self.uki = None  # the image that it starts; None: of the kernel and @initrd
        self.files = {}  # more of them on its EFI system partition
        self.serial = serial
        self.card = card
        self.usb = ["-device", "qemu-xhci"] if usb else []
        self.attended = attended
        self.sticks = {}  # those plugged in, by name, as options of the virtual machine
        self.words = ""  # on the kernel command line
        self.ports = {}  # of this host, that are in use: by the device's
        self.began = 0  # where its console begins in the log, since it was powered on or reset
        self.initrd = initrd
        self.process = None
        self.decoder = None
        self.log = ""
        self.pending = self.partial = ""
        if os.path.exists(self.disk):
            return
        subprocess.run(["cp", "--sparse=always", "--reflink=auto",
                        os.path.join(built, disk), self.disk], check=True)

    # the machine

    def command(self, words="", port=0, pages_port=0):
        """The command line of the virtual machine, without its serial port.

        @port, @pages_port: of this host, that lead to ports 80 and 8080 of the device; 0: the
        kernel picks free ones, see port()
        """
        return ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", PROCESSOR,
                "-m", "512", "-nodefaults", "-display", "none",
                "-smbios", f"type=1,product={MODEL},serial={self.serial}",
                *(self._uefi() if self.secure_boot else self._loader(words)),
                "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:80,"
                           f"hostfwd=tcp:127.0.0.1:{pages_port}-:8080{self.served}",
                "-device", "virtio-net-pci,netdev=net,romfile=",
                # counts once the device says device.watchdog_s=SECONDS
                "-device", "i6300esb", "-action", "watchdog=reset",
                *self.usb, *self._slot()]

    def _plugged(self):
        """The options for the sticks that are plugged in."""
        return [word for drive, device in self.sticks.values()
                for word in ("-drive", drive, "-device", device)]

    def _slot(self):
        """The options for an SD card; none without."""
        if not self.card:
            return []
        return ["-device", "sdhci-pci", "-drive", f"if=none,id=card,format=raw,file={self.card}",
                "-device", "sd-card,drive=card"]

    def _loader(self, words):
        """The options for a kernel that no firmware looks at."""
        return ["-kernel", os.path.join(self.built, "vmlinux"),
                "-initrd", os.path.join(self.built, self.initrd),
                "-append", f"{KERNEL_WORDS} {words}".strip(),
                "-drive", f"file={self.disk},format=raw,if=virtio"]

    def _uefi(self):
        """The options for UEFI firmware with Secure Boot, and for the disks that it tries."""
        variables = os.path.join(self.folder, "variables.fd")
        if not os.path.exists(variables):
            shutil.copyfile(f"{UEFI}/OVMF_VARS_4M.fd", variables)
        # Linux names the first one vda
        order = [(len(self.before) + 1, self.disk), *enumerate(self.before, 1)]
        return ["-machine", "smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on",
                "-drive", f"file={UEFI}/OVMF_CODE_4M.secboot.fd,format=raw,if=pflash,unit=0,"
                          "readonly=on",
                "-drive", f"file={variables},format=raw,if=pflash,unit=1",
                *(word for number, disk in order for word in (
                    "-drive", f"file={disk},format=raw,if=none,id=disk{number}",
                    "-device", f"virtio-blk-pci,drive=disk{number},bootindex={number}"))]

    @property
    def secure_boot_keys(self):
        return os.path.join(self.built, "secure-boot")

    def write_uki(self, words):
        """What the UEFI firmware starts, on the disk: with these words on the command line, which
        nobody can change. The keys for enrol() lie beside it, as a factory would have them."""
        uki = self.uki or os.path.join(self.folder, "uki.efi")
        if not self.uki:
            make_uki(self.secure_boot_keys, os.path.join(self.built, "vmlinuz"),
                     os.path.join(self.built, self.initrd), f"{KERNEL_WORDS} {words}".strip(), uki)
        keys = {f"/keys/{name}.auth": os.path.join(self.secure_boot_keys, f"{name}.auth")
                for name in ("PK", "KEK", "db")}
        write_esp(self.disk, {"/EFI/BOOT/BOOTX64.EFI": uki, **keys, **self.files,
                              "/keys/enrol": os.path.join(SECURE_BOOT, "enrol")})

    def enrol(self):
        """Give the running device its keys, as docs/integration.md says; (exit status, output)."""
        self.run("mount -o ro /dev/vda1 /mnt")
        return self.run("sh /mnt/keys/enrol /mnt/keys")

    def _monitor_path(self):
        return os.path.join(self.folder, "monitor")

    def start(self, words="", limit_s=BOOT_S, until=None):
        """Power on with @words on the kernel command line; wait for the prompt, or @until."""
        self.pending = self.partial = ""
        self.answered = self.log.count(MORE)
        # a read may end in the middle of a character
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.words, self.ports = words, {}
        if self.secure_boot:
            self.write_uki(words)
        self._switch_on()
        if until:
            return plain(self.expect(until, limit_s))
        return self.wait_prompt("the prompt after power on", limit_s)

    def _switch_on(self):
        """A reset ends the process, and _read() begins another one: to boot again in the same one
        takes a quarter more of the processor. While a person types, the process stays."""
        ports = self.ports.get(80, 0), self.ports.get(8080, 0)
        line = [*self.command(self.words, *ports), *self._plugged(), *([] if self.attended else ["-no-reboot"]),
                "-serial", "stdio", "-monitor", f"unix:{self._monitor_path()},server,nowait"]
        self.began = len(self.log)
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        _running.append(self)

    def _ended(self):
        process, self.process = self.process, None
        for pipe in (process.stdin, process.stdout):
            pipe.close()
        if self in _running:
            _running.remove(self)
        return process.returncode

    def kill(self):
        """Cut the power."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self._ended()

    def poweroff(self, limit_s=COMMAND_S, command="poweroff"):
        """Shut down in an orderly way; wait until the machine is off."""
        self.type(command)
        deadline = time.monotonic() + limit_s
        while self._read(deadline, "the machine to switch itself off"):
            pass
        self.process.wait(timeout=limit_s)
        return self._ended()

    def reboot(self, limit_s=BOOT_S, command="reboot"):
        """Reboot in an orderly way; wait for the prompt. Returns what was on the console."""
        self.type(command)
        # the shell prompts once more before it is told to go
        self.expect("Restarting system", limit_s)
        return self.wait_prompt("the prompt after the reboot", limit_s)

    def _monitor(self, command, pattern):
        """Tell the virtual machine's monitor something; the match of @pattern in its answer."""
        text = ""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(20)
            monitor.connect(self._monitor_path())
            monitor.sendall(command.encode() + b"\n")
            while not (match := re.search(pattern, text)):
                try:
                    answer = monitor.recv(4096).decode("utf-8", "replace")
                except TimeoutError:
                    answer = ""
                if not answer:
                    self._fail(f"`{command}` in the monitor said: {text}")
                text += answer
        return match

    def port(self, of_device=80):
        """The port of this host that leads to port 80, or 8080, of the device, until it is off."""
        if of_device in self.ports:
            return self.ports[of_device]
        found = self._monitor("info usernet", r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+"
                              rf"\S+\s+{of_device}\s")
        self.ports[of_device] = int(found.group(1))
        return self.ports[of_device]

    def plug_in(self, stick, name="stick", node="sda1", bytes_s=0):
        """Plug in a USB stick, see make_stick(); wait until the device has noticed.

        @name: to pull it out by; @node: what the device is going to call it; @bytes_s: how
        fast it is read at most
        """
        slow = f",throttling.bps-read={bytes_s}" if bytes_s else ""
        drive = f"if=none,id=drive-{name},format=raw,file={stick}{slow}"
        device = f"usb-storage,drive=drive-{name},id={name},removable=on"
        self._monitor(f"drive_add 0 {drive}", r"\bOK\b")
        self._monitor(f"device_add {device}\ninfo usb", rf"Product QEMU USB.*ID: {name}\b")
        self.sticks[name] = drive, device
        self.wait_for(f"test -b /dev/{node}")

    def pull_out(self, name="stick"):
        """Pull a USB stick out, whatever the device does with it."""
        self._monitor(f"device_del {name}\ninfo version", r"(?m)^\d+\.\d+\.\d+")
        del self.sticks[name]

    # the console

    def interact(self):
        """Connect this terminal to the console, until Ctrl-] or the end of the machine."""
        saved = termios.tcgetattr(sys.stdin)
        tty.setraw(sys.stdin)
        try:
            while True:
                ready = select.select([sys.stdin, self.process.stdout], [], [])[0]
                if self.process.stdout in ready:
                    data = os.read(self.process.stdout.fileno(), 65536)
                    if not data:
                        return
                    os.write(sys.stdout.fileno(), data)
                if sys.stdin in ready:
                    data = os.read(sys.stdin.fileno(), 65536)
                    if not data or DETACH in data:
                        return
                    self.process.stdin.write(data)
                    self.process.stdin.flush()
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, saved)

    def _fail(self, what):
        tail = "\n".join(plain(self.log).splitlines()[-40:])
        raise ConsoleError(f"{what}; the end of the console:\n{tail}")

    def _read(self, deadline, what):
        """Read some more; False at the end of the machine, which a reset is not."""
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            self._fail(f"waited in vain for {what}")
        raw = os.read(self.process.stdout.fileno(), 65536)
        if not raw and self.process.wait() == 0 and OFF not in self.log[self.began:]:
            self._ended()
            self._switch_on()
            return True
        data = self._without_questions(self.decoder.decode(raw))
        self.log += data
        self.pending += data
        while self.log.count(MORE) > self.answered:
            self.answered += 1
            self.write(" ")
        if self.echo:
            self.echo(data)
        return raw != b""

    def _without_questions(self, data):
        """Leave out the shell's question where the cursor is, which nobody here answers."""
        data = (self.partial + data).replace(CURSOR_QUESTION, "")
        self.partial = ""
        for size in range(len(CURSOR_QUESTION) - 1, 0, -1):
            if data.endswith(CURSOR_QUESTION[:size]):
                data, self.partial = data[:-size], data[-size:]
                break
        return data

    def expect(self, text, limit_s=COMMAND_S, what=None):
        """Wait for @text; returns everything up to and with it."""
        deadline = time.monotonic() + limit_s
        what = what or repr(text)
        while text not in self.pending:
            if not self._read(deadline, what):
                self._fail(f"the machine ended while waiting for {what}")
        end = self.pending.index(text) + len(text)
        seen, self.pending = self.pending[:end], self.pending[end:]
        return seen

    def wait_prompt(self, what, limit_s=BOOT_S):
        """Wait for the prompt of the shell; returns everything before it."""
        return plain(self.expect(PROMPT, limit_s, what)[: -len(PROMPT)])

    def type(self, line):
        """Type @line and return."""
        self.write(line + "\n")

    def write(self, text):
        """Type @text."""
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def run(self, command, answers=(), limit_s=COMMAND_S):
        """Type a command; (exit status, output).

        @answers: pairs (what the command asks, what to type then)
        """
        self.type(command)
        seen = ""
        for question, answer in answers:
            seen += self.expect(question, limit_s)
            self.type(answer)
        seen += self.expect(PROMPT, limit_s, f"the end of `{command}`")[: -len(PROMPT)]
        # the first line is the terminal's echo of what was typed
        output = plain(seen).partition("\n")[2]
        return self._status(), output

    def wait_for(self, test, limit_s=COMMAND_S):
        """Wait, without a word on the echo, until the shell finds @test true."""
        echo, self.echo = self.echo, None
        try:
            status, _ = self.run(f"for i in $(seq {limit_s}); do {test} && break; sleep 1; done; "
                                 f"{test}", limit_s=limit_s + COMMAND_S)
        finally:
            self.echo = echo
        if status:
            self._fail(f"waited in vain for `{test}`")

    def _status(self):
        echo, self.echo = self.echo, None
        try:
            self.type("echo status $?")
            answer = self.expect(PROMPT, what="an exit status")
        finally:
            self.echo = echo
        match = re.search(r"^status (\d+)$", plain(answer), re.MULTILINE)
        if not match:
            self._fail("no exit status")
        return int(match.group(1))


def free_port():
    """A port of this host that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class WebServer:
    """A web server on loopback, which the device reaches as 10.0.2.2.

    With @hold_at set, it sends that many bytes of a file and no more, until the other end
    hangs up; @held then says that they are out, @served that a whole file is. With @keys, the
    folder of its certificate, it speaks https.
    """

    def __init__(self, folder, keys=None):
        self.hold_at = None
        self.held = threading.Event()
        self.served = threading.Event()
        owner = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args):
                super().__init__(*args, directory=folder)

            def log_message(self, *_args):
                pass

            def copyfile(self, source, outputfile):
                if owner.hold_at is None:
                    super().copyfile(source, outputfile)
                    owner.served.set()
                    return
                outputfile.write(source.read(owner.hold_at))
                owner.held.set()
                self.rfile.read()

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_args):
                pass  # a device that loses its power hangs up on us

        self.server = Server(("127.0.0.1", 0), Handler)
        if keys:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(f"{keys}/server.pem", f"{keys}/server.key")
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class WorkFolder:
    """A folder that is gone when its work is done."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="wmopkg-device-")
        return self.path

    def __exit__(self, *_exc):
        shutil.rmtree(self.path, ignore_errors=True)
