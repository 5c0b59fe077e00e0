#!/bin/bash
# SPDX-License-Identifier: MIT
#
# dracut module: put into the initramfs what activates packages on every boot.
#
# The initramfs carries its own copy of the configuration and of the key ring: nothing that
# a package could ever lie over has a say in what is trusted.
#
# WMOPKG_STAGE, where set, is a folder that holds the device's files (an image builder's
# root folder); programs, configuration and keys are taken from there.

stage=${WMOPKG_STAGE:-}

find_activate()
{
	local folder

	for folder in /usr/sbin /usr/local/sbin; do
		[ -x "$stage$folder/wmopkg-activate" ] && echo "$stage$folder/wmopkg-activate" &&
			return 0
	done
	return 1
}

# called by dracut: who installed it wants it in
check()
{
	find_activate >/dev/null || {
		derror "wmopkg: no wmopkg-activate in $stage/usr/sbin or $stage/usr/local/sbin"
		return 1
	}
}

# called by dracut
depends()
{
	echo base
}

# called by dracut; dm-verity asks the kernel's crypto API for sha256 by name, so no module
# is known to need it
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
	# what wmopkg.sh calls; the base module has most of it already
	inst_multiple blkid modprobe readlink uname
	# DATA and PERSIST are checked before they are mounted, and a factory reset makes
	# the file system of DATA anew where nothing else helps
	inst_multiple -o /sbin/e2fsck /sbin/mke2fs
	if [ -f "$stage/etc/wmopkg/wmopkg.conf" ]; then
		inst_simple "$stage/etc/wmopkg/wmopkg.conf" /etc/wmopkg/wmopkg.conf
	fi
	for certificate in "$stage"/etc/wmopkg/keys/*.pem "$stage"/etc/wmopkg/keys/*.crt; do
		[ -f "$certificate" ] || continue
		inst_simple "$certificate" "/etc/wmopkg/keys/${certificate##*/}"
		certificates=$((certificates + 1))
	done
	[ "$certificates" -gt 0 ] ||
		dwarn "wmopkg: no certificate in $stage/etc/wmopkg/keys: no package will be trusted"
	# a U-Boot environment that says where the boot configuration is
	if [ -f "$stage/etc/fw_env.config" ]; then
		inst_simple "$stage/etc/fw_env.config" /etc/fw_env.config
	fi
	inst_simple "$moddir/wmopkg.sh" /usr/lib/wmopkg/wmopkg.sh
	# after the root is mounted and checked, before anything is run from it
	inst_hook pre-pivot 10 "$moddir/activate.sh"
}
