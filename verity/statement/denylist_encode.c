/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "verity/statement/denylist.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"

static struct json_object *encode_entry(const struct verity_deny *deny)
{
	cleanup_with(json_object_put_p) struct json_object *entry =
		json_object_new_object();
	char hex[2 * VERITY_DIGEST_BYTES + 1];
	bool whole;

	verity_hex_encode(deny->digest, VERITY_DIGEST_BYTES, hex);
	if (!entry)
		return NULL;
	if (deny->kind == VERITY_DENY_NAME)
		whole = verity_json_put(entry, "name",
					json_object_new_string(deny->name)) &&
			verity_json_put(entry, "epoch_below",
					json_object_new_int64(deny->epoch_below));
	else
		whole = verity_json_put(
			entry, deny->kind == VERITY_DENY_KEY ? "key" : "root_hash",
			json_object_new_string(hex));
	return whole ? steal_ptr(&entry) : NULL;
}

int verity_denylist_encode(uint32_t number, const struct verity_deny *entries,
			   size_t count, char **ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	struct json_object *list = json_object_new_array();
	char *copy = NULL;
	bool whole = object && list;

	if (number == 0 || count > VERITY_DENY_MAX) {
		json_object_put(list);
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   number ? "over 1024 entries"
					  : "a deny list's number is 1 at least");
	}
	for (size_t i = 0; whole && i < count; i++)
		whole = verity_json_append(list, encode_entry(&entries[i]));
	whole = whole &&
		verity_json_put(object, "type", json_object_new_string("denylist")) &&
		verity_json_put(object, "format", json_object_new_int(1)) &&
		verity_json_put(object, "number", json_object_new_int64(number));
	if (!whole)
		json_object_put(list);
	if (whole && verity_json_put(object, "deny", list))
		copy = strdup(json_object_to_json_string_ext(
			object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	if (!copy)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*ret = copy;
	return 0;
}
