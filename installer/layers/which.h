/* SPDX-License-Identifier: MIT */
#pragma once

/* Which layers supply a path in a stack, link by link. */

#include <limits.h>

#include "installer/layers/stacks.h"

#define WHICH_LINKS_MAX 40 /* followed for one path, as the kernel has it */

/* Layers of a stack, by number, the one on top first; the firmware once. */
struct which_layers {
	size_t *layers; /* owned */
	size_t count;
};

/* A path without links in its folders, and what is seen there. */
struct which_step {
	char path[PATH_MAX]; /* without the slash in front; "" is the root */
	struct overlay_lookup_result view;
	struct overlay_lookup_result below; /* what its layer deletes or hides */
	struct which_layers merged;         /* of a folder */
	struct which_layers covers;         /* not visible because of it */
	char target[PATH_MAX];              /* of a link; "" otherwise */
};

struct which_answer {
	struct which_step *steps; /* owned: the path, then the target of each link */
	size_t count;             /* 1 at least */
};

/**
 * which_find - look at @path, and at what it leads to
 * @path: from the root; links in its folders are followed within the stack
 * @ret:  filled on success only; which_free()
 *
 * Return: 0, also where nothing is there; -ELOOP for too many links; -errno.
 */
int which_find(const struct stacks *stacks, const struct package_stack *stack,
	       const char *path, struct which_answer *ret,
	       struct verity_error *err) must_check;

void which_free(struct which_answer *answer);

/**
 * which_absolute - a path as it was typed, from the root
 * @ret: set on success only; free()
 */
int which_absolute(const char *path, char **ret, struct verity_error *err) must_check;

/**
 * which_mounted - where another file system is mounted over the root on the way to @path
 * @ret: "" where none is; set on success only
 *
 * No package supplies what is seen there. Only of the running system, which is what /
 * shows.
 */
int which_mounted(const struct stacks *stacks, const char *path,
		  char ret[static PATH_MAX], struct verity_error *err) must_check;
