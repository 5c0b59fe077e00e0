# SPDX-License-Identifier: MIT
"""What the recipe for Buildroot builds: with the options that wmopkg.mk gives, for processors with 64
and 32 bits, as the meson infrastructure of Buildroot runs it. The one with 64 bits boots.

	test_buildroot.py SOURCE BUILD

Buildroot itself and the sources of its packages are not needed: compilers and libraries are Debian's,
and the kernel that boots is Debian's, with the modules that a kernel of Buildroot has built in.
"""

import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "releases"))
import debian  # pylint: disable=wrong-import-position
import recipes  # pylint: disable=wrong-import-position

SOURCE, BUILD = "", ""
BOOT_S = 600  # two boots of an emulated processor
# The host may have the C library of this release for another processor (libc6-dev-arm64-cross), which its
# compiler takes before that of the libraries: they have to be the same.
RELEASE = "bookworm"
Processor = collections.namedtuple("Processor", "triplet family cpu")
PROCESSORS = {
    "arm64": Processor("aarch64-linux-gnu", "aarch64", "cortex-a53"),
    "armhf": Processor("arm-linux-gnueabihf", "arm", "cortex-a7"),
}
LIBRARIES = ("libblkid-dev", "libc6-dev", "libconfuse-dev", "libcryptsetup-dev", "libcurl4-openssl-dev",
             "libdevmapper-dev", "libedit-dev", "libjson-c-dev", "libmount-dev", "libseccomp-dev", "libsquashfs-dev",
             "libssl-dev", "libubootenv-dev")
# of the device; BusyBox is of the same release
PROGRAMS = ("busybox-static", "e2fsprogs")
# What configs/wmopkg_qemu_aarch64_virt_defconfig selects.
SELECTED = ("WMOPKG_ACTIVATE", "WMOPKG_INSTALLER", "WMOPKG_SSH", "LIBSECCOMP")
INSTALLED = {
    "etc/wmopkg/wmopkg.conf", "usr/bin/wmopkg", "usr/bin/wmopkg-fetch", "usr/sbin/wmopkg-activate",
    "usr/share/wmopkg/S99wmopkg", "usr/share/wmopkg/initramfs/init", "usr/share/wmopkg/initramfs/wmopkg.sh"}
# Built into the kernel that Buildroot makes.
MODULES = ("virtio_pci", "virtio_blk", "loop", "dm-mod", "dm-verity", "squashfs", "overlay", "ext4")
# The flags are those of Buildroot's defaults.
CROSS = """\
[binaries]
c = [{cache}'{triplet}-gcc']
cpp = '/bin/false'
ar = '{triplet}-ar'
strip = '{triplet}-strip'
pkg-config = 'pkg-config'
pkgconfig = 'pkg-config'
[built-in options]
c_args = ['--sysroot={root}', '-D_LARGEFILE_SOURCE', '-D_LARGEFILE64_SOURCE', '-D_FILE_OFFSET_BITS=64',
          '-O2', '-g0', '-D_FORTIFY_SOURCE=1']
c_link_args = ['--sysroot={root}', '-Wl,-rpath-link={root}/usr/lib/{triplet}']
wrap_mode = 'nodownload'
[properties]
needs_exe_wrapper = true
sys_root = '{root}'
pkg_config_libdir = '{root}/usr/lib/{triplet}/pkgconfig:{root}/usr/share/pkgconfig'
pkg_config_static = 'false'
[host_machine]
system = 'linux'
cpu_family = '{family}'
cpu = '{cpu}'
endian = 'little'
"""
INITTAB = """\
::sysinit:/etc/init.d/rcS
::once:/etc/init.d/try
"""
# as in Buildroot: what the initramfs has mounted must not be covered
FSTAB = """\
tmpfs /tmp tmpfs mode=1777 0 0
tmpfs /run tmpfs mode=0755,nosuid,nodev 0 0
"""
RCS = """\
#!/bin/sh
mount -a
"""
# The first boot installs, the second shows what is active.
TRY = """\
#!/bin/sh
exec >/dev/console 2>&1
if [ ! -e /run/wmopkg/data/packages/branding.wmopkg ]; then
	wmopkg install /usr/share/branding.wmopkg
	echo "status $?"
	reboot -f
fi
wmopkg show
/etc/init.d/S99wmopkg start
echo "status $?"
wmopkg-activate --plan
cat /etc/motd
poweroff -f
"""


class Buildroot(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def succeed(self, *command, **more):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False, **more)
        self.assertEqual(done.returncode, 0, f"{' '.join(command)}\n{done.stdout[-4000:]}")
        return done.stdout

    def unpack(self, architecture, *packages):
        try:
            return debian.unpack(RELEASE, architecture, *packages)
        except debian.Unavailable as why:
            self.fail(f"packages of {RELEASE} for {architecture}: {why}")

    def build(self, name, *symbols):
        """The root that Buildroot installs into."""
        processor = PROCESSORS[name]
        root = self.unpack(name, *LIBRARIES)
        build = os.path.join(BUILD, f"buildroot-{name}")
        shutil.rmtree(build, ignore_errors=True)
        cross = f"{build}.ini"
        with open(cross, "w", encoding="utf-8") as file:
            file.write(CROSS.format(root=root, cache="'ccache', " * bool(shutil.which("ccache")),
                                    **processor._asdict()))
        options = [word for word in recipes.buildroot_says("WMOPKG_CONF_OPTS", *symbols)
                   if word.startswith("-D") and not word.startswith("-Dfirmware_built=")]
        built = self.succeed(os.path.join(SOURCE, "overlay/time-epoch"), SOURCE, "0", "0").strip()
        self.succeed("meson", "setup", "--prefix=/usr", "--libdir=lib",
                     "--default-library=shared", "--buildtype=release", f"--cross-file={cross}", "-Db_pie=false",
                     "-Db_staticpic=true", "-Dstrip=false", f"-Dfirmware_built={built}", *options, SOURCE, build)
        self.succeed("ninja", "-C", build)
        target = os.path.join(self.scratch, f"target-{name}")
        self.succeed("ninja", "-C", build, "install", env={**os.environ, "DESTDIR": target})
        # Buildroot deletes the manual pages of all packages
        shutil.rmtree(os.path.join(target, "usr/share/man"))
        return target

    def files(self, folder):
        return {os.path.relpath(os.path.join(place, name), folder)
                for place, _, names in os.walk(folder) for name in names}

    def test_32_bits(self):
        self.assertEqual(self.files(self.build("armhf", *SELECTED)), INSTALLED)

    def test_parts(self):
        """Every part that Config.in knows, on a system with systemd."""
        target = self.build("arm64", *SELECTED, "WMOPKG_WEB", "WMOPKG_UBOOT", "BASH_COMPLETION", "INIT_SYSTEMD")
        units = "usr/lib/systemd/system"
        self.assertEqual(self.files(target), INSTALLED | {
            "usr/bin/wmopkg-web", "usr/sbin/wmopkg-shutdown", "usr/share/bash-completion/completions/wmopkg",
            f"{units}/wmopkg-boot-complete.service", f"{units}/wmopkg-shutdown.service",
            f"{units}/wmopkg-update.service", f"{units}/wmopkg-update.timer",
            f"{units}/final.target.wants/wmopkg-shutdown.service", f"{units}/run-wmopkg-.mount.d/wmopkg-mounts.conf"})

    def test_boot(self):
        target = self.build("arm64", *SELECTED)
        self.assertEqual(self.files(target), INSTALLED)
        build_program = os.path.join(BUILD, "installer/wmopkg-build")
        keys = os.path.join(self.scratch, "keys")
        self.succeed(build_program, "keys", keys)
        initramfs = os.path.join(recipes.BUILDROOT, "board", "make-initramfs")
        images = os.path.join(self.scratch, "images")
        os.mkdir(images)
        image = os.path.join(images, "initramfs.cpio.gz")

        self.refuse_initramfs(initramfs, target, image, "has no BusyBox")
        self.complete(target)
        self.refuse_initramfs(initramfs, target, image, "has no certificate")
        os.makedirs(os.path.join(target, "etc/wmopkg/keys"))
        shutil.copy(os.path.join(keys, "root.pem"), os.path.join(target, "etc/wmopkg/keys"))
        library = os.path.join(target, "lib/libjson-c.so.5")
        os.rename(library, library + ".away")
        self.refuse_initramfs(initramfs, target, image, "libjson-c.so.5, which a program loads, is not in")
        os.rename(library + ".away", library)
        self.succeed(initramfs, target, image)
        shutil.copy(image, image + ".first")
        self.succeed(initramfs, target, image)
        self.succeed("cmp", image, image + ".first")

        tree = os.path.join(self.scratch, "tree")
        self.write(f"{tree}/etc/motd", "Welcome to ACME\n")
        self.succeed(build_program, "create", "--version", "1.0", "--description", "ACME branding", "--key",
                     f"{keys}/signer.key", "--cert", f"{keys}/signer.pem", tree,
                     f"{target}/usr/share/branding.wmopkg")
        self.succeed("mksquashfs", target, f"{images}/rootfs.squashfs", "-quiet", "-no-progress", "-all-root",
                     "-comp", "zstd", "-Xcompression-level", "3")
        os.mkdir(f"{self.scratch}/empty")
        self.succeed("genimage", "--config", os.path.join(recipes.BUILDROOT, "board/wmopkg-qemu/genimage.cfg"),
                     "--rootpath", f"{self.scratch}/empty", "--tmppath", f"{self.scratch}/tmp", "--inputpath", images,
                     "--outputpath", images)
        self.assert_boots(self.boot(images))

    def refuse_initramfs(self, program, target, image, message):
        done = subprocess.run([program, target, image], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, os.path.exists(image)), (1, False), done.stderr)
        self.assertIn(message, done.stderr)

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def complete(self, target):
        """What the other packages of Buildroot install: libraries in one folder, BusyBox, e2fsck."""
        root = self.unpack("arm64", *LIBRARIES, *PROGRAMS)
        os.makedirs(f"{target}/lib")
        for folder in ("lib", "usr/lib", "lib/aarch64-linux-gnu", "usr/lib/aarch64-linux-gnu"):
            folder = os.path.join(root, folder)
            for name in os.listdir(folder):
                if re.search(r"\.so\.\d", name) and os.path.isfile(f"{folder}/{name}"):
                    shutil.copy(f"{folder}/{name}", f"{target}/lib/{name}")
        for program in "bin/busybox", "sbin/e2fsck", "sbin/mke2fs":
            os.makedirs(os.path.dirname(f"{target}/{program}"), exist_ok=True)
            shutil.copy(f"{root}/{program}", f"{target}/{program}")
        os.symlink("../bin/busybox", f"{target}/sbin/init")
        for applet in "cat", "mount", "reboot", "poweroff", "sh":
            os.symlink("busybox", f"{target}/bin/{applet}")
        for folder in "dev", "proc", "run", "sys", "tmp", "var":
            os.mkdir(f"{target}/{folder}")
        self.write(f"{target}/etc/motd", "Welcome to Buildroot\n")
        self.write(f"{target}/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
        self.write(f"{target}/etc/fstab", FSTAB)
        self.write(f"{target}/etc/inittab", INITTAB)
        self.write(f"{target}/etc/init.d/rcS", RCS, 0o755)
        self.write(f"{target}/etc/init.d/try", TRY, 0o755)
        shutil.copy(f"{target}/usr/share/wmopkg/S99wmopkg", f"{target}/etc/init.d/S99wmopkg")

    def modules(self, root, version):
        """An archive with the modules of Debian's kernel, to be added to the initramfs."""
        folder = f"{self.scratch}/modules"
        shown = self.succeed("modprobe", "-d", root, "--set-version", version, "--all", "--ignore-install",
                             "--show-depends", *MODULES)
        for path in set(re.findall(r"(?m)^insmod (\S+)", shown)):
            place = f"{folder}/lib/modules/{path.partition('/lib/modules/')[2]}"
            os.makedirs(os.path.dirname(place), exist_ok=True)
            shutil.copy(path, place)
        for name in "modules.builtin", "modules.builtin.modinfo", "modules.order":
            shutil.copy(f"{root}/lib/modules/{version}/{name}", f"{folder}/lib/modules/{version}")
        self.succeed("depmod", "-b", folder, version)
        self.write(f"{folder}/etc/modules", "virtio_pci\nvirtio_blk\nsquashfs\n")
        names = self.succeed("find", ".", cwd=folder)
        return subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=folder, input=names.encode(),
                              stdout=subprocess.PIPE, check=True).stdout

    def boot(self, images):
        """What its console shows until it is off."""
        root = self.unpack("arm64", "linux-image-arm64")
        kernel = next(name for name in sorted(os.listdir(f"{root}/boot")) if name.startswith("vmlinuz-"))
        version = kernel.partition("-")[2]
        self.succeed("depmod", "-b", root, version)
        initrd = f"{images}/initrd"
        with open(initrd, "wb") as out:
            with open(f"{images}/initramfs.cpio.gz", "rb") as file:
                out.write(file.read())
            out.write(self.modules(root, version))
        command = ["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57", "-smp", "2", "-m", "512", "-nographic",
                   "-nic", "none", "-kernel", f"{root}/boot/{kernel}", "-initrd", initrd,
                   "-append", "root=PARTLABEL=firmware console=ttyAMA0 panic=-1",
                   "-drive", f"file={images}/disk.img,format=raw,if=none,id=disk",
                   "-device", "virtio-blk-pci,drive=disk"]
        log = os.path.join(BUILD, "buildroot-boot.log")
        with open(log, "wb") as out:
            try:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                               timeout=BOOT_S, check=True)
            except subprocess.TimeoutExpired:
                self.fail(f"not off after {BOOT_S} s; its console is in {log}")
        with open(log, encoding="utf-8", errors="replace") as file:
            return file.read().replace("\r", "")

    def assert_boots(self, seen):
        shown = seen[-6000:]
        self.assertIn("Installed... Changes are applied after reboot.\nstatus 0\n", seen, shown)
        row = re.search(r"│branding .*│", seen)
        self.assertIsNotNone(row, shown)
        self.assertEqual(row.group(0).strip("│").split()[:4], ["branding", "1.0", "False", "Signed"], shown)
        self.assertIn("status 0\n", seen[row.end():], shown)
        self.assertIn("Welcome to ACME", seen[row.end():], shown)
        self.assertNotIn("warning", seen[row.end():], shown)


if __name__ == "__main__":
    SOURCE, BUILD = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
