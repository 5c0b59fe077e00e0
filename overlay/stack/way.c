/* SPDX-License-Identifier: MIT */
/* Looks at a path in each layer, and finds the layer that ends the way. */
#include "overlay/stack/way.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "verity/util/cleanup.h"

size_t overlay_way_names(const char *path)
{
	size_t count = 0;

	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		path += strcspn(path, "/");
		count++;
	}
	return count;
}

static char kind_of(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return OVERLAY_WAY_FILE;
	if (S_ISLNK(st->st_mode))
		return OVERLAY_WAY_LINK;
	return S_ISCHR(st->st_mode) && st->st_rdev == 0 ? OVERLAY_WAY_WHITEOUT
							: OVERLAY_WAY_OTHER;
}

static char folder_kind(int fd)
{
	char opaque = '\0';

	return fgetxattr(fd, "trusted.overlay.opaque", &opaque, 1) == 1 && opaque == 'y'
		       ? OVERLAY_WAY_OPAQUE
		       : OVERLAY_WAY_FOLDER;
}

int overlay_way_look(const char *folder, const char *path, struct overlay_way *ret,
		     struct verity_error *err)
{
	cleanup_fd int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t count = 0;

	if (at < 0)
		return verity_fail_errno(err, errno, "%s", folder);
	*ret = (struct overlay_way){.in = true};
	ret->kinds[count++] = folder_kind(at);
	for (path += strspn(path, "/"); *path && count <= OVERLAY_WAY_MAX;
	     path += strspn(path, "/")) {
		size_t length = strcspn(path, "/");
		cleanup_free char *name = strndup(path, length);
		struct stat st;
		int next;

		if (!name)
			return verity_no_memory(err);
		path += length;
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && errno == ENOENT)
			return 0;
		if (next >= 0) {
			close(at);
			at = next;
			ret->kinds[count++] = folder_kind(at);
			continue;
		}
		if (errno != ENOTDIR && errno != ELOOP)
			return verity_fail_errno(err, errno, "/%s", name);
		if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return verity_fail_errno(err, errno, "/%s", name);
		ret->kinds[count] = kind_of(&st);
		return 0;
	}
	return 0;
}

/*
 * The walk of the kernel, name by name. @live: the layers whose folders are merged there.
 * A layer that ends the merging costs those below it, the firmware included; if nothing
 * is left of the path then, the last of these layers has to go: whatever else goes, it
 * still hides what lies below.
 */
bool overlay_way_blocked(const struct overlay_way *ways, size_t count, size_t names,
			 bool folder, struct overlay_way_block *ret)
{
	cleanup_free bool *live = calloc(count + 1, sizeof(*live));
	struct overlay_way_block block = {.layer = count};

	for (size_t i = 0; live && i < count; i++)
		live[i] = ways[i].in;
	for (size_t at = 0; live && at <= names; at++) {
		bool seen = false, open = true;

		for (size_t i = 0; i < count; i++) {
			char kind = '\0';
			bool fits;

			if (live[i] && open)
				kind = ways[i].kinds[at];
			if (at < names || folder)
				fits = kind == OVERLAY_WAY_FOLDER ||
				       kind == OVERLAY_WAY_OPAQUE;
			else
				fits = kind == OVERLAY_WAY_FILE;

			live[i] = fits;
			if (kind == '\0' || (fits && kind == OVERLAY_WAY_FOLDER)) {
				seen = seen || fits;
				continue;
			}
			block = (struct overlay_way_block){i, at, kind};
			open = false;
			seen = seen || fits;
		}
		if (!seen && block.layer < count) {
			*ret = block;
			return true;
		}
	}
	return false;
}

int overlay_way_fail(const struct overlay_way_block *block, const char *path,
		     struct verity_error *err)
{
	const char *end = path + strspn(path, "/");
	const char *what = block->kind == OVERLAY_WAY_FOLDER     ? "has a folder at"
			   : block->kind == OVERLAY_WAY_OPAQUE   ? "hides all that is in"
			   : block->kind == OVERLAY_WAY_FILE     ? "has a file at"
			   : block->kind == OVERLAY_WAY_WHITEOUT ? "deletes"
			   : block->kind == OVERLAY_WAY_LINK ? "has a symbolic link at"
							     : "has a special file at";

	for (size_t i = 0; i < block->names && *end; i++) {
		end += strspn(end, "/");
		end += strcspn(end, "/");
	}
	return verity_fail(err, VERITY_E_BLOCKS_MOUNT,
			   "it %s %.*s, and a file system is mounted at %s", what,
			   block->names ? (int)(end - path) : 1, path, path);
}
