#!/bin/bash
# SPDX-License-Identifier: MIT
#
# dracut module: copies what activates packages on every boot into the initramfs.
#
# The initramfs has its own copy of the configuration and of the key ring: no file that a
# package can cover decides what is trusted.
#
# WMOPKG_STAGE, if set, is a folder with the device's files (an image builder's root folder);
# programs, configuration and keys are taken from there.

stage=${WMOPKG_STAGE:-}

find_activate()
{
	local folder

	# the first one is where this build installs it; as it is in the source, there is no such
	# folder
	for folder in "@SBINDIR@" /usr/sbin /usr/local/sbin; do
		[ -x "$stage$folder/wmopkg-activate" ] && echo "$stage$folder/wmopkg-activate" &&
			return 0
	done
	return 1
}

# called by dracut: the module is included wherever it is installed
check()
{
	find_activate >/dev/null || {
		derror "wmopkg: no wmopkg-activate below ${stage:-/} in @SBINDIR@, /usr/sbin or /usr/local/sbin"
		return 1
	}
}

# called by dracut
depends()
{
	echo base
}

# called by dracut; dm-verity asks the kernel's crypto API for sha256 by name, so no module
# depends on it
installkernel()
{
	hostonly='' instmods loop dm-mod dm-verity squashfs overlay ext4 efivarfs \
		sha256 sha256_generic sha256-ssse3 sha256-ce sha256-arm
}

# called by dracut
install()
{
	local certificate certificates=0

	inst "$(find_activate)" /usr/sbin/wmopkg-activate
	# what wmopkg.sh calls; the base module has most of them already
	inst_multiple blkid modprobe readlink sleep sync uname
	# to check DATA and PERSIST before they are mounted, and for a factory reset that
	# has to make a new file system on DATA
	inst_multiple -o /sbin/e2fsck /sbin/mke2fs
	if [ -f "$stage/etc/wmopkg/wmopkg.conf" ]; then
		inst_simple "$stage/etc/wmopkg/wmopkg.conf" /etc/wmopkg/wmopkg.conf
	fi
	# the endings that wmopkg-activate reads, in upper and lower case
	for certificate in "$stage"/etc/wmopkg/keys/*.[pP][eE][mM] "$stage"/etc/wmopkg/keys/*.[cC][rR][tT] \
		"$stage"/etc/wmopkg/keys/*.[cC][eE][rR] "$stage"/etc/wmopkg/keys/*.[dD][eE][rR]; do
		[ -f "$certificate" ] || continue
		inst_simple "$certificate" "/etc/wmopkg/keys/${certificate##*/}"
		certificates=$((certificates + 1))
	done
	[ "$certificates" -gt 0 ] ||
		dwarn "wmopkg: no certificate in $stage/etc/wmopkg/keys: no package will be trusted"
	# where the U-Boot environment with the boot configuration is
	if [ -f "$stage/etc/fw_env.config" ]; then
		inst_simple "$stage/etc/fw_env.config" /etc/fw_env.config
	fi
	inst_simple "$moddir/wmopkg.sh" /usr/lib/wmopkg/wmopkg.sh
	# after the root is mounted and checked, before a program of it runs
	inst_hook pre-pivot 10 "$moddir/activate.sh"
}
