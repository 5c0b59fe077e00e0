/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Copying files of one tree to the same place in another, as the engine layer needs it:
 * content, mode, owner, times. Paths are relative and free of links. All return 0 or
 * -errno.
 */

#include "verity/error.h"

#include <sys/stat.h>

/**
 * overlay_copy_one - copy a file or link, or make a folder (without what is in it)
 * @st: what lstat() says of it
 *
 * What is there already stays. Anything but files, folders and links is passed over.
 */
int overlay_copy_one(int from_fd, int to_fd, const char *path,
		     const struct stat *st) must_check;

/**
 * overlay_copy_tree - the same, with all that is below
 */
int overlay_copy_tree(int from_fd, int to_fd, const char *path) must_check;

/**
 * overlay_copy_look - mode, owner and times alone
 */
int overlay_copy_look(int from_fd, int to_fd, const char *path) must_check;

/**
 * overlay_copy_opaque - mark a folder so that nothing of lower layers shows in it
 */
int overlay_copy_opaque(int to_fd, const char *path) must_check;
