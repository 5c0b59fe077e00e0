#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dracut's pre-pivot hook, with or without systemd in the initramfs: activates the installed
# packages over the mounted root. dracut sources it, so a subshell keeps its variables.

(
	. /usr/lib/wmopkg/wmopkg.sh
	wmopkg_activate "$NEWROOT"
)
