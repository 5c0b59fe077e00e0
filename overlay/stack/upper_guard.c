/* SPDX-License-Identifier: MIT */
/* Walks the protected paths in the engine's layer and compares, or mounts, each. */
#include "overlay/stack/upper_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "overlay/fs/open_beneath.h"
#include "overlay/fs/protect.h"
#include "overlay/fs/walk_links.h"
#include "verity/util/cleanup.h"

/* The part of @path that lies in the hierarchy; NULL where it does not lie below it. */
static const char *within(const char *path, const char *hierarchy)
{
	size_t size = strlen(hierarchy);

	if (size == 0)
		return path;
	if (strncmp(path, hierarchy + 1, size - 1) != 0 || path[size - 1] != '/')
		return NULL;
	return path + size;
}

/* A folder that shows all that lies below it, and nothing of elsewhere. */
static bool is_plain(int upper, const char *path)
{
	static const char *const marks[] = {"opaque", "redirect", "metacopy", "whiteout"};
	cleanup_fd int fd =
		openat(upper, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char name[64];

	if (fd < 0)
		return false;
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		snprintf(name, sizeof(name), "trusted.overlay.%s", marks[i]);
		if (fgetxattr(fd, name, NULL, 0) >= 0)
			return false;
	}
	return true;
}

/* What is in the place of a name of the engine's layer, in an upper. */
static int check_name(int engine_fd, int upper_fd, const char *hierarchy,
		      struct overlay_walk *walk, struct verity_error *err)
{
	const char *path = walk->path, *part = within(path, hierarchy);
	struct stat own, other;

	if (fstatat(engine_fd, path, &own, AT_SYMLINK_NOFOLLOW) < 0)
		return verity_fail_errno(err, errno, "/%s", path);
	if (part && fstatat(upper_fd, part, &other, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!S_ISDIR(own.st_mode) || overlay_walk_is_last(walk))
			return verity_fail(err, VERITY_E_STACK,
					   "/%s was changed, and is the engine's own",
					   path);
		if (!is_plain(upper_fd, part))
			return verity_fail(err, VERITY_E_STACK,
					   "/%s was replaced, and the engine's own files "
					   "lie in it",
					   path);
	} else if (part && errno != ENOENT) {
		return verity_fail_errno(err, errno, "/%s", path);
	}
	if (!S_ISLNK(own.st_mode))
		return 0;
	return overlay_walk_follow_link(walk, engine_fd);
}

static int mount_copy(int engine_fd, int root_fd, const char *path, mode_t type,
		      struct verity_error *err)
{
	/* the way was checked before: there is no link left in it */
	cleanup_fd int fd = overlay_open_at(root_fd, path, O_PATH | O_NOFOLLOW,
					    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	cleanup_fd int copy = -1;
	struct stat st;

	if (fd < 0)
		return verity_fail_errno(err, -fd, "/%s", path);
	if (fstat(fd, &st) < 0 || (st.st_mode & S_IFMT) != type)
		return verity_fail(err, VERITY_E_STACK,
				   "/%s is not what the engine has there", path);
	copy = open_tree(engine_fd, path,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (copy < 0 || move_mount(copy, "", fd, "",
				   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return verity_fail_errno(err, errno, "/%s cannot be protected", path);
	return 0;
}

/* What the firmware does not have is a whiteout there, and nothing to mount. */
static int mount_name(int engine_fd, int root_fd, const char *hierarchy,
		      struct overlay_walk *walk, struct verity_error *err)
{
	struct stat own;

	if (fstatat(engine_fd, walk->path, &own, AT_SYMLINK_NOFOLLOW) < 0)
		return verity_fail_errno(err, errno, "/%s", walk->path);
	if (S_ISLNK(own.st_mode))
		return overlay_walk_follow_link(walk, engine_fd);
	if (!overlay_walk_is_last(walk) || S_ISCHR(own.st_mode) ||
	    !within(walk->path, hierarchy))
		return 0;
	return mount_copy(engine_fd, root_fd, walk->path, own.st_mode & S_IFMT, err);
}

/* Every name on the way to every protected path, in the engine's layer. */
static int visit(const char *engine, int other_fd, const char *hierarchy,
		 int (*name)(int engine_fd, int other_fd, const char *hierarchy,
			     struct overlay_walk *walk, struct verity_error *err),
		 struct verity_error *err)
{
	cleanup_fd int engine_fd = open(engine, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct verity_error why = {0};
	struct overlay_walk walk;
	const char *path;
	int r = 0;

	if (engine_fd < 0)
		return verity_fail_errno(err, errno, "%s", engine);
	for (size_t i = 0; r == 0 && (path = overlay_protected_at(i)); i++) {
		r = overlay_walk_begin(&walk, path, OVERLAY_PROTECTED_LINKS);
		while (r == 0 && (r = overlay_walk_next(&walk)) > 0)
			r = name(engine_fd, other_fd, hierarchy, &walk, &why);
		if (r < 0 && why.code == VERITY_OK)
			verity_fail_errno(&why, -r, "/%s", path);
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

int overlay_guard_check(const char *engine, int upper_fd, const char *hierarchy,
			struct verity_error *err)
{
	return visit(engine, upper_fd, hierarchy, check_name, err);
}

int overlay_guard_mount(const char *engine, const char *target, const char *hierarchy,
			struct verity_error *err)
{
	cleanup_fd int root_fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root_fd < 0)
		return verity_fail_errno(err, errno, "%s", target);
	return visit(engine, root_fd, hierarchy, mount_name, err);
}
