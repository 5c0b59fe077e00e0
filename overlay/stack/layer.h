/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A layer: a verified package, attached through dm-verity, its squashfs mounted
 * read-only. It is mounted nowhere at first; a layer that is never mounted anywhere
 * leaves nothing behind, however the process ends.
 */

#include "verity/device/block_device.h"
#include "verity/util/cleanup.h"

struct overlay_layer;

/**
 * overlay_layer_open - attach @verified and mount its squashfs
 * @devices:  borrowed for as long as the layer; may be used from several threads
 * @verified: borrowed for the call
 * @dm_name:  see verity_device_open()
 * @ret:      set on success only; free with overlay_layer_free()
 *
 * Mounted ro,nodev, and nosuid where it is not signed. Needs /proc.
 */
int overlay_layer_open(struct verity_devices *devices,
		       const struct verity_verified *verified, const char *dm_name,
		       struct overlay_layer **ret, struct verity_error *err) must_check;

/**
 * overlay_layer_place - mount the layer on a folder, where it stays
 * @dirfd, @name: an existing empty folder
 */
int overlay_layer_place(const struct overlay_layer *layer, int dirfd, const char *name,
			struct verity_error *err) must_check;

/**
 * overlay_layer_note - why the kernel did not use the kernel signature; NULL where it did
 */
const char *overlay_layer_note(const struct overlay_layer *layer);

/**
 * overlay_layer_free - free the layer; takes NULL
 *
 * Where overlay_layer_place() mounted it, it stays; else it is unmounted and detached.
 */
void overlay_layer_free(struct overlay_layer *layer);
DEFINE_CLEANUP(struct overlay_layer, overlay_layer_free);
