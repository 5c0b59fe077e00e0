/* SPDX-License-Identifier: MIT */
/* One change of one package: recorded, what it takes away kept, and carried out. */
#include "overlay/store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/erase.h"
#include "verity/util/debug.h"

void keeping_end(struct keeping *keeping)
{
	cleanup_fd_p(&keeping->lock);
	overlay_kept_free(&keeping->kept);
	keeping->item = NULL;
}

void store_identify(const struct overlay_store *store, const char *file,
		    struct overlay_kept_id ret[static KINDS], bool *ret_folder)
{
	struct stat st;

	*ret_folder = false;
	for (size_t kind = 0; kind < KINDS; kind++) {
		int folder = store->kinds[kind].folder;

		ret[kind] = (struct overlay_kept_id){.inode = 0};
		if (folder < 0 || fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		ret[kind] = overlay_kept_identify(&st);
		*ret_folder = *ret_folder || S_ISDIR(st.st_mode);
	}
}

void keeping_begin(struct overlay_store *store, const struct overlay_entry *entry,
		   const struct stat *made, struct keeping *ret)
{
	struct overlay_kept_item item = {.kind = entry->kind};
	char file[OVERLAY_FILE_BYTES];
	bool folder;
	int r;

	*ret = (struct keeping){.store = store, .lock = -1};
	if (!store->run)
		return;
	r = overlay_kept_lock(store->run, &ret->lock, NULL);
	if (r == 0)
		r = overlay_kept_load(store->run, &ret->kept, NULL);
	if (r == 0 && store->change == 0)
		store->change = ret->kept.count > 0
					? ret->kept.items[ret->kept.count - 1].change + 1
					: 1;
	item.change = store->change;
	snprintf(item.name, sizeof(item.name), "%s", entry->name);
	overlay_entry_file(entry, file);
	store_identify(store, file, item.before, &folder);
	if (made)
		item.made = overlay_kept_identify(made);
	if (folder)
		item.lost = OVERLAY_KEPT_FOLDER;
	if (r == 0)
		r = overlay_kept_add(&ret->kept, &item, NULL);
	if (r == 0)
		r = overlay_kept_store(store->run, &ret->kept, NULL);
	if (r == 0) {
		ret->item = &ret->kept.items[ret->kept.count - 1];
		return;
	}
	verity_debug("what changes now cannot be undone");
	overlay_kept_forget(store->run);
	keeping_end(ret);
}

static void keeping_lose(struct keeping *keeping, enum overlay_kept_lost lost)
{
	keeping->item->lost = lost;
	(void)!overlay_kept_store(keeping->store->run, &keeping->kept, NULL);
}

void keeping_cancel(struct keeping *keeping)
{
	char name[OVERLAY_KEPT_FILE_BYTES];

	if (!keeping->item)
		return;
	overlay_kept_file(keeping->item, name);
	for (size_t kind = 0; kind < KINDS; kind++)
		if (keeping->store->kinds[kind].folder >= 0)
			(void)unlinkat(keeping->store->kinds[kind].folder, name, 0);
	overlay_kept_delete(&keeping->kept, keeping->item);
	(void)!overlay_kept_store(keeping->store->run, &keeping->kept, NULL);
	keeping->item = NULL;
}

void keep_replaced(struct keeping *keeping, int folder, const char *file)
{
	char name[OVERLAY_KEPT_FILE_BYTES];

	if (!keeping->item || keeping->item->lost != OVERLAY_KEPT_WHOLE ||
	    keeping->item->before[keeping->item->kind].inode == 0)
		return;
	overlay_kept_file(keeping->item, name);
	(void)unlinkat(folder, name, 0);
	if (linkat(folder, file, folder, name, 0) < 0)
		keeping_lose(keeping, OVERLAY_KEPT_UNABLE);
}

int store_put_away(struct keeping *keeping, int folder, const char *file)
{
	char name[OVERLAY_KEPT_FILE_BYTES];

	if (keeping && keeping->item && keeping->item->lost == OVERLAY_KEPT_WHOLE) {
		overlay_kept_file(keeping->item, name);
		if (renameat(folder, file, folder, name) == 0)
			return 0;
		if (errno == ENOENT)
			return -ENOENT;
		keeping_lose(keeping, OVERLAY_KEPT_UNABLE);
	}
	return unlinkat(folder, file, 0) < 0 ? -errno : 0;
}

int store_can_delete(int folder, const char *file)
{
	struct stat st;

	if (folder < 0)
		return 0;
	if (fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return faccessat(folder, ".", W_OK, 0) < 0 ? -errno : 1;
}

/* Synced also where there is none: a boot may have deleted it just now. */
static int remove_ordinary(struct keeping *keeping, int folder, const char *file,
			   struct verity_error *err)
{
	int r = store_can_delete(folder, file);

	if (folder < 0 || r == -EISDIR) /* a folder is no package */
		return 0;
	if (r > 0)
		r = store_put_away(keeping, folder, file);
	if (r == -ENOENT)
		r = 0;
	if (r >= 0 && fsync(folder) < 0)
		r = -errno;
	return r < 0 ? verity_fail_errno(err, -r, "the ordinary %s", file) : 0;
}

static int take_out(struct keeping *keeping, const struct overlay_entry *entry,
		    const char *file, struct verity_error *err)
{
	const struct overlay_store *store = keeping->store;
	int folder = store->kinds[entry->kind].folder;
	int r = store_can_delete(folder, file);

	if (r == -EISDIR) {
		r = overlay_erase_tree(folder, file, false);
		if (r == 0 && fsync(folder) < 0)
			r = -errno;
		return r < 0 ? verity_fail_errno(err, -r, "the folder %s", file) : 0;
	}
	if (r < 0)
		return verity_fail_errno(err, -r, "%s", file);
	/*
	 * What a move left in the ordinary store would be the package again without the
	 * persistent one: it is deleted first, and for good. In most cases there is none.
	 */
	if (entry->kind == OVERLAY_PERSISTENT)
		r = remove_ordinary(keeping, store->kinds[OVERLAY_ORDINARY].folder, file,
				    err);
	if (r < 0)
		return r;
	r = folder < 0 ? -ENOENT : store_put_away(keeping, folder, file);
	if (r == 0 && fsync(folder) < 0)
		r = -errno;
	if (r == -ENOENT)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "package '%s' is not installed", entry->name);
	return r < 0 ? verity_fail_errno(err, -r, "%s", file) : 0;
}

int overlay_store_remove(struct overlay_store *store, const struct overlay_entry *entry,
			 struct verity_error *err)
{
	cleanup_with(keeping_end) struct keeping keeping;
	char file[OVERLAY_FILE_BYTES];
	struct overlay_kept_id now[KINDS];
	bool folder;
	int r;

	overlay_entry_file(entry, file);
	verity_debug("removing %s", file);
	keeping_begin(store, entry, NULL, &keeping);
	r = take_out(&keeping, entry, file, err);
	store_identify(store, file, now, &folder);
	if (r < 0 && now[entry->kind].inode)
		keeping_cancel(&keeping);
	return r;
}

/* Synced: what is gone must not come back when the persistent one is removed. */
int overlay_store_clear_moved(struct overlay_store *store, const char *name,
			      struct verity_error *err)
{
	struct overlay_entry entry = {.kind = OVERLAY_ORDINARY};
	int folder = store->kinds[OVERLAY_ORDINARY].folder;
	char file[OVERLAY_FILE_BYTES];

	snprintf(entry.name, sizeof(entry.name), "%s", name);
	overlay_entry_file(&entry, file);
	return remove_ordinary(NULL, folder, file, err);
}
