/* SPDX-License-Identifier: MIT */
#pragma once

/* What walking through libmount's table of mounts takes beyond libmount. */

#include "verity/cleanup.h"

#include <libmount.h>
#include <stdbool.h>
#include <string.h>

DEFINE_CLEANUP(struct libmnt_table, mnt_unref_table);
DEFINE_CLEANUP(struct libmnt_iter, mnt_free_iter);

/**
 * overlay_mnt_below - whether @path, which may be NULL, lies below @folder
 */
static inline bool overlay_mnt_below(const char *path, const char *folder)
{
	size_t size = strlen(folder);

	return path && strncmp(path, folder, size) == 0 && path[size] == '/';
}
