/* SPDX-License-Identifier: MIT */
#pragma once

/* The line of /proc/self/mountinfo for a folder. */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

/* All strings as the kernel escapes them; owned by the struct. */
struct overlay_mountinfo {
	char *line;
	const char *type;
	const char *source;
	const char *options; /* those of the file system */
};

/**
 * overlay_mountinfo_get - the mount that @path lies in
 * @ret: set on success only; free with overlay_mountinfo_free()
 *
 * A file system whose options pass what libmount or a fixed buffer takes is read
 * completely.
 */
int overlay_mountinfo_get(const char *path, struct overlay_mountinfo **ret,
			  struct verity_error *err) must_check;

void overlay_mountinfo_free(struct overlay_mountinfo *info);
DEFINE_CLEANUP(struct overlay_mountinfo, overlay_mountinfo_free);

/**
 * overlay_mountinfo_split - take a line apart
 * @line: changed
 *
 * Return: 0; -EINVAL where it is not such a line.
 */
int overlay_mountinfo_split(char *line, struct overlay_mountinfo *ret) must_check;
