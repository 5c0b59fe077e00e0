/* SPDX-License-Identifier: MIT */
/* The list of a boot's packages. */
#include "initramfs/packages.h"

#include <stdlib.h>

#include "verity/util/cleanup.h"

void packages_free(struct packages *packages)
{
	for (size_t i = 0; packages->items && i < packages->state.count; i++)
		verity_package_free(packages->items[i].verified);
	free(packages->items);
	free(packages->order);
	overlay_state_free(&packages->state);
	*packages = (struct packages){.order_count = 0};
}

void packages_refuse(struct boot_package *package, const struct verity_error *reason)
{
	package->state->active = false;
	package->state->reason = *reason;
	verity_package_free(package->verified);
	package->verified = NULL;
}

struct boot_package *packages_at(const struct packages *packages, size_t position)
{
	return &packages->items[packages->order[position].index];
}

int packages_list(const struct overlay_store *store, struct boot_budget *budget,
		  struct packages *ret, struct verity_error *err)
{
	cleanup_with(packages_free) struct packages packages = {.budget = budget};
	cleanup_free struct overlay_entry *entries = NULL;
	size_t count = 0;
	int r = overlay_store_list(store, &entries, &count, err);

	if (r < 0)
		return r;
	packages.state.entries = calloc(count + 1, sizeof(*packages.state.entries));
	packages.items = calloc(count + 1, sizeof(*packages.items));
	packages.order = calloc(count + 1, sizeof(*packages.order));
	if (!packages.state.entries || !packages.items || !packages.order)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	packages.state.count = count;
	for (size_t i = 0; i < count; i++) {
		packages.state.entries[i].entry = entries[i];
		packages.items[i].state = &packages.state.entries[i];
		packages.items[i].left_us = boot_budget_package_us(budget);
	}
	*ret = packages;
	packages = (struct packages){.order_count = 0};
	return 0;
}
