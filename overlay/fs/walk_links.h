/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The way to a protected path (overlay/fs/protect.h) in the firmware, name by name,
 * through the links that lie on it.
 */

#include <limits.h>

#include "verity/util/error.h"

/* Where the firmware is looked at, and something beside it. */
struct engine {
	int root;      /* borrowed: the firmware's */
	int folder;    /* borrowed: the visitor's */
	void *context; /* likewise */
};

/* A way down from the root: what was walked, and what is still to be. */
struct engine_way {
	char walked[PATH_MAX]; /* no links in it; "" is the root */
	char ahead[PATH_MAX];
	unsigned links;
};

/**
 * engine_walk - visit every name on the way to @path, the first one first
 * @visit: @way->walked is the name's path; @last: it is the protected thing itself. To go
 *         on through a link it calls engine_follow()
 *
 * Return: 0; what @visit returned, where that is negative; -errno.
 */
int engine_walk(const struct engine *engine, const char *path,
		int (*visit)(const struct engine *engine, struct engine_way *way,
			     bool last)) must_check;

/**
 * engine_follow - go on where the link at @way->walked points
 */
int engine_follow(const struct engine *engine, struct engine_way *way) must_check;
