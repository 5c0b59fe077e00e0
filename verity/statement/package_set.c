/* SPDX-License-Identifier: MIT */
/* Reads and writes a set, signed or not. */
#include "verity/statement/package_set.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "verity/statement/denylist.h"
#include "verity/statement/statement.h"
#include "verity/util/json_table.h"
#include "verity/util/name.h"

static const struct verity_json_field package_fields[] = {
	VERITY_JSON_TEXT("name", struct verity_set_package, name,
			 .presence = VERITY_JSON_OPTIONAL, .valid = verity_name_valid),
	VERITY_JSON_TEXT("source", struct verity_set_package, source,
			 .presence = VERITY_JSON_OPTIONAL, .min = 1),
	VERITY_JSON_TEXT("version", struct verity_set_package, version,
			 .presence = VERITY_JSON_OPTIONAL, .min = 1),
	VERITY_JSON_HEX("root_hash", struct verity_set_package, root_hash,
			.presence = VERITY_JSON_OPTIONAL,
			.counted = offsetof(struct verity_set_package, root_hash_bytes)),
	VERITY_JSON_BOOL("persistent", struct verity_set_package, persistent,
			 .presence = VERITY_JSON_OPTIONAL),
	{.key = NULL},
};

static const struct verity_json_field package_item = {.type = VERITY_JSON_IS_OBJECT,
						      .fields = package_fields};

static const struct verity_json_field glob_item = {
	.type = VERITY_JSON_IS_TEXT, .size = VERITY_GLOB_MAX + 1, .min = 1};

#define SET_ROWS                                                                         \
	VERITY_JSON_INTEGER("number", struct verity_package_set, number, .min = 1,       \
			    .max = UINT32_MAX, .presence = VERITY_JSON_OPTIONAL),        \
		VERITY_JSON_LIST("compatible", struct verity_package_set, compatible,    \
				 compatible_count, &glob_item, VERITY_GLOBS_MAX,         \
				 .presence = VERITY_JSON_OPTIONAL),                      \
		VERITY_JSON_BOOL("keep", struct verity_package_set, keep,                \
				 .presence = VERITY_JSON_OPTIONAL),                      \
		VERITY_JSON_LIST("packages", struct verity_package_set, packages, count, \
				 &package_item, VERITY_PACKAGE_SET_MAX)

/* Of a statement, whose type and format are read before anything else of it. */
static const struct verity_json_field signed_fields[] = {SET_ROWS, {.key = NULL}};

static const struct verity_json_field document_fields[] = {
	VERITY_JSON_WORD("type", "set"),
	VERITY_JSON_FORMAT("format", 1),
	SET_ROWS,
	{.key = NULL},
};

struct verity_signed_set {
	struct verity_package_set content;
	struct verity_signer signer;
	uint8_t digest[VERITY_DIGEST_BYTES];
};

void verity_package_set_free(struct verity_package_set *set)
{
	free(set->packages);
	free(set->compatible);
	*set = (struct verity_package_set){.count = 0};
}

bool verity_set_package_is_latest(const struct verity_set_package *package)
{
	return strcmp(package->version, VERITY_PACKAGE_SET_LATEST) == 0;
}

static int check_package(const struct verity_package_set *set, size_t index,
			 struct verity_error *err)
{
	struct verity_set_package *package = &set->packages[index];

	if (package->root_hash_bytes != 0 &&
	    package->root_hash_bytes != sizeof(package->root_hash))
		return verity_fail(err, VERITY_E_BAD_SET,
				   "packages[%zu].root_hash: not %zu hex digits", index,
				   2 * sizeof(package->root_hash));
	if (!package->name[0] &&
	    (!package->source[0] ||
	     verity_name_from_path(package->source, package->name, NULL) < 0))
		return verity_fail(err, VERITY_E_BAD_SET,
				   "packages[%zu]: it has no name, and its source has "
				   "not that of a package",
				   index);
	if (!package->source[0] && verity_set_package_is_latest(package))
		return verity_fail(err, VERITY_E_BAD_SET,
				   "%s: its version is 'latest', and it has no source",
				   package->name);
	if (!package->source[0] && !package->version[0] && !package->root_hash_bytes)
		return verity_fail(err, VERITY_E_BAD_SET,
				   "%s: it has neither source nor version nor root_hash",
				   package->name);
	/* on vfat and exfat they would be one file */
	for (size_t i = 0; i < index; i++)
		if (strcasecmp(set->packages[i].name, package->name) == 0)
			return verity_fail(err, VERITY_E_BAD_SET, "%s: it is named twice",
					   package->name);
	return 0;
}

int verity_package_set_decode(const void *bytes, size_t size,
			      struct verity_package_set *ret, struct verity_error *err)
{
	cleanup_with(verity_package_set_free) struct verity_package_set set = {.count =
										       0};
	int r = verity_json_decode(bytes, size, document_fields, VERITY_E_BAD_SET, &set,
				   err);

	for (size_t i = 0; r == 0 && i < set.count; i++)
		r = check_package(&set, i, err);
	if (r < 0)
		return r;
	*ret = set;
	set = (struct verity_package_set){.count = 0};
	return 0;
}

int verity_package_set_decode_object(struct json_object *object,
				     struct verity_package_set *ret,
				     struct verity_error *err)
{
	cleanup_with(verity_package_set_free) struct verity_package_set set = {.count =
										       0};
	struct verity_error why;
	int r = verity_json_decode_object(object, signed_fields, VERITY_E_BAD_STATEMENT,
					  &set, err);

	if (r == 0 && set.number == 0)
		r = verity_fail(err, VERITY_E_BAD_STATEMENT, "number: missing");
	for (size_t i = 0; r == 0 && i < set.count; i++)
		if (check_package(&set, i, &why) < 0)
			r = verity_fail(err, VERITY_E_BAD_STATEMENT, "%s", why.message);
	if (r < 0)
		return r;
	*ret = set;
	set = (struct verity_package_set){.count = 0};
	return 0;
}

int verity_package_set_encode(const struct verity_package_set *set, char **ret,
			      struct verity_error *err)
{
	cleanup_with(verity_package_set_free) struct verity_package_set again = {
		.count = 0};
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_free char *text = NULL;
	int r = verity_statement_encode(VERITY_STATEMENT_SET, signed_fields, set, &text,
					err);

	if (r == 0 && strlen(text) > VERITY_STATEMENT_MAX)
		r = verity_fail(err, VERITY_E_BAD_STATEMENT,
				"the set has %zu bytes of text, over the %d that a "
				"statement can have",
				strlen(text), VERITY_STATEMENT_MAX);
	/* What the reader would refuse is not written: it has all the limits. */
	if (r == 0)
		r = verity_statement_decode(text, strlen(text), VERITY_STATEMENT_SET,
					    &object, err);
	if (r == 0)
		r = verity_package_set_decode_object(object, &again, err);
	if (r == 0)
		*ret = steal_ptr(&text);
	return r;
}

void verity_package_set_put(struct verity_json_writer *json,
			    const struct verity_package_set *set)
{
	verity_json_put_fields(json, signed_fields, set);
}

void verity_signed_set_free(struct verity_signed_set *set)
{
	if (!set)
		return;
	verity_package_set_free(&set->content);
	free(set);
}

const struct verity_package_set *verity_signed_set_content(
	const struct verity_signed_set *set)
{
	return &set->content;
}

const struct verity_signer *verity_signed_set_signer(const struct verity_signed_set *set)
{
	return &set->signer;
}

const uint8_t *verity_signed_set_digest(const struct verity_signed_set *set)
{
	return set->digest;
}

int verity_signed_set_read(const void *bytes, size_t size,
			   const struct verity_keyring *keyring,
			   const struct verity_denylist *denylist,
			   struct verity_signed_set **ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_with(verity_signed_set_free_p) struct verity_signed_set *set =
		calloc(1, sizeof(*set));
	int r;

	if (!set)
		return verity_no_memory(err);
	r = verity_denylist_verify(denylist, bytes, size, VERITY_STATEMENT_SET, keyring,
				   &object, &set->signer, set->digest, err);
	if (r == 0)
		r = verity_package_set_decode_object(object, &set->content, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&set);
	return 0;
}
