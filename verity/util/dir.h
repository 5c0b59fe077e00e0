/* SPDX-License-Identifier: MIT */
#pragma once

/* Reading folders. */

#include "verity/util/error.h"

#include <dirent.h>

static inline void cleanup_dir_p(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define cleanup_dir __attribute__((cleanup(cleanup_dir_p)))

/**
 * verity_dir_open - begin to read a folder
 * @dirfd: folder that @name is relative to; borrowed
 * @name:  "." for @dirfd itself, which is read from its start; a link is not followed
 * @ret:   set on success only; closedir(), or cleanup_dir
 *
 * Return: 0; -errno.
 */
int verity_dir_open(int dirfd, const char *name, DIR **ret) must_check;

/**
 * verity_dir_next - the next entry, without "." and ".."
 * @ret: borrowed until the next call
 *
 * Return: 1 with @ret; 0 after the last; -errno.
 */
int verity_dir_next(DIR *dir, const struct dirent **ret) must_check;
