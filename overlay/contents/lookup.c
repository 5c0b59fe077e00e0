/* SPDX-License-Identifier: MIT */
#include "overlay/contents/lookup.h"

#include <errno.h>
#include <string.h>

#include "verity/util/cleanup.h"

/* A path that is cut after one name after the other, and the layers that are still in. */
struct walk {
	const struct overlay_shadow *stack;
	char path[OVERLAY_CONTENTS_PATH_MAX + 1];
	bool *live; /* owned: count + 1 of them */
};

static void walk_free_p(struct walk *walk)
{
	free(walk->live);
}

static int walk_begin(const struct overlay_shadow *stack, const char *path,
		      struct walk *ret, struct verity_error *err)
{
	if (strlen(path) >= sizeof(ret->path))
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "the path has more than %d bytes",
				   OVERLAY_CONTENTS_PATH_MAX);
	ret->stack = stack;
	strcpy(ret->path, path);
	ret->live = calloc(stack->count + 1, sizeof(*ret->live));
	return ret->live ? 0 : verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

/* The end of the next name behind @at; NULL after the last. */
static char *next_end(char *at)
{
	if (*at == '\0')
		return NULL;
	at += *at == '/';
	return at + strcspn(at, "/");
}

/* How a path lies to the hierarchies. */
enum place {
	PLACE_OUTSIDE,
	PLACE_ABOVE, /* a hierarchy lies below */
	PLACE_TOP,   /* it is one */
	PLACE_INSIDE,
};

static enum place find_place(const struct overlay_shadow *stack, const char *path)
{
	size_t size = strlen(path);

	for (size_t i = 0; stack->limited && i < stack->hierarchies_count; i++) {
		const char *top = stack->hierarchies[i];
		size_t length = strlen(top);

		if (strncmp(path, top, length) == 0 &&
		    (!path[length] || path[length] == '/'))
			return path[length] ? PLACE_INSIDE : PLACE_TOP;
		if (size == 0 || (strncmp(top, path, size) == 0 && top[size] == '/'))
			return PLACE_ABOVE;
	}
	return stack->limited ? PLACE_OUTSIDE : PLACE_INSIDE;
}

static bool is_folder(enum overlay_contents_kind kind)
{
	return kind == OVERLAY_CONTENTS_FOLDER || kind == OVERLAY_CONTENTS_OPAQUE;
}

/* Of a hierarchy itself, a layer has a folder or no share. */
static bool counts(const struct overlay_shadow *stack, const char *path,
		   enum overlay_contents_kind kind)
{
	enum place place = find_place(stack, path);

	return place == PLACE_INSIDE || (place == PLACE_TOP && is_folder(kind));
}

/* What one layer alone has at the path: -ENOENT where nothing that counts. */
static int look_layer(const struct walk *walk, size_t layer, const char *path,
		      struct overlay_shadow_view *ret, struct verity_error *err)
{
	const struct overlay_shadow *stack = walk->stack;

	ret->layer = layer;
	ret->entry = NULL;
	if (layer == stack->count)
		return stack->base.look(stack->base.context, path, &ret->kind, err);
	ret->entry = overlay_contents_find(stack->layers[layer], path);
	if (!ret->entry || !counts(stack, path, ret->entry->kind))
		return -ENOENT;
	ret->kind = ret->entry->kind;
	return 0;
}

/*
 * One name further down: of the layers that are in, those stay whose folders are merged
 * here. What is seen is that of the first that has something.
 */
static int go_down(struct walk *walk, struct overlay_shadow_view *ret,
		   struct verity_error *err)
{
	struct overlay_shadow_view first = {.fate = OVERLAY_SHADOW_ABSENT};
	bool above = find_place(walk->stack, walk->path) == PLACE_ABOVE;
	bool open = true;

	/* above a hierarchy the base alone is seen; the layers may be in it all the same
	 */
	for (size_t i = above ? walk->stack->count : 0; i <= walk->stack->count; i++) {
		struct overlay_shadow_view view = {.fate = OVERLAY_SHADOW_PRESENT};
		bool in = walk->live[i] && open;
		int r = in ? look_layer(walk, i, walk->path, &view, err) : -ENOENT;

		walk->live[i] = false;
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (first.fate == OVERLAY_SHADOW_ABSENT)
			first = view;
		walk->live[i] = is_folder(view.kind);
		open = view.kind == OVERLAY_CONTENTS_FOLDER;
	}
	*ret = first;
	return 0;
}

/* The kernel's own way down, without a word on why something is not there. */
static int see(struct walk *walk, size_t from, struct overlay_shadow_view *ret,
	       struct verity_error *err)
{
	struct overlay_shadow_view view = {.layer = from,
					   .kind = OVERLAY_CONTENTS_FOLDER};
	char *end = walk->path;
	int r = 0;

	for (size_t i = 0; i <= walk->stack->count; i++)
		walk->live[i] = i >= from;
	while (r == 0 && view.fate == OVERLAY_SHADOW_PRESENT && (end = next_end(end))) {
		char after = *end;

		if (!is_folder(view.kind)) {
			view.fate = OVERLAY_SHADOW_ABSENT;
			break;
		}
		*end = '\0';
		r = go_down(walk, &view, err);
		*end = after;
	}
	if (r < 0)
		return r;
	if (view.kind == OVERLAY_CONTENTS_WHITEOUT)
		view.fate = OVERLAY_SHADOW_ABSENT;
	if (view.kind == OVERLAY_CONTENTS_OPAQUE)
		view.kind = OVERLAY_CONTENTS_FOLDER;
	*ret = view;
	return 0;
}

/* How a layer keeps what lies below it from being seen at the path; ABSENT: it does not.
 */
static int obstacle(struct walk *walk, size_t layer, enum overlay_shadow_fate *ret,
		    struct verity_error *err)
{
	char *end = walk->path;

	*ret = OVERLAY_SHADOW_ABSENT;
	while (*ret == OVERLAY_SHADOW_ABSENT && (end = next_end(end))) {
		struct overlay_shadow_view view = {0};
		char after = *end;
		bool above;
		int r;

		*end = '\0';
		above = find_place(walk->stack, walk->path) == PLACE_ABOVE;
		r = look_layer(walk, layer, walk->path, &view, err);
		*end = after;
		if (r == -ENOENT && above)
			continue;
		if (r == -ENOENT)
			return 0;
		if (r < 0)
			return r;
		if (view.kind == OVERLAY_CONTENTS_WHITEOUT)
			*ret = OVERLAY_SHADOW_DELETED;
		else if (after && view.kind == OVERLAY_CONTENTS_OPAQUE)
			*ret = OVERLAY_SHADOW_HIDDEN;
		else if (after && !is_folder(view.kind))
			*ret = OVERLAY_SHADOW_BLOCKED;
	}
	return 0;
}

/*
 * Why it is not there: the topmost layer that is in the way of something. With that layer
 * and what lies above gone, it would be there, or another would be in its way.
 */
static int explain(struct walk *walk, size_t from, struct overlay_shadow_view *ret,
		   struct verity_error *err)
{
	struct overlay_shadow_view first = {.fate = OVERLAY_SHADOW_ABSENT};
	int r = 0;

	for (size_t i = from; r == 0 && i < walk->stack->count; i++) {
		enum overlay_shadow_fate fate;
		struct overlay_shadow_view below = {0};

		r = obstacle(walk, i, &fate, err);
		if (r < 0 || fate == OVERLAY_SHADOW_ABSENT)
			continue;
		if (first.fate == OVERLAY_SHADOW_ABSENT) {
			first.fate = fate;
			first.layer = i;
		}
		r = see(walk, i + 1, &below, err);
		if (r == 0 && below.fate == OVERLAY_SHADOW_PRESENT) {
			*ret = first;
			return 0;
		}
	}
	if (r == 0)
		*ret = (struct overlay_shadow_view){.fate = OVERLAY_SHADOW_ABSENT};
	return r;
}

static int look(struct walk *walk, size_t from, struct overlay_shadow_view *ret,
		bool *ret_merged, struct verity_error *err)
{
	bool above = find_place(walk->stack, walk->path) == PLACE_ABOVE;
	struct overlay_shadow_view view;
	int r = see(walk, from, &view, err);

	if (r < 0)
		return r;
	if (above && view.fate == OVERLAY_SHADOW_PRESENT)
		view.layer = walk->stack->count;
	if (ret_merged)
		for (size_t i = 0; i <= walk->stack->count; i++)
			ret_merged[i] = view.fate == OVERLAY_SHADOW_PRESENT &&
					view.kind == OVERLAY_CONTENTS_FOLDER &&
					walk->live[i] &&
					(!above || i == walk->stack->count);
	if (view.fate == OVERLAY_SHADOW_ABSENT)
		r = explain(walk, from, &view, err);
	if (r == 0)
		*ret = view;
	return r;
}

int overlay_shadow_look(const struct overlay_shadow *stack, size_t from, const char *path,
			struct overlay_shadow_view *ret, bool *ret_merged,
			struct verity_error *err)
{
	cleanup_with(walk_free_p) struct walk walk = {0};
	int r = walk_begin(stack, path, &walk, err);

	return r < 0 ? r : look(&walk, from, ret, ret_merged, err);
}

/* false: it changes nothing. */
static bool find_deed(struct overlay_shadow_change *change)
{
	bool there = change->below.fate == OVERLAY_SHADOW_PRESENT;
	bool folder = there && is_folder(change->below.kind);

	switch (change->entry->kind) {
	case OVERLAY_CONTENTS_WHITEOUT:
		change->deed = OVERLAY_SHADOW_DELETES;
		return there;
	case OVERLAY_CONTENTS_FOLDER:
		change->deed = OVERLAY_SHADOW_REPLACES;
		return there && !folder;
	case OVERLAY_CONTENTS_OPAQUE:
		change->deed = folder ? OVERLAY_SHADOW_HIDES : OVERLAY_SHADOW_REPLACES;
		return there;
	default:
		change->deed = there ? OVERLAY_SHADOW_REPLACES : OVERLAY_SHADOW_ADDS;
		return true;
	}
}

static int find_cover(struct walk *walk, size_t layer,
		      struct overlay_shadow_change *change, struct verity_error *err)
{
	struct overlay_shadow_view seen;
	int r = see(walk, 0, &seen, err);

	if (r < 0)
		return r;
	change->covered = false;
	if (walk->live[layer] || (seen.layer == layer && seen.entry == change->entry))
		return 0;
	if (seen.fate == OVERLAY_SHADOW_ABSENT)
		r = explain(walk, 0, &seen, err);
	if (r == 0) {
		change->covered =
			seen.fate != OVERLAY_SHADOW_ABSENT && seen.layer < layer;
		change->by = seen.layer;
	}
	return r;
}

int overlay_shadow_changes(const struct overlay_shadow *stack, size_t layer,
			   int (*take)(void *context,
				       const struct overlay_shadow_change *change,
				       struct verity_error *err),
			   void *context, struct verity_error *err)
{
	const struct overlay_contents *contents = stack->layers[layer];
	cleanup_with(walk_free_p) struct walk walk = {0};
	int r = walk_begin(stack, "", &walk, err);

	for (size_t i = 0; r == 0 && i < contents->count; i++) {
		struct overlay_shadow_change change = {.entry = &contents->entries[i]};

		if (!counts(stack, change.entry->path, change.entry->kind))
			continue;
		strcpy(walk.path, change.entry->path);
		r = see(&walk, layer + 1, &change.below, err);
		if (r < 0)
			break;
		if (!find_deed(&change))
			continue;
		r = find_cover(&walk, layer, &change, err);
		if (r == 0)
			r = take(context, &change, err);
	}
	return r;
}
