/* SPDX-License-Identifier: MIT */
#pragma once

/* What walking through libmount's table of mounts takes beyond libmount. */

#include "verity/util/cleanup.h"

#include <libmount.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

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

/**
 * overlay_mnt_is_of - whether a block device is mounted there; where the file system has
 * a number of its own, as btrfs, by the name that it was mounted by
 */
static inline bool overlay_mnt_is_of(struct libmnt_fs *fs, dev_t device)
{
	const char *source = mnt_fs_get_srcpath(fs);
	struct stat st;

	return mnt_fs_get_devno(fs) == device ||
	       (source && source[0] == '/' && stat(source, &st) == 0 &&
		S_ISBLK(st.st_mode) && st.st_rdev == device);
}
