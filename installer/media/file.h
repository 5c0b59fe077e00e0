/* SPDX-License-Identifier: MIT */
#pragma once

/* Files on a medium: whoever made it must not lead anybody out of it. */

#include "verity/util/error.h"

/**
 * media_file_open - open a file for reading
 * @root_fd: the medium's root folder; borrowed
 * @path:    from there; slashes at its start and doubled ones change nothing
 * @ret:     set on success alone; a regular file; the caller's to close
 *
 * Return: 0; -EINVAL (USAGE) where the path is empty or holds ".."; -EXDEV (NOT_A_FILE)
 * where a link or a mount is in its way; -EINVAL (NOT_A_FILE); -ENOENT (NOT_FOUND), both
 * with the packages that are there; -errno.
 */
int media_file_open(int root_fd, const char *path, int *ret,
		    struct verity_error *err) must_check;
