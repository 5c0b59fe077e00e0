/* SPDX-License-Identifier: MIT */
#include "overlay/record/state.h"

#include <string.h>

#include "overlay/record/state_private.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

/* A message is cut at a byte, and may hold what a system said: keep it readable. */
static struct json_object *text(const char *bytes)
{
	char plain[VERITY_MESSAGE_MAX];

	snprintf(plain, sizeof(plain), "%s", bytes);
	return json_object_new_string(verity_text_plain(plain));
}

static struct json_object *encode_reason(const struct verity_error *reason)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();

	if (!object ||
	    !verity_json_put(object, "code", text(verity_code_name(reason->code))) ||
	    !verity_json_put(object, "message",
			     text(reason->code ? reason->message : "")))
		return NULL;
	return steal_ptr(&object);
}

static struct json_object *encode_file(const struct overlay_file_id *file)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();

	if (!object ||
	    !verity_json_put(object, "inode", json_object_new_uint64(file->inode)) ||
	    !verity_json_put(object, "bytes", json_object_new_uint64(file->bytes)) ||
	    !verity_json_put(object, "changed_ns",
			     json_object_new_int64(file->changed_ns)))
		return NULL;
	return steal_ptr(&object);
}

static struct json_object *encode_span(const struct overlay_span *span)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();

	if (!object ||
	    !verity_json_put(object, "start_us",
			     json_object_new_uint64(span->start_us)) ||
	    !verity_json_put(object, "end_us", json_object_new_uint64(span->end_us)))
		return NULL;
	return steal_ptr(&object);
}

static struct json_object *encode_steps(const struct overlay_state *state)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();

	if (!object)
		return NULL;
	for (unsigned i = 0; i < OVERLAY_STEPS; i++)
		if (!verity_json_put(object, overlay_step_name((enum overlay_step)i),
				     encode_span(&state->steps[i])))
			return NULL;
	return steal_ptr(&object);
}

static struct json_object *encode_entry(const struct overlay_state_entry *entry)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	bool persistent = entry->entry.kind == OVERLAY_PERSISTENT;

	if (!object || !verity_json_put(object, "name", text(entry->entry.name)) ||
	    !verity_json_put(object, "persistent", json_object_new_boolean(persistent)) ||
	    !verity_json_put(object, "file", encode_file(&entry->file)) ||
	    !verity_json_put(object, "identity", text(entry->identity)) ||
	    !verity_json_put(object, "version", text(entry->version)) ||
	    !verity_json_put(object, "description", text(entry->description)) ||
	    !verity_json_put(object, "verification",
			     text(verity_verdict_name(entry->verdict))) ||
	    !verity_json_put(object, "active", json_object_new_boolean(entry->active)) ||
	    !verity_json_put(object, "reason", encode_reason(&entry->reason)) ||
	    !verity_json_put(object, "judging", encode_span(&entry->judging)) ||
	    !verity_json_put(object, "attaching", encode_span(&entry->attaching)))
		return NULL;
	return steal_ptr(&object);
}

static struct json_object *encode_identity(const struct overlay_identity *identity)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();

	if (!object || !verity_json_put(object, "model", text(identity->model)) ||
	    !verity_json_put(object, "serial", text(identity->serial)) ||
	    !verity_json_put(object, "firmware", text(identity->firmware)))
		return NULL;
	return steal_ptr(&object);
}

static struct json_object *encode_entries(const struct overlay_state *state)
{
	cleanup_with(json_object_put_p) struct json_object *list =
		json_object_new_array_ext((int)state->count);

	if (!list)
		return NULL;
	for (size_t i = 0; i < state->count; i++)
		if (!verity_json_append(list, encode_entry(&state->entries[i])))
			return NULL;
	return steal_ptr(&list);
}

int overlay_state_encode(const struct overlay_state *state, char **ret,
			 struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	const char *plain = NULL;
	char *copy;

	if (state->count > OVERLAY_STATE_PACKAGES_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY, "%zu packages", state->count);
	object = json_object_new_object();
	if (object &&
	    verity_json_put(object, "format",
			    json_object_new_int(OVERLAY_STATE_FORMAT)) &&
	    verity_json_put(object, "safe", json_object_new_boolean(state->safe)) &&
	    verity_json_put(object, "allow_untrusted",
			    json_object_new_boolean(state->allow_untrusted)) &&
	    verity_json_put(object, "locked", encode_reason(&state->locked)) &&
	    verity_json_put(object, "device", encode_identity(&state->identity)) &&
	    verity_json_put(object, "boot", json_object_new_uint64(state->boot)) &&
	    verity_json_put(object, "denylist", json_object_new_int64(state->denylist)) &&
	    verity_json_put(object, "stack", encode_reason(&state->stack)) &&
	    verity_json_put(object, "steps", encode_steps(state)) &&
	    verity_json_put(object, "packages", encode_entries(state)))
		plain = json_object_to_json_string_ext(
			object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
					JSON_C_TO_STRING_NOSLASHESCAPE);
	copy = plain ? strdup(plain) : NULL;
	if (!copy)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = copy;
	return 0;
}
