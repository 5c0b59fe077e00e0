/* SPDX-License-Identifier: MIT */
#pragma once

/* A removal without its question. */

#include "installer/common/report.h"
#include "installer/device/device.h"
#include "overlay/store/store.h"

/**
 * remove_find - the installed packages that are to be removed
 * @names: installed names, or names of package files; one may be there twice
 * @name_count: 0: all packages
 * @ret: allocated, for the caller to free, also where it has none; untouched on failure
 *
 * Return: 0; -ENOENT (NOT_FOUND) with the names that there are; -EPERM (REQUIRED) where
 * the device does not start without one of them; what overlay_store_list() returns.
 */
int remove_find(struct device *device, const char *const *names, size_t name_count,
		struct overlay_entry **ret, size_t *ret_count,
		struct verity_error *err) must_check;

/**
 * remove_entries - remove them, and log it; reports those that cannot be removed, and
 * goes on with the rest
 */
enum exit_status remove_entries(struct device *device,
				const struct overlay_entry *entries,
				size_t count) must_check;

/**
 * remove_check - a warning for each package that stays, and is not active without these
 *
 * Return: 0; -EPERM (REQUIRED) where the device does not start without one of them.
 */
int remove_check(struct device *device, const struct overlay_entry *entries, size_t count,
		 struct verity_error *err) must_check;
