/* SPDX-License-Identifier: MIT */
/* Walks a path as the kernel does, on strings. */
#include "overlay/fs/walk_links.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int overlay_walk_begin(struct overlay_walk *walk, const char *path, unsigned links_max)
{
	walk->path[0] = '\0';
	walk->links = 0;
	walk->links_max = links_max;
	return snprintf(walk->ahead, sizeof(walk->ahead), "%s", path) >= PATH_MAX
		       ? -ENAMETOOLONG
		       : 0;
}

static void go_up(struct overlay_walk *walk)
{
	char *slash = strrchr(walk->path, '/');

	*(slash ? slash : walk->path) = '\0';
}

int overlay_walk_next(struct overlay_walk *walk)
{
	char name[NAME_MAX + 1];
	size_t used = strlen(walk->path);

	for (;;) {
		char *start = walk->ahead + strspn(walk->ahead, "/");
		size_t size = strcspn(start, "/");

		if (size > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, start, size);
		name[size] = '\0';
		memmove(walk->ahead, start + size, strlen(start + size) + 1);
		if (size == 0)
			return 0;
		if (strcmp(name, "..") == 0)
			go_up(walk);
		else if (strcmp(name, ".") != 0)
			break;
		used = strlen(walk->path);
	}
	return snprintf(walk->path + used, sizeof(walk->path) - used, "%s%s",
			used ? "/" : "", name) >= (int)(sizeof(walk->path) - used)
		       ? -ENAMETOOLONG
		       : 1;
}

bool overlay_walk_is_last(const struct overlay_walk *walk)
{
	return walk->ahead[strspn(walk->ahead, "/")] == '\0';
}

int overlay_walk_follow(struct overlay_walk *walk, const char *target)
{
	size_t size = strlen(target), rest = strlen(walk->ahead);

	if (++walk->links > walk->links_max)
		return -ELOOP;
	if (size + 1 + rest >= sizeof(walk->ahead))
		return -ENAMETOOLONG;
	memmove(walk->ahead + size + 1, walk->ahead, rest + 1);
	memcpy(walk->ahead, target, size);
	walk->ahead[size] = '/';
	if (target[0] == '/')
		walk->path[0] = '\0';
	else
		go_up(walk);
	return 0;
}

int overlay_walk_follow_link(struct overlay_walk *walk, int root_fd)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(root_fd, walk->path, target, sizeof(target) - 1);

	if (size < 0)
		return -errno;
	target[size] = '\0';
	return overlay_walk_follow(walk, target);
}
