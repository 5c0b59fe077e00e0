/* SPDX-License-Identifier: MIT */
#include "overlay/stack/upper_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

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

struct guard {
	const char *hierarchy;
	struct verity_error *err;
};

static int refuse(const struct guard *guard, const char *path, const char *why)
{
	return verity_fail(guard->err, VERITY_E_STACK, "/%s %s", path, why);
}

/* @engine->root is the engine's layer, @engine->folder the upper. */
static int check_step(const struct engine *engine, struct engine_way *way, bool last)
{
	const struct guard *guard = engine->context;
	const char *part = within(way->walked, guard->hierarchy);
	struct stat own, other;
	bool folder;

	if (fstatat(engine->root, way->walked, &own, AT_SYMLINK_NOFOLLOW) < 0)
		return verity_fail_errno(guard->err, errno, "/%s", way->walked);
	folder = S_ISDIR(own.st_mode) && !last;
	if (part && fstatat(engine->folder, part, &other, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!folder)
			return refuse(guard, way->walked,
				      "was changed, and is the engine's own");
		if (!is_plain(engine->folder, part))
			return refuse(
				guard, way->walked,
				"was replaced, and the engine's own files lie in it");
	} else if (part && errno != ENOENT) {
		return verity_fail_errno(guard->err, errno, "/%s", way->walked);
	}
	return S_ISLNK(own.st_mode) ? engine_follow(engine, way) : 0;
}

static int walk_all(const struct engine *engine,
		    int (*visit)(const struct engine *engine, struct engine_way *way,
				 bool last))
{
	const struct guard *guard = engine->context;
	const char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = overlay_protected_at(i)); i++) {
		r = engine_walk(engine, path, visit);
		if (r < 0 && guard->err->code == VERITY_OK)
			verity_fail_errno(guard->err, -r, "/%s", path);
	}
	return r;
}

int overlay_guard_check(const char *engine, int upper_fd, const char *hierarchy,
			struct verity_error *err)
{
	struct verity_error why = {0};
	struct guard guard = {hierarchy, &why};
	cleanup_fd int layer = open(engine, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct engine walked = {layer, upper_fd, &guard};
	int r;

	if (layer < 0)
		return verity_fail_errno(err, errno, "%s", engine);
	r = walk_all(&walked, check_step);
	if (r < 0 && err)
		*err = why;
	return r;
}

/* The way was looked at before: there is no link left in it. */
static int open_place(int target, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, target, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int mount_copy(const struct engine *engine, const char *path, mode_t type)
{
	const struct guard *guard = engine->context;
	cleanup_fd int place = open_place(engine->folder, path);
	cleanup_fd int copy = -1;
	struct stat st;

	if (place < 0)
		return verity_fail_errno(guard->err, -place, "/%s", path);
	if (fstat(place, &st) < 0 || (st.st_mode & S_IFMT) != type)
		return refuse(guard, path, "is not what the engine has there");
	copy = open_tree(engine->root, path,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (copy < 0 || move_mount(copy, "", place, "",
				   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return verity_fail_errno(guard->err, errno, "/%s cannot be protected",
					 path);
	return 0;
}

/* What the firmware does not have is a whiteout there, and nothing to mount. */
static int mount_step(const struct engine *engine, struct engine_way *way, bool last)
{
	const struct guard *guard = engine->context;
	struct stat own;

	if (fstatat(engine->root, way->walked, &own, AT_SYMLINK_NOFOLLOW) < 0)
		return verity_fail_errno(guard->err, errno, "/%s", way->walked);
	if (S_ISLNK(own.st_mode))
		return engine_follow(engine, way);
	if (!last || S_ISCHR(own.st_mode) || !within(way->walked, guard->hierarchy))
		return 0;
	return mount_copy(engine, way->walked, own.st_mode & S_IFMT);
}

int overlay_guard_mount(const char *engine, const char *target, const char *hierarchy,
			struct verity_error *err)
{
	struct verity_error why = {0};
	struct guard guard = {hierarchy, &why};
	cleanup_fd int layer = open(engine, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int root = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct engine walked = {layer, root, &guard};
	int r;

	if (layer < 0 || root < 0)
		return verity_fail_errno(err, errno, "%s", layer < 0 ? engine : target);
	r = walk_all(&walked, mount_step);
	if (r < 0 && err)
		*err = why;
	return r;
}
