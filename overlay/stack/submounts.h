/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * File systems mounted below a folder that a stack will cover, for example on /var: the
 * stack would hide them. They are cloned before, and the clones mounted on it after.
 */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

struct overlay_submounts;

/**
 * overlay_submounts_take - clone all mounts below @root
 * @ret: set on success only; free with overlay_submounts_free()
 *
 * The mounts themselves stay. Needs Linux 5.2, where there are any.
 */
int overlay_submounts_take(const char *root, struct overlay_submounts **ret,
			   struct verity_error *err) must_check;

/**
 * overlay_submounts_at - where clone number @index belongs: a path below the root, with
 * its leading slash; NULL after the last
 * @ret_folder: what is mounted there is a folder, not a file
 */
const char *overlay_submounts_at(const struct overlay_submounts *submounts, size_t index,
				 bool *ret_folder);

/**
 * overlay_submounts_put - mount the clones where the originals are, on what covers them
 *
 * Return: 0; -errno, and then some may be mounted: unmount what they were put on.
 */
int overlay_submounts_put(struct overlay_submounts *submounts,
			  struct verity_error *err) must_check;

/**
 * overlay_submounts_free - free the clones; those that were mounted stay
 */
void overlay_submounts_free(struct overlay_submounts *submounts);
DEFINE_CLEANUP(struct overlay_submounts, overlay_submounts_free);
