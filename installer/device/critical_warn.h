/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/device/changes.h"

/**
 * critical_warn - warn on stderr of what a package changes that the device does not come
 * up without
 * @name:     installed name it has, or will have
 * @verified: borrowed for the call; see verity_stream_verified()
 *
 * A few lines at most, whatever it holds. Only the firmware is looked at, not what else
 * is installed. An image that cannot be listed is a warning as well: that is no reason
 * not to install it, the boot will say.
 */
void critical_warn(struct device *device, const char *name,
		   const struct verity_verified *verified);

/* What is found of one package, to be said once. */
struct critical_lines;

/**
 * critical_find - what a package changes, and what of that is critical
 * @alone: compare with the firmware alone, not with what else is installed
 * @lines: collects; NULL for none
 */
int critical_find(struct device *device, const char *name,
		  const struct verity_verified *verified, bool alone,
		  struct critical_lines *lines, struct changes_count *ret,
		  struct verity_error *err) must_check;

/**
 * critical_lines_new - to collect in
 *
 * Return: NULL where memory is short, which the others take.
 */
struct critical_lines *critical_lines_new(void) must_check;
void critical_lines_free(struct critical_lines *lines);

/**
 * critical_lines_warn - print what was collected
 */
void critical_lines_warn(const struct critical_lines *lines, const char *name);
