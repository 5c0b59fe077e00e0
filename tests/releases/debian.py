# SPDX-License-Identifier: MIT
"""Packages of another Debian release or architecture, unpacked into a folder, without root.

	debian.py RELEASE ARCHITECTURE PACKAGE...	prints the folder

apt chooses and verifies them, as on a system of that release. A folder is made once, in
WMOPKG_CACHE (by default ~/.cache/wmopkg): some seconds of processor time for each release.
Delete it to get newer packages. DEBIAN_MIRROR is where they come from, by default
http://deb.debian.org/debian.
"""

import contextlib
import fcntl
import glob
import hashlib
import os
import shutil
import subprocess
import sys

MIRROR = os.environ.get("DEBIAN_MIRROR") or "http://deb.debian.org/debian"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
WAIT_S = 1200  # for another test that unpacks
APT_CONF = """\
Dir "{apt}";
Dir::Etc::trusted "{keys}";
Dir::Etc::trustedparts "-";
Dir::State::status "{apt}/status";
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";
Debug::NoLocking "true";
"""


class Unavailable(Exception):
    """Nothing could be unpacked: there is no network, or no such package."""


def cache():
    return (os.environ.get("WMOPKG_CACHE") or
            os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "wmopkg"))


def run(command, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(command[:3])}: status {done.returncode} (is {MIRROR} reachable? "
                          f"DEBIAN_MIRROR names another mirror)\n{done.stdout[-2000:]}")


def prepare(apt, release, architecture, kind="deb"):
    """The environment of apt-get."""
    for folder in ("etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial",
                   "etc/apt/apt.conf.d"):
        os.makedirs(os.path.join(apt, folder))
    open(os.path.join(apt, "status"), "w", encoding="ascii").close()
    conf = os.path.join(apt, "apt.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write(APT_CONF.format(apt=apt, keys=KEYS, architecture=architecture))
    with open(os.path.join(apt, "etc/apt/sources.list"), "w", encoding="ascii") as file:
        file.write(f"{kind} [signed-by={KEYS}] {MIRROR} {release} main\n")
    environment = {**os.environ, "APT_CONFIG": conf, "LC_ALL": "C"}
    run(["apt-get", "update", "-q", "--error-on=any"], env=environment)
    return environment


def download(apt, release, architecture, packages):
    """The files of the packages, and of all that they need."""
    environment = prepare(apt, release, architecture)
    run(["apt-get", "install", "-q", "-y", "--download-only", *packages], env=environment)
    return sorted(glob.glob(os.path.join(apt, "var/cache/apt/archives/*.deb")))


def merge(folder):
    """As on a system whose /lib is /usr/lib. Symbolic links stay inside of the folder, so that a
    compiler finds what they name."""
    for name in ("bin", "lib", "lib64", "sbin"):
        if not os.path.lexists(os.path.join(folder, name)):
            os.symlink(os.path.join("usr", name), os.path.join(folder, name))
    for parent, folders, files in os.walk(folder):
        for path in (os.path.join(parent, name) for name in folders + files):
            target = os.readlink(path) if os.path.islink(path) else ""
            if target.startswith("/"):
                os.unlink(path)
                os.symlink(os.path.relpath(folder + target, parent), path)


@contextlib.contextmanager
def only_one(path):
    """Tests run side by side, and want the same folder."""
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def place(release, architecture, *packages):
    """Where unpack() puts them."""
    what = hashlib.sha256(" ".join([MIRROR, *packages]).encode()).hexdigest()[:12]
    return os.path.join(cache(), f"{release}-{architecture}-{what}")


def unpack(release, architecture, *packages):
    """The folder: like the root of a system on which nothing was ever started.

    PACKAGES in it is a list of what it has, a package and its version in each line."""
    folder = place(release, architecture, *packages)
    os.makedirs(cache(), exist_ok=True)
    with only_one(folder + ".lock"):
        if not os.path.isdir(folder):
            new, apt = folder + ".new", folder + ".apt"
            for leftover in (new, apt):
                shutil.rmtree(leftover, ignore_errors=True)
            os.makedirs(new)
            listed = []
            for file in download(apt, release, architecture, packages):
                run(["dpkg-deb", "-x", file, new])
                listed.append(" ".join(os.path.basename(file).split("_")[:2]))
            merge(new)
            with open(os.path.join(new, "PACKAGES"), "w", encoding="ascii") as out:
                out.write("\n".join(listed) + "\n")
            shutil.rmtree(apt)
            os.rename(new, folder)
    return folder


def source(release, package):
    """The folder of the source of a package, with the changes of Debian."""
    folder = place(release, "source", package)
    os.makedirs(cache(), exist_ok=True)
    with only_one(folder + ".lock"):
        if not os.path.isdir(folder):
            new, apt = folder + ".new", folder + ".apt"
            for leftover in (new, apt):
                shutil.rmtree(leftover, ignore_errors=True)
            environment = prepare(apt, release, "amd64", "deb-src")
            run(["apt-get", "source", "-q", "--download-only", package], env=environment, cwd=apt)
            run(["dpkg-source", "--no-copy", "-x", *glob.glob(os.path.join(apt, "*.dsc")), new], cwd=apt)
            shutil.rmtree(apt)
            os.rename(new, folder)
    return folder


if __name__ == "__main__":
    try:
        print(unpack(*sys.argv[1:]))
    except Unavailable as why:
        sys.exit(f"debian.py: {why}")
