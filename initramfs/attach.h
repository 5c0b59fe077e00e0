/* SPDX-License-Identifier: MIT */
#pragma once

/* Attaches the packages in order and mounts them as layers. */

#include "initramfs/packages.h"
#include "overlay/stack/layer.h"

/* The mounted layers, the one on top first: LAYERS/1, LAYERS/2, … */
struct attached {
	const char *layers; /* LAYERS; borrowed */
	size_t count;
	struct boot_package **packages; /* owned; of each layer; they are borrowed */
	bool *left_out;                 /* owned; of each layer: it is not stacked */
};

#define ATTACH_NAME_BYTES 128 /* of a device-mapper device, with the ending 0 */

/**
 * attach_device_name - the device-mapper name of a package: unique among those of a boot,
 * and different from what another boot left behind
 * @boot: the part of the boot's id that is used
 */
void attach_device_name(const struct overlay_entry *entry, const char *boot,
			char ret[static ATTACH_NAME_BYTES]);

/**
 * attach_run - attach and mount each package below @layers
 * @packages: refused are those whose layer fails, or takes longer than is left of their
 *            time
 * @layers:   the folder LAYERS; see overlay/stack/layers_dir.h; borrowed
 * @attached: begun as { 0 }; attach_free(), whatever is returned
 */
int attach_run(struct packages *packages, const char *layers, struct attached *attached,
	       struct verity_error *err) must_check;

/**
 * attach_stacks - how many of the layers are to be stacked
 * @ret_nosuid: NULL, or whether one of them is not signed
 */
size_t attach_stacks(const struct attached *attached, bool *ret_nosuid);

/**
 * attach_leave_out - unmount layer LAYERS/(@index + 1), and refuse its package
 */
void attach_leave_out(struct attached *attached, size_t index,
		      const struct verity_error *reason);

/**
 * attach_free - unmount the layers, @count of them; their devices go with them
 */
void attach_free(struct attached *attached);
