/* SPDX-License-Identifier: MIT */
#include "verity/util/json_keys.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/json.h"
#include "verity/util/text.h"

DEFINE_CLEANUP(struct json_tokener, json_tokener_free);

/* The keys seen so far of the objects around the place; NULL for a list. */
struct walk {
	struct json_object *seen[VERITY_JSON_DEPTH_MAX + 1];
	size_t depth;
};

static void walk_end(struct walk *walk)
{
	while (walk->depth > 0)
		json_object_put(walk->seen[--walk->depth]);
}

static int no_memory(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}

/* Just past the string that begins at @at. */
static size_t string_end(const char *text, size_t size, size_t at)
{
	for (at++; at < size && text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at < size ? at + 1 : size;
}

static bool is_key(const char *text, size_t size, size_t after)
{
	while (after < size && strchr(" \t\r\n", text[after]))
		after++;
	return after < size && text[after] == ':';
}

/* As json-c reads it: two ways to write a key are one key. */
static int key_of(const char *quoted, size_t bytes, char **ret, struct verity_error *err)
{
	cleanup_with(json_tokener_free_p) struct json_tokener *tokener =
		json_tokener_new();
	cleanup_with(json_object_put_p) struct json_object *value = NULL;
	const char *key;

	if (tokener)
		value = json_tokener_parse_ex(tokener, quoted, (int)bytes);
	key = value ? json_object_get_string(value) : NULL;
	if (!key)
		return no_memory(err);
	if (strlen(key) != (size_t)json_object_get_string_len(value))
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "a key has a NUL in it");
	*ret = strdup(key);
	return *ret ? 0 : no_memory(err);
}

static int see(struct walk *walk, const char *quoted, size_t bytes,
	       struct verity_error *err)
{
	struct json_object *seen = walk->seen[walk->depth - 1];
	cleanup_free char *key = NULL;
	int r = key_of(quoted, bytes, &key, err);

	if (r < 0)
		return r;
	if (!seen)
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "a key is in a list");
	if (json_object_object_get_ex(seen, key, NULL))
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "%.64s: there twice",
				   verity_text_plain(key));
	return json_object_object_add(seen, key, NULL) == 0 ? 0 : no_memory(err);
}

static int enter(struct walk *walk, bool object, struct verity_error *err)
{
	struct json_object *seen = object ? json_object_new_object() : NULL;

	if (object && !seen)
		return no_memory(err);
	if (walk->depth > VERITY_JSON_DEPTH_MAX) {
		json_object_put(seen);
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "nested too deeply");
	}
	walk->seen[walk->depth++] = seen;
	return 0;
}

static void leave(struct walk *walk)
{
	if (walk->depth > 0)
		json_object_put(walk->seen[--walk->depth]);
}

/* json-c takes a key, and nothing else, in single quotes too, which is no JSON. */
int verity_json_check_keys(const char *text, size_t size, struct verity_error *err)
{
	cleanup_with(walk_end) struct walk walk = {.depth = 0};
	size_t end;
	int r = 0;

	for (size_t at = 0; r == 0 && at < size; at = end) {
		end = at + 1;
		if (text[at] == '{' || text[at] == '[')
			r = enter(&walk, text[at] == '{', err);
		else if (text[at] == '}' || text[at] == ']')
			leave(&walk);
		else if (text[at] == '\'')
			r = verity_fail(err, VERITY_E_BAD_MANIFEST,
					"a key is in single quotes");
		if (text[at] != '"')
			continue;
		end = string_end(text, size, at);
		if (walk.depth > 0 && is_key(text, size, end))
			r = see(&walk, text + at, end - at, err);
	}
	return r;
}
