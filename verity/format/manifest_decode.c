/* SPDX-License-Identifier: MIT */
#include "verity/format/manifest.h"

#include <inttypes.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

#define REQUIRES_MAX 32 /* entries */

/* Features a manifest may require, NULL last. Format 1 has none so far. */
static const char *const features[] = {NULL};

DEFINE_CLEANUP(struct verity_manifest, verity_manifest_free);

static int bad(struct verity_error *err, const char *key, const char *why)
{
	return verity_fail(err, VERITY_E_BAD_MANIFEST, "manifest: %s: %s", key, why);
}

/* The text of a string without a NUL in it; NULL for anything else. */
static const char *whole_string(struct json_object *value)
{
	const char *text = json_object_is_type(value, json_type_string)
				   ? json_object_get_string(value)
				   : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text
										 : NULL;
}

static bool is_word(struct json_object *value, const char *word)
{
	const char *text = whole_string(value);

	return text && strcmp(text, word) == 0;
}

/* One text value: printable, within @max bytes. */
static int take_text(struct json_object *value, const char *key, size_t min, size_t max,
		     char *ret, struct verity_error *err)
{
	const char *text;
	size_t size;

	if (!json_object_is_type(value, json_type_string))
		return bad(err, key, "not a string");
	text = json_object_get_string(value);
	size = (size_t)json_object_get_string_len(value);
	if (size < min)
		return bad(err, key, "empty");
	if (size > max)
		return verity_fail(err, VERITY_E_BAD_MANIFEST,
				   "manifest: %s: longer than %zu bytes", key, max);
	if (!verity_text_printable(text, size))
		return bad(err, key, "holds bytes that are not printable UTF-8");
	memcpy(ret, text, size);
	ret[size] = '\0';
	return 0;
}

static int take_integer(struct json_object *value, const char *key, int64_t min,
			int64_t max, int64_t *ret, struct verity_error *err)
{
	int64_t number;

	if (!json_object_is_type(value, json_type_int))
		return bad(err, key, "not an integer");
	number = json_object_get_int64(value);
	if (number < min || number > max)
		return verity_fail(err, VERITY_E_BAD_MANIFEST,
				   "manifest: %s: outside %" PRId64 " to %" PRId64, key,
				   min, max);
	*ret = number;
	return 0;
}

static int take_hex(struct json_object *value, const char *key, uint8_t *ret, size_t max,
		    size_t *ret_count, struct verity_error *err)
{
	const char *text = whole_string(value);

	if (!text || verity_hex_decode(text, ret, max, ret_count) < 0)
		return bad(err, key, "not a string of hex digits of the right length");
	return 0;
}

/* How one key of an object is read into the manifest. */
struct field {
	const char
		*key; /* dotted, for messages; the part after the last dot is looked up */
	bool required;
	int (*take)(struct json_object *value, const char *key,
		    struct verity_manifest *ret, struct verity_error *err);
};

static int take_fields(struct json_object *object, const struct field *fields,
		       size_t count, struct verity_manifest *ret,
		       struct verity_error *err)
{
	for (size_t i = 0; i < count; i++) {
		const char *dot = strrchr(fields[i].key, '.');
		struct json_object *value;
		int r;

		if (!json_object_object_get_ex(object, dot ? dot + 1 : fields[i].key,
					       &value)) {
			if (fields[i].required)
				return bad(err, fields[i].key, "missing");
			continue;
		}
		r = fields[i].take(value, fields[i].key, ret, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_type(struct json_object *value, const char *key,
		     struct verity_manifest *ret, struct verity_error *err)
{
	(void)ret;
	if (!is_word(value, "package"))
		return bad(err, key, "not \"package\"");
	return 0;
}

static int take_format(struct json_object *value, const char *key,
		       struct verity_manifest *ret, struct verity_error *err)
{
	int64_t format;

	(void)ret;
	return take_integer(value, key, 1, 1, &format, err);
}

static int take_requires(struct json_object *value, const char *key,
			 struct verity_manifest *ret, struct verity_error *err)
{
	char name[VERITY_NAME_MAX + 1];

	(void)ret;
	if (!json_object_is_type(value, json_type_array))
		return bad(err, key, "not a list");
	if (json_object_array_length(value) > REQUIRES_MAX)
		return bad(err, key, "too many entries");
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		bool known = false;
		int r = take_text(json_object_array_get_idx(value, i), key, 1,
				  VERITY_NAME_MAX, name, err);

		if (r < 0)
			return r;
		for (size_t f = 0; features[f]; f++)
			known = known || strcmp(features[f], name) == 0;
		if (!known)
			return verity_fail(
				err, VERITY_E_UNKNOWN_FEATURE,
				"manifest: it requires '%s', which this device does "
				"not know",
				name);
	}
	return 0;
}

static int take_name(struct json_object *value, const char *key,
		     struct verity_manifest *ret, struct verity_error *err)
{
	int r = take_text(value, key, 1, VERITY_NAME_MAX, ret->name, err);

	if (r < 0)
		return r;
	if (!verity_name_valid(ret->name))
		return bad(err, key, "not a valid package name");
	return 0;
}

static int take_version(struct json_object *value, const char *key,
			struct verity_manifest *ret, struct verity_error *err)
{
	return take_text(value, key, 1, VERITY_VERSION_MAX, ret->version, err);
}

static int take_description(struct json_object *value, const char *key,
			    struct verity_manifest *ret, struct verity_error *err)
{
	return take_text(value, key, 0, VERITY_DESCRIPTION_MAX, ret->description, err);
}

static int take_priority(struct json_object *value, const char *key,
			 struct verity_manifest *ret, struct verity_error *err)
{
	int64_t number = 0;
	int r = take_integer(value, key, -VERITY_PRIORITY_MAX, VERITY_PRIORITY_MAX,
			     &number, err);

	ret->priority = (int)number;
	return r;
}

static int take_epoch(struct json_object *value, const char *key,
		      struct verity_manifest *ret, struct verity_error *err)
{
	int64_t number = 0;
	int r = take_integer(value, key, 0, UINT32_MAX, &number, err);

	ret->epoch = (uint32_t)number;
	return r;
}

static int take_built(struct json_object *value, const char *key,
		      struct verity_manifest *ret, struct verity_error *err)
{
	return take_integer(value, key, 0, INT64_C(253402300799), &ret->built, err);
}

static int take_persistent(struct json_object *value, const char *key,
			   struct verity_manifest *ret, struct verity_error *err)
{
	const char *name = whole_string(value);

	if (!name || verity_persistence_from_name(name, &ret->persistence) < 0)
		return bad(err, key, "not \"allowed\", \"required\" or \"forbidden\"");
	return 0;
}

static int take_compatible(struct json_object *value, const char *key,
			   struct verity_manifest *ret, struct verity_error *err)
{
	size_t count;

	if (!json_object_is_type(value, json_type_array))
		return bad(err, key, "not a list");
	count = json_object_array_length(value);
	if (count > VERITY_GLOBS_MAX)
		return bad(err, key, "too many entries");
	/* A second `compatible` cannot be: json-c keeps one value of a key. */
	ret->compatible = calloc(count + 1, sizeof(*ret->compatible));
	if (!ret->compatible)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (; ret->compatible_count < count; ret->compatible_count++) {
		int r = take_text(json_object_array_get_idx(value, ret->compatible_count),
				  key, 1, VERITY_GLOB_MAX,
				  ret->compatible[ret->compatible_count], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_firmware_min(struct json_object *value, const char *key,
			     struct verity_manifest *ret, struct verity_error *err)
{
	return take_text(value, key, 1, VERITY_VERSION_MAX, ret->firmware_min, err);
}

static int take_firmware_max(struct json_object *value, const char *key,
			     struct verity_manifest *ret, struct verity_error *err)
{
	return take_text(value, key, 1, VERITY_VERSION_MAX, ret->firmware_max, err);
}

static int take_firmware(struct json_object *value, const char *key,
			 struct verity_manifest *ret, struct verity_error *err)
{
	static const struct field fields[] = {
		{"firmware.min", false, take_firmware_min},
		{"firmware.max", false, take_firmware_max},
	};

	if (!json_object_is_type(value, json_type_object))
		return bad(err, key, "not an object");
	return take_fields(value, fields, sizeof(fields) / sizeof(fields[0]), ret, err);
}

static int take_image_bytes(struct json_object *value, const char *key,
			    struct verity_manifest *ret, struct verity_error *err)
{
	int64_t number = 0;
	int r = take_integer(value, key, 1, (int64_t)VERITY_IMAGE_MAX, &number, err);

	ret->image_bytes = (uint64_t)number;
	return r;
}

static int take_image_hash(struct json_object *value, const char *key,
			   struct verity_manifest *ret, struct verity_error *err)
{
	(void)ret;
	if (!is_word(value, "sha256"))
		return bad(err, key, "not \"sha256\"");
	return 0;
}

static int take_image_salt(struct json_object *value, const char *key,
			   struct verity_manifest *ret, struct verity_error *err)
{
	return take_hex(value, key, ret->salt, sizeof(ret->salt), &ret->salt_bytes, err);
}

static int take_image_root_hash(struct json_object *value, const char *key,
				struct verity_manifest *ret, struct verity_error *err)
{
	size_t count = 0;
	int r = take_hex(value, key, ret->root_hash, sizeof(ret->root_hash), &count, err);

	if (r == 0 && count != sizeof(ret->root_hash))
		return bad(err, key, "not 64 hex digits");
	return r;
}

static int take_kernel_signature(struct json_object *value, const char *key,
				 struct verity_manifest *ret, struct verity_error *err)
{
	const char *text = whole_string(value);
	size_t size = text ? strlen(text) : 0;
	int padding, decoded;

	if (size == 0 || size % 4 || size / 4 * 3 > VERITY_KERNEL_SIG_MAX)
		return bad(err, key, "not base64 of a signature");
	ret->kernel_signature = malloc(size / 4 * 3);
	if (!ret->kernel_signature)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	decoded = EVP_DecodeBlock(ret->kernel_signature, (const unsigned char *)text,
				  (int)size);
	padding = (text[size - 1] == '=') + (text[size - 2] == '=');
	if (decoded <= padding)
		return bad(err, key, "not base64 of a signature");
	ret->kernel_signature_bytes = (size_t)(decoded - padding);
	return 0;
}

static int take_image(struct json_object *value, const char *key,
		      struct verity_manifest *ret, struct verity_error *err)
{
	static const struct field fields[] = {
		{"image.bytes", true, take_image_bytes},
		{"image.hash", true, take_image_hash},
		{"image.salt", true, take_image_salt},
		{"image.root_hash", true, take_image_root_hash},
		{"image.kernel_signature", false, take_kernel_signature},
	};

	if (!json_object_is_type(value, json_type_object))
		return bad(err, key, "not an object");
	return take_fields(value, fields, sizeof(fields) / sizeof(fields[0]), ret, err);
}

/* `type` first: no other signed thing can pass for a package. */
static const struct field manifest_fields[] = {
	{"type", true, take_type},
	{"format", true, take_format},
	{"requires", false, take_requires},
	{"name", true, take_name},
	{"version", true, take_version},
	{"description", true, take_description},
	{"image", true, take_image},
	{"priority", false, take_priority},
	{"epoch", false, take_epoch},
	{"persistent", false, take_persistent},
	{"compatible", false, take_compatible},
	{"firmware", false, take_firmware},
	{"built", false, take_built},
};

int verity_manifest_decode(const void *bytes, size_t size, struct verity_manifest **ret,
			   struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	cleanup_with(verity_manifest_free_p) struct verity_manifest *manifest = NULL;
	int r;

	if (size > VERITY_MANIFEST_MAX)
		return verity_fail(err, VERITY_E_BAD_SIZES,
				   "the manifest is over its limit");
	r = verity_json_parse(bytes, size, &object, err);
	if (r < 0)
		return verity_context(err, r, "manifest");
	manifest = calloc(1, sizeof(*manifest));
	if (!manifest)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	manifest->built = -1;
	r = take_fields(object, manifest_fields,
			sizeof(manifest_fields) / sizeof(manifest_fields[0]), manifest,
			err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&manifest);
	return 0;
}
