/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The folders that every system has, and what they look like there (Filesystem Hierarchy
 * Standard; the base folders of Debian, Buildroot and Yocto agree on these). All belong
 * to root.
 */

#include <sys/types.h>

struct overlay_standard_folder {
	const char
		*path; /* name by name, as verity/util/glob.h; without a leading slash */
	mode_t mode;
};

/**
 * overlay_standard_folder_find - the row of a folder
 *
 * Return: a constant; NULL for any other path.
 */
const struct overlay_standard_folder *overlay_standard_folder_find(const char *path);
