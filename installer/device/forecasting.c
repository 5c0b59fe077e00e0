/* SPDX-License-Identifier: MIT */
#include "installer/device/forecasting.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "installer/device/installed.h"
#include "overlay/store/place.h"
#include "verity/util/cleanup.h"

/* A package file, and the device's two policies: as it is, and as it would be. */
struct subject {
	int folder;
	const char *file;
	enum overlay_store_kind kind;
	bool any_store; /* it lies in none yet, and may go where it wants */
	struct verity_policy here;
	struct verity_policy there;
};

void forecasting_free(struct forecast_list *list)
{
	free(list->items);
	*list = (struct forecast_list){.count = 0};
}

/* What the front does not tell, of one that has not been active here. */
static bool is_whole(const struct subject *subject, struct verity_error *reason)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_verified *verified;

	if (verity_package_open(subject->folder, subject->file, &subject->there, &package,
				reason) < 0)
		return false;
	verified = verity_package_verified(package);
	if (!verified) {
		*reason = *verity_judgement_reason(verity_package_judgement(package));
		return false;
	}
	return subject->any_store ||
	       overlay_place_check(verity_verified_manifest(verified), subject->kind,
				   reason) == 0;
}

static int plan(const struct subject *subject, const struct verity_error *reason,
		struct forecast_item *item, struct verity_error *err)
{
	cleanup_with(verity_peek_free_p) struct verity_peek *peek = NULL;
	struct verity_outlook here, there;
	struct forecast_now now = {.active = item->active, .reason = reason};
	struct verity_error unused;
	int r = 0;

	if (verity_peek_open(subject->folder, subject->file, &peek, &unused) == 0) {
		r = verity_peek_outlook(peek, &subject->here, &here, err);
		if (r == 0)
			r = verity_peek_outlook(peek, &subject->there, &there, err);
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

/* Whether the next boot of the device as it is would activate it. */
static bool is_coming(const struct installed *installed)
{
	return installed->status == INSTALLED_PENDING ||
	       installed->status == INSTALLED_UNKNOWN ||
	       (installed->status == INSTALLED_ACTIVE && !installed->ends);
}

static int plan_installed(const struct overlay_store *store,
			  const struct installed *installed,
			  const struct subject *policies, struct forecast_item *ret,
			  struct verity_error *err)
{
	struct subject subject = *policies;
	char file[80];

	overlay_entry_file(&installed->entry, file);
	subject.folder = overlay_store_folder(store, installed->entry.kind);
	subject.file = file;
	subject.kind = installed->entry.kind;
	ret->entry = installed->entry;
	ret->active = is_coming(installed);
	return plan(&subject, &installed->reason, ret, err);
}

/* As `install` judges it, which ends a quarantine. */
static int plan_at_hand(const char *file, const struct subject *policies,
			struct forecast_item *ret, struct verity_error *err)
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
	manifest = verity_judgement_manifest(verity_package_judgement(package));
	if (verity_name_from_path(file, ret->entry.name, NULL) < 0)
		snprintf(ret->entry.name, sizeof(ret->entry.name), "%s",
			 manifest ? manifest->name : "");
	return plan(&subject, verity_judgement_reason(verity_package_judgement(package)),
		    ret, err);
}

static bool takes_place(const struct forecast_list *list, const struct installed *item)
{
	return item->status == INSTALLED_REMOVED ||
	       (list->count > 0 && list->items[0].at_hand &&
		strcmp(list->items[0].entry.name, item->entry.name) == 0);
}

static int plan_all(struct device *device, const struct forecasting *asked,
		    const struct subject *policies,
		    const struct installed_list *installed, struct forecast_list *list,
		    struct verity_error *err)
{
	struct overlay_store *store;
	int r = device_store(device, &store, err);

	list->items = calloc(installed->count + 1, sizeof(*list->items));
	if (!list->items)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (r == 0 && asked->file)
		r = plan_at_hand(asked->file, policies, &list->items[list->count++], err);
	for (size_t i = 0; r == 0 && i < installed->count; i++)
		if (!takes_place(list, &installed->items[i]))
			r = plan_installed(store, &installed->items[i], policies,
					   &list->items[list->count++], err);
	for (size_t i = 0; i < list->count; i++)
		list->stops += list->items[i].forecast == FORECAST_STOPS;
	return r;
}

int forecasting_read(struct device *device, const struct forecasting *asked,
		     struct forecast_list *ret, struct verity_error *err)
{
	cleanup_with(installed_list_free) struct installed_list installed = {0};
	cleanup_with(forecasting_free) struct forecast_list list = {.count = 0};
	const struct verity_policy *policy;
	struct subject policies;
	int r = device_policy(device, &policy, err);

	if (r == 0)
		r = installed_list_read(device, NULL, &installed, err);
	if (r < 0)
		return r;
	policies = (struct subject){.here = *policy, .there = *policy};
	if (asked->firmware)
		policies.there.firmware = asked->firmware;
	if (asked->model)
		policies.there.model = asked->model;
	r = plan_all(device, asked, &policies, &installed, &list, err);
	if (r < 0)
		return r;
	*ret = list;
	list = (struct forecast_list){.count = 0};
	return 0;
}
