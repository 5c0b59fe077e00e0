/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "installer/commands/which.h"
#include "installer/device/changes.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

#define WHICH_FORMAT 1

static bool put_text(struct json_object *object, const char *key, const char *text)
{
	cleanup_free char *plain = strdup(text);

	return plain && verity_json_put(object, key,
					json_object_new_string(verity_text_plain(plain)));
}

static const char *status_word(enum overlay_lookup_status status)
{
	static const char *const words[] = {
		[OVERLAY_LOOKUP_PRESENT] = "present",
		[OVERLAY_LOOKUP_DELETED] = "deleted",
		[OVERLAY_LOOKUP_HIDDEN] = "hidden",
		[OVERLAY_LOOKUP_BLOCKED] = "blocked",
		[OVERLAY_LOOKUP_ABSENT] = "absent",
	};

	return words[status];
}

static const char *kind_word(enum overlay_contents_kind kind)
{
	static const char *const words[] = {
		[OVERLAY_CONTENTS_FILE] = "file",
		[OVERLAY_CONTENTS_FOLDER] = "folder",
		[OVERLAY_CONTENTS_OPAQUE] = "folder",
		[OVERLAY_CONTENTS_LINK] = "link",
		[OVERLAY_CONTENTS_WHITEOUT] = "special",
		[OVERLAY_CONTENTS_SPECIAL] = "special",
	};

	return words[kind];
}

static bool put_layers(struct json_object *object, const char *key,
		       const struct layering_stack *stack,
		       const struct which_layers *layers)
{
	struct json_object *list = json_object_new_array();

	if (!verity_json_put(object, key, list))
		return false;
	for (size_t i = 0; i < layers->count; i++)
		if (!verity_json_append(list, changes_owner(layering_owner(
						      stack, layers->layers[i]))))
			return false;
	return true;
}

static bool put_present(struct json_object *object, const struct layering_stack *stack,
			const struct which_step *step)
{
	bool whole = put_text(object, "kind", kind_word(step->view.kind)) &&
		     changes_put_owner(object, "owner",
				       layering_owner(stack, step->view.layer));

	if (step->target[0])
		whole = whole && put_text(object, "target", step->target);
	if (step->merged.count)
		whole = whole && put_layers(object, "merged", stack, &step->merged);
	if (step->covers.count)
		whole = whole && put_layers(object, "covers", stack, &step->covers);
	if (step->view.entry && step->view.entry->redirected)
		whole = whole && verity_json_put(object, "redirected",
						 json_object_new_boolean(true));
	return whole;
}

static bool put_step(struct json_object *list, const struct layering_stack *stack,
		     const struct which_step *step)
{
	struct json_object *object = json_object_new_object();

	if (!verity_json_append(list, object) ||
	    !changes_put_path(object, "path", step->path) ||
	    !put_text(object, "state", status_word(step->view.status)))
		return false;
	if (step->view.status == OVERLAY_LOOKUP_ABSENT)
		return true;
	if (step->view.status == OVERLAY_LOOKUP_PRESENT)
		return put_present(object, stack, step);
	return changes_put_owner(object, "by", layering_owner(stack, step->view.layer)) &&
	       (step->below.status != OVERLAY_LOOKUP_PRESENT ||
		changes_put_owner(object, "of",
				  layering_owner(stack, step->below.layer)));
}

static bool put_answer(struct json_object *object, const char *key,
		       const struct layering_stack *stack,
		       const struct which_answer *answer)
{
	struct json_object *list = json_object_new_array();

	if (!verity_json_put(object, key, list))
		return false;
	for (size_t i = 0; i < answer->count; i++)
		if (!put_step(list, stack, &answer->steps[i]))
			return false;
	return true;
}

int which_json(const struct which *which, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	const struct layering *layering = which->layering;
	bool whole =
		verity_json_put(object, "format", json_object_new_int(WHICH_FORMAT)) &&
		put_text(object, "path", which->path);

	if (which->mounted[0])
		whole = whole && put_text(object, "mounted", which->mounted);
	whole = whole && put_answer(object, "now", &layering->now, &which->now) &&
		put_answer(object, "after_reboot", &layering->next, &which->next) &&
		changes_put_unknown(object, layering);
	if (!whole)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}
