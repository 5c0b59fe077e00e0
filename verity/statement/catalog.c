/* SPDX-License-Identifier: MIT */
/* Reads, writes and checks catalogues. */
#include "verity/statement/catalog.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "verity/statement/denylist.h"
#include "verity/statement/floors.h"
#include "verity/statement/statement.h"
#include "verity/util/json_table.h"
#include "verity/util/text.h"
#include "verity/util/version.h"

struct verity_catalog {
	struct verity_catalog_text text; /* owned */
	struct verity_signer signer;
	uint8_t digest[VERITY_DIGEST_BYTES];
};

#define E        struct verity_catalog_entry
#define T        struct verity_catalog_text
#define OPTIONAL .presence = VERITY_JSON_OPTIONAL

/* It becomes the end of a URL. */
static bool is_file(const char *name)
{
	char unused[VERITY_NAME_MAX + 1];

	return !strchr(name, '/') && verity_name_from_path(name, unused, NULL) == 0;
}

static const struct verity_json_field entry_fields[] = {
	VERITY_JSON_TEXT("name", E, manifest.name, .min = 1, .valid = verity_name_valid),
	VERITY_JSON_TEXT("version", E, manifest.version, .min = 1, .is_label = true),
	VERITY_JSON_INTEGER("epoch", E, manifest.epoch, .max = UINT32_MAX, OPTIONAL),
	VERITY_JSON_TEXT("file", E, file, .min = 1),
	VERITY_JSON_INTEGER("file_bytes", E, file_bytes, .min = 1, .max = INT64_MAX),
	VERITY_JSON_HEX("id", E, id),
	VERITY_JSON_HEX("root_hash", E, manifest.root_hash),
	VERITY_JSON_INTEGER("rollout", E, rollout, .max = VERITY_ROLLOUT_ALL,
			    .absent = VERITY_ROLLOUT_ALL, OPTIONAL),
	{.key = NULL},
};

static int get_entry(struct verity_json_reader *reader, struct json_object *value,
		     void *member)
{
	E *entry = member;
	int r;

	entry->rollout = VERITY_ROLLOUT_ALL;
	r = verity_json_get_fields(reader, value, entry_fields, entry);
	if (r == 0 && !is_file(entry->file))
		return verity_json_bad(reader, "file: not the name of a package file");
	return r < 0 ? r : verity_manifest_get_limits(reader, value, &entry->manifest);
}

static void put_entry(struct verity_json_writer *json, const char *key,
		      const void *member)
{
	const E *entry = member;

	verity_json_open(json, key);
	verity_json_put_fields(json, entry_fields, entry);
	verity_manifest_put_limits(json, &entry->manifest);
	verity_json_close(json);
}

static const struct verity_json_field entry_item = {
	.type = VERITY_JSON_IS_CUSTOM, .decode = get_entry, .encode = put_entry};

static const struct verity_json_field beside_fields[] = {
	VERITY_JSON_TEXT("file", T, denylist_file, .min = 1, .valid = verity_name_valid,
			 OPTIONAL),
	VERITY_JSON_INTEGER("number", T, denylist_number, .min = 1, .max = UINT32_MAX,
			    OPTIONAL),
	{.key = NULL},
};

static const char *check_beside(const void *object)
{
	const T *text = object;

	return (text->denylist_file[0] == '\0') == (text->denylist_number == 0)
		       ? NULL
		       : "it has only one of file and number";
}

static const struct verity_json_field catalog_fields[] = {
	VERITY_JSON_INTEGER("number", T, number, .min = 1, .max = UINT32_MAX),
	VERITY_JSON_INTEGER("not_after", T, not_after, .min = 1, .max = VERITY_TIME_MAX),
	VERITY_JSON_TEXT("channel", T, channel, .min = 1, .valid = verity_name_valid,
			 OPTIONAL),
	{.key = "denylist",
	 .type = VERITY_JSON_IS_OBJECT,
	 OPTIONAL,
	 .fields = beside_fields,
	 .check = check_beside},
	VERITY_JSON_LIST("packages", T, entries, count, &entry_item, VERITY_CATALOG_MAX),
	{.key = NULL},
};

/* Two files that would be one on vfat are a mistake. */
static int check_entries(const T *text, struct verity_error *err)
{
	for (size_t i = 0; i < text->count; i++) {
		const E *a = &text->entries[i];

		for (size_t k = 0; k < i; k++) {
			const E *b = &text->entries[k];

			if (strcasecmp(a->file, b->file) == 0)
				return verity_fail(err, VERITY_E_BAD_STATEMENT,
						   "packages[%zu].file: there twice", i);
		}
	}
	return 0;
}

int verity_catalog_decode(struct json_object *object, struct verity_catalog_text *ret,
			  struct verity_error *err)
{
	cleanup_with(verity_catalog_text_free) struct verity_catalog_text text = {0};
	int r = verity_json_decode_object(object, catalog_fields, VERITY_E_BAD_STATEMENT,
					  &text, err);

	if (r == 0)
		r = check_entries(&text, err);
	if (r < 0)
		return r;
	*ret = text;
	text = (struct verity_catalog_text){0};
	return 0;
}

int verity_catalog_encode(const struct verity_catalog_text *text, char **ret,
			  struct verity_error *err)
{
	cleanup_with(verity_catalog_text_free) struct verity_catalog_text again = {0};
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_free char *encoded = NULL;
	int r = verity_statement_encode(VERITY_STATEMENT_CATALOG, catalog_fields, text,
					&encoded, err);

	if (r == 0 && strlen(encoded) > VERITY_STATEMENT_MAX)
		return verity_fail(err, VERITY_E_BAD_STATEMENT,
				   "%zu packages are %zu bytes of text, over the %d that "
				   "a statement can have",
				   text->count, strlen(encoded), VERITY_STATEMENT_MAX);
	/* What the reader would refuse is not written: it has all the limits. */
	if (r == 0)
		r = verity_statement_decode(encoded, strlen(encoded),
					    VERITY_STATEMENT_CATALOG, &object, err);
	if (r == 0)
		r = verity_catalog_decode(object, &again, err);
	if (r == 0)
		*ret = steal_ptr(&encoded);
	return r;
}

void verity_catalog_put(struct verity_json_writer *json,
			const struct verity_catalog_text *text)
{
	verity_json_put_fields(json, catalog_fields, text);
}

void verity_catalog_text_free(struct verity_catalog_text *text)
{
	for (size_t i = 0; i < text->count; i++)
		verity_manifest_clear(&text->entries[i].manifest);
	free(text->entries);
	*text = (struct verity_catalog_text){0};
}

void verity_catalog_free(struct verity_catalog *catalog)
{
	if (!catalog)
		return;
	verity_catalog_text_free(&catalog->text);
	free(catalog);
}

const struct verity_catalog_text *verity_catalog_text(
	const struct verity_catalog *catalog)
{
	return &catalog->text;
}

const struct verity_signer *verity_catalog_signer(const struct verity_catalog *catalog)
{
	return &catalog->signer;
}

int verity_catalog_read(const void *bytes, size_t size,
			const struct verity_keyring *keyring,
			const struct verity_denylist *denylist,
			struct verity_catalog **ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_with(verity_catalog_free_p) struct verity_catalog *catalog =
		calloc(1, sizeof(*catalog));
	int r;

	if (!catalog)
		return verity_no_memory(err);
	r = verity_denylist_verify(denylist, bytes, size, VERITY_STATEMENT_CATALOG,
				   keyring, &object, &catalog->signer, catalog->digest,
				   err);
	if (r == 0)
		r = verity_catalog_decode(object, &catalog->text, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&catalog);
	return 0;
}

int verity_catalog_check(const struct verity_catalog *catalog, const char *channel,
			 const struct verity_catalog *kept, int64_t now,
			 struct verity_error *err)
{
	const struct verity_catalog_text *text = &catalog->text;
	char until[VERITY_TEXT_TIME_BYTES], today[VERITY_TEXT_TIME_BYTES];

	if (strcmp(text->channel, channel) != 0)
		return verity_fail(err, VERITY_E_WRONG_CHANNEL,
				   "the catalogue is of channel '%s', and this device "
				   "takes that of '%s'",
				   text->channel, channel);
	/* Another channel counts for itself. */
	if (kept && strcmp(kept->text.channel, channel) != 0)
		kept = NULL;
	if (kept && text->number < kept->text.number)
		return verity_fail(err, VERITY_E_OLD_CATALOG,
				   "its number is %" PRIu32
				   ", and this device has seen number %" PRIu32,
				   text->number, kept->text.number);
	if (kept && text->number == kept->text.number &&
	    memcmp(catalog->digest, kept->digest, sizeof(kept->digest)) != 0)
		return verity_fail(err, VERITY_E_OLD_CATALOG,
				   "this device has seen another catalogue with its "
				   "number, %" PRIu32,
				   text->number);
	if (now <= text->not_after)
		return 0;
	verity_text_format_time(text->not_after, until);
	verity_text_format_time(now, today);
	return verity_fail(err, VERITY_E_EXPIRED_CATALOG,
			   "number %" PRIu32
			   " was good until %s, and by this device it is %s",
			   text->number, until, today);
}

int verity_catalog_compare(const struct verity_manifest *a,
			   const struct verity_manifest *b)
{
	return verity_version_compare_epochs(a->epoch, a->version, b->epoch, b->version);
}

bool verity_catalog_draws(const struct verity_catalog_entry *entry, const char *serial)
{
	char text[256];
	uint8_t digest[VERITY_DIGEST_BYTES];
	uint64_t draw = 0;
	int size = snprintf(text, sizeof(text), "%s%c%s%c%s", serial, 0,
			    entry->manifest.name, 0, entry->manifest.version);

	if (entry->rollout >= VERITY_ROLLOUT_ALL)
		return true;
	if (!serial[0] || size < 0 || (size_t)size >= sizeof(text) ||
	    EVP_Digest(text, (size_t)size, digest, NULL, EVP_sha256(), NULL) != 1)
		return false;
	for (size_t i = 0; i < 4; i++)
		draw = draw << 8 | digest[i];
	return (draw * VERITY_ROLLOUT_ALL) >> 32 < entry->rollout;
}
