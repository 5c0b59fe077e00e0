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
 * overlay_stack_check_depth - check that the kernel can stack an overlay over @folder
 *
 * The kernel allows two levels of overlays. A folder that is one overlay can be a layer
 * of ours, a folder that is an overlay over an overlay cannot. The kernel shows the depth
 * nowhere, so it is asked to make an overlay of @folder, which is never mounted.
 *
 * Return: 0; -EIO (STACK) where @folder is two levels deep; -errno.
 */
int overlay_stack_check_depth(const char *folder, struct verity_error *err) must_check;

/**
 * overlay_stack_is_at - whether a stack of ours is mounted at @target
 */
int overlay_stack_is_at(const char *target, bool *ret,
			struct verity_error *err) must_check;
