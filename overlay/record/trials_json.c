/* SPDX-License-Identifier: MIT */
#include "overlay/record/trials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"

#define TRIALS_TYPE   "trials"
#define TRIALS_FORMAT 1

static const char *const state_names[] = {
	[OVERLAY_TRIAL_RUNNING] = "trial",
	[OVERLAY_TRIAL_PASSED] = "passed",
	[OVERLAY_TRIAL_QUARANTINED] = "quarantined",
};

static void trials_free_p(struct overlay_trials *trials)
{
	overlay_trials_free(trials);
}

static int bad(struct verity_error *err, const char *key, const char *why)
{
	return verity_fail(err, VERITY_E_BAD_STATEMENT, "%s: %s", key, why);
}

static int get(struct json_object *object, const char *key, enum json_type type,
	       struct json_object **ret, struct verity_error *err)
{
	if (!json_object_object_get_ex(object, key, ret))
		return bad(err, key, "missing");
	if (!json_object_is_type(*ret, type))
		return bad(err, key, "of the wrong type");
	return 0;
}

/* @ret borrows from @object. A 0 within it would hide what follows. */
static int get_text(struct json_object *object, const char *key, const char **ret,
		    struct verity_error *err)
{
	struct json_object *value;
	int r = get(object, key, json_type_string, &value, err);

	if (r < 0)
		return r;
	*ret = json_object_get_string(value);
	if (strlen(*ret) != (size_t)json_object_get_string_len(value))
		return bad(err, key, "not a text");
	return 0;
}

static int get_bool(struct json_object *object, const char *key, bool *ret,
		    struct verity_error *err)
{
	struct json_object *value;
	int r = get(object, key, json_type_boolean, &value, err);

	if (r == 0)
		*ret = json_object_get_boolean(value);
	return r;
}

static int get_number(struct json_object *object, const char *key, unsigned max,
		      unsigned *ret, struct verity_error *err)
{
	struct json_object *value;
	int64_t number;
	int r = get(object, key, json_type_int, &value, err);

	if (r < 0)
		return r;
	number = json_object_get_int64(value);
	if (number < 0 || number > max)
		return bad(err, key, "out of range");
	*ret = (unsigned)number;
	return 0;
}

static int get_entry(struct json_object *object, struct overlay_entry *ret,
		     struct verity_error *err)
{
	bool persistent = false;
	const char *name;
	int r = get_text(object, "name", &name, err);

	if (r == 0 && !verity_name_valid(name))
		return bad(err, "name", "not a valid package name");
	if (r == 0)
		r = get_bool(object, "persistent", &persistent, err);
	if (r < 0)
		return r;
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->kind = persistent ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	return 0;
}

static int get_id(struct json_object *object, uint8_t *ret, struct verity_error *err)
{
	const char *text;
	size_t count = 0;
	int r = get_text(object, "id", &text, err);

	if (r < 0)
		return r;
	if (verity_hex_decode(text, ret, VERITY_DIGEST_BYTES, &count) < 0 ||
	    count != VERITY_DIGEST_BYTES)
		return bad(err, "id", "not a SHA-256 in hex");
	return 0;
}

static int get_state(struct json_object *object, enum overlay_trial_state *ret,
		     struct verity_error *err)
{
	const char *text;
	int r = get_text(object, "state", &text, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++)
		if (strcmp(state_names[i], text) == 0) {
			*ret = (enum overlay_trial_state)i;
			return 0;
		}
	return bad(err, "state", "unknown");
}

static int get_trial(struct json_object *object, struct overlay_trial *ret,
		     struct verity_error *err)
{
	int r;

	if (!json_object_is_type(object, json_type_object))
		return bad(err, "packages", "holds something else than objects");
	r = get_entry(object, &ret->entry, err);
	if (r == 0)
		r = get_id(object, ret->id, err);
	if (r == 0)
		r = get_state(object, &ret->state, err);
	if (r == 0)
		r = get_number(object, "incomplete", OVERLAY_TRIALS_COUNT_MAX,
			       &ret->incomplete, err);
	if (r == 0)
		r = get_bool(object, "ran", &ret->ran, err);
	if (r == 0 && ret->ran && ret->state == OVERLAY_TRIAL_QUARANTINED)
		return bad(err, "ran", "what is quarantined does not run");
	return r;
}

/* The planner finds a package by its entry: there is one of each. */
static bool is_known(const struct overlay_trials *trials,
		     const struct overlay_entry *entry)
{
	for (size_t i = 0; i < trials->count; i++)
		if (trials->items[i].entry.kind == entry->kind &&
		    strcmp(trials->items[i].entry.name, entry->name) == 0)
			return true;
	return false;
}

static int get_trials(struct json_object *object, struct overlay_trials *ret,
		      struct verity_error *err)
{
	struct json_object *list;
	size_t count;
	int r = get(object, "packages", json_type_array, &list, err);

	if (r < 0)
		return r;
	count = json_object_array_length(list);
	if (count > OVERLAY_TRIALS_MAX)
		return bad(err, "packages", "too many");
	ret->items = calloc(count + 1, sizeof(*ret->items));
	if (!ret->items)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < count; i++) {
		r = get_trial(json_object_array_get_idx(list, i), &ret->items[i], err);
		if (r < 0)
			return r;
		if (is_known(ret, &ret->items[i].entry))
			return bad(err, "packages", "one of them is there twice");
		ret->count++;
	}
	return 0;
}

static int parse(const void *bytes, size_t size, struct json_object **ret,
		 struct verity_error *err)
{
	unsigned format;
	const char *type;
	int r;

	if (size > OVERLAY_TRIALS_BYTES_MAX)
		return bad(err, "file", "too large");
	r = verity_json_parse(bytes, size, ret, err);
	if (r == -EBADMSG && err)
		err->code = VERITY_E_BAD_STATEMENT;
	if (r == 0)
		r = get_text(*ret, "type", &type, err);
	if (r == 0 && strcmp(type, TRIALS_TYPE) != 0)
		return bad(err, "type", "not " TRIALS_TYPE);
	if (r == 0)
		r = get_number(*ret, "format", TRIALS_FORMAT, &format, err);
	if (r == 0 && format != TRIALS_FORMAT)
		return bad(err, "format", "not 1");
	return r;
}

int overlay_trials_decode(const void *bytes, size_t size, struct overlay_trials *ret,
			  struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_with(trials_free_p) struct overlay_trials trials = {.completed = false};
	int r = parse(bytes, size, &object, err);

	if (r == 0)
		r = get_bool(object, "completed", &trials.completed, err);
	if (r == 0)
		r = get_bool(object, "idle", &trials.idle, err);
	if (r == 0)
		r = get_number(object, "failed", OVERLAY_TRIALS_COUNT_MAX, &trials.failed,
			       err);
	if (r == 0)
		r = get_trials(object, &trials, err);
	if (r < 0)
		return r;
	*ret = trials;
	trials.items = NULL;
	return 0;
}

static struct json_object *encode_trial(const struct overlay_trial *trial)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	bool persistent = trial->entry.kind == OVERLAY_PERSISTENT;
	char id[2 * VERITY_DIGEST_BYTES + 1];

	verity_hex_encode(trial->id, VERITY_DIGEST_BYTES, id);
	if (!object ||
	    !verity_json_put(object, "name", json_object_new_string(trial->entry.name)) ||
	    !verity_json_put(object, "persistent", json_object_new_boolean(persistent)) ||
	    !verity_json_put(object, "id", json_object_new_string(id)) ||
	    !verity_json_put(object, "state",
			     json_object_new_string(state_names[trial->state])) ||
	    !verity_json_put(object, "incomplete",
			     json_object_new_int64(trial->incomplete)) ||
	    !verity_json_put(object, "ran", json_object_new_boolean(trial->ran)))
		return NULL;
	return steal_ptr(&object);
}

static struct json_object *encode_all(const struct overlay_trials *trials)
{
	cleanup_with(json_object_put_p) struct json_object *list =
		json_object_new_array_ext((int)trials->count);

	if (!list)
		return NULL;
	for (size_t i = 0; i < trials->count; i++)
		if (!verity_json_append(list, encode_trial(&trials->items[i])))
			return NULL;
	return steal_ptr(&list);
}

int overlay_trials_encode(const struct overlay_trials *trials, char **ret,
			  struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	const char *text = NULL;
	char *copy;

	if (trials->count > OVERLAY_TRIALS_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY, "%zu packages", trials->count);
	object = json_object_new_object();
	if (object &&
	    verity_json_put(object, "type", json_object_new_string(TRIALS_TYPE)) &&
	    verity_json_put(object, "format", json_object_new_int(TRIALS_FORMAT)) &&
	    verity_json_put(object, "completed",
			    json_object_new_boolean(trials->completed)) &&
	    verity_json_put(object, "idle", json_object_new_boolean(trials->idle)) &&
	    verity_json_put(object, "failed", json_object_new_int64(trials->failed)) &&
	    verity_json_put(object, "packages", encode_all(trials)))
		text = json_object_to_json_string_ext(
			object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
	copy = text ? strdup(text) : NULL;
	if (!copy)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = copy;
	return 0;
}
