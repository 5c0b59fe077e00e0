/* SPDX-License-Identifier: MIT */
#include "verity/util/json.h"

#include <limits.h>

#include "verity/util/json_keys.h"

DEFINE_CLEANUP(struct json_tokener, json_tokener_free);

int verity_json_parse(const void *bytes, size_t size, struct json_object **ret,
		      struct verity_error *err)
{
	cleanup_with(json_tokener_free_p) struct json_tokener *tokener =
		json_tokener_new_ex(VERITY_JSON_DEPTH_MAX);
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	int r;

	if (!tokener)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (size > INT_MAX)
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "too long");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	object = json_tokener_parse_ex(tokener, bytes, (int)size);
	if (json_tokener_get_error(tokener) != json_tokener_success)
		return verity_fail(
			err, VERITY_E_BAD_MANIFEST, "not JSON: %s at byte %zu",
			json_tokener_error_desc(json_tokener_get_error(tokener)),
			json_tokener_get_parse_end(tokener));
	if (json_tokener_get_parse_end(tokener) != size ||
	    !json_object_is_type(object, json_type_object))
		return verity_fail(err, VERITY_E_BAD_MANIFEST,
				   "not one JSON object and nothing else");
	r = verity_json_check_keys(bytes, size, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&object);
	return 0;
}

bool verity_json_put(struct json_object *object, const char *key,
		     struct json_object *value)
{
	if (value && json_object_object_add(object, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

bool verity_json_append(struct json_object *list, struct json_object *value)
{
	if (value && json_object_array_add(list, value) == 0)
		return true;
	json_object_put(value);
	return false;
}
