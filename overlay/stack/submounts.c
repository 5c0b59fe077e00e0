/* SPDX-License-Identifier: MIT */
/* Clones mounts with open_tree() and moves the clones. */
#include "overlay/stack/submounts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "overlay/fs/mounts.h"
#include "overlay/fs/open_beneath.h"
#include "verity/util/cleanup.h"
#include "verity/util/sys.h"

#define SUBMOUNTS_MAX 256

struct submount {
	char *target;
	int fd; /* a detached copy, with all that is mounted below it */
};

struct overlay_submounts {
	char *root; /* canonical; they lie below it */
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
	free(submounts->root);
	free(submounts);
}

/* What lies on or below a mount that was taken is part of its copy. */
static bool is_taken(const struct overlay_submounts *submounts, const char *target)
{
	for (size_t i = 0; i < submounts->count; i++)
		if (strcmp(submounts->mounts[i].target, target) == 0 ||
		    overlay_mount_below(target, submounts->mounts[i].target))
			return true;
	return false;
}

int overlay_submounts_take(const char *root, struct overlay_submounts **ret,
			   struct verity_error *err)
{
	cleanup_with(overlay_mounts_free) struct overlay_mounts mounts = {.count = 0};
	cleanup_with(overlay_submounts_free_p) struct overlay_submounts *submounts =
		calloc(1, sizeof(*submounts));
	int r = submounts ? overlay_mounts_read(OVERLAY_MOUNTINFO, &mounts) : -ENOMEM;

	if (r < 0)
		return verity_fail_errno(err, -r, OVERLAY_MOUNTINFO);
	submounts->root = realpath(root, NULL);
	if (!submounts->root)
		return verity_fail_errno(err, errno, "%s", root);
	/* a mount comes before those below it */
	for (size_t i = 0; i < mounts.count; i++) {
		struct submount *mount = &submounts->mounts[submounts->count];
		const char *target = mounts.items[i].target;

		if (!overlay_mount_below(target, submounts->root) ||
		    is_taken(submounts, target))
			continue;
		if (submounts->count == SUBMOUNTS_MAX)
			return verity_fail(err, VERITY_E_STACK,
					   "more than %d file systems are mounted below "
					   "the root",
					   SUBMOUNTS_MAX);
		mount->fd = -1;
		mount->target = strdup(target);
		if (!mount->target)
			return verity_no_memory(err);
		submounts->count++;
		mount->fd =
			sys_open_tree(AT_FDCWD, target,
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
		if (mount->fd >= 0)
			continue;
		/* Something is mounted above it: nobody sees it. */
		if (errno != ENOENT && errno != ENOTDIR)
			return verity_fail_errno(err, errno, "%s", target);
		free(mount->target);
		submounts->count--;
	}
	*ret = steal_ptr(&submounts);
	return 0;
}

const char *overlay_submounts_at(const struct overlay_submounts *submounts, size_t index,
				 bool *ret_folder)
{
	struct stat st;

	if (index >= submounts->count)
		return NULL;
	*ret_folder = fstat(submounts->mounts[index].fd, &st) < 0 || S_ISDIR(st.st_mode);
	return submounts->mounts[index].target + strlen(submounts->root);
}

/*
 * On what covers the root now. A package may have a link there, or on the way, that leads
 * out of it.
 */
int overlay_submounts_put(struct overlay_submounts *submounts, struct verity_error *err)
{
	cleanup_fd int root =
		open(submounts->root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (root < 0)
		return verity_fail_errno(err, errno, "%s", submounts->root);
	for (size_t i = 0; i < submounts->count; i++) {
		const struct submount *mount = &submounts->mounts[i];
		const char *path = mount->target + strlen(submounts->root);
		cleanup_fd int fd = overlay_open_at(
			root, path + strspn(path, "/"), O_PATH | O_NOFOLLOW,
			RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);

		if (fd >= 0 && sys_move_mount(mount->fd, "", fd, "",
					      MOVE_MOUNT_F_EMPTY_PATH |
						      MOVE_MOUNT_T_EMPTY_PATH) == 0)
			continue;
		verity_fail_errno(err, fd < 0 ? -fd : errno,
				  "%s cannot be mounted on the stack", mount->target);
		if (err)
			err->code = VERITY_E_STACK;
		return -EIO;
	}
	return 0;
}
