# SPDX-License-Identifier: MIT
"""What the recipes of packaging/ say, and what the source says: for the tests of both."""

import glob
import os
import re
import subprocess

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILDROOT = os.path.join(ROOT, "packaging", "buildroot")
LAYER = os.path.join(ROOT, "packaging", "yocto", "meta-wmopkg")
# options that a recipe cannot have
INTERNAL = {"fuzz"}
# What of Buildroot wmopkg.mk uses; the recipe prints instead of building.
HARNESS = """\
BR2_EXTERNAL_WMOPKG_PATH := {folder}
{selected}
qstrip = $(strip $(subst ",,$(1)))
KCONFIG_ENABLE_OPT = enable $(1);
meson-package =
host-meson-package =
include {folder}/package/wmopkg/wmopkg.mk
WMOPKG_SRCDIR = {source}
WMOPKG_OVERRIDE_SRCDIR = {source}
print: ; @printf '%s\\n' {shown}
"""


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def version():
    return re.search(r"(?m)^  version: '([\d.]+)'", read("meson.build")).group(1)


def options():
    """Those of meson_options.txt."""
    return set(re.findall(r"(?m)^option\('(\w+)'", read("meson_options.txt")))


def requirements():
    """The libraries of meson.build: name of pkg-config -> version."""
    text = "".join(read(path) for pattern in ("meson.build", "[!bt]*/meson.build")
                   for path in glob.glob(pattern, root_dir=ROOT))
    found = dict(re.findall(r"dependency\('([\w-]+)'(?:,\s*version: '>= ([\d.]+)')?", text))
    return {name: number for name, number in found.items() if name not in ("threads", "cmocka")}


def selected(config, name):
    """What an option of Config.in selects, without BR2_PACKAGE_."""
    block = re.search(rf"(?ms)^config BR2_PACKAGE_{name}\n(.*?)(?=^config |^comment |^endif|^if |\Z)", config)
    return set(re.findall(r"(?m)^\tselect BR2_PACKAGE_(\w+)", block.group(1)))


def buildroot_says(variable, *symbols):
    """The words of a variable of wmopkg.mk, with these options: of packages, and INIT_SYSTEMD."""
    names = [symbol if symbol.startswith("INIT_") else f"PACKAGE_{symbol}" for symbol in symbols]
    text = HARNESS.format(folder=BUILDROOT, source=ROOT, shown=f"'$({variable})'",
                          selected="\n".join(f"BR2_{name} = y" for name in names))
    # the command that states the time of the source is not run here
    text = text.replace(f"'$({variable})'", f"'$(subst ',,$({variable}))'")
    done = subprocess.run(["make", "--no-print-directory", "-f", "-", "print"], input=text, cwd="/", text=True,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.split()


def kernel_table():
    """The kernel options of docs/integration.md."""
    section = read("docs/integration.md").partition("\n## The kernel\n")[2].partition("\n## ")[0]
    found = set()
    for row in re.findall(r"(?m)^\| (`CONFIG_.*?) \|", section):
        names = re.findall(r"`(\w+)`", row)
        found |= {names[0] + name if name.startswith("_") else name for name in names}
    return found


def kernel_fragment():
    """(options that are set, options that are named only)"""
    text = read("packaging/yocto/meta-wmopkg/recipes-kernel/linux/files/wmopkg.cfg")
    return (re.findall(r"(?m)^(CONFIG_\w+)=y$", text), re.findall(r"(?m)^# (CONFIG_\w+) is not set$", text))
