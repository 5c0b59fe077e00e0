# SPDX-License-Identifier: MIT
"""What is done while something fails: a row for each operation, and what the device has before."""

import collections
import json
import os
import re
import shutil
import subprocess

import served
from chroot import CONFIGURATION

# @words: after the program's name; @before: commands of wmopkg that were typed in this boot;
# @status: that it ends with; @stdin: bytes; @environment: of the program, beside PATH; @steps: it is
# several steps, and may end between two of them
Operation = collections.namedtuple("Operation", "words program before status stdin environment steps",
                                   defaults=("wmopkg", (), 0, b"", None, False))

SIGNER = ("--key", "/vendor/keys/signer.key", "--cert", "/vendor/keys/signer.pem")
UNLOCKER = ("--key", "/vendor/keys/unlock.key", "--cert", "/vendor/keys/unlock.pem")
OTHERS = tuple(word.replace("/keys/", "/others/") for word in SIGNER)
# file: (name, version, options); in /vendor
PACKAGES = {
    "1/old": (), "1/brand": (), "1/licence": (), "1/new": (),
    "2/brand": ("--version", "2", "--epoch", "1"), "2/licence": ("--version", "2"),
    "bad/denied": (), "bad/untrusted": None, "bad/unsigned": None, "bad/damaged": (),
    "bad/other": ("--compatible", "BX-*"), "bad/lower": ("--epoch", "1"),
}
SET = {"type": "set", "format": 1, "packages": [
    {"source": "2/brand.wmopkg"}, {"source": "1/new.wmopkg"},
    {"source": "2/licence.wmopkg", "persistent": True}]}
REFUSED, NOT_FOUND, FAILED = 3, 4, 1


# Faults that have once gone wrong, as (operation, calls, errors, files): each is a pattern; of each row
# so many are tried.
MOST = 4
READS = "openat|read|newfstatat"
KNOWN = (
    # between the two copies of U-Boot's environment
    ("boot-clear", f"{READS}|readlink", "EIO|EMFILE", r"/device/env2?$|fw_env\.config$"),
    ("boot-clear", "write", "EIO|ENOSPC", r"/device/env2?$"),
    ("boot-set", "write", "EIO", r"/device/env2?$"),
    # what a disk does not give once was taken for damage, and set aside or left out
    ("boot-set", READS, "EIO", r"audit\.(log|head)"),
    ("boot-clear", "openat", "EMFILE", r"trials\.json|audit\.(log|head)"),
    ("unlock-clear", READS, "EIO", r"floors\.json"),
    ("denylist", READS, "EIO|EMFILE", r"(floors|trials)\.json"),
    ("boot-complete", "openat", "EIO|EMFILE", "/device/run$"),
    ("boot-complete", "openat|pwrite64|renameat", "ENOSPC", r"\.good\.json\.new"),
    ("apply", "newfstatat|openat", "EIO|EMFILE", r"packages[ /]old\.wmopkg"),
    ("apply", "openat", "ENOSPC", r"packages[ /]\.new\.wmopkg\.new"),
    ("apply", READS, "EIO", r"audit\.log"),
    # what had come back to DATA stayed there, although the step was not made
    ("undo-move", "fsync|unlinkat", "EIO", r"(data|persist)/packages.*brand\.wmopkg"),
    # earlier files were left where a later one failed
    ("extract", "fsync|renameat|linkat|copy_file_range", "EIO|ENOSPC", "/device/out"),
)

C_LOCALE = {"LC_ALL": "C.UTF-8"}  # names in tar archives


def build(*words, **more):
    return Operation(words, "wmopkg-build", **more)


def post(token, fields, file=None, name="", **more):
    """A form that is sent, with the token of a page."""
    kind, body = served.multipart({"token": token, "id": "0" * 32, **fields}, file, name)
    return web(method="POST", body=body, kind=kind, **more)


def web(query="", method="GET", body=b"", kind="", **more):
    return Operation((), "wmopkg-web", stdin=body, environment={
        "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method, "QUERY_STRING": query,
        "SCRIPT_NAME": "/packages", "REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "device",
        "WMOPKG_CONFIG": "/device/wmopkg.conf", "REMOTE_USER": "admin",
        "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": kind}, **more)


def operations(server, work):
    """{name: what is typed}; @server: URL of the folder /vendor, here @work."""
    def typed(text, **more):
        return Operation(tuple(text.split()), **more)

    def made(text, *more, **options):
        return build(*text.split(), *more, **options)

    def uploaded(path, **options):
        with open(f"{work}/{path}", "rb") as file:
            return post(token, {"action": "upload"}, file.read(), os.path.basename(path), **options)

    with open(f"{work}/token", encoding="utf-8") as file:
        token = file.read()
    return {
        "show": typed("show"),
        "show-json": typed("show json"),
        "show-one": typed("show brand detail"),
        "show-pending": typed("show pending", before=("remove --yes old",)),
        "install": typed("install /vendor/1/new.wmopkg"),
        "install-persistent": typed("install persistent /vendor/1/new.wmopkg"),
        "replace": typed("install /vendor/2/brand.wmopkg"),
        "replace-persistent": typed("install /vendor/2/licence.wmopkg"),
        "move": typed("install persistent /vendor/2/brand.wmopkg"),
        "remove": typed("remove --yes brand"),
        "remove-all": typed("remove --yes all"),
        "undo-install": typed("undo --yes", before=("install /vendor/1/new.wmopkg",)),
        "undo-replace": typed("undo --yes", before=("install /vendor/2/brand.wmopkg",)),
        "undo-remove": typed("undo --yes", before=("remove --yes brand",)),
        "undo-move": typed("undo --yes", before=("install persistent /vendor/2/brand.wmopkg",)),
        "apply": typed("apply --yes /vendor/set.json"),
        "apply-signed": typed("apply --yes /vendor/site.set"),
        "apply-check": typed("apply --check /vendor/site.set json"),
        "undo-apply": typed("undo --yes", before=("apply --yes /vendor/set.json",), steps=True),
        "audit": typed("audit"),
        "audit-json": typed("audit json"),
        "audit-verify": typed("audit verify"),
        "verify": typed("verify /vendor/1/new.wmopkg"),
        "verify-json": typed("verify /vendor/1/new.wmopkg json"),
        "verify-firmware": typed("verify --check-firmware 9.0"),
        "which": typed("which /usr/share/brand/file"),
        "conflicts": typed("conflicts"),
        "conflicts-json": typed("conflicts brand json"),
        "denylist": typed("denylist /vendor/denylist-2"),
        "denylist-show": typed("denylist"),
        "unlock": typed("unlock /vendor/unlock"),
        "unlock-show": typed("unlock"),
        "unlock-clear": typed("unlock clear --yes", before=("unlock /vendor/unlock",)),
        "factory-reset": typed("factory-reset --yes"),
        "purge": typed("factory-reset --purge --yes"),
        "factory-reset-cancel": typed("factory-reset cancel", before=("factory-reset --yes",)),
        "boot": typed("boot json"),
        "boot-set": typed("boot set safe 1"),
        "boot-clear": typed("boot clear safe", before=("boot set safe 1",)),
        "boot-complete": typed("boot-complete"),
        "media": typed("media json"),
        "host-key": typed("host-key"),
        "install-http": typed(f"install {server}/1/new.wmopkg"),
        "replace-http": typed(f"install {server}/2/brand.wmopkg"),
        "verify-http": typed(f"verify {server}/1/new.wmopkg json"),
        "denylist-http": typed(f"denylist {server}/denylist-2"),
        "apply-http": typed(f"apply --yes {server}/site.set"),
        "update": typed("update"),
        "update-check": typed("update check json"),
        # what is refused stays refused, whatever fails
        "refuse-denied": typed("install /vendor/bad/denied.wmopkg", status=REFUSED),
        "refuse-untrusted": typed("install /vendor/bad/untrusted.wmopkg", status=REFUSED),
        "refuse-unsigned": typed("install /vendor/bad/unsigned.wmopkg", status=REFUSED),
        "refuse-damaged": typed("install /vendor/bad/damaged.wmopkg", status=REFUSED),
        "refuse-other-model": typed("install /vendor/bad/other.wmopkg", status=REFUSED),
        "refuse-downgrade": typed("install /vendor/bad/lower.wmopkg", status=REFUSED),
        "refuse-verify": typed("verify /vendor/bad/denied.wmopkg json", status=REFUSED),
        "refuse-denylist": typed("denylist /vendor/denylist-1", status=REFUSED,
                                 before=("denylist /vendor/denylist-2",)),
        "refuse-unlock": typed("unlock /vendor/unlock-other", status=REFUSED),
        "refuse-http": typed(f"install {server}/bad/denied.wmopkg", status=REFUSED),
        # the vendor's host
        "keys": made("keys out/keys"),
        "create": made("create --version 1 --description E --compressor zstd", *SIGNER, "/vendor/tree",
                       "out/new.wmopkg"),
        "create-tar": made("create --version 1 --description E", *SIGNER, "/vendor/tree.tar",
                           "out/new.wmopkg", environment=C_LOCALE),
        "create-base": made("create --version 1 --description E --base /vendor/base", "/vendor/tree",
                            "out/new.wmopkg", environment=C_LOCALE),
        "sign": made("sign", *SIGNER, "/vendor/bad/unsigned.wmopkg", "out/signed.wmopkg"),
        "sign-add": made("sign --add", *OTHERS, "/vendor/1/new.wmopkg", "out/signed.wmopkg"),
        "build-set": made("set --number 4", *SIGNER, "/vendor/set.json", "out/site.set"),
        "build-catalog": made("catalog --not-after 2099-12-31", *SIGNER, "shelf"),
        "build-denylist": made("denylist --number 4 --name none=1", *SIGNER, "out/denylist"),
        "build-unlock": made("unlock --serial SN-1 --allow untrusted --not-after 2099-12-31",
                             *UNLOCKER, "out/unlock"),
        "inspect": made("inspect --keys /device/keys /vendor/1/new.wmopkg"),
        "inspect-json": made("inspect --json --keys /device/keys /vendor/1/new.wmopkg"),
        "inspect-untrusted": made("inspect --keys /device/keys /vendor/bad/untrusted.wmopkg",
                                  status=REFUSED),
        "extract": made("extract --manifest out/m --signature out/s --tree out/t --image out/i "
                        "/vendor/1/new.wmopkg"),
        "base": made("base /vendor/tree out/base"),
        # what a boot would do
        "plan": Operation(("--plan",), "wmopkg-activate"),
        "plan-json": Operation(("--plan", "json"), "wmopkg-activate"),
        "web-list": web(),
        "web-package": web("page=package&name=brand"),
        "web-audit": web("page=audit"),
        "web-install-page": web("page=install"),
        "web-upload": uploaded("1/new.wmopkg"),
        "web-upload-denied": uploaded("bad/denied.wmopkg", status=FAILED),
        "web-fetch": post(token, {"action": "fetch", "url": f"{server}/1/new.wmopkg"}),
        "web-remove": post(token, {"action": "remove", "name": "brand"}),
        "web-reset": post(token, {"action": "reset", "confirm": "yes"}),
        "web-forged": post("0" * 64, {"action": "remove", "name": "brand"}, status=FAILED),
    }


def make_inputs(root):
    """What the operations take, in /vendor."""
    work = f"{root.path}/vendor"
    os.makedirs(f"{work}/tree/usr/share/brand")
    for name in ("file", "link-target"):
        with open(f"{work}/tree/usr/share/brand/{name}", "w", encoding="utf-8") as file:
            file.write(f"{name}\n" * 700)
    os.symlink("file", f"{work}/tree/usr/share/brand/link")
    subprocess.run(["tar", "-C", f"{work}/tree", "--sort=name", "--mtime=@0", "--owner=0",
                    "--group=0", "-cf", f"{work}/tree.tar", "."], check=True)
    root.succeed("wmopkg-build", "keys", "/vendor/keys")
    root.succeed("wmopkg-build", "keys", "/vendor/others")
    for place, options in PACKAGES.items():
        os.makedirs(os.path.dirname(f"{work}/{place}"), exist_ok=True)
        signing = SIGNER if options is not None else () if "unsigned" in place else \
            OTHERS
        version = () if "--version" in (options or ()) else ("--version", "1")
        root.succeed("wmopkg-build", "create", *version, "--description", "Example",
                     *(options or ()), *signing, "/vendor/tree", f"/vendor/{place}.wmopkg")
    with open(f"{work}/bad/damaged.wmopkg", "r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"damaged!")
    # epoch 2 of it has run on this device
    root.succeed("wmopkg-build", "create", "--version", "2", "--description", "Example", "--epoch",
                 "2", *SIGNER, "/vendor/tree", "/vendor/lower.wmopkg")
    with open(f"{work}/set.json", "w", encoding="utf-8") as file:
        json.dump(SET, file)
    root.succeed("wmopkg-build", "set", "--number", "3", *SIGNER, "/vendor/set.json", "/vendor/site.set")
    for number in "12":
        root.succeed("wmopkg-build", "denylist", "--number", number, "--name", "denied=1", *SIGNER,
                     f"/vendor/denylist-{number}")
    for name, serial in (("unlock", "SN-1"), ("unlock-other", "SN-2")):
        root.succeed("wmopkg-build", "unlock", "--serial", serial, "--allow", "untrusted",
                     "--not-after", "2099-12-31", *UNLOCKER, f"/vendor/{name}")
    os.mkdir(f"{work}/catalog")
    for place in ("2/brand", "2/licence"):
        shutil.copy(f"{work}/{place}.wmopkg", f"{work}/catalog")
    root.succeed("wmopkg-build", "catalog", "--not-after", "2099-12-31", *SIGNER, "/vendor/catalog")
    root.succeed("wmopkg-build", "base", "/vendor/tree", "/vendor/base")


def make_device(root, server):
    """A device that has been in use, in /device; and a token of its web page, in /vendor."""
    device = f"{root.path}/device"
    for name in ("data", "persist", "keys", "run", "out", "shelf"):
        os.makedirs(f"{device}/{name}")
    shutil.copy(f"{root.path}/vendor/2/brand.wmopkg", f"{device}/shelf")
    with open(f"{device}/text", "w", encoding="utf-8") as file:
        file.write("bootdelay=3\n")
    subprocess.run(["mkenvimage", "-r", "-s", "8192", "-o", f"{device}/env", f"{device}/text"], check=True)
    shutil.copy(f"{device}/env", f"{device}/env2")
    with open(f"{device}/fw_env.config", "w", encoding="utf-8") as file:
        file.write("/device/env 0x0 0x2000\n/device/env2 0x0 0x2000\n")
    with open(f"{device}/wmopkg.conf", "w", encoding="utf-8") as file:
        file.write(CONFIGURATION + f'uboot_env = /device/fw_env.config\ncatalog = {{"{server}/catalog/catalog"}}\n')
    with open(f"{device}/cmdline", "w", encoding="utf-8") as file:
        file.write("quiet\n")
    shutil.copy(f"{root.path}/vendor/keys/root.pem", f"{device}/keys")
    for words in ("install /vendor/1/old.wmopkg", "install /vendor/1/brand.wmopkg",
                  "install persistent /vendor/1/licence.wmopkg", "install /vendor/lower.wmopkg",
                  "denylist /vendor/denylist-1"):
        root.type(*words.split())
    root.note_boot()
    root.type("boot-complete")
    root.type("remove", "--yes", "lower")
    shutil.rmtree(f"{device}/run")
    os.makedirs(f"{device}/run/layers/root/etc")
    for store in ("data", "persist"):
        folder = f"{device}/{store}/packages"
        for name in os.listdir(folder):
            if name.startswith("._"):
                os.unlink(f"{folder}/{name}")
    page = web("page=install")
    done = root.run((page.program,), environment=page.environment)
    with open(f"{root.path}/vendor/token", "w", encoding="utf-8") as file:
        file.write(re.search(rb'name=token value="?([^">]*)', done.stdout)[1].decode())

