/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The closure of a program: its loader and all libraries that it needs, as the loaders of
 * glibc, musl and uClibc look for them in a tree that is not the running one. It has
 * more than one loader would take, never less: each place is in it that a loader tries,
 * also those where nothing is, and where another file would be found first.
 */

#include "overlay/fs/protect.h"
#include "overlay/libraries/paths.h"

#define OVERLAY_CLOSURE_CACHE   "etc/ld.so.cache"
#define OVERLAY_CLOSURE_PRELOAD "etc/ld.so.preload"

#define OVERLAY_CLOSURE_OBJECTS_MAX 512 /* programs and libraries that are read */

/* Where the tree is looked at: for each path a folder, and the path from there. */
struct overlay_closure_tree {
	int (*at)(const void *context, const char *path, const char **ret_rest);
	const void *context; /* borrowed */
};

/* A tree that is all below one folder; @context: an int, its descriptor. */
int overlay_closure_at_root(const void *context, const char *path, const char **ret_rest);

/* Begun as { 0 }; overlay_closure_free(). */
struct overlay_closure {
	/* What is tried, from the root, without a leading slash; links may be on the way.
	 */
	struct overlay_paths tried;
	/* The files and links that are there; no link is on the way. */
	struct overlay_paths there;
	void *places; /* owned: what was found at each path: the tree is not to change */
};

/**
 * overlay_closure_add - add what a program needs
 * @program: path; nothing is added where it is not there, or is no program
 * @itself:  the program is one of what is there, too
 *
 * A file or cache that is malformed, and what is beyond a limit, is left out: the program
 * does not run with it either.
 *
 * Return: 0; -ENOMEM; -errno for I/O.
 */
int overlay_closure_add(struct overlay_closure *closure,
			const struct overlay_closure_tree *tree, const char *program,
			bool itself, struct verity_error *err) must_check;

/**
 * overlay_closure_add_protected - the same for all programs that are protected
 * @own: what the configuration adds to them; may be NULL
 */
int overlay_closure_add_protected(struct overlay_closure *closure,
				  const struct overlay_closure_tree *tree,
				  const struct overlay_protect *own,
				  struct verity_error *err) must_check;

void overlay_closure_free(struct overlay_closure *closure);
