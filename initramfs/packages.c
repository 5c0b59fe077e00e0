/* SPDX-License-Identifier: MIT */
/* The list of a boot's packages, and what limits leave of it. */
#include "initramfs/packages.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/stack/memory.h"
#include "overlay/stack/stack_plan.h"
#include "overlay/store/relations.h"
#include "verity/util/cleanup.h"

#define MIB (1 << 20)

#define PACKAGES_MAX (2 * OVERLAY_SURVEY_ENTRIES_MAX)

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

void packages_refuse_all(struct packages *packages, const struct verity_error *reason)
{
	for (size_t i = 0; i < packages->state.count; i++)
		if (packages->items[i].verified)
			packages_refuse(&packages->items[i], reason);
	packages->order_count = 0;
}

struct boot_package *packages_at(const struct packages *packages, size_t position)
{
	return &packages->items[packages->order[position].index];
}

int packages_new(struct boot_budget *budget, struct packages *ret,
		 struct verity_error *err)
{
	cleanup_with(packages_free) struct packages packages = {.budget = budget};

	packages.state.entries = calloc(PACKAGES_MAX, sizeof(*packages.state.entries));
	packages.items = calloc(PACKAGES_MAX, sizeof(*packages.items));
	packages.order = calloc(PACKAGES_MAX, sizeof(*packages.order));
	if (!packages.state.entries || !packages.items || !packages.order)
		return verity_no_memory(err);
	*ret = packages;
	packages = (struct packages){.order_count = 0};
	return 0;
}

void packages_add(struct packages *packages, const struct overlay_survey *survey,
		  enum boot_rank rank)
{
	for (size_t i = 0; i < survey->count && packages->state.count < PACKAGES_MAX;
	     i++) {
		size_t index = packages->state.count++;
		struct overlay_state_entry *entry = &packages->state.entries[index];

		entry->entry = survey->entries[i];
		entry->verdict = VERITY_INVALID;
		packages->items[index] = (struct boot_package){
			.state = entry,
			.left_us = boot_budget_package_us(packages->budget),
			.rank = rank,
		};
	}
}

static int compare(const void *a, const void *b)
{
	const struct boot_package *left = a, *right = b;
	int order = strcmp(left->state->entry.name, right->state->entry.name);

	if (order)
		return order;
	/* of the same name, the persistent one */
	return (int)right->state->entry.kind - (int)left->state->entry.kind;
}

int packages_sort(struct packages *packages, struct verity_error *err)
{
	struct overlay_state_entry *sorted = calloc(PACKAGES_MAX, sizeof(*sorted));

	if (!sorted)
		return verity_no_memory(err);
	if (packages->state.count > 1)
		qsort(packages->items, packages->state.count, sizeof(*packages->items),
		      compare);
	for (size_t i = 0; i < packages->state.count; i++) {
		sorted[i] = *packages->items[i].state;
		packages->items[i].state = &sorted[i];
	}
	free(packages->state.entries);
	packages->state.entries = sorted;
	return 0;
}

void packages_sum_up(struct packages *packages)
{
	size_t junk[2] = {0}, kept = 0;

	for (size_t i = 0; i < packages->state.count; i++) {
		const struct overlay_state_entry *entry = packages->items[i].state;
		enum overlay_store_kind kind = entry->entry.kind;

		if (packages->items[i].moved)
			continue;
		if (overlay_state_is_junk(entry->verdict, entry->identity,
					  entry->reason.code) &&
		    junk[kind]++ >= OVERLAY_SURVEY_JUNK_MAX) {
			packages->state.unlisted[kind].junk++;
			continue;
		}
		packages->state.entries[kept] = *entry;
		packages->items[kept] = packages->items[i];
		packages->items[kept].state = &packages->state.entries[kept];
		kept++;
	}
	packages->state.count = kept;
}

void packages_put_in_order(struct packages *packages)
{
	packages->order_count = 0;
	for (size_t i = 0; i < packages->state.count; i++) {
		const struct boot_package *package = &packages->items[i];

		if (!package->verified)
			continue;
		packages->order[packages->order_count++] = (struct overlay_order_item){
			.entry = package->state->entry,
			.priority = verity_verified_manifest(
					    verity_package_verified(package->verified))
					    ->priority,
			.index = i,
		};
	}
	overlay_order_sort(packages->order, packages->order_count);
}

struct used {
	unsigned processors; /* that each package is counted for */
	size_t layers;
	uint64_t bytes;
};

static void limit(struct boot_package *package, const struct packages_memory *memory,
		  struct used *used)
{
	uint64_t bytes = overlay_memory_needed(verity_package_verified(package->verified),
					       used->processors);
	struct verity_error why;

	if (used->layers == OVERLAY_STACK_PACKAGES_MAX) {
		verity_fail(&why, VERITY_E_TOO_MANY,
			    "a stack takes %d packages, and those before it are as many",
			    OVERLAY_STACK_PACKAGES_MAX);
		packages_refuse(package, &why);
		return;
	}
	if (bytes > memory->bytes || used->bytes > memory->bytes - bytes) {
		verity_fail(&why, VERITY_E_NO_MEMORY,
			    "mounted, it needs about %.1f MiB of memory; the packages "
			    "before it need %.1f MiB, and all may have %.1f MiB "
			    "(memory_percent = %u)",
			    (double)bytes / MIB, (double)used->bytes / MIB,
			    (double)memory->bytes / MIB, memory->percent);
		packages_refuse(package, &why);
		return;
	}
	used->layers++;
	used->bytes += bytes;
}

void packages_limit(struct packages *packages, const struct packages_memory *memory)
{
	struct used used = {.processors = overlay_memory_processors()};

	for (unsigned rank = 0; rank < BOOT_RANKS; rank++)
		for (size_t i = 0; i < packages->state.count; i++)
			if (packages->items[i].verified &&
			    packages->items[i].rank == (enum boot_rank)rank)
				limit(&packages->items[i], memory, &used);
	packages_put_in_order(packages);
}

int packages_relate(struct packages *packages, struct verity_error *err)
{
	size_t count = packages->state.count;
	cleanup_free struct overlay_related *related =
		calloc(count + 1, sizeof(*related));
	int r;

	if (!related)
		return verity_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		const struct boot_package *package = &packages->items[i];
		const struct verity_judgement *judgement =
			package->verified ? verity_package_judgement(package->verified)
					  : NULL;

		related[i] = (struct overlay_related){
			.entry = package->state->entry,
			.identity = package->state->identity,
			.version = package->state->version,
			.manifest = judgement ? judgement->manifest : NULL,
			.trusted = judgement && judgement->trusted,
			.good = package->good,
			.active = judgement,
			.reason = &package->state->reason,
		};
	}
	r = overlay_relations_settle(related, count, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		struct boot_package *package = &packages->items[i];

		package->depth = related[i].depth;
		if (package->verified && !related[i].active)
			packages_refuse(package, &package->state->reason);
	}
	packages_put_in_order(packages);
	return 0;
}
