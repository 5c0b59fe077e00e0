/* SPDX-License-Identifier: MIT */
/* Compares a set with what is installed. */
#include "installer/receive/set_plan.h"

#include <errno.h>
#include <string.h>

#include "installer/device/installed.h"
#include "installer/grammar/grammar.h"
#include "overlay/store/change_set.h"
#include "verity/package/inspect.h"
#include "verity/util/debug.h"

void set_plan_free(struct set_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		install_free(plan->items[i].install);
		source_free_p(&plan->items[i].source);
	}
	free(plan->items);
	*plan = (struct set_plan){.count = 0};
}

static bool goes(const struct set_plan *plan, const struct set_item *item)
{
	return !item->wanted && !plan->set->keep;
}

const char *set_item_name(const struct set_item *item)
{
	return item->wanted ? item->wanted->name : item->present.entry.name;
}

enum set_action set_plan_action(const struct set_plan *plan, const struct set_item *item)
{
	if (!item->wanted)
		return goes(plan, item) ? SET_REMOVE : SET_NONE;
	if (item->met)
		return SET_NONE;
	return item->present.there ? SET_REPLACE : SET_INSTALL;
}

size_t set_plan_removals(const struct set_plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++)
		count += goes(plan, &plan->items[i]);
	return count;
}

static int look(const struct overlay_store *store, const struct overlay_entry *entry,
		struct set_present *ret, struct verity_error *err)
{
	cleanup_with(verity_inspection_free_p) struct verity_inspection *inspection =
		NULL;
	const struct verity_manifest *manifest;
	int r = installed_inspect(store, entry, &inspection, err);

	*ret = (struct set_present){.there = true, .entry = *entry};
	if (!inspection)
		return r;
	manifest = verity_inspection_manifest(inspection);
	ret->readable = true;
	snprintf(ret->identity, sizeof(ret->identity), "%s", manifest->name);
	snprintf(ret->version, sizeof(ret->version), "%s", manifest->version);
	ret->epoch = manifest->epoch;
	memcpy(ret->root_hash, manifest->root_hash, sizeof(ret->root_hash));
	return 0;
}

int set_package_compare(const struct verity_set_package *wanted, const char *version,
			const uint8_t root_hash[static VERITY_DIGEST_BYTES],
			struct verity_error *err)
{
	enum verity_code code =
		wanted->published ? VERITY_E_NOT_PUBLISHED : VERITY_E_BAD_SET;
	const char *says = wanted->published ? "the catalogue names" : "the set says";

	if (wanted->version[0] && !verity_set_package_is_latest(wanted) &&
	    strcmp(wanted->version, version) != 0)
		return verity_fail(err, code, "%s version %s, but this is version %s",
				   says, wanted->version, version);
	if (wanted->root_hash_bytes &&
	    memcmp(wanted->root_hash, root_hash, VERITY_DIGEST_BYTES) != 0)
		return verity_fail(err, code, "its root hash is not the one that %s",
				   says);
	return 0;
}

enum overlay_store_kind set_item_kind(const struct set_item *item)
{
	return item->wanted->persistent ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
}

bool set_item_in_store(const struct set_item *item)
{
	return item->present.entry.kind == set_item_kind(item);
}

static int plan_item(struct set_item *item, struct verity_error *err)
{
	const struct verity_set_package *wanted = item->wanted;
	const struct set_present *present = &item->present;
	struct verity_error why = {.message = "it is not installed"};
	int r = -ENOENT;

	if (word_reserved_refuse(wanted->name, err) < 0) {
		err->code = VERITY_E_BAD_SET;
		return -EINVAL;
	}
	if (present->there && !present->readable)
		verity_fail(&why, VERITY_E_BAD_SET, "its file cannot be read");
	else if (present->damaged)
		verity_fail(&why, VERITY_E_BAD_SET, "its file is damaged");
	else if (present->there && !set_item_in_store(item))
		verity_fail(&why, VERITY_E_BAD_SET, "it is%s persistent",
			    wanted->persistent ? " not" : "");
	else if (present->there)
		r = set_package_compare(wanted, present->version, present->root_hash,
					&why);
	item->met = r == 0 && !verity_set_package_is_latest(wanted) &&
		    (wanted->version[0] || wanted->root_hash_bytes);
	if (!item->met && !wanted->source[0])
		return verity_fail(err, VERITY_E_BAD_SET,
				   "%s: %s, and the set names no source for it",
				   wanted->name, why.message);
	return 0;
}

/* What this boot found, and where that is not known, the judge: as `show` has it. */
static void look_at_verdicts(struct set_plan *plan)
{
	cleanup_with(installed_list_free) struct installed_list list = {0};
	struct verity_error why;

	/* It takes no key ring to compare versions. */
	if (installed_list_read(plan->device, NULL, INSTALLED_CHANGED, &list, &why) < 0)
		verity_debug("what is active is not known: %s", why.message);
	for (size_t i = 0; i < list.count; i++) {
		const struct installed *found = &list.items[i];

		for (size_t at = 0; at < plan->count; at++) {
			struct set_present *present = &plan->items[at].present;

			if (!present->there || found->status == INSTALLED_REMOVED ||
			    found->entry.kind != present->entry.kind ||
			    strcmp(found->entry.name, present->entry.name) != 0)
				continue;
			present->damaged = found->verdict == VERITY_INVALID;
			if (found->status == INSTALLED_INACTIVE)
				present->inactive = found->reason;
		}
	}
}

/* What is installed beside what the set names; nothing is judged yet. */
static int look_at_all(struct set_plan *plan, struct verity_error *err)
{
	const struct verity_package_set *set = plan->set;
	cleanup_free struct overlay_entry *entries = NULL;
	size_t installed;
	const struct verity_error *waiting;
	int r = device_store(plan->device, &plan->store, err);

	waiting = r == 0 ? overlay_change_set_waiting(plan->store) : NULL;
	if (waiting)
		r = verity_fail(err, waiting->code, "%s", waiting->message);
	if (r == 0)
		r = overlay_store_list(plan->store, &entries, &installed, err);
	if (r < 0)
		return r;
	plan->items = calloc(set->count + installed + 1, sizeof(*plan->items));
	if (!plan->items)
		return verity_no_memory(err);
	plan->count = set->count;
	for (size_t i = 0; i < set->count; i++)
		plan->items[i].wanted = &set->packages[i];
	for (size_t i = 0; r == 0 && i < installed; i++) {
		size_t at = 0;

		while (at < set->count &&
		       strcmp(set->packages[at].name, entries[i].name) != 0)
			at++;
		if (at == set->count)
			at = plan->count++;
		r = look(plan->store, &entries[i], &plan->items[at].present, err);
	}
	return r;
}

int set_plan_make(struct device *device, const struct verity_package_set *set,
		  struct set_plan *ret, struct verity_error *err)
{
	cleanup_with(set_plan_free) struct set_plan plan = {.device = device, .set = set};
	int r = look_at_all(&plan, err);

	if (r < 0)
		return r;
	look_at_verdicts(&plan);
	for (size_t i = 0; r == 0 && i < set->count; i++)
		r = plan_item(&plan.items[i], err);
	for (size_t i = set->count; r == 0 && i < plan.count; i++)
		if (goes(&plan, &plan.items[i]) &&
		    installed_is_required(device, &plan.items[i].present.entry))
			r = verity_fail(err, VERITY_E_REQUIRED,
					"%s: the device does not start without it (name "
					"it in the set, or change require_packages in "
					"the configuration)",
					set_item_name(&plan.items[i]));
	if (r < 0)
		return r;
	*ret = plan;
	plan = (struct set_plan){.count = 0};
	return 0;
}

static bool is_same(const struct set_present *a, const struct set_present *b)
{
	return a->there == b->there && a->readable == b->readable &&
	       a->entry.kind == b->entry.kind &&
	       strcmp(a->entry.name, b->entry.name) == 0 &&
	       strcmp(a->identity, b->identity) == 0 &&
	       strcmp(a->version, b->version) == 0 &&
	       memcmp(a->root_hash, b->root_hash, sizeof(a->root_hash)) == 0;
}

int set_plan_fail_changed(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_BUSY,
			   "another program has installed or removed packages meanwhile; "
			   "nothing was changed (try again)");
}

int set_plan_check_same(const struct set_plan *plan, struct verity_error *err)
{
	cleanup_with(set_plan_free) struct set_plan now = {.device = plan->device,
							   .set = plan->set};
	int r = look_at_all(&now, err);

	for (size_t i = 0; r == 0 && (i < plan->count || i < now.count); i++)
		if (i >= plan->count || i >= now.count ||
		    !is_same(&plan->items[i].present, &now.items[i].present))
			r = set_plan_fail_changed(err);
	return r;
}
