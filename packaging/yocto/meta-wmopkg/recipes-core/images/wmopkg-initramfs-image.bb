# SPDX-License-Identifier: MIT
SUMMARY = "Initramfs that activates the installed packages, for INITRAMFS_IMAGE"
LICENSE = "MIT"

inherit wmopkg-initramfs
