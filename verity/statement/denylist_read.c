/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verity/statement/denylist_private.h"
#include "verity/statement/field.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"

DEFINE_CLEANUP(struct verity_denylist, verity_denylist_free);

static int take_digest(struct json_object *value, const char *key, uint8_t ret[static 32],
		       struct verity_error *err)
{
	const char *text = verity_statement_string(value);
	size_t count;

	if (!text || verity_hex_decode(text, ret, VERITY_DIGEST_BYTES, &count) < 0 ||
	    count != VERITY_DIGEST_BYTES)
		return verity_statement_bad(err, key, "not 64 hex digits");
	return 0;
}

static int take_name(struct json_object *entry, struct json_object *value,
		     struct verity_deny *ret, struct verity_error *err)
{
	const char *name = verity_statement_string(value);
	int64_t epoch;
	int r = verity_statement_integer(entry, "epoch_below", 1, UINT32_MAX, &epoch,
					 err);

	if (r < 0)
		return r;
	if (!name || !verity_name_valid(name))
		return verity_statement_bad(err, "name", "not a package's name");
	ret->kind = VERITY_DENY_NAME;
	memcpy(ret->name, name, strlen(name) + 1);
	ret->epoch_below = (uint32_t)epoch;
	return 0;
}

/*
 * Says exactly one of the three. Anything else would be read as denying less than was
 * meant, so the whole list is refused.
 */
static int take_entry(struct json_object *entry, struct verity_deny *ret,
		      struct verity_error *err)
{
	struct json_object *key, *hash, *name;
	bool has_key, has_hash, has_name;

	if (!json_object_is_type(entry, json_type_object))
		return verity_fail(err, VERITY_E_BAD_STATEMENT, "not an object");
	has_key = json_object_object_get_ex(entry, "key", &key);
	has_hash = json_object_object_get_ex(entry, "root_hash", &hash);
	has_name = json_object_object_get_ex(entry, "name", &name);
	if (has_key + has_hash + has_name != 1)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "not just one of key, root_hash, name");
	if (has_name)
		return take_name(entry, name, ret, err);
	ret->kind = has_key ? VERITY_DENY_KEY : VERITY_DENY_ROOT_HASH;
	return has_key ? take_digest(key, "key", ret->digest, err)
		       : take_digest(hash, "root_hash", ret->digest, err);
}

int verity_denylist_take(struct json_object *object, struct verity_denylist *ret,
			 struct verity_error *err)
{
	cleanup_free struct verity_deny *entries = NULL;
	struct json_object *list;
	int64_t number;
	size_t count;
	int r = verity_statement_integer(object, "number", 1, UINT32_MAX, &number, err);

	if (r < 0)
		return r;
	if (!json_object_object_get_ex(object, "deny", &list) ||
	    !json_object_is_type(list, json_type_array))
		return verity_statement_bad(err, "deny", "missing, or not a list");
	count = json_object_array_length(list);
	if (count > VERITY_DENY_MAX)
		return verity_statement_bad(err, "deny", "over 1024 entries");
	entries = calloc(count ? count : 1, sizeof(*entries));
	if (!entries)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = take_entry(json_object_array_get_idx(list, i), &entries[i], err);
		if (r < 0)
			return verity_context(err, r, "deny: entry %zu", i + 1);
	}
	ret->number = (uint32_t)number;
	ret->count = count;
	ret->entries = steal_ptr(&entries);
	return 0;
}

static int denylist_new(struct json_object *object,
			const struct verity_signatures *signatures,
			struct verity_denylist **ret, struct verity_error *err)
{
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist =
		calloc(1, sizeof(*denylist));
	int r;

	if (!denylist)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = verity_denylist_take(object, denylist, err);
	if (r < 0)
		return r;
	if (signatures->count)
		denylist->signer = signatures->signers[0];
	*ret = steal_ptr(&denylist);
	return 0;
}

int verity_denylist_read(const void *bytes, size_t size,
			 const struct verity_keyring *keyring,
			 const struct verity_denylist *current,
			 struct verity_denylist **ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_signatures signatures;
	int r = verity_statement_verify(bytes, size, VERITY_STATEMENT_DENYLIST,
					VERITY_PURPOSE_PACKAGE, keyring, &object,
					&signatures, err);

	if (r == 0)
		r = verity_denylist_check_keys(current, &signatures, err);
	return r < 0 ? r : denylist_new(object, &signatures, ret, err);
}

int verity_denylist_read_kept(const void *bytes, size_t size,
			      const struct verity_keyring *keyring,
			      struct verity_denylist **ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_statement_parts parts;
	struct verity_signatures signatures;
	int r = verity_statement_verify(bytes, size, VERITY_STATEMENT_DENYLIST,
					VERITY_PURPOSE_PACKAGE, keyring, &object,
					&signatures, err);
	bool stranger = r == -EKEYREJECTED && signatures.count > 0;

	if (stranger)
		r = verity_statement_split(bytes, size, &parts, err);
	if (stranger && r == 0)
		r = verity_statement_decode(parts.text, parts.text_bytes,
					    VERITY_STATEMENT_DENYLIST, &object, err);
	if (r == 0)
		r = denylist_new(object, &signatures, ret, err);
	if (r == -EKEYREJECTED)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "the deny list has no signature that can be read");
	return r < 0 ? r : stranger;
}
