# SPDX-License-Identifier: MIT
#
# What all kinds of initramfs have in common: sourced by the script for initramfs-tools, by
# dracut's hook and by our own /init. Whatever fails in here, the boot goes on: the device comes
# up with the firmware only. The one exception is a requirement of the configuration that is not
# met: then the device must not come up.
#
# Needs a POSIX shell, modprobe, readlink, sleep, sync and uname, of BusyBox or others;
# util-linux's blkid, or BusyBox's findfs. wmopkg-activate runs e2fsck, where there is one.

wmopkg_waits=/run/wmopkg-wait
wmopkg_wait=10 # seconds, for DATA and PERSIST to appear
wmopkg_sysrq=/proc/sysrq-trigger
wmopkg_read=10 # seconds, to read why the device does not start

wmopkg_say()
{
	echo "wmopkg: $*" >&2
	# priority 3: error. The console has it already; the kernel log keeps it.
	(echo "<3>wmopkg: $*" >/dev/kmsg) 2>/dev/null || :
}

# wmopkg_disks FOLDER: the folders of the disks in sysfs that a block device lies on: of a
# partition its disk, of a device of dm or md those of its members
wmopkg_disks()
{
	if [ -e "$1/partition" ]; then
		wmopkg_disks "${1%/*}"
		return
	fi
	[ -z "$1" ] || echo "$1"
	for slave in "$1"/slaves/*; do
		[ ! -e "$slave" ] || wmopkg_disks "$(readlink -f "$slave")"
	done
}

# wmopkg_disks_of DEVICE: the same of a device node
wmopkg_disks_of()
{
	folder=$(readlink -f "$1")
	wmopkg_disks "$(readlink -f "/sys/class/block/${folder##*/}")"
}

# wmopkg_disks_at FOLDER: the same of what is mounted there
wmopkg_disks_at()
{
	number="" source=""
	while read -r _ _ found _ target rest; do
		[ "$target" = "$1" ] || continue
		number=$found source=${rest#* - }
		source=${source#* }
	done </proc/self/mountinfo
	case $number in
	"") ;;
	0:*) case $source in /dev/*) wmopkg_disks_of "${source%% *}" ;; esac ;;
	*) wmopkg_disks "$(readlink -f "/sys/dev/block/$number")" ;;
	esac
}

# wmopkg_plugged DEVICE: whether it is removable: on USB, an SD card, or a disk that says so
wmopkg_plugged()
{
	for disk in $(wmopkg_disks_of "$1"); do
		case $disk in
		*/usb*) return 0 ;;
		esac
		type=""
		[ ! -r "$disk/device/type" ] || read -r type <"$disk/device/type" || :
		[ "$type" != SD ] || return 0
		while [ -n "$disk" ]; do
			removable=""
			[ ! -r "$disk/removable" ] || read -r removable <"$disk/removable" || :
			case $removable in
			1 | removable) return 0 ;;
			esac
			disk=${disk%/*}
		done
	done
	return 1
}

# wmopkg_on_root DEVICE: whether it is on a disk that the root is on
wmopkg_on_root()
{
	for disk in $(wmopkg_disks_of "$1"); do
		case " $wmopkg_root_disks " in
		*" $disk "*) return 0 ;;
		esac
	done
	return 1
}

# wmopkg_partitions KEY VALUE: the partitions whose uevent has KEY=VALUE
wmopkg_partitions()
{
	for uevent in /sys/class/block/*/uevent; do
		node="" match=""
		while read -r line; do
			case $line in
			DEVNAME=*) node=${line#*=} ;;
			"$1=$2") match=yes ;;
			esac
		done 2>/dev/null <"$uevent"
		[ -z "$match" ] || echo "/dev/$node"
	done
}

# wmopkg_matches SPEC: all devices with that name. The kernel itself knows the names of
# partitions, and newer ones their UUIDs.
wmopkg_matches()
{
	case $1 in
	PARTLABEL=*) found=$(wmopkg_partitions PARTNAME "${1#*=}") ;;
	PARTUUID=*) found=$(wmopkg_partitions PARTUUID "${1#*=}") ;;
	*) found="" ;;
	esac
	# BusyBox's blkid has no options, and prints nothing for what is no device
	[ -n "$found" ] || found=$(blkid -c /dev/null -t "$1" -o device 2>/dev/null)
	echo "$found"
}

# wmopkg_device SPEC: the device that LABEL=, UUID=, PARTLABEL=, PARTUUID= or a path means; fails
# where there is none. For the root: one that is built in comes before a removable one.
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

# wmopkg_volume SPEC: the device that is DATA or PERSIST, by the same rules as in wmopkg-activate:
# the only one of that name on a disk of the root; else the only one that is built in; else, by
# an identifier, the only one that is removable
wmopkg_volume()
{
	case $1 in
	LABEL=* | UUID=* | PARTLABEL=* | PARTUUID=*) ;;
	*)
		[ -b "$1" ] && echo "$1"
		return
		;;
	esac
	on_root="" built_in="" plugged=""
	for device in $(wmopkg_matches "$1"); do
		if wmopkg_on_root "$device"; then
			on_root="$on_root $device"
		elif ! wmopkg_plugged "$device"; then
			built_in="$built_in $device"
		else
			case $1 in
			UUID=* | PARTUUID=*) plugged="$plugged $device" ;;
			esac
		fi
	done
	# shellcheck disable=SC2086
	set -- ${on_root:-${built_in:-$plugged}}
	[ $# -eq 1 ] && echo "$1"
}

# wmopkg_first SPEC: the first file system with that name, by BusyBox's findfs, where there is no
# complete blkid
wmopkg_first()
{
	case $1 in
	LABEL=* | UUID=*) findfs "$1" 2>/dev/null ;;
	*) return 1 ;;
	esac
}

# wmopkg_configured KEY: the value of a configuration key, without quotes; nothing where it is
# not set
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

wmopkg_uptime()
{
	read -r seconds _ </proc/uptime
	echo "${seconds%.*}"
}

wmopkg_nap()
{
	usleep 50000 2>/dev/null || sleep 0.05 2>/dev/null || sleep 1
}

# wmopkg_within SECONDS NAME COMMAND...: run it, and go on after so many seconds whether it is
# done or not. A process that waits for storage which never answers cannot be ended, and the
# device that it holds cannot be mounted.
wmopkg_within()
{
	limit=$1 name=$2 until=$(($(wmopkg_uptime) + $1))
	shift 2
	if ! (echo begun >"$wmopkg_waits.$name") 2>/dev/null; then
		"$@"
		return
	fi
	{
		"$@"
		echo ended >"$wmopkg_waits.$name"
	} &
	while read -r state <"$wmopkg_waits.$name" && [ "$state" != ended ]; do
		if [ "$(wmopkg_uptime)" -ge "$until" ]; then
			wmopkg_say "$name: not done after $limit s: storage may be failing"
			return
		fi
		wmopkg_nap
	done
}

# wmopkg_wait_for END KEY: wait until the volume is there, or until END. The device of the root
# may be there first, but without PERSIST it is not known what was denied or quarantined.
wmopkg_wait_for()
{
	spec=$(wmopkg_configured "$2")
	spec=${spec:-PARTLABEL=wmopkg-$2}
	case $spec in
	*=* | /dev/*) ;;
	*) return ;;
	esac
	# what the root is on may be unknown: then wmopkg-activate knows more
	until wmopkg_volume "$spec" >/dev/null || wmopkg_first "$spec" >/dev/null ||
		{ [ -z "$wmopkg_root_disks" ] && wmopkg_device "$spec" >/dev/null; }; do
		if [ "$(wmopkg_uptime)" -ge "$1" ]; then
			wmopkg_say "$2: $spec: no such device after $wmopkg_wait s"
			return
		fi
		wmopkg_nap
	done
}

# One by one, so that the one that fails can be named. A kernel without modules has nothing to
# load; wmopkg-activate reports what it lacks.
wmopkg_load_modules()
{
	[ -e "/lib/modules/$(uname -r)/modules.dep" ] || return 0
	for module in loop dm-mod dm-verity squashfs overlay ext4; do
		modprobe -q "$module" || wmopkg_say "module $module: cannot be loaded"
	done
	# for the state of Secure Boot; built into some kernels, and useless without UEFI
	[ ! -d /sys/firmware/efi ] || modprobe -q efivarfs || :
}

wmopkg_wait_for_all()
{
	end=$(($(wmopkg_uptime) + wmopkg_wait))
	wmopkg_wait_for "$end" data
	wmopkg_wait_for "$end" persist
}

# wmopkg_debug: whether wmopkg.debug is on the kernel command line
wmopkg_debug()
{
	read -r words <"${wmopkg_cmdline:-/proc/cmdline}"
	case " $words " in
	*" wmopkg.debug "* | *" wmopkg.debug=1 "*) return 0 ;;
	esac
	return 1
}

# wmopkg_requires: whether the configuration has require_persist = yes or require_packages. Each
# line with one of the names counts, however it is written, but for the two that set nothing.
wmopkg_requires()
{
	[ -r "${wmopkg_configuration:-/etc/wmopkg/wmopkg.conf}" ] || return 1
	while read -r line || [ -n "$line" ]; do
		line=${line%%#*}
		case $line in
		//*) continue ;;
		*require_persist* | *require_packages*) ;;
		*) continue ;;
		esac
		plain=""
		set -f
		for word in $line; do
			plain=$plain$word
		done
		set +f
		case $plain in
		require_persist=no | 'require_persist="no"' | "require_packages={}") ;;
		*) return 0 ;;
		esac
	done <"${wmopkg_configuration:-/etc/wmopkg/wmopkg.conf}"
	return 1
}

# wmopkg_shell TEXT: a shell on the console, as the initramfs gives one to a boot that failed:
# panic of initramfs-tools, emergency_shell of dracut, or a plain one
wmopkg_shell()
{
	if command -v emergency_shell >/dev/null; then
		emergency_shell -n wmopkg "$1"
	elif command -v panic >/dev/null; then
		panic "$1"
	else
		sh -i </dev/console >/dev/console 2>&1
	fi
}

# wmopkg_end COMMAND LETTER: reboot or power off, by the kernel where there is no such command
wmopkg_end()
{
	sync
	"$1" -f 2>/dev/null
	echo "$2" >"$wmopkg_sysrq"
}

# wmopkg_refuse: end this boot in the way that require_else of the configuration says, and never
# return. A value that cannot be read is the default. Also a shell that is left ends so.
wmopkg_refuse()
{
	else=$(wmopkg_configured require_else)
	wmopkg_say "a requirement of the configuration is not met: the device does not start" \
		"(require_else = ${else:-reboot})"
	case $else in
	halt) ;;
	poweroff) wmopkg_end poweroff o ;;
	shell)
		wmopkg_shell "wmopkg: a requirement is not met: see dmesg"
		wmopkg_end reboot b
		;;
	*)
		sleep "$wmopkg_read"
		wmopkg_end reboot b
		;;
	esac
	while :; do
		sleep 3600
	done
}

# wmopkg_activate ROOT: ROOT is where the firmware's root is mounted
wmopkg_activate()
{
	wmopkg_load_modules
	# shellcheck disable=SC2116
	wmopkg_root_disks=$(echo $(wmopkg_disks_at "$1"))
	wmopkg_within $((2 * wmopkg_wait)) devices wmopkg_wait_for_all
	debug=""
	! wmopkg_debug || debug=--debug
	wmopkg-activate ${debug:+"$debug"} --root "$1"
	status=$?
	[ "$status" -ne 0 ] || return 0
	wmopkg_say "wmopkg-activate ended with status $status: no package is active"
	# Whatever ended it, even if it is missing: what is required is not known to be there.
	if [ "$status" -eq 3 ] || wmopkg_requires; then
		wmopkg_refuse
	fi
	return 0
}
