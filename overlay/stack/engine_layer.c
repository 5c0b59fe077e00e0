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
#include "overlay/libraries/paths.h"
#include "verity/util/cleanup.h"

#define TMPFS_OPTIONS "size=256m,mode=0755"

struct layer {
	int root_fd;               /* of the firmware; borrowed */
	int fd;                    /* borrowed */
	struct overlay_paths seen; /* folders that are done, and those that are missing */
};

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
static int add_name(struct layer *layer, struct overlay_walk *walk, bool last)
{
	const char *path = walk->path;
	int root_fd = layer->root_fd, folder_fd = layer->fd;
	struct stat st;
	int r;

	r = fstatat(root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		return r;
	if (r < 0 || is_special(&st)) {
		r = last ? mknodat(folder_fd, path, S_IFCHR, 0)
			 : mkdirat(folder_fd, path, 0755);
		if (r < 0 && errno != EEXIST)
			return -errno;
		return last ? 0 : overlay_paths_add(&layer->seen, path);
	}
	if (S_ISLNK(st.st_mode)) {
		r = overlay_copy_one(root_fd, folder_fd, path, &st);
		if (r == 0)
			r = overlay_walk_follow_link(walk, root_fd);
		return r == -ELOOP ? 1 : r;
	}
	if (!last) {
		r = overlay_copy_one(root_fd, folder_fd, path, &st);
		if (r == 0)
			r = S_ISDIR(st.st_mode) ? overlay_paths_add(&layer->seen, path)
						: 1;
		return r;
	}
	r = overlay_copy_tree(root_fd, folder_fd, path);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = overlay_copy_opaque(folder_fd, path);
	return r;
}

/* Filling a folder has changed its times. */
static int restore_look(struct layer *layer, struct overlay_walk *walk, bool last)
{
	struct stat st;
	int r;

	if (fstatat(layer->root_fd, walk->path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
		return last ? 0 : overlay_paths_add(&layer->seen, walk->path);
	}
	if (S_ISLNK(st.st_mode)) {
		r = overlay_walk_follow_link(walk, layer->root_fd);
		return r == -ELOOP ? 1 : r;
	}
	if (last || is_special(&st))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return 1;
	r = overlay_paths_add(&layer->seen, walk->path);
	return r < 0 ? r : overlay_copy_look(layer->root_fd, layer->fd, walk->path);
}

/* Calls @name for each name on the way that is not seen yet, and for the last. */
static int visit(struct layer *layer, const char *path,
		 int (*name)(struct layer *layer, struct overlay_walk *walk, bool last))
{
	struct overlay_walk walk;
	int r = overlay_walk_begin(&walk, path, OVERLAY_PROTECTED_LINKS);

	while (r == 0 && (r = overlay_walk_next(&walk)) > 0) {
		bool last = overlay_walk_is_last(&walk);

		r = 0;
		if (last || !overlay_paths_has(&layer->seen, walk.path))
			r = name(layer, &walk, last);
		if (r > 0)
			return 0;
	}
	return r;
}

static int fill(struct layer *layer, const struct overlay_protect *own,
		struct verity_error *err)
{
	const char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = overlay_protected_at(own, i)); i++) {
		r = visit(layer, path, add_name);
		if (r == -EOPNOTSUPP)
			return verity_fail(err, VERITY_E_KERNEL_FEATURE,
					   "the kernel's tmpfs keeps no trusted "
					   "attributes (CONFIG_TMPFS_XATTR)");
		if (r < 0)
			return verity_fail_errno(err, -r, "keeping the firmware's /%s",
						 path);
	}
	overlay_paths_free(&layer->seen);
	for (size_t i = 0; r == 0 && (path = overlay_protected_at(own, i)); i++)
		r = visit(layer, path, restore_look);
	if (r == 0)
		r = overlay_copy_look(layer->root_fd, layer->fd, ".");
	return r < 0 ? verity_fail_errno(err, -r, "engine layer") : 0;
}

int overlay_engine_mount(const char *root, const char *folder,
			 const struct overlay_protect *own, struct verity_error *err)
{
	cleanup_fd int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int folder_fd = -1;
	struct layer layer = {.root_fd = root_fd};
	int r;

	if (root_fd < 0 ||
	    mount("wmopkg-engine", folder, "tmpfs", MS_NODEV, TMPFS_OPTIONS) < 0)
		return verity_fail_errno(err, errno, "engine layer");
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	layer.fd = folder_fd;
	if (folder_fd < 0)
		r = verity_fail_errno(err, errno, "engine layer");
	else
		r = fill(&layer, own, err);
	overlay_paths_free(&layer.seen);
	if (r == 0 && mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY | MS_NODEV,
			    TMPFS_OPTIONS) < 0)
		r = verity_fail_errno(err, errno, "engine layer");
	if (r < 0)
		umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW);
	return r;
}
