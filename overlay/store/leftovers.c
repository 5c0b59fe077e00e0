/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "overlay/store/store_private.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

#define NO_LOCK                                                                          \
	{                                                                                \
		{                                                                        \
			-1, -1                                                           \
		}                                                                        \
	}

void overlay_store_unlock(struct overlay_store_lock *lock)
{
	for (size_t kind = 0; kind < OVERLAY_KINDS; kind++) {
		cleanup_fd_p(&lock->folder[kind]);
		lock->folder[kind] = -1;
	}
}

/* Another program may have made it since the store was opened. */
static int find_folder(struct overlay_store *store, size_t kind, struct verity_error *err)
{
	if (store->folder[kind] >= 0 || store->base[kind] < 0)
		return 0;
	store->folder[kind] = openat(store->base[kind], OVERLAY_STORE_FOLDER,
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (store->folder[kind] < 0 && errno != ENOENT)
		return verity_fail_errno(err, errno, "folder '" OVERLAY_STORE_FOLDER "'");
	return 0;
}

static int lock_folder(int folder, int *ret, struct verity_error *err)
{
	cleanup_fd int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return verity_fail_errno(err, errno, "store");
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK
			       ? verity_fail(err, VERITY_E_BUSY,
					     "another installation is under way")
			       : verity_fail_errno(err, errno, "locking the store");
	*ret = steal_fd(&fd);
	return 0;
}

int overlay_store_lock(struct overlay_store *store, struct overlay_store_lock *ret,
		       struct verity_error *err)
{
	cleanup_with(overlay_store_unlock) struct overlay_store_lock lock = NO_LOCK;

	for (size_t kind = 0; kind < OVERLAY_KINDS; kind++) {
		int r = find_folder(store, kind, err);

		if (r == 0 && store->folder[kind] >= 0)
			r = lock_folder(store->folder[kind], &lock.folder[kind], err);
		if (r < 0)
			return r;
	}
	*ret = lock;
	lock = (struct overlay_store_lock)NO_LOCK;
	return 0;
}

static bool is_new(const char *file)
{
	const size_t least = strlen(OVERLAY_NEW_PREFIX OVERLAY_NEW_SUFFIX);
	size_t size = strlen(file);

	return size > least &&
	       strncmp(file, OVERLAY_NEW_PREFIX, strlen(OVERLAY_NEW_PREFIX)) == 0 &&
	       strcmp(file + size - strlen(OVERLAY_NEW_SUFFIX), OVERLAY_NEW_SUFFIX) == 0;
}

/* A persistent package of the same name is there: what else has it is of a move. */
static bool is_moved(const char *file, int persistent)
{
	char name[VERITY_NAME_MAX + 1];
	struct stat st;

	return persistent >= 0 && verity_name_from_path(file, name, NULL) == 0 &&
	       fstatat(persistent, file, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode);
}

/* Synced: what is gone must not come back when the persistent one is removed. */
static int clear_folder(int folder, int persistent, struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	int count = 0;
	int r = verity_dir_open(folder, ".", &dir);

	if (r < 0)
		return verity_fail_errno(err, -r, "store");
	while ((item = readdir(dir)))
		if ((is_new(item->d_name) || is_moved(item->d_name, persistent)) &&
		    unlinkat(folder, item->d_name, 0) == 0)
			count++;
	if (count > 0 && fsync(folder) < 0)
		return verity_fail_errno(err, errno, "store");
	return count;
}

int overlay_store_clear(const struct overlay_store_lock *lock, struct verity_error *err)
{
	int total = 0;

	for (size_t kind = 0; kind < OVERLAY_KINDS; kind++) {
		int persistent =
			kind == OVERLAY_ORDINARY ? lock->folder[OVERLAY_PERSISTENT] : -1;
		int r = lock->folder[kind] < 0
				? 0
				: clear_folder(lock->folder[kind], persistent, err);

		if (r < 0)
			return r;
		total += r;
	}
	return total;
}

int overlay_store_clean(struct overlay_store *store, struct verity_error *err)
{
	cleanup_with(overlay_store_unlock) struct overlay_store_lock lock = NO_LOCK;
	int r = overlay_store_lock(store, &lock, err);

	return r < 0 ? r : overlay_store_clear(&lock, err);
}
