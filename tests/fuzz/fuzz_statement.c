/* SPDX-License-Identifier: MIT */

/*
 * Statement files with verification on, where nothing made up here may ever be trusted;
 * and the readers of their text on their own, which see it only where somebody is.
 */

#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "verity/statement/catalog.h"
#include "verity/statement/denylist.h"
#include "verity/statement/floors.h"
#include "verity/statement/package_set.h"
#include "verity/statement/statement.h"
#include "verity/statement/unlock.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

static void verify(const uint8_t *data, size_t size)
{
	static struct verity_keyring *keyring;
	struct verity_unlock *unlock = NULL;
	struct verity_denylist *denylist = NULL;
	struct verity_catalog *catalog = NULL;
	struct verity_signed_set *set = NULL;
	int r;

	if (!keyring)
		require(verity_keyring_load(getenv("FUZZ_KEYS") ?: "", &keyring, NULL) ==
			0);
	r = verity_unlock_read(data, size, keyring, NULL, &unlock, NULL);
	require(!unlock && (r == -EBADMSG || r == -EKEYREJECTED));
	r = verity_denylist_read(data, size, keyring, NULL, &denylist, NULL);
	require(!denylist && (r == -EBADMSG || r == -EKEYREJECTED));
	r = verity_catalog_read(data, size, keyring, NULL, &catalog, NULL);
	require(!catalog && (r == -EBADMSG || r == -EKEYREJECTED));
	r = verity_signed_set_read(data, size, keyring, NULL, &set, NULL);
	require(!set && (r == -EBADMSG || r == -EKEYREJECTED));
}

static struct json_object *parse(const void *text, size_t size,
				 enum verity_statement_type type)
{
	struct json_object *object = NULL;

	require(verity_statement_decode(text, size, type, &object, NULL) < 0 || object);
	return object;
}

/* What was read can be written, and reads the same again. */
static void unlock_again(const struct verity_unlock_text *unlock)
{
	struct verity_unlock_text again;
	struct json_object *object;
	char *text;

	require(verity_text_printable(unlock->serial, strlen(unlock->serial)));
	require(unlock->not_after >= 1 && unlock->not_after <= VERITY_TIME_MAX);
	require(verity_unlock_encode(unlock, &text, NULL) == 0);
	object = parse(text, strlen(text), VERITY_STATEMENT_UNLOCK);
	require(object && verity_unlock_decode(object, &again, NULL) == 0);
	require(strcmp(again.serial, unlock->serial) == 0);
	require(strcmp(again.id, unlock->id) == 0);
	require(again.allows == unlock->allows && again.not_after == unlock->not_after);
	json_object_put(object);
	free(text);
}

static void denylist_again(const struct verity_denylist_text *denylist)
{
	struct verity_denylist_text again;
	struct json_object *object;
	char *text;

	require(verity_denylist_encode(denylist, &text, NULL) == 0);
	require(strlen(text) <= VERITY_STATEMENT_MAX);
	object = parse(text, strlen(text), VERITY_STATEMENT_DENYLIST);
	require(object && verity_denylist_decode(object, &again, NULL) == 0);
	require(again.number == denylist->number && again.count == denylist->count);
	require(memcmp(again.entries, denylist->entries,
		       again.count * sizeof(*again.entries)) == 0);
	free(again.entries);
	json_object_put(object);
	free(text);
}

/* Some that can be read are too long to be written as we write it. */
static void catalog_again(const struct verity_catalog_text *catalog)
{
	struct verity_catalog_text again;
	struct json_object *object;
	char *text;

	require(catalog->number >= 1 && catalog->count <= VERITY_CATALOG_MAX);
	for (size_t i = 0; i < catalog->count; i++)
		require(!strchr(catalog->entries[i].file, '/') &&
			catalog->entries[i].rollout <= VERITY_ROLLOUT_ALL);
	if (verity_catalog_encode(catalog, &text, NULL) < 0)
		return;
	object = parse(text, strlen(text), VERITY_STATEMENT_CATALOG);
	require(object && verity_catalog_decode(object, &again, NULL) == 0);
	require(again.number == catalog->number && again.count == catalog->count);
	require(again.not_after == catalog->not_after);
	for (size_t i = 0; i < again.count; i++) {
		const struct verity_catalog_entry *a = &again.entries[i];
		const struct verity_catalog_entry *b = &catalog->entries[i];

		require(strcmp(a->file, b->file) == 0 && a->rollout == b->rollout);
		require(verity_catalog_compare(&a->manifest, &b->manifest) == 0);
		require(verity_catalog_draws(a, "SN") == verity_catalog_draws(b, "SN"));
	}
	verity_catalog_text_free(&again);
	json_object_put(object);
	free(text);
}

static void set_again(const struct verity_package_set *set)
{
	struct verity_package_set again;
	struct json_object *object;
	char *text;

	require(set->number >= 1 && set->count <= VERITY_PACKAGE_SET_MAX);
	if (verity_package_set_encode(set, &text, NULL) < 0)
		return;
	object = parse(text, strlen(text), VERITY_STATEMENT_SET);
	require(object && verity_package_set_decode_object(object, &again, NULL) == 0);
	require(again.number == set->number && again.count == set->count);
	require(again.keep == set->keep &&
		again.compatible_count == set->compatible_count);
	for (size_t i = 0; i < set->count; i++)
		require(memcmp(&again.packages[i], &set->packages[i],
			       sizeof(again.packages[i])) == 0);
	verity_package_set_free(&again);
	json_object_put(object);
	free(text);
}

static void read_text(const uint8_t *text, size_t size)
{
	struct json_object *object = parse(text, size, VERITY_STATEMENT_UNLOCK);
	struct verity_unlock_text unlock;
	struct verity_denylist_text denylist;
	struct verity_catalog_text catalog;
	struct verity_package_set set;

	if (object && verity_unlock_decode(object, &unlock, NULL) == 0)
		unlock_again(&unlock);
	json_object_put(object);
	object = parse(text, size, VERITY_STATEMENT_DENYLIST);
	if (object && verity_denylist_decode(object, &denylist, NULL) == 0) {
		denylist_again(&denylist);
		free(denylist.entries);
	}
	json_object_put(object);
	object = parse(text, size, VERITY_STATEMENT_CATALOG);
	if (object && verity_catalog_decode(object, &catalog, NULL) == 0) {
		catalog_again(&catalog);
		verity_catalog_text_free(&catalog);
	}
	json_object_put(object);
	object = parse(text, size, VERITY_STATEMENT_SET);
	if (object && verity_package_set_decode_object(object, &set, NULL) == 0) {
		set_again(&set);
		verity_package_set_free(&set);
	}
	json_object_put(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verity_statement_parts parts;
	size_t again_bytes;
	uint8_t *again;

	verify(data, size);
	if (size > 0 && data[0] == '{')
		read_text(data, size);
	if (verity_statement_split(data, size, &parts, NULL) < 0)
		return 0;
	require(verity_statement_join(&parts, &again, &again_bytes, NULL) == 0);
	require(again_bytes == size && memcmp(again, data, size) == 0);
	free(again);
	read_text(parts.text, parts.text_bytes);
	return 0;
}
