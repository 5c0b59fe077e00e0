/* SPDX-License-Identifier: MIT */
/* The lookup of overlayfs, name by name, and the reason why a path is not seen. */
#include "overlay/contents/lookup.h"

#include <errno.h>
#include <string.h>

#include "verity/util/cleanup.h"

/* A path, cut after each of its names in turn, and the layers that still take part. */
struct walk {
	const struct overlay_lookup *stack;
	char path[OVERLAY_CONTENTS_PATH_MAX + 1];
	bool live[]; /* count + 1 of them */
};

/* @ret: free() */
static int walk_new(const struct overlay_lookup *stack, const char *path,
		    struct walk **ret, struct verity_error *err)
{
	struct walk *walk;

	if (strlen(path) >= sizeof(walk->path))
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "the path has more than %d bytes",
				   OVERLAY_CONTENTS_PATH_MAX);
	walk = calloc(1, sizeof(*walk) + (stack->count + 1) * sizeof(walk->live[0]));
	if (!walk)
		return verity_no_memory(err);
	walk->stack = stack;
	strcpy(walk->path, path);
	*ret = walk;
	return 0;
}

/* The end of the next name behind @at; NULL after the last. */
static char *next_end(char *at)
{
	if (*at == '\0')
		return NULL;
	at += *at == '/';
	return at + strcspn(at, "/");
}

/* Where a path is, seen from the hierarchies. */
enum relation {
	OUTSIDE,
	ABOVE, /* a hierarchy lies below it */
	TOP,   /* it is one */
	INSIDE,
};

static enum relation find_relation(const struct overlay_lookup *stack, const char *path)
{
	size_t size = strlen(path);

	for (size_t i = 0; stack->limited && i < stack->hierarchies_count; i++) {
		const char *top = stack->hierarchies[i];
		size_t length = strlen(top);

		if (strncmp(path, top, length) == 0 &&
		    (!path[length] || path[length] == '/'))
			return path[length] ? INSIDE : TOP;
		if (size == 0 || (strncmp(top, path, size) == 0 && top[size] == '/'))
			return ABOVE;
	}
	return stack->limited ? OUTSIDE : INSIDE;
}

static bool is_folder(enum overlay_contents_kind kind)
{
	return kind == OVERLAY_CONTENTS_FOLDER || kind == OVERLAY_CONTENTS_OPAQUE;
}

/* At the top of a hierarchy only a folder of a layer takes part. */
static bool counts(const struct overlay_lookup *stack, const char *path,
		   enum overlay_contents_kind kind)
{
	enum relation relation = find_relation(stack, path);

	return relation == INSIDE || (relation == TOP && is_folder(kind));
}

/* What one layer has at the path; -ENOENT for nothing that takes part. */
static int look_layer(const struct walk *walk, size_t layer, const char *path,
		      struct overlay_lookup_result *ret, struct verity_error *err)
{
	const struct overlay_lookup *stack = walk->stack;

	ret->layer = layer;
	ret->entry = NULL;
	if (layer == stack->count) {
		struct overlay_contents_look look;
		int r = stack->base.look(stack->base.context, path, &look, err);

		if (r < 0)
			return r;
		ret->kind = look.kind;
		ret->mode = look.mode;
		ret->uid = look.uid;
		ret->gid = look.gid;
		return 0;
	}
	ret->entry = overlay_contents_find(stack->layers[layer], path);
	if (!ret->entry || !counts(stack, path, ret->entry->kind))
		return -ENOENT;
	ret->kind = ret->entry->kind;
	ret->mode = ret->entry->mode;
	ret->uid = ret->entry->uid;
	ret->gid = ret->entry->gid;
	return 0;
}

/*
 * One name further down: those layers stay whose folders are merged here. What is seen
 * comes from the first layer that has something.
 */
static int go_down(struct walk *walk, struct overlay_lookup_result *ret,
		   struct verity_error *err)
{
	struct overlay_lookup_result first = {.status = OVERLAY_LOOKUP_ABSENT};
	bool above = find_relation(walk->stack, walk->path) == ABOVE;
	bool open = true;

	/* Above a hierarchy only the base is seen; the layers take part all the same. */
	for (size_t i = above ? walk->stack->count : 0; i <= walk->stack->count; i++) {
		struct overlay_lookup_result view = {.status = OVERLAY_LOOKUP_PRESENT};
		bool in = walk->live[i] && open;
		int r = in ? look_layer(walk, i, walk->path, &view, err) : -ENOENT;

		walk->live[i] = false;
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (first.status == OVERLAY_LOOKUP_ABSENT)
			first = view;
		walk->live[i] = is_folder(view.kind);
		open = view.kind == OVERLAY_CONTENTS_FOLDER;
	}
	*ret = first;
	return 0;
}

/* The lookup as the kernel does it, without the reason why a path is not seen. */
static int see(struct walk *walk, size_t from, struct overlay_lookup_result *ret,
	       struct verity_error *err)
{
	struct overlay_lookup_result view = {.layer = from,
					     .kind = OVERLAY_CONTENTS_FOLDER};
	char *end = walk->path;
	int r = 0;

	for (size_t i = 0; i <= walk->stack->count; i++)
		walk->live[i] = i >= from;
	while (r == 0 && view.status == OVERLAY_LOOKUP_PRESENT && (end = next_end(end))) {
		char after = *end;

		if (!is_folder(view.kind)) {
			view.status = OVERLAY_LOOKUP_ABSENT;
			break;
		}
		*end = '\0';
		r = go_down(walk, &view, err);
		*end = after;
	}
	if (r < 0)
		return r;
	if (view.kind == OVERLAY_CONTENTS_WHITEOUT)
		view.status = OVERLAY_LOOKUP_ABSENT;
	if (view.kind == OVERLAY_CONTENTS_OPAQUE)
		view.kind = OVERLAY_CONTENTS_FOLDER;
	*ret = view;
	return 0;
}

/* How a layer hides the path in the layers below it; ABSENT: it does not. */
static int obstacle(struct walk *walk, size_t layer, enum overlay_lookup_status *ret,
		    struct verity_error *err)
{
	char *end = walk->path;

	*ret = OVERLAY_LOOKUP_ABSENT;
	while (*ret == OVERLAY_LOOKUP_ABSENT && (end = next_end(end))) {
		struct overlay_lookup_result view = {0};
		char after = *end;
		bool above;
		int r;

		*end = '\0';
		above = find_relation(walk->stack, walk->path) == ABOVE;
		r = look_layer(walk, layer, walk->path, &view, err);
		*end = after;
		if (r == -ENOENT && above)
			continue;
		if (r == -ENOENT)
			return 0;
		if (r < 0)
			return r;
		if (view.kind == OVERLAY_CONTENTS_WHITEOUT)
			*ret = OVERLAY_LOOKUP_DELETED;
		else if (after && view.kind == OVERLAY_CONTENTS_OPAQUE)
			*ret = OVERLAY_LOOKUP_HIDDEN;
		else if (after && !is_folder(view.kind))
			*ret = OVERLAY_LOOKUP_BLOCKED;
	}
	return 0;
}

/*
 * Why a path is not seen: the topmost layer that hides something. Without that layer and
 * those above it, the path would be seen, or hidden by another layer.
 */
static int explain(struct walk *walk, size_t from, struct overlay_lookup_result *ret,
		   struct verity_error *err)
{
	struct overlay_lookup_result first = {.status = OVERLAY_LOOKUP_ABSENT};
	int r = 0;

	for (size_t i = from; r == 0 && i < walk->stack->count; i++) {
		enum overlay_lookup_status status;
		struct overlay_lookup_result below = {0};

		r = obstacle(walk, i, &status, err);
		if (r < 0 || status == OVERLAY_LOOKUP_ABSENT)
			continue;
		if (first.status == OVERLAY_LOOKUP_ABSENT) {
			first.status = status;
			first.layer = i;
		}
		r = see(walk, i + 1, &below, err);
		if (r == 0 && below.status == OVERLAY_LOOKUP_PRESENT) {
			*ret = first;
			return 0;
		}
	}
	if (r == 0)
		*ret = (struct overlay_lookup_result){.status = OVERLAY_LOOKUP_ABSENT};
	return r;
}

int overlay_lookup_find(const struct overlay_lookup *stack, size_t from, const char *path,
			struct overlay_lookup_result *ret, bool *ret_merged,
			struct verity_error *err)
{
	bool above = find_relation(stack, path) == ABOVE;
	cleanup_free struct walk *walk = NULL;
	struct overlay_lookup_result view;
	int r = walk_new(stack, path, &walk, err);

	if (r == 0)
		r = see(walk, from, &view, err);
	if (r < 0)
		return r;
	if (above && view.status == OVERLAY_LOOKUP_PRESENT)
		view.layer = stack->count;
	if (ret_merged)
		for (size_t i = 0; i <= stack->count; i++)
			ret_merged[i] = view.status == OVERLAY_LOOKUP_PRESENT &&
					view.kind == OVERLAY_CONTENTS_FOLDER &&
					walk->live[i] && (!above || i == stack->count);
	if (view.status == OVERLAY_LOOKUP_ABSENT)
		r = explain(walk, from, &view, err);
	if (r == 0)
		*ret = view;
	return r;
}

/* A folder looks as in the topmost layer that has it. */
static bool looks_different(const struct overlay_lookup_change *change)
{
	const struct overlay_contents_entry *entry = change->entry;

	return entry->mode != change->below.mode || entry->uid != change->below.uid ||
	       entry->gid != change->below.gid;
}

/* Return: whether the entry changes anything. */
static bool find_effect(struct overlay_lookup_change *change)
{
	bool there = change->below.status == OVERLAY_LOOKUP_PRESENT;
	bool folder = there && is_folder(change->below.kind);

	switch (change->entry->kind) {
	case OVERLAY_CONTENTS_WHITEOUT:
		change->effect = OVERLAY_LOOKUP_DELETES;
		return there;
	case OVERLAY_CONTENTS_FOLDER:
		change->effect =
			folder ? OVERLAY_LOOKUP_CHANGES : OVERLAY_LOOKUP_REPLACES;
		return folder ? looks_different(change) : there;
	case OVERLAY_CONTENTS_OPAQUE:
		change->effect = folder ? OVERLAY_LOOKUP_HIDES : OVERLAY_LOOKUP_REPLACES;
		return there;
	default:
		change->effect = there ? OVERLAY_LOOKUP_REPLACES : OVERLAY_LOOKUP_ADDS;
		return true;
	}
}

static int find_cover(struct walk *walk, size_t layer,
		      struct overlay_lookup_change *change, struct verity_error *err)
{
	struct overlay_lookup_result seen;
	int r = see(walk, 0, &seen, err);

	if (r < 0)
		return r;
	change->covered = false;
	if ((walk->live[layer] && change->effect != OVERLAY_LOOKUP_CHANGES) ||
	    (seen.layer == layer && seen.entry == change->entry))
		return 0;
	if (seen.status == OVERLAY_LOOKUP_ABSENT)
		r = explain(walk, 0, &seen, err);
	if (r == 0) {
		change->covered =
			seen.status != OVERLAY_LOOKUP_ABSENT && seen.layer < layer;
		change->by = seen.layer;
	}
	return r;
}

int overlay_lookup_changes(const struct overlay_lookup *stack, size_t layer,
			   int (*take)(void *context,
				       const struct overlay_lookup_change *change,
				       struct verity_error *err),
			   void *context, struct verity_error *err)
{
	const struct overlay_contents *contents = stack->layers[layer];
	cleanup_free struct walk *walk = NULL;
	int r = walk_new(stack, "", &walk, err);

	for (size_t i = 0; r == 0 && i < contents->count; i++) {
		struct overlay_lookup_change change = {.entry = &contents->entries[i]};

		if (!counts(stack, change.entry->path, change.entry->kind))
			continue;
		strcpy(walk->path, change.entry->path);
		r = see(walk, layer + 1, &change.below, err);
		if (r < 0)
			break;
		if (!find_effect(&change))
			continue;
		r = find_cover(walk, layer, &change, err);
		if (r == 0)
			r = take(context, &change, err);
	}
	return r;
}
