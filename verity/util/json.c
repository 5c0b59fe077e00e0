/* SPDX-License-Identifier: MIT */
/* Parses JSON strictly: refuses duplicate keys and what else json-c lets pass. */
#include "verity/util/json.h"

#include <limits.h>
#include <string.h>

#include "verity/util/text.h"

DEFINE_CLEANUP(struct json_tokener, json_tokener_free);

/* The keys so far of each object that is open; NULL for a list. */
struct open_keys {
	struct json_object *seen[VERITY_JSON_DEPTH_MAX + 1];
	size_t depth;
};

static void open_keys_free(struct open_keys *open)
{
	while (open->depth > 0)
		json_object_put(open->seen[--open->depth]);
}

/* The key is decoded by json-c: two spellings of a key are one key. */
static int add_key(struct open_keys *open, const char *quoted, size_t bytes,
		   struct verity_error *err)
{
	struct json_object *seen = open->seen[open->depth - 1];
	cleanup_with(json_tokener_free_p) struct json_tokener *tokener =
		json_tokener_new();
	cleanup_with(json_object_put_p) struct json_object *value = NULL;
	cleanup_free char *key = NULL;

	if (tokener)
		value = json_tokener_parse_ex(tokener, quoted, (int)bytes);
	if (!value)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (!verity_json_string(value))
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "a key has a NUL in it");
	key = strdup(verity_json_string(value));
	if (!key)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (!seen)
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "a key is in a list");
	if (json_object_object_get_ex(seen, key, NULL))
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "%.64s: there twice",
				   verity_text_plain(key));
	return json_object_object_add(seen, key, NULL) == 0
		       ? 0
		       : verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

/*
 * Before json-c sees it: of each object and list it makes some 700 bytes, also where that
 * is two bytes of text. It takes a key in single quotes, too, in which others see the
 * begin of a text where it sees none.
 */
static int check_shape(const char *text, size_t size, struct verity_error *err)
{
	size_t nests = 0, values = 0;
	bool quoted = false;

	for (size_t at = 0; at < size; at++) {
		if (text[at] == '"')
			quoted = !quoted;
		else if (quoted)
			at += text[at] == '\\';
		else if (text[at] == '\'')
			return verity_fail(err, VERITY_E_BAD_MANIFEST,
					   "not JSON: it has single quotes");
		else if (text[at] == '{' || text[at] == '[')
			nests++;
		else if (text[at] == ',')
			values++;
		if (nests > VERITY_JSON_NESTS_MAX || values > VERITY_JSON_VALUES_MAX)
			return verity_fail(err, VERITY_E_BAD_MANIFEST,
					   "over %d objects and lists, or %d values",
					   VERITY_JSON_NESTS_MAX, VERITY_JSON_VALUES_MAX);
	}
	return 0;
}

/* json-c keeps the last of two equal keys. @text is what json-c has accepted. */
static int check_keys(const char *text, size_t size, struct verity_error *err)
{
	cleanup_with(open_keys_free) struct open_keys open = {.depth = 0};
	int r = 0;

	for (size_t at = 0, end; r == 0 && at < size; at = end) {
		size_t after;

		end = at + 1;
		if (text[at] == '{' || text[at] == '[') {
			struct json_object *seen = NULL;

			if (open.depth > VERITY_JSON_DEPTH_MAX)
				return verity_fail(err, VERITY_E_BAD_MANIFEST,
						   "nested too deeply");
			if (text[at] == '{' && !(seen = json_object_new_object()))
				return verity_fail(err, VERITY_E_NO_MEMORY,
						   "out of memory");
			open.seen[open.depth++] = seen;
		} else if ((text[at] == '}' || text[at] == ']') && open.depth > 0) {
			json_object_put(open.seen[--open.depth]);
		}
		if (text[at] != '"')
			continue;
		while (end < size && text[end] != '"')
			end += text[end] == '\\' ? 2 : 1;
		end = end < size ? end + 1 : size;
		for (after = end; after < size && strchr(" \t\r\n", text[after]);)
			after++;
		if (open.depth > 0 && after < size && text[after] == ':')
			r = add_key(&open, text + at, end - at, err);
	}
	return r;
}

int verity_json_parse(const void *bytes, size_t size, struct json_object **ret,
		      struct verity_error *err)
{
	cleanup_with(json_tokener_free_p) struct json_tokener *tokener =
		json_tokener_new_ex(VERITY_JSON_DEPTH_MAX);
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	enum json_tokener_error error;
	int r;

	if (!tokener)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (size > INT_MAX)
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "too long");
	r = check_shape(bytes, size, err);
	if (r < 0)
		return r;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, bytes, (int)size);
	error = json_tokener_get_error(tokener);
	if (error != json_tokener_success)
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "not JSON: %s at byte %zu",
				   error == json_tokener_continue
					   ? "incomplete"
					   : json_tokener_error_desc(error),
				   json_tokener_get_parse_end(tokener));
	if (json_tokener_get_parse_end(tokener) != size ||
	    !json_object_is_type(object, json_type_object))
		return verity_fail(err, VERITY_E_BAD_MANIFEST,
				   "not one JSON object and nothing else");
	r = check_keys(bytes, size, err);
	if (r == 0)
		*ret = steal_ptr(&object);
	return r;
}

const char *verity_json_string(struct json_object *value)
{
	const char *text = json_object_is_type(value, json_type_string)
				   ? json_object_get_string(value)
				   : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text
										 : NULL;
}
