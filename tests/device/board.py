# SPDX-License-Identifier: MIT
"""The virtual device as an ARM board that U-Boot starts, and the prompt of U-Boot on its console.

The board is `virt` of QEMU, with the U-Boot that Debian has for it. This one keeps its environment
in flash memory, in one copy, which Debian's kernel has no driver for.
"""

import collections
import os
import re

import console

PROMPT = "\n=> "
STOP = "Hit any key to stop autoboot"
LIMIT_S = 120
FLASH_BYTES = 64 << 20
Kind = collections.namedtuple("Kind", "qemu uboot machine")
KINDS = {
    "arm64": Kind("qemu-system-aarch64", "/usr/lib/u-boot/qemu_arm64/u-boot.bin",
                  ["-M", "virt", "-cpu", "cortex-a57"]),
    # a kernel for 32 bits finds no PCI bus beyond them
    "armhf": Kind("qemu-system-arm", "/usr/lib/u-boot/qemu_arm/u-boot.bin",
                  ["-M", "virt,highmem=off", "-cpu", "cortex-a15"]),
}


class Board(console.Device):
    """@name: the processor, as Debian calls it; @uboot: another one than Debian's; with @card, the disk is
    an SD card, in @folder already. Others as for console.Device."""

    def __init__(self, built, folder, name, uboot=None, card=False, **options):
        super().__init__(built, folder, disk="disk-board.img", **options)
        self.kind = KINDS[name]
        self.uboot = uboot or self.kind.uboot
        self.on_card = card
        self.flash = os.path.join(folder, "flash.img")
        if not os.path.exists(self.flash):
            with open(self.flash, "wb") as file:
                file.truncate(FLASH_BYTES)

    def command(self, words="", port=0, pages_port=0):
        assert not words  # they are those of the script of U-Boot
        disk = ["-drive", f"if=none,id=disk,format=raw,file={self.disk}"]
        disk += (["-device", "sdhci-pci", "-device", "sd-card,drive=disk"] if self.on_card else
                 ["-device", "virtio-blk-pci,drive=disk"])
        return [self.kind.qemu, *self.kind.machine, "-accel", "tcg,thread=multi", "-m", "512",
                "-nodefaults", "-display", "none", "-bios", self.uboot,
                "-drive", f"if=pflash,unit=1,format=raw,file={self.flash}", *disk,
                "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:80,"
                           f"hostfwd=tcp:127.0.0.1:{pages_port}-:8080",
                "-device", "virtio-net-pci,netdev=net,romfile="]

    def stop(self):
        """Press a key while U-Boot counts down, after power on or a reset; wait for its prompt."""
        self.expect(STOP, LIMIT_S)
        self.write(" ")
        return self.expect(PROMPT, LIMIT_S)

    def start_uboot(self):
        """Power on, up to the prompt of U-Boot."""
        seen = self.start(until=STOP, limit_s=LIMIT_S)
        self.write(" ")
        return seen + self.expect(PROMPT, LIMIT_S)

    def reboot_to_uboot(self):
        self.type("reboot")
        return self.stop()

    def say(self, line, limit_s=console.COMMAND_S):
        """Type a line at the prompt of U-Boot; what it prints."""
        self.type(line)
        return console.plain(self.expect(PROMPT, limit_s)[:-len(PROMPT)]).partition("\n")[2]

    def variables(self):
        """Those of U-Boot, as it prints them."""
        pairs = (re.match("([^=]+)=(.*)", line) for line in self.say("printenv").splitlines())
        return {pair[1]: pair[2] for pair in pairs if pair}

    def boot(self, limit_s=console.BOOT_S):
        """From the prompt of U-Boot to that of Linux; what was on the console."""
        self.type("boot")
        return self.wait_prompt("the prompt after U-Boot has started the kernel", limit_s)
