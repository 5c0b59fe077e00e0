/* SPDX-License-Identifier: MIT */
/* Fills a tmpfs with copies of the protected paths and of the way to each. */
#include "overlay/stack/engine_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "overlay/fs/copy.h"
#include "overlay/fs/protect.h"
#include "overlay/fs/walk_links.h"
#include "verity/util/cleanup.h"

#define TMPFS_OPTIONS "size=256m,mode=0755"

/* No program can be found below it, and none is one: it counts as nothing. */
static bool is_special(const struct stat *st)
{
	return !S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode) && !S_ISLNK(st->st_mode);
}

/*
 * One name on the way; @last: it is the protected thing itself.
 *
 * Return: 1 where the way ends in the firmware: below a file, or in a loop of links,
 * there is nothing, and with that file or link on top a package cannot change this.
 */
static int add_name(int root_fd, int folder_fd, struct overlay_walk *walk, bool last)
{
	const char *path = walk->path;
	struct stat st;
	int r;

	r = fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r;
	if (r < 0 || is_special(&st)) {
		r = last ? mknodat(folder_fd, path, S_IFCHR, 0)
			 : mkdirat(folder_fd, path, 0755);
		return r < 0 && errno != EEXIST ? -errno : 0;
	}
	if (S_ISLNK(st.st_mode)) {
		r = overlay_copy_one(root_fd, folder_fd, path, &st);
		if (r == 0)
			r = overlay_walk_follow_link(walk, root_fd);
		return r == -ELOOP ? 1 : r;
	}
	if (!last) {
		r = overlay_copy_one(root_fd, folder_fd, path, &st);
		return r == 0 && !S_ISDIR(st.st_mode) ? 1 : r;
	}
	r = overlay_copy_tree(root_fd, folder_fd, path);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = overlay_copy_opaque(folder_fd, path);
	return r;
}

/* Filling a folder has changed its times. */
static int restore_look(int root_fd, int folder_fd, struct overlay_walk *walk, bool last)
{
	struct stat st;

	if (fstatat(root_fd, walk->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (S_ISLNK(st.st_mode)) {
		int r = overlay_walk_follow_link(walk, root_fd);

		return r == -ELOOP ? 1 : r;
	}
	if (last || is_special(&st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return 1;
	return overlay_copy_look(root_fd, folder_fd, walk->path);
}

static int visit(int root_fd, int folder_fd, const char *path,
		 int (*name)(int root_fd, int folder_fd, struct overlay_walk *walk,
			     bool last))
{
	struct overlay_walk walk;
	int r = overlay_walk_begin(&walk, path, OVERLAY_PROTECTED_LINKS);

	while (r == 0 && (r = overlay_walk_next(&walk)) > 0) {
		r = name(root_fd, folder_fd, &walk, overlay_walk_is_last(&walk));
		if (r > 0)
			return 0;
	}
	return r;
}

static int fill(int root_fd, int folder_fd, const struct overlay_protect *own,
		struct verity_error *err)
{
	const char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = overlay_protected_at(own, i)); i++) {
		r = visit(root_fd, folder_fd, path, add_name);
		if (r == -EOPNOTSUPP)
			return verity_fail(err, VERITY_E_KERNEL_FEATURE,
					   "the kernel's tmpfs keeps no trusted "
					   "attributes (CONFIG_TMPFS_XATTR)");
		if (r < 0)
			return verity_fail_errno(err, -r, "keeping the firmware's /%s",
						 path);
	}
	for (size_t i = 0; r == 0 && (path = overlay_protected_at(own, i)); i++)
		r = visit(root_fd, folder_fd, path, restore_look);
	if (r == 0)
		r = overlay_copy_look(root_fd, folder_fd, ".");
	return r < 0 ? verity_fail_errno(err, -r, "engine layer") : 0;
}

int overlay_engine_mount(const char *root, const char *folder,
			 const struct overlay_protect *own, struct verity_error *err)
{
	cleanup_fd int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int folder_fd = -1;
	int r;

	if (root_fd < 0 ||
	    mount("wmopkg-engine", folder, "tmpfs", MS_NODEV, TMPFS_OPTIONS) < 0)
		return verity_fail_errno(err, errno, "engine layer");
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd < 0)
		r = verity_fail_errno(err, errno, "engine layer");
	else
		r = fill(root_fd, folder_fd, own, err);
	if (r == 0 && mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY | MS_NODEV,
			    TMPFS_OPTIONS) < 0)
		r = verity_fail_errno(err, errno, "engine layer");
	if (r < 0)
		umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW);
	return r;
}
