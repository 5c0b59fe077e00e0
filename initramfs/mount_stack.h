/* SPDX-License-Identifier: MIT */
#pragma once

/* From packages in order to a stack over the root. */

#include "initramfs/boot_context.h"
#include "initramfs/packages.h"

/**
 * stacking_check - whether there is no stack yet
 *
 * A stack with its state file is an activation that came to its end. Without one it was
 * cut off between the two, before anything could use it: it is taken down.
 *
 * Return: 0; -EBUSY where the packages of this boot are active already; -errno.
 */
int stacking_check(const struct boot *boot, struct verity_error *err) must_check;

/**
 * stacking_take_down - unmount what lies over the root, or over hierarchies, and is ours
 */
int stacking_take_down(const struct overlay_config *config, const char *root,
		       struct verity_error *err) must_check;

/**
 * stacking_run - mount each package and stack them all over the root
 * @packages: those whose layer fails are refused; those in the stack become active
 *
 * There is a stack without a package, too, where changes are to go somewhere.
 *
 * Return: 0, also where there is nothing to stack and the root stays as it is; negative
 * where there is no stack: then all is unmounted and detached, and no package is active.
 */
int stacking_run(struct packages *packages, const struct boot *boot,
		 struct verity_error *err) must_check;

/**
 * stacking_clean - take down what a run that was cut off left behind
 */
int stacking_clean(const char *layers, struct verity_error *err) must_check;
