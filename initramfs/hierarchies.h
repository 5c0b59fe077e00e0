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
	size_t *layers; /* owned: of each package that is stacked, the index of its layer
			 */
	size_t layers_count;
	bool mounted;
};

struct hierarchies {
	const struct boot *boot;   /* borrowed */
	struct attached *attached; /* borrowed */
	struct hierarchy *items;   /* owned */
	size_t count;
	bool probe; /* overlays are mounted even if there is nothing to see in them */
	struct overlay_closure closure; /* what the engine's programs need */
	struct overlay_paths libraries; /* those of it that a package changes */
};

/**
 * hierarchies_prepare - mount what is stacked beside the packages
 * @attached: what is mounted in LAYERS already; borrowed
 * @ret:      begun as { 0 }; hierarchies_free(), whatever is returned
 *
 * No stack is mounted yet. The kernel log says where the firmware has something else than
 * a folder in place of a hierarchy.
 */
int hierarchies_prepare(struct attached *attached, const struct boot *boot,
			struct hierarchies *ret, struct verity_error *err) must_check;

/**
 * hierarchies_fill - plan each overlay of the layers that are not left out
 *
 * A layer that cannot be read is left out.
 */
int hierarchies_fill(struct hierarchies *hierarchies,
		     struct verity_error *err) must_check;

/**
 * hierarchies_leave_out_blockers - leave out each layer that blocks a mount below what is
 * covered
 *
 * They have to be filled again where any was left out.
 *
 * Return: how many were left out; -errno.
 */
int hierarchies_leave_out_blockers(struct hierarchies *hierarchies,
				   struct verity_error *err) must_check;

/**
 * hierarchies_tell - write to the kernel log where a package has something else than a
 * folder in place of a hierarchy, or nothing in any
 */
void hierarchies_tell(const struct hierarchies *hierarchies);

/**
 * hierarchies_free - free the list; what is mounted stays
 */
void hierarchies_free(struct hierarchies *hierarchies);
