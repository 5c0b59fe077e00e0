# SPDX-License-Identifier: MIT
# The script of the board's U-Boot, which looks for boot.scr on the first partition: it starts the
# kernel. Linux cannot read the environment of this U-Boot, so the script passes the boot configuration
# that is in there on the kernel command line; see docs/integration.md.

setenv bootargs "console=ttyAMA0 root=PARTLABEL=firmware rootfstype=squashfs ro quiet loglevel=3 panic=-1 cryptomgr.notests"
if env exists wmopkg.safe; then setenv bootargs "${bootargs} wmopkg.safe=${wmopkg.safe}"; fi
if env exists wmopkg.factory_reset; then setenv bootargs "${bootargs} wmopkg.factory_reset=${wmopkg.factory_reset}"; fi
if env exists wmopkg.disable; then setenv bootargs "${bootargs} wmopkg.disable=${wmopkg.disable}"; fi
if env exists wmopkg.media; then setenv bootargs "${bootargs} wmopkg.media=\"${wmopkg.media}\""; fi
load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} vmlinuz
load ${devtype} ${devnum}:${distro_bootpart} ${ramdisk_addr_r} initrd.img
if test "${cpu}" = armv8; then
	booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}
else
	bootz ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}
fi
