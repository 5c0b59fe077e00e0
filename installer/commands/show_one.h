/* SPDX-License-Identifier: MIT */
#pragma once

/* One package in words. */

#include "installer/common/layout.h"
#include "installer/device/installed.h"

/**
 * show_persistent - "True" or "False"
 */
const char *show_persistent(const struct installed *item);

#define SHOW_NOTE_BYTES (2 * VERITY_MESSAGE_MAX)

/**
 * show_format_note - what show_note() prints, without the name
 *
 * Return: false where there is nothing to say, and @ret is not set.
 */
bool show_format_note(struct device *device, const struct installed *item,
		      char ret[static SHOW_NOTE_BYTES]) must_check;

/**
 * show_note - a line below the table, for a package whose state differs from what the
 * table suggests; nothing for others
 */
void show_note(struct device *device, const struct layout *layout,
	       const struct installed *item);

/**
 * show_one - print the facts of a package
 * @item:   one that was opened
 * @detail: keys and hashes, too
 */
int show_one(struct device *device, const struct installed *item, bool detail,
	     struct verity_error *err) must_check;
