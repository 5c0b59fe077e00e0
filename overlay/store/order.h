/* SPDX-License-Identifier: MIT */
#pragma once

/* Where a package lies: in which store, and on which other packages. Pure. */

#include "overlay/store/store.h"
#include "verity/format/manifest.h"

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

/**
 * overlay_order_check_store - whether a package may lie in the store of @kind
 *
 * Checked at installation and at each boot: of a package that was copied there by hand, a
 * factory reset would delete what its signer wants kept, or keep what has to go.
 *
 * Return: 0; -EOPNOTSUPP (MISPLACED).
 */
int overlay_order_check_store(const struct verity_manifest *manifest,
			      enum overlay_store_kind kind,
			      struct verity_error *reason) must_check;
