/* SPDX-License-Identifier: MIT */
#pragma once

/* Mounts the overlays of the stack. */

#include "initramfs/hierarchies.h"

/**
 * hierarchies_mount - mount all overlays, with their changes going to @upper
 *
 * Return: 0; -errno, and then none is mounted, and the root is as it was.
 */
int hierarchies_mount(struct hierarchies *hierarchies, enum overlay_upper upper,
		      struct verity_error *err) must_check;

/**
 * hierarchies_unmount - unmount what hierarchies_mount() mounted
 */
void hierarchies_unmount(struct hierarchies *hierarchies);
