/* SPDX-License-Identifier: MIT */
#pragma once

/* A removal without its question. */

#include "installer/common/report.h"
#include "installer/device/device.h"
#include "overlay/store/store.h"

/**
 * remove_select - move the entries that somebody names to the front
 * @names:   installed names, or names of package files; one may be there twice
 * @entries: all @all packages of the store
 * @ret:     how many are named
 *
 * Return: 0; -ENOENT (NOT_FOUND) with the names that there are.
 */
int remove_select(const struct overlay_store *store, const char *const *names,
		  size_t name_count, struct overlay_entry *entries, size_t all,
		  size_t *ret, struct verity_error *err) must_check;

/**
 * remove_is_required - whether the device does not start without it
 *
 * The name in the manifest is what is required; of a package that no boot has read, the
 * name of its file says it.
 */
bool remove_is_required(struct device *device, const struct overlay_entry *entry);

/**
 * remove_check - whether the device starts without them
 *
 * Return: 0; -EPERM (REQUIRED).
 */
int remove_check(struct device *device, const struct overlay_entry *entries, size_t count,
		 struct verity_error *err) must_check;

/**
 * remove_entries - remove them, and log it; reports those that cannot be removed, and
 * goes on with the rest
 */
enum exit_status remove_entries(struct device *device, struct overlay_store *store,
				const struct overlay_entry *entries,
				size_t count) must_check;
