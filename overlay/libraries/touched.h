/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which paths of the firmware the layers of a stack have something in the place of: what
 * has to be put back over them, and no more than that.
 */

#include "overlay/libraries/paths.h"

/* What lies above the firmware. */
struct overlay_touching {
	int fd; /* borrowed */
	/* Packages: their mounted images are the folders 1 to @count of @fd. */
	size_t count;
	/* NULL; or @fd is what was changed in this hierarchy ("/usr"; "": the root). */
	const char *upper;
	/*
	 * Told of each error of a package, which counts as having nothing there: the one
	 * that is damaged must not keep the others out. NULL: an error ends the search.
	 */
	void (*unreadable)(void *context, size_t layer, const struct verity_error *why);
	void *context; /* borrowed */
};

/**
 * overlay_touched_find - which of some paths is changed
 * @root_fd: the firmware's root, nothing stacked on it; borrowed
 * @ret:     added to
 *
 * A layer changes a path where it has anything there, or something else than a plain
 * folder on the way, or anything in place of a link on the way. A plain folder is merged.
 * A layer is asked once for each folder, not for each path in it.
 *
 * Return: 0; -ENOMEM; -errno for I/O.
 */
int overlay_touched_find(int root_fd, const struct overlay_touching *by,
			 const struct overlay_paths *paths, struct overlay_paths *ret,
			 struct verity_error *err) must_check;
