/* SPDX-License-Identifier: MIT */
/* Reads and writes JSON objects by tables of their fields. */
#include "verity/util/json_table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "verity/util/hex.h"
#include "verity/util/text.h"

int verity_json_bad(struct verity_json_reader *reader, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	if (reader->path[0])
		verity_fail(reader->err, reader->code, "%s: %s", reader->path, why);
	else
		verity_fail(reader->err, reader->code, "%s", why);
	return -EBADMSG;
}

/* Integers and enums of any size. */
static uint64_t load(const void *member, size_t size, bool is_signed)
{
	uint64_t value = 0;
	uint32_t half;

	if (size == sizeof(bool)) {
		return *(const bool *)member;
	} else if (size == sizeof(half)) {
		memcpy(&half, member, sizeof(half));
		return is_signed ? (uint64_t)(int64_t)(int32_t)half : half;
	}
	memcpy(&value, member, sizeof(value));
	return value;
}

static void store(void *member, size_t size, uint64_t value)
{
	uint32_t half = (uint32_t)value;

	if (size == sizeof(bool))
		*(bool *)member = value != 0;
	else if (size == sizeof(half))
		memcpy(member, &half, sizeof(half));
	else
		memcpy(member, &value, sizeof(value));
}

static int get_text(struct verity_json_reader *reader, struct json_object *value,
		    const struct verity_json_field *field, char *member)
{
	const char *text = json_object_get_string(value);
	size_t size = (size_t)json_object_get_string_len(value);
	uint32_t refused;

	if ((int64_t)size < field->min)
		return verity_json_bad(reader, "empty");
	if (size >= field->size)
		return verity_json_bad(reader, "longer than %zu bytes", field->size - 1);
	if (field->is_label && size > 0 && text[strspn(text, " ")] == '\0')
		return verity_json_bad(reader, "blank");
	if (!verity_text_check(text, size, &refused) && refused <= 0x7f)
		return verity_json_bad(reader, "not printable UTF-8");
	if (refused)
		return verity_json_bad(reader,
				       "not printable: it has the character U+%04" PRIX32
				       ", which is invisible, a control or a frame",
				       refused);
	if (field->is_label && !verity_text_check_label(text, size, &refused))
		return verity_json_bad(reader,
				       "it has the character U+%04" PRIX32
				       ", which is a space other than U+0020, or a mark "
				       "without a letter before it",
				       refused);
	if (field->valid && !field->valid(text))
		return verity_json_bad(reader, "not a valid package name");
	memcpy(member, text, size + 1);
	return 0;
}

/* json-c clamps: a negative number is 0 to json_object_get_uint64(), and one over
 * INT64_MAX is that to json_object_get_int64(). */
static int get_integer(struct verity_json_reader *reader, struct json_object *value,
		       const struct verity_json_field *field, void *member)
{
	int64_t number = json_object_get_int64(value);
	uint64_t unsigned_number = json_object_get_uint64(value);
	uint64_t min = (uint64_t)field->min, max = (uint64_t)field->max;

	if (field->type == VERITY_JSON_IS_INT) {
		if (number < field->min || number > field->max)
			return verity_json_bad(reader, "outside %" PRId64 " to %" PRId64,
					       field->min, field->max);
		unsigned_number = (uint64_t)number;
	} else if (number < 0 || unsigned_number < min || unsigned_number > max) {
		return verity_json_bad(reader, "outside %" PRIu64 " to %" PRIu64, min,
				       max);
	}
	store(member, field->size, unsigned_number);
	return 0;
}

static const char *name_at(const struct verity_json_field *field, size_t index)
{
	const char *row = (const char *)field->names + index * field->names_stride;
	const char *name;

	memcpy(&name, row, sizeof(name));
	return name;
}

static int get_name(struct verity_json_reader *reader, struct json_object *value,
		    const struct verity_json_field *field, void *member)
{
	const char *text = verity_json_string(value);
	char known[128] = "";

	for (size_t i = 0; i < field->names_count; i++) {
		size_t used = strlen(known);

		if (text && strcmp(name_at(field, i), text) == 0) {
			store(member, field->size, i);
			return 0;
		}
		snprintf(known + used, sizeof(known) - used, "%s\"%s\"", i ? ", " : "",
			 name_at(field, i));
	}
	return field->names_count > 4 ? verity_json_bad(reader, "unknown")
				      : verity_json_bad(reader, "none of %s", known);
}

static int get_hex(struct verity_json_reader *reader, struct json_object *value,
		   const struct verity_json_field *field, void *object)
{
	const char *text = verity_json_string(value);
	size_t count = 0;

	if (!text ||
	    verity_hex_decode(text, (uint8_t *)object + field->offset, field->size,
			      &count) < 0 ||
	    (!field->counted && count != field->size))
		return verity_json_bad(reader,
				       field->counted
					       ? "not hex digits, or over %zu of them"
					       : "not %zu hex digits",
				       2 * field->size);
	if (field->counted)
		memcpy((char *)object + field->counted, &count, sizeof(count));
	return 0;
}

/* The count rises item by item, so that what a failure leaves can be freed. */
static int get_list(struct verity_json_reader *reader, struct json_object *value,
		    const struct verity_json_field *field, void *object)
{
	size_t count = json_object_array_length(value);
	char *items;
	int r = 0;

	if (count > (size_t)field->max)
		return verity_json_bad(reader, "more than %" PRId64 " entries",
				       field->max);
	items = calloc(count + 1, field->size);
	if (!items)
		return verity_no_memory(reader->err);
	memcpy((char *)object + field->offset, &items, sizeof(items));
	for (size_t i = 0; r == 0 && i < count; i++) {
		size_t done = i + 1;
		char key[32];

		snprintf(key, sizeof(key), "[%zu]", i);
		memcpy((char *)object + field->counted, &done, sizeof(done));
		r = verity_json_get(reader, key, json_object_array_get_idx(value, i),
				    field->item, items + i * field->size);
	}
	return r;
}

static int get_value(struct verity_json_reader *reader, struct json_object *value,
		     const struct verity_json_field *field, void *object)
{
	static const struct {
		enum json_type type;
		const char *what;
	} wanted[] = {
		[VERITY_JSON_IS_WORD] = {json_type_string, "a string"},
		[VERITY_JSON_IS_FORMAT] = {json_type_int, "an integer"},
		[VERITY_JSON_IS_TEXT] = {json_type_string, "a string"},
		[VERITY_JSON_IS_BOOL] = {json_type_boolean, "true or false"},
		[VERITY_JSON_IS_INT] = {json_type_int, "an integer"},
		[VERITY_JSON_IS_UINT] = {json_type_int, "an integer"},
		[VERITY_JSON_IS_NAME] = {json_type_string, "a string"},
		[VERITY_JSON_IS_HEX] = {json_type_string, "a string"},
		[VERITY_JSON_IS_OBJECT] = {json_type_object, "an object"},
		[VERITY_JSON_IS_LIST] = {json_type_array, "a list"},
	};
	void *member = (char *)object + field->offset;
	const char *text, *wrong;
	int r = 0;

	if (field->type == VERITY_JSON_IS_CUSTOM)
		return field->decode(reader, value, member);
	if (!json_object_is_type(value, wanted[field->type].type))
		return verity_json_bad(reader, "not %s", wanted[field->type].what);
	switch (field->type) {
	case VERITY_JSON_IS_WORD:
		text = verity_json_string(value);
		if (!text || strcmp(text, field->word) != 0)
			return verity_json_bad(reader, "not \"%s\"", field->word);
		break;
	case VERITY_JSON_IS_FORMAT:
		if (json_object_get_int64(value) != field->max)
			return verity_json_bad(reader, "not %" PRId64, field->max);
		break;
	case VERITY_JSON_IS_TEXT:
		return get_text(reader, value, field, member);
	case VERITY_JSON_IS_BOOL:
		store(member, field->size, json_object_get_boolean(value));
		break;
	case VERITY_JSON_IS_INT:
	case VERITY_JSON_IS_UINT:
		return get_integer(reader, value, field, member);
	case VERITY_JSON_IS_NAME:
		return get_name(reader, value, field, member);
	case VERITY_JSON_IS_HEX:
		return get_hex(reader, value, field, object);
	case VERITY_JSON_IS_OBJECT:
		r = verity_json_get_fields(reader, value, field->fields, member);
		wrong = r == 0 && field->check ? field->check(member) : NULL;
		return wrong ? verity_json_bad(reader, "%s", wrong) : r;
	case VERITY_JSON_IS_LIST:
		return get_list(reader, value, field, object);
	case VERITY_JSON_IS_CUSTOM:
		break;
	}
	return 0;
}

/* Appends @key to the path; returns the length before. */
static size_t enter(struct verity_json_reader *reader, const char *key)
{
	size_t used = strlen(reader->path);

	snprintf(reader->path + used, sizeof(reader->path) - used, "%s%s",
		 used && key[0] != '[' ? "." : "", key);
	return used;
}

int verity_json_get(struct verity_json_reader *reader, const char *key,
		    struct json_object *value, const struct verity_json_field *field,
		    void *object)
{
	size_t used = enter(reader, key);
	int r = get_value(reader, value, field, object);

	reader->path[used] = '\0';
	return r;
}

int verity_json_get_fields(struct verity_json_reader *reader, struct json_object *value,
			   const struct verity_json_field *field, void *ret)
{
	struct json_object *member;
	int r = 0;

	if (!json_object_is_type(value, json_type_object))
		return verity_json_bad(reader, "not an object");
	for (; r == 0 && field->key; field++) {
		if (json_object_object_get_ex(value, field->key, &member)) {
			r = verity_json_get(reader, field->key, member, field, ret);
		} else if (field->presence == VERITY_JSON_REQUIRED) {
			enter(reader, field->key);
			return verity_json_bad(reader, "missing");
		}
	}
	return r;
}

int verity_json_decode_object(struct json_object *object,
			      const struct verity_json_field *fields,
			      enum verity_code code, void *ret, struct verity_error *err)
{
	struct verity_json_reader reader = {.code = code, .err = err};

	return verity_json_get_fields(&reader, object, fields, ret);
}

int verity_json_decode(const void *bytes, size_t size,
		       const struct verity_json_field *fields, enum verity_code code,
		       void *ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	int r = verity_json_parse(bytes, size, &object, err);

	if (r == -EBADMSG && err)
		err->code = code;
	return r < 0 ? r : verity_json_decode_object(object, fields, code, ret, err);
}

static bool is_absent(const struct verity_json_field *field, const void *object)
{
	const char *member = (const char *)object + field->offset;
	size_t count = 0;

	if (field->presence != VERITY_JSON_OPTIONAL)
		return false;
	switch (field->type) {
	case VERITY_JSON_IS_TEXT:
		return member[0] == '\0';
	case VERITY_JSON_IS_HEX:
	case VERITY_JSON_IS_LIST:
		memcpy(&count, (const char *)object + field->counted, sizeof(count));
		return count == 0;
	case VERITY_JSON_IS_OBJECT:
		for (field = field->fields; field->key; field++)
			if (!is_absent(field, member))
				return false;
		return true;
	case VERITY_JSON_IS_INT:
		return load(member, field->size, true) == (uint64_t)field->absent;
	case VERITY_JSON_IS_BOOL:
	case VERITY_JSON_IS_UINT:
	case VERITY_JSON_IS_NAME:
		return load(member, field->size, false) == (uint64_t)field->absent;
	default:
		return false;
	}
}

static void put_value(struct verity_json_writer *json, const char *key,
		      const struct verity_json_field *field, const void *object)
{
	const char *member = (const char *)object + field->offset;
	size_t count = field->size;
	const char *items;

	if (field->counted)
		memcpy(&count, (const char *)object + field->counted, sizeof(count));
	switch (field->type) {
	case VERITY_JSON_IS_WORD:
		verity_json_text(json, key, field->word);
		break;
	case VERITY_JSON_IS_FORMAT:
		verity_json_int(json, key, field->max);
		break;
	case VERITY_JSON_IS_TEXT:
		verity_json_text(json, key, member);
		break;
	case VERITY_JSON_IS_BOOL:
		verity_json_bool(json, key, load(member, field->size, false) != 0);
		break;
	case VERITY_JSON_IS_INT:
		verity_json_int(json, key, (int64_t)load(member, field->size, true));
		break;
	case VERITY_JSON_IS_UINT:
		verity_json_uint(json, key, load(member, field->size, false));
		break;
	case VERITY_JSON_IS_NAME:
		verity_json_text(
			json, key,
			name_at(field, (size_t)load(member, field->size, false)));
		break;
	case VERITY_JSON_IS_HEX:
		verity_json_hex(json, key, (const uint8_t *)member, count);
		break;
	case VERITY_JSON_IS_OBJECT:
		verity_json_open(json, key);
		verity_json_put_fields(json, field->fields, member);
		verity_json_close(json);
		break;
	case VERITY_JSON_IS_LIST:
		memcpy(&items, member, sizeof(items));
		verity_json_open_list(json, key);
		for (size_t i = 0; i < count; i++)
			put_value(json, NULL, field->item, items + i * field->size);
		verity_json_close(json);
		break;
	case VERITY_JSON_IS_CUSTOM:
		field->encode(json, key, member);
		break;
	}
}

void verity_json_put_fields(struct verity_json_writer *json,
			    const struct verity_json_field *field, const void *object)
{
	for (; field->key; field++)
		if (!is_absent(field, object))
			put_value(json, field->key, field, object);
}

int verity_json_encode(const void *object, const struct verity_json_field *fields,
		       int style, char **ret, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {
		.raw = (style & VERITY_JSON_RAW) != 0};

	verity_json_put_fields(&json, fields, object);
	return verity_json_finish(&json, style, ret, err);
}
