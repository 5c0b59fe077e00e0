/* SPDX-License-Identifier: MIT */
/* The layer that the boot puts over all packages, predicted from the firmware. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "overlay/contents/firmware.h"
#include "overlay/fs/protect.h"
#include "overlay/fs/walk_links.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

#define FOLDERS_MAX 32 /* in one another, below a protected path */

struct engine {
	const struct overlay_firmware *firmware; /* borrowed */
	struct contents_list list;
	bool libraries; /* what is added is one, or on the way to one */
};

static int look(const struct engine *engine, const char *path,
		enum overlay_contents_kind *ret, struct verity_error *err)
{
	int fd = overlay_firmware_at(engine->firmware, path, &path);
	struct overlay_contents_look look;
	int r = overlay_firmware_look(fd, path, &look, err);

	if (r == 0)
		*ret = look.kind;
	return r;
}

/* What several ways share is listed once. */
static int add(struct engine *engine, const char *path, enum overlay_contents_kind kind,
	       const char *target, struct verity_error *err)
{
	const struct overlay_contents *contents = &engine->list.contents;
	struct overlay_contents_entry *entry = NULL;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[PATH_MAX];
	char *text = NULL;
	int r;

	for (size_t i = 0; i < contents->count; i++)
		if (strcmp(contents->entries[i].path, path) == 0)
			return 0;
	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 0, path);
	r = contents_list_add(&engine->list, folder, name, strlen(name), &entry, err);
	if (r < 0)
		return r;
	entry->kind = kind;
	entry->library_way = engine->libraries && kind == OVERLAY_CONTENTS_FOLDER;
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

/* Something as it is in the firmware, with all that lies below. */
static int add_copy(struct engine *engine, const char *path, unsigned depth,
		    struct verity_error *err)
{
	enum overlay_contents_kind kind = OVERLAY_CONTENTS_FILE;
	cleanup_dir DIR *names = NULL;
	const struct dirent *name;
	char below[PATH_MAX];
	const char *rest;
	int fd, r = look(engine, path, &kind, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (kind == OVERLAY_CONTENTS_LINK)
		return add_link(engine, path, below, err);
	if (kind == OVERLAY_CONTENTS_FOLDER && depth == 0)
		kind = OVERLAY_CONTENTS_OPAQUE;
	r = add(engine, path, kind, NULL, err);
	if (r < 0 || (kind != OVERLAY_CONTENTS_FOLDER && kind != OVERLAY_CONTENTS_OPAQUE))
		return r;
	fd = overlay_firmware_at(engine->firmware, path, &rest);
	r = verity_dir_open(fd, *rest ? rest : ".", &names);
	if (r < 0)
		return verity_fail_errno(err, -r, "the firmware's /%s", path);
	while (r == 0 && depth + 1 < FOLDERS_MAX && (name = readdir(names))) {
		if (strcmp(name->d_name, ".") == 0 || strcmp(name->d_name, "..") == 0)
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, name->d_name) <
		    (int)sizeof(below))
			r = add_copy(engine, below, depth + 1, err);
	}
	return r;
}

/*
 * One name on the way to a protected path.
 *
 * Return: 1 where the way ends, below a file or in a loop of links.
 */
static int add_name(struct engine *engine, struct overlay_walk *walk,
		    struct verity_error *err)
{
	bool last = overlay_walk_is_last(walk);
	enum overlay_contents_kind kind = OVERLAY_CONTENTS_FOLDER;
	char target[PATH_MAX];
	int r = look(engine, walk->path, &kind, err);

	if (r == -ENOENT || (r == 0 && (kind == OVERLAY_CONTENTS_SPECIAL ||
					kind == OVERLAY_CONTENTS_WHITEOUT)))
		return add(engine, walk->path,
			   last ? OVERLAY_CONTENTS_WHITEOUT : OVERLAY_CONTENTS_FOLDER,
			   NULL, err);
	if (r == 0 && kind == OVERLAY_CONTENTS_LINK) {
		r = add_link(engine, walk->path, target, err);
		if (r < 0)
			return r;
		r = overlay_walk_follow(walk, target);
		if (r == -ELOOP)
			return 1;
		return r < 0 ? verity_fail_errno(err, -r, "the firmware's /%s",
						 walk->path)
			     : 0;
	}
	if (r == 0 && last)
		return add_copy(engine, walk->path, 0, err);
	if (r < 0)
		return r;
	r = add(engine, walk->path, kind, NULL, err);
	return r == 0 && kind != OVERLAY_CONTENTS_FOLDER ? 1 : r;
}

int overlay_firmware_engine(const struct overlay_firmware *firmware,
			    const struct overlay_protect *own,
			    struct overlay_contents *ret, struct verity_error *err)
{
	static const struct contents_limits limits = {
		.entries = OVERLAY_CONTENTS_MAX,
		.text_bytes = OVERLAY_CONTENTS_TEXT_MAX,
	};
	struct engine engine = {
		.firmware = firmware,
		.list = {.limits = &limits},
	};
	struct overlay_walk walk;
	const char *path;
	int r = 0;

	for (size_t i = 0; r == 0 && (path = overlay_protected_at(own, i)); i++) {
		engine.libraries = own && own->libraries_count > 0 &&
				   !overlay_protected_at(own, i + own->libraries_count);
		r = overlay_walk_begin(&walk, path, OVERLAY_PROTECTED_LINKS);
		while (r == 0 && (r = overlay_walk_next(&walk)) > 0)
			r = add_name(&engine, &walk, err);
		if (r > 0)
			r = 0;
		if (r == -ENAMETOOLONG)
			r = verity_fail_errno(err, -r, "the firmware's /%s", walk.path);
	}
	if (r == 0)
		r = contents_list_finish(&engine.list, ret, err);
	/* Empty where @ret has it. */
	overlay_contents_free(&engine.list.contents);
	return r;
}
