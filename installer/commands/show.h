/* SPDX-License-Identifier: MIT */
#pragma once

/* The parts of `show`. */

#include "installer/common/layout.h"
#include "installer/common/report.h"
#include "installer/device/device.h"
#include "installer/device/installed.h"

/**
 * show_persistent - "True" or "False"
 */
const char *show_persistent(const struct installed *item);

/**
 * show_note - what has become of a package, where it is not as the table lets one think
 */
void show_note(struct device *device, const struct layout *layout,
	       const struct installed *item);

/**
 * show_one - every fact of a package that was opened
 */
int show_one(struct device *device, const struct installed *item,
	     struct verity_error *err) must_check;

/**
 * show_json - print packages as docs/json.md has it
 * @details: each with all that is known of it
 */
int show_json(struct device *device, const struct installed_list *list, bool details,
	      const struct overlay_trust *trust, struct verity_error *err) must_check;

enum show_boot {
	SHOW_BOOT_TEXT,
	SHOW_BOOT_JSON,
	SHOW_BOOT_SVG,
};

/**
 * show_boot - what this boot took how long
 */
enum exit_status show_boot(struct device *device, enum show_boot as) must_check;
