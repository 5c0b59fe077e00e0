#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dracut's pre-pivot hook, with systemd in the initramfs or without: activate the installed
# packages over the mounted root. dracut sources it, so it keeps what it sets to itself.

(
	. /usr/lib/wmopkg/wmopkg.sh
	wmopkg_activate "$NEWROOT"
)
