/* SPDX-License-Identifier: MIT */
/* Reads, writes and applies deny lists. */
#include "verity/statement/denylist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verity/statement/denylist_private.h"
#include "verity/statement/statement.h"
#include "verity/util/hex.h"
#include "verity/util/json_table.h"

static const struct verity_json_field key_fields[] = {
	VERITY_JSON_HEX("key", struct verity_deny, digest),
	{.key = NULL},
};

static const struct verity_json_field root_hash_fields[] = {
	VERITY_JSON_HEX("root_hash", struct verity_deny, digest),
	{.key = NULL},
};

static const struct verity_json_field name_fields[] = {
	VERITY_JSON_TEXT("name", struct verity_deny, name, .valid = verity_name_valid),
	VERITY_JSON_INTEGER("epoch_below", struct verity_deny, epoch_below, .min = 1,
			    .max = UINT32_MAX),
	{.key = NULL},
};

static const struct verity_json_field unlock_fields[] = {
	VERITY_JSON_HEX("unlock", struct verity_deny, digest),
	{.key = NULL},
};

static const struct verity_json_field *const entry_fields[] = {
	[VERITY_DENY_KEY] = key_fields,
	[VERITY_DENY_ROOT_HASH] = root_hash_fields,
	[VERITY_DENY_NAME] = name_fields,
	[VERITY_DENY_UNLOCK] = unlock_fields,
};

#define KINDS (sizeof(entry_fields) / sizeof(entry_fields[0]))

/*
 * An entry has exactly one of the first keys. Anything else could be read as
 * denying less than was meant, so the whole list is refused.
 */
static int get_entry(struct verity_json_reader *reader, struct json_object *value,
		     void *member)
{
	struct verity_deny *deny = member;
	int found = 0;

	if (!json_object_is_type(value, json_type_object))
		return verity_json_bad(reader, "not an object");
	for (unsigned kind = 0; kind < KINDS; kind++)
		if (json_object_object_get_ex(value, entry_fields[kind]->key, NULL)) {
			deny->kind = (enum verity_deny_kind)kind;
			found++;
		}
	if (found != 1)
		return verity_json_bad(reader,
				       "not exactly one of key, root_hash, name, unlock");
	return verity_json_get_fields(reader, value, entry_fields[deny->kind], deny);
}

static void put_entry(struct verity_json_writer *json, const char *key,
		      const void *member)
{
	const struct verity_deny *deny = member;

	verity_json_open(json, key);
	verity_json_put_fields(json, entry_fields[deny->kind], deny);
	verity_json_close(json);
}

static const struct verity_json_field entry_item = {
	.type = VERITY_JSON_IS_CUSTOM, .decode = get_entry, .encode = put_entry};

static const struct verity_json_field denylist_fields[] = {
	VERITY_JSON_INTEGER("number", struct verity_denylist_text, number, .min = 1,
			    .max = UINT32_MAX),
	VERITY_JSON_LIST("deny", struct verity_denylist_text, entries, count, &entry_item,
			 VERITY_DENY_MAX),
	{.key = NULL},
};

int verity_denylist_decode(struct json_object *object, struct verity_denylist_text *ret,
			   struct verity_error *err)
{
	struct verity_denylist_text text = {.number = 0};
	int r = verity_json_decode_object(object, denylist_fields, VERITY_E_BAD_STATEMENT,
					  &text, err);

	if (r == 0)
		*ret = text;
	else
		free(text.entries);
	return r;
}

int verity_denylist_encode(const struct verity_denylist_text *text, char **ret,
			   struct verity_error *err)
{
	if (text->number == 0)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "the number of a deny list is 1 or more");
	if (text->count > VERITY_DENY_MAX)
		return verity_fail(err, VERITY_E_BAD_STATEMENT, "over %d entries",
				   VERITY_DENY_MAX);
	return verity_statement_encode(VERITY_STATEMENT_DENYLIST, denylist_fields, text,
				       ret, err);
}

void verity_denylist_put(struct verity_json_writer *json,
			 const struct verity_denylist_text *text)
{
	verity_json_put_fields(json, denylist_fields, text);
}

void verity_denylist_free(struct verity_denylist *denylist)
{
	if (!denylist)
		return;
	free(denylist->text.entries);
	free(denylist);
}

bool verity_denylist_vouched(const struct verity_denylist *denylist)
{
	return denylist && denylist->signer.anchor[0] != '\0';
}

const struct verity_denylist_text *verity_denylist_text(
	const struct verity_denylist *denylist)
{
	return &denylist->text;
}

const struct verity_signer *verity_denylist_signer(const struct verity_denylist *denylist)
{
	return &denylist->signer;
}

static int denylist_new(struct json_object *object,
			const struct verity_signatures *signatures,
			struct verity_denylist **ret, struct verity_error *err)
{
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist =
		calloc(1, sizeof(*denylist));
	int r;

	if (!denylist)
		return verity_no_memory(err);
	r = verity_denylist_decode(object, &denylist->text, err);
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
	int r = verity_statement_verify(bytes, size, VERITY_STATEMENT_DENYLIST, keyring,
					&object, &signatures, err);

	/* A stranger's list on PERSIST must not keep the vendor's out. */
	if (r == 0 && verity_denylist_vouched(current))
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
	int r = verity_statement_verify(bytes, size, VERITY_STATEMENT_DENYLIST, keyring,
					&object, &signatures, err);
	bool untrusted = r == -EKEYREJECTED && signatures.count > 0;

	if (untrusted)
		r = verity_statement_split(bytes, size, &parts, err);
	if (untrusted && r == 0)
		r = verity_statement_decode(parts.text, parts.text_bytes,
					    VERITY_STATEMENT_DENYLIST, &object, err);
	if (r == 0)
		r = denylist_new(object, &signatures, ret, err);
	if (r == -EKEYREJECTED)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "the deny list has no signature that can be read");
	return r < 0 ? r : untrusted;
}

static const struct verity_deny *find_digest(const struct verity_denylist *denylist,
					     enum verity_deny_kind kind,
					     const uint8_t digest[static 32])
{
	for (size_t i = 0; denylist && i < denylist->text.count; i++)
		if (denylist->text.entries[i].kind == kind &&
		    memcmp(denylist->text.entries[i].digest, digest,
			   VERITY_DIGEST_BYTES) == 0)
			return &denylist->text.entries[i];
	return NULL;
}

int verity_denylist_check_keys(const struct verity_denylist *denylist,
			       const struct verity_signatures *signatures,
			       struct verity_error *err)
{
	char hex[2 * VERITY_KEY_ID_BYTES + 1];

	for (size_t i = 0; i < signatures->key_id_count; i++) {
		const uint8_t *id = signatures->key_ids[i];

		if (!find_digest(denylist, VERITY_DENY_KEY, id))
			continue;
		verity_hex_encode(id, VERITY_KEY_ID_BYTES, hex);
		return verity_fail(err, VERITY_E_REVOKED,
				   "deny list %" PRIu32
				   " names a key that it was signed with, %s",
				   denylist->text.number, hex);
	}
	return 0;
}

int verity_denylist_verify(const struct verity_denylist *denylist, const void *bytes,
			   size_t size, enum verity_statement_type type,
			   const struct verity_keyring *keyring,
			   struct json_object **ret_object,
			   struct verity_signer *ret_signer,
			   uint8_t ret_digest[static VERITY_DIGEST_BYTES],
			   struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_statement_parts parts;
	struct verity_signatures signatures;
	int r = verity_statement_verify(bytes, size, type, keyring, &object, &signatures,
					err);

	if (r == 0)
		r = verity_denylist_check_keys(denylist, &signatures, err);
	if (r == 0)
		r = verity_statement_split(bytes, size, &parts, err);
	if (r == 0)
		r = verity_statement_digest(&parts, ret_digest, err);
	if (r < 0)
		return r;
	*ret_signer = signatures.signers[0];
	*ret_object = steal_ptr(&object);
	return 0;
}

int verity_denylist_check_manifest(const struct verity_denylist *denylist,
				   const struct verity_manifest *manifest,
				   struct verity_error *err)
{
	if (find_digest(denylist, VERITY_DENY_ROOT_HASH, manifest->root_hash))
		return verity_fail(err, VERITY_E_REVOKED,
				   "deny list %" PRIu32 " names its root hash",
				   denylist->text.number);
	for (size_t i = 0; denylist && i < denylist->text.count; i++) {
		const struct verity_deny *deny = &denylist->text.entries[i];

		if (deny->kind == VERITY_DENY_NAME &&
		    strcmp(deny->name, manifest->name) == 0 &&
		    manifest->epoch < deny->epoch_below)
			return verity_fail(err, VERITY_E_REVOKED,
					   "deny list %" PRIu32
					   " names %s below epoch %" PRIu32
					   ", and its epoch is %" PRIu32,
					   denylist->text.number, deny->name,
					   deny->epoch_below, manifest->epoch);
	}
	return 0;
}

int verity_denylist_check_unlock(const struct verity_denylist *denylist,
				 const uint8_t digest[static VERITY_DIGEST_BYTES],
				 struct verity_error *err)
{
	if (!find_digest(denylist, VERITY_DENY_UNLOCK, digest))
		return 0;
	return verity_fail(err, VERITY_E_REVOKED,
			   "deny list %" PRIu32 " names this unlock statement",
			   denylist->text.number);
}
