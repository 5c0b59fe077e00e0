/* SPDX-License-Identifier: MIT */
/* The table of protected paths. */
#include "overlay/fs/protect.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "overlay/fs/walk_links.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The programs that run on a device. wmopkg-build is not one of them: no device trusts
 * it, and a package may bring it. Manual pages and completions decide nothing either.
 */
#define PROGRAMS(folder)                                                                 \
	folder "/wmopkg", folder "/wmopkg-activate", folder "/wmopkg-fetch",             \
		folder "/wmopkg-shutdown", folder "/wmopkg-web"

static const char *const protected_paths[] = {
	"etc/wmopkg",
	PROGRAMS("bin"),
	PROGRAMS("sbin"),
	PROGRAMS("usr/bin"),
	PROGRAMS("usr/sbin"),
	PROGRAMS("usr/local/bin"),
	PROGRAMS("usr/local/sbin"),
	PROGRAMS(WMOPKG_BINDIR),
	PROGRAMS(WMOPKG_SBINDIR),
};

/* Whether @path is @top or lies below it. */
static bool at_or_below(const char *path, const char *top)
{
	size_t length = strlen(top);

	if (strncmp(path, top, length) != 0)
		return false;
	return path[length] == '\0' || path[length] == '/';
}

bool overlay_protected_path(const char *path)
{
	path += strspn(path, "/");
	for (size_t i = 0; i < COUNT(protected_paths); i++)
		if (at_or_below(path, protected_paths[i]))
			return true;
	return false;
}

bool overlay_protected_parent(const char *path)
{
	path += strspn(path, "/");
	if (*path == '\0')
		return true;
	for (size_t i = 0; i < COUNT(protected_paths); i++)
		if (strcmp(path, protected_paths[i]) != 0 &&
		    at_or_below(protected_paths[i], path))
			return true;
	return false;
}

/* Whether programs of the table lie right in the folder @path. */
static bool holds_programs(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < COUNT(protected_paths); i++)
		if (at_or_below(protected_paths[i], path) &&
		    strcmp(protected_paths[i] + length, "/wmopkg-activate") == 0)
			return true;
	return false;
}

/* usr/bin is always a folder: others lead there. */
bool overlay_protected_alias(const char *path, const char *target)
{
	const char *slash = strrchr(path, '/');
	struct overlay_walk walk;
	char whole[2 * PATH_MAX];
	int r;

	if ((strcmp(path, "bin") != 0 && strcmp(slash ? slash + 1 : path, "sbin") != 0) ||
	    snprintf(whole, sizeof(whole), "%.*s/%s",
		     target[0] == '/' || !slash ? 0 : (int)(slash - path), path,
		     target) >= (int)sizeof(whole))
		return false;
	r = overlay_walk_begin(&walk, whole, 0);
	while (r == 0 && (r = overlay_walk_next(&walk)) > 0)
		r = 0;
	return r == 0 && holds_programs(path) && holds_programs(walk.path) &&
	       strcmp(path, walk.path) != 0;
}

bool overlay_protected_program(const char *path)
{
	static const char *const names[] = {PROGRAMS("bin"), PROGRAMS("sbin")};
	size_t length = strlen(path);

	for (size_t i = 0; i < COUNT(names); i++) {
		size_t size = strlen(names[i]);

		if (length >= size && strcmp(path + length - size, names[i]) == 0 &&
		    (length == size || path[length - size - 1] == '/'))
			return true;
	}
	return false;
}

const char *overlay_protected_at(const struct overlay_protect *own, size_t index)
{
	if (index < COUNT(protected_paths))
		return protected_paths[index];
	index -= COUNT(protected_paths);
	if (own && index < own->count)
		return own->paths[index];
	index -= own ? own->count : 0;
	return own && index < own->libraries_count ? own->libraries[index] : NULL;
}
