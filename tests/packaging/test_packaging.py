# SPDX-License-Identifier: MIT
"""What packaging/ says agrees with the build: versions, files, libraries; and the SBOM of an
initramfs.

	test_packaging.py BUILD
"""

import collections
import glob
import hashlib
import json
import os
import re
import runpy
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = ""


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def output(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, **options).stdout


def version():
    return re.search(r"(?m)^  version: '(.*)',$", read("meson.build")).group(1)


class Versions(unittest.TestCase):
    """meson.build has the version; everything else has the same."""

    def test_debian(self):
        first = re.match(r"wmopkg \((.*)-.*?\) unstable; ", read("packaging/debian/changelog"))
        self.assertEqual(first.group(1), version())

    def test_ansible(self):
        self.assertIn(f"\nversion: {version()}\n", read("packaging/ansible/galaxy.yml"))

    def test_programs(self):
        said = output(f"{BUILD}/initramfs/wmopkg-activate", "--version", text=True)
        self.assertIn(version(), said.split())

    def test_changelog(self):
        """The newest release, below what is not released yet."""
        released = re.findall(r"(?m)^## \[(\d[^]]*)\]", read("CHANGELOG.md"))
        self.assertIn("## [Unreleased]", read("CHANGELOG.md"))
        self.assertIn(released[:1], ([], [version()]))

    def test_manual_pages(self):
        """Have none, so that none is forgotten."""
        for page in glob.glob(f"{ROOT}/docs/man/*"):
            self.assertNotIn(version(), read(page), page)


class DebianFiles(unittest.TestCase):
    """Each file that is installed gets into one Debian package."""

    def setUp(self):
        self.places = collections.defaultdict(set)  # of each tag, below the prefix
        plan = json.loads(read(f"{BUILD}/meson-info/intro-install_plan.json"))
        for files in plan.values():
            for item in files.values():
                self.places[item["tag"]].add(re.sub(r"\{\w+\}", lambda key: {
                    "{bindir}": "bin", "{mandir}": "share/man"}.get(key[0], key[0]), item["destination"]))

    def test_tags(self):
        taken = re.findall(r"--tags (\S+)", read("packaging/debian/rules"))
        self.assertEqual(sorted(taken), sorted({*taken}))
        self.assertEqual({*self.places}, {*taken})

    def test_pages(self):
        listed = [line.removeprefix("usr/") for path in glob.glob(f"{ROOT}/packaging/debian/*.install")
                  for line in read(path).splitlines() if not line.startswith("#")]
        self.assertEqual(sorted(listed), sorted(self.places["doc"]))

    def test_no_interface_of_a_library(self):
        for places in self.places.values():
            for place in places:
                self.assertNotRegex(place, r"\.(h|a|so[.\d]*|pc)$")

    def test_libraries(self):
        """What meson.build asks pkg-config for, and no more, in the version that it needs."""
        wanted = {}
        text = "".join(read(path) for path in glob.glob(f"{ROOT}/**/meson.build", recursive=True)
                       if not path.startswith((f"{ROOT}/tests/", f"{ROOT}/build")))
        needed = dict(re.findall(r"dependency\('([\w-]+)',\s*version: '>= ([\d.]+)'", text))
        del needed["cmocka"]  # of the tests, which a Debian package does not build
        paths = {}
        for name, least in needed.items():
            folder = output("pkg-config", "--variable=pcfiledir", name, text=True).strip()
            paths[f"{os.path.realpath(folder)}/{name}.pc"] = least
        for package, path in re.findall(r"(?m)^([^:]+).*: (.*)$", output("dpkg", "-S", *paths, text=True)):
            wanted[package] = paths[path]
        listed = dict(re.findall(r"(?m)^ ([\w.-]+-dev)(?: \(>= (?:\d:)?([\d.]+)\))?,$",
                                 read("packaging/debian/control")))
        self.assertEqual(listed, wanted)


class Sbom(unittest.TestCase):
    """packaging/sbom of an initramfs that has wmopkg-activate and its libraries."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder, self.tree = scratch.name, f"{scratch.name}/tree"
        self.program = f"{BUILD}/initramfs/wmopkg-activate"
        said = output("ldd", self.program, text=True)
        self.libraries = re.findall(r"(?:=> |\t)(/\S+) \(", said)
        self.assertGreater(len(self.libraries), 3)
        for path, place in [(self.program, "/usr/sbin/wmopkg-activate"), ("/etc/debian_version", "/etc/changed")] + \
                [(os.path.realpath(path), path) for path in self.libraries]:
            os.makedirs(os.path.dirname(self.tree + place), exist_ok=True)
            with open(path, "rb") as source, open(self.tree + place, "wb") as target:
                target.write(source.read())
        self.write(self.tree + "/bin/true", b"not the one of coreutils")
        os.link(self.tree + "/bin/true", self.tree + "/a second name")

    def write(self, path, data):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def pack(self, *pack):
        """An early archive that is not packed, padding, and the packed one."""
        image = f"{self.folder}/initrd"
        self.write(f"{self.folder}/early/kernel/early", b"microcode")
        parts = []
        for folder, filters in (f"{self.folder}/early", ()), (self.tree, pack):
            names = output("find", ".", cwd=folder)
            data = output("cpio", "--quiet", "-o", "-H", "newc", input=names, cwd=folder)
            parts.append(output(*filters, input=data) if filters else data)
        self.write(image, parts[0] + b"\0" * 512 + parts[1])
        return image

    def sbom(self, *words):
        said = output(sys.executable, f"{ROOT}/packaging/sbom", *words,
                      env={**os.environ, "SOURCE_DATE_EPOCH": "1780272000"}, text=True)
        return json.loads(said)

    def check(self, document, known):
        """As SPDX 2.3 wants it, as far as it concerns us; @known: root of dpkg's packages."""
        self.assertEqual((document["spdxVersion"], document["dataLicense"], document["SPDXID"]),
                         ("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"))
        self.assertEqual(document["creationInfo"]["created"], "2026-06-01T00:00:00Z")
        elements = [document, *document["packages"], *document["files"]]
        names = [element["SPDXID"] for element in elements]
        self.assertEqual(len(names), len({*names}))
        for name in names:
            self.assertRegex(name, r"^SPDXRef-[A-Za-z0-9.-]+$")
        owners = {}
        for relation in document["relationships"]:
            self.assertIn(relation["spdxElementId"], names)
            self.assertIn(relation["relatedSpdxElement"], names)
            if relation["spdxElementId"].startswith("SPDXRef-Package-"):
                owners[relation["relatedSpdxElement"]] = relation["spdxElementId"]
        refs = {info["licenseId"] for info in document.get("hasExtractedLicensingInfos", [])}
        packages = {package["SPDXID"]: package for package in document["packages"]}
        for package in packages.values():
            self.assertLessEqual({*re.findall(r"LicenseRef-[\w.-]+", package["licenseDeclared"])}, refs)
        files = {}
        for file in document["files"]:
            sums = {entry["algorithm"]: entry["checksumValue"] for entry in file["checksums"]}
            self.assertEqual({name: len(value) for name, value in sums.items()}, {"SHA1": 40, "SHA256": 64})
            files[file["fileName"]] = sums["SHA256"], packages.get(owners.get(file["SPDXID"])), file.get("comment")
        for path in self.libraries:
            with open(path, "rb") as library:
                self.assertEqual(files["." + path][0], hashlib.sha256(library.read()).hexdigest())
            package = files["." + path][1]
            if known:
                self.assertEqual(package["versionInfo"], output(
                    "dpkg-query", "-W", "-f", "${Version}", package["name"] + ":" + os.environ["ARCHITECTURE"], text=True))
                self.assertIn(f"/{package['name']}@", package["externalRefs"][0]["referenceLocator"])
            else:
                self.assertIsNone(package)
        return files

    def test_initramfs(self):
        os.environ["ARCHITECTURE"] = output("dpkg", "--print-architecture", text=True).strip()
        files = self.check(self.sbom("--name", "initramfs", self.pack("zstd", "-q1")), known=True)
        self.assertEqual({*files} - {"." + path for path in self.libraries},
                         {"./usr/sbin/wmopkg-activate", "./etc/changed", "./bin/true", "./a second name", "./kernel/early"})
        self.assertIsNone(files["./usr/sbin/wmopkg-activate"][1])
        self.assertEqual(files["./bin/true"][1]["name"], "coreutils")
        self.assertEqual(files["./bin/true"][2], "differs from the file of the package coreutils")
        self.assertEqual(files["./a second name"][0], files["./bin/true"][0])
        crypto = next(package for path, (_, package, _) in files.items() if "libcrypto" in path)
        self.assertIn("Apache-2.0", crypto["licenseDeclared"])

    def test_compressors(self):
        files_of_image = runpy.run_path(f"{ROOT}/packaging/sbom")["files_of_image"]
        plain = files_of_image(self.pack())
        self.assertGreater(len(plain), len(self.libraries))
        for pack in ("gzip", "-n1"), ("xz", "-0", "--check=crc32"):
            self.assertEqual(files_of_image(self.pack(*pack)), plain, pack)

    def test_folder(self):
        """Where dpkg knows nothing, files are listed all the same."""
        self.check(self.sbom(self.tree), known=False)

    def test_refused(self):
        cases = [(b"070701cut", "cut off"), (b"\x1f\x8bno", "incomplete|invalid|incorrect|unknown"),
                 (b"text", "neither a cpio archive"), (b"\0" * 512, "no files in it")]
        # the file is there, and what follows it is not
        archive = output("cpio", "--quiet", "-o", "-H", "newc", input=b"etc/changed", cwd=self.tree)
        for pack in (("gzip", "-n1"), ("xz", "-0", "--check=crc32"), ("zstd", "-q1")):
            cases.append((output(*pack, input=archive)[:-3], "cut off|zstd: .*premature end"))
        for data, why in cases:
            self.write(f"{self.folder}/bad", data)
            done = subprocess.run([sys.executable, f"{ROOT}/packaging/sbom", f"{self.folder}/bad"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, f"^sbom: .*({why}).*\n$")

    def test_reader_that_stops(self):
        """No trace of Python where the output goes to a program that reads a part of it, such as head."""
        for number in range(2000):  # more than a pipe holds
            self.write(f"{self.tree}/many/{number}", b"")
        with subprocess.Popen([sys.executable, f"{ROOT}/packaging/sbom", self.tree], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as sbom:
            self.assertEqual(sbom.stdout.readline(), "{\n")
            sbom.stdout.close()
            self.assertEqual(sbom.stderr.read(), "")


if __name__ == "__main__":
    BUILD = os.path.abspath(sys.argv[1])
    unittest.main(argv=sys.argv[:1])
