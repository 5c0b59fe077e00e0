/* SPDX-License-Identifier: MIT */
#pragma once

/* The folder LAYERS (overlay/stack.h): what lies below it is mounted, then stacked. */

#include "verity/error.h"

/**
 * overlay_layers_make - make the folder, for root alone
 *
 * What a stack hides is still there, set-id programs included: nobody else gets in.
 */
int overlay_layers_make(const char *layers, struct verity_error *err) must_check;

/**
 * overlay_layers_mount_base - mount the firmware's root and the engine layer below it
 * @root: the folder that will be covered; mounts below it are left out
 */
int overlay_layers_mount_base(const char *layers, const char *root,
			      struct verity_error *err) must_check;

/**
 * overlay_layers_clean - unmount all that is mounted below the folder
 *
 * Return: how many were unmounted; -errno.
 */
int overlay_layers_clean(const char *layers, struct verity_error *err) must_check;
