/* SPDX-License-Identifier: MIT */
#pragma once

/* The question before a factory reset is requested, by a file or by the boot key. */

#include "installer/device/device.h"
#include "overlay/store/store.h"

#define RESET_LINE_BYTES 2048

/**
 * reset_format_packages - what a reset deletes (OVERLAY_ORDINARY) or keeps
 * (OVERLAY_PERSISTENT): "Deleted: ..., and 2 packages: alpha, beta"
 */
void reset_format_packages(const struct overlay_entry *entries, size_t all,
			   enum overlay_store_kind kind,
			   char line[static RESET_LINE_BYTES]);

/**
 * reset_question - say what a reset deletes and keeps, and ask
 * @command: for messages
 * @yes:     do not ask
 * @purge:   whether a purge is wanted; set, with a warning, where one is requested
 *           already: the stronger request stays until it is cancelled
 *
 * Return: 1 for yes; 0 for no; -errno, as of confirm().
 */
int reset_question(struct device *device, const char *command, bool yes, bool *purge,
		   struct verity_error *err) must_check;
