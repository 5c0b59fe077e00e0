/* SPDX-License-Identifier: MIT */

/* Needs and conflicts at an installation: what a technician can do, in the right order.
 */

#include "installer/device/install_needs.h"

#include <string.h>

#include "installer/common/report.h"
#include "installer/device/consequences.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"
#include "verity/util/version.h"

#define FORCE "to install it all the same: install force ..."

/* The package of an identity that is active, else one that is not; NULL: none. */
static const struct overlay_related *find(const struct consequences *after,
					  const char *identity)
{
	const struct overlay_related *found = NULL;

	for (size_t i = 0; i < after->count; i++) {
		const struct overlay_related *item = &after->items[i];

		if (strcmp(item->identity, identity) == 0 && (!found || item->active))
			found = item;
	}
	return found;
}

static bool is_met(const struct overlay_related *by, const struct verity_need *need)
{
	return by && by->active &&
	       (!need->version[0] ||
		verity_version_compare(by->version, need->version) >= 0);
}

/* What to do about the first need that is not met. */
static int refuse_need(const struct consequences *after, struct verity_error *err)
{
	const struct overlay_related *item = &after->items[0];
	const struct verity_need *needs = item->manifest->needs;
	const struct overlay_related *by = NULL;
	size_t at = 0;
	int r;

	for (; at < item->manifest->needs_count; at++) {
		by = find(after, needs[at].name);
		if (!is_met(by, &needs[at]))
			break;
	}
	r = verity_fail(err, VERITY_E_MISSING_NEED, "%s", item->reason->message);
	if (by && !by->active &&
	    (!needs[at].version[0] ||
	     verity_version_compare(by->version, needs[at].version) >= 0))
		verity_text_append(err->message, sizeof(err->message),
				   " (what to do: wmopkg show %s; " FORCE ")",
				   by->entry.name);
	else
		verity_text_append(err->message, sizeof(err->message),
				   " (install %s%s%s%s first; " FORCE ")", needs[at].name,
				   needs[at].version[0] ? " " : "", needs[at].version,
				   needs[at].version[0] ? " or later" : "");
	return r;
}

static bool names(const struct overlay_related *item, const struct overlay_related *other)
{
	for (size_t i = 0; i < item->manifest->conflicts_count; i++)
		if (strcmp(item->manifest->conflicts[i], other->identity) == 0)
			return true;
	return false;
}

/* An installed package that it conflicts with, whichever of the two would be left out. */
static const struct overlay_related *find_rival(const struct consequences *after)
{
	const struct overlay_related *own = &after->items[0];

	for (size_t i = 1; i < after->count; i++) {
		const struct overlay_related *item = &after->items[i];

		if (item->manifest && (item->active || consequences_end(after, i)) &&
		    (names(own, item) || names(item, own)))
			return item;
	}
	return NULL;
}

/* A package that is not active any more, if possible one that needs this very one. */
static const struct overlay_related *find_ended(const struct consequences *after)
{
	const char *identity = after->items[0].identity;
	const struct overlay_related *found = NULL;

	for (size_t i = 1; i < after->count; i++) {
		const struct verity_manifest *manifest = after->items[i].manifest;

		if (!consequences_end(after, i))
			continue;
		if (!found)
			found = &after->items[i];
		for (size_t k = 0; k < manifest->needs_count; k++)
			if (strcmp(manifest->needs[k].name, identity) == 0)
				return &after->items[i];
	}
	return found;
}

int install_check_needs(struct device *device, const struct overlay_entry *entry,
			const struct verity_judgement *judgement, bool force,
			bool *ret_any, struct verity_error *err)
{
	cleanup_with(consequences_free) struct consequences after = {.count = 0};
	const struct consequences_added added = {*entry, judgement};
	struct overlay_entry replaced[] = {*entry, *entry};
	const struct consequences_change change = {&added, 1, replaced, 2};
	const struct overlay_related *rival, *ends;
	int r;

	replaced[0].kind = OVERLAY_ORDINARY;
	replaced[1].kind = OVERLAY_PERSISTENT;
	r = consequences_read(device, &change, &after, err);
	if (r < 0)
		return r;
	*ret_any = after.count > 0;
	if (after.count == 0)
		return 0;
	if (force)
		return consequences_check(device, &after, 1, err);
	rival = find_rival(&after);
	if (rival)
		return verity_fail(err, VERITY_E_CONFLICT,
				   "it conflicts with %s, which is installed (remove "
				   "that first: wmopkg remove %s; " FORCE ")",
				   rival->entry.name, rival->entry.name);
	if (!after.items[0].active && after.reasons[0].code == VERITY_E_MISSING_NEED)
		return refuse_need(&after, err);
	ends = find_ended(&after);
	if (ends)
		return verity_fail(err, ends->reason->code,
				   "%s would not be active any more: %s (remove that "
				   "first: wmopkg remove %s; " FORCE ")",
				   ends->entry.name, ends->reason->message,
				   ends->entry.name);
	return 0;
}

/* A reset deletes the one that is needed, and keeps the one that needs it. */
static void warn_reset(const struct installed_list *list, const struct installed *own)
{
	const struct verity_manifest *manifest;

	if (own->entry.kind != OVERLAY_PERSISTENT || !own->package)
		return;
	manifest = verity_package_judgement(own->package)->manifest;
	for (size_t i = 0; manifest && i < manifest->needs_count; i++)
		for (size_t k = 0; k < list->count; k++) {
			const struct installed *item = &list->items[k];

			if (item->entry.kind == OVERLAY_ORDINARY &&
			    item->reason.code != VERITY_E_DUPLICATE &&
			    strcmp(item->identity, manifest->needs[i].name) == 0)
				report_warning(
					"%s: a factory reset keeps it, and deletes %s, "
					"which it needs (to keep both: wmopkg install "
					"persistent ... for %s, too)",
					own->entry.name, item->entry.name,
					item->entry.name);
		}
}

void install_warn_needs(struct device *device, const struct overlay_entry *entry)
{
	cleanup_with(installed_list_free) struct installed_list list = {0};

	if (installed_list_read(device, NULL, INSTALLED_HEADS, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.count; i++) {
		const struct installed *item = &list.items[i];

		if (item->entry.kind != entry->kind ||
		    strcmp(item->entry.name, entry->name) != 0)
			continue;
		if (item->reason.code == VERITY_E_MISSING_NEED ||
		    item->reason.code == VERITY_E_CONFLICT)
			report_warning("%s: not active after reboot: %s", entry->name,
				       item->reason.message);
		warn_reset(&list, item);
	}
}
