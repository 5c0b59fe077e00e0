/* SPDX-License-Identifier: MIT */
#pragma once

/* From packages in order to mounted layers. */

#include "initramfs/packages.h"
#include "overlay/stack/layer.h"

/* The mounted layers, the one on top first: LAYERS/1, LAYERS/2, … without gaps. */
struct attached {
	const char *layers; /* LAYERS; borrowed */
	size_t count;
	bool nosuid; /* one of them is not signed */
};

#define ATTACHING_NAME_BYTES 128 /* of a device-mapper device, with the ending 0 */

/**
 * attaching_device_name - the device-mapper name of a package: unique among those of a
 * boot, and unlike what another boot left behind
 * @boot: what is taken of the boot's id
 */
void attaching_device_name(const struct overlay_entry *entry, const char *boot,
			   char ret[static ATTACHING_NAME_BYTES]);

/**
 * attaching_run - attach and mount each package below @layers
 * @packages: those whose layer fails, or takes longer than is left of their boxes, are
 *            refused
 * @layers:   the folder LAYERS; see overlay/stack/layers_dir.h; borrowed
 * @attached: begun as { 0 }; attaching_free(), whatever is returned
 */
int attaching_run(struct packages *packages, const char *layers,
		  struct attached *attached, struct verity_error *err) must_check;

/**
 * attaching_release - keep all layers mounted and forget them
 */
void attaching_release(struct attached *attached);

/**
 * attaching_free - unmount all layers; their devices go with them
 */
void attaching_free(struct attached *attached);
