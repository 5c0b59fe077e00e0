/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is mounted below a folder that a stack will cover, say a /usr or /var of its own:
 * the stack would hide it. Taken before, put back on top after.
 */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

struct overlay_submounts;

/**
 * overlay_submounts_take - copies of all mounts below @root
 * @ret: set on success only; free with overlay_submounts_free()
 *
 * The mounts themselves stay. Needs Linux 5.2, where there are any.
 */
int overlay_submounts_take(const char *root, struct overlay_submounts **ret,
			   struct verity_error *err) must_check;

/**
 * overlay_submounts_put - mount the copies where they were, on what lies there now
 *
 * Return: 0; -errno, and then some may be mounted: unmount what they were put on.
 */
int overlay_submounts_put(struct overlay_submounts *submounts,
			  struct verity_error *err) must_check;

/**
 * overlay_submounts_free - forget the copies; those that were put stay
 */
void overlay_submounts_free(struct overlay_submounts *submounts);
DEFINE_CLEANUP(struct overlay_submounts, overlay_submounts_free);
