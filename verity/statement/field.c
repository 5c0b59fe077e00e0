/* SPDX-License-Identifier: MIT */
#include "verity/statement/field.h"

#include <inttypes.h>
#include <string.h>

#include "verity/util/text.h"

int verity_statement_bad(struct verity_error *err, const char *key, const char *why)
{
	return verity_fail(err, VERITY_E_BAD_STATEMENT, "%s: %s", key, why);
}

const char *verity_statement_string(struct json_object *value)
{
	const char *text = json_object_is_type(value, json_type_string)
				   ? json_object_get_string(value)
				   : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text
										 : NULL;
}

int verity_statement_integer(struct json_object *object, const char *key, int64_t min,
			     int64_t max, int64_t *ret, struct verity_error *err)
{
	struct json_object *value;
	int64_t number;

	if (!json_object_object_get_ex(object, key, &value))
		return verity_statement_bad(err, key, "missing");
	if (!json_object_is_type(value, json_type_int))
		return verity_statement_bad(err, key, "not an integer");
	number = json_object_get_int64(value);
	if (number < min || number > max)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "%s: outside %" PRId64 " to %" PRId64, key, min, max);
	*ret = number;
	return 0;
}

int verity_statement_text(struct json_object *object, const char *key, size_t max,
			  char *ret, struct verity_error *err)
{
	struct json_object *value;
	const char *text;
	size_t size;

	if (!json_object_object_get_ex(object, key, &value))
		return verity_statement_bad(err, key, "missing");
	text = verity_statement_string(value);
	size = text ? strlen(text) : 0;
	if (size == 0 || size > max || !verity_text_printable(text, size))
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "%s: not a printable text of 1 to %zu bytes", key,
				   max);
	memcpy(ret, text, size + 1);
	return 0;
}
