/* SPDX-License-Identifier: MIT */

/*
 * A statement whose signer is trusted, whatever it says: unlock statement, deny list,
 * catalogue, set. The input is its text, which the target signs for each purpose. It is
 * accepted as what its text can be read as, by a signer for that purpose, and as nothing
 * else.
 */

#include "tests/fuzz/mutate.h"
#include "tests/fuzz/signer.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "verity/statement/catalog.h"
#include "verity/statement/denylist.h"
#include "verity/statement/package_set.h"
#include "verity/statement/statement.h"
#include "verity/statement/unlock.h"
#include "verity/util/json_write.h"

#define TYPES 4

/* Whether the text alone can be read as a statement of this type. */
static bool can_be(const uint8_t *text, size_t size, enum verity_statement_type type)
{
	struct json_object *object = NULL;
	struct verity_unlock_text unlock;
	struct verity_denylist_text denylist = {.count = 0};
	struct verity_catalog_text catalog = {.count = 0};
	struct verity_package_set set = {.count = 0};
	int r = verity_statement_decode(text, size, type, &object, NULL);

	if (r == 0 && type == VERITY_STATEMENT_UNLOCK)
		r = verity_unlock_decode(object, &unlock, NULL);
	if (r == 0 && type == VERITY_STATEMENT_DENYLIST)
		r = verity_denylist_decode(object, &denylist, NULL);
	if (r == 0 && type == VERITY_STATEMENT_CATALOG)
		r = verity_catalog_decode(object, &catalog, NULL);
	if (r == 0 && type == VERITY_STATEMENT_SET)
		r = verity_package_set_decode_object(object, &set, NULL);
	free(denylist.entries);
	verity_catalog_text_free(&catalog);
	verity_package_set_free(&set);
	json_object_put(object);
	return r == 0;
}

/* What `show json` says of it. */
static void put(void (*keys)(struct verity_json_writer *json, const void *said),
		const void *said)
{
	struct verity_json_writer json = {.failed = false};
	char *text;

	keys(&json, said);
	require(verity_json_finish(&json, VERITY_JSON_COMPACT, &text, NULL) == 0);
	require(text[0] == '{');
	verity_json_end(&json);
	free(text);
}

static void put_unlock(struct verity_json_writer *json, const void *said)
{
	verity_unlock_put(json, said);
}

static void put_denylist(struct verity_json_writer *json, const void *said)
{
	verity_denylist_put(json, said);
}

static void put_catalog(struct verity_json_writer *json, const void *said)
{
	verity_catalog_put(json, said);
}

static void put_set(struct verity_json_writer *json, const void *said)
{
	verity_package_set_put(json, said);
}

static void use_unlock(struct verity_unlock *unlock)
{
	const struct verity_unlock_text *text = verity_unlock_text(unlock);

	char words[VERITY_UNLOCK_WORDS_MAX];

	require(verity_unlock_signer(unlock)->anchor[0]);
	verity_unlock_words(text->allows, words);
	require(words[0]);
	put(put_unlock, text);
	require(verity_unlock_check(unlock, text->serial, text->not_after, NULL) == 0);
	require(verity_unlock_check(unlock, text->serial, text->not_after + 1, NULL) < 0);
	require(verity_unlock_check(unlock, "no serial", 0, NULL) < 0 ||
		strcmp(text->serial, "no serial") == 0);
	verity_unlock_free(unlock);
}

/* A list is no older than itself, and denies what stands in it. */
static void use_denylist(struct verity_denylist *denylist, const uint8_t *file,
			 size_t size)
{
	const struct verity_denylist_text *text = verity_denylist_text(denylist);
	struct verity_denylist *again = NULL;

	require(verity_denylist_vouched(denylist));
	require(verity_denylist_signer(denylist)->anchor[0]);
	put(put_denylist, text);
	require(verity_denylist_read_kept(file, size, signer_ring(), &again, NULL) == 0);
	verity_denylist_free(again);
	again = NULL;
	(void)!verity_denylist_read(file, size, signer_ring(), denylist, &again, NULL);
	verity_denylist_free(again);
	for (size_t i = 0; i < text->count; i++) {
		const struct verity_deny *entry = &text->entries[i];
		struct verity_manifest manifest = {.built = -1};

		if (entry->kind == VERITY_DENY_KEY) {
			struct verity_signatures signatures = {.key_id_count = 1};

			memcpy(signatures.key_ids[0], entry->digest, VERITY_KEY_ID_BYTES);
			require(verity_denylist_check_keys(denylist, &signatures, NULL) <
				0);
		}
		if (entry->kind == VERITY_DENY_UNLOCK)
			require(verity_denylist_check_unlock(denylist, entry->digest,
							     NULL) < 0);
		if (entry->kind == VERITY_DENY_ROOT_HASH)
			memcpy(manifest.root_hash, entry->digest, VERITY_DIGEST_BYTES);
		else if (entry->kind == VERITY_DENY_NAME)
			strcpy(manifest.name, entry->name);
		else
			continue;
		if (entry->kind == VERITY_DENY_ROOT_HASH || entry->epoch_below > 0)
			require(verity_denylist_check_manifest(denylist, &manifest,
							       NULL) < 0);
	}
	verity_denylist_free(denylist);
}

/* What a device keeps that has taken the newest that there can be. */
static const struct verity_catalog *newest(void)
{
	static const char text[] =
		"{\"type\":\"catalog\",\"format\":1,\"number\":4294967295,"
		"\"not_after\":1900000000,\"channel\":\"beta\",\"packages\":[]}";
	static struct verity_catalog *catalog;
	struct verity_statement_parts parts = {.text = (const uint8_t *)text,
					       .text_bytes = sizeof(text) - 1};
	uint8_t *signature, *file;
	size_t bytes;

	if (catalog)
		return catalog;
	signer_sign(text, parts.text_bytes, VERITY_PURPOSE_PACKAGE, &signature,
		    &parts.signature_bytes);
	parts.signature = signature;
	require(verity_statement_join(&parts, &file, &bytes, NULL) == 0);
	require(verity_catalog_read(file, bytes, signer_ring(), NULL, &catalog, NULL) ==
		0);
	free(file);
	free(signature);
	return catalog;
}

static void use_catalog(struct verity_catalog *catalog)
{
	const struct verity_catalog_text *text = verity_catalog_text(catalog);

	require(verity_catalog_check(catalog, text->channel, catalog, text->not_after,
				     NULL) == 0);
	require(verity_catalog_check(catalog, text->channel, NULL, text->not_after + 1,
				     NULL) < 0);
	require(verity_catalog_check(catalog, "no-such-channel", NULL, 0, NULL) < 0);
	require(text->number == UINT32_MAX || strcmp(text->channel, "beta") != 0 ||
		verity_catalog_check(catalog, "beta", newest(), 0, NULL) < 0);
	require(verity_catalog_signer(catalog)->anchor[0]);
	put(put_catalog, text);
	for (size_t i = 0; i < text->count; i++)
		(void)verity_catalog_draws(&text->entries[i], "SN-1");
	verity_catalog_free(catalog);
}

static int read_as(const uint8_t *file, size_t size, enum verity_statement_type type)
{
	const struct verity_keyring *ring = signer_ring();
	struct verity_unlock *unlock = NULL;
	struct verity_denylist *denylist = NULL;
	struct verity_catalog *catalog = NULL;
	struct verity_signed_set *set = NULL;
	int r = 0;

	switch (type) {
	case VERITY_STATEMENT_UNLOCK:
		r = verity_unlock_read(file, size, ring, NULL, &unlock, NULL);
		if (r == 0)
			use_unlock(unlock);
		break;
	case VERITY_STATEMENT_DENYLIST:
		r = verity_denylist_read(file, size, ring, NULL, &denylist, NULL);
		if (r == 0)
			use_denylist(denylist, file, size);
		break;
	case VERITY_STATEMENT_CATALOG:
		r = verity_catalog_read(file, size, ring, NULL, &catalog, NULL);
		if (r == 0)
			use_catalog(catalog);
		break;
	case VERITY_STATEMENT_SET:
		r = verity_signed_set_read(file, size, ring, NULL, &set, NULL);
		if (r == 0) {
			require(verity_signed_set_signer(set)->anchor[0]);
			require(verity_signed_set_digest(set));
			put(put_set, verity_signed_set_content(set));
			verity_signed_set_free(set);
		}
		break;
	}
	return r;
}

static void try_purpose(const uint8_t *text, size_t size, enum verity_purpose purpose)
{
	struct verity_statement_parts parts = {.text = text, .text_bytes = size};
	uint8_t *signature, *file;
	size_t file_bytes;

	signer_sign(text, size, purpose, &signature, &parts.signature_bytes);
	parts.signature = signature;
	require(verity_statement_join(&parts, &file, &file_bytes, NULL) == 0);
	for (int type = 0; type < TYPES; type++) {
		bool meant = (purpose == VERITY_PURPOSE_UNLOCK) ==
			     (type == VERITY_STATEMENT_UNLOCK);
		int r = read_as(file, file_bytes, (enum verity_statement_type)type);

		require(r == 0 || r == -EBADMSG || r == -EKEYREJECTED);
		require((r == 0) ==
			(meant && can_be(text, size, (enum verity_statement_type)type)));
	}
	/* What is kept counts without its signer's purpose, too: it takes rights away. */
	if (purpose == VERITY_PURPOSE_UNLOCK) {
		struct verity_denylist *kept = NULL;
		bool is_list = can_be(text, size, VERITY_STATEMENT_DENYLIST);
		int r = verity_denylist_read_kept(file, file_bytes, signer_ring(), &kept,
						  NULL);

		require(r == (is_list ? 1 : -EBADMSG));
		require(!kept || !verity_denylist_vouched(kept));
		verity_denylist_free(kept);
	}
	free(file);
	free(signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < VERITY_MANIFEST_MIN || size > VERITY_STATEMENT_MAX)
		return 0;
	try_purpose(data, size, VERITY_PURPOSE_PACKAGE);
	try_purpose(data, size, VERITY_PURPOSE_UNLOCK);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct chance chance = {seed};

	return mutate_json(data, size, max, &chance);
}
