/* SPDX-License-Identifier: MIT */
/* Makes the changes of a set that was committed, and then perhaps cut off. */
#include "overlay/store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/erase.h"
#include "overlay/store/set_journal.h"
#include "verity/util/debug.h"

#define NEW_FILE_BYTES (OVERLAY_FILE_BYTES + sizeof(NEW_PREFIX NEW_SUFFIX))

/* The two names of a change. */
static void name_files(const struct set_change *change,
		       char file[static OVERLAY_FILE_BYTES],
		       char staged[static NEW_FILE_BYTES])
{
	overlay_entry_file(&change->entry, file);
	snprintf(staged, NEW_FILE_BYTES, NEW_PREFIX "%s" NEW_SUFFIX, change->entry.name);
}

/*
 * What cannot be read now is not taken for another one: its change would be left out.
 *
 * Return: 1; 0: something else does, or nothing; -errno.
 */
static int lies_there(int folder, const char *name, const struct set_file *file)
{
	struct set_file found;
	int r = set_file_identify(folder, name, &found);

	/* All zero, as it was found when the list was made. */
	if (r == -EIO && set_file_same(&found, file))
		return 1;
	return r > 0 ? set_file_same(&found, file) : r;
}

/*
 * @keep: false: what was cut off. Nothing is kept of it, and an undo of what was kept
 * before the cut would be one of a part of the set: the record goes.
 *
 * Return: 0, also where it is not what it was, and is left alone; -errno.
 */
static int make_change(const struct overlay_store *store, const struct set_change *change,
		       bool keep, struct keeping *keeping)
{
	char file[OVERLAY_FILE_BYTES], staged[NEW_FILE_BYTES];
	int folder = store->kinds[change->entry.kind].folder;
	int r;

	name_files(change, file, staged);
	r = lies_there(folder, change->removes ? file : staged, &change->file);
	if (r <= 0)
		return r;
	r = 0;
	if (!keep && store->run)
		overlay_kept_forget(store->run);
	if (!change->removes) {
		keep_replaced(keeping, folder, file);
		if (renameat(folder, staged, folder, file) < 0)
			r = -errno;
	} else if (store_can_delete(folder, file) == -EISDIR) {
		r = overlay_erase_tree(folder, file, false);
	} else {
		r = store_put_away(keeping, folder, file);
	}
	if (r == 0 && fsync(folder) < 0)
		r = -errno;
	return r;
}

/*
 * Changes of one name follow each other, and the new file comes first: what they do is
 * one item of what can be undone.
 */
int store_make_changes(struct overlay_store *store, const struct set_journal *journal,
		       bool keep, struct verity_error *err)
{
	cleanup_with(keeping_end) struct keeping keeping = {.store = store, .lock = -1};
	char file[OVERLAY_FILE_BYTES], staged[NEW_FILE_BYTES];

	for (size_t i = 0; i < journal->count; i++) {
		const struct set_change *change = &journal->changes[i];
		struct stat st;
		int r;

		name_files(change, file, staged);
		if (keep &&
		    (i == 0 || strcmp(change->entry.name, change[-1].entry.name) != 0)) {
			bool is_new = !change->removes &&
				      fstatat(store->kinds[change->entry.kind].folder,
					      staged, &st, AT_SYMLINK_NOFOLLOW) == 0;

			keeping_end(&keeping);
			keeping_begin(store, &change->entry, is_new ? &st : NULL,
				      &keeping);
		}
		r = make_change(store, change, keep, &keeping);
		if (r < 0)
			return verity_fail_errno(err, -r, "%s", file);
	}
	return 0;
}

/*
 * Whether the changes can still be made: none of the new files is missing, or some have
 * their names already, and then the set is the new one.
 *
 * Return: 1; 0; -errno.
 */
static int can_go_on(const struct overlay_store *store, const struct set_journal *journal,
		     bool *ret_begun, struct verity_error *err)
{
	char file[OVERLAY_FILE_BYTES], staged[NEW_FILE_BYTES];
	bool missing = false;

	for (size_t i = 0; i < journal->count; i++) {
		const struct set_change *change = &journal->changes[i];
		int folder = store->kinds[change->entry.kind].folder;

		int r = 1;

		name_files(change, file, staged);
		if (!change->removes)
			r = lies_there(folder, staged, &change->file);
		if (r > 0)
			continue;
		missing = true;
		if (r == 0)
			r = lies_there(folder, file, &change->file);
		if (r < 0)
			return verity_fail_errno(err, -r, "%s: %s",
						 store_name(change->entry.kind), file);
		*ret_begun = *ret_begun || r > 0;
	}
	return !missing;
}

/* Whether the list of DATA is part of a set that was committed. */
static bool counts_on_data(const struct set_journal *data,
			   const struct set_journal *persist)
{
	return data->alone ||
	       (persist->other_bytes > 0 &&
		memcmp(persist->other, data->digest, sizeof(data->digest)) == 0);
}

int store_recover(struct overlay_store *store, struct verity_error *err)
{
	struct set_journal lists[KINDS];
	bool found[KINDS], counts[KINDS], whole = true, begun = false;
	int r = 0, one;

	for (size_t kind = 0; kind < KINDS; kind++) {
		one = set_journal_load(store->kinds[kind].folder,
				       (enum overlay_store_kind)kind, &lists[kind], err);
		counts[kind] = found[kind] = one > 0;
		if (one < 0)
			r = verity_context(err, one, "%s",
					   store_name((enum overlay_store_kind)kind));
	}
	counts[OVERLAY_ORDINARY] =
		found[OVERLAY_ORDINARY] &&
		counts_on_data(&lists[OVERLAY_ORDINARY], &lists[OVERLAY_PERSISTENT]);
	/* Without its other half, one half would be made and its list deleted. */
	if ((found[OVERLAY_ORDINARY] && !lists[OVERLAY_ORDINARY].alone &&
	     store->kinds[OVERLAY_PERSISTENT].base < 0) ||
	    (lists[OVERLAY_PERSISTENT].other_bytes > 0 &&
	     store->kinds[OVERLAY_ORDINARY].base < 0)) {
		r = verity_fail(err, VERITY_E_NOT_FOUND, "%s is not there",
				store_name(found[OVERLAY_ORDINARY] ? OVERLAY_PERSISTENT
								   : OVERLAY_ORDINARY));
		counts[OVERLAY_ORDINARY] = counts[OVERLAY_PERSISTENT] = false;
	}
	for (size_t kind = 0; r == 0 && kind < KINDS; kind++) {
		one = counts[kind] ? can_go_on(store, &lists[kind], &begun, err) : 1;
		whole = whole && one > 0;
		r = one < 0 ? one : 0;
	}
	for (size_t kind = 0; kind < KINDS; kind++) {
		if (found[kind])
			verity_debug("a set of changes was cut off: %zu, %s",
				     lists[kind].count,
				     counts[kind] && (whole || begun) ? "made now"
								      : "not made");
		if (r == 0 && counts[kind] && (whole || begun)) {
			r = store_make_changes(store, &lists[kind], false, err);
			if (r < 0)
				verity_context(err, r, "%s",
					       store_name((enum overlay_store_kind)kind));
		}
	}
	for (size_t kind = 0; r == 0 && kind < KINDS; kind++)
		if (counts[kind] && (whole || begun) && lists[kind].log_bytes > 0 &&
		    store->log)
			store->log->write(store->log->context, lists[kind].log);
	for (size_t kind = 0; kind < KINDS; kind++) {
		if (r == 0 && found[kind]) {
			r = set_journal_delete(store->kinds[kind].folder, err);
			if (r < 0)
				verity_context(err, r, "%s",
					       store_name((enum overlay_store_kind)kind));
		}
		set_journal_free(&lists[kind]);
	}
	return r;
}
