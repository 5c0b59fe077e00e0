/* SPDX-License-Identifier: MIT */

/* Settles duplicates, needs and conflicts as if a change had been made. */

#include "installer/device/consequences.h"

#include <stdlib.h>
#include <string.h>

#include "installer/common/report.h"
#include "overlay/record/good_set.h"
#include "overlay/record/requirements.h"
#include "overlay/store/order.h"
#include "overlay/store/survey.h"
#include "verity/package/inspect.h"
#include "verity/util/cleanup.h"

void consequences_free(struct consequences *after)
{
	installed_list_free(&after->list);
	free(after->items);
	free(after->reasons);
	free(after->before);
	*after = (struct consequences){.count = 0};
}

static bool names_others(const struct verity_manifest *manifest)
{
	return manifest->needs_count + manifest->conflicts_count > 0;
}

/* Whether any package, installed or added, names another one. */
static int find_any(const struct overlay_store *store,
		    const struct consequences_change *change, bool *ret,
		    struct verity_error *err)
{
	cleanup_with(overlay_survey_free) struct overlay_survey survey = {.count = 0};
	int r = overlay_survey_add(store, OVERLAY_PERSISTENT, NULL, 0, &survey, err);

	*ret = false;
	if (r == 0)
		r = overlay_survey_add(store, OVERLAY_ORDINARY, NULL, 0, &survey, err);
	for (size_t i = 0; i < change->added_count; i++)
		*ret = *ret || names_others(change->added[i].judgement->manifest);
	for (size_t i = 0; r == 0 && !*ret && i < survey.count; i++) {
		cleanup_with(verity_inspection_free_p) struct verity_inspection *found =
			NULL;

		r = installed_inspect(store, &survey.entries[i], &found, err);
		if (found)
			*ret = names_others(verity_inspection_manifest(found));
	}
	return r;
}

/* But for the others, the boot configuration, and a reset. */
static bool would_be_active(const struct installed *item)
{
	if (item->status == INSTALLED_REMOVED || !item->package ||
	    !verity_package_verified(item->package))
		return false;
	if (item->status == INSTALLED_PENDING || item->status == INSTALLED_UNKNOWN ||
	    (item->status == INSTALLED_ACTIVE && !item->ends))
		return true;
	switch (item->reason.code) {
	case VERITY_E_DUPLICATE:
	case VERITY_E_MISSING_NEED:
	case VERITY_E_CONFLICT:
	case VERITY_E_DISABLED:
	case VERITY_E_SAFE_MODE:
	case VERITY_E_RESET:
		return true;
	default:
		return false;
	}
}

static void set(struct consequences *after, const struct overlay_good_set *good,
		const struct overlay_entry *entry,
		const struct verity_judgement *judgement)
{
	struct overlay_related *item = &after->items[after->count];
	const struct verity_manifest *manifest = judgement->manifest;

	*item = (struct overlay_related){
		.entry = *entry,
		.identity = manifest->name,
		.version = manifest->version,
		.manifest = manifest,
		.trusted = judgement->trusted,
		.good = overlay_good_has(good, entry, manifest->name,
					 manifest->root_hash),
		.active = true,
		.reason = &after->reasons[after->count],
	};
	after->count++;
}

static bool is_removed(const struct consequences_change *change,
		       const struct overlay_entry *entry)
{
	for (size_t i = 0; i < change->removed_count; i++)
		if (change->removed[i].kind == entry->kind &&
		    strcmp(change->removed[i].name, entry->name) == 0)
			return true;
	return false;
}

static void fill(const struct consequences_change *change,
		 const struct overlay_good_set *good, struct consequences *after)
{
	for (size_t i = 0; i < change->added_count; i++)
		set(after, good, &change->added[i].entry, change->added[i].judgement);
	for (size_t i = 0; i < after->list.count; i++) {
		const struct installed *item = &after->list.items[i];
		enum verity_code code = item->reason.code;

		if (item->status == INSTALLED_REMOVED || is_removed(change, &item->entry))
			continue;
		if (would_be_active(item)) {
			after->before[after->count] = code != VERITY_E_DUPLICATE &&
						      code != VERITY_E_MISSING_NEED &&
						      code != VERITY_E_CONFLICT;
			set(after, good, &item->entry,
			    verity_package_judgement(item->package));
			continue;
		}
		after->reasons[after->count] = item->reason;
		after->items[after->count] = (struct overlay_related){
			.entry = item->entry,
			.identity = item->identity,
			.version = item->version,
			.reason = &after->reasons[after->count],
		};
		after->count++;
	}
}

static int settle_duplicates(struct consequences *after, struct verity_error *err)
{
	size_t most = after->count + 1, count = 0;
	cleanup_free struct overlay_claim *claims = calloc(most, sizeof(*claims));
	cleanup_free size_t *items = calloc(most, sizeof(*items));
	cleanup_free size_t *counts = calloc(most, sizeof(*counts));
	int r;

	if (!claims || !items || !counts)
		return verity_no_memory(err);
	for (size_t i = 0; i < after->count; i++) {
		const struct overlay_related *item = &after->items[i];

		if (!item->active)
			continue;
		claims[count] = (struct overlay_claim){
			.entry = item->entry,
			.identity = item->identity,
			.version = item->version,
			.epoch = item->manifest->epoch,
			.trusted = item->trusted,
			.good = item->good,
		};
		items[count++] = i;
	}
	r = overlay_order_settle(claims, count, counts, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct overlay_related *item = &after->items[items[i]];

		if (counts[i] == i)
			continue;
		item->active = false;
		overlay_order_duplicate(&claims[i], &claims[counts[i]], item->reason);
	}
	return r;
}

int consequences_read(struct device *device, const struct consequences_change *change,
		      struct consequences *ret, struct verity_error *err)
{
	cleanup_with(overlay_good_free) struct overlay_good_set good = {0};
	cleanup_with(consequences_free) struct consequences after = {.count = 0};
	struct overlay_store *store;
	bool any = false;
	size_t most;
	int r = device_store(device, &store, err);

	if (r == 0)
		r = find_any(store, change, &any, err);
	if (r == 0 && any)
		r = installed_list_read(device, NULL, INSTALLED_HEADS, &after.list, err);
	if (r < 0)
		return r;
	most = change->added_count + after.list.count + 1;
	after.items = calloc(most, sizeof(*after.items));
	after.reasons = calloc(most, sizeof(*after.reasons));
	after.before = calloc(most, sizeof(*after.before));
	if (!after.items || !after.reasons || !after.before)
		return verity_no_memory(err);
	if (any)
		r = device_good_find(device, &good, err);
	if (r < 0)
		return r;
	if (any)
		fill(change, &good, &after);
	r = settle_duplicates(&after, err);
	if (r == 0)
		r = overlay_relations_settle(after.items, after.count, err);
	if (r < 0)
		return r;
	*ret = after;
	after = (struct consequences){.count = 0};
	return 0;
}

bool consequences_end(const struct consequences *after, size_t index)
{
	enum verity_code code = after->reasons[index].code;

	return after->before[index] && !after->items[index].active &&
	       (code == VERITY_E_MISSING_NEED || code == VERITY_E_CONFLICT);
}

int consequences_check(struct device *device, const struct consequences *after,
		       size_t first, struct verity_error *err)
{
	for (size_t i = first; i < after->count; i++)
		if (consequences_end(after, i) &&
		    overlay_requirements_has(device_config(device),
					     after->items[i].identity))
			return verity_fail(
				err, VERITY_E_REQUIRED,
				"the device does not start without %s, which would not be "
				"active: %s (to change that: "
				"require_packages in the configuration)",
				after->items[i].entry.name, after->reasons[i].message);
	for (size_t i = first; i < after->count; i++)
		if (consequences_end(after, i))
			report_warning("%s: not active after reboot: %s",
				       after->items[i].entry.name,
				       after->reasons[i].message);
	return 0;
}
