/* SPDX-License-Identifier: MIT */
#include "installer/device/timeline.h"

#include "installer/common/describe.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"

#define BOOT_FORMAT 1

static bool put_text(struct json_object *object, const char *key, const char *text)
{
	return !text[0] || verity_json_put(object, key, json_object_new_string(text));
}

static bool put_boolean(struct json_object *object, const char *key, bool value)
{
	return verity_json_put(object, key, json_object_new_boolean(value));
}

static bool put_times(struct json_object *object, const struct overlay_span *span)
{
	return verity_json_put(object, "start_us",
			       json_object_new_uint64(span->start_us)) &&
	       verity_json_put(object, "took_us",
			       json_object_new_uint64(span->end_us - span->start_us));
}

static bool put_slowest(struct json_object *object, const struct timeline_row *row)
{
	return !row->slowest || put_boolean(object, "slowest", true);
}

static const struct timeline_row *find(const struct timeline *timeline,
				       const struct overlay_state_entry *entry,
				       enum overlay_step step)
{
	for (size_t i = 0; i < timeline->count; i++)
		if (timeline->rows[i].package == entry && timeline->rows[i].step == step)
			return &timeline->rows[i];
	return NULL;
}

/* What did not take place is left out. */
static bool put_part(struct json_object *object, const char *key,
		     const struct timeline *timeline,
		     const struct overlay_state_entry *entry, enum overlay_step step)
{
	const struct timeline_row *row = find(timeline, entry, step);
	struct json_object *child;

	if (!row)
		return true;
	child = json_object_new_object();
	return verity_json_put(object, key, child) && put_times(child, &row->span) &&
	       put_slowest(child, row);
}

static bool put_steps(struct json_object *object, const struct timeline *timeline)
{
	struct json_object *list = json_object_new_array();

	if (!verity_json_put(object, "steps", list))
		return false;
	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_row *row = &timeline->rows[i];
		struct json_object *step;

		if (row->package)
			continue;
		step = json_object_new_object();
		if (!verity_json_append(list, step) ||
		    !put_text(step, "step", row->name) || !put_times(step, &row->span) ||
		    !put_slowest(step, row))
			return false;
	}
	return true;
}

static bool put_package(struct json_object *list, const struct timeline *timeline,
			const struct overlay_state_entry *entry)
{
	struct json_object *object = json_object_new_object();

	return verity_json_append(list, object) &&
	       put_text(object, "name", entry->entry.name) &&
	       put_boolean(object, "persistent",
			   entry->entry.kind == OVERLAY_PERSISTENT) &&
	       put_text(object, "version", entry->version) &&
	       put_text(object, "verification", verity_verdict_name(entry->verdict)) &&
	       put_boolean(object, "active", entry->active) &&
	       describe_put_reason(object, "reason", &entry->reason,
				   verity_code_hint(entry->reason.code)) &&
	       put_part(object, "judging", timeline, entry, OVERLAY_STEP_JUDGE) &&
	       put_part(object, "attaching", timeline, entry, OVERLAY_STEP_ATTACH);
}

static bool put_packages(struct json_object *object, const struct timeline *timeline)
{
	const struct overlay_state *state = timeline->state;
	struct json_object *list = json_object_new_array();

	if (!verity_json_put(object, "packages", list))
		return false;
	for (size_t i = 0; i < state->count; i++)
		if (!put_package(list, timeline, &state->entries[i]))
			return false;
	return true;
}

static bool put_all(struct json_object *object, const struct timeline *timeline)
{
	const struct overlay_state *state = timeline->state;

	return verity_json_put(object, "format", json_object_new_int(BOOT_FORMAT)) &&
	       (!state->boot ||
		verity_json_put(object, "boot", json_object_new_uint64(state->boot))) &&
	       put_boolean(object, "safe", state->safe) &&
	       describe_put_reason(object, "stack", &state->stack,
				   verity_code_hint(state->stack.code)) &&
	       verity_json_put(object, "began_us",
			       json_object_new_uint64(timeline->start_us)) &&
	       verity_json_put(object, "took_us",
			       json_object_new_uint64(timeline->total_us)) &&
	       put_steps(object, timeline) && put_packages(object, timeline);
}

int timeline_print_json(FILE *out, const struct timeline *timeline,
			struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();

	if (!object || !put_all(object, timeline))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(object,
					       JSON_C_TO_STRING_PRETTY |
						       JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}
