/* SPDX-License-Identifier: MIT */
#include "overlay/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "overlay/store_private.h"
#include "verity/cleanup.h"
#include "verity/dir.h"
#include "verity/format.h"

/* A package on its way in is `.NAME.wmopkg.new`; one at a time, under the lock. */
#define NEW_PREFIX "."
#define NEW_SUFFIX VERITY_PACKAGE_SUFFIX ".new"
#define NEW_MAX    (VERITY_NAME_MAX + sizeof(NEW_PREFIX NEW_SUFFIX))

struct overlay_incoming {
	int folder; /* our own descriptor of the folder: it carries the lock */
	int fd;
	char file[NEW_MAX]; /* "" once it is gone or has its name */
	char final[80];
};

void overlay_incoming_free(struct overlay_incoming *incoming)
{
	if (!incoming)
		return;
	if (incoming->file[0])
		unlinkat(incoming->folder, incoming->file, 0);
	if (incoming->fd >= 0)
		close(incoming->fd);
	if (incoming->folder >= 0)
		close(incoming->folder);
	free(incoming);
}

DEFINE_CLEANUP(struct overlay_incoming, overlay_incoming_free);

/* The folder and its name on disk, before anything is promised about what lies in it. */
static int make_folder(struct overlay_store *store, enum overlay_store_kind kind,
		       struct verity_error *err)
{
	int base = store->base[kind];

	if (base < 0)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "there is no %s store (check the configuration)",
				   kind == OVERLAY_PERSISTENT ? "persistent" : "data");
	if (store->folder[kind] >= 0)
		return 0;
	if (mkdirat(base, OVERLAY_STORE_FOLDER, 0755) < 0 && errno != EEXIST)
		return verity_fail_errno(err, errno, "folder '" OVERLAY_STORE_FOLDER "'");
	store->folder[kind] = openat(base, OVERLAY_STORE_FOLDER,
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (store->folder[kind] < 0 || fsync(base) < 0)
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

static bool is_leftover(const char *file)
{
	size_t size = strlen(file);

	return size > strlen(NEW_PREFIX NEW_SUFFIX) &&
	       strncmp(file, NEW_PREFIX, strlen(NEW_PREFIX)) == 0 &&
	       strcmp(file + size - strlen(NEW_SUFFIX), NEW_SUFFIX) == 0;
}

/* With the lock held, whatever is still called so belongs to nobody. */
static int clean_folder(int folder, struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	int count = 0;
	int r = verity_dir_open(folder, ".", &dir);

	if (r < 0)
		return verity_fail_errno(err, -r, "store");
	while ((item = readdir(dir)))
		if (is_leftover(item->d_name) && unlinkat(folder, item->d_name, 0) == 0)
			count++;
	return count;
}

int overlay_incoming_new(struct overlay_store *store, enum overlay_store_kind kind,
			 const char *name, struct overlay_incoming **ret,
			 struct verity_error *err)
{
	cleanup_with(overlay_incoming_free_p) struct overlay_incoming *incoming =
		calloc(1, sizeof(*incoming));
	int r;

	if (!incoming)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	incoming->fd = incoming->folder = -1;
	if (!verity_name_valid(name))
		return verity_fail(err, VERITY_E_BAD_NAME,
				   "not a name a package may have");
	r = make_folder(store, kind, err);
	if (r == 0)
		r = lock_folder(store->folder[kind], &incoming->folder, err);
	if (r == 0)
		r = clean_folder(incoming->folder, err);
	if (r < 0)
		return r;
	snprintf(incoming->final, sizeof(incoming->final), "%s" VERITY_PACKAGE_SUFFIX,
		 name);
	snprintf(incoming->file, sizeof(incoming->file), NEW_PREFIX "%s" NEW_SUFFIX,
		 name);
	incoming->fd = openat(incoming->folder, incoming->file,
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (incoming->fd < 0)
		return verity_fail_errno(err, errno, "%s", incoming->file);
	*ret = steal_ptr(&incoming);
	return 0;
}

int overlay_incoming_fd(const struct overlay_incoming *incoming)
{
	return incoming->fd;
}

static int fail_no_room(const struct overlay_incoming *incoming, uint64_t bytes,
			struct verity_error *err)
{
	struct statvfs fs;
	uint64_t room = 0;

	if (fstatvfs(incoming->fd, &fs) == 0)
		room = (uint64_t)fs.f_bavail * fs.f_frsize;
	return verity_fail(err, VERITY_E_NO_ROOM,
			   "it needs %" PRIu64 " bytes and there is room for %" PRIu64,
			   bytes, room);
}

/* Asked first, so that the number told is what was free before anything was taken. */
int overlay_incoming_reserve(struct overlay_incoming *incoming, uint64_t bytes,
			     struct verity_error *err)
{
	struct statvfs fs;

	if (bytes == 0)
		return 0;
	if (bytes > INT64_MAX)
		return fail_no_room(incoming, bytes, err);
	if (fstatvfs(incoming->fd, &fs) == 0 &&
	    bytes > (uint64_t)fs.f_bavail * fs.f_frsize)
		return fail_no_room(incoming, bytes, err);
	if (fallocate(incoming->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) == 0 ||
	    errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return fail_no_room(incoming, bytes, err);
	return verity_fail_errno(err, errno, "setting room aside");
}

int overlay_incoming_commit(struct overlay_incoming *incoming, struct verity_error *err)
{
	int why;

	if (fsync(incoming->fd) < 0 || renameat(incoming->folder, incoming->file,
						incoming->folder, incoming->final) < 0)
		return verity_fail_errno(err, errno, "%s", incoming->final);
	incoming->file[0] = '\0';
	if (fsync(incoming->folder) == 0)
		return 0;
	why = errno;
	unlinkat(incoming->folder, incoming->final, 0);
	return verity_fail_errno(err, why, "%s", incoming->final);
}

int overlay_store_clean(struct overlay_store *store, struct verity_error *err)
{
	int total = 0;

	for (size_t kind = 0; kind < OVERLAY_KINDS; kind++) {
		cleanup_fd int folder = -1;
		int r;

		if (store->folder[kind] < 0)
			continue;
		r = lock_folder(store->folder[kind], &folder, err);
		if (r == 0)
			r = clean_folder(folder, err);
		if (r < 0)
			return r;
		total += r;
	}
	return total;
}
