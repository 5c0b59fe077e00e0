# SPDX-License-Identifier: MIT
SUMMARY = "wmopkg for the root file system of a device"

inherit packagegroup

RDEPENDS:${PN} = "wmopkg e2fsprogs-e2fsck e2fsprogs-mke2fs"
# sticks and cards, and what the kernel has as modules
RRECOMMENDS:${PN} = "ca-certificates kernel-module-exfat kernel-module-usb-storage kernel-module-vfat"
