/* SPDX-License-Identifier: MIT */
/* The table of protected paths. */
#include "overlay/fs/protect.h"

#include <string.h>

static const char *const protected_paths[] = {
	"etc/wmopkg",
	"usr/bin/wmopkg",
	"usr/sbin/wmopkg-activate",
};

#define PROTECTED_COUNT (sizeof(protected_paths) / sizeof(protected_paths[0]))

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
	for (size_t i = 0; i < PROTECTED_COUNT; i++)
		if (at_or_below(path, protected_paths[i]))
			return true;
	return false;
}

bool overlay_protected_parent(const char *path)
{
	path += strspn(path, "/");
	if (*path == '\0')
		return true;
	for (size_t i = 0; i < PROTECTED_COUNT; i++)
		if (strcmp(path, protected_paths[i]) != 0 &&
		    at_or_below(protected_paths[i], path))
			return true;
	return false;
}

const char *overlay_protected_at(size_t index)
{
	return index < PROTECTED_COUNT ? protected_paths[index] : NULL;
}
