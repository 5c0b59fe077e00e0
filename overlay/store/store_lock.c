/* SPDX-License-Identifier: MIT */
/* Keeps other programs from the stores, and deletes what those that were ended left
 * there. */
#include "overlay/store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "overlay/fs/lock.h"
#include "overlay/store/set_journal.h"
#include "verity/util/debug.h"
#include "verity/util/dir.h"

/*
 * Names that are looked at for those that an install left, in each store. There is one of
 * a cut at most: who has made more of them must not take the time of a boot.
 */
#define LEFTOVERS_LOOKED_MAX 4096
#define LEFTOVERS_STUCK_MAX  16 /* cannot be deleted */

void store_unlock(struct store_lock *lock)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		cleanup_fd_p(&lock->held[kind]);
		cleanup_fd_p(&lock->folders[kind]);
	}
}

/* @folder: where there is no run folder, the lock lies in it */
static int take_lock(const char *run, int folder, int *ret, struct verity_error *err)
{
	static const char busy[] = "another installation is under way";
	cleanup_fd int locks = -1;
	int r;

	if (!run)
		return overlay_lock_take(folder, ".lock", busy, false, 0, ret, err);
	r = overlay_lock_folder_open(run, &locks, err);
	return r < 0 ? r
		     : overlay_lock_take(locks, OVERLAY_LOCK_STORE, busy, false, 0, ret,
					 err);
}

int store_lock_both(struct overlay_store *store, struct store_lock *ret,
		    struct verity_error *err)
{
	struct verity_error why;
	int r = 0;

	*ret = STORE_UNLOCKED;
	if (store->run)
		r = take_lock(store->run, -1, &ret->held[0], err);
	for (size_t kind = 0; r == 0 && kind < KINDS; kind++) {
		r = store_open_folder(store, kind, err);
		if (r < 0 || store->kinds[kind].folder < 0)
			continue;
		ret->folders[kind] = openat(store->kinds[kind].folder, ".",
					    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (ret->folders[kind] < 0)
			return verity_fail_errno(err, errno, "store");
		overlay_folder_protect(ret->folders[kind], store->kinds[kind].base);
		if (!store->run)
			r = take_lock(NULL, ret->folders[kind], &ret->held[kind], err);
	}
	/* One store that cannot be written costs the other nothing. */
	if (r < 0)
		return r;
	ret->unfinished = store_recover(store, &why) < 0;
	store->waits = (struct verity_error){.code = VERITY_OK};
	if (ret->unfinished)
		(void)!verity_fail(&store->waits, VERITY_E_WAITING_SET,
				   "a set that was applied is not complete: %s",
				   why.message);
	return 0;
}

/* What was never renamed. */
static bool is_leftover(const char *file)
{
	const size_t least = strlen(NEW_PREFIX NEW_SUFFIX);
	size_t size = strlen(file);

	return size > least && strncmp(file, NEW_PREFIX, strlen(NEW_PREFIX)) == 0 &&
	       strcmp(file + size - strlen(NEW_SUFFIX), NEW_SUFFIX) == 0;
}

/* @kept: what is not left; NULL: nothing is kept */
static int clear_leftovers(const struct store_lock *lock, enum overlay_store_kind kind,
			   const struct overlay_kept *kept, struct verity_error *err)
{
	int looked = 0, stuck = 0, count = 0, r, folder = lock->folders[kind];
	/* A list on DATA, which anybody may have written, keeps nothing on PERSIST. */
	bool waits = lock->unfinished && set_journal_is_there(folder);
	bool deleted = false;
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;

	if (folder < 0)
		return 0;
	r = verity_dir_open(folder, ".", &dir);
	if (r < 0)
		return verity_fail_errno(err, -r, "store");
	while (looked++ < LEFTOVERS_LOOKED_MAX && stuck < LEFTOVERS_STUCK_MAX &&
	       verity_dir_next(dir, &item) > 0) {
		bool was_kept = strncmp(item->d_name, OVERLAY_KEPT_PREFIX,
					strlen(OVERLAY_KEPT_PREFIX)) == 0;

		if (!is_leftover(item->d_name) || (waits && !was_kept) ||
		    (kept && overlay_kept_has(kept, kind, item->d_name)))
			continue;
		if (unlinkat(folder, item->d_name, 0) < 0) {
			stuck++;
			continue;
		}
		deleted = true;
		count += !was_kept;
	}
	if (deleted && fsync(folder) < 0)
		return verity_fail_errno(err, errno, "store");
	return count;
}

int overlay_store_clean(struct overlay_store *store, enum overlay_store_kind kind,
			struct verity_error *err)
{
	cleanup_with(store_unlock) struct store_lock lock;
	int r = store_lock_both(store, &lock, err);

	/* A boot: there is nothing to go back to any more. */
	if (r == 0 && store->run)
		overlay_kept_forget(store->run);
	return r < 0 ? r : clear_leftovers(&lock, kind, NULL, err);
}

int store_clear_both(struct overlay_store *store, const struct store_lock *lock,
		     enum overlay_store_kind kind, struct verity_error *err)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	cleanup_fd int record = -1;
	struct verity_error unused;
	int r = 0;

	if (store->run)
		r = overlay_kept_lock(store->run, &record, err);
	if (r == 0 && store->run)
		r = overlay_kept_load(store->run, &kept, err);
	if (r == 0)
		r = clear_leftovers(lock, kind, &kept, err);
	if (r >= 0)
		(void)clear_leftovers(lock, !kind, &kept, &unused);
	return r;
}
