/* SPDX-License-Identifier: MIT */
#include "overlay/stack/engine_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "overlay/fs/copy.h"
#include "overlay/fs/protect.h"
#include "overlay/fs/walk_links.h"
#include "verity/util/cleanup.h"

#define TMPFS_OPTIONS "size=64m,mode=0755"

static int hide(const struct engine *engine, const char *path)
{
	if (mknodat(engine->folder, path, S_IFCHR, 0) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* One step; @last: this is the protected thing itself, not a folder above it. */
static int step(const struct engine *engine, struct engine_way *way, bool last)
{
	struct stat st;
	int r;

	if (fstatat(engine->root, way->walked, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			return -errno;
		if (last)
			return hide(engine, way->walked);
		if (mkdirat(engine->folder, way->walked, 0755) < 0 && errno != EEXIST)
			return -errno;
		return 0;
	}
	if (S_ISLNK(st.st_mode)) {
		r = overlay_copy_one(engine->root, engine->folder, way->walked, &st);
		return r < 0 ? r : engine_follow(engine, way);
	}
	if (!last)
		return overlay_copy_one(engine->root, engine->folder, way->walked, &st);
	r = overlay_copy_tree(engine->root, engine->folder, way->walked);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = overlay_copy_opaque(engine->folder, way->walked);
	return r;
}

/* Filling a folder changed its times. */
static int touch_up(const struct engine *engine, struct engine_way *way, bool last)
{
	struct stat st;

	if (fstatat(engine->root, way->walked, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st.st_mode))
		return engine_follow(engine, way);
	return last ? 0 : overlay_copy_look(engine->root, engine->folder, way->walked);
}

int overlay_engine_fill(int root_fd, int folder_fd, struct verity_error *err)
{
	const struct engine engine = {.root = root_fd, .folder = folder_fd};
	const char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = overlay_protected_at(i)); i++) {
		r = engine_walk(&engine, path, step);
		if (r == -EOPNOTSUPP)
			return verity_fail(err, VERITY_E_KERNEL_FEATURE,
					   "the kernel's tmpfs keeps no trusted "
					   "attributes (CONFIG_TMPFS_XATTR)");
		if (r < 0)
			return verity_fail_errno(err, -r, "keeping the firmware's /%s",
						 path);
	}
	for (size_t i = 0; r == 0 && (path = overlay_protected_at(i)); i++)
		r = engine_walk(&engine, path, touch_up);
	if (r == 0)
		r = overlay_copy_look(root_fd, folder_fd, ".");
	return r < 0 ? verity_fail_errno(err, -r, "engine layer") : 0;
}

static int fill_mounted(const char *root, const char *folder, struct verity_error *err)
{
	cleanup_fd int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (root_fd < 0 || folder_fd < 0)
		return verity_fail_errno(err, errno, "engine layer");
	r = overlay_engine_fill(root_fd, folder_fd, err);
	if (r < 0)
		return r;
	if (mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY | MS_NODEV, TMPFS_OPTIONS) <
	    0)
		return verity_fail_errno(err, errno, "engine layer");
	return 0;
}

int overlay_engine_mount(const char *root, const char *folder, struct verity_error *err)
{
	int r;

	if (mount("wmopkg-engine", folder, "tmpfs", MS_NODEV, TMPFS_OPTIONS) < 0)
		return verity_fail_errno(err, errno, "engine layer");
	r = fill_mounted(root, folder, err);
	if (r < 0)
		umount2(folder, MNT_DETACH | UMOUNT_NOFOLLOW);
	return r;
}
