# SPDX-License-Identifier: MIT
"""Debian's kernel in QEMU, with the host's own tree as its root, in place of User-Mode Linux."""

import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", name) for name in ("device", "kernel")]
import boot_image  # noqa: E402
import console  # noqa: E402
import vmlinux  # noqa: E402
from device import run  # noqa: E402

# The order is that of insmod; what each needs comes before it.
MODULES = ["virtio_pci", "9pnet_virtio", "9p", "loop", "dm-verity", "squashfs", "overlay",
           "sha256-ssse3"]

FIRST = """#!/bin/busybox sh
for module in {modules}; do busybox insmod /$module; done
busybox mkdir -p /host
busybox mount -t 9p -o trans=virtio,version=9p2000.L,cache=loose,msize=524288 host /host
for kind in proc sysfs devtmpfs; do
	case $kind in devtmpfs) place=dev;; sysfs) place=sys;; *) place=$kind;; esac
	busybox mount -t $kind $kind /host/$place
done
busybox mount -t tmpfs tmpfs /host/run
busybox ip link set lo up
exec busybox chroot /host /bin/sh {work}/init
"""

INIT = """export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 HOME=/root
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
{program} >{work}/log 2>&1 </dev/null
echo $? >{work}/status
busybox sync
busybox poweroff -f
"""


COPIED = ["initramfs/wmopkg-activate", "installer/wmopkg", "tests/bench/bare", "tests/bench/timed"]
COPIES = "/run/copies"
PINNED = ["/etc/localtime", "/usr/lib/x86_64-linux-gnu/ossl-modules/legacy.so"]


def copy_programs(work, build):
    """On the host: what is measured, with all that it loads, for the memory of the kernel under
    test. The host's tree is asked for each opening, and takes its time to answer."""
    folder = work + "/copies"
    os.makedirs(folder + "/lib")
    programs = {f"{build}/{name}": name for name in COPIED}
    programs[shutil.which("systemd-sysext")] = "bin/systemd-sysext"
    for source, name in programs.items():
        os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
        words = []
        for soname, library in re.findall(r"(?m)^\t(?:(\S+) => )?(/\S+)", run("ldd", source).stdout):
            shutil.copy(library, f"{folder}/lib/{soname or os.path.basename(library)}")
            words = ["--set-interpreter", COPIES + "/lib/ld-linux-x86-64.so.2", "--force-rpath",
                     "--set-rpath", COPIES + "/lib"]
        run("patchelf", *words, "--output", f"{folder}/{name}", source)


def use_copies(work):
    """In the kernel under test; the build folder there."""
    shutil.copytree(work + "/copies", COPIES)
    os.environ["PATH"] = COPIES + "/bin:" + os.environ["PATH"]
    for number, file in enumerate(filter(os.path.exists, PINNED)):
        shutil.copy(file, f"{COPIES}/{number}")
        run("mount", "--bind", f"{COPIES}/{number}", file)
    return COPIES


def module_files(version):
    """The files to load, in this order."""
    found = []
    for module in MODULES:
        said = run("modprobe", "-S", version, "--show-depends", module).stdout
        for line in said.splitlines():
            words = line.split()
            if words[0] == "insmod" and words[1] not in found:
                found.append(words[1])
    return found


def make_initramfs(work, version):
    folder = work + "/initramfs"
    os.makedirs(folder + "/bin")
    shutil.copy("/bin/busybox", folder + "/bin/busybox")
    files = module_files(version)
    for file in files:
        shutil.copy(file, folder)
    with open(folder + "/init", "w", encoding="utf-8") as file:
        file.write(FIRST.format(modules=" ".join(map(os.path.basename, files)), work=work))
    os.chmod(folder + "/init", 0o755)
    subprocess.run(f"find . | cpio --quiet -H newc -o >{work}/initramfs.img", shell=True,
                   cwd=folder, check=True)


def boot(work, program, memory, seconds, counted=False):
    """Run @program, a line of shell, in it; what the kernel's console said.

    @counted: its clock counts instructions, 2 ns each, whatever else this machine does
    """
    version = boot_image.kernel_version()
    make_initramfs(work, version)
    with open(work + "/vmlinux", "wb") as file:
        file.write(vmlinux.unpack("/boot/vmlinuz-" + version))
    with open(work + "/init", "w", encoding="utf-8") as file:
        file.write(INIT.format(program=program, work=work))
    return subprocess.run(
        ["qemu-system-x86_64", "-M", "q35", "-accel",
         *(["tcg,thread=single", "-icount", "shift=1,sleep=off"] if counted else
           ["tcg,thread=multi"]), "-cpu", console.PROCESSOR,
         "-m", memory, "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
         "-kernel", work + "/vmlinux", "-initrd", work + "/initramfs.img",
         "-append", "console=ttyS0 quiet panic=-1 " + console.KERNEL_WORDS,
         "-fsdev", "local,id=host,path=/,security_model=none,multidevs=remap",
         "-device", "virtio-9p-pci,fsdev=host,mount_tag=host"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", timeout=seconds, check=False).stdout
