/* SPDX-License-Identifier: MIT */
#pragma once

/* A factory reset that was requested, or is not finished. */

#include "installer/device/device.h"

enum reset_pending {
	RESET_NONE,
	RESET_BOOT_CONFIG, /* the boot configuration requests it */
	RESET_REQUESTED,
	RESET_BEGUN, /* and not finished */
	RESET_PURGE_REQUESTED,
	RESET_PURGE_BEGUN,
};

/**
 * reset_pending_read - what the next reboot resets
 */
enum reset_pending reset_pending_read(struct device *device);

/**
 * reset_pending_warn - warn on stderr where there is one
 *
 * It deletes what is installed now, and whoever installs may not have requested it.
 */
void reset_pending_warn(struct device *device);
