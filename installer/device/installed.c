/* SPDX-License-Identifier: MIT */

/* Combines the stores, the state file of this boot and the judge. */

#include "installer/device/installed.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/report.h"
#include "overlay/store/order.h"
#include "verity/util/cleanup.h"

#define COPY(to, from) snprintf((to), sizeof(to), "%s", (from))

void installed_list_free(struct installed_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		verity_package_free(list->items[i].package);
	free(list->items);
	*list = (struct installed_list){0};
}

/* A reason that depends on keys, deny list or records, which may have changed since. */
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

/* A package that was accepted, and is not active, is out because the stack failed. */
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

/* @same: what this boot did with this very file; NULL: it did not see it */
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
		/* The boot failed before it listed any package. */
		item->status = INSTALLED_INACTIVE;
		item->reason = state->stack;
	} else {
		item->status = state ? INSTALLED_PENDING : INSTALLED_UNKNOWN;
	}
}

/* Verdict and manifest of the opened package; whether the next boot would accept it. */
static bool take_package(struct installed *item)
{
	const struct verity_judgement *judgement =
		verity_package_judgement(item->package);
	const struct verity_manifest *manifest = judgement->manifest;
	struct verity_error why;

	item->verdict = judgement->verdict;
	item->reason = judgement->reason;
	if (manifest) {
		COPY(item->identity, manifest->name);
		COPY(item->version, manifest->version);
		COPY(item->description, manifest->description);
	}
	if (!verity_package_verified(item->package))
		return false;
	if (overlay_order_check_store(manifest, item->entry.kind, &why) == 0)
		return true;
	item->reason = why;
	return false;
}

static bool is_file(const struct overlay_state_entry *entry, int fd)
{
	struct overlay_file_id id;

	return fd >= 0 && overlay_file_id_get(fd, &id, NULL) == 0 &&
	       overlay_file_id_equal(&entry->file, &id);
}

/* @entry: what this boot did with a file of this name; NULL: nothing */
static void judge(struct installed *item, int folder, const char *file,
		  const struct verity_policy *policy, const struct overlay_state *state,
		  const struct overlay_state_entry *entry)
{
	const struct overlay_state_entry *same = NULL;
	bool accepted = false;

	item->verdict = VERITY_INVALID;
	if (verity_package_open(folder, file, policy, &item->package, &item->reason) ==
	    0) {
		accepted = take_package(item);
		if (entry && entry->entry.kind == item->entry.kind &&
		    is_file(entry, verity_package_fd(item->package)))
			same = entry;
		/* The next boot tries it again: its quarantine was ended. */
		if (same && same->verdict == VERITY_QUARANTINED &&
		    item->verdict != VERITY_QUARANTINED)
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

struct sources {
	const struct overlay_store *store;
	const struct overlay_state *state; /* NULL: nothing was activated */
	const struct verity_policy *policy;
	struct verity_policy hasty; /* the same, where only the verdict matters */
};

/* Whether the next boot would say the same of a file as this one, without reading it. */
static bool is_settled(const struct sources *sources,
		       const struct overlay_state_entry *entry)
{
	const struct verity_policy *policy = sources->policy;
	uint32_t number =
		policy->denylist ? verity_denylist_text(policy->denylist)->number : 0;

	if (number != sources->state->denylist || entry->verdict == VERITY_QUARANTINED)
		return false;
	if (!entry->active)
		return !is_about_trust(entry->reason.code);
	/* What was active only because it was allowed may no longer be. */
	switch (entry->verdict) {
	case VERITY_UNSIGNED:
	case VERITY_UNTRUSTED:
		return policy->allow_untrusted;
	case VERITY_DOWNGRADE:
		return policy->allow_downgrade;
	default:
		return true;
	}
}

/* @whole: judge it, whatever the state file says, and keep it open */
static void fill(const struct sources *sources, bool whole, struct installed *item)
{
	int folder = overlay_store_folder(sources->store, item->entry.kind);
	const struct overlay_state_entry *entry = NULL;
	struct overlay_entry other = item->entry;
	cleanup_fd int fd = -1;
	char file[80];

	/* What this boot did with a file of this name, in this store or the other. */
	other.kind =
		other.kind == OVERLAY_ORDINARY ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	if (sources->state)
		entry = overlay_state_find(sources->state, &item->entry);
	if (sources->state && !entry)
		entry = overlay_state_find(sources->state, &other);
	overlay_entry_file(&item->entry, file);
	if (!whole && entry && entry->entry.kind == item->entry.kind) {
		fd = openat(folder, file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (is_file(entry, fd) && is_settled(sources, entry)) {
			take_state(item, sources->state, entry);
			return;
		}
	}
	judge(item, folder, file, whole ? sources->policy : &sources->hasty,
	      sources->state, entry);
	if (!whole) {
		verity_package_free(item->package);
		item->package = NULL;
	}
}

/* Appends what this boot activated, and is no longer installed. */
static void add_removed(const struct overlay_state *state, const char *name,
			struct installed_list *list)
{
	for (size_t i = 0; state && i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];
		struct installed *item = &list->items[list->count];
		bool listed = false;

		for (size_t k = 0; k < list->count; k++)
			listed = listed || strcmp(list->items[k].entry.name,
						  entry->entry.name) == 0;
		if (!entry->active || listed ||
		    (name && strcmp(entry->entry.name, name) != 0))
			continue;
		take_state(item, state, entry);
		item->entry = entry->entry;
		item->status = INSTALLED_REMOVED;
		item->ends = true;
		list->count++;
	}
}

/* What this boot found is all that others than root can see. */
static void add_booted(const struct overlay_state *state, struct installed_list *list)
{
	report_warning("only root can read the packages: this is what the boot found, "
		       "without what was changed since");
	for (size_t i = 0; i < state->count; i++) {
		struct installed *item = &list->items[list->count++];

		take_state(item, state, &state->entries[i]);
		item->entry = state->entries[i].entry;
	}
}

int installed_list_read(struct device *device, const char *name, bool whole,
			struct installed_list *ret, struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	struct sources sources = {.state = device_state(device)};
	size_t most = sources.state ? sources.state->count : 0;
	struct installed_list list = {0};
	struct overlay_store *store = NULL;
	size_t count = 0;
	bool hidden;
	int r = device_policy(device, &sources.policy, err);

	if (r == 0)
		r = device_store(device, &store, err);
	hidden = r == -EACCES && !store && sources.state && !whole;
	if (r == 0)
		r = overlay_store_list(store, &entries, &count, err);
	if (r < 0 && !hidden)
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
	if (hidden)
		add_booted(sources.state, &list);
	else
		add_removed(sources.state, name, &list);
	*ret = list;
	return 0;
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
