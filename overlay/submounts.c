/* SPDX-License-Identifier: MIT */
#include "overlay/submounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "overlay/mnt.h"
#include "verity/cleanup.h"

#define SUBMOUNTS_MAX 256

struct submount {
	char *target;
	int fd; /* a detached copy, with all that is mounted below it */
};

struct overlay_submounts {
	struct submount mounts[SUBMOUNTS_MAX];
	size_t count;
};

void overlay_submounts_free(struct overlay_submounts *submounts)
{
	if (!submounts)
		return;
	for (size_t i = 0; i < submounts->count; i++) {
		if (submounts->mounts[i].fd >= 0)
			close(submounts->mounts[i].fd);
		free(submounts->mounts[i].target);
	}
	free(submounts);
}

DEFINE_CLEANUP(struct overlay_submounts, overlay_submounts_free);

/* What lies on or below a mount that was taken came with it. */
static bool is_taken(const struct overlay_submounts *submounts, const char *target)
{
	for (size_t i = 0; i < submounts->count; i++)
		if (strcmp(submounts->mounts[i].target, target) == 0 ||
		    overlay_mnt_below(target, submounts->mounts[i].target))
			return true;
	return false;
}

static int take(struct overlay_submounts *submounts, const char *target,
		struct verity_error *err)
{
	struct submount *mount = &submounts->mounts[submounts->count];

	if (submounts->count == SUBMOUNTS_MAX)
		return verity_fail(err, VERITY_E_STACK,
				   "more than %d file systems are mounted below the root",
				   SUBMOUNTS_MAX);
	mount->target = strdup(target);
	if (!mount->target)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	mount->fd = open_tree(AT_FDCWD, target,
			      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	submounts->count++;
	if (mount->fd < 0)
		return verity_fail_errno(err, errno, "%s", target);
	return 0;
}

/* Forward: what a mount lies in comes before it. */
int overlay_submounts_take(const char *root, struct overlay_submounts **ret,
			   struct verity_error *err)
{
	cleanup_with(mnt_unref_table_p) struct libmnt_table *table =
		mnt_new_table_from_file("/proc/self/mountinfo");
	cleanup_with(mnt_free_iter_p) struct libmnt_iter *iter =
		mnt_new_iter(MNT_ITER_FORWARD);
	cleanup_with(overlay_submounts_free_p) struct overlay_submounts *submounts =
		calloc(1, sizeof(*submounts));
	cleanup_free char *absolute = realpath(root, NULL);
	struct libmnt_fs *fs;
	int r = 0;

	if (!absolute)
		return verity_fail_errno(err, errno, "%s", root);
	if (!table || !iter || !submounts)
		return verity_fail(err, VERITY_E_IO, "/proc/self/mountinfo: unreadable");
	while (r == 0 && mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);

		if (overlay_mnt_below(target, absolute) && !is_taken(submounts, target))
			r = take(submounts, target, err);
	}
	if (r < 0)
		return r;
	*ret = steal_ptr(&submounts);
	return 0;
}

int overlay_submounts_unmount(const struct overlay_submounts *submounts,
			      struct verity_error *err)
{
	for (size_t i = submounts->count; i-- > 0;)
		if (umount2(submounts->mounts[i].target, MNT_DETACH | UMOUNT_NOFOLLOW) <
		    0)
			return verity_fail_errno(err, errno, "%s",
						 submounts->mounts[i].target);
	return 0;
}

int overlay_submounts_put(struct overlay_submounts *submounts, struct verity_error *err)
{
	for (size_t i = 0; i < submounts->count; i++) {
		const struct submount *mount = &submounts->mounts[i];

		if (move_mount(mount->fd, "", AT_FDCWD, mount->target,
			       MOVE_MOUNT_F_EMPTY_PATH) < 0) {
			verity_fail_errno(err, errno, "%s cannot be mounted on the stack",
					  mount->target);
			if (err)
				err->code = VERITY_E_STACK;
			return -EIO;
		}
	}
	return 0;
}
