/* SPDX-License-Identifier: MIT */
/* Paths in the order in which they were added. */
#include "overlay/libraries/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool overlay_paths_has(const struct overlay_paths *paths, const char *path)
{
	for (size_t i = 0; i < paths->count; i++)
		if (strcmp(paths->items[i], path) == 0)
			return true;
	return false;
}

bool overlay_paths_has_below(const struct overlay_paths *paths, const char *path)
{
	size_t size = strlen(path);

	for (size_t i = 0; i < paths->count; i++)
		if (strncmp(paths->items[i], path, size) == 0 &&
		    paths->items[i][size] == '/')
			return true;
	return false;
}

int overlay_paths_add(struct overlay_paths *paths, const char *path)
{
	char **more, *copy;

	if (paths->count == OVERLAY_PATHS_MAX || overlay_paths_has(paths, path))
		return 0;
	copy = strdup(path);
	more = copy ? reallocarray(paths->items, paths->count + 1, sizeof(*more)) : NULL;
	if (!more) {
		free(copy);
		return -ENOMEM;
	}
	paths->items = more;
	paths->items[paths->count++] = copy;
	return 0;
}

void overlay_paths_free(struct overlay_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct overlay_paths){.count = 0};
}
