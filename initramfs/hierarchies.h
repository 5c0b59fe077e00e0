/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The overlays that the stack is made of: one over the root, or one over each configured
 * hierarchy. The layers of an overlay are visible in one folder, under the names of
 * overlay/stack/stack_plan.h: LAYERS itself for the root; for a hierarchy LAYERS/h1, h2,
 * … with symbolic links to the folders of that path within the layers.
 */

#include "initramfs/attach.h"
#include "initramfs/boot_context.h"
#include "overlay/libraries/closure.h"
#include "overlay/stack/stack_plan.h"

struct hierarchy {
	char folder[PATH_MAX];
	char target[PATH_MAX]; /* what is covered */
	const char *path;      /* borrowed: "/usr"; "" is the whole root */
	struct overlay_stack_parts parts;
	bool mounted;
};

struct hierarchies {
	const struct boot *boot; /* borrowed */
	struct hierarchy *items; /* owned */
	size_t count;
	struct overlay_closure closure; /* what the engine's programs need */
	struct overlay_paths libraries; /* those of it that a package changes */
};

/**
 * hierarchies_prepare - mount what is stacked beside the packages, and fill the folders
 * @packages, @attached: what is mounted in LAYERS already
 * @ret: begun as { 0 }; hierarchies_free(), whatever is returned
 *
 * No stack is mounted yet. The kernel log says where a package or the firmware has
 * something else than a folder in place of a hierarchy.
 */
int hierarchies_prepare(const struct packages *packages, const struct attached *attached,
			const struct boot *boot, struct hierarchies *ret,
			struct verity_error *err) must_check;

/**
 * hierarchies_free - free the list; what is mounted stays
 */
void hierarchies_free(struct hierarchies *hierarchies);
