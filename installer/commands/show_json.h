/* SPDX-License-Identifier: MIT */
#pragma once

/* Packages as JSON. */

#include "installer/device/installed.h"

/**
 * show_json - print packages as docs/json.md describes
 * @details: each with all details
 */
int show_json(struct device *device, const struct installed_list *list, bool details,
	      const struct overlay_trust *trust, struct verity_error *err) must_check;
