/* SPDX-License-Identifier: MIT */
#include "overlay/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "overlay/fs/reserve.h"
#include "overlay/store/store_private.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"

#define NEW_MAX (VERITY_NAME_MAX + sizeof(OVERLAY_NEW_PREFIX OVERLAY_NEW_SUFFIX))

struct overlay_incoming {
	struct overlay_store_lock lock;
	enum overlay_store_kind kind;
	int folder; /* the one of @kind, borrowed from @lock */
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
	overlay_store_unlock(&incoming->lock);
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

static int make_file(struct overlay_incoming *incoming, const char *name,
		     struct verity_error *err)
{
	char file[NEW_MAX];

	snprintf(incoming->final, sizeof(incoming->final), "%s" VERITY_PACKAGE_SUFFIX,
		 name);
	snprintf(file, sizeof(file), OVERLAY_NEW_PREFIX "%s" OVERLAY_NEW_SUFFIX, name);
	incoming->fd = openat(incoming->folder, file,
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (incoming->fd < 0)
		return verity_fail_errno(err, errno, "%s", file);
	snprintf(incoming->file, sizeof(incoming->file), "%s", file);
	return 0;
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
	incoming->lock.folder[0] = incoming->lock.folder[1] = -1;
	incoming->kind = kind;
	if (!verity_name_valid(name))
		return verity_fail(err, VERITY_E_BAD_NAME,
				   "not a valid package name");
	r = make_folder(store, kind, err);
	if (r == 0)
		r = overlay_store_lock(store, &incoming->lock, err);
	if (r == 0)
		r = overlay_store_clear(&incoming->lock, err);
	if (r < 0)
		return r;
	incoming->folder = incoming->lock.folder[kind];
	r = make_file(incoming, name, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&incoming);
	return 0;
}

int overlay_incoming_fd(const struct overlay_incoming *incoming)
{
	return incoming->fd;
}

/* Of what lies there under the final name; 0 where nothing does. */
static uint64_t replaced_bytes(const struct overlay_incoming *incoming)
{
	struct stat st;

	if (fstatat(incoming->folder, incoming->final, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

int overlay_incoming_reserve(struct overlay_incoming *incoming, uint64_t bytes,
			     struct verity_error *err)
{
	const struct overlay_room wanted = {
		.folder = incoming->folder,
		.bytes = bytes,
		.replaced = replaced_bytes(incoming),
	};

	return overlay_room_reserve(incoming->fd, &wanted, err);
}

/* The rename is the step, from which on the new one is the package. */
static int rename_new(struct overlay_incoming *incoming, struct verity_error *err)
{
	struct stat st;
	bool replaces =
		fstatat(incoming->folder, incoming->final, &st, AT_SYMLINK_NOFOLLOW) == 0;
	int why;

	if (fsync(incoming->fd) < 0 || renameat(incoming->folder, incoming->file,
						incoming->folder, incoming->final) < 0)
		return verity_fail_errno(err, errno, "%s", incoming->final);
	incoming->file[0] = '\0';
	if (fsync(incoming->folder) == 0)
		return 0;
	why = errno;
	/* The old one is gone: better the new one than none. */
	if (!replaces)
		unlinkat(incoming->folder, incoming->final, 0);
	return verity_fail_errno(err, why, "%s", incoming->final);
}

/*
 * A package that was ordinary until now: what is left of it is hidden already, and to
 * delete it can wait for the next install or boot.
 */
static void forget_ordinary(const struct overlay_incoming *incoming)
{
	int ordinary = incoming->lock.folder[OVERLAY_ORDINARY];

	if (ordinary >= 0 && unlinkat(ordinary, incoming->final, 0) == 0)
		(void)!fsync(ordinary);
}

/* A package that was persistent until now: as long as it is there, it is the package. */
static int end_persistent(const struct overlay_incoming *incoming,
			  struct verity_error *err)
{
	int persistent = incoming->lock.folder[OVERLAY_PERSISTENT];
	int why;

	if (persistent < 0)
		return 0;
	if (unlinkat(persistent, incoming->final, 0) == 0) {
		if (fsync(persistent) == 0)
			return 0;
		return verity_fail_errno(err, errno, "the persistent %s",
					 incoming->final);
	}
	if (errno == ENOENT)
		return 0;
	why = errno;
	unlinkat(incoming->folder, incoming->final, 0);
	return verity_fail_errno(err, why, "the persistent %s", incoming->final);
}

int overlay_incoming_commit(struct overlay_incoming *incoming, struct verity_error *err)
{
	int r = rename_new(incoming, err);

	if (r < 0)
		return r;
	if (incoming->kind == OVERLAY_ORDINARY)
		return end_persistent(incoming, err);
	forget_ordinary(incoming);
	return 0;
}
