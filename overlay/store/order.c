/* SPDX-License-Identifier: MIT */
/* The order of packages, and the store that a manifest asks for. */
#include "overlay/store/order.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct overlay_order_item *left = a, *right = b;

	if (left->priority != right->priority)
		return left->priority > right->priority ? -1 : 1;
	return strcmp(right->entry.name, left->entry.name);
}

void overlay_order_sort(struct overlay_order_item *items, size_t count)
{
	if (count > 0)
		qsort(items, count, sizeof(*items), compare);
}

int overlay_order_check_store(const struct verity_manifest *manifest,
			      enum overlay_store_kind kind, struct verity_error *reason)
{
	bool persistent = kind == OVERLAY_PERSISTENT;

	if (manifest->persistence == VERITY_PERSISTENT_REQUIRED && !persistent)
		return verity_fail(reason, VERITY_E_MISPLACED,
				   "the package asks to be persistent (install it with: "
				   "wmopkg install persistent ...)");
	if (manifest->persistence == VERITY_PERSISTENT_FORBIDDEN && persistent)
		return verity_fail(reason, VERITY_E_MISPLACED,
				   "the package must not be persistent (install it "
				   "without the word 'persistent')");
	return 0;
}
