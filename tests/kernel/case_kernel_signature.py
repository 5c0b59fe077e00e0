# SPDX-License-Identifier: MIT
"""A package with a signature for the kernel, on a kernel that was built without checking
any: it is active all the same, and the log says what the signature was not good for.
Kernels that do check: tests/machine/test_kernel_signature.py."""

import re

from device import Device, Vendor, devices, equal, run

NOTE = ("the kernel cannot check its kernel signature "
        "(CONFIG_DM_VERITY_VERIFY_ROOTHASH_SIG), and requires none")


def prepare(work, build):
    vendor = Vendor(work, build)
    vendor.make("plain", {"plain": "plain\n"})
    key = [f"{work}/keys/signer.key", f"{work}/keys/signer.pem"]
    run(vendor.tool, "create", "--version", "1.0", "--description", "made for a test",
        *vendor.signing("keys"), "--kernel-key", key[0], "--kernel-cert", key[1],
        vendor.tree("signed", {"signed": "signed\n"}), vendor.path("signed"))


def test_active_all_the_same(work, build):
    with Device(work, build) as device:
        for name in ("plain", "signed"):
            device.install(f"{work}/packages/{name}.wmopkg")
        device.activate()
        for name in ("plain", "signed"):
            equal(device.see(name), name + "\n")
            equal(device.package(name)["active"], True)
            equal(device.log().count(f"wmopkg: {name} 1.0: Signed, active"), 1)
        # those that libcryptsetup has set up, and ours
        for name in devices():
            said = run("veritysetup", "status", name).stdout
            for words in (r"type:\s+VERITY", r"status:\s+verified", r"hash type:\s+1",
                          r"mode:\s+readonly"):
                assert re.search(words, said), said
        equal([line for line in device.log() if "kernel signature" in line],
              [f"wmopkg: signed: {NOTE}"])
