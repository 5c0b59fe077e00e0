# SPDX-License-Identifier: MIT
"""U-Boot of the source that Debian has, for a board as most are: its environment is on a card, in two
copies. Debian has none of this kind for a board of QEMU.

	uboot.py	prints the path of u-boot.bin for qemu-system-aarch64
"""

import hashlib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debian  # noqa: E402 pylint: disable=wrong-import-position

RELEASE = "bookworm"
COMPILER = "aarch64-linux-gnu-"
BASE = "configs/qemu_arm64_defconfig"
# As docs/integration.md has it. The rest is left out because nothing needs it here.
CONFIG = """\
CONFIG_MMC=y
CONFIG_MMC_PCI=y
CONFIG_MMC_SDHCI=y
CONFIG_MMC_SDHCI_SDMA=y
CONFIG_CMD_MMC=y
CONFIG_ENV_IS_IN_MMC=y
CONFIG_SYS_REDUNDAND_ENVIRONMENT=y
CONFIG_ENV_OFFSET=0xF900000
CONFIG_ENV_OFFSET_REDUND=0xF910000
CONFIG_ENV_SIZE=0x4000
""" + "".join(f"# CONFIG_{name} is not set\n" for name in (
    "ENV_IS_IN_FLASH", "TOOLS_MKEFICAPSULE", "EFI_LOADER", "TPM", "USB", "DFU", "NVME_PCI", "SCSI",
    "AHCI", "CFI_FLASH", "FLASH_CFI_DRIVER", "FLASH_CFI_MTD", "MTD_NOR_FLASH", "SYS_FLASH_CFI",
    "DM_MTD", "CMD_MTD", "CMD_MTDPARTS", "DFU_MTD", "MTD"))
# The card is on the PCI bus, so that this is looked for before the environment is.
ENVIRONMENT = {"CROSS_COMPILE": COMPILER, "KCPPFLAGS": "-DCONFIG_SYS_EARLY_PCI_INIT",
               "SOURCE_DATE_EPOCH": "1700000000", "LC_ALL": "C"}


def make(source, out, target):
    done = subprocess.run(["make", "-C", source, f"O={out}", f"-j{os.cpu_count()}", target],
                          env={**os.environ, **ENVIRONMENT}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise debian.Unavailable(f"u-boot: make {target}: status {done.returncode}\n{done.stdout[-2000:]}")


def build():
    """The path of the program; it is made once, in some 40 seconds of processor time."""
    what = hashlib.sha256((RELEASE + CONFIG + repr(ENVIRONMENT)).encode()).hexdigest()[:12]
    folder = os.path.join(debian.cache(), f"u-boot-card-{what}")
    source = debian.source(RELEASE, "u-boot")
    with debian.only_one(folder + ".lock"):
        if not os.path.isdir(folder):
            new, out = folder + ".new", folder + ".out"
            for leftover in (new, out):
                shutil.rmtree(leftover, ignore_errors=True)
                os.makedirs(leftover)
            with open(os.path.join(source, BASE), encoding="ascii") as file:
                config = file.read() + CONFIG
            with open(os.path.join(out, ".config"), "w", encoding="ascii") as file:
                file.write(config)
            make(source, out, "olddefconfig")
            make(source, out, "u-boot.bin")
            shutil.copy(os.path.join(out, "u-boot.bin"), new)
            shutil.rmtree(out)
            os.rename(new, folder)
    return os.path.join(folder, "u-boot.bin")


if __name__ == "__main__":
    try:
        print(build())
    except debian.Unavailable as why:
        sys.exit(f"uboot.py: {why}")
