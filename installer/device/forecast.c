/* SPDX-License-Identifier: MIT */

/* Judges packages for another firmware and model. */

#include "installer/device/forecast.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "installer/device/installed.h"
#include "overlay/record/good_set.h"
#include "overlay/store/order.h"
#include "overlay/store/relations.h"
#include "verity/util/cleanup.h"

const char *forecast_name(enum forecast forecast)
{
	static const char *const names[] = {
		[FORECAST_STAYS] = "stays",
		[FORECAST_STOPS] = "stops",
		[FORECAST_STARTS] = "starts",
		[FORECAST_STAYS_OUT] = "stays-out",
	};

	return names[forecast];
}

enum forecast forecast_plan(const struct forecast_now *now,
			    struct verity_error *ret_reason)
{
	*ret_reason = *now->reason;
	if (!now->here || !now->there)
		return now->active ? FORECAST_STAYS : FORECAST_STAYS_OUT;
	if (!now->there->accepted) {
		*ret_reason = now->there->reason;
		return now->active ? FORECAST_STOPS : FORECAST_STAYS_OUT;
	}
	/* Accepted here too, but not active: for a reason outside its manifest. */
	if (!now->active && now->here->accepted)
		return FORECAST_STAYS_OUT;
	*ret_reason = (struct verity_error){.code = VERITY_OK};
	return now->active ? FORECAST_STAYS : FORECAST_STARTS;
}

/* A package file, and two policies: of the device as it is, and as it would be. */
struct subject {
	int folder;
	const char *file;
	enum overlay_store_kind kind;
	bool any_store; /* not installed: the store is not known */
	struct verity_policy here;
	struct verity_policy there;
};

void forecast_list_free(struct forecast_list *list)
{
	free(list->items);
	*list = (struct forecast_list){.count = 0};
}

/* Whether the rest of the file is acceptable too, which this boot has not activated. */
static bool is_whole(const struct subject *subject, struct verity_error *reason)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_verified *verified;

	if (verity_package_open(subject->folder, subject->file, &subject->there, &package,
				reason) < 0)
		return false;
	verified = verity_package_verified(package);
	if (!verified) {
		*reason = verity_package_judgement(package)->reason;
		return false;
	}
	return subject->any_store ||
	       overlay_order_check_store(verity_verified_manifest(verified),
					 subject->kind, reason) == 0;
}

/* What is known of a package before the others are asked. */
struct planned {
	struct verity_inspection *inspection; /* owned; NULL: not readable */
	struct verity_error here;             /* why it is not active here */
	bool trusted[2];                      /* here, there */
};

struct planned_list {
	struct planned *items; /* owned; as the items of the forecast */
	size_t count;
};

static void planned_list_free(struct planned_list *list)
{
	for (size_t i = 0; list->items && i < list->count; i++)
		verity_inspection_free(list->items[i].inspection);
	free(list->items);
}

static bool is_trusted(const struct verity_outlook *outlook)
{
	return outlook->verdict == VERITY_SIGNED || outlook->verdict == VERITY_DOWNGRADE;
}

static int plan(const struct subject *subject, const struct verity_error *reason,
		struct forecast_item *item, struct planned *ret, struct verity_error *err)
{
	struct verity_outlook here = {.accepted = false}, there = here;
	struct forecast_now now = {.active = item->active, .reason = reason};
	struct verity_error unused;
	int r = 0;

	ret->here = *reason;
	if (verity_inspection_open(subject->folder, subject->file, &ret->inspection,
				   &unused) == 0) {
		r = verity_inspection_outlook(ret->inspection, &subject->here, &here,
					      err);
		if (r == 0)
			r = verity_inspection_outlook(ret->inspection, &subject->there,
						      &there, err);
		ret->trusted[0] = is_trusted(&here);
		ret->trusted[1] = is_trusted(&there);
		now.here = &here;
		now.there = &there;
	}
	if (r < 0)
		return r;
	item->forecast = forecast_plan(&now, &item->reason);
	if (item->forecast == FORECAST_STARTS && !is_whole(subject, &item->reason))
		item->forecast = FORECAST_STAYS_OUT;
	return 0;
}

static int plan_installed(const struct overlay_store *store,
			  const struct installed *installed,
			  const struct subject *policies, struct forecast_item *ret,
			  struct planned *planned, struct verity_error *err)
{
	enum verity_code code = installed->reason.code;
	struct subject subject = *policies;
	char file[80];

	overlay_entry_file(&installed->entry, file);
	subject.folder = overlay_store_folder(store, installed->entry.kind);
	subject.file = file;
	subject.kind = installed->entry.kind;
	ret->entry = installed->entry;
	/* Whether the next boot would activate it, but for the others. */
	ret->active = code == VERITY_E_MISSING_NEED || code == VERITY_E_CONFLICT ||
		      installed->status == INSTALLED_PENDING ||
		      installed->status == INSTALLED_UNKNOWN ||
		      (installed->status == INSTALLED_ACTIVE && !installed->ends);
	return plan(&subject, &installed->reason, ret, planned, err);
}

/* Without a quarantine, which `install` would end. */
static int plan_at_hand(const char *file, const struct subject *policies,
			struct forecast_item *ret, struct planned *planned,
			struct verity_error *err)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	struct subject subject = *policies;
	const struct verity_manifest *manifest;
	int r;

	subject.folder = AT_FDCWD;
	subject.file = file;
	subject.any_store = true;
	subject.here.quarantine = subject.there.quarantine = NULL;
	r = verity_package_open(AT_FDCWD, file, &subject.here, &package, err);
	if (r < 0)
		return verity_context(err, r, "%s", file);
	ret->at_hand = true;
	ret->active = verity_package_verified(package);
	manifest = verity_package_judgement(package)->manifest;
	if (verity_name_from_path(file, ret->entry.name, NULL) < 0)
		snprintf(ret->entry.name, sizeof(ret->entry.name), "%s",
			 manifest ? manifest->name : "");
	return plan(&subject, &verity_package_judgement(package)->reason, ret, planned,
		    err);
}

/*
 * Leave out, of those that would be active, what cannot be with the others.
 * @active, @reasons: by item
 */
static int settle(const struct forecast_list *list, const struct planned_list *planned,
		  const struct overlay_good_set *good, bool there, bool *active,
		  struct verity_error *reasons, struct verity_error *err)
{
	cleanup_free struct overlay_related *related =
		calloc(list->count + 1, sizeof(*related));
	int r;

	if (!related)
		return verity_no_memory(err);
	for (size_t i = 0; i < list->count; i++) {
		const struct planned *from = &planned->items[i];
		const struct verity_manifest *manifest =
			from->inspection ? verity_inspection_manifest(from->inspection)
					 : NULL;

		related[i] = (struct overlay_related){
			.entry = list->items[i].entry,
			.identity = manifest ? manifest->name : "",
			.version = manifest ? manifest->version : "",
			.manifest = manifest,
			.trusted = from->trusted[there],
			.good = manifest &&
				overlay_good_has(good, &list->items[i].entry,
						 manifest->name, manifest->root_hash),
			.active = manifest && active[i],
			.reason = &reasons[i],
		};
	}
	r = overlay_relations_settle(related, list->count, err);
	for (size_t i = 0; r == 0 && i < list->count; i++)
		active[i] = active[i] && (!related[i].manifest || related[i].active);
	return r;
}

/* What is left out here, or there, takes with it what needs it. */
static int plan_relations(struct device *device, const struct planned_list *planned,
			  struct forecast_list *list, struct verity_error *err)
{
	static const enum forecast forecasts[2][2] = {
		{FORECAST_STAYS_OUT, FORECAST_STARTS}, {FORECAST_STOPS, FORECAST_STAYS}};
	cleanup_with(overlay_good_free) struct overlay_good_set good = {0};
	size_t most = list->count + 1;
	cleanup_free bool *here = calloc(most, sizeof(*here));
	cleanup_free bool *there = calloc(most, sizeof(*there));
	cleanup_free struct verity_error *reasons = calloc(most, sizeof(*reasons));
	cleanup_free struct verity_error *unused = calloc(most, sizeof(*unused));
	int r;

	if (!here || !there || !reasons || !unused)
		return verity_no_memory(err);
	r = device_good_find(device, &good, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list->count; i++) {
		const struct forecast_item *item = &list->items[i];

		here[i] = item->active;
		there[i] = item->forecast == FORECAST_STAYS ||
			   item->forecast == FORECAST_STARTS;
		reasons[i] = item->reason;
		unused[i] = planned->items[i].here;
	}
	r = settle(list, planned, &good, false, here, unused, err);
	if (r == 0)
		r = settle(list, planned, &good, true, there, reasons, err);
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		struct forecast_item *item = &list->items[i];

		item->active = here[i];
		item->forecast = forecasts[here[i]][there[i]];
		item->reason = reasons[i];
		if (there[i])
			item->reason = (struct verity_error){.code = VERITY_OK};
	}
	return r;
}

int forecast_read(struct device *device, const struct forecast_request *asked,
		  struct forecast_list *ret, struct verity_error *err)
{
	cleanup_with(installed_list_free) struct installed_list installed = {0};
	cleanup_with(forecast_list_free) struct forecast_list list = {.count = 0};
	cleanup_with(planned_list_free) struct planned_list planned = {.count = 0};
	const struct verity_policy *policy;
	struct overlay_store *store;
	struct subject policies;
	int r = device_policy(device, &policy, err);

	if (r == 0)
		r = installed_list_read(device, NULL, INSTALLED_CHANGED, &installed, err);
	if (r == 0)
		r = device_store(device, &store, err);
	if (r < 0)
		return r;
	list.items = calloc(installed.count + 1, sizeof(*list.items));
	planned.items = calloc(installed.count + 1, sizeof(*planned.items));
	planned.count = installed.count + 1;
	if (!list.items || !planned.items)
		return verity_no_memory(err);
	policies = (struct subject){.here = *policy, .there = *policy};
	if (asked->firmware)
		policies.there.firmware = asked->firmware;
	if (asked->model)
		policies.there.model = asked->model;
	if (asked->file)
		r = plan_at_hand(asked->file, &policies, &list.items[list.count++],
				 &planned.items[0], err);
	for (size_t i = 0; r == 0 && i < installed.count; i++) {
		const struct installed *item = &installed.items[i];

		/* The file replaces the one of its name. */
		if (item->status == INSTALLED_REMOVED ||
		    (asked->file &&
		     strcmp(list.items[0].entry.name, item->entry.name) == 0))
			continue;
		r = plan_installed(store, item, &policies, &list.items[list.count],
				   &planned.items[list.count], err);
		list.count++;
	}
	if (r == 0)
		r = plan_relations(device, &planned, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++)
		list.stops += list.items[i].forecast == FORECAST_STOPS;
	*ret = list;
	list = (struct forecast_list){.count = 0};
	return 0;
}
