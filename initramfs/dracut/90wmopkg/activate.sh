#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dracut's pre-pivot hook: activate the installed packages over the mounted root.

. /usr/lib/wmopkg/wmopkg.sh

# udev's links are there, or the device is not
wmopkg_device()
{
	device=$(label_uuid_to_dev "$1")
	[ -e "$device" ] && readlink -f "$device"
}

wmopkg_fstype()
{
	blkid -p -s TYPE -o value "$1"
}

type label_uuid_to_dev >/dev/null 2>&1 || . /lib/dracut-lib.sh
wmopkg_activate "$NEWROOT"
