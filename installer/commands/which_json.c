/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "installer/commands/which.h"
#include "installer/device/changes.h"

#define WHICH_FORMAT 1

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

static void put_layers(struct verity_json_writer *json, const char *key,
		       const struct layering_stack *stack,
		       const struct which_layers *layers)
{
	if (layers->count == 0)
		return;
	verity_json_open_list(json, key);
	for (size_t i = 0; i < layers->count; i++)
		changes_put_owner(json, NULL, layering_owner(stack, layers->layers[i]));
	verity_json_close(json);
}

static void put_present(struct verity_json_writer *json,
			const struct layering_stack *stack, const struct which_step *step)
{
	verity_json_text(json, "kind", kind_word(step->view.kind));
	changes_put_owner(json, "owner", layering_owner(stack, step->view.layer));
	verity_json_some_text(json, "target", step->target);
	put_layers(json, "merged", stack, &step->merged);
	put_layers(json, "covers", stack, &step->covers);
	if (step->view.entry && step->view.entry->redirected)
		verity_json_bool(json, "redirected", true);
}

static void put_answer(struct verity_json_writer *json, const char *key,
		       const struct layering_stack *stack,
		       const struct which_answer *answer)
{
	verity_json_open_list(json, key);
	for (size_t i = 0; i < answer->count; i++) {
		const struct which_step *step = &answer->steps[i];

		verity_json_open(json, NULL);
		changes_put_path(json, "path", step->path);
		verity_json_text(json, "state", status_word(step->view.status));
		if (step->view.status == OVERLAY_LOOKUP_PRESENT) {
			put_present(json, stack, step);
		} else if (step->view.status != OVERLAY_LOOKUP_ABSENT) {
			changes_put_owner(json, "by",
					  layering_owner(stack, step->view.layer));
			if (step->below.status == OVERLAY_LOOKUP_PRESENT)
				changes_put_owner(
					json, "of",
					layering_owner(stack, step->below.layer));
		}
		verity_json_close(json);
	}
	verity_json_close(json);
}

int which_json(const struct which *which, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	const struct layering *layering = which->layering;

	verity_json_int(&json, "format", WHICH_FORMAT);
	verity_json_text(&json, "path", which->path);
	verity_json_some_text(&json, "mounted", which->mounted);
	put_answer(&json, "now", &layering->now, &which->now);
	put_answer(&json, "after_reboot", &layering->next, &which->next);
	changes_put_unknown(&json, layering);
	return verity_json_print(&json, stdout, err);
}
