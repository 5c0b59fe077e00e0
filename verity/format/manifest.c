/* SPDX-License-Identifier: MIT */
/* Reads and writes the manifest by one table of its keys. */
#include "verity/format/manifest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/json_table.h"

#define REQUIRES_MAX 32 /* entries */
#define BUILT_MAX    INT64_C(253402300799)

/* Features a manifest may require, NULL last. Format 1 has none so far. */
static const char *const features[] = {NULL};

static const char *const persistence_names[] = {
	[VERITY_PERSISTENT_ALLOWED] = "allowed",
	[VERITY_PERSISTENT_REQUIRED] = "required",
	[VERITY_PERSISTENT_FORBIDDEN] = "forbidden",
};

const char *verity_persistence_name(enum verity_persistence persistence)
{
	return persistence_names[persistence];
}

void verity_manifest_free(struct verity_manifest *manifest)
{
	if (!manifest)
		return;
	free(manifest->compatible);
	free(manifest->kernel_signature);
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

/* No manifest that this program writes requires anything. */
static void put_requires(struct verity_json_writer *json, const char *key,
			 const void *member)
{
	(void)json;
	(void)key;
	(void)member;
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

/* What a manifest says of the devices that it is for. */
#define LIMIT_ROWS                                                                       \
	VERITY_JSON_LIST("compatible", M, compatible, compatible_count, &glob_item,      \
			 VERITY_GLOBS_MAX, OPTIONAL),                                    \
	{                                                                                \
		.key = "firmware", .type = VERITY_JSON_IS_OBJECT, OPTIONAL,              \
		.fields = firmware_fields                                                \
	}

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
