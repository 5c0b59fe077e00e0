/* SPDX-License-Identifier: MIT */
/* Several packages installed and removed as one step. */
#include "overlay/store/change_set.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "overlay/store/set_journal.h"
#include "overlay/store/store_private.h"

struct overlay_change_set {
	struct overlay_store *store; /* borrowed */
	struct store_lock lock;
	struct overlay_incoming **incoming; /* owned, with what they point to */
	size_t incoming_count;
	struct set_journal removals;
};

int overlay_change_set_new(struct overlay_store *store, struct overlay_change_set **ret,
			   struct verity_error *err)
{
	cleanup_with(overlay_change_set_free_p) struct overlay_change_set *set =
		calloc(1, sizeof(*set));
	int r = 0;

	if (!set)
		return verity_no_memory(err);
	*set = (struct overlay_change_set){.store = store, .lock = STORE_UNLOCKED};
	for (int kind = 0; r == 0 && kind < KINDS; kind++)
		if (overlay_store_is_there(store, (enum overlay_store_kind)kind))
			r = store_make_folder(store, (enum overlay_store_kind)kind, err);
	if (r == 0)
		r = store_lock_both(store, &set->lock, err);
	if (r == 0 && set->lock.unfinished)
		r = verity_fail(err, store->waits.code, "%s", store->waits.message);
	if (r == 0)
		r = store_clear_both(store, &set->lock, OVERLAY_PERSISTENT, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&set);
	return 0;
}

void overlay_change_set_free(struct overlay_change_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->incoming_count; i++)
		overlay_incoming_free(set->incoming[i]);
	free(set->incoming);
	set_journal_free(&set->removals);
	store_unlock(&set->lock);
	free(set);
}

int overlay_change_set_add(struct overlay_change_set *set, enum overlay_store_kind kind,
			   const char *name, struct overlay_incoming **ret,
			   struct verity_error *err)
{
	struct overlay_incoming **grown;
	char file[OVERLAY_FILE_BYTES];
	int r;

	snprintf(file, sizeof(file), "%s" VERITY_PACKAGE_SUFFIX, name);
	/* on vfat and exfat they would be one file */
	for (size_t i = 0; i < set->incoming_count; i++)
		if (strcasecmp(set->incoming[i]->final, file) == 0)
			return verity_fail(err, VERITY_E_OTHER_NAME,
					   "%s is installed twice in one step", name);
	grown = reallocarray(set->incoming, set->incoming_count + 1, sizeof(*grown));
	if (!grown)
		return verity_no_memory(err);
	set->incoming = grown;
	r = store_make_folder(set->store, kind, err); /* there is none of this kind */
	if (r == 0)
		r = store_incoming_in_set(set->store, &set->lock, kind, name,
					  &set->incoming[set->incoming_count], err);
	if (r < 0)
		return r;
	*ret = set->incoming[set->incoming_count++];
	return 0;
}

void overlay_change_set_drop(struct overlay_change_set *set)
{
	overlay_incoming_free(set->incoming[--set->incoming_count]);
}

/*
 * @file, what it is now, which goes. What a damaged disk holds can go, too.
 *
 * Return: 1; 0: there is none; -errno.
 */
static int find_going(const struct overlay_change_set *set, const char *file,
		      struct set_change *change, struct verity_error *err)
{
	int r = set_file_identify(set->store->kinds[change->entry.kind].folder, file,
				  &change->file);

	change->removes = true;
	if (r == -EIO)
		return 1;
	return r < 0 ? verity_fail_errno(err, -r, "%s", file) : r;
}

int overlay_change_set_remove(struct overlay_change_set *set,
			      const struct overlay_entry *entry, struct verity_error *err)
{
	struct set_change change = {.entry = *entry};
	char file[OVERLAY_FILE_BYTES];
	int r;

	overlay_entry_file(entry, file);
	r = find_going(set, file, &change, err);
	if (r == 0)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "package '%s' is not installed", entry->name);
	if (r > 0)
		r = set_journal_add(&set->removals, &change, err);
	/* what a move left there would be the package again */
	change.entry.kind = OVERLAY_ORDINARY;
	if (r < 0 || entry->kind != OVERLAY_PERSISTENT ||
	    store_can_delete(set->store->kinds[OVERLAY_ORDINARY].folder, file) == -EISDIR)
		return r;
	r = find_going(set, file, &change, err);
	return r > 0 ? set_journal_add(&set->removals, &change, err) : r;
}

/* A new file, complete on disk, and what lies in the other store under its name. */
static int list_incoming(const struct overlay_change_set *set,
			 const struct overlay_incoming *incoming, struct set_journal *ret,
			 struct verity_error *err)
{
	struct set_change change = {.entry.kind = incoming->kind};
	enum overlay_store_kind other = incoming->kind == OVERLAY_PERSISTENT
						? OVERLAY_ORDINARY
						: OVERLAY_PERSISTENT;
	int can, r;

	(void)!overlay_entry_name(incoming->final, change.entry.name);
	if (fsync(incoming->fd) < 0 || fsync(incoming->folder) < 0)
		return verity_fail_errno(err, errno, "%s", incoming->final);
	r = set_file_identify(incoming->folder, incoming->file, &change.file);
	if (r < 0)
		return verity_fail_errno(err, -r, "%s", incoming->final);
	if (r == 0)
		return verity_fail(err, VERITY_E_IO, "%s is gone", incoming->file);
	/* What the rename cannot replace must be known before the step. */
	if (store_can_delete(incoming->folder, incoming->final) == -EISDIR)
		return verity_fail(err, VERITY_E_NOT_A_FILE,
				   "%s: a folder of this name lies in the store (remove "
				   "it first: wmopkg remove %s)",
				   incoming->final, change.entry.name);
	r = set_journal_add(ret, &change, err);
	can = store_can_delete(set->lock.folders[other], incoming->final);
	change.entry.kind = other;
	if (r < 0 || can == 0 || (can == -EISDIR && other == OVERLAY_ORDINARY))
		return r;
	if (can < 0)
		return verity_fail_errno(err, -can, "the %s %s",
					 other == OVERLAY_PERSISTENT ? "persistent"
								     : "ordinary",
					 incoming->final);
	r = find_going(set, incoming->final, &change, err);
	return r > 0 ? set_journal_add(ret, &change, err) : r;
}

/*
 * Writes the list of each store, the one whose writing is the step last. Where a later
 * one fails, the earlier one is of a set that was not committed.
 */
static int write_lists(const struct overlay_change_set *set,
		       const struct set_journal *all, const uint8_t *digest,
		       struct verity_error *err)
{
	struct set_journal lists[KINDS] = {{.count = 0}, {.count = 0}}, *step;
	struct verity_error unused;
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->count; i++)
		r = set_journal_add(&lists[all->changes[i].entry.kind], &all->changes[i],
				    err);
	lists[OVERLAY_ORDINARY].alone = lists[OVERLAY_PERSISTENT].count == 0;
	step = &lists[lists[OVERLAY_ORDINARY].alone ? OVERLAY_ORDINARY
						    : OVERLAY_PERSISTENT];
	if (digest) {
		memcpy(step->log, digest, sizeof(step->log));
		step->log_bytes = sizeof(step->log);
	}
	for (size_t kind = 0; r == 0 && kind < KINDS; kind++) {
		if (lists[kind].count == 0)
			continue;
		r = set_journal_store(set->lock.folders[kind], &lists[kind], err);
		if (r < 0)
			verity_context(err, r, "%s",
				       store_name((enum overlay_store_kind)kind));
		if (r == 0 && kind == OVERLAY_ORDINARY) {
			memcpy(lists[OVERLAY_PERSISTENT].other, lists[kind].digest,
			       sizeof(lists[kind].digest));
			lists[OVERLAY_PERSISTENT].other_bytes =
				sizeof(lists[kind].digest);
		}
	}
	for (size_t kind = KINDS; kind-- > 0;) {
		if (r < 0 && lists[kind].count > 0)
			(void)!set_journal_delete(set->lock.folders[kind], &unused);
		set_journal_free(&lists[kind]);
	}
	return r;
}

static int delete_lists(const struct overlay_change_set *set, struct verity_error *err)
{
	int r = 0;

	for (size_t kind = 0; r == 0 && kind < KINDS; kind++)
		if (set->lock.folders[kind] >= 0)
			r = set_journal_delete(set->lock.folders[kind], err);
	return r;
}

int overlay_change_set_commit(struct overlay_change_set *set, const uint8_t *digest,
			      const struct overlay_change_set_log *log, bool *ret_begun,
			      struct verity_error *err)
{
	static const uint8_t none[VERITY_DIGEST_BYTES];
	cleanup_with(set_journal_free) struct set_journal all = {.count = 0};
	int r = 0;

	*ret_begun = false;
	for (size_t i = 0; r == 0 && i < set->incoming_count; i++)
		r = list_incoming(set, set->incoming[i], &all, err);
	for (size_t i = 0; r == 0 && i < set->removals.count; i++)
		r = set_journal_add(&all, &set->removals.changes[i], err);
	if (r < 0 || all.count == 0)
		return r;
	r = write_lists(set, &all, digest, err);
	if (r < 0)
		return r;
	*ret_begun = true;
	for (size_t i = 0; i < set->incoming_count; i++)
		set->incoming[i]->file[0] = '\0'; /* no longer ours to delete */
	r = store_make_changes(set->store, &all, true, err);
	if (r < 0)
		return r;
	if (log)
		log->write(log->context, digest ?: none);
	return delete_lists(set, err);
}

void overlay_change_set_log_found(struct overlay_store *store,
				  const struct overlay_change_set_log *log)
{
	store->log = log;
}

int overlay_change_set_recover(struct overlay_store *store, struct verity_error *err)
{
	cleanup_with(store_unlock) struct store_lock lock = STORE_UNLOCKED;
	bool is_there = false;

	for (size_t kind = 0; kind < KINDS; kind++)
		is_there = is_there || set_journal_is_there(store->kinds[kind].folder);
	return is_there ? store_lock_both(store, &lock, err) : 0;
}

const struct verity_error *overlay_change_set_waiting(const struct overlay_store *store)
{
	return store->waits.code == VERITY_OK ? NULL : &store->waits;
}
