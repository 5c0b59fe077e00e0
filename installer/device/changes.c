/* SPDX-License-Identifier: MIT */
#include "installer/device/changes.h"

#include <stdio.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

struct listing {
	const struct layering_stack *stack;
	int (*take)(void *context, const struct change *change, struct verity_error *err);
	void *context;
	struct changes_count count;
};

/* A file takes itself away; a folder, or a link that leads to one, all that is below. */
static const struct overlay_critical *find_critical(
	const struct overlay_lookup_change *change)
{
	const struct overlay_critical *critical =
		overlay_critical_find(change->entry->path);
	bool adds = change->effect == OVERLAY_LOOKUP_ADDS;

	if (critical)
		return adds && !critical->added ? NULL : critical;
	if (adds || (change->below.kind != OVERLAY_CONTENTS_FOLDER &&
		     change->below.kind != OVERLAY_CONTENTS_LINK))
		return NULL;
	return overlay_critical_below(change->entry->path);
}

static void count_one(const struct change *change, struct changes_count *count)
{
	switch (change->shadow->effect) {
	case OVERLAY_LOOKUP_ADDS:
		count->added++;
		break;
	case OVERLAY_LOOKUP_REPLACES:
		count->replaced++;
		break;
	case OVERLAY_LOOKUP_DELETES:
		count->deleted++;
		break;
	case OVERLAY_LOOKUP_HIDES:
		count->hidden++;
		break;
	}
	count->covered += change->shadow->covered;
	count->critical += change->critical != NULL;
}

static int take_change(void *context, const struct overlay_lookup_change *shadow,
		       struct verity_error *err)
{
	struct listing *listing = context;
	struct change change = {.shadow = shadow, .critical = find_critical(shadow)};

	if (shadow->effect != OVERLAY_LOOKUP_ADDS)
		change.of = layering_owner(listing->stack, shadow->below.layer);
	if (shadow->covered)
		change.by = layering_owner(listing->stack, shadow->by);
	count_one(&change, &listing->count);
	return listing->take ? listing->take(listing->context, &change, err) : 0;
}

int changes_list(const struct layering_stack *stack,
		 const struct layering_package *package,
		 int (*take)(void *context, const struct change *change,
			     struct verity_error *err),
		 void *context, struct changes_count *ret, struct verity_error *err)
{
	struct listing listing = {.stack = stack, .take = take, .context = context};
	size_t layer;
	int r = 0;

	if (layering_find(stack, package, &layer))
		r = overlay_lookup_changes(&stack->shadow, layer, take_change, &listing,
					   err);
	if (r == 0)
		*ret = listing.count;
	return r;
}

const char *changes_word(enum overlay_lookup_effect effect)
{
	static const char *const words[] = {
		[OVERLAY_LOOKUP_ADDS] = "adds",
		[OVERLAY_LOOKUP_REPLACES] = "replaces",
		[OVERLAY_LOOKUP_DELETES] = "deletes",
		[OVERLAY_LOOKUP_HIDES] = "hides",
	};

	return words[effect];
}

/* A system's own words may hold any byte; JSON may not. */
static bool put_text(struct json_object *object, const char *key, const char *text)
{
	cleanup_free char *plain = strdup(text);

	return plain && verity_json_put(object, key,
					json_object_new_string(verity_text_plain(plain)));
}

static bool put_package(struct json_object *object, const struct layering_package *owner)
{
	bool persistent = owner->entry.kind == OVERLAY_PERSISTENT;

	return put_text(object, "package", owner->entry.name) &&
	       put_text(object, "version", owner->version) &&
	       put_text(object, "identity", owner->identity) &&
	       verity_json_put(object, "persistent", json_object_new_boolean(persistent));
}

struct json_object *changes_owner(const struct layering_package *owner)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	bool whole = object != NULL;

	if (whole && owner)
		whole = put_package(object, owner);
	else if (whole)
		whole = verity_json_put(object, "firmware",
					json_object_new_boolean(true));
	return whole ? steal_ptr(&object) : NULL;
}

bool changes_put_owner(struct json_object *object, const char *key,
		       const struct layering_package *owner)
{
	return verity_json_put(object, key, changes_owner(owner));
}

bool changes_put_unknown(struct json_object *object, const struct layering *layering)
{
	struct json_object *list = json_object_new_array();

	if (!verity_json_put(object, "unknown", list))
		return false;
	for (size_t i = 0; i < layering->unknown_count; i++) {
		const struct layering_unknown *unknown = &layering->unknown[i];
		struct json_object *item = json_object_new_object();

		if (!verity_json_append(list, item) ||
		    !put_text(item, "package", unknown->name) ||
		    !put_text(item, "version", unknown->version) ||
		    !verity_json_put(item, "now",
				     json_object_new_boolean(unknown->now)) ||
		    !verity_json_put(item, "after_reboot",
				     json_object_new_boolean(unknown->next)) ||
		    !put_text(item, "why", unknown->why.message))
			return false;
	}
	return true;
}

bool changes_put_path(struct json_object *object, const char *key, const char *path)
{
	cleanup_free char *text = NULL;

	if (asprintf(&text, "/%s", path) < 0) {
		text = NULL;
		return false;
	}
	return put_text(object, key, verity_text_plain(text));
}

bool changes_put_count(struct json_object *object, const struct changes_count *count)
{
	const struct {
		const char *key;
		size_t number;
	} numbers[] = {
		{"adds", count->added},      {"replaces", count->replaced},
		{"deletes", count->deleted}, {"hides", count->hidden},
		{"covered", count->covered}, {"critical", count->critical},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!verity_json_put(object, numbers[i].key,
				     json_object_new_int64((int64_t)numbers[i].number)))
			return false;
	return true;
}

void changes_print_count(const struct changes_count *count)
{
	const struct {
		const char *word;
		size_t number;
	} numbers[] = {
		{"adds", count->added},
		{"replaces", count->replaced},
		{"deletes", count->deleted},
		{"hides", count->hidden},
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (numbers[i].number == 0)
			continue;
		printf("%s%s %zu", between, numbers[i].word, numbers[i].number);
		between = ", ";
	}
	if (!*between)
		fputs("none", stdout);
	if (count->covered)
		printf("; %zu covered", count->covered);
	if (count->critical)
		printf("; %zu system-critical", count->critical);
}
