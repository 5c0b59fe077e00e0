/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The stack: one overlayfs over the root. What lies on what is a plan first
 * (overlay/stack/stack_plan.h); carrying it out is mount calls, and reading back what the
 * kernel made of them.
 *
 * The flags of a lower file system do not reach through an overlay, so the stack itself
 * is mounted nodev, and nosuid where a layer in it is not signed.
 */

#include "overlay/stack/stack_plan.h"

#define OVERLAY_STACK_SOURCE "wmopkg" /* what /proc/mounts shows as its device */

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

/**
 * overlay_stack_mount_as - the same under another name than OVERLAY_STACK_SOURCE: what is
 * mounted is none of ours then
 */
int overlay_stack_mount_as(const char *source, const char *layers,
			   const struct overlay_stack_plan *plan, const char *target,
			   struct verity_error *err) must_check;

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
