/* SPDX-License-Identifier: MIT */
/* A package on its way in. */
#include "overlay/store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/reserve.h"
#include "verity/format/format.h"
#include "verity/util/debug.h"

void overlay_incoming_free(struct overlay_incoming *incoming)
{
	if (!incoming)
		return;
	if (incoming->file[0])
		unlinkat(incoming->folder, incoming->file, 0);
	cleanup_fd_p(&incoming->fd);
	if (!incoming->in_set)
		store_unlock(&incoming->lock);
	free(incoming);
}

int store_make_folder(struct overlay_store *store, enum overlay_store_kind kind,
		      struct verity_error *err)
{
	int base = store->kinds[kind].base;

	if (base < 0)
		return verity_fail(
			err, VERITY_E_NOT_FOUND,
			"there is no %s store (check '%s' in the configuration)",
			kind == OVERLAY_PERSISTENT ? "persistent" : "data",
			store_name(kind));
	if (store->kinds[kind].folder >= 0)
		return 0;
	if (mkdirat(base, FOLDER, 0700) < 0 && errno != EEXIST)
		return verity_fail_errno(err, errno, "folder '" FOLDER "'");
	store->kinds[kind].folder =
		openat(base, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (store->kinds[kind].folder < 0 || fsync(base) < 0)
		return verity_fail_errno(err, errno, "folder '" FOLDER "'");
	return 0;
}

/* The file that the bytes are written to, in the folders that are locked by now. */
static int stage(struct overlay_incoming *incoming, const char *name,
		 struct verity_error *err)
{
	char listed[OVERLAY_FILE_BYTES];
	int r;

	snprintf(incoming->final, sizeof(incoming->final), "%s" VERITY_PACKAGE_SUFFIX,
		 name);
	for (size_t i = 0; i < KINDS; i++)
		if (store_is_misspelt(incoming->lock.folders[i], incoming->final, listed))
			return verity_fail(
				err, VERITY_E_OTHER_NAME,
				"it is installed as %s already, and the file system of "
				"this store does not tell upper from lower case (use "
				"that name, or remove it first)",
				listed);
	incoming->folder = incoming->lock.folders[incoming->kind];
	snprintf(incoming->file, sizeof(incoming->file), NEW_PREFIX "%s" NEW_SUFFIX,
		 name);
	(void)unlinkat(incoming->folder, incoming->file, 0); /* one of too many */
	incoming->fd = openat(incoming->folder, incoming->file,
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (incoming->fd >= 0)
		return 0;
	r = verity_fail_errno(err, errno, "%s", incoming->file);
	incoming->file[0] = '\0'; /* not ours to delete */
	return r;
}

/* @set: the lock of the set that it belongs to; NULL: of none, and not locked yet */
static int make_incoming(struct overlay_store *store, const struct store_lock *set,
			 enum overlay_store_kind kind, const char *name,
			 struct overlay_incoming **ret, struct verity_error *err)
{
	struct overlay_incoming *incoming;

	if (!verity_name_valid(name))
		return verity_fail(err, VERITY_E_BAD_NAME, "not a valid package name");
	incoming = malloc(sizeof(*incoming));
	if (!incoming)
		return verity_no_memory(err);
	*incoming = (struct overlay_incoming){.store = store,
					      .lock = set ? *set : STORE_UNLOCKED,
					      .in_set = set,
					      .kind = kind,
					      .folder = -1,
					      .fd = -1};
	*ret = incoming;
	return 0;
}

int overlay_incoming_new(struct overlay_store *store, enum overlay_store_kind kind,
			 const char *name, struct overlay_incoming **ret,
			 struct verity_error *err)
{
	cleanup_with(overlay_incoming_free_p) struct overlay_incoming *incoming = NULL;
	int r = make_incoming(store, NULL, kind, name, &incoming, err);

	if (r == 0)
		r = store_make_folder(store, kind, err);
	if (r == 0)
		r = store_lock_both(store, &incoming->lock, err);
	if (r == 0)
		r = store_clear_both(store, &incoming->lock, kind, err);
	if (r >= 0)
		r = stage(incoming, name, err);
	if (r == 0)
		*ret = steal_ptr(&incoming);
	return r;
}

int store_incoming_in_set(struct overlay_store *store, const struct store_lock *lock,
			  enum overlay_store_kind kind, const char *name,
			  struct overlay_incoming **ret, struct verity_error *err)
{
	cleanup_with(overlay_incoming_free_p) struct overlay_incoming *incoming = NULL;
	int r = make_incoming(store, lock, kind, name, &incoming, err);

	if (r == 0)
		r = stage(incoming, name, err);
	if (r == 0)
		*ret = steal_ptr(&incoming);
	return r;
}

int overlay_incoming_fd(const struct overlay_incoming *incoming)
{
	return incoming->fd;
}

int overlay_incoming_reserve(struct overlay_incoming *incoming, uint64_t bytes,
			     struct verity_error *err)
{
	struct stat st = {.st_size = 0};

	if (fstatat(incoming->folder, incoming->final, &st, AT_SYMLINK_NOFOLLOW) < 0)
		st.st_size = 0;
	return overlay_reserve(incoming->fd, incoming->folder, bytes,
			       (uint64_t)st.st_size, err);
}

/*
 * The rename is the step: from then on the new one is the package. An old one that it
 * replaces is gone, and the new one is deleted on no account: better it than none.
 */
static int rename_new(struct overlay_incoming *incoming, bool *ret_replaces,
		      struct verity_error *err)
{
	struct stat st;
	int why;

	/* What cannot be seen may be there. */
	*ret_replaces = fstatat(incoming->folder, incoming->final, &st,
				AT_SYMLINK_NOFOLLOW) == 0 ||
			errno != ENOENT;
	if (fsync(incoming->fd) < 0 || renameat(incoming->folder, incoming->file,
						incoming->folder, incoming->final) < 0)
		return verity_fail_errno(err, errno, "%s", incoming->final);
	incoming->file[0] = '\0';
	if (fsync(incoming->folder) == 0)
		return 0;
	why = errno;
	if (!*ret_replaces)
		unlinkat(incoming->folder, incoming->final, 0);
	return verity_fail_errno(err, why, "%s", incoming->final);
}

static int commit(struct overlay_incoming *incoming, struct keeping *keeping,
		  struct verity_error *err)
{
	int ordinary = incoming->lock.folders[OVERLAY_ORDINARY];
	int persistent = incoming->lock.folders[OVERLAY_PERSISTENT];
	const char *file = incoming->final;
	bool replaces;
	int r, moves = 0;

	if (incoming->kind == OVERLAY_ORDINARY)
		moves = store_can_delete(persistent, file);
	if (moves < 0)
		return verity_fail_errno(err, -moves, "the persistent %s", file);
	keep_replaced(keeping, incoming->folder, file);
	r = rename_new(incoming, &replaces, err);
	if (r < 0)
		return r;
	verity_debug("stored %s, %s", file,
		     incoming->kind == OVERLAY_PERSISTENT ? "persistent" : "ordinary");
	if (incoming->kind == OVERLAY_PERSISTENT) {
		/*
		 * A package that was ordinary until now is hidden by this one already: to
		 * delete what is left of it can wait for the next install or boot.
		 */
		if (ordinary >= 0 && store_put_away(keeping, ordinary, file) == 0)
			(void)!fsync(ordinary);
		return 0;
	}
	/* One that was persistent until now is the package as long as it is there. */
	if (moves == 0)
		return 0;
	r = store_put_away(keeping, persistent, file);
	if (r == 0)
		return fsync(persistent) == 0
			       ? 0
			       : verity_fail_errno(err, errno, "the persistent %s", file);
	if (r == -ENOENT)
		return 0;
	if (!replaces)
		unlinkat(incoming->folder, file, 0);
	return verity_fail_errno(err, -r, "the persistent %s", file);
}

int overlay_incoming_commit(struct overlay_incoming *incoming, struct verity_error *err)
{
	cleanup_with(keeping_end) struct keeping keeping;
	struct overlay_entry entry = {.kind = incoming->kind};
	struct stat st, now;
	int r;

	(void)!overlay_entry_name(incoming->final, entry.name);
	if (fstat(incoming->fd, &st) < 0)
		return verity_fail_errno(err, errno, "%s", incoming->final);
	keeping_begin(incoming->store, &entry, &st, &keeping);
	r = commit(incoming, &keeping, err);
	if (r < 0 &&
	    (fstatat(incoming->folder, incoming->final, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
	     now.st_ino != st.st_ino))
		keeping_cancel(&keeping);
	return r;
}
