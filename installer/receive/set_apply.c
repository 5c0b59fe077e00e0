/* SPDX-License-Identifier: MIT */
/* Applies a set: what makes its changes one step is overlay/store/change_set.h. */
#include "installer/receive/set_apply.h"

#include <stdio.h>
#include <sys/statvfs.h>

#include "installer/common/signals.h"
#include "installer/device/audit.h"
#include "installer/device/consequences.h"
#include "installer/device/kept_room.h"
#include "verity/statement/catalog.h"
#include "verity/util/text.h"

/* Held to each other, and to those that stay: needs and conflicts. */
static int check_together(const struct set_plan *plan, struct verity_error *err)
{
	cleanup_with(consequences_free) struct consequences after = {.count = 0};
	cleanup_free struct consequences_added *added =
		calloc(plan->count + 1, sizeof(*added));
	cleanup_free struct overlay_entry *removed =
		calloc(2 * plan->count + 1, sizeof(*removed));
	struct consequences_change change = {.added = added, .removed = removed};
	int r;

	if (!added || !removed)
		return verity_no_memory(err);
	for (size_t i = 0; i < plan->count; i++) {
		const struct set_item *item = &plan->items[i];
		struct overlay_entry entry = {.kind = OVERLAY_ORDINARY};

		if (!item->install && set_plan_action(plan, item) != SET_REMOVE)
			continue;
		snprintf(entry.name, sizeof(entry.name), "%s", set_item_name(item));
		removed[change.removed_count++] = entry;
		entry.kind = OVERLAY_PERSISTENT;
		removed[change.removed_count++] = entry;
		if (!item->install)
			continue;
		entry.kind = set_item_kind(item);
		added[change.added_count++] = (struct consequences_added){
			entry, install_judgement(item->install)};
	}
	r = consequences_read(plan->device, &change, &after, err);
	for (size_t i = 0; r == 0 && i < after.count; i++)
		if (i < change.added_count ? !after.items[i].active
					   : consequences_end(&after, i))
			r = verity_fail(
				err, after.reasons[i].code,
				"%s would not be active: %s%s", after.items[i].entry.name,
				after.reasons[i].message,
				plan->set->of_catalog ? "" : " (correct the set)");
	return r;
}

/* As its head says; before that, as the catalogue does. */
static uint64_t bytes_of(const struct set_item *item)
{
	if (item->install)
		return install_file_bytes(item->install);
	return item->wanted->published && !item->met ? item->wanted->published->file_bytes
						     : 0;
}

/* What is needed at the same time: nothing is deleted before all of it has arrived. */
static int check_store(const struct set_plan *plan, enum overlay_store_kind kind,
		       struct verity_error *err)
{
	int folder = overlay_store_folder(plan->store, kind);
	uint64_t needed = 0, room;
	char sizes[2][VERITY_TEXT_SIZE_BYTES];
	struct statvfs fs;

	for (size_t i = 0; i < plan->set->count; i++) {
		uint64_t size = set_item_kind(&plan->items[i]) == kind
					? bytes_of(&plan->items[i])
					: 0;

		needed = size > UINT64_MAX - needed ? UINT64_MAX : needed + size;
	}
	/* Without its folder it is empty, and what a new one takes is not known. */
	if (needed == 0 || folder < 0 || fstatvfs(folder, &fs) < 0)
		return 0;
	room = (uint64_t)fs.f_bavail * fs.f_frsize + kept_room_bytes(plan->device, kind);
	if (needed <= room)
		return 0;
	verity_text_format_size(needed, sizes[0]);
	verity_text_format_size(room, sizes[1]);
	return verity_fail(err, VERITY_E_NO_ROOM,
			   "the new packages need %s and there is room for %s on %s",
			   sizes[0], sizes[1],
			   kind == OVERLAY_PERSISTENT ? "persist" : "data");
}

static int check_room(const struct set_plan *plan, struct verity_error *err)
{
	int r = check_store(plan, OVERLAY_ORDINARY, err);

	return r < 0 ? r : check_store(plan, OVERLAY_PERSISTENT, err);
}

int set_check(struct set_plan *plan, const struct set_origin *origin,
	      struct verity_error *err)
{
	int r = set_fetch_heads(plan, origin, err);

	if (r == 0)
		r = check_together(plan, err);
	return r < 0 ? r : check_room(plan, err);
}

/* The events of a step, as they are logged with it. */
struct events {
	struct device *device;               /* borrowed */
	struct overlay_audit_entry *entries; /* owned, like the next */
	struct overlay_entry *packages;      /* that they are about */
	size_t count;
};

static void events_free(struct events *events)
{
	free(events->entries);
	free(events->packages);
}

static int events_make(const struct set_plan *plan, const struct set_origin *origin,
		       struct events *ret, struct verity_error *err)
{
	struct events events = {
		.device = plan->device,
		.entries = calloc(plan->count + 1, sizeof(*events.entries)),
		.packages = calloc(plan->count + 1, sizeof(*events.packages))};

	*ret = events;
	if (!events.entries || !events.packages)
		return verity_no_memory(err);
	for (size_t i = 0; i < plan->count; i++) {
		const struct set_item *item = &plan->items[i];
		struct overlay_audit_entry *entry = &ret->entries[ret->count];

		if (item->install)
			install_describe(item->install, &events.packages[i], entry);
		else if (set_plan_action(plan, item) == SET_REMOVE)
			*entry = (struct overlay_audit_entry){
				.event = OVERLAY_AUDIT_REMOVE,
				.package = &item->present.entry};
		else
			continue;
		ret->count++;
	}
	if (origin->event)
		ret->entries[ret->count++] = *origin->event;
	return 0;
}

static void write_events(void *context, const uint8_t digest[static VERITY_DIGEST_BYTES])
{
	const struct events *events = context;

	(void)digest;
	audit_add_kept(events->device, events->entries, events->count);
}

/* The step, and what is left of it for others if it is cut off. */
static int commit(const struct set_plan *plan, const struct set_origin *origin,
		  struct overlay_change_set *changes, bool *ret_begun,
		  struct verity_error *err)
{
	cleanup_with(events_free) struct events events = {.count = 0};
	const struct overlay_change_set_log log = {write_events, &events};
	uint8_t digest[VERITY_DIGEST_BYTES];
	bool kept;
	int r = events_make(plan, origin, &events, err);

	*ret_begun = false;
	if (r < 0)
		return r;
	kept = audit_keep(plan->device, events.entries, events.count, digest);
	r = overlay_change_set_commit(changes, kept ? digest : NULL, &log, ret_begun,
				      err);
	/* Who completes it has nothing to log then. */
	if (r < 0 && *ret_begun && !kept)
		audit_add_kept(plan->device, events.entries, events.count);
	return r;
}

int set_apply(struct set_plan *plan, const struct set_origin *origin,
	      const struct install_view *view, struct verity_error *err)
{
	cleanup_with(overlay_change_set_free_p) struct overlay_change_set *changes = NULL;
	size_t count = set_plan_removals(plan);
	bool begun;
	int r = overlay_change_set_new(plan->store, &changes, err);

	if (r == 0)
		r = set_plan_check_same(plan, err);
	/* Of a catalogue the lengths are known: none is fetched for nothing. */
	if (r == 0)
		r = check_room(plan, err);
	if (r == 0)
		r = set_fetch_whole(plan, origin, view, changes, err);
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		if (set_plan_action(plan, &plan->items[i]) == SET_REMOVE)
			r = overlay_change_set_remove(changes,
						      &plan->items[i].present.entry, err);
	for (size_t i = 0; i < plan->count; i++)
		count += plan->items[i].install != NULL;
	if (r == 0 && count > 0)
		r = check_together(plan, err);
	if (r == 0)
		r = signals_check(err);
	if (r == 0 && origin->accepted)
		r = origin->accepted(origin->context, err);
	if (r < 0 || count == 0)
		return r;
	r = commit(plan, origin, changes, &begun, err);
	if (r < 0 && begun)
		verity_text_append(
			err->message, sizeof(err->message),
			"; the rest of the set is completed by the next boot or "
			"the next command");
	for (size_t i = 0; (r == 0 || begun) && i < plan->count; i++)
		if (plan->items[i].install)
			install_finish(plan->items[i].install);
	kept_room_limit(plan->device);
	return r < 0 ? r : 1;
}
