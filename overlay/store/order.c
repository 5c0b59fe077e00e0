/* SPDX-License-Identifier: MIT */
/* The order of packages, the store that a manifest asks for, and duplicates. */
#include "overlay/store/order.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/version.h"

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

/* Negative where @a counts before @b. */
static int compare_claims(const struct overlay_claim *a, const struct overlay_claim *b)
{
	int order;

	if (a->trusted != b->trusted)
		return a->trusted ? -1 : 1;
	if (a->entry.kind != b->entry.kind)
		return a->entry.kind == OVERLAY_PERSISTENT ? -1 : 1;
	order = verity_version_compare_epochs(b->epoch, b->version, a->epoch, a->version);
	if (order)
		return order;
	if (a->good != b->good)
		return a->good ? -1 : 1;
	return strcmp(a->entry.name, b->entry.name);
}

static int compare_places(const void *a, const void *b)
{
	const struct overlay_claim *const *left = a, *const *right = b;

	return compare_claims(*left, *right);
}

/*
 * From the first in line on, each counts unless a rival before it does: one of the same
 * identity or name.
 */
int overlay_order_settle(const struct overlay_claim *claims, size_t count, size_t *ret,
			 struct verity_error *err)
{
	cleanup_free const struct overlay_claim **line = calloc(count + 1, sizeof(*line));
	size_t counting = 0;

	if (!line)
		return verity_no_memory(err);
	for (size_t i = 0; i < count; i++)
		line[i] = &claims[i];
	if (count > 1)
		qsort(line, count, sizeof(*line), compare_places);
	for (size_t i = 0; i < count; i++) {
		const struct overlay_claim *claim = line[i];
		size_t before = 0;

		while (before < counting &&
		       strcmp(line[before]->identity, claim->identity) != 0 &&
		       strcmp(line[before]->entry.name, claim->entry.name) != 0)
			before++;
		ret[claim - claims] = (size_t)(line[before] - claims);
		if (before < counting)
			continue;
		/* The front of the line holds those that count. */
		line[counting++] = claim;
		ret[claim - claims] = (size_t)(claim - claims);
	}
	return 0;
}

void overlay_order_duplicate(const struct overlay_claim *claim,
			     const struct overlay_claim *counts, struct verity_error *ret)
{
	bool persistent = counts->entry.kind == OVERLAY_PERSISTENT;

	verity_fail(ret, VERITY_E_DUPLICATE,
		    "the %s package '%s', version %s, has the same %s and counts",
		    persistent ? "persistent" : "ordinary", counts->entry.name,
		    counts->version,
		    strcmp(claim->identity, counts->identity) == 0 ? "identity" : "name");
}
