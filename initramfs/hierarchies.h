/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The overlays that the stack is made of: one over the root, or one over each of the
 * configured hierarchies. What an overlay is made of is seen in a folder, its view, under
 * the names of overlay/stack/stack_plan.h: LAYERS itself for the root; for a hierarchy
 * LAYERS/h1, h2, … with links to the folders of that path within the layers.
 */

#include "initramfs/attach.h"
#include "initramfs/boot_context.h"
#include "overlay/stack/stack_plan.h"

struct view {
	char folder[PATH_MAX];
	char target[PATH_MAX]; /* what is covered */
	const char *hierarchy; /* borrowed: "/usr"; "" is the whole root */
	struct overlay_stack_parts parts;
	bool mounted;
};

struct views {
	const struct boot *boot; /* borrowed */
	struct view *items;      /* owned */
	size_t count;
};

/**
 * views_make - mount what is to be stacked beside the packages, and make the views
 * @packages, @attached: what is mounted in LAYERS already
 * @ret: begun as { 0 }; views_free(), whatever is returned
 *
 * No stack is mounted yet. What a package or the firmware has in the place of a hierarchy
 * is told in the kernel log where it is of no use.
 */
int views_make(const struct packages *packages, const struct attached *attached,
	       const struct boot *boot, struct views *ret,
	       struct verity_error *err) must_check;

/**
 * views_mount - mount all overlays, with their changes going to @upper
 *
 * Return: 0; -errno, and then none is mounted, and the root is as it was.
 */
int views_mount(struct views *views, enum overlay_upper upper,
		struct verity_error *err) must_check;

/**
 * views_free - forget them; what is mounted stays
 */
void views_free(struct views *views);
