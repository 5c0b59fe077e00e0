# SPDX-License-Identifier: MIT
"""The Debian packages, on Debian 12 and 13: built from the archive of `meson dist`, installed,
booted, removed.

	test_debian.py SOURCE BUILD

Needs root, the network for packages of Debian that are not cached yet, and git for the archive.
The tests that run in the packages are packaging/debian/tests, as autopkgtest runs them.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in "../releases", "../device":
    sys.path.insert(0, os.path.join(HERE, folder))
import console  # pylint: disable=wrong-import-position
import roots  # pylint: disable=wrong-import-position

SOURCE, BUILD = "", ""
PACKAGES = ("wmopkg", "wmopkg-build", "wmopkg-initramfs")
OF_DEVICE = ("wmopkg", "wmopkg-initramfs")
SYSTEM = ("e2fsprogs", "initramfs-tools", "kmod", "linux-image-cloud-amd64", "login", "systemd-sysv", "udev", "zstd")
# the makers of an initramfs: what is installed with wmopkg
MAKERS = {"initramfs-tools": "initramfs-tools", "dracut": "dracut dracut-config-generic initramfs-tools-"}
# Parts of packaging/debian/tests/device. What follows is the same with each maker, but for what
# is in the initramfs.
PARTS = {"initramfs-tools": ["empty", "active", "reset", "bare", "removed"], "dracut": ["empty", "active"]}
# A second kernel, which has an initramfs: a copy of the first one. Drivers are left out where nothing boots.
OLDER = """\
first=$(basename /lib/modules/*)
cp -a /lib/modules/$first /lib/modules/6.0.0-older
for file in vmlinuz config System.map; do cp -a /boot/$file-$first /boot/$file-6.0.0-older; done
cp -a /boot/initrd.img-$first /boot/initrd.img-6.0.0-older
printf 'COMPRESSLEVEL=1\nMODULES=list\n' >/etc/initramfs-tools/conf.d/quick
mkdir -p /etc/dracut.conf.d
echo 'omit_dracutmodules+=" kernel-modules "' >/etc/dracut.conf.d/quick.conf
"""
# /boot as a partition with that much of space
BOOT = """\
mount -t tmpfs -o size=$(($(du -sm /boot | cut -f 1) + {mib}))m boot /mnt
cp -a /boot/. /mnt
mount --move /mnt /boot
"""
READ_ONLY = "mount --bind {0} {0} && mount -o remount,bind,ro {0}"
MAKE_AGAIN = "dpkg-trigger --by-package=wmopkg-initramfs wmopkg-initramfs; dpkg --triggers-only wmopkg-initramfs"
# An upgrade, and /boot that is read-only when it is continued: an error, and not an old initramfs. No question.
INTERRUPTED = """\
dpkg --unpack /work/newer/*.deb
mount -o remount,ro /boot
! dpkg --configure -a 2>/tmp/said || exit 1
grep 'wmopkg: /boot: read-only' /tmp/said
[ "$(dpkg --audit)" ]
mount -o remount,rw /boot
env -u DEBIAN_FRONTEND dpkg --configure -a
[ ! "$(dpkg --audit)" ]
"""
# From outside of a root, without chroot: only the root is changed. /etc/wmopkg is a volume.
OUTSIDE = """\
sha256sum /boot/* /etc/wmopkg/wmopkg.conf >/tmp/before
mkdir -p /target/var/lib/dpkg /target/usr /target/etc/wmopkg
mount -t tmpfs keys /target/etc/wmopkg
touch /target/var/lib/dpkg/status
dpkg="dpkg --root=/target --force-script-chrootless --force-depends"
$dpkg -i /work/wmopkg_*.deb /work/wmopkg-initramfs_*.deb
cmp /target/usr/share/wmopkg/wmopkg.conf /target/etc/wmopkg/wmopkg.conf
touch /target/etc/wmopkg/keys/own.pem
$dpkg --purge wmopkg-initramfs wmopkg
[ "$(find /target/etc/wmopkg -type f)" = /target/etc/wmopkg/keys/own.pem ]
sha256sum --quiet -c /tmp/before
umount /target/etc/wmopkg
rm -r /target
"""
# What a package of the vendor has that brings the key ring.
VENDOR = "Package: vendor-keys\nVersion: 1.0\nArchitecture: all\nMaintainer: a vendor\nDescription: key ring\n"
INSTALL = "apt-get update -q && apt-get install -q -y --no-install-recommends /work/*.deb"
OPTIONS = {"DEB_BUILD_OPTIONS": "noautodbgsym"}
MIB = 1 << 20
# partitions: name, MiB
ROOT_MIB, DATA_MIB, PERSIST_MIB = 1400, 64, 32
BOOT_S, PART_S = 600, 1800
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
CONSOLE = """\
# A root shell on the serial console, as tests/device/systemd has it.
[Service]
ExecStart=/bin/bash --norc -i
Environment=HOME=/root TERM=vt100 LC_ALL=C.UTF-8 "PS1=\\\\[\\\\e[m\\\\]# "
Environment=PATH=/usr/sbin:/usr/bin AUTOPKGTEST_REBOOT=/root/reboot-to
WorkingDirectory=/root
StandardInput=tty
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
TTYReset=yes
Restart=always
RestartSec=0
SendSIGHUP=yes
TimeoutStopSec=5
"""
# What autopkgtest has for a test that wants a reboot: here the runner reads it from the console.
REBOOT_TO = '#!/bin/sh\necho "next part: $1"\n'
DISK = """\
label: gpt
start=1MiB, size={root}MiB, name=root
size={data}MiB, name=wmopkg-data
size={persist}MiB, name=wmopkg-persist
"""


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def build_dependencies():
    with open(f"{SOURCE}/packaging/debian/control", encoding="utf-8") as file:
        listed = re.search(r"(?m)^Build-Depends:\n((?: .*\n)+)", file.read()).group(1)
    return [re.sub(r"debhelper-compat.*", "debhelper", line.strip(" ,").split(" ")[0])
            for line in listed.splitlines()]


class Machine(console.Device):
    """A machine whose kernel and initramfs are those in its root, as a bootloader takes them."""

    def command(self, words="", port=0, pages_port=0):
        return ["qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=multi", "-cpu", console.PROCESSOR,
                "-m", "1024", "-nodefaults", "-display", "none",
                "-kernel", f"{self.folder}/vmlinuz", "-initrd", f"{self.folder}/initrd.img",
                "-append", "console=ttyS0 root=PARTLABEL=root rw quiet panic=-1 cryptomgr.notests "
                           f"tsc=unstable no_timer_check mitigations=off {words}",
                "-drive", f"file={self.disk},format=raw,if=virtio"]

    def _switch_on(self):
        for file in "vmlinuz", "initrd.img":
            names = run("debugfs", "-R", "ls -p /boot", f"{self.disk}?offset={MIB}")
            name = re.search(rf"/({file}-[^/]+)/", names).group(1)
            run("debugfs", "-R", f"dump /boot/{name} {self.folder}/{file}", f"{self.disk}?offset={MIB}")
        # An emulated processor takes seconds to unpack it.
        with open(f"{self.folder}/initrd.img", "rb") as packed:
            if packed.read(4) == ZSTD_MAGIC:
                run("zstd", "-q", "-d", "-f", f"{self.folder}/initrd.img", "-o", f"{self.folder}/initrd")
                os.rename(f"{self.folder}/initrd", f"{self.folder}/initrd.img")
        super()._switch_on()


class Debian(unittest.TestCase):
    RELEASE = MAKER = ""

    @classmethod
    def setUpClass(cls):
        if os.getuid() != 0:
            raise AssertionError("the scripts of packages run as root only: run this test as root")
        cls.folder = os.path.join(BUILD, "packaging", cls.RELEASE)
        cls.work = os.path.join(cls.folder, "work")
        os.makedirs(cls.work, exist_ok=True)

    def layer(self, name, *packages):
        """A new layer over a root of the release with @packages."""
        folder = os.path.join(self.folder, name)
        shutil.rmtree(folder, ignore_errors=True)
        return roots.Layer(roots.make(self.RELEASE, *packages), folder, self.work)


class Build(Debian):
    """The packages themselves."""

    def test_1_build(self):
        with open(f"{SOURCE}/meson.build", encoding="utf-8") as file:
            version = re.search(r"version: '(.*?)'", file.read()).group(1)
        run("meson", "dist", "-C", BUILD, "--no-tests", "--allow-dirty")
        shutil.rmtree(self.work)
        os.makedirs(self.work)
        shutil.copyfile(f"{BUILD}/meson-dist/wmopkg-{version}.tar.xz", f"{self.work}/wmopkg_{version}.orig.tar.xz")
        layer = self.layer("build", "build-essential", "fakeroot", "lintian", *build_dependencies())
        build = (f"tar xf /work/wmopkg_{version}.orig.tar.xz && cd wmopkg-{version} && "
                 "cp -a packaging/debian debian && dpkg-buildpackage -us -uc 2>&1")
        layer.succeed(f"cd /work && {build}", **OPTIONS)
        self.assertEqual(layer.succeed("cd /work && lintian --allow-root --profile debian --info "
                                       "--fail-on error,warning ./*.changes"), "")
        # the same bytes in another folder, on another day, for another user
        layer.succeed(f"mkdir /work/again && cd /work/again && cp ../*.orig.tar.xz . && umask 077 && export TZ=UTC+9 && "
                      f"{build.replace('/work/', '/work/again/')}", **OPTIONS)
        for deb in glob.glob(f"{self.work}/*.deb"):
            run("cmp", deb, f"{self.work}/again/{os.path.basename(deb)}")
        shutil.rmtree(f"{self.work}/again")
        for name in PACKAGES:
            self.assertEqual(len(glob.glob(f"{self.work}/{name}_*.deb")), 1, name)
        # nothing of a device on a host
        depends = run("dpkg-deb", "-f", *glob.glob(f"{self.work}/wmopkg-build_*.deb"), "Depends")
        self.assertNotRegex(depends, "cryptsetup|curl|edit|devmapper|ubootenv|mount")

    def images_with(self, layer, name):
        """For each initramfs, whether it has a file of that name."""
        said = layer.succeed("command -v lsinitramfs >/dev/null || alias lsinitramfs=lsinitrd\n"
                             f"for image in /boot/initrd.img-*; do lsinitramfs $image | grep -c '{name}$' || :; done")
        return [int(count) > 0 for count in said.split()]

    def test_2_install_and_remove(self):
        """Everything there and as it was packaged; removed, purged and installed again."""
        layer = self.layer("install", *SYSTEM)
        layer.succeed(OLDER + INSTALL)
        self.assertEqual(layer.succeed("dpkg -V wmopkg wmopkg-initramfs wmopkg-build"), "")
        self.assertEqual(self.images_with(layer, "usr/sbin/wmopkg-activate"), [True, True])
        layer.succeed("useradd --create-home tester && cp -r /work/wmopkg-*/packaging/debian/tests /tmp/tests && "
                      "su tester -c 'cd && /tmp/tests/folder' 2>&1")
        layer.succeed("touch /etc/wmopkg/keys/own.pem; apt-get remove -q -y wmopkg wmopkg-initramfs wmopkg-build")
        self.assertEqual(self.images_with(layer, "wmopkg"), [False, False])
        layer.succeed("test -e /etc/wmopkg/wmopkg.conf")
        layer.succeed("dpkg --purge wmopkg wmopkg-initramfs wmopkg-build")
        left = layer.succeed("find / -xdev -name '*wmopkg*' ! -path '/work/*' ! -path '/var/cache/*' ! -path '/var/log/*'")
        self.assertEqual(left.split(), ["/etc/wmopkg"])
        self.assertEqual(layer.succeed("ls -A /etc/wmopkg /etc/wmopkg/keys").split(),
                         ["/etc/wmopkg:", "keys", "/etc/wmopkg/keys:", "own.pem"])
        layer.succeed(INSTALL)
        self.assertEqual(layer.succeed("dpkg -V wmopkg wmopkg-initramfs wmopkg-build"), "")
        layer.succeed(OUTSIDE)
        self.keys_of_a_vendor(layer)
        self.upgrade(layer)

    def keys_of_a_vendor(self, layer):
        """A key ring that is in a package gets into each initramfs."""
        os.makedirs(f"{self.work}/vendor/DEBIAN")
        os.makedirs(f"{self.work}/vendor/etc/wmopkg/keys")
        write(f"{self.work}/vendor/DEBIAN/control", VENDOR)
        write(f"{self.work}/vendor/etc/wmopkg/keys/vendor.pem", "a certificate\n")
        layer.succeed("cd /work && dpkg-deb -b vendor vendor.deb && dpkg -i vendor.deb")
        self.assertEqual(self.images_with(layer, "etc/wmopkg/keys/vendor.pem"), [True, True])

    def upgrade(self, layer):
        """Refused before anything is changed, or done without a question."""
        os.makedirs(f"{self.work}/newer")
        for name in OF_DEVICE:
            folder = f"{self.work}/newer/{name}"
            run("dpkg-deb", "-R", *glob.glob(f"{self.work}/{name}_*.deb"), folder)
            run("sed", "-i", "s/-1~upstream1/-1~upstream2/", f"{folder}/DEBIAN/control")
            if name == "wmopkg":
                run("sed", "-i", "s/trials = 3/trials = 4/", f"{folder}/usr/share/wmopkg/wmopkg.conf")
            run("dpkg-deb", "-Znone", "--root-owner-group", "-b", folder, f"{folder}.deb")
        layer.succeed("echo 'trials = 2' >>/etc/wmopkg/wmopkg.conf")
        upgrade = "cd /work && dpkg -i newer/*.deb 2>&1"
        for prepare, command, why in (
                (READ_ONLY.format("/usr"), upgrade, "wmopkg: /usr: read-only"),
                (READ_ONLY.format("/etc"), upgrade, "wmopkg: /etc: read-only"),
                (READ_ONLY.format("/usr"), "dpkg -r wmopkg-initramfs 2>&1", "wmopkg: /usr: read-only"),
                (READ_ONLY.format("/boot"), upgrade, "wmopkg: /boot: read-only"),
                (BOOT.format(mib=1), upgrade, r"wmopkg: /boot: [01] MiB are free, and \d+ MiB are needed")):
            status, output = layer.run("/bin/sh", "-ec", f"{prepare}\n{command}")
            self.assertNotEqual(status, 0, output)
            self.assertRegex(output, why)
            self.assertEqual(layer.succeed("dpkg --audit; dpkg-query -W -f '${db:Status-Status} ${Version}\n' 'wmopkg*' "
                                           "| sed 's/ 0.*-1/ 1/' | sort -u"), "installed 1~upstream1\n", output)
        self.make_again_without_room(layer)
        layer.succeed(f"{BOOT.format(mib=100)}\n{INTERRUPTED}")
        layer.succeed("grep 'trials = 4' /usr/share/wmopkg/wmopkg.conf; grep 'trials = 3' /etc/wmopkg/wmopkg.conf; "
                      "grep 'trials = 2' /etc/wmopkg/wmopkg.conf; test ! -e /etc/wmopkg/wmopkg.conf.*")

    def make_again_without_room(self, layer):
        """The old ones stay."""
        layer.succeed(f"""{BOOT.format(mib=1)}
cd /boot
sha256sum * >/tmp/before
! {{ {MAKE_AGAIN}; }} || exit 1
sha256sum -c /tmp/before
[ $(ls | wc -l) -eq $(wc -l </tmp/before) ]
mount -o remount,size=1g /boot
dpkg --configure -a""")
        self.assertEqual(layer.succeed("dpkg --audit"), "")

    def test_3_dracut(self):
        layer = self.layer("install-dracut", *SYSTEM)
        # one kernel has all drivers built in, and one was removed
        layer.succeed(f"{OLDER}rm -r /lib/modules/6.0.0-older\n"
                      "mkdir /lib/modules/5.0.0-removed; touch /boot/initrd.img-5.0.0-removed\n"
                      f"{INSTALL} {MAKERS['dracut']}\n"
                      "[ ! -s /boot/initrd.img-5.0.0-removed ]; rm -r /boot/*-removed /lib/modules/*-removed")
        self.assertEqual(self.images_with(layer, "usr/sbin/wmopkg-activate"), [True, True])
        self.make_again_without_room(layer)
        layer.succeed("apt-get remove -q -y wmopkg-initramfs")
        self.assertEqual(self.images_with(layer, "wmopkg"), [False, False])


class Device(Debian):
    """A disk with the release and the packages, and what packaging/debian/tests/device does on it."""

    def make_disk(self):
        layer = self.layer(self.MAKER, *SYSTEM)
        # the device itself packs its initramfs again, on an emulated processor
        layer.succeed("echo COMPRESSLEVEL=1 >/etc/initramfs-tools/conf.d/quick")
        layer.succeed(f"{INSTALL} {MAKERS[self.MAKER]}")
        layer.succeed("cp /work/wmopkg-*/packaging/debian/tests/device /root/device; /root/device prepare 2>&1")
        write(f"{self.work}/console.service", CONSOLE)
        write(f"{self.work}/reboot-to", REBOOT_TO, 0o755)
        folder = f"{self.folder}/{self.MAKER}"
        layer.succeed("cp /work/console.service /etc/systemd/system/; cp /work/reboot-to /root/; "
                      "ln -s ../console.service /etc/systemd/system/multi-user.target.wants/; "
                      "ln -s /dev/null /etc/systemd/system/serial-getty@ttyS0.service")
        layer.pack(f"{self.work}/root.ext4", ROOT_MIB)
        disk = f"{folder}/disk.img"
        with open(disk, "wb") as file:
            file.truncate((ROOT_MIB + DATA_MIB + PERSIST_MIB + 2) * MIB)
        subprocess.run(["sfdisk", "--quiet", disk], check=True, text=True, stdout=subprocess.DEVNULL,
                       input=DISK.format(root=ROOT_MIB, data=DATA_MIB, persist=PERSIST_MIB))
        start = MIB
        for name, size in ("root", ROOT_MIB), ("data", DATA_MIB), ("persist", PERSIST_MIB):
            image = f"{self.work}/{name}.ext4"
            if name != "root":
                run("mke2fs", "-q", "-F", "-t", "ext4", image, f"{size}M")
            run("dd", f"if={image}", f"of={disk}", "bs=1M", f"seek={start // MIB}", "conv=notrunc,sparse")
            os.unlink(image)
            start += size * MIB
        return folder

    def test_device(self):
        folder = self.make_disk()
        machine = Machine(folder, folder, echo=sys.stdout.write if "--console" in sys.argv else None)
        self.addCleanup(machine.kill)
        machine.start(limit_s=BOOT_S)
        parts = PARTS[self.MAKER]
        for part, following in zip(parts, [*parts[1:], None]):
            status, output = machine.run(f"AUTOPKGTEST_REBOOT_MARK={part} ./device", limit_s=PART_S)
            self.assertEqual(status, 0, f"part {part}:\n{output}")
            if following:
                self.assertIn(f"next part: {following}\n", output)
                machine.reboot(limit_s=BOOT_S, command="systemctl reboot")
        if part == "removed":
            self.assertIn("the device: passed", output)
        machine.poweroff(limit_s=BOOT_S, command="systemctl poweroff")
        os.unlink(machine.disk)


def cases():
    """For each release: the packages, and a device with each maker of an initramfs."""
    for release in "bookworm", "trixie":
        yield type(f"Build_{release}", (Build,), {"RELEASE": release})
        for maker in MAKERS:
            yield type(f"Device_{release}_{maker}", (Device,), {"RELEASE": release, "MAKER": maker})


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite()
    for case in cases():
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    console.clean_up_on_signals()
    SOURCE, BUILD = (os.path.abspath(path) for path in sys.argv[1:3])
    globals().update({case.__name__: case for case in cases()})
    unittest.main(argv=[sys.argv[0], *(word for word in sys.argv[3:] if word != "--console")])
