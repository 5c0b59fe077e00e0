/* SPDX-License-Identifier: MIT */
/* Chooses updates. */
#include "installer/update/selection.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/store/relations.h"
#include "verity/package/judge_rules.h"
#include "verity/util/cleanup.h"

/* By the rules for packages: those of the manifest, as the catalogue repeats it. */
static bool fits(const struct verity_catalog_entry *entry,
		 const struct verity_policy *policy, const char *serial,
		 struct verity_error *why)
{
	struct verity_manifest manifest = entry->manifest; /* what it owns is borrowed */
	struct verity_judgement judgement = {.manifest = &manifest};
	enum verity_verdict verdict;

	memcpy(judgement.id, entry->id, sizeof(judgement.id));
	if (verity_judge_denied(policy, &judgement, why) < 0)
		return false;
	verdict = verity_judge_rules(policy, &judgement, why);
	if (verdict != VERITY_SIGNED &&
	    !(verdict == VERITY_DOWNGRADE && policy->allow_downgrade))
		return false;
	if (verity_catalog_draws(entry, serial))
		return true;
	verity_fail(why, VERITY_E_ROLLOUT,
		    serial[0] ? "its rollout is %" PRIu32
				" %%, and this device is not among the first"
			      : "its rollout is %" PRIu32
				" %%, and the serial number of this device is unknown",
		    entry->rollout);
	return false;
}

static void choose_one(const struct verity_catalog_text *catalog,
		       const struct update_installed *item,
		       const struct verity_policy *policy, const char *serial,
		       struct update_choice *ret)
{
	*ret = (struct update_choice){.chosen = NULL};
	for (size_t i = 0; item->wanted && i < catalog->count; i++) {
		const struct verity_catalog_entry *entry = &catalog->entries[i];
		const struct verity_manifest *manifest = &entry->manifest;
		const struct verity_catalog_entry **place;
		struct verity_error why;

		if (strcmp(manifest->name, item->manifest->name) != 0 ||
		    verity_catalog_compare(manifest, item->manifest) <= 0)
			continue;
		place = fits(entry, policy, serial, &why) ? &ret->chosen : &ret->passed;
		if (*place && verity_catalog_compare(manifest, &(*place)->manifest) <= 0)
			continue;
		*place = entry;
		if (place == &ret->passed)
			ret->why = why;
	}
	if (ret->passed && ret->chosen &&
	    verity_catalog_compare(&ret->passed->manifest, &ret->chosen->manifest) < 0)
		ret->passed = NULL;
}

/* @ret_changed: one that was chosen would not be active, and is passed over now */
static int settle(const struct update_installed *items, size_t count,
		  struct update_choice *choices, bool *ret_changed,
		  struct verity_error *err)
{
	cleanup_free struct overlay_related *related =
		calloc(count + 1, sizeof(*related));
	cleanup_free struct verity_error *reasons = calloc(count + 1, sizeof(*reasons));
	int r;

	if (!related || !reasons)
		return verity_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		const struct verity_manifest *manifest =
			choices[i].chosen ? &choices[i].chosen->manifest
					  : items[i].manifest;
		bool active = choices[i].chosen || items[i].accepted;

		related[i] = (struct overlay_related){
			.entry = items[i].entry,
			.identity = manifest->name,
			.version = manifest->version,
			.manifest = active ? manifest : NULL,
			.trusted = true,
			.good = !choices[i].chosen,
			.active = active,
			.reason = &reasons[i],
		};
	}
	r = overlay_relations_settle(related, count, err);
	*ret_changed = false;
	for (size_t i = 0; r == 0 && i < count; i++) {
		if (!choices[i].chosen || related[i].active)
			continue;
		choices[i].passed = choices[i].chosen;
		choices[i].chosen = NULL;
		choices[i].why = reasons[i];
		*ret_changed = true;
	}
	return r;
}

int update_choose(const struct verity_catalog_text *catalog,
		  const struct update_installed *items, size_t count,
		  const struct verity_policy *policy, const char *serial,
		  struct update_choice *ret, struct verity_error *err)
{
	bool changed = true;
	int r = 0;

	for (size_t i = 0; i < count; i++)
		choose_one(catalog, &items[i], policy, serial, &ret[i]);
	/* Each round passes over one or more, so there are at most @count. */
	while (r == 0 && changed)
		r = settle(items, count, ret, &changed, err);
	return r;
}
