/* SPDX-License-Identifier: MIT */
#pragma once

/* A layer: a verified package, attached through dm-verity and mounted read-only. */

#include "verity/package.h"

struct overlay_layer;

/**
 * overlay_layer_mount - attach @verified and mount its squashfs
 * @verified:   borrowed for the call
 * @dm_name:    see verity_device_open()
 * @mountpoint: existing empty folder; mounted ro,nodev, and nosuid where it is not signed
 * @ret:        set on success alone; free with overlay_layer_free()
 */
int overlay_layer_mount(const struct verity_verified *verified, const char *dm_name,
			const char *mountpoint, struct overlay_layer **ret,
			struct verity_error *err) must_check;

/**
 * overlay_layer_note - see verity_device_note()
 */
const char *overlay_layer_note(const struct overlay_layer *layer);

/**
 * overlay_layer_release - keep the layer mounted and forget it
 */
void overlay_layer_release(struct overlay_layer *layer);

/**
 * overlay_layer_free - unmount, detach and free; takes NULL
 */
void overlay_layer_free(struct overlay_layer *layer);
