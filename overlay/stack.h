/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The stack: one read-only overlayfs over the root. What lies on what is a plan first, a
 * list of folder names; carrying it out is mount calls, and reading back what the kernel
 * made of them.
 *
 * All that is stacked lies in one folder, LAYERS, under short names: packages as "1",
 * "2", …, the firmware's root as OVERLAY_STACK_ROOT, and on top of all
 * OVERLAY_STACK_ENGINE (overlay/engine.h). Short, because a kernel before 6.7 takes them
 * as one string of less than a page.
 *
 * The flags of a lower file system do not reach through an overlay, so the stack itself
 * is mounted nodev, and nosuid where a layer in it is not signed.
 */

#include "verity/error.h"

#define OVERLAY_STACK_MAX    500 /* lower folders of one overlay, as the kernel has it */
#define OVERLAY_STACK_ROOT   "root"
#define OVERLAY_STACK_ENGINE "engine"
#define OVERLAY_STACK_SOURCE "wmopkg" /* what /proc/mounts shows as its device */

/* Not packages: the engine's layer and the root. */
#define OVERLAY_STACK_PACKAGES_MAX (OVERLAY_STACK_MAX - 2)

#define OVERLAY_STACK_NAME_MAX 16 /* bytes of one name, with its ending 0 */

struct overlay_stack_plan {
	char (*names)[OVERLAY_STACK_NAME_MAX]; /* owned; the one on top first */
	size_t count;
	bool nosuid;
};

/**
 * overlay_stack_plan_new - plan a stack of @packages layers called "1" (on top), "2", …
 * @ret: filled on success alone; overlay_stack_plan_free()
 *
 * Return: 0; -E2BIG (TOO_MANY); -ENOMEM.
 */
int overlay_stack_plan_new(size_t packages, bool nosuid, struct overlay_stack_plan *ret,
			   struct verity_error *err) must_check;

void overlay_stack_plan_free(struct overlay_stack_plan *plan);

/**
 * overlay_stack_options - the plan as one mount option string
 * @room: most bytes the kernel takes, with the ending 0
 * @ret:  set on success alone; free()
 *
 * Return: 0; -E2BIG (TOO_MANY) where it does not fit; -ENOMEM.
 */
int overlay_stack_options(const struct overlay_stack_plan *plan, size_t room, char **ret,
			  struct verity_error *err) must_check;

/**
 * overlay_stack_compare - whether the options that the kernel shows are those of the plan
 * @options: the last field of a line of /proc/self/mountinfo
 *
 * Return: 0; -EIO (STACK) where they differ.
 */
int overlay_stack_compare(const struct overlay_stack_plan *plan, const char *options,
			  struct verity_error *err) must_check;

/**
 * overlay_stack_mount - mount the stack over @target
 * @layers: the folder LAYERS; the current folder is changed and restored
 * @target: the folder to cover
 *
 * Return: 0, and then what is mounted is the plan; -EOPNOTSUPP where the kernel has no
 * overlayfs; -errno, and then nothing is mounted.
 */
int overlay_stack_mount(const char *layers, const struct overlay_stack_plan *plan,
			const char *target, struct verity_error *err) must_check;

enum overlay_stack_found {
	OVERLAY_STACK_NONE,  /* no overlay */
	OVERLAY_STACK_OURS,  /* a stack of ours */
	OVERLAY_STACK_OTHER, /* an overlay of somebody else */
};

/**
 * overlay_stack_find - what @target is covered by
 */
int overlay_stack_find(const char *target, enum overlay_stack_found *ret,
		       struct verity_error *err) must_check;
