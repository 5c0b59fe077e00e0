/* SPDX-License-Identifier: MIT */
#include "overlay/store/order.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	const struct overlay_order_item *left = a;
	const struct overlay_order_item *right = b;

	if (left->priority != right->priority)
		return left->priority > right->priority ? -1 : 1;
	return strcmp(right->entry.name, left->entry.name);
}

void overlay_order_sort(struct overlay_order_item *items, size_t count)
{
	if (count > 0)
		qsort(items, count, sizeof(*items), compare);
}
