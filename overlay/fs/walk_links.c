/* SPDX-License-Identifier: MIT */
#include "overlay/fs/walk_links.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 16 /* on the way to one protected path */

/* Takes the first name off @ahead; false where there is none. */
static bool take_name(struct engine_way *way, char ret[static NAME_MAX + 1])
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

static bool is_last(const struct engine_way *way)
{
	return way->ahead[strspn(way->ahead, "/")] == '\0';
}

static void go_up(struct engine_way *way)
{
	char *slash = strrchr(way->walked, '/');

	*(slash ? slash : way->walked) = '\0';
}

static int go_down(struct engine_way *way, const char *name)
{
	size_t size = strlen(way->walked);
	int n = snprintf(way->walked + size, sizeof(way->walked) - size, "%s%s",
			 size ? "/" : "", name);

	return n < 0 || (size_t)n >= sizeof(way->walked) - size ? -ENAMETOOLONG : 0;
}

int engine_follow(const struct engine *engine, struct engine_way *way)
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

int engine_walk(const struct engine *engine, const char *path,
		int (*visit)(const struct engine *engine, struct engine_way *way,
			     bool last))
{
	struct engine_way way = {.walked = "", .links = 0};
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
