/* SPDX-License-Identifier: MIT */
#include "overlay/record/state.h"

#include <errno.h>
#include <string.h>

#include "overlay/record/state_private.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

static void overlay_state_free_p(struct overlay_state *state)
{
	overlay_state_free(state);
}

static int bad(struct verity_error *err, const char *key, const char *why)
{
	verity_fail(err, VERITY_E_IO, "state: %s: %s", key, why);
	return -EBADMSG;
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

static int get_text(struct json_object *object, const char *key, size_t room, char *ret,
		    struct verity_error *err)
{
	struct json_object *value;
	size_t size;
	int r = get(object, key, json_type_string, &value, err);

	if (r < 0)
		return r;
	size = (size_t)json_object_get_string_len(value);
	if (size >= room)
		return bad(err, key, "too long");
	if (!verity_text_printable(json_object_get_string(value), size))
		return bad(err, key, "not printable");
	memcpy(ret, json_object_get_string(value), size);
	ret[size] = '\0';
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

static int get_uint64(struct json_object *object, const char *key, uint64_t *ret,
		      struct verity_error *err)
{
	struct json_object *value;
	int r = get(object, key, json_type_int, &value, err);

	if (r < 0)
		return r;
	/* Both getters clamp: a negative number is 0 to the one and itself to the other.
	 */
	if (json_object_get_int64(value) < 0)
		return bad(err, key, "negative");
	*ret = json_object_get_uint64(value);
	return 0;
}

static int get_int64(struct json_object *object, const char *key, int64_t *ret,
		     struct verity_error *err)
{
	struct json_object *value;
	int r = get(object, key, json_type_int, &value, err);

	if (r == 0)
		*ret = json_object_get_int64(value);
	return r;
}

static int get_reason(struct json_object *object, const char *key,
		      struct verity_error *ret, struct verity_error *err)
{
	struct json_object *value;
	char code[32];
	int r = get(object, key, json_type_object, &value, err);

	if (r == 0)
		r = get_text(value, "code", sizeof(code), code, err);
	if (r == 0)
		r = get_text(value, "message", sizeof(ret->message), ret->message, err);
	if (r < 0)
		return r;
	ret->code = verity_code_from_name(code);
	if (ret->code == VERITY_OK && strcmp(code, verity_code_name(VERITY_OK)) != 0)
		return bad(err, "code", "unknown");
	return 0;
}

static int get_file(struct json_object *object, struct overlay_file_id *ret,
		    struct verity_error *err)
{
	struct json_object *value;
	int r = get(object, "file", json_type_object, &value, err);

	if (r == 0)
		r = get_uint64(value, "inode", &ret->inode, err);
	if (r == 0)
		r = get_uint64(value, "bytes", &ret->bytes, err);
	if (r == 0)
		r = get_int64(value, "changed_ns", &ret->changed_ns, err);
	return r;
}

static int get_entry_names(struct json_object *object, struct overlay_state_entry *ret,
			   struct verity_error *err)
{
	bool persistent = false;
	int r = get_text(object, "name", sizeof(ret->entry.name), ret->entry.name, err);

	if (r == 0 && !verity_name_valid(ret->entry.name))
		return bad(err, "name", "not a name a package may have");
	if (r == 0)
		r = get_bool(object, "persistent", &persistent, err);
	ret->entry.kind = persistent ? OVERLAY_PERSISTENT : OVERLAY_ORDINARY;
	if (r == 0)
		r = get_text(object, "identity", sizeof(ret->identity), ret->identity,
			     err);
	if (r == 0)
		r = get_text(object, "version", sizeof(ret->version), ret->version, err);
	if (r == 0)
		r = get_text(object, "description", sizeof(ret->description),
			     ret->description, err);
	return r;
}

static bool has(struct json_object *object, const char *key)
{
	return json_object_object_get_ex(object, key, NULL);
}

/* Nothing, of an initramfs that is older than the program. */
static int get_span(struct json_object *object, const char *key, struct overlay_span *ret,
		    struct verity_error *err)
{
	struct json_object *value;
	int r;

	if (!has(object, key))
		return 0;
	r = get(object, key, json_type_object, &value, err);
	if (r == 0)
		r = get_uint64(value, "start_us", &ret->start_us, err);
	if (r == 0)
		r = get_uint64(value, "end_us", &ret->end_us, err);
	if (r == 0 && ret->start_us > ret->end_us)
		return bad(err, key, "ends before it begins");
	if (r == 0 && ret->end_us > OVERLAY_CLOCK_MAX)
		return bad(err, key, "too late");
	return r;
}

static int get_steps(struct json_object *object, struct overlay_state *ret,
		     struct verity_error *err)
{
	struct json_object *steps;
	int r = get(object, "steps", json_type_object, &steps, err);

	for (unsigned i = 0; r == 0 && i < OVERLAY_STEPS; i++) {
		const char *name = overlay_step_name((enum overlay_step)i);

		/* one that an older initramfs does not know did not take place */
		if (has(steps, name))
			r = get_span(steps, name, &ret->steps[i], err);
	}
	return r;
}

static int get_entry(struct json_object *object, struct overlay_state_entry *ret,
		     struct verity_error *err)
{
	char verdict[32];
	int r;

	if (!json_object_is_type(object, json_type_object))
		return bad(err, "packages", "holds something else than objects");
	r = get_entry_names(object, ret, err);
	if (r == 0)
		r = get_file(object, &ret->file, err);
	if (r == 0)
		r = get_text(object, "verification", sizeof(verdict), verdict, err);
	if (r == 0 && verity_verdict_from_name(verdict, &ret->verdict) < 0)
		return bad(err, "verification", "unknown");
	if (r == 0)
		r = get_bool(object, "active", &ret->active, err);
	if (r == 0)
		r = get_reason(object, "reason", &ret->reason, err);
	if (r == 0)
		r = get_span(object, "judging", &ret->judging, err);
	if (r == 0)
		r = get_span(object, "attaching", &ret->attaching, err);
	return r;
}

static int get_entries(struct json_object *object, struct overlay_state *ret,
		       struct verity_error *err)
{
	struct json_object *list;
	size_t count;
	int r = get(object, "packages", json_type_array, &list, err);

	if (r < 0)
		return r;
	count = json_object_array_length(list);
	if (count > OVERLAY_STATE_PACKAGES_MAX)
		return bad(err, "packages", "too many");
	ret->entries = calloc(count ? count : 1, sizeof(*ret->entries));
	if (!ret->entries)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (; ret->count < count; ret->count++) {
		r = get_entry(json_object_array_get_idx(list, ret->count),
			      &ret->entries[ret->count], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int get_identity(struct json_object *object, struct overlay_identity *ret,
			struct verity_error *err)
{
	struct json_object *value;
	int r = get(object, "device", json_type_object, &value, err);

	if (r == 0)
		r = get_text(value, "model", sizeof(ret->model), ret->model, err);
	if (r == 0)
		r = get_text(value, "serial", sizeof(ret->serial), ret->serial, err);
	if (r == 0)
		r = get_text(value, "firmware", sizeof(ret->firmware), ret->firmware,
			     err);
	return r;
}

/* What came with later versions: an initramfs may be older than the program. */
static int get_later(struct json_object *object, struct overlay_state *ret,
		     struct verity_error *err)
{
	int64_t boot = 0, denylist = 0;
	int r = 0;

	if (has(object, "locked"))
		r = get_reason(object, "locked", &ret->locked, err);
	if (r == 0 && has(object, "device"))
		r = get_identity(object, &ret->identity, err);
	if (r == 0 && has(object, "boot"))
		r = get_int64(object, "boot", &boot, err);
	if (r == 0 && has(object, "denylist"))
		r = get_int64(object, "denylist", &denylist, err);
	if (r == 0 && has(object, "steps"))
		r = get_steps(object, ret, err);
	ret->boot = boot > 0 ? (uint64_t)boot : 0;
	ret->denylist = denylist > 0 && denylist <= UINT32_MAX ? (uint32_t)denylist : 0;
	return r;
}

static int parse(const char *text, size_t size, struct json_object **ret,
		 struct verity_error *err)
{
	int r;

	if (size > OVERLAY_STATE_MAX)
		return bad(err, "file", "too large");
	r = verity_json_parse(text, size, ret, err);
	return r == -EBADMSG ? bad(err, "file", "not a JSON object") : r;
}

int overlay_state_decode(const char *text, size_t size, struct overlay_state *ret,
			 struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_with(overlay_state_free_p) struct overlay_state state = {0};
	int64_t format = 0;
	int r = parse(text, size, &object, err);

	if (r == 0)
		r = get_int64(object, "format", &format, err);
	if (r == 0 && format != OVERLAY_STATE_FORMAT)
		return bad(err, "format", "not 1");
	if (r == 0)
		r = get_bool(object, "safe", &state.safe, err);
	if (r == 0)
		r = get_bool(object, "allow_untrusted", &state.allow_untrusted, err);
	if (r == 0)
		r = get_reason(object, "stack", &state.stack, err);
	if (r == 0)
		r = get_later(object, &state, err);
	if (r == 0)
		r = get_entries(object, &state, err);
	if (r < 0)
		return r;
	*ret = state;
	memset(&state, 0, sizeof(state));
	return 0;
}
