/* SPDX-License-Identifier: MIT */
#pragma once

/* From packages in order to a stack over the root. */

#include "initramfs/packages.h"

/**
 * stacking_run - mount each package and stack them all over @root
 * @packages: those whose layer fails are refused; those in the stack become active
 * @layers:   the folder LAYERS; see overlay/layers.h
 *
 * Return: 0, also where no package is left and the root stays as it is; negative where
 * there is no stack: then all is unmounted and detached, and no package is active.
 */
int stacking_run(struct packages *packages, const char *layers, const char *root,
		 struct verity_error *err) must_check;

/**
 * stacking_clean - take down what a run that was cut off left behind
 */
int stacking_clean(const char *layers, struct verity_error *err) must_check;
