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
 * show_note - a line below the table, for a package whose state differs from what the
 * table suggests; nothing for others
 */
void show_note(struct device *device, const struct layout *layout,
	       const struct installed *item);

/**
 * show_one - print all details of a package
 * @item: one that was opened
 */
int show_one(struct device *device, const struct installed *item,
	     struct verity_error *err) must_check;

/**
 * show_json - print packages as docs/json.md describes
 * @details: each with all details
 */
int show_json(struct device *device, const struct installed_list *list, bool details,
	      const struct overlay_trust *trust, struct verity_error *err) must_check;

enum show_boot {
	SHOW_BOOT_TEXT,
	SHOW_BOOT_JSON,
	SHOW_BOOT_SVG,
};

/**
 * show_boot - print how long each step of the last boot took
 */
enum exit_status show_boot(struct device *device, enum show_boot format) must_check;
