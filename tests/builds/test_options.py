# SPDX-License-Identifier: MIT
"""What the options of the build leave out, in an environment without the libraries that are then
not needed: pkg-config finds those of a test only.

The short form configures what is built in earnest, and builds wmopkg-build on a host that has
nothing of a device. With WMOPKG_LONG, each combination is built, and those that cannot be are tried.
"""

import glob
import json
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
LONG = os.environ.get("WMOPKG_LONG")
# headers by which a library is known, of those that a host does not have
HIDDEN_HEADERS = re.compile(r"/(libcryptsetup|libdevmapper|confuse|libmount|blkid|curl/curl|histedit|"
                            r"editline/readline|seccomp|libuboot)\.h$", re.M)
BOTH = {"libcrypto", "json-c"}
MOUNTS = {"libconfuse", "mount", "blkid"}
ACTIVATE = BOTH | MOUNTS | {"libcryptsetup", "devmapper"}
INSTALLER = BOTH | MOUNTS | {"libcurl", "libedit", "libsquashfs1"}
BUILDER = BOTH | {"libsquashfs1", "libarchive", "zlib"}


def run(*command, **environment):
    """(exit status, output)"""
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def requirements():
    """The dependencies of the meson.build files: name -> version."""
    text = "".join(read(path) for pattern in ("meson.build", "[!bt]*/meson.build")
                   for path in glob.glob(pattern, root_dir=ROOT))
    return dict(re.findall(r"dependency\('([\w-]+)'(?:,\s*version: '>= ([\d.]+)')?", text))


class Options(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.build = f"{self.scratch.name}/build"

    def provide(self, libraries, versions={}):
        """A folder for pkg-config that has only these libraries, with what they need themselves."""
        folder = f"{self.scratch.name}/pkgconfig"
        os.mkdir(folder)
        wanted = set(libraries)
        while wanted:
            name = wanted.pop()
            if os.path.exists(f"{folder}/{name}.pc"):
                continue
            _, place = run("pkg-config", "--variable=pcfiledir", name)
            text = read(f"{place.strip()}/{name}.pc")
            if name in versions:
                text = re.sub(r"(?m)^Version:.*$", f"Version: {versions[name]}", text)
            with open(f"{folder}/{name}.pc", "w", encoding="utf-8") as file:
                file.write(text)
            _, needed = run("pkg-config", "--print-requires", "--print-requires-private", name)
            wanted |= {line.split()[0] for line in needed.splitlines() if line}
        return folder

    def setup_fails(self, message, libraries, *options, **versions):
        folder = self.provide(libraries, versions)
        status, output = run("meson", "setup", *options, self.build, PKG_CONFIG_LIBDIR=folder)
        self.assertNotEqual(status, 0, output)
        self.assertIn(message, " ".join(output.split()))

    def set_up(self, libraries, *options):
        status, output = run("meson", "setup", "--buildtype=plain", "-Dwerror=true", *options, self.build,
                             PKG_CONFIG_LIBDIR=self.provide(libraries))
        self.assertEqual(status, 0, output)
        if LONG:
            self.make("all")

    def make(self, *targets):
        status, output = run("ninja", "-C", self.build, *targets)
        self.assertEqual(status, 0, output[-4000:])

    def plan(self):
        """Tags of `meson install`: tag -> the names of its files."""
        plan = {}
        for files in json.loads(read(f"{self.build}/meson-info/intro-install_plan.json")).values():
            for item in files.values():
                plan.setdefault(item["tag"], set()).add(os.path.basename(item["destination"]))
        return plan

    def test_host(self):
        """wmopkg-build alone, where nothing of a device is."""
        self.set_up(BUILDER, "-Dactivate=disabled", "-Dinstaller=disabled")
        self.assertEqual(self.plan(), {"host": {"wmopkg-build"}, "doc": {"wmopkg-build.1", "wmopkg-format.5"}})
        self.make("installer/wmopkg-build")
        _, read = run("ninja", "-C", self.build, "-t", "deps")
        self.assertIn("/archive.h", read)
        self.assertEqual(HIDDEN_HEADERS.findall(read), [])
        _, dynamic = run("readelf", "-d", f"{self.build}/installer/wmopkg-build")
        self.assertEqual({name.split(".")[0] for name in re.findall(r"\(NEEDED\).*\[(.*?)\]", dynamic)},
                         {"libcrypto", "libjson-c", "libsquashfs", "libarchive", "libz", "libc"})

    def test_device(self):
        """No wmopkg-build, no libarchive, no cmocka; everything that is installed has a tag."""
        self.set_up(ACTIVATE | INSTALLER, "-Dbuilder=disabled")
        plan = self.plan()
        self.assertEqual(set(plan), {"device", "initramfs", "doc"})
        self.assertEqual(plan["device"], {"wmopkg", "wmopkg-fetch", "wmopkg-web", "S99wmopkg",
                                          "wmopkg-boot-complete.service", "wmopkg-shutdown",
                                          "wmopkg-update.service", "wmopkg-update.timer",
                                          "wmopkg-shutdown.service", "wmopkg-mounts.conf"})
        self.assertLessEqual({"wmopkg-activate", "init", "module-setup.sh"}, plan["initramfs"])
        self.assertNotIn("wmopkg-build.1", plan["doc"])

    def set_up_initramfs(self, libraries, *options):
        """wmopkg-activate alone, and of the hooks only /init."""
        self.set_up(libraries, "-Dinstaller=disabled", "-Dbuilder=disabled", "-Dinitramfs_tools=disabled",
                    "-Ddracut=disabled", *options)
        self.assertEqual(self.plan(), {"initramfs": {"wmopkg-activate", "init", "wmopkg.sh"},
                                       "doc": {"wmopkg-activate.8", "wmopkg-boot.7", "wmopkg-format.5",
                                               "wmopkg.conf.5"}})

    @unittest.skipUnless(LONG, "in the long form: the short one sets up the lean one")
    def test_initramfs(self):
        self.set_up_initramfs(ACTIVATE)

    def test_lean(self):
        """Without libcryptsetup, libdevmapper and libmount."""
        self.set_up_initramfs(BOTH | {"libconfuse", "blkid"}, "-Dlean_initramfs=true")
        if LONG:
            self.assertEqual(run("python3", "tests/initramfs/test_links.py",
                                 f"{self.build}/initramfs/wmopkg-activate", "lean"), (0, ""))

    @unittest.skipUnless(LONG, "in the long form")
    def test_openssl_without_engines(self):
        self.set_up(BUILDER, "-Dactivate=disabled", "-Dinstaller=disabled", "-Dc_args=-DOPENSSL_NO_ENGINE")
        build = f"{self.build}/installer/wmopkg-build"
        keys = f"{self.scratch.name}/keys"
        self.assertEqual(run(build, "keys", keys)[0], 0)
        status, output = run(build, "unlock", "--serial", "1", "--allow", "untrusted", "--not-after",
                             "2027-01-01", "--key", "pkcs11:object=a", "--cert", f"{keys}/unlock.pem",
                             f"{self.scratch.name}/statement")
        self.assertEqual(status, 1, output)
        self.assertIn("pkcs11:object=a: this OpenSSL was built without engines, which keys in tokens need (build "
                      "wmopkg with one that has them)", output)

    def test_prefix(self):
        """A user installs into a folder; only who asks for it installs beside it."""
        self.set_up(ACTIVATE | INSTALLER, "-Dbuilder=disabled", "--prefix=/home/user/x", "-Ddracut=enabled",
                    "--sbindir=system", "--datadir=data")
        outside = {item["destination"]
                   for files in json.loads(read(f"{self.build}/meson-info/intro-install_plan.json")).values()
                   for item in files.values()
                   if item["destination"].startswith("/") and not item["destination"].startswith("/home/user/x/")}
        self.assertEqual({os.path.dirname(path) for path in outside}, {"/usr/lib/dracut/modules.d/90wmopkg"})
        # what is protected from packages, and what starts the programs, is where they are
        commands = {item["file"].rsplit("../", 1)[-1]: item["command"]
                    for item in json.loads(read(f"{self.build}/compile_commands.json"))}
        for name, folder in (("BINDIR", "bin"), ("SBINDIR", "system"), ("DATADIR", "data"),
                             ("UNITDIR", "lib/systemd/system")):
            for file in ("overlay/fs/protect.c", "overlay/contents/critical.c"):
                command = next(command for path, command in commands.items() if path.endswith(file))
                self.assertIn(f'-DWMOPKG_{name}="home/user/x/{folder}"', command.replace("\\", ""))
        for file, line in (("installer/services/S99wmopkg", "PATH=$PATH:/home/user/x/bin"),
                           ("installer/services/wmopkg-boot-complete.service",
                            "ExecStart=/home/user/x/bin/wmopkg boot-complete"),
                           ("installer/services/wmopkg-update.service",
                            "ExecStart=/home/user/x/bin/wmopkg update --quiet"),
                           ("initramfs/shutdown/wmopkg-shutdown.service",
                            "ExecStart=/home/user/x/system/wmopkg-shutdown --prepare"),
                           ("initramfs/dracut/module-setup.sh", '"/home/user/x/system"')):
            self.assertIn(line, read(f"{self.build}/{file}"))

    def test_least_device(self):
        """Every part that can be left out is."""
        self.set_up(ACTIVATE | INSTALLER, "-Dbuilder=disabled", "-Dauto_features=disabled")
        self.assertEqual(self.plan()["device"], {"wmopkg", "wmopkg-fetch", "S99wmopkg"})
        self.make("installer/libremote.a.p/request_protocols.c.o",
                  "installer/libwmopkg_fetch.a.p/transfer_hooks.c.o")
        if not LONG:
            return
        status, output = run(f"{self.build}/installer/wmopkg", "install", "sftp://root@127.0.0.1/a.wmopkg")
        self.assertEqual(status, 1, output)
        self.assertIn("sftp: this wmopkg was built without ssh (use another protocol, or build it with "
                      "-Dssh=enabled)", output)

    def test_configuration_file(self):
        """Installed where there is none, and never over one that is there."""
        script, source = f"{ROOT}/overlay/config/install-config", f"{ROOT}/overlay/config/wmopkg.conf"
        place = f"{self.scratch.name}/etc/wmopkg/wmopkg.conf"
        self.assertEqual(run(script, source, DESTDIR=self.scratch.name), (0, ""))
        self.assertEqual(run("cmp", source, place), (0, ""))
        with open(place, "w", encoding="utf-8") as file:
            file.write("trials = 4\n")
        self.assertEqual(run(script, source, DESTDIR=self.scratch.name),
                         (0, f"{place} exists, and stays as it is\n"))
        self.assertEqual(read(place), "trials = 4\n")

    @unittest.skipUnless(LONG, "in the long form")
    def test_impossible(self):
        self.setup_fails("the tests need activate, installer, builder and ssh", BUILDER, "-Dtests=enabled",
                         "-Dactivate=disabled", "-Dinstaller=disabled")

    @unittest.skipUnless(LONG, "in the long form")
    def test_impossible_web(self):
        self.setup_fails("web cannot be enabled", ACTIVATE | BUILDER, "-Dinstaller=disabled", "-Dweb=enabled")

    @unittest.skipUnless(LONG, "in the long form")
    def test_too_old(self):
        self.setup_fails("need 'libcryptsetup' ['>= 2.6'] found '2.5.0'", ACTIVATE, "-Dinstaller=disabled",
                         "-Dbuilder=disabled", libcryptsetup="2.5.0")

    def test_versions_are_documented(self):
        stated = requirements()
        del stated["threads"]
        self.assertNotIn("", stated.values(), "a library without a version")
        text = read("docs/integration.md")
        self.assertEqual(dict(re.findall(r"(?m)^\| `([\w-]+)` \| ([\d.]+) \|", text)), stated)


if __name__ == "__main__":
    unittest.main()
