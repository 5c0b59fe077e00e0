/* SPDX-License-Identifier: MIT */
/* Takes back the last change, and deletes what was kept for that. */
#include "overlay/store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "verity/format/format.h"

/* @ret: the name under which it is kept */
static bool can_free(const struct overlay_kept_item *item, enum overlay_store_kind kind,
		     const uint64_t *held, size_t held_count,
		     char ret[static OVERLAY_KEPT_FILE_BYTES])
{
	uint64_t inode = item->before[kind].inode;
	size_t at = 0;

	while (at < held_count && held[at] != inode)
		at++;
	overlay_kept_file(item, ret);
	return inode != 0 && at == held_count && item->lost != OVERLAY_KEPT_ROOM;
}

uint64_t overlay_store_room(struct overlay_store *store, enum overlay_store_kind kind,
			    const uint64_t *held, size_t held_count)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	int folder = store->kinds[kind].folder;
	char name[OVERLAY_KEPT_FILE_BYTES];
	uint64_t bytes = 0;
	struct stat st;

	if (!store->run || folder < 0 || overlay_kept_load(store->run, &kept, NULL) < 0)
		return 0;
	for (size_t i = 0; i < kept.count; i++)
		if (can_free(&kept.items[i], kind, held, held_count, name) &&
		    fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	return bytes;
}

bool overlay_store_make_room(struct overlay_store *store, enum overlay_store_kind kind,
			     const uint64_t *held, size_t held_count)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	int folder = store->kinds[kind].folder;
	char name[OVERLAY_KEPT_FILE_BYTES];
	cleanup_fd int lock = -1;

	if (!store->run || folder < 0 || overlay_kept_lock(store->run, &lock, NULL) < 0 ||
	    overlay_kept_load(store->run, &kept, NULL) < 0)
		return false;
	for (size_t i = 0; i < kept.count; i++) {
		struct overlay_kept_item *item = &kept.items[i];

		if (!can_free(item, kind, held, held_count, name))
			continue;
		item->lost = OVERLAY_KEPT_ROOM;
		(void)!overlay_kept_store(store->run, &kept, NULL);
		if (unlinkat(folder, name, 0) == 0)
			return true;
	}
	return false;
}

/* Return: 1: made; 0: not made; -EBUSY: something else is there than it left. */
static int is_made(const struct overlay_store *store,
		   const struct overlay_kept_item *item)
{
	char file[OVERLAY_FILE_BYTES];
	struct overlay_kept_id now[KINDS];
	bool folder;

	snprintf(file, sizeof(file), "%s" VERITY_PACKAGE_SUFFIX, item->name);
	store_identify(store, file, now, &folder);
	if (item->made.inode ? overlay_kept_same(&now[item->kind], &item->made)
			     : now[0].inode == 0 && now[1].inode == 0)
		return 1;
	return overlay_kept_same(&now[0], &item->before[0]) &&
			       overlay_kept_same(&now[1], &item->before[1])
		       ? 0
		       : -EBUSY;
}

/*
 * Without the last changes that were recorded, and then not made, or undone by a program
 * that was killed before it recorded that.
 */
static void drop_unmade(const struct overlay_store *store, struct overlay_kept *kept)
{
	uint32_t change = 0;
	size_t before = 0;

	while (kept->count != before) {
		before = kept->count;
		if (before)
			change = kept->items[before - 1].change;
		for (size_t i = before; i-- > 0 && kept->items[i].change == change;)
			if (is_made(store, &kept->items[i]) == 0)
				overlay_kept_delete(kept, &kept->items[i]);
	}
}

int overlay_store_last_change(const struct overlay_store *store, struct overlay_kept *ret,
			      struct verity_error *err)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	cleanup_fd int lock = -1;
	size_t first;
	int r;

	if (store->run) {
		r = overlay_kept_lock(store->run, &lock, err);
		if (r == 0)
			r = overlay_kept_load(store->run, &kept, err);
		if (r < 0)
			return r;
	}
	drop_unmade(store, &kept);
	first = kept.count;
	while (first > 0 &&
	       kept.items[first - 1].change == kept.items[kept.count - 1].change)
		first--;
	if (first > 0)
		memmove(kept.items, kept.items + first,
			(kept.count - first) * sizeof(*kept.items));
	kept.count -= first;
	*ret = kept;
	kept = (struct overlay_kept){.count = 0};
	return 0;
}

bool overlay_store_find_kept(const struct overlay_store *store,
			     const struct overlay_kept_item *item,
			     enum overlay_store_kind kind,
			     char ret[static OVERLAY_KEPT_FILE_BYTES])
{
	int folder = store->kinds[kind].folder;
	struct overlay_kept_id id;
	struct stat st;

	overlay_kept_file(item, ret);
	for (int tries = 0; folder >= 0 && tries < 2; tries++) {
		if (fstatat(folder, ret, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode)) {
			id = overlay_kept_identify(&st);
			if (overlay_kept_same(&id, &item->before[kind]))
				return true;
		}
		snprintf(ret, OVERLAY_KEPT_FILE_BYTES, "%s" VERITY_PACKAGE_SUFFIX,
			 item->name);
	}
	return false;
}

int overlay_store_undo_check(const struct overlay_store *store,
			     const struct overlay_kept_item *item,
			     struct verity_error *err)
{
	char name[OVERLAY_KEPT_FILE_BYTES];

	if (item->lost != OVERLAY_KEPT_WHOLE)
		return verity_fail(err, VERITY_E_UNSUPPORTED, "%s",
				   overlay_kept_explain(item->lost));
	if (is_made(store, item) != 1)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "another program has changed its file since (see "
				   "'wmopkg show')");
	for (size_t kind = 0; kind < KINDS; kind++)
		if (item->before[kind].inode != 0 &&
		    !overlay_store_find_kept(store, item, (enum overlay_store_kind)kind,
					     name))
			return verity_fail(
				err, VERITY_E_UNSUPPORTED,
				"the file that was kept is gone or was changed "
				"(install the package again)");
	return 0;
}

/*
 * What lies in a store becomes what lay there before.
 *
 * Return: 0: so it is after a power cut; -errno.
 */
static int put_back(const struct overlay_store *store, const struct store_lock *lock,
		    const struct overlay_kept_item *item, enum overlay_store_kind kind,
		    const char *file)
{
	char name[OVERLAY_KEPT_FILE_BYTES];
	int folder = lock->folders[kind];

	if (folder < 0)
		return 0;
	if (item->before[kind].inode) {
		if (!overlay_store_find_kept(store, item, kind, name))
			return -ENOENT;
		if (strcmp(name, file) != 0 && renameat(folder, name, folder, file) < 0)
			return -errno;
	} else if (!item->made.inode || item->kind != kind) {
		return 0; /* nothing was there, and nothing is */
	} else if (unlinkat(folder, file, 0) < 0 && errno != ENOENT) {
		return -errno;
	}
	return fsync(folder) < 0 ? -errno : 0;
}

/* The step was not made: what came back to DATA before it is kept again. */
static void keep_again(const struct store_lock *lock,
		       const struct overlay_kept_item *item, const char *file)
{
	char name[OVERLAY_KEPT_FILE_BYTES];
	int folder = lock->folders[OVERLAY_ORDINARY];

	overlay_kept_file(item, name);
	if (folder >= 0 && item->before[OVERLAY_ORDINARY].inode &&
	    store_can_delete(lock->folders[OVERLAY_PERSISTENT], file) > 0)
		(void)!renameat(folder, file, folder, name);
}

/*
 * One of the two is the step, after which the package is what it was: what counts is the
 * persistent one. Where there was one, its return is the step, and what lies in DATA
 * comes after it. Where there was none, DATA comes first, and the step is that the
 * persistent one goes; if that cannot be, nothing is changed.
 */
static int undo_item(const struct overlay_store *store, const struct store_lock *lock,
		     const struct overlay_kept_item *item, struct verity_error *err)
{
	bool moved = item->made.inode && item->kind == OVERLAY_PERSISTENT &&
		     !item->before[OVERLAY_PERSISTENT].inode;
	char file[OVERLAY_FILE_BYTES];
	int r = 0;

	snprintf(file, sizeof(file), "%s" VERITY_PACKAGE_SUFFIX, item->name);
	if (moved)
		r = store_can_delete(lock->folders[OVERLAY_PERSISTENT], file);
	if (r >= 0 && item->before[OVERLAY_PERSISTENT].inode) {
		r = put_back(store, lock, item, OVERLAY_PERSISTENT, file);
		/* What counts is as it was; a boot deletes what is left there. */
		if (r == 0)
			(void)put_back(store, lock, item, OVERLAY_ORDINARY, file);
	} else if (r >= 0) {
		r = put_back(store, lock, item, OVERLAY_ORDINARY, file);
		if (r == 0)
			r = put_back(store, lock, item, OVERLAY_PERSISTENT, file);
		if (r < 0 && moved)
			keep_again(lock, item, file);
	}
	return r < 0 ? verity_fail_errno(err, -r, "%s", file) : 0;
}

int overlay_store_undo(struct overlay_store *store, const struct overlay_kept_item *item,
		       struct verity_error *err)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	struct overlay_kept_item *recorded = NULL;
	cleanup_with(store_unlock) struct store_lock lock;
	cleanup_fd int record = -1;
	int r = store_lock_both(store, &lock, err);

	if (r == 0 && store->run)
		r = overlay_kept_lock(store->run, &record, err);
	if (r == 0 && store->run)
		r = overlay_kept_load(store->run, &kept, err);
	if (r < 0)
		return r;
	drop_unmade(store, &kept); /* not made must not look like changed by others */
	recorded = overlay_kept_find(&kept, item->change, item->name);
	if (!recorded || !overlay_kept_equal(recorded, item))
		return verity_fail(err, VERITY_E_BUSY,
				   "another program has undone or changed it");
	r = overlay_store_undo_check(store, item, err);
	if (r == 0)
		r = undo_item(store, &lock, item, err);
	if (r < 0)
		return r;
	overlay_kept_delete(&kept, recorded);
	overlay_kept_store_undone(store->run, &kept);
	return 0;
}

void overlay_store_ended_quarantine(struct overlay_store *store, const char *name)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	struct overlay_kept_item *item;
	cleanup_fd int lock = -1;

	if (!store->run || overlay_kept_lock(store->run, &lock, NULL) < 0 ||
	    overlay_kept_load(store->run, &kept, NULL) < 0)
		return;
	item = overlay_kept_find(&kept, store->change, name);
	if (!item)
		return;
	item->lost = OVERLAY_KEPT_QUARANTINED;
	(void)!overlay_kept_store(store->run, &kept, NULL);
}
