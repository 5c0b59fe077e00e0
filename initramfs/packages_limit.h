/* SPDX-License-Identifier: MIT */
#pragma once

/* Leaves packages out, one by one, where there is no layer or no memory for all of them.
 */

#include "initramfs/packages.h"

/* Plain data. */
struct packages_memory {
	uint64_t bytes;   /* for all packages together; UINT64_MAX: no limit */
	unsigned percent; /* of the memory that the device has: key memory_percent */
};

/**
 * packages_limit - leave out what a stack has no layer for, or the device no memory
 *
 * Those come first that come first in line; see enum boot_rank. The order is made anew.
 */
void packages_limit(struct packages *packages, const struct packages_memory *memory);
