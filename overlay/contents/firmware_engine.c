/* SPDX-License-Identifier: MIT */
/* The layer that the boot puts over all packages, predicted from the firmware. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "overlay/contents/firmware.h"
#include "overlay/fs/protect.h"
#include "verity/util/cleanup.h"

#define LINKS_MAX                                                                        \
	16 /* on the way to one protected path, as in overlay/stack/engine_layer.c */
#define FOLDERS_MAX 32 /* in one another, below a protected path */

static const struct contents_limits limits = {
	.entries = OVERLAY_CONTENTS_MAX,
	.text_bytes = OVERLAY_CONTENTS_TEXT_MAX,
};

struct engine {
	const struct overlay_firmware *firmware; /* borrowed */
	struct contents_list list;
};

/* The way to one protected path. */
struct way {
	char walked[PATH_MAX]; /* no links in it; "" is the root */
	char ahead[2 * PATH_MAX];
	unsigned links;
};

static void engine_free_p(struct engine *engine)
{
	overlay_contents_free(&engine->list.contents);
}

static int look(const struct engine *engine, const char *path,
		enum overlay_contents_kind *ret, struct verity_error *err)
{
	int fd = overlay_firmware_at(engine->firmware, path, &path);

	return overlay_firmware_look(fd, path, ret, err);
}

static bool is_listed(const struct engine *engine, const char *path)
{
	for (size_t i = 0; i < engine->list.contents.count; i++)
		if (strcmp(engine->list.contents.entries[i].path, path) == 0)
			return true;
	return false;
}

static int add(struct engine *engine, const char *path, enum overlay_contents_kind kind,
	       const char *target, struct verity_error *err)
{
	struct overlay_contents_entry *entry = NULL;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[PATH_MAX];
	char *text = NULL;
	int r;

	if (is_listed(engine, path))
		return 0;
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	r = contents_list_add(&engine->list, folder, name, strlen(name), &entry, err);
	if (r < 0)
		return r;
	entry->kind = kind;
	if (!target)
		return 0;
	r = contents_list_text(&engine->list, strlen(target), &text, err);
	if (r < 0)
		return r;
	strcpy(text, target);
	entry->target = text;
	return 0;
}

static int add_link(struct engine *engine, const char *path, char ret[static PATH_MAX],
		    struct verity_error *err)
{
	const char *rest;
	int fd = overlay_firmware_at(engine->firmware, path, &rest);
	int r = overlay_firmware_target(fd, rest, ret, err);

	return r < 0 ? r : add(engine, path, OVERLAY_CONTENTS_LINK, ret, err);
}

static int add_below(struct engine *engine, const char *folder, unsigned depth,
		     struct verity_error *err);

/* Something as it is in the firmware, with all that lies below. */
static int add_copy(struct engine *engine, const char *path, unsigned depth,
		    struct verity_error *err)
{
	enum overlay_contents_kind kind = OVERLAY_CONTENTS_FILE;
	char target[PATH_MAX];
	int r = look(engine, path, &kind, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (kind == OVERLAY_CONTENTS_LINK)
		return add_link(engine, path, target, err);
	if (kind != OVERLAY_CONTENTS_FOLDER)
		return add(engine, path, kind, NULL, err);
	r = add(engine, path, depth ? OVERLAY_CONTENTS_FOLDER : OVERLAY_CONTENTS_OPAQUE,
		NULL, err);
	return r < 0 ? r : add_below(engine, path, depth + 1, err);
}

static int add_below(struct engine *engine, const char *folder, unsigned depth,
		     struct verity_error *err)
{
	const char *rest;
	int at = overlay_firmware_at(engine->firmware, folder, &rest);
	cleanup_fd int fd = openat(at, *rest ? rest : ".",
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *names = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *name;
	char path[PATH_MAX];
	int r = 0;

	if (!names)
		return verity_fail_errno(err, errno, "the firmware's /%s", folder);
	(void)steal_fd(&fd);
	while (r == 0 && depth < FOLDERS_MAX && (name = readdir(names))) {
		if (strcmp(name->d_name, ".") == 0 || strcmp(name->d_name, "..") == 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", folder, name->d_name) <
		    (int)sizeof(path))
			r = add_copy(engine, path, depth, err);
	}
	closedir(names);
	return r;
}

/* Takes the first name off @ahead and puts it behind @walked; false where there is none.
 */
static bool go_on(struct way *way)
{
	size_t used = strlen(way->walked);
	char *start = way->ahead + strspn(way->ahead, "/");
	size_t size = strcspn(start, "/");
	char *slash = strrchr(way->walked, '/');

	if (size == 0 || used + size + 2 > sizeof(way->walked))
		return false;
	if (size == 2 && strncmp(start, "..", 2) == 0)
		*(slash ? slash : way->walked) = '\0';
	else if (size != 1 || *start != '.')
		snprintf(way->walked + used, sizeof(way->walked) - used, "%s%.*s",
			 used ? "/" : "", (int)size, start);
	memmove(way->ahead, start + size, strlen(start + size) + 1);
	return true;
}

static int follow(struct engine *engine, struct way *way, struct verity_error *err)
{
	char target[PATH_MAX];
	char rest[PATH_MAX];
	char *slash = strrchr(way->walked, '/');
	int r = add_link(engine, way->walked, target, err);

	if (r < 0)
		return r;
	if (++way->links > LINKS_MAX)
		return verity_fail_errno(err, ELOOP, "the firmware's /%s", way->walked);
	snprintf(rest, sizeof(rest), "%s", way->ahead);
	snprintf(way->ahead, sizeof(way->ahead), "%s/%s", target, rest);
	*(target[0] != '/' && slash ? slash : way->walked) = '\0';
	return 0;
}

static int step(struct engine *engine, struct way *way, struct verity_error *err)
{
	bool last = way->ahead[strspn(way->ahead, "/")] == '\0';
	enum overlay_contents_kind kind = OVERLAY_CONTENTS_FOLDER;
	int r = look(engine, way->walked, &kind, err);

	if (way->walked[0] == '\0')
		return 0;
	if (r == -ENOENT)
		return add(engine, way->walked,
			   last ? OVERLAY_CONTENTS_WHITEOUT : OVERLAY_CONTENTS_FOLDER,
			   NULL, err);
	if (r < 0)
		return r;
	if (kind == OVERLAY_CONTENTS_LINK)
		return follow(engine, way, err);
	if (last)
		return add_copy(engine, way->walked, 0, err);
	return add(engine, way->walked, OVERLAY_CONTENTS_FOLDER, NULL, err);
}

int overlay_firmware_engine(const struct overlay_firmware *firmware,
			    struct overlay_contents *ret, struct verity_error *err)
{
	cleanup_with(engine_free_p) struct engine engine = {
		.firmware = firmware,
		.list = {.limits = &limits},
	};
	const char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = overlay_protected_at(i)); i++) {
		struct way way = {.links = 0};

		snprintf(way.ahead, sizeof(way.ahead), "%s", path);
		while (r == 0 && go_on(&way))
			r = step(&engine, &way, err);
	}
	return r < 0 ? r : contents_list_finish(&engine.list, ret, err);
}
