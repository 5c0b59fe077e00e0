/* SPDX-License-Identifier: MIT */
/*
 * Parses JSON strictly. The grammar of RFC 8259 is checked here, before json-c sees the
 * text, and json-c is not asked to be strict: what its strict mode refuses changes from
 * version to version, and 0.18 refuses every character that is not ASCII. A package that
 * one firmware accepts must not be Invalid to the next.
 */
#include "verity/util/json.h"

#include <limits.h>
#include <string.h>

#include "verity/util/text.h"

/* Of json-c 0.17, whose header may be an older one's. */
#define TELLS_NO_MEMORY   (17 << 8)
#define TOKENER_NO_MEMORY (json_tokener_error_size + 1)

/* json_tokener_free() takes no NULL. */
static void free_tokener(struct json_tokener *tokener)
{
	if (tokener)
		json_tokener_free(tokener);
}

DEFINE_CLEANUP(struct json_tokener, free_tokener);

struct scan {
	const char *text;
	size_t at, size;
	size_t depth;         /* objects and lists that are open */
	size_t nests, values; /* all so far */
	struct verity_error *err;
};

static int bad(struct scan *scan, const char *what)
{
	return verity_fail(scan->err, VERITY_E_BAD_MANIFEST, "not JSON: %s at byte %zu",
			   scan->at < scan->size ? what : "incomplete", scan->at);
}

static inline bool is_next(const struct scan *scan, const char *characters)
{
	if (scan->at >= scan->size)
		return false;
	while (*characters && *characters != scan->text[scan->at])
		characters++;
	return *characters;
}

static size_t skip(struct scan *scan, const char *characters)
{
	size_t from = scan->at;

	while (is_next(scan, characters))
		scan->at++;
	return scan->at - from;
}

static void skip_space(struct scan *scan)
{
	skip(scan, " \t\r\n");
}

/* Takes the separator or the bracket that comes next, with the white space around it. */
static int take(struct scan *scan, const char *one_of, const char *expected, char *ret)
{
	skip_space(scan);
	if (!is_next(scan, one_of))
		return bad(scan, expected);
	*ret = scan->text[scan->at++];
	skip_space(scan);
	return 0;
}

static int scan_escape(struct scan *scan)
{
	scan->at++;
	if (!is_next(scan, "\"\\/bfnrtu"))
		return bad(scan, "unknown escape sequence");
	if (scan->text[scan->at++] != 'u')
		return 0;
	for (int i = 0; i < 4; i++, scan->at++)
		if (!is_next(scan, "0123456789abcdefABCDEF"))
			return bad(scan, "not four hex digits after \\u");
	return 0;
}

/* A character of a string that stands for itself, and is one byte. */
static bool is_plain(char character)
{
	return character >= ' ' && character <= '~' && character != '"' &&
	       character != '\\';
}

/* From one quote to after the other. */
static int scan_string(struct scan *scan)
{
	scan->at++;
	for (;;) {
		uint32_t character = 0;
		size_t left, bytes;

		while (scan->at < scan->size && is_plain(scan->text[scan->at]))
			scan->at++;
		if (is_next(scan, "\""))
			break;
		if (is_next(scan, "\\")) {
			int r = scan_escape(scan);

			if (r < 0)
				return r;
			continue;
		}
		left = scan->size - scan->at;
		bytes = left ? verity_text_decode(scan->text + scan->at, left, &character)
			     : 0;
		if (bytes == 0 || (character >= 0xd800 && character <= 0xdfff) ||
		    character > 0x10ffff)
			return bad(scan, "invalid UTF-8");
		if (character < ' ')
			return bad(scan, "control character in a string");
		scan->at += bytes;
	}
	scan->at++;
	return 0;
}

static int scan_number(struct scan *scan)
{
	static const char digits[] = "0123456789";
	size_t first;

	scan->at += is_next(scan, "-");
	first = scan->at;
	if (skip(scan, digits) == 0)
		return bad(scan, "expected a value");
	if (scan->text[first] == '0' && scan->at > first + 1) {
		scan->at = first;
		return bad(scan, "number with a leading 0");
	}
	if (is_next(scan, ".")) {
		scan->at++;
		if (skip(scan, digits) == 0)
			return bad(scan, "expected a digit");
	}
	if (is_next(scan, "eE")) {
		scan->at++;
		scan->at += is_next(scan, "+-");
		if (skip(scan, digits) == 0)
			return bad(scan, "expected a digit");
	}
	return 0;
}

static int scan_word(struct scan *scan, const char *word)
{
	for (; *word; word++, scan->at++)
		if (scan->at >= scan->size || scan->text[scan->at] != *word)
			return bad(scan, "expected a value");
	return 0;
}

/* @text: with its quotes */
static int decode_key(const struct scan *scan, const char *text, size_t size, char **ret)
{
	cleanup_with(free_tokener_p) struct json_tokener *tokener = json_tokener_new();
	cleanup_with(json_object_put_p) struct json_object *value = NULL;

	if (tokener)
		value = json_tokener_parse_ex(tokener, text, (int)size);
	if (!value)
		return verity_no_memory(scan->err);
	if (!verity_json_string(value))
		return verity_fail(scan->err, VERITY_E_BAD_MANIFEST,
				   "a key has a NUL in it");
	*ret = strdup(verity_json_string(value));
	return *ret ? 0 : verity_no_memory(scan->err);
}

/* Most have no escape sequence, and stand for themselves. */
static int take_key(const struct scan *scan, size_t from, char **ret)
{
	const char *text = scan->text + from;
	size_t size = scan->at - from;

	if (memchr(text, '\\', size))
		return decode_key(scan, text, size, ret);
	*ret = strndup(text + 1, size - 2);
	return *ret ? 0 : verity_no_memory(scan->err);
}

/* json-c keeps the last of two equal keys. It decodes this one: two spellings of a key
 * are one key. @seen: the keys of this object so far. */
static int scan_key(struct scan *scan, struct json_object *seen)
{
	size_t from = scan->at;
	cleanup_free char *key = NULL;
	char colon;
	int r;

	if (!is_next(scan, "\""))
		return bad(scan, "expected a key in double quotes");
	r = scan_string(scan);
	if (r == 0)
		r = take_key(scan, from, &key);
	if (r < 0)
		return r;
	if (json_object_object_get_ex(seen, key, NULL))
		return verity_fail(scan->err, VERITY_E_BAD_MANIFEST, "%.64s: there twice",
				   verity_text_plain(key));
	if (json_object_object_add(seen, key, NULL) != 0)
		return verity_no_memory(scan->err);
	return take(scan, ":", "expected ':'", &colon);
}

/* Of each object and list json-c makes some 700 bytes, also where that is two bytes of
 * text: they are counted before. */
static int count(struct scan *scan, size_t nests, size_t values)
{
	scan->nests += nests;
	scan->values += values;
	return scan->nests > VERITY_JSON_NESTS_MAX ||
			       scan->values > VERITY_JSON_VALUES_MAX
		       ? verity_fail(scan->err, VERITY_E_BAD_MANIFEST,
				     "over %d objects and lists, or %d values",
				     VERITY_JSON_NESTS_MAX, VERITY_JSON_VALUES_MAX)
		       : 0;
}

static int scan_value(struct scan *scan);

/* @seen: an object without keys; NULL for a list. */
static int scan_members(struct scan *scan, struct json_object *seen)
{
	const char *closing = seen ? "}" : "]";
	char mark = scan->text[scan->at++];
	int r = 0;

	skip_space(scan);
	if (is_next(scan, closing)) {
		scan->at++;
		return 0;
	}
	while (r == 0 && mark != *closing) {
		r = seen ? scan_key(scan, seen) : 0;
		if (r == 0)
			r = scan_value(scan);
		if (r == 0)
			r = take(scan, seen ? ",}" : ",]",
				 seen ? "expected ',' or '}'" : "expected ',' or ']'",
				 &mark);
		if (r == 0 && mark == ',')
			r = count(scan, 0, 1);
	}
	return r;
}

static int scan_nest(struct scan *scan)
{
	cleanup_with(json_object_put_p) struct json_object *seen = NULL;
	bool is_object = is_next(scan, "{");
	int r;

	if (scan->depth == VERITY_JSON_DEPTH_MAX)
		return bad(scan, "nesting too deep");
	r = count(scan, 1, 0);
	if (r < 0)
		return r;
	if (is_object && !(seen = json_object_new_object()))
		return verity_no_memory(scan->err);
	scan->depth++;
	r = scan_members(scan, seen);
	scan->depth--;
	return r;
}

/* Calls itself for what an object or list holds, VERITY_JSON_DEPTH_MAX times at most. */
static int scan_value(struct scan *scan)
{
	if (is_next(scan, "{["))
		return scan_nest(scan);
	if (is_next(scan, "\""))
		return scan_string(scan);
	if (is_next(scan, "tfn"))
		return scan_word(scan, is_next(scan, "t")   ? "true"
				       : is_next(scan, "f") ? "false"
							    : "null");
	return scan_number(scan);
}

/* Text that is one JSON object. */
static int parse(const void *bytes, size_t size, struct json_object **ret,
		 struct verity_error *err)
{
	/* one more than are open: json-c counts their members */
	cleanup_with(free_tokener_p) struct json_tokener *tokener =
		json_tokener_new_ex(VERITY_JSON_DEPTH_MAX + 1);
	struct json_object *object;

	if (!tokener)
		return verity_no_memory(err);
	object = json_tokener_parse_ex(tokener, bytes, (int)size);
	/* Before 0.17 it does not tell a lack of memory from the end of the text. */
	if (!object && (json_tokener_get_error(tokener) == json_tokener_success ||
			json_tokener_get_error(tokener) == json_tokener_continue ||
			(int)json_tokener_get_error(tokener) == TOKENER_NO_MEMORY))
		return verity_no_memory(err);
	if (!object)
		return verity_fail(
			err, VERITY_E_BAD_MANIFEST, "not JSON for json-c: %s",
			json_tokener_error_desc(json_tokener_get_error(tokener)));
	*ret = object;
	return 0;
}

int verity_json_parse(const void *bytes, size_t size, struct json_object **ret,
		      struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_with(json_object_put_p) struct json_object *again = NULL;
	struct scan scan = {.text = bytes, .size = size, .err = err};
	int r;

	if (size > INT_MAX)
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "too long");
	skip_space(&scan);
	if (scan.at < size && !is_next(&scan, "{"))
		return verity_fail(err, VERITY_E_BAD_MANIFEST,
				   "not one JSON object and nothing else");
	r = scan_value(&scan);
	if (r < 0)
		return r;
	skip_space(&scan);
	if (scan.at < size)
		return bad(&scan, "unexpected character");
	r = parse(bytes, size, &object, err);
	/*
	 * Without memory, json-c before 0.17 leaves out a key or a part of a text, and
	 * says nothing: what is lost once is not lost in the same place twice.
	 */
	if (r == 0 && json_c_version_num() < TELLS_NO_MEMORY) {
		r = parse(bytes, size, &again, err);
		if (r == 0 && !json_object_equal(object, again))
			r = verity_no_memory(err);
	}
	if (r < 0)
		return r;
	*ret = steal_ptr(&object);
	return 0;
}

const char *verity_json_string(struct json_object *value)
{
	const char *text = json_object_is_type(value, json_type_string)
				   ? json_object_get_string(value)
				   : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text
										 : NULL;
}
