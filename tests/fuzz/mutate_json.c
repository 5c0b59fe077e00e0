/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/mutate.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX  4096
#define STRING_MAX 512
#define DEPTH      40
#define COPIES_MAX 1100 /* more than any list may have */

/* A value, and where it stands: in an object under @key, or in a list at @index. */
struct node {
	struct json_object *parent, *value;
	const char *key; /* borrowed; NULL: in a list */
	size_t index;
};

struct nodes {
	struct node at[NODES_MAX];
	size_t count;
};

static const char *const numbers[] = {
	"-1",
	"0",
	"1",
	"2",
	"64",
	"65",
	"256",
	"257",
	"4096",
	"65535",
	"65536",
	"100",
	"101",
	"1000000",
	"1000001",
	"-1000000",
	"-1000001",
	"2147483647",
	"-2147483648",
	"4294967295",
	"4294967296",
	"9007199254740993",
	"253402300799",
	"253402300800",
	"9223372036854775807",
	"-9223372036854775808",
	"18446744073709551615",
	"18446744073709551616",
	"1e308",
	"0.5",
	"-0.0",
	"1e0",
};

static const char *const texts[] = {
	"",
	".",
	"..",
	"a/b",
	"../../etc/passwd",
	"-x",
	"\x1b[2J",
	"a\nb",
	"\xc3\xa4",
	"\xff\xfe",
	"\xed\xa0\x80",
	"\xe2\x80\xae",
	"package",
	"unlock",
	"denylist",
	"catalog",
	"set",
	"sha256",
	"sha512",
	"required",
	"latest",
	"untrusted",
	"downgrade",
	"needs",
	"conflicts_with",
	"other>=1.2",
	"other>=",
	"*",
	"[!a-]*",
	"AAAA",
	"A===",
	"00",
	"0g",
	"x.wmopkg",
	".wmopkg",
	"1:2~rc1+b-3",
	"~",
	"%s%n",
};

static void collect(struct json_object *object, struct nodes *nodes)
{
	if (json_object_is_type(object, json_type_object)) {
		json_object_object_foreach (object, key, value) {
			if (nodes->count == NODES_MAX)
				return;
			nodes->at[nodes->count++] = (struct node){object, value, key, 0};
			collect(value, nodes);
		}
	}
	if (!json_object_is_type(object, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(object); i++) {
		struct json_object *value = json_object_array_get_idx(object, i);

		if (nodes->count == NODES_MAX)
			return;
		nodes->at[nodes->count++] = (struct node){object, value, NULL, i};
		collect(value, nodes);
	}
}

static struct json_object *copy_of(struct json_object *value)
{
	struct json_object *copy = NULL;

	if (value)
		json_object_deep_copy(value, &copy, NULL);
	return copy;
}

static struct json_object *nested(struct chance *chance)
{
	struct json_object *outer = json_object_new_array();

	for (uint32_t i = chance_below(chance, DEPTH); i > 0; i--) {
		struct json_object *around = chance_below(chance, 2)
						     ? json_object_new_array()
						     : json_object_new_object();

		if (json_object_is_type(around, json_type_array))
			json_object_array_add(around, outer);
		else
			json_object_object_add(around, "a", outer);
		outer = around;
	}
	return outer;
}

/* Its own text with some bytes changed, cut or repeated. */
static struct json_object *other_text(struct json_object *value, struct chance *chance)
{
	uint8_t bytes[STRING_MAX];
	size_t size = (size_t)json_object_get_string_len(value);

	size = size < sizeof(bytes) ? size : sizeof(bytes);
	if (size > 0)
		memcpy(bytes, json_object_get_string(value), size);
	if (chance_below(chance, 8) == 0) {
		memset(bytes, 'a', sizeof(bytes));
		size = chance_below(chance, sizeof(bytes) + 1);
	} else {
		size = LLVMFuzzerMutate(bytes, size, sizeof(bytes));
	}
	return json_object_new_string_len((const char *)bytes, (int)size);
}

static struct json_object *other_value(const struct nodes *nodes, const struct node *node,
				       struct chance *chance)
{
	const char *const *pool = texts;

	if (json_object_is_type(node->value, json_type_string) && chance_below(chance, 2))
		return other_text(node->value, chance);
	switch (chance_below(chance, 8)) {
	case 0:
		return NULL;
	case 1:
		return json_object_new_boolean((int)chance_below(chance, 2));
	case 2:
		return nested(chance);
	case 3:
		return copy_of(
			nodes->at[chance_below(chance, (uint32_t)nodes->count)].value);
	case 4:
	case 5:
		/* json-c reads the number as a device would */
		return json_tokener_parse(numbers[chance_below(
			chance, sizeof(numbers) / sizeof(numbers[0]))]);
	default:
		return json_object_new_string(
			pool[chance_below(chance, sizeof(texts) / sizeof(texts[0]))]);
	}
}

static void put(const struct node *node, const char *key, struct json_object *value)
{
	if (json_object_is_type(node->parent, json_type_array))
		json_object_array_put_idx(node->parent, node->index, value);
	else
		json_object_object_add(node->parent, key, value);
}

static void change(struct nodes *nodes, struct chance *chance)
{
	const struct node *node =
		&nodes->at[chance_below(chance, (uint32_t)nodes->count)];
	const struct node *other =
		&nodes->at[chance_below(chance, (uint32_t)nodes->count)];
	bool in_list = json_object_is_type(node->parent, json_type_array);
	char key[STRING_MAX] = "";

	if (node->key)
		strncat(key, node->key, sizeof(key) - 1);
	switch (chance_below(chance, 6)) {
	case 0:
		if (in_list)
			json_object_array_del_idx(node->parent, node->index, 1);
		else
			json_object_object_del(node->parent, key);
		break;
	case 1: /* under the name of another key, in its object */
		if (node->key && json_object_is_type(other->parent, json_type_object))
			json_object_object_add(other->parent, key, copy_of(node->value));
		break;
	case 2:
		for (uint32_t i = chance_below(chance, 4)
					  ? 1
					  : chance_below(chance, COPIES_MAX);
		     in_list && i > 0; i--)
			json_object_array_add(node->parent, copy_of(node->value));
		break;
	case 3: /* a value that another key has */
		put(node, key, copy_of(other->value));
		break;
	default:
		put(node, key, other_value(nodes, node, chance));
	}
}

/* A key twice, which no tree of json-c has. */
static size_t repeat(uint8_t *text, size_t size, size_t max, struct chance *chance)
{
	static const char extra[] = "\"type\":\"package\",";
	uint8_t *brace = memchr(text, '{', size);
	size_t bytes = sizeof(extra) - 1, from;

	for (uint32_t i = chance_below(chance, 4); brace && i > 0; i--) {
		uint8_t *next = memchr(brace + 1, '{', size - (size_t)(brace + 1 - text));

		brace = next ? next : brace;
	}
	if (!brace || max - size < bytes)
		return size;
	from = (size_t)(brace + 1 - text);
	memmove(text + from + bytes, text + from, size - from);
	memcpy(text + from, extra, bytes);
	return size + bytes;
}

static size_t write_text(struct json_object *object, uint8_t *text, size_t size,
			 size_t max)
{
	size_t length;
	const char *made = json_object_to_json_string_length(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);

	if (length > max)
		return size;
	memcpy(text, made, length);
	return length;
}

size_t mutate_json(uint8_t *text, size_t size, size_t max, struct chance *chance)
{
	struct json_tokener *tokener;
	struct json_object *object;
	struct nodes *nodes;

	if (chance_below(chance, 16) == 0)
		return LLVMFuzzerMutate(text, size, max);
	if (chance_below(chance, 32) == 0)
		return repeat(text, size, max, chance);
	tokener = json_tokener_new();
	object = json_tokener_parse_ex(tokener, (const char *)text, (int)size);
	json_tokener_free(tokener);
	nodes = calloc(1, sizeof(*nodes));
	if (nodes && object)
		collect(object, nodes);
	if (!nodes || nodes->count == 0) {
		size = LLVMFuzzerMutate(text, size, max);
	} else {
		change(nodes, chance);
		size = write_text(object, text, size, max);
	}
	free(nodes);
	json_object_put(object);
	return size;
}
