/* SPDX-License-Identifier: MIT */
#pragma once

/* Which package lies on which. Pure. */

#include "overlay/store/store.h"

struct overlay_order_item {
	struct overlay_entry entry;
	int priority;
	size_t index; /* the caller's, carried along */
};

/**
 * overlay_order_sort - put packages in order, the one on top first
 *
 * Higher priority lies on top; of equal priority, the later name in byte order.
 */
void overlay_order_sort(struct overlay_order_item *items, size_t count);
