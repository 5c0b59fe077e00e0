/* SPDX-License-Identifier: MIT */
#include "installer/device/installed.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/store/place.h"
#include "verity/util/cleanup.h"

#define COPY(to, from) snprintf((to), sizeof(to), "%s", (from))

static const char *const status_names[] = {
	[INSTALLED_UNKNOWN] = "unknown",   [INSTALLED_ACTIVE] = "active",
	[INSTALLED_INACTIVE] = "inactive", [INSTALLED_PENDING] = "pending",
	[INSTALLED_REMOVED] = "removed",
};

const char *installed_status_name(enum installed_status status)
{
	return status_names[status];
}

void installed_list_free(struct installed_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		verity_package_free(list->items[i].package);
	free(list->items);
	*list = (struct installed_list){0};
}

/*
 * What speaks against a package by who signed it, or by what this device remembers: that
 * may have changed since the boot.
 */
static bool is_about_trust(enum verity_code code)
{
	switch (code) {
	case VERITY_E_NO_SIGNATURE:
	case VERITY_E_UNTRUSTED_SIGNER:
	case VERITY_E_WEAK_KEY:
	case VERITY_E_MISSING_SIGNER:
	case VERITY_E_REVOKED:
	case VERITY_E_DOWNGRADE:
	case VERITY_E_QUARANTINED:
		return true;
	default:
		return false;
	}
}

/* What was fit to be active, and is not, shares the status of the whole stack. */
static const struct verity_error *reason_of(const struct overlay_state *state,
					    const struct overlay_state_entry *entry)
{
	enum verity_code code = entry->reason.code;
	bool allowed =
		state->allow_untrusted &&
		(code == VERITY_E_NO_SIGNATURE || code == VERITY_E_UNTRUSTED_SIGNER ||
		 code == VERITY_E_WEAK_KEY || code == VERITY_E_MISSING_SIGNER);

	return !entry->active && state->stack.code && (code == VERITY_OK || allowed)
		       ? &state->stack
		       : &entry->reason;
}

static void take_state(struct installed *item, const struct overlay_state *state,
		       const struct overlay_state_entry *entry)
{
	item->status = entry->active ? INSTALLED_ACTIVE : INSTALLED_INACTIVE;
	item->active = entry->active;
	item->booted = entry;
	item->verdict = entry->verdict;
	item->reason = *reason_of(state, entry);
	COPY(item->identity, entry->identity);
	COPY(item->version, entry->version);
	COPY(item->description, entry->description);
}

static void take_judgement(struct installed *item,
			   const struct verity_judgement *judgement)
{
	const struct verity_manifest *manifest = verity_judgement_manifest(judgement);

	item->verdict = verity_judgement_verdict(judgement);
	item->reason = *verity_judgement_reason(judgement);
	if (!manifest)
		return;
	COPY(item->identity, manifest->name);
	COPY(item->version, manifest->version);
	COPY(item->description, manifest->description);
}

/* Of the file that lies there now; none where it cannot be opened or is another. */
static const struct overlay_state_entry *same_file(
	const struct overlay_state_entry *entry, enum overlay_store_kind kind,
	const struct verity_package *package)
{
	struct overlay_file_id id;

	if (!entry || entry->entry.kind != kind ||
	    overlay_file_id_get(verity_package_fd(package), &id, NULL) < 0)
		return NULL;
	return overlay_file_id_equal(&entry->file, &id) ? entry : NULL;
}

/* What was quarantined in this boot is to be tried again at the next. */
static bool is_retried(const struct overlay_state_entry *entry,
		       const struct installed *item)
{
	return entry->verdict == VERITY_QUARANTINED &&
	       item->verdict != VERITY_QUARANTINED;
}

/* As the boot is going to see it. */
static bool is_accepted(struct installed *item)
{
	const struct verity_verified *verified = verity_package_verified(item->package);
	struct verity_error why;

	if (!verified || overlay_place_check(verity_verified_manifest(verified),
					     item->entry.kind, &why) == 0)
		return verified;
	item->reason = why;
	return false;
}

/* @same: what this boot did with this very file; NULL: it did not know it */
static void find_status(struct installed *item, const struct overlay_state *state,
			const struct overlay_state_entry *same, bool accepted)
{
	if (same && same->active) {
		item->status = INSTALLED_ACTIVE;
	} else if (!accepted) {
		item->status = INSTALLED_INACTIVE;
	} else if (same && !is_about_trust(reason_of(state, same)->code)) {
		item->status = INSTALLED_INACTIVE;
		item->reason = *reason_of(state, same);
	} else if (state && state->stack.code && state->count == 0) {
		/* The boot failed before it came to know of any package. */
		item->status = INSTALLED_INACTIVE;
		item->reason = state->stack;
	} else {
		item->status = state ? INSTALLED_PENDING : INSTALLED_UNKNOWN;
	}
}

static void judge(struct installed *item, int folder, const struct verity_policy *policy,
		  const struct overlay_state *state,
		  const struct overlay_state_entry *entry)
{
	const struct overlay_state_entry *same = NULL;
	bool accepted = false;
	char file[80];

	overlay_entry_file(&item->entry, file);
	item->verdict = VERITY_INVALID;
	if (verity_package_open(folder, file, policy, &item->package, &item->reason) ==
	    0) {
		take_judgement(item, verity_package_judgement(item->package));
		accepted = is_accepted(item);
		same = same_file(entry, item->entry.kind, item->package);
		if (same && is_retried(same, item))
			same = NULL;
	}
	find_status(item, state, same, accepted);
	item->booted = entry;
	item->active = entry && entry->active;
	item->ends = item->active && !accepted;
	item->moved = item->active && entry->entry.kind != item->entry.kind;
	if (!same && item->active)
		COPY(item->running, entry->version);
}

/* Whether the state file speaks of the file that lies there, without reading it. */
static bool is_known(const struct overlay_state_entry *entry,
		     enum overlay_store_kind kind, int folder)
{
	struct overlay_file_id id;
	cleanup_fd int fd = -1;
	char file[80];

	/* Quarantine ends with a word. */
	if (!entry || entry->entry.kind != kind || entry->verdict == VERITY_QUARANTINED)
		return false;
	overlay_entry_file(&entry->entry, file);
	fd = openat(folder, file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && overlay_file_id_get(fd, &id, NULL) == 0 &&
	       overlay_file_id_equal(&id, &entry->file);
}

struct sources {
	const struct overlay_store *store;
	const struct overlay_state *state; /* NULL: nothing was activated */
	const struct verity_policy *policy;
	struct verity_policy hasty; /* the same, where the verdict is enough */
};

/* What was not plainly Signed ran because it was allowed: that may have ended. */
static bool is_allowed(const struct verity_policy *policy, enum verity_verdict verdict)
{
	switch (verdict) {
	case VERITY_UNSIGNED:
	case VERITY_UNTRUSTED:
		return policy->allow_untrusted;
	case VERITY_DOWNGRADE:
		return policy->allow_downgrade;
	default:
		return true;
	}
}

/* Whether the boot would say the same of a file now. */
static bool is_settled(const struct sources *sources,
		       const struct overlay_state_entry *entry)
{
	const struct verity_denylist *denylist = sources->policy->denylist;
	uint32_t number = denylist ? verity_denylist_text(denylist)->number : 0;

	return number == sources->state->denylist &&
	       (entry->active ? is_allowed(sources->policy, entry->verdict)
			      : !is_about_trust(entry->reason.code));
}

/* What this boot made of a name, in whichever store it was then. */
static const struct overlay_state_entry *find_state(const struct overlay_state *state,
						    const struct overlay_entry *entry)
{
	struct overlay_entry other = *entry;
	const struct overlay_state_entry *found = NULL;

	if (state)
		found = overlay_state_find(state, entry);
	if (found || !state)
		return found;
	other.kind =
		entry->kind == OVERLAY_ORDINARY ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	return overlay_state_find(state, &other);
}

static void fill(const struct sources *sources, bool whole, struct installed *item)
{
	int folder = overlay_store_folder(sources->store, item->entry.kind);
	const struct overlay_state_entry *entry =
		find_state(sources->state, &item->entry);

	if (!whole && is_known(entry, item->entry.kind, folder) &&
	    is_settled(sources, entry)) {
		take_state(item, sources->state, entry);
		return;
	}
	judge(item, folder, whole ? sources->policy : &sources->hasty, sources->state,
	      entry);
	if (whole)
		return;
	verity_package_free(item->package);
	item->package = NULL;
}

static bool is_listed(const struct installed_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].entry.name, name) == 0)
			return true;
	return false;
}

static void add_removed(const struct overlay_state *state, const char *name,
			struct installed_list *list)
{
	for (size_t i = 0; state && i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];
		struct installed *item = &list->items[list->count];

		if (!entry->active || is_listed(list, entry->entry.name) ||
		    (name && strcmp(entry->entry.name, name) != 0))
			continue;
		take_state(item, state, entry);
		item->entry = entry->entry;
		item->status = INSTALLED_REMOVED;
		item->ends = true;
		list->count++;
	}
}

static int read_list(struct device *device, const char *name, bool whole,
		     struct installed_list *ret, struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	struct sources sources = {.state = device_state(device)};
	size_t most = sources.state ? sources.state->count : 0;
	struct installed_list list = {0};
	struct overlay_store *store;
	size_t count;
	int r = device_policy(device, &sources.policy, err);

	if (r == 0)
		r = device_store(device, &store, err);
	if (r == 0)
		r = overlay_store_list(store, &entries, &count, err);
	if (r < 0)
		return r;
	sources.store = store;
	sources.hasty = *sources.policy;
	sources.hasty.refuse_early = true;
	list.items = calloc(most + count + 1, sizeof(*list.items));
	if (!list.items)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (name && strcmp(entries[i].name, name) != 0)
			continue;
		list.items[list.count].entry = entries[i];
		fill(&sources, whole, &list.items[list.count++]);
	}
	add_removed(sources.state, name, &list);
	*ret = list;
	return 0;
}

int installed_list_read(struct device *device, const char *name,
			struct installed_list *ret, struct verity_error *err)
{
	return read_list(device, name, name != NULL, ret, err);
}

int installed_list_judge(struct device *device, struct installed_list *ret,
			 struct verity_error *err)
{
	return read_list(device, NULL, true, ret, err);
}

bool installed_path(struct device *device, const struct overlay_entry *entry, char *ret,
		    size_t size)
{
	char link[64], folder[PATH_MAX], file[80];
	struct overlay_store *store;
	struct verity_error unused;
	ssize_t length;

	if (device_store(device, &store, &unused) < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d",
		 overlay_store_folder(store, entry->kind));
	length = readlink(link, folder, sizeof(folder) - 1);
	if (length <= 0)
		return false;
	folder[length] = '\0';
	overlay_entry_file(entry, file);
	return (size_t)snprintf(ret, size, "%s/%s", folder, file) < size;
}
