# SPDX-License-Identifier: MIT
#
# What dracut and a plain /init do in the same way: sourced by both. It asks two things of
# them:
#
#	wmopkg_device SPEC	print the device node that LABEL=, UUID=, PARTLABEL=,
#				PARTUUID= or a path stands for; fail where there is none
#	wmopkg_fstype DEVICE	print the type of the file system on it
#
# Whatever happens here, the boot goes on: the device comes up with the firmware alone.

wmopkg_say()
{
	echo "wmopkg: $*" >&2
	# priority 3, error; the console has it already, the kernel log is what stays
	echo "<3>wmopkg: $*" >/dev/kmsg 2>/dev/null || :
}

# wmopkg_check_volume KEY: repair what can safely be repaired on the file system that KEY of
# the configuration names. What is not there, wmopkg-activate will complain about.
wmopkg_check_volume()
{
	spec=$(sed -n "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*[\"']\\([^\"']*\\)[\"'].*/\\1/p" \
		/etc/wmopkg/wmopkg.conf 2>/dev/null | tail -n 1)
	# the default, as wmopkg-activate has it
	[ -n "$spec" ] || spec=LABEL=wmopkg-$1
	case $spec in
	LABEL=* | UUID=* | PARTLABEL=* | PARTUUID=* | /dev/*) ;;
	*) return 0 ;;
	esac
	device=$(wmopkg_device "$spec") || return 0
	case $(wmopkg_fstype "$device") in
	ext[234]) ;;
	*) return 0 ;;
	esac
	e2fsck -p "$device" >/run/wmopkg-fsck.log 2>&1
	# 1 says that all that was wrong has been put right
	[ $? -le 1 ] || wmopkg_say "$1: $(tail -n 1 /run/wmopkg-fsck.log)"
}

# wmopkg_activate ROOT: ROOT is where the firmware's root is mounted
wmopkg_activate()
{
	for module in loop dm-mod dm-verity squashfs overlay ext4; do
		modprobe -q "$module" || wmopkg_say "module $module: cannot be loaded"
	done
	# whether Secure Boot is on stands in there; built in on some kernels, and of no
	# use without UEFI
	if [ -d /sys/firmware/efi ]; then
		modprobe -q efivarfs || :
	fi
	if command -v e2fsck >/dev/null; then
		wmopkg_check_volume data
		wmopkg_check_volume persist
	fi
	wmopkg-activate --root "$1"
	status=$?
	if [ "$status" -ne 0 ]; then
		wmopkg_say "wmopkg-activate failed (status $status): not all packages are active"
	fi
	return 0
}
