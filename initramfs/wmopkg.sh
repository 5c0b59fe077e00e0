# SPDX-License-Identifier: MIT
#
# What all ways into a system do alike: sourced by the script for initramfs-tools, by dracut's
# hook and by our own /init. Whatever happens in here, the boot goes on: the device comes up
# with the firmware alone.
#
# It takes a POSIX shell, modprobe, readlink and uname, BusyBox's or others; util-linux's blkid,
# or BusyBox's findfs, dd and od; and e2fsck, where file systems are to be checked.

wmopkg_log=/run/wmopkg-fsck.log
wmopkg_wait=10 # seconds, for DATA and PERSIST to appear
wmopkg_patience=600 # seconds, for each of them to be checked

wmopkg_say()
{
	echo "wmopkg: $*" >&2
	# priority 3, error; the console has it already, the kernel log is what stays
	(echo "<3>wmopkg: $*" >/dev/kmsg) 2>/dev/null || :
}

# wmopkg_plugged DEVICE: somebody may have plugged it in: it is on USB, or on an SD card
wmopkg_plugged()
{
	folder=$(readlink -f "$1")
	folder=$(readlink -f "/sys/class/block/${folder##*/}")
	case $folder in
	*/usb*) return 0 ;;
	esac
	# of a disk, and of a partition
	for file in "$folder/device/type" "$folder/../device/type"; do
		type=""
		[ ! -r "$file" ] || read -r type <"$file" || :
		[ "$type" != SD ] || return 0
	done
	return 1
}

# wmopkg_partitions KEY VALUE: the partitions whose uevent says KEY=VALUE
wmopkg_partitions()
{
	for uevent in /sys/class/block/*/uevent; do
		node="" said=""
		while read -r line; do
			case $line in
			DEVNAME=*) node=${line#*=} ;;
			"$1=$2") said=yes ;;
			esac
		done 2>/dev/null <"$uevent"
		[ -z "$said" ] || echo "/dev/$node"
	done
}

# wmopkg_matches SPEC: all devices that are called that. The kernel itself knows how partitions
# are called, and newer ones their UUID.
wmopkg_matches()
{
	case $1 in
	PARTLABEL=*) found=$(wmopkg_partitions PARTNAME "${1#*=}") ;;
	PARTUUID=*) found=$(wmopkg_partitions PARTUUID "${1#*=}") ;;
	*) found="" ;;
	esac
	# BusyBox's blkid knows no options, and says nothing of what is no device
	[ -n "$found" ] || found=$(blkid -c /dev/null -t "$1" -o device 2>/dev/null)
	echo "$found"
}

# wmopkg_device SPEC: the device that LABEL=, UUID=, PARTLABEL=, PARTUUID= or a path stands for;
# fails where there is none. As wmopkg-activate has it: one that somebody plugged in comes
# after one that is built in, so that nobody slips his own in by its name.
wmopkg_device()
{
	case $1 in
	LABEL=* | UUID=* | PARTLABEL=* | PARTUUID=*) ;;
	*)
		[ -b "$1" ] && echo "$1"
		return
		;;
	esac
	plugged=""
	for device in $(wmopkg_matches "$1"); do
		if ! wmopkg_plugged "$device"; then
			echo "$device"
			return 0
		fi
		plugged=${plugged:-$device}
	done
	[ -n "$plugged" ] && echo "$plugged"
}

# wmopkg_first SPEC: the first file system that is called that, by what BusyBox has where it has
# no blkid that knows more
wmopkg_first()
{
	case $1 in
	LABEL=* | UUID=*) findfs "$1" 2>/dev/null ;;
	*) return 1 ;;
	esac
}

# wmopkg_is_ext DEVICE: there is ext2, ext3 or ext4 on it, which e2fsck can check
wmopkg_is_ext()
{
	type=$(blkid -p -s TYPE -o value "$1" 2>/dev/null)
	case $type in
	ext[234]) return 0 ;;
	"" | *:*) ;;
	*) return 1 ;;
	esac
	# no blkid, or BusyBox's, which tells all in its own way: their magic number is at
	# byte 1080
	[ "$(dd if="$1" bs=2 skip=540 count=1 2>/dev/null | od -An -tx1 2>/dev/null)" = " 53 ef" ]
}

# wmopkg_configured KEY: what the configuration says, without its quotes; nothing where it
# does not say
wmopkg_configured()
{
	value=""
	configuration=${wmopkg_configuration:-/etc/wmopkg/wmopkg.conf}
	[ -r "$configuration" ] || return 0
	while read -r line || [ -n "$line" ]; do
		case $line in
		"$1="* | "$1"[[:blank:]]*=*) ;;
		*) continue ;;
		esac
		value=${line#*=}
		value=${value#"${value%%[![:blank:]]*}"}
		case $value in
		\"*) value=${value#?} && value=${value%%\"*} ;;
		\'*) value=${value#?} && value=${value%%\'*} ;;
		*) value=${value%%[[:blank:]#]*} ;;
		esac
	done <"$configuration"
	echo "$value"
}

# wmopkg_check_volume KEY: repair what can safely be repaired on the file system that KEY of
# the configuration names. What is not there, wmopkg-activate will complain about.
wmopkg_check_volume()
{
	spec=$(wmopkg_configured "$1")
	# the default, as wmopkg-activate has it
	[ -n "$spec" ] || spec=LABEL=wmopkg-$1
	# where one that is plugged in is the first, it may hide the right one
	device=$(wmopkg_device "$spec") ||
		{ device=$(wmopkg_first "$spec") && ! wmopkg_plugged "$device"; } || return 0
	wmopkg_is_ext "$device" || return 0
	e2fsck -p "$device" >>"$wmopkg_log" 2>&1
	status=$?
	# 1 says that all that was wrong has been put right
	[ "$status" -le 1 ] ||
		wmopkg_say "$1: e2fsck did not repair $device (status $status, see $wmopkg_log)"
}

wmopkg_uptime()
{
	read -r seconds _ </proc/uptime
	echo "${seconds%.*}"
}

wmopkg_nap()
{
	usleep 50000 2>/dev/null || sleep 0.05 2>/dev/null || sleep 1
}

# wmopkg_within SECONDS NAME COMMAND...: go on after so long, whether it is done or not. What
# waits for storage that never answers cannot be ended; nor can the device be mounted that it
# holds.
wmopkg_within()
{
	limit=$1 name=$2 until=$(($(wmopkg_uptime) + $1))
	shift 2
	if ! (echo begun >"$wmopkg_log.$name") 2>/dev/null; then
		"$@"
		return
	fi
	{
		"$@"
		echo ended >"$wmopkg_log.$name"
	} &
	while read -r state <"$wmopkg_log.$name" && [ "$state" != ended ]; do
		if [ "$(wmopkg_uptime)" -ge "$until" ]; then
			wmopkg_say "$name: no end after $limit s: storage may be failing"
			return
		fi
		wmopkg_nap
	done
}

# wmopkg_wait_for END KEY: until the volume is there, or it is END. What the root lies on may be
# there first: without PERSIST nobody knows what was denied or quarantined.
wmopkg_wait_for()
{
	spec=$(wmopkg_configured "$2")
	spec=${spec:-LABEL=wmopkg-$2}
	case $spec in
	*=* | /dev/*) ;;
	*) return ;;
	esac
	until wmopkg_device "$spec" >/dev/null || wmopkg_first "$spec" >/dev/null; do
		if [ "$(wmopkg_uptime)" -ge "$1" ]; then
			wmopkg_say "$2: $spec: no such device after $wmopkg_wait s"
			return
		fi
		wmopkg_nap
	done
}

# One by one, so that what fails can be named. In a kernel without modules there is nothing to
# load; what is missing in it, wmopkg-activate will name.
wmopkg_load_modules()
{
	[ -e "/lib/modules/$(uname -r)/modules.dep" ] || return 0
	for module in loop dm-mod dm-verity squashfs overlay ext4; do
		modprobe -q "$module" || wmopkg_say "module $module: cannot be loaded"
	done
	# whether Secure Boot is on stands in there; built in on some kernels, and of no
	# use without UEFI
	[ ! -d /sys/firmware/efi ] || modprobe -q efivarfs || :
}

wmopkg_wait_for_all()
{
	end=$(($(wmopkg_uptime) + wmopkg_wait))
	wmopkg_wait_for "$end" data
	wmopkg_wait_for "$end" persist
}

# wmopkg_activate ROOT: ROOT is where the firmware's root is mounted
wmopkg_activate()
{
	wmopkg_load_modules
	wmopkg_within $((2 * wmopkg_wait)) devices wmopkg_wait_for_all
	if command -v e2fsck >/dev/null; then
		wmopkg_within $wmopkg_patience data wmopkg_check_volume data
		wmopkg_within $wmopkg_patience persist wmopkg_check_volume persist
	fi
	wmopkg-activate --root "$1"
	status=$?
	[ "$status" -eq 0 ] ||
		wmopkg_say "wmopkg-activate ended with status $status: no package is active"
	return 0
}
