/* SPDX-License-Identifier: MIT */
#pragma once

/* The folder LAYERS (overlay/stack/stack.h): what lies below it is mounted, then stacked.
 */

#include "overlay/fs/protect.h"
#include "verity/util/error.h"

/**
 * overlay_layers_make - make the folder, for root only
 *
 * What a stack hides can still be reached here, set-id programs included.
 */
int overlay_layers_make(const char *layers, struct verity_error *err) must_check;

/**
 * overlay_layers_bind - mount @source, read-only, on LAYERS/@name
 * @source: a folder; mounts below it are left out
 */
int overlay_layers_bind(const char *layers, const char *source, const char *name,
			struct verity_error *err) must_check;

/**
 * overlay_layers_mount_engine - make and mount the engine layer, LAYERS/engine
 * @root: the firmware
 * @own:  what the configuration adds to what is protected; may be NULL
 */
int overlay_layers_mount_engine(const char *layers, const char *root,
				const struct overlay_protect *own,
				struct verity_error *err) must_check;

/**
 * overlay_layers_clean - unmount all that is mounted below the folder
 *
 * Return: how many were unmounted; -errno.
 */
int overlay_layers_clean(const char *layers, struct verity_error *err) must_check;
