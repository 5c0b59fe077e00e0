/* SPDX-License-Identifier: MIT */
#pragma once

/* `show boot`. */

#include "installer/common/report.h"
#include "installer/device/device.h"

enum show_boot {
	SHOW_BOOT_TEXT,
	SHOW_BOOT_JSON,
	SHOW_BOOT_SVG,
};

/**
 * show_boot - print how long each step of the last boot took
 */
enum exit_status show_boot(struct device *device, enum show_boot format) must_check;
