/* SPDX-License-Identifier: MIT */
#include "overlay/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "overlay/copy.h"
#include "overlay/protect.h"
#include "verity/cleanup.h"

#define LINKS_MAX 16 /* on the way to one protected path */

#define TMPFS_OPTIONS "size=64m,mode=0755"

struct engine {
	int root;   /* borrowed */
	int folder; /* borrowed */
};

/* A way down from the root: what was walked, and what is still to be. */
struct way {
	char walked[PATH_MAX]; /* no links in it; "" is the root */
	char ahead[PATH_MAX];
	unsigned links;
};

/* Takes the first name off @ahead; false where there is none. */
static bool take_name(struct way *way, char ret[static NAME_MAX + 1])
{
	const char *start = way->ahead + strspn(way->ahead, "/");
	size_t size = strcspn(start, "/");

	if (size == 0 || size > NAME_MAX)
		return false;
	memcpy(ret, start, size);
	ret[size] = '\0';
	start += size;
	memmove(way->ahead, start, strlen(start) + 1);
	return true;
}

static bool is_last(const struct way *way)
{
	return way->ahead[strspn(way->ahead, "/")] == '\0';
}

static void go_up(struct way *way)
{
	char *slash = strrchr(way->walked, '/');

	*(slash ? slash : way->walked) = '\0';
}

static int go_down(struct way *way, const char *name)
{
	size_t size = strlen(way->walked);
	int n = snprintf(way->walked + size, sizeof(way->walked) - size, "%s%s",
			 size ? "/" : "", name);

	return n < 0 || (size_t)n >= sizeof(way->walked) - size ? -ENAMETOOLONG : 0;
}

/* The link itself goes into the layer; the way goes on where it points. */
static int follow(const struct engine *engine, struct way *way)
{
	char target[PATH_MAX];
	char rest[PATH_MAX];
	ssize_t size = readlinkat(engine->root, way->walked, target, sizeof(target) - 1);

	if (size < 0)
		return -errno;
	if (++way->links > LINKS_MAX)
		return -ELOOP;
	target[size] = '\0';
	memcpy(rest, way->ahead, sizeof(rest));
	if (snprintf(way->ahead, sizeof(way->ahead), "%s/%s", target, rest) >=
	    (int)sizeof(way->ahead))
		return -ENAMETOOLONG;
	if (target[0] == '/')
		way->walked[0] = '\0';
	else
		go_up(way);
	return 0;
}

static int hide(const struct engine *engine, const char *path)
{
	if (mknodat(engine->folder, path, S_IFCHR, 0) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* One step; @last: this is the protected thing itself, not a folder above it. */
static int step(const struct engine *engine, struct way *way, bool last)
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
		return r < 0 ? r : follow(engine, way);
	}
	if (!last)
		return overlay_copy_one(engine->root, engine->folder, way->walked, &st);
	r = overlay_copy_tree(engine->root, engine->folder, way->walked);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = overlay_copy_opaque(engine->folder, way->walked);
	return r;
}

/* Filling a folder changed its times. */
static int touch_up(const struct engine *engine, struct way *way, bool last)
{
	struct stat st;

	if (fstatat(engine->root, way->walked, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st.st_mode))
		return follow(engine, way);
	return last ? 0 : overlay_copy_look(engine->root, engine->folder, way->walked);
}

static int walk(const struct engine *engine, const char *path,
		int (*visit)(const struct engine *engine, struct way *way, bool last))
{
	struct way way = {.walked = "", .links = 0};
	char name[NAME_MAX + 1];
	int r = 0;

	snprintf(way.ahead, sizeof(way.ahead), "%s", path);
	while (r == 0 && take_name(&way, name)) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			go_up(&way);
			continue;
		}
		r = go_down(&way, name);
		if (r == 0)
			r = visit(engine, &way, is_last(&way));
	}
	return r;
}

int overlay_engine_fill(int root_fd, int folder_fd, struct verity_error *err)
{
	const struct engine engine = {root_fd, folder_fd};
	const char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = overlay_protected_at(i)); i++) {
		r = walk(&engine, path, step);
		if (r == -EOPNOTSUPP)
			return verity_fail(err, VERITY_E_KERNEL_FEATURE,
					   "the kernel's tmpfs keeps no trusted "
					   "attributes (CONFIG_TMPFS_XATTR)");
		if (r < 0)
			return verity_fail_errno(err, -r, "keeping the firmware's /%s",
						 path);
	}
	for (size_t i = 0; r == 0 && (path = overlay_protected_at(i)); i++)
		r = walk(&engine, path, touch_up);
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
