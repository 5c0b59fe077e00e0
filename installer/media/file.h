/* SPDX-License-Identifier: MIT */
#pragma once

/* Files on a medium, whose content may be hostile. */

#include <limits.h>

#include "verity/util/error.h"

/**
 * media_file_open - open a file for reading
 * @root_fd: the root folder of the medium; borrowed
 * @path:    from there; slashes at its start and repeated ones are ignored
 * @ret:      set on success only; a regular file; to be closed
 * @ret_path: @path with the file's name as its folder lists it: vfat and exfat find a
 * name in upper and lower case, and by its short form
 *
 * Return: 0; -EINVAL (USAGE) if the path is empty or contains ".."; -EXDEV (NOT_A_FILE)
 * if it leads through a link or a mount; -EINVAL (NOT_A_FILE); -ENOENT (NOT_FOUND), both
 * with the packages that are there; -errno.
 */
int media_file_open(int root_fd, const char *path, int *ret,
		    char ret_path[static PATH_MAX], struct verity_error *err) must_check;

/**
 * media_folder_open - open a folder, by the same rules
 * @path: "" for the root
 *
 * Return: a descriptor; -errno.
 */
int media_folder_open(int root_fd, const char *path) must_check;
