/* SPDX-License-Identifier: MIT */
#pragma once

/* What the next boot will do with packages, as far as it is known now. */

#include "installer/device/device.h"
#include "overlay/store/boot_rules.h"

/* Plain data; a copy has to point .rules.bootconf to its own .bootconf. */
struct next_boot {
	struct overlay_bootconf bootconf;
	struct overlay_boot_rules rules;
};

/**
 * next_boot_read - the boot configuration as the next boot has it, and whether a factory
 * reset is requested
 *
 * The kernel command line is that of this boot: what the bootloader adds to the next one
 * is not known. What cannot be read sets nothing, at boot as here.
 */
void next_boot_read(struct device *device, struct next_boot *ret);

/**
 * next_boot_warn - warn if the boot configuration leaves an installed package out of the
 * next boot, whatever its verdict is
 */
void next_boot_warn(struct device *device, const struct overlay_entry *entry);
