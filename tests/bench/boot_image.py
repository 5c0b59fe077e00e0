# SPDX-License-Identifier: MIT
"""What our hook adds to an image of initramfs-tools."""

import filecmp
import glob
import os
import re
import shutil
import subprocess

import plot
from device import run

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..")
LEVEL = "-9"  # what mkinitramfs gives to zstd where COMPRESSLEVEL is not set
LARGEST = 12


def kernel_version():
    """The newest kernel of this host that has its modules."""
    found = [path.split("vmlinuz-", 1)[1] for path in glob.glob("/boot/vmlinuz-*")]
    found = [version for version in found if os.path.isdir("/lib/modules/" + version)]
    if not found:
        raise AssertionError("no kernel in /boot: install linux-image-amd64")
    return run("sh", "-c", 'printf "%s\\n" "$@" | sort -V | tail -n 1', "sort",
               *found).stdout.strip()


def stage(work, name, build):
    """What an image builder's root has of us: the program as a package ships it, stripped."""
    folder = f"{work}/{name}.stage"
    os.makedirs(folder + "/usr/sbin")
    os.makedirs(folder + "/etc/wmopkg/keys")
    run("strip", "-o", folder + "/usr/sbin/wmopkg-activate", build + "/initramfs/wmopkg-activate")
    with open(folder + "/etc/wmopkg/wmopkg.conf", "w", encoding="ascii"):
        pass
    run(build + "/installer/wmopkg-build", "keys", f"{work}/{name}.keys")
    shutil.copy(f"{work}/{name}.keys/root.pem", folder + "/etc/wmopkg/keys")
    return folder


def make_image(work, name, staged):
    """The files of an image, unpacked, without kernel modules."""
    conf, image, files = (f"{work}/{name}.{kind}" for kind in ("conf", "img", "files"))
    shutil.copytree(SOURCE + "/tests/device/initramfs-tools", conf)
    for folder in ("conf.d", "hooks", "scripts"):
        os.makedirs(f"{conf}/{folder}", exist_ok=True)
    if staged:
        for folder in ("hooks", "scripts"):
            shutil.copytree(f"{SOURCE}/initramfs/initramfs-tools/{folder}", f"{conf}/{folder}",
                            dirs_exist_ok=True)
        shutil.copy(SOURCE + "/initramfs/wmopkg.sh", conf + "/scripts")
    run("mkinitramfs", "-d", conf, "-o", image, kernel_version(),
        env={**os.environ, "WMOPKG_STAGE": staged or "",
             "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    run("unmkinitramfs", image, files)
    if os.path.isdir(files + "/main"):
        files += "/main"
    shutil.rmtree(files + "/usr/lib/modules")
    return files


def packed(folder, level):
    """Bytes of an archive of a folder, as mkinitramfs makes one, compressed."""
    done = subprocess.run(
        f"find . -print0 | LC_ALL=C sort -z | cpio --null --quiet -R 0:0 -H newc -o | "
        f"zstd -q {level} -c | wc -c", shell=True, cwd=folder, capture_output=True, text=True,
        check=True)
    return int(done.stdout)


def added(before, after):
    """The files that are there only after, or are not what they were: {path: bytes packed}"""
    found = {}
    for folder, _, names in os.walk(after):
        for name in names:
            path = os.path.join(folder, name)
            other = os.path.join(before, os.path.relpath(path, after))
            if os.path.islink(path) or \
                    os.path.isfile(other) and filecmp.cmp(path, other, shallow=False):
                continue
            done = subprocess.run(["zstd", "-q", LEVEL, "-c", path], capture_output=True,
                                  check=True)
            found[os.path.relpath(path, after)] = len(done.stdout)
    return found


def loaded_by(program):
    """The libraries that a program loads, those of the C library included."""
    lines = run("ldd", program, check=False).stdout
    return [os.path.realpath(path) for path in re.findall(r"(?m)(?:=> |^\t)(/\S+)", lines)]


def whole(work, name, program):
    """The program and all that it loads but the C library, in a folder."""
    folder = f"{work}/{name}.whole"
    os.mkdir(folder)
    for path in [program, *loaded_by(program)]:
        if not re.match(r"(libc|libm|ld-linux.*)\.so", os.path.basename(path)):
            shutil.copy(path, folder)
    return folder


def measure_one(work, name, build, before, most, results):
    """What the program of one build adds; goals of both builds stand side by side."""
    staged = stage(work, name, build)
    program = staged + "/usr/sbin/wmopkg-activate"
    after = make_image(work, name, staged)
    grown = {level: packed(after, level) - packed(before, level) for level in (LEVEL, most)}
    loaded = loaded_by(program)
    bytes_loaded = sum(os.path.getsize(path) for path in loaded)
    alone = packed(whole(work, name, program), LEVEL)
    print(f"\n  {name}: on disk {os.path.getsize(program) / 1e6:.2f} MB of the program, and "
          f"{bytes_loaded / 1e6:.2f} MB of {len(loaded)} libraries, the C library included")
    print(f"  {grown[LEVEL] / 1024:.0f} KiB more with zstd {LEVEL}, as initramfs-tools calls it; "
          f"{grown[most] / 1024:.0f} KiB with {most}. The largest parts, each packed alone:")
    parts = sorted(added(before, after).items(), key=lambda part: -part[1])
    for path, size in parts[:LARGEST]:
        print(f"  {size / 1024:10.0f} KiB  {path}")
    print(f"  {sum(size for _, size in parts[LARGEST:]) / 1024:10.0f} KiB  "
          f"{max(0, len(parts) - LARGEST)} others", flush=True)
    print(f"  {alone / 1024:10.0f} KiB  in an image that has none of our libraries yet: here kmod "
          "and others bring them")
    chart = ["Bars", f"What the initramfs grows by, {name}: the largest parts", "KiB",
             [[os.path.basename(path), size / 1024] for path, size in parts[:LARGEST]]]
    print("\n".join(plot.Bars(*chart[1:]).text()))
    results["charts"].append(chart)
    results["goals"] += [
        [f"initramfs, {name}: what it grows by", grown[LEVEL] / (1 << 20), "at most", 3, "MiB"],
        ["  the same where the image has the C library alone", alone / (1 << 20), "at most", 3,
         "MiB"],
        ["  libraries on disk", len(loaded), "at most", 6, ""],
        ["  program and libraries on disk", (os.path.getsize(program) + bytes_loaded) / 1e6,
         "at most", 6.5, "MB"]]


def measure(work, build, lean, results, most):
    """@lean: a build with -Dlean_initramfs=true, or None
    @most: the level of zstd that is compared with the one of initramfs-tools"""
    before = make_image(work, "without", None)
    for name, folder in ("with libraries", build), ("lean", lean):
        if folder:
            measure_one(work, name, folder, before, most, results)
