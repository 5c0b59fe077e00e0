/* SPDX-License-Identifier: MIT */
#include "overlay/order.h"

#include <stdlib.h>
#include <string.h>

/* Both are by name first, the persistent one of two ahead. */
static int compare_names(const void *a, const void *b)
{
	const struct overlay_order_item *left = a;
	const struct overlay_order_item *right = b;
	int order = strcmp(left->entry.name, right->entry.name);

	return order ? order : (int)right->entry.kind - (int)left->entry.kind;
}

static int compare_places(const void *a, const void *b)
{
	const struct overlay_order_item *left = a;
	const struct overlay_order_item *right = b;
	int order = strcmp(right->entry.name, left->entry.name);

	if (left->priority != right->priority)
		return left->priority > right->priority ? -1 : 1;
	return order ? order : (int)right->entry.kind - (int)left->entry.kind;
}

void overlay_order_sort(struct overlay_order_item *items, size_t count)
{
	if (count == 0)
		return;
	qsort(items, count, sizeof(*items), compare_names);
	items[0].shadowed = false;
	for (size_t i = 1; i < count; i++)
		items[i].shadowed =
			strcmp(items[i].entry.name, items[i - 1].entry.name) == 0;
	qsort(items, count, sizeof(*items), compare_places);
}
