/* SPDX-License-Identifier: MIT */
#pragma once

/* Mounts the packages in order as a stack over the root, and unmounts it. */

#include "initramfs/boot_context.h"
#include "initramfs/packages.h"

/**
 * stack_check - check that there is no stack yet
 *
 * A stack with a state file is an activation that was completed. Without one it was cut
 * off between the two, before anything could use it, and is unmounted.
 *
 * Return: 0; -EBUSY where the packages of this boot are active already; -errno.
 */
int stack_check(const struct boot *boot, struct verity_error *err) must_check;

/**
 * stack_take_down - unmount what lies over the root, or over hierarchies, and is ours
 */
int stack_take_down(const struct overlay_config *config, const char *root,
		    struct verity_error *err) must_check;

/**
 * stack_run - mount each package and stack them all over the root
 * @packages: those whose layer fails are refused; those in the stack become active
 *
 * There is a stack without a package, too, where changes have to be stored.
 *
 * Return: 0, also where there is nothing to stack and the root stays as it is; negative
 * where there is no stack: then all is unmounted and detached, and no package is active.
 */
int stack_run(struct packages *packages, const struct boot *boot,
	      struct verity_error *err) must_check;

/**
 * stack_clean - unmount and detach what a run that was cut off left behind
 */
int stack_clean(const char *layers, struct verity_error *err) must_check;
