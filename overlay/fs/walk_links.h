/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The way to a path, name by name, through the links that lie on it. Pure, but for
 * overlay_walk_follow_link(): the caller looks at each name and decides.
 */

#include "verity/util/error.h"

#include <limits.h>

struct overlay_walk {
	char path[PATH_MAX]; /* so far, free of links; "" is the root */
	char ahead[2 * PATH_MAX];
	unsigned links; /* followed so far */
	unsigned links_max;
};

/**
 * overlay_walk_begin - start at the root
 * @path:      absolute or not; "." and ".." in it are taken care of
 * @links_max: as many may be followed
 *
 * Return: 0; -ENAMETOOLONG.
 */
int overlay_walk_begin(struct overlay_walk *walk, const char *path,
		       unsigned links_max) must_check;

/**
 * overlay_walk_next - go on to the next name
 *
 * Return: 1, and @walk->path is the path of that name; 0 at the end; -ENAMETOOLONG.
 */
int overlay_walk_next(struct overlay_walk *walk) must_check;

/**
 * overlay_walk_is_last - whether nothing follows @walk->path
 */
bool overlay_walk_is_last(const struct overlay_walk *walk);

/**
 * overlay_walk_follow - @walk->path is a link to @target: go on from there
 *
 * Return: 0; -ELOOP; -ENAMETOOLONG.
 */
int overlay_walk_follow(struct overlay_walk *walk, const char *target) must_check;

/**
 * overlay_walk_follow_link - the same, with the target read from the link
 * @root_fd: the tree; borrowed
 */
int overlay_walk_follow_link(struct overlay_walk *walk, int root_fd) must_check;
