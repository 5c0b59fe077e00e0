/* SPDX-License-Identifier: MIT */
/* Walks each path in the firmware, and asks the layers at each name. */
#include "overlay/libraries/touched.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "overlay/fs/walk_links.h"
#include "verity/util/cleanup.h"

#define LINKS_MAX   40
#define MEMOS_COUNT 32

/* The folder that was asked for last, of those that are as deep. */
struct memo {
	char path[PATH_MAX];
	bool *plain; /* owned: by layer: it has a plain folder there */
	bool known, any, other;
};

struct asking {
	int root_fd;                       /* borrowed */
	const struct overlay_touching *by; /* borrowed */
	size_t count;                      /* of layers */
	struct memo memos[MEMOS_COUNT];
};

/* A folder that is merged with the firmware's. What cannot be told is none. */
static bool is_plain(int layers, const char *name, const struct stat *st)
{
	cleanup_fd int fd = -1;

	if (!S_ISDIR(st->st_mode))
		return false;
	fd = openat(layers, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && fgetxattr(fd, "trusted.overlay.opaque", NULL, 0) < 0;
}

/* The name of what layer number @layer may have at @path; NULL: nothing. */
static const char *find_name(const struct overlay_touching *by, size_t layer,
			     const char *path, char buffer[static PATH_MAX + 32])
{
	const char *upper = by->upper ? by->upper + (by->upper[0] == '/') : NULL;
	size_t size = upper ? strlen(upper) : 0;

	if (!upper) {
		snprintf(buffer, PATH_MAX + 32, "%zu/%s", layer + 1, path);
		return buffer;
	}
	if (size == 0)
		return path;
	/* All that is above a hierarchy is a plain folder. */
	if (strncmp(upper, path, strlen(path)) == 0 &&
	    (upper[strlen(path)] == '/' || upper[strlen(path)] == '\0'))
		return ".";
	return strncmp(path, upper, size) == 0 && path[size] == '/' ? path + size + 1
								    : NULL;
}

/* What a layer has at @path, below plain folders of its own. */
static int look(const struct asking *asking, size_t layer, const char *path,
		bool *ret_any, bool *ret_plain)
{
	char buffer[PATH_MAX + 32];
	const char *name = find_name(asking->by, layer, path, buffer);
	struct verity_error why;
	struct stat st;

	*ret_any = *ret_plain = false;
	if (!name)
		return 0;
	if (fstatat(asking->by->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		if (!asking->by->unreadable)
			return -errno;
		verity_fail_errno(&why, errno, "reading /%s of it", path);
		asking->by->unreadable(asking->by->context, layer, &why);
		return 0;
	}
	*ret_any = true;
	*ret_plain = is_plain(asking->by->fd, name, &st);
	return 0;
}

/* @ret: NULL for the root, where every package has a folder */
static int ask(struct asking *asking, const char *path, struct memo **ret)
{
	const char *slash = strrchr(path, '/');
	struct memo *above = NULL, *memo;
	size_t depth = 0;
	int r = 0;

	*ret = NULL;
	if (!path[0])
		return 0;
	for (const char *at = path; *at; at++)
		depth += *at == '/';
	if (depth >= MEMOS_COUNT)
		return -ENAMETOOLONG;
	memo = *ret = &asking->memos[depth];
	if (memo->known && strcmp(memo->path, path) == 0)
		return 0;
	if (slash) {
		char folder[PATH_MAX];

		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		r = ask(asking, folder, &above);
	}
	if (!memo->plain)
		memo->plain = calloc(asking->count + 1, sizeof(bool));
	if (!memo->plain)
		return -ENOMEM;
	memo->known = memo->any = memo->other = false;
	for (size_t i = 0; r == 0 && i < asking->count; i++) {
		bool any = false;

		memo->plain[i] = false;
		if (!above || above->plain[i])
			r = look(asking, i, path, &any, &memo->plain[i]);
		memo->any |= any;
		memo->other |= any && !memo->plain[i];
	}
	snprintf(memo->path, sizeof(memo->path), "%s", path);
	memo->known = r == 0;
	return r;
}

/* Return: 1 where a package changes it; 0; -errno. */
static int is_touched(struct asking *asking, const char *path)
{
	struct overlay_walk walk;
	int r = overlay_walk_begin(&walk, path, LINKS_MAX);

	while (r == 0 && (r = overlay_walk_next(&walk)) > 0) {
		struct stat st = {0};
		struct memo *memo;

		r = ask(asking, walk.path, &memo);
		if (r == -ENAMETOOLONG)
			return 1; /* too deep to be remembered */
		if (r < 0 || !memo)
			break;
		if (fstatat(asking->root_fd, walk.path, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
		    errno != ENOENT && errno != ENOTDIR)
			return -errno;
		if (memo->other ||
		    (memo->any && (S_ISLNK(st.st_mode) || overlay_walk_is_last(&walk))))
			return 1;
		if (S_ISLNK(st.st_mode))
			r = overlay_walk_follow_link(&walk, asking->root_fd);
		else if (!memo->any)
			break;
	}
	/* A loop of links, or too long a path: nothing is there for anybody. */
	return r == -ELOOP || r == -ENAMETOOLONG ? 0 : r;
}

int overlay_touched_find(int root_fd, const struct overlay_touching *by,
			 const struct overlay_paths *paths, struct overlay_paths *ret,
			 struct verity_error *err)
{
	struct asking *asking = calloc(1, sizeof(*asking));
	int r = asking ? 0 : -ENOMEM;

	if (r == 0) {
		asking->root_fd = root_fd;
		asking->by = by;
		asking->count = by->upper ? 1 : by->count;
	}
	for (size_t i = 0; r == 0 && i < paths->count; i++) {
		r = is_touched(asking, paths->items[i]);
		if (r > 0)
			r = overlay_paths_add(ret, paths->items[i]);
	}
	for (size_t i = 0; asking && i < MEMOS_COUNT; i++)
		free(asking->memos[i].plain);
	free(asking);
	return r < 0 ? verity_fail_errno(err, -r, "what packages change") : 0;
}
