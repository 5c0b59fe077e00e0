/* SPDX-License-Identifier: MIT */
/* Writes JSON key by key, and remembers a failure until the end. */
#include "verity/util/json_write.h"

#include <assert.h>
#include <string.h>

#include "verity/util/hex.h"
#include "verity/util/text.h"

/* Takes @value, also on failure. */
static void add(struct verity_json_writer *json, const char *key,
		struct json_object *value)
{
	struct json_object *parent;
	bool list;
	int r = -1;

	if (!json->open[0] && !json->failed)
		json->failed = !(json->open[0] = json_object_new_object());
	parent = json->open[json->depth];
	if (value && !json->failed) {
		list = json_object_is_type(parent, json_type_array);
		assert(list == !key);
		r = list ? json_object_array_add(parent, value)
			 : json_object_object_add(parent, key, value);
	}
	if (r == 0)
		return;
	json_object_put(value);
	json->failed = true;
}

void verity_json_text(struct verity_json_writer *json, const char *key, const char *text)
{
	cleanup_free char *plain = NULL;

	if (text && !json->raw && !verity_text_printable(text, strlen(text))) {
		plain = strdup(text);
		text = plain ? verity_text_plain(plain) : NULL;
	}
	add(json, key, text ? json_object_new_string(text) : NULL);
}

void verity_json_some_text(struct verity_json_writer *json, const char *key,
			   const char *text)
{
	if (text && text[0])
		verity_json_text(json, key, text);
}

void verity_json_bool(struct verity_json_writer *json, const char *key, bool value)
{
	add(json, key, json_object_new_boolean(value));
}

void verity_json_int(struct verity_json_writer *json, const char *key, int64_t value)
{
	add(json, key, json_object_new_int64(value));
}

void verity_json_uint(struct verity_json_writer *json, const char *key, uint64_t value)
{
	add(json, key, json_object_new_uint64(value));
}

void verity_json_hex(struct verity_json_writer *json, const char *key,
		     const uint8_t *bytes, size_t count)
{
	cleanup_free char *text = malloc(2 * count + 1);

	if (text)
		verity_hex_encode(bytes, count, text);
	add(json, key, text ? json_object_new_string(text) : NULL);
}

static void open_child(struct verity_json_writer *json, const char *key,
		       struct json_object *child)
{
	add(json, key, child);
	assert(json->depth + 1 < sizeof(json->open) / sizeof(json->open[0]));
	json->open[++json->depth] = json->failed ? NULL : child;
}

void verity_json_open(struct verity_json_writer *json, const char *key)
{
	open_child(json, key, json_object_new_object());
}

void verity_json_open_list(struct verity_json_writer *json, const char *key)
{
	open_child(json, key, json_object_new_array());
}

void verity_json_close(struct verity_json_writer *json)
{
	assert(json->depth > 0);
	json->depth--;
}

void verity_json_reason(struct verity_json_writer *json, const char *key,
			const struct verity_error *reason, const char *hint)
{
	if (!reason || reason->code == VERITY_OK)
		return;
	verity_json_open(json, key);
	verity_json_text(json, "code", verity_code_name(reason->code));
	verity_json_text(json, "message", reason->message);
	verity_json_some_text(json, "hint", hint);
	verity_json_close(json);
}

/* Without memory, json-c leaves out a part of the text, and does not tell. */
static bool is_whole(struct json_object *object, const char *text)
{
	struct json_object *again = json_tokener_parse(text);
	bool whole = again && json_object_equal(object, again);

	json_object_put(again);
	return whole;
}

int verity_json_finish(struct verity_json_writer *json, int style, char **ret,
		       struct verity_error *err)
{
	const char *text = NULL;
	char *copy;

	assert(json->depth == 0);
	if (!json->open[0] && !json->failed)
		json->failed = !(json->open[0] = json_object_new_object());
	if (!json->failed)
		text = json_object_to_json_string_ext(json->open[0],
						      style & ~VERITY_JSON_RAW);
	copy = text && is_whole(json->open[0], text) ? strdup(text) : NULL;
	if (!copy)
		return verity_no_memory(err);
	*ret = copy;
	return 0;
}

int verity_json_print(struct verity_json_writer *json, FILE *out,
		      struct verity_error *err)
{
	cleanup_free char *text = NULL;
	int r = verity_json_finish(json, VERITY_JSON_PRETTY, &text, err);

	if (r == 0)
		fprintf(out, "%s\n", text);
	return r;
}

void verity_json_end(struct verity_json_writer *json)
{
	json_object_put(json->open[0]);
	json->open[0] = NULL;
}
