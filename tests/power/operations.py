# SPDX-License-Identifier: MIT
"""The operations whose writes are recorded: what a device has before each, and what is done."""

import collections
import os
import random
import shutil

from device import FIRMWARE, run, write
from facts import content_path, digest

CONTENT = 20_000  # bytes of a package's content
CONFIG = {f"etc/factory-config/{name}": f"{name}\n" * 300 for name in ("hostname", "net/eth0", "users")}
# file of a package: name, version, epoch
PACKAGES = {"plain": ("plain", "1.0", 1), "plain2": ("plain", "2.0", 2), "keep": ("keep", "1.0", 0),
            "keep2": ("keep", "2.0", 0), "more": ("more", "1.0", 0), "new": ("new", "1.0", 0),
            "unsigned": ("unsigned", "1.0", 0)}
SERIAL = "SN-1"


# @data, @persist: packages that are in the stores, by their files; @before(device): what else is
# done before, in a boot that was completed; @warm(device): the same in the boot of the operation;
# @act(device): the operation; @boots: it is a boot (ONLY), or goes on in the next one (AFTER);
# @steps: it is several steps; @once: where it has taken place, the audit log says so, once;
# @purges: it deletes what else is never lost; @counts: each boot more changes what is active; @says: what its boots may complain of; @on: file
# systems (KINDS) that it is for; @settings of the configuration and @cmdline of the kernel
Operation = collections.namedtuple(
    "Operation", "act data persist before warm boots steps once purges counts says on settings "
    "cmdline", defaults=(("plain",), ("keep",), None, None, None, False, False, False, False, None,
                         None, {}, "quiet"))
ONLY, AFTER = "only", "after"


def make_packages(vendor):
    """What all of them need, in the folder of @vendor; {digest: (name, version)} of packages and
    their contents."""
    chance, digests = random.Random(1), {}
    for file, (name, version, epoch) in PACKAGES.items():
        shutil.rmtree(vendor.folder + "/trees", ignore_errors=True)
        content = vendor.tree(name, {content_path(name): chance.randbytes(CONTENT)})
        made = vendor.make(name, content, version=version, options=("--epoch", str(epoch)),
                           signer=None if name == "unsigned" else "keys")
        place = f"{vendor.folder}/{file}/{name}.wmopkg"
        os.makedirs(os.path.dirname(place))
        os.rename(made, place)
        digests[digest(place)] = digests[digest(f"{content}/{content_path(name)}")] = (name, version)
    make_environment(vendor.folder)
    for number, words in ((7, ("--name", "none=1")), (8, ("--package", path(vendor.folder, "plain")))):
        run(vendor.tool, "denylist", "--number", str(number), *words, *vendor.signing("keys"),
            f"{vendor.folder}/denylist-{number}")
    for name, text in SETS.items():
        write(f"{vendor.folder}/{name}.json", text)
        run(vendor.tool, "set", "--number", "3", *vendor.signing("keys"),
            f"{vendor.folder}/{name}.json", f"{vendor.folder}/{name}.set")
    run(vendor.tool, "unlock", "--serial", SERIAL, "--allow", "untrusted", "--not-after", "2099-12-31",
        "--key", vendor.folder + "/keys/unlock.key", "--cert", vendor.folder + "/keys/unlock.pem",
        vendor.folder + "/unlock")
    for name, words in (("web", ()), ("denying", ("--denylist", "denylist-8"))):
        os.mkdir(f"{vendor.folder}/{name}")
        shutil.copy(vendor.folder + "/denylist-8", f"{vendor.folder}/{name}")
        for file in ("plain2", "keep2"):
            shutil.copy(path(vendor.folder, file), f"{vendor.folder}/{name}/{file}.wmopkg")
        run(vendor.tool, "catalog", "--not-after", "2099-12-31", *words, *vendor.signing("keys"),
            f"{vendor.folder}/{name}")
    return digests


SETS = {
    # replaces on both stores, adds to DATA, and removes 'more' from it
    "site": """{"type": "set", "format": 1, "packages": [
{"source": "plain2/plain.wmopkg"}, {"source": "keep2/keep.wmopkg", "persistent": true},
{"source": "new/new.wmopkg"}]}
""",
    # changes stores, in both directions
    "moves": """{"type": "set", "format": 1, "packages": [
{"source": "plain2/plain.wmopkg", "persistent": true}, {"source": "keep2/keep.wmopkg"}]}
"""}


def path(folder, file):
    return f"{folder}/{file}/{PACKAGES[file][0]}.wmopkg"


def type_in(*words):
    """Type a command; {} is the folder of the test."""
    return lambda device: device.tell(*[word.format(device.work) for word in words])


def install(file, *words):
    return lambda device: device.tell("install", *words, path(device.work, file))


def boot(device):
    device.boot()


def in_turn(*parts):
    def act(device):
        for part in parts:
            part(device)
    return act


def fail_boots(count):
    """Boots that are not completed."""
    def act(device):
        for _ in range(count):
            device.take_down()
            device.boot()
    return act


def forget(*paths):
    """Delete files or folders, VOLUME/PATH, as if they had never been."""
    def act(device):
        for place in paths:
            volume, name = place.split("/", 1)
            shutil.rmtree(f"{device.folder(volume)}/{name}")
    return act


def put(place, text):
    """Write a file, VOLUME/PATH."""
    def act(device):
        volume, name = place.split("/", 1)
        write(f"{device.folder(volume)}/{name}", text)
    return act


def fill_log(device):
    """With lines, until the next one makes room for itself."""
    record = device.folder("persist") + "/wmopkg/audit.log"
    while not os.path.exists(record + ".1") or \
            os.path.getsize(record) + LINE_BYTES < LOG_BYTES // 2:
        device.tell("install", path(device.work, "plain"))


def damage_data(device):
    """A folder of DATA that cannot be read, so that only a repair gets rid of it."""
    node = device.nodes[0]
    device.take_down()
    block = run("debugfs", "-R", "blocks /config", node).stdout.split()[-1]
    run("dd", "if=/dev/zero", "of=" + device.disk, "bs=1024", "seek=" + block, "count=1",
        "conv=notrunc")
    device.forget_blocks()


ENVIRONMENT_BYTES, ENVIRONMENT_COPIES = 0x2000, (0, 0x10000)


def make_environment(folder):
    """Of U-Boot, with a copy, as it is configured and as it is made."""
    write(folder + "/env.text", "bootcmd=run main\n")
    run("mkenvimage", "-r", "-s", str(ENVIRONMENT_BYTES), "-o", folder + "/env", folder + "/env.text")
    write(folder + "/fw_env.config", "".join(f"{folder}/raw {begin:#x} {ENVIRONMENT_BYTES:#x}\n"
                                             for begin in ENVIRONMENT_COPIES))


def put_environment(device):
    for begin in ENVIRONMENT_COPIES:
        run("dd", f"if={device.work}/env", f"of={device.raw}", "bs=4096", f"seek={begin}",
            "oflag=seek_bytes", "conv=notrunc")


LOG_BYTES, LINE_BYTES = 16384, 700
RESET = type_in("factory-reset", "--yes")
FAIL = in_turn(install("new"), fail_boots(3))
UNLOCKED = {"settings": {"anchor": "always", "serial": SERIAL}, "data": ("plain", "unsigned"),
            "cmdline": "quiet wmopkg.allow_untrusted=1"}
UBOOT = {"settings": {"uboot_env": "WORK/fw_env.config"}, "says": "not active: disabled"}
KEY = " ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43 + "\n"
MEANT = r"factory reset: "  # whatever it says of its steps
OPERATIONS = {
    "install": Operation(install("new")),
    "replace": Operation(install("plain2")),
    "replace-persistent": Operation(install("keep2")),
    "persist": Operation(install("plain2", "persistent")),
    "remove": Operation(type_in("remove", "--yes", "plain")),
    "remove-persistent": Operation(type_in("remove", "--yes", "keep")),
    "remove-all": Operation(type_in("remove", "--yes", "all"), data=("plain", "more"), steps=True),
    "apply": Operation(type_in("apply", "--yes", "{}/site.set"), data=("plain", "more"), once=True),
    "apply-moves": Operation(type_in("apply", "--yes", "{}/moves.set"), once=True),
    "undo": Operation(type_in("undo", "--yes"), warm=install("plain2")),
    "undo-remove": Operation(type_in("undo", "--yes"), warm=type_in("remove", "--yes", "all"),
                             steps=True),
    "undo-apply": Operation(type_in("undo", "--yes"), warm=type_in("apply", "--yes", "{}/site.set"),
                            data=("plain", "more"), steps=True),
    "update": Operation(type_in("update"), settings={"catalog": "WORK/web/catalog"}, once=True),
    "update-denylist": Operation(type_in("update"), settings={"catalog": "WORK/denying/catalog"},
                                 steps=True, once=True),
    "denylist": Operation(type_in("denylist", "{}/denylist-8"),
                          before=type_in("denylist", "{}/denylist-7")),
    "unlock": Operation(type_in("unlock", "{}/unlock"), **UNLOCKED),
    "unlock-clear": Operation(type_in("unlock", "clear", "--yes"), before=type_in("unlock", "{}/unlock"),
                              **UNLOCKED),
    "boot-set": Operation(type_in("boot", "set", "disable", "plain"), **UBOOT),
    "host-key": Operation(type_in("host-key", "forget", "old"), before=put(
        "persist/wmopkg/known_hosts", "old" + KEY + "other" + KEY)),
    "refuse": Operation(lambda device: device.tell("install", path(device.work, "unsigned"), status=3)),
    "boot-complete": Operation(type_in("boot-complete"),
                               before=in_turn(install("plain2"), install("new"))),
    "rotate": Operation(install("plain2"), before=fill_log, settings={"audit_bytes": LOG_BYTES}),
    # boots
    "first-boot": Operation(boot, before=forget("data/config", "persist/wmopkg"), boots=ONLY),
    "seed": Operation(boot, before=forget("data/config"), boots=ONLY),
    "count": Operation(boot, before=install("new"), boots=ONLY, counts=True),
    "quarantine": Operation(boot, before=FAIL, boots=ONLY, counts=True),
    "suspects": Operation(boot, before=in_turn(install("more"), FAIL), boots=ONLY, counts=True),
    "tell-apart": Operation(boot, before=in_turn(install("more"), FAIL, fail_boots(1),
                                                 type_in("boot-complete")), boots=ONLY, counts=True),
    "retry": Operation(type_in("retry", "new"), before=in_turn(FAIL, fail_boots(1))),
    # resets
    "reset": Operation(RESET, boots=AFTER, once=True),
    "reset-cancel": Operation(type_in("factory-reset", "cancel"), warm=RESET),
    "reset-bootloader": Operation(
        boot, before=lambda device: device.boot_with("quiet wmopkg.factory_reset=1"), boots=ONLY,
        once=True),
    "reset-discard": Operation(RESET, boots=AFTER, once=True, settings={"discard": "yes"}),
    "reset-make": Operation(
        boot, before=put("persist/wmopkg/factory-reset", '{"step": "erase", "tries": 3}'),
        boots=ONLY, once=True),
    "reset-repair": Operation(boot, before=in_turn(RESET, damage_data), boots=ONLY, once=True,
                              says=MEANT, on=("ext4", "journalled")),
    "purge": Operation(type_in("factory-reset", "--yes", "--purge"), boots=AFTER, once=True,
                       purges=True),
}
FIRMWARE_WITH_CONFIG = FIRMWARE | CONFIG
