/* SPDX-License-Identifier: MIT */
#pragma once

/* From packages in order to mounted layers. */

#include "initramfs/packages.h"
#include "overlay/layer.h"

/* The mounted layers, the one on top first: LAYERS/1, LAYERS/2, … without gaps. */
struct attached {
	struct overlay_layer **layers;
	size_t count;
	bool nosuid; /* one of them is not signed */
};

/**
 * attaching_run - attach and mount each package below @layers
 * @packages: those whose layer fails are refused
 * @layers:   the folder LAYERS; see overlay/layers.h
 * @attached: begun as { 0 }; attaching_free(), whatever is returned
 */
int attaching_run(struct packages *packages, const char *layers,
		  struct attached *attached, struct verity_error *err) must_check;

/**
 * attaching_release - keep all layers mounted and forget them
 */
void attaching_release(struct attached *attached);

/**
 * attaching_free - unmount and detach all layers
 */
void attaching_free(struct attached *attached);
