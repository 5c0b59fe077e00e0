# SPDX-License-Identifier: MIT
"""The recipes for Buildroot and Yocto say what the source says: options, libraries, versions,
kernel options, license."""

import glob
import hashlib
import os
import re
import subprocess
import tarfile
import tempfile
import unittest

import recipes

# Where a library comes from: the name of pkg-config -> package of Buildroot, option that selects
# it, recipe of OpenEmbedded.
PROVIDERS = {
    "blkid": ("util-linux", "UTIL_LINUX_LIBBLKID", "util-linux"),
    "devmapper": ("lvm2", "LVM2", "libdevmapper"),
    "json-c": ("json-c", "JSON_C", "json-c"),
    "libarchive": ("libarchive", None, "libarchive"),
    "libconfuse": ("libconfuse", "LIBCONFUSE", "libconfuse"),
    "libcrypto": ("openssl", "OPENSSL", "openssl"),
    "libcryptsetup": ("cryptsetup", "CRYPTSETUP", "cryptsetup"),
    "libcurl": ("libcurl", "LIBCURL", "curl"),
    "libedit": ("libedit", "LIBEDIT", "libedit"),
    "libseccomp": ("libseccomp", "LIBSECCOMP", "libseccomp"),
    "libsquashfs1": ("squashfs-tools-ng", "SQUASHFS_TOOLS_NG", "squashfs-tools-ng"),
    "libubootenv": ("libubootenv", "LIBUBOOTENV", "libubootenv"),
    "mount": ("util-linux", "UTIL_LINUX_LIBMOUNT", "util-linux"),
    "zlib": ("zlib", None, "zlib"),
}
ALWAYS = {"json-c", "libcrypto"}
ON_DEVICE = ALWAYS | {"blkid", "libconfuse", "mount"}
# What a part of wmopkg needs besides; docs/integration.md has the same, for people.
PARTS = {
    "activate": ON_DEVICE | {"devmapper", "libcryptsetup"},
    "builder": ALWAYS | {"libarchive", "libsquashfs1", "zlib"},
    "installer": ON_DEVICE | {"libcurl", "libedit", "libsquashfs1"},
    "seccomp": {"libseccomp"},
    "uboot": {"libubootenv"},
}
SYMBOLS = {"activate": ["WMOPKG_ACTIVATE"], "installer": ["WMOPKG_INSTALLER"],
           "seccomp": ["WMOPKG_INSTALLER", "LIBSECCOMP"], "uboot": ["WMOPKG_UBOOT"],
           "web": ["WMOPKG_WEB"], "ssh": ["WMOPKG_SSH"], "completion": ["BASH_COMPLETION"],
           "systemd": ["INIT_SYSTEMD"]}


def stated(words):
    """-Doption=value of a command line"""
    return dict(word[2:].split("=", 1) for word in words if word.startswith("-D"))


class Source(unittest.TestCase):
    def test_libraries(self):
        self.assertEqual(set(recipes.requirements()), set(PROVIDERS))
        self.assertEqual(set().union(*PARTS.values()), set(PROVIDERS))

    def test_versions(self):
        version = recipes.version()
        self.assertEqual(recipes.buildroot_says("WMOPKG_VERSION"), [version])
        self.assertEqual([os.path.basename(path) for path in glob.glob(
            f"{recipes.LAYER}/recipes-core/wmopkg/*.bb")], [f"wmopkg_{version}.bb"])

    def test_license(self):
        text = recipes.read("LICENSE").encode()
        self.assertIn(f"sha256  {hashlib.sha256(text).hexdigest()}  LICENSE",
                      recipes.read("packaging/buildroot/package/wmopkg/wmopkg.hash"))
        self.assertIn(f"file://LICENSE;md5={hashlib.md5(text).hexdigest()}",
                      recipes.read(f"{recipes.LAYER}/recipes-core/wmopkg/wmopkg_{recipes.version()}.bb"))

    def test_kernel(self):
        """The table is the truth; both recipes take one fragment."""
        enabled, named = recipes.kernel_fragment()
        self.assertEqual(set(enabled) | set(named), recipes.kernel_table())
        self.assertEqual(len(enabled + named), len({*enabled, *named}))
        fixups = recipes.buildroot_says("WMOPKG_LINUX_CONFIG_FIXUPS")
        self.assertEqual([word.rstrip(";") for word in fixups if word != "enable"], enabled)


class Buildroot(unittest.TestCase):
    def setUp(self):
        self.config = recipes.read("packaging/buildroot/package/wmopkg/Config.in")

    def test_options(self):
        """Each option is decided, whatever is selected; what is selected is on, all else is off."""
        expected = recipes.options() - recipes.INTERNAL
        for part, symbols in {**SYMBOLS, "nothing": []}.items():
            with self.subTest(part):
                words = stated(recipes.buildroot_says("WMOPKG_CONF_OPTS", *symbols))
                self.assertEqual(set(words), expected)
                self.assertEqual({name for name, value in words.items() if value == "enabled"},
                                 {part, *(["installer"] if part == "seccomp" else [])} - {"nothing"})
        host = stated(recipes.buildroot_says("HOST_WMOPKG_CONF_OPTS"))
        self.assertLessEqual(set(host), expected)
        self.assertEqual({name for name, value in host.items() if value == "enabled"}, {"builder"})

    def test_dependencies(self):
        always = selected = recipes.selected(self.config, "WMOPKG")
        for part, symbols in SYMBOLS.items():
            with self.subTest(part):
                needed = PARTS.get(part, set())
                words = recipes.buildroot_says("WMOPKG_DEPENDENCIES", *symbols)
                self.assertLessEqual({PROVIDERS[name][0] for name in needed | ALWAYS} | {"host-pkgconf"}, set(words))
                selected = set(always)
                for symbol in symbols:
                    if symbol.startswith("WMOPKG_"):
                        selected |= recipes.selected(self.config, symbol)
                self.assertLessEqual({PROVIDERS[name][1] for name in needed}, selected)
        words = recipes.buildroot_says("HOST_WMOPKG_DEPENDENCIES")
        self.assertEqual({f"host-{PROVIDERS[name][0]}" for name in PARTS["builder"]} | {"host-pkgconf"}, set(words))

    def test_capabilities(self):
        """Buildroot's libarchive for the host reads no attributes, unless it is told to."""
        self.assertEqual(recipes.buildroot_says("HOST_LIBARCHIVE_CONF_OPTS"), [])
        self.assertEqual(recipes.buildroot_says("HOST_LIBARCHIVE_CONF_OPTS", "HOST_WMOPKG"), ["--enable-xattr"])

    def test_sources(self):
        """All that is sourced is there, and all that is there is sourced."""
        sourced = re.findall(r'source "\$BR2_EXTERNAL_WMOPKG_PATH/(.*)"', recipes.read(
            "packaging/buildroot/Config.in"))
        self.assertEqual(sorted(sourced), sorted(os.path.relpath(path, recipes.BUILDROOT) for path in glob.glob(
            f"{recipes.BUILDROOT}/package/*/Config.in*")))
        known = set(re.findall(r"(?m)^config (\w+)", "".join(recipes.read(
            os.path.join(recipes.BUILDROOT, path)) for path in sourced)))
        used = set(re.findall(r"BR2_PACKAGE_(?:HOST_)?WMOPKG\w*", "".join(recipes.read(path) for path in glob.glob(
            f"{recipes.BUILDROOT}/**/*", recursive=True) if os.path.isfile(path))))
        self.assertLessEqual(used, known)
        for path in re.findall(r"\$\(BR2_EXTERNAL_WMOPKG_PATH\)/([\w./-]+)", recipes.read(
                "packaging/buildroot/configs/wmopkg_qemu_aarch64_virt_defconfig")):
            self.assertTrue(os.access(os.path.join(recipes.BUILDROOT, path), os.X_OK), path)

    def test_style(self):
        """What Buildroot's check-package complains of most; docs/buildroot.md says how to run it."""
        for path in glob.glob(f"{recipes.BUILDROOT}/package/*/*"):
            lines = recipes.read(path).split("\n")
            with self.subTest(path):
                self.assertEqual([line for line in lines if line != line.rstrip()], [])
                self.assertEqual((lines[-1], lines[-2] != ""), ("", True), "one newline at the end")
                if path.endswith(".mk"):
                    self.assertEqual((lines[0], lines[1], lines[3], lines[4]), ("#" * 80, "#", "#", "#" * 80))
                    self.assertEqual([line for line in lines if re.match(r" +\S", line)], [], "tabs")
                if "/Config.in" in path:
                    help_text = [line for line in lines if line.startswith("\t  ")]
                    self.assertEqual([line for line in help_text if len(line) > 65], [], "62 columns")
                if path.endswith(".hash"):
                    self.assertEqual([line for line in lines if line and not re.fullmatch(
                        r"#.*|sha256  [0-9a-f]{64}  \S+", line)], [])


class Yocto(unittest.TestCase):
    def setUp(self):
        self.recipe = recipes.read(f"{recipes.LAYER}/recipes-core/wmopkg/wmopkg_{recipes.version()}.bb")
        self.config = {name: value.split(",") for name, value in re.findall(
            r'(?m)^PACKAGECONFIG\[(\w+)\] = "(.*)"$', self.recipe)}

    def test_options(self):
        fixed = stated(re.search(r'(?m)^EXTRA_OEMESON = "(.*)"', self.recipe).group(1).split())
        # the time of the source is that of the git checkout or of the release archive
        self.assertEqual(set(self.config) | set(fixed) | {"firmware_built"}, recipes.options() - recipes.INTERNAL)
        self.assertEqual(set(self.config) & set(fixed), set())
        for name, values in self.config.items():
            self.assertEqual(values[:2], [f"-D{name}=enabled", f"-D{name}=disabled"])

    def test_dependencies(self):
        always = re.search(r'(?m)^DEPENDS = "(.*)"', self.recipe).group(1).split()
        for part, needed in PARTS.items():
            with self.subTest(part):
                self.assertLessEqual({PROVIDERS[name][2] for name in needed},
                                     set(always) | set(self.config[part][2].split()))

    def test_class_follows_no_link(self):
        """What takes files out of an image is the script, with a firmware and without."""
        lines = recipes.read(f"{recipes.LAYER}/classes-recipe/wmopkg-package.bbclass")
        self.assertIn('/leave-out-firmware ${IMAGE_ROOTFS} "${WMOPKG_FIRMWARE}" ${WMOPKG_LEAVE_OUT}\n', lines)
        self.assertNotRegex(lines, r"(?m)^\s*rm ")

    def test_leave_out_firmware(self):
        """A package has what the firmware has not, or has otherwise."""
        with tempfile.TemporaryDirectory() as scratch:
            root = f"{scratch}/root"
            self.fill(root, {"usr/bin/app": "app", "usr/lib/libc.so": "libc", "etc/passwd": "other",
                             "etc/motd": "brand", "usr/lib/mode": "mode", "usr/bin/ping": "ping"})
            os.symlink("libc.so", f"{root}/usr/lib/same")
            os.symlink("app", f"{root}/usr/lib/other")
            os.mkdir(f"{root}/usr/empty")
            self.fill(f"{scratch}/firmware", {"usr/lib/libc.so": "libc", "etc/passwd": "root", "etc/motd": "stock",
                                              "usr/lib/mode": "mode", "usr/bin/ping": "ping",
                                              "usr/share/doc/x": "x"})
            os.chmod(f"{scratch}/firmware/usr/lib/mode", 0o4755)
            os.symlink("libc.so", f"{scratch}/firmware/usr/lib/same")
            os.symlink("libc.so", f"{scratch}/firmware/usr/lib/other")
            firmware = f"{scratch}/firmware.tar.gz"
            with tarfile.open(firmware, "w:gz", format=tarfile.PAX_FORMAT) as archive:
                archive.add(f"{scratch}/firmware", ".", filter=self.give_capability)
            script = f"{recipes.LAYER}/scripts/leave-out-firmware"
            done = self.run_script(script, root, firmware, "/etc/passwd", "/var/lib/rpm")
            self.assertEqual(done.stdout, "5 files are left\n", done.stderr)
            self.assertEqual(sorted(os.path.relpath(os.path.join(folder, name), root)
                                    for folder, folders, files in os.walk(root)
                                    for name in files + [name for name in folders if name == "empty"]),
                             ["etc/motd", "usr/bin/app", "usr/bin/ping", "usr/empty", "usr/lib/mode", "usr/lib/other"])
            with open(f"{scratch}/broken.tar.gz", "wb") as file:
                file.write(b"no archive")
            self.assertIn("leave-out-firmware: ", self.run_script(script, root, f"{scratch}/broken.tar.gz").stderr)
            self.fill(f"{scratch}/host", {"lib/file": "of the host"})
            os.symlink(f"{scratch}/host", f"{root}/var")
            for tar in firmware, "":
                for path in "", "/", "/../host", "/var/lib":
                    done = self.run_script(script, root, tar, path)
                    self.assertIn(f"{path}: not in {root}", done.stderr)
                    self.assertTrue(os.path.exists(f"{root}/etc/motd") and os.path.exists(f"{scratch}/host/lib/file"), path)
            # the link itself, and nothing else without a firmware
            self.assertEqual(self.run_script(script, root, "", "/var", "/usr/bin/ping").stdout, "4 files are left\n")
            self.assertTrue(os.path.exists(f"{scratch}/host/lib/file"))
            self.assertIn("no such folder", self.run_script(script, "", firmware, "/etc").stderr)
            self.assertIn("usage: ", self.run_script(script).stderr)
            self.assertIn("nothing is left", self.run_script(script, root, firmware, "/etc", "/usr").stderr)

    @staticmethod
    def give_capability(member):
        if member.name.endswith("/ping"):
            member.pax_headers = {"SCHILY.xattr.security.capability": "\udc80"}
        return member

    @staticmethod
    def run_script(*command):
        return subprocess.run(command, capture_output=True, text=True, check=False)

    @staticmethod
    def fill(root, files):
        for path, content in files.items():
            os.makedirs(os.path.dirname(f"{root}/{path}"), exist_ok=True)
            with open(f"{root}/{path}", "w", encoding="ascii") as file:
                file.write(content)


if __name__ == "__main__":
    unittest.main()
