/* SPDX-License-Identifier: MIT */
/* Walks the protected paths in the engine's layer and compares, or mounts, each. */
#include "overlay/stack/upper_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "overlay/fs/open_beneath.h"
#include "overlay/fs/protect.h"
#include "overlay/fs/walk_links.h"
#include "verity/util/cleanup.h"
#include "verity/util/sys.h"

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

/*
 * A folder that shows nothing of elsewhere, and @whole: all that lies below it. What the
 * kernel cannot tell is taken for a mark.
 */
static bool is_plain(int upper, const char *path, bool whole)
{
	static const char *const marks[] = {"redirect", "metacopy", "whiteout", "opaque"};
	size_t count = sizeof(marks) / sizeof(marks[0]) - (whole ? 0 : 1);
	cleanup_fd int fd =
		openat(upper, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char name[64];

	if (fd < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "trusted.overlay.%s", marks[i]);
		if (fgetxattr(fd, name, NULL, 0) >= 0)
			return false;
	}
	return true;
}

/* @absent: the firmware has nothing at the end, so what only hides it does no harm. */
static bool is_allowed(int upper, const char *path, const struct stat *st, bool absent)
{
	if (absent && S_ISCHR(st->st_mode) && st->st_rdev == 0)
		return true;
	return is_plain(upper, path, !absent);
}

/*
 * What is in the place of a name of the engine's layer, in an upper.
 *
 * Return: 1 where the way ends in the engine's layer.
 */
static int check_name(int engine_fd, int upper_fd, const char *hierarchy,
		      struct overlay_walk *walk, bool absent, struct verity_error *err)
{
	const char *path = walk->path, *part = within(path, hierarchy);
	bool last = overlay_walk_is_last(walk);
	struct stat own, other;
	int r;

	if (fstatat(engine_fd, path, &own, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 1 : verity_fail_errno(err, errno, "/%s", path);
	if (part && fstatat(upper_fd, part, &other, AT_SYMLINK_NOFOLLOW) == 0) {
		if (last && absent && S_ISCHR(other.st_mode) && other.st_rdev == 0)
			return 0;
		if (!S_ISDIR(own.st_mode) || last)
			return verity_fail(err, VERITY_E_STACK,
					   "/%s was changed, and is the engine's own",
					   path);
		if (!is_allowed(upper_fd, part, &other, absent))
			return verity_fail(err, VERITY_E_STACK,
					   "/%s was replaced, and the engine's own files "
					   "lie in it",
					   path);
	} else if (part && errno != ENOENT && !(absent && errno == ENOTDIR)) {
		return verity_fail_errno(err, errno, "/%s", path);
	}
	if (!S_ISLNK(own.st_mode))
		return !last && !S_ISDIR(own.st_mode);
	r = overlay_walk_follow_link(walk, engine_fd);
	return r == -ELOOP ? 1 : r;
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
	copy = sys_open_tree(engine_fd, path,
			     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (copy < 0 ||
	    sys_move_mount(copy, "", fd, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return verity_fail_errno(err, errno, "/%s cannot be protected", path);
	return 0;
}

/*
 * What the firmware does not have is a whiteout there, and nothing to mount. Several ways
 * may lead to one place.
 */
static int mount_name(int engine_fd, int root_fd, const char *hierarchy,
		      struct overlay_walk *walk, bool absent, struct verity_error *err)
{
	bool last = overlay_walk_is_last(walk);
	struct stat own, there;
	int r;

	if (fstatat(engine_fd, walk->path, &own, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 1
				       : verity_fail_errno(err, errno, "/%s", walk->path);
	if (S_ISLNK(own.st_mode)) {
		r = overlay_walk_follow_link(walk, engine_fd);
		return r == -ELOOP ? 1 : r;
	}
	if (!last || absent || !within(walk->path, hierarchy))
		return !last && !S_ISDIR(own.st_mode);
	if (fstatat(root_fd, walk->path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	    there.st_dev == own.st_dev && there.st_ino == own.st_ino)
		return 0;
	return mount_copy(engine_fd, root_fd, walk->path, own.st_mode & S_IFMT, err);
}

typedef int visit_name(int engine_fd, int other_fd, const char *hierarchy,
		       struct overlay_walk *walk, bool absent, struct verity_error *err);

/* To the end of the way in the engine's layer: whether nothing is there. */
static int is_absent(int engine_fd, const char *path, bool *ret)
{
	struct overlay_walk walk;
	struct stat st = {0};
	int r = overlay_walk_begin(&walk, path, OVERLAY_PROTECTED_LINKS);

	while (r == 0 && (r = overlay_walk_next(&walk)) > 0) {
		r = fstatat(engine_fd, walk.path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno
										: 0;
		if (r == 0 && S_ISLNK(st.st_mode))
			r = overlay_walk_follow_link(&walk, engine_fd);
	}
	*ret = r == 0 && S_ISCHR(st.st_mode);
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? 0 : r;
}

static int visit_one(int engine_fd, int other_fd, const char *hierarchy, const char *path,
		     visit_name *name, struct verity_error *err)
{
	struct overlay_walk walk;
	bool absent = false;
	int r = is_absent(engine_fd, path, &absent);

	if (r == 0)
		r = overlay_walk_begin(&walk, path, OVERLAY_PROTECTED_LINKS);
	while (r == 0 && (r = overlay_walk_next(&walk)) > 0) {
		r = name(engine_fd, other_fd, hierarchy, &walk, absent, err);
		if (r > 0)
			return 0;
	}
	return r;
}

/* Every name on the way to every protected path, in the engine's layer. */
static int visit(const char *engine, int other_fd, const char *hierarchy,
		 const struct overlay_protect *own, visit_name *name,
		 struct verity_error *err)
{
	cleanup_fd int engine_fd = open(engine, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct verity_error why = {0};
	const char *path;
	int r = 0;

	if (engine_fd < 0)
		return verity_fail_errno(err, errno, "%s", engine);
	for (size_t i = 0; r == 0 && (path = overlay_protected_at(own, i)); i++) {
		r = visit_one(engine_fd, other_fd, hierarchy, path, name, &why);
		if (r < 0 && why.code == VERITY_OK)
			verity_fail_errno(&why, -r, "/%s", path);
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

int overlay_guard_check(const char *engine, int upper_fd, const char *hierarchy,
			const struct overlay_protect *own, struct verity_error *err)
{
	return visit(engine, upper_fd, hierarchy, own, check_name, err);
}

int overlay_guard_mount(const char *engine, const char *target, const char *hierarchy,
			const struct overlay_protect *own, struct verity_error *err)
{
	cleanup_fd int root_fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root_fd < 0)
		return verity_fail_errno(err, errno, "%s", target);
	return visit(engine, root_fd, hierarchy, own, mount_name, err);
}
