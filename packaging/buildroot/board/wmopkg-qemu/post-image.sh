#!/bin/sh
# SPDX-License-Identifier: MIT
#
# After the root file system of the virtual device: its initramfs, and a disk with the partitions
# that wmopkg needs.

set -eu
board=$(dirname "$0")

"$board/../make-initramfs" "$TARGET_DIR" "$BINARIES_DIR/initramfs.cpio.gz"
support/scripts/genimage.sh -c "$board/genimage.cfg"
