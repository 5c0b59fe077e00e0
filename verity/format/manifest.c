/* SPDX-License-Identifier: MIT */
/* Reads and writes the manifest by one table of its keys. */
#include "verity/format/manifest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/json_table.h"

#define REQUIRES_MAX 32 /* entries */
#define BUILT_MAX    INT64_C(253402300799)

#define VERSION_FIRST "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/*
 * Features a manifest may require, NULL last. A program that does not know a key ignores
 * it; these are named as the key that must not be ignored.
 */
#define NEEDS          "needs"
#define CONFLICTS_WITH "conflicts_with"

static const char *const features[] = {NEEDS, CONFLICTS_WITH, NULL};

static const char *const persistence_names[] = {
	[VERITY_PERSISTENT_ALLOWED] = "allowed",
	[VERITY_PERSISTENT_REQUIRED] = "required",
	[VERITY_PERSISTENT_FORBIDDEN] = "forbidden",
};

const char *verity_persistence_name(enum verity_persistence persistence)
{
	return persistence_names[persistence];
}

void verity_manifest_clear(struct verity_manifest *manifest)
{
	free(manifest->compatible);
	free(manifest->needs);
	free(manifest->conflicts);
	free(manifest->kernel_signature);
	*manifest = (struct verity_manifest){.built = -1};
}

void verity_manifest_free(struct verity_manifest *manifest)
{
	if (!manifest)
		return;
	verity_manifest_clear(manifest);
	free(manifest);
}

static int get_requires(struct verity_json_reader *reader, struct json_object *value,
			void *member)
{
	static const struct verity_json_field name_field = {
		.type = VERITY_JSON_IS_TEXT, .size = VERITY_NAME_MAX + 1, .min = 1};
	char name[VERITY_NAME_MAX + 1];
	int r = 0;

	(void)member;
	if (!json_object_is_type(value, json_type_array))
		return verity_json_bad(reader, "not a list");
	if (json_object_array_length(value) > REQUIRES_MAX)
		return verity_json_bad(reader, "more than %d entries", REQUIRES_MAX);
	for (size_t i = 0; r == 0 && i < json_object_array_length(value); i++) {
		bool known = false;

		r = verity_json_get(reader, "", json_object_array_get_idx(value, i),
				    &name_field, name);
		for (size_t f = 0; r == 0 && features[f]; f++)
			known = known || strcmp(features[f], name) == 0;
		if (r == 0 && !known)
			return verity_fail(
				reader->err, VERITY_E_UNKNOWN_FEATURE,
				"it requires '%s', which this device does not know",
				name);
	}
	return r;
}

static void put_requires(struct verity_json_writer *json, const char *key,
			 const void *object)
{
	const struct verity_manifest *manifest = object;

	if (manifest->needs_count + manifest->conflicts_count == 0)
		return;
	verity_json_open_list(json, key);
	if (manifest->needs_count)
		verity_json_text(json, NULL, NEEDS);
	if (manifest->conflicts_count)
		verity_json_text(json, NULL, CONFLICTS_WITH);
	verity_json_close(json);
}

/* Only what has a place in the order of versions; more would only separate. */
static bool is_version(const char *text)
{
	size_t size = strlen(text);

	return size <= VERITY_VERSION_MAX && strspn(text, VERSION_FIRST) >= 1 &&
	       strspn(text, VERSION_FIRST "._~^+:-") == size;
}

bool verity_need_parse(const char *text, struct verity_need *ret)
{
	const char *sign = text ? strstr(text, ">=") : NULL;
	struct verity_need need = {.version = ""};
	size_t size = sign ? (size_t)(sign - text) : text ? strlen(text) : 0;

	if (size == 0 || size > VERITY_NAME_MAX)
		return false;
	memcpy(need.name, text, size);
	if (!verity_name_valid(need.name) || (sign && !is_version(sign + 2)))
		return false;
	if (sign)
		strcpy(need.version, sign + 2);
	*ret = need;
	return true;
}

void verity_need_format(const struct verity_need *need,
			char ret[static VERITY_NEED_BYTES])
{
	snprintf(ret, VERITY_NEED_BYTES, "%s%s%s", need->name,
		 need->version[0] ? ">=" : "", need->version);
}

static int get_need(struct verity_json_reader *reader, struct json_object *value,
		    void *member)
{
	if (!json_object_is_type(value, json_type_string))
		return verity_json_bad(reader, "not a string");
	return verity_need_parse(verity_json_string(value), member)
		       ? 0
		       : verity_json_bad(reader, "not NAME or NAME>=VERSION");
}

static void put_need(struct verity_json_writer *json, const char *key, const void *member)
{
	char text[VERITY_NEED_BYTES];

	verity_need_format(member, text);
	verity_json_text(json, key, text);
}

/* Base64. */
static int get_kernel_signature(struct verity_json_reader *reader,
				struct json_object *value, void *object)
{
	struct verity_manifest *manifest = object;
	const char *text = verity_json_string(value);
	size_t size = text ? strlen(text) : 0;
	int padding, decoded;

	if (size == 0 || size % 4 || size / 4 * 3 > VERITY_KERNEL_SIG_MAX)
		return verity_json_bad(reader, "not base64 of a signature");
	manifest->kernel_signature = malloc(size / 4 * 3);
	if (!manifest->kernel_signature)
		return verity_no_memory(reader->err);
	decoded = EVP_DecodeBlock(manifest->kernel_signature, (const unsigned char *)text,
				  (int)size);
	padding = (text[size - 1] == '=') + (text[size - 2] == '=');
	if (decoded <= padding)
		return verity_json_bad(reader, "not base64 of a signature");
	manifest->kernel_signature_bytes = (size_t)(decoded - padding);
	return 0;
}

static void put_kernel_signature(struct verity_json_writer *json, const char *key,
				 const void *object)
{
	const struct verity_manifest *manifest = object;
	cleanup_free char *text = NULL;

	if (!manifest->kernel_signature)
		return;
	text = malloc(manifest->kernel_signature_bytes * 4 / 3 + 5);
	if (text)
		EVP_EncodeBlock((unsigned char *)text, manifest->kernel_signature,
				(int)manifest->kernel_signature_bytes);
	verity_json_text(json, key, text);
}

#define M        struct verity_manifest
#define OPTIONAL .presence = VERITY_JSON_OPTIONAL

static const struct verity_json_field image_fields[] = {
	VERITY_JSON_INTEGER("bytes", M, image_bytes, .min = 1, .max = VERITY_IMAGE_MAX),
	VERITY_JSON_WORD("hash", "sha256"),
	VERITY_JSON_HEX("salt", M, salt, .counted = offsetof(M, salt_bytes)),
	VERITY_JSON_HEX("root_hash", M, root_hash),
	{.key = "kernel_signature",
	 .type = VERITY_JSON_IS_CUSTOM,
	 OPTIONAL,
	 .decode = get_kernel_signature,
	 .encode = put_kernel_signature},
	{.key = NULL},
};

static const struct verity_json_field firmware_fields[] = {
	VERITY_JSON_TEXT("min", M, firmware_min, .min = 1, OPTIONAL),
	VERITY_JSON_TEXT("max", M, firmware_max, .min = 1, OPTIONAL),
	{.key = NULL},
};

static const struct verity_json_field glob_item = {
	.type = VERITY_JSON_IS_TEXT, .size = VERITY_GLOB_MAX + 1, .min = 1};

static const struct verity_json_field need_item = {
	.type = VERITY_JSON_IS_CUSTOM, .decode = get_need, .encode = put_need};

static const struct verity_json_field conflict_item = {.type = VERITY_JSON_IS_TEXT,
						       .size = VERITY_NAME_MAX + 1,
						       .min = 1,
						       .valid = verity_name_valid};

/* What a manifest asks of a device, and of its other packages. */
#define LIMIT_ROWS                                                                       \
	VERITY_JSON_LIST("compatible", M, compatible, compatible_count, &glob_item,      \
			 VERITY_GLOBS_MAX, OPTIONAL),                                    \
		{.key = "firmware",                                                      \
		 .type = VERITY_JSON_IS_OBJECT,                                          \
		 OPTIONAL,                                                               \
		 .fields = firmware_fields},                                             \
		VERITY_JSON_LIST(NEEDS, M, needs, needs_count, &need_item,               \
				 VERITY_NEEDS_MAX, OPTIONAL),                            \
		VERITY_JSON_LIST(CONFLICTS_WITH, M, conflicts, conflicts_count,          \
				 &conflict_item, VERITY_NEEDS_MAX, OPTIONAL)

static const struct verity_json_field limit_fields[] = {LIMIT_ROWS, {.key = NULL}};

/*
 * In the order in which they are written: equal manifests are equal bytes. `type` first:
 * no other signed thing can pass for a package.
 */
static const struct verity_json_field manifest_fields[] = {
	VERITY_JSON_WORD("type", "package"),
	VERITY_JSON_FORMAT("format", 1),
	{.key = "requires",
	 .type = VERITY_JSON_IS_CUSTOM,
	 OPTIONAL,
	 .decode = get_requires,
	 .encode = put_requires},
	VERITY_JSON_TEXT("name", M, name, .min = 1, .valid = verity_name_valid),
	VERITY_JSON_TEXT("version", M, version, .min = 1, .is_label = true),
	VERITY_JSON_TEXT("description", M, description, .is_label = true),
	{.key = "image", .type = VERITY_JSON_IS_OBJECT, .fields = image_fields},
	VERITY_JSON_INTEGER("priority", M, priority, .min = -VERITY_PRIORITY_MAX,
			    .max = VERITY_PRIORITY_MAX, OPTIONAL),
	VERITY_JSON_INTEGER("epoch", M, epoch, .max = UINT32_MAX, OPTIONAL),
	VERITY_JSON_NAME("persistent", M, persistence, persistence_names, OPTIONAL),
	LIMIT_ROWS,
	VERITY_JSON_INTEGER("built", M, built, .max = BUILT_MAX, .absent = -1, OPTIONAL),
	{.key = NULL},
};

/* What no device could do, or what is said twice and differently. */
static int check_relations(const struct verity_manifest *manifest,
			   struct verity_error *err)
{
	const struct verity_need *needs = manifest->needs;

	for (size_t i = 0; i < manifest->needs_count; i++) {
		const char *name = needs[i].name;

		if (strcmp(name, manifest->name) == 0)
			return verity_fail(err, VERITY_E_BAD_MANIFEST,
					   NEEDS ": the package itself");
		for (size_t k = 0; k < i; k++)
			if (strcmp(needs[k].name, name) == 0)
				return verity_fail(err, VERITY_E_BAD_MANIFEST,
						   NEEDS ": '%s' twice", name);
	}
	for (size_t i = 0; i < manifest->conflicts_count; i++) {
		const char *name = manifest->conflicts[i];

		if (strcmp(name, manifest->name) == 0)
			return verity_fail(err, VERITY_E_BAD_MANIFEST,
					   CONFLICTS_WITH ": the package itself");
		for (size_t k = 0; k < i; k++)
			if (strcmp(manifest->conflicts[k], name) == 0)
				return verity_fail(err, VERITY_E_BAD_MANIFEST,
						   CONFLICTS_WITH ": '%s' twice", name);
		for (size_t k = 0; k < manifest->needs_count; k++)
			if (strcmp(needs[k].name, name) == 0)
				return verity_fail(err, VERITY_E_BAD_MANIFEST,
						   CONFLICTS_WITH ": '%s' is in " NEEDS
								  ", too",
						   name);
	}
	return 0;
}

int verity_manifest_decode(const void *bytes, size_t size, struct verity_manifest **ret,
			   struct verity_error *err)
{
	cleanup_with(verity_manifest_free_p) struct verity_manifest *manifest = NULL;
	int r;

	if (size > VERITY_MANIFEST_MAX)
		return verity_fail(err, VERITY_E_BAD_SIZES,
				   "the manifest is over its limit");
	manifest = calloc(1, sizeof(*manifest));
	if (!manifest)
		return verity_no_memory(err);
	manifest->built = -1;
	r = verity_json_decode(bytes, size, manifest_fields, VERITY_E_BAD_MANIFEST,
			       manifest, err);
	if (r == 0)
		r = check_relations(manifest, err);
	if (r < 0)
		return verity_context(err, r, "manifest");
	*ret = steal_ptr(&manifest);
	return 0;
}

int verity_manifest_encode(const struct verity_manifest *manifest, char **ret,
			   struct verity_error *err)
{
	cleanup_with(verity_manifest_free_p) struct verity_manifest *check = NULL;
	cleanup_free char *text = NULL;
	int r = verity_json_encode(manifest, manifest_fields,
				   VERITY_JSON_COMPACT | VERITY_JSON_RAW, &text, err);

	/* What the reader would refuse is not written: it has all the limits. */
	if (r == 0)
		r = verity_manifest_decode(text, strlen(text), &check, err);
	if (r == 0)
		*ret = steal_ptr(&text);
	return r;
}

void verity_manifest_put_limits(struct verity_json_writer *json,
				const struct verity_manifest *manifest)
{
	verity_json_put_fields(json, limit_fields, manifest);
}

int verity_manifest_get_limits(struct verity_json_reader *reader,
			       struct json_object *object,
			       struct verity_manifest *manifest)
{
	return verity_json_get_fields(reader, object, limit_fields, manifest);
}
