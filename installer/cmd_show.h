/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/device.h"
#include "installer/installed.h"

/**
 * show_json - print packages as docs/show.md has it
 */
int show_json(struct device *device, const struct installed_list *list,
	      const struct overlay_trust *trust, struct verity_error *err) must_check;
