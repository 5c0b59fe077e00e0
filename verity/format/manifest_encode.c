/* SPDX-License-Identifier: MIT */
#include "verity/format/manifest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"

DEFINE_CLEANUP(struct verity_manifest, verity_manifest_free);

static struct json_object *hex_new(const uint8_t *bytes, size_t count)
{
	char text[2 * VERITY_SALT_MAX + 1];

	verity_hex_encode(bytes, count, text);
	return json_object_new_string(text);
}

static bool put_kernel_signature(struct json_object *image,
				 const struct verity_manifest *manifest)
{
	cleanup_free char *text = NULL;

	if (!manifest->kernel_signature)
		return true;
	text = malloc(manifest->kernel_signature_bytes * 4 / 3 + 5);
	if (!text)
		return false;
	EVP_EncodeBlock((unsigned char *)text, manifest->kernel_signature,
			(int)manifest->kernel_signature_bytes);
	return verity_json_put(image, "kernel_signature", json_object_new_string(text));
}

static bool put_image(struct json_object *object, const struct verity_manifest *manifest)
{
	struct json_object *image = json_object_new_object();

	return verity_json_put(object, "image", image) &&
	       verity_json_put(image, "bytes",
			       json_object_new_uint64(manifest->image_bytes)) &&
	       verity_json_put(image, "hash", json_object_new_string("sha256")) &&
	       verity_json_put(image, "salt",
			       hex_new(manifest->salt, manifest->salt_bytes)) &&
	       verity_json_put(
		       image, "root_hash",
		       hex_new(manifest->root_hash, sizeof(manifest->root_hash))) &&
	       put_kernel_signature(image, manifest);
}

static bool put_compatible(const struct verity_manifest *manifest,
			   struct json_object *object)
{
	struct json_object *list;

	if (!manifest->compatible_count)
		return true;
	list = json_object_new_array();
	if (!verity_json_put(object, "compatible", list))
		return false;
	for (size_t i = 0; i < manifest->compatible_count; i++)
		if (!verity_json_append(list,
					json_object_new_string(manifest->compatible[i])))
			return false;
	return true;
}

bool verity_manifest_put_limits(const struct verity_manifest *manifest,
				struct json_object *object)
{
	struct json_object *firmware;

	if (!put_compatible(manifest, object))
		return false;
	if (!manifest->firmware_min[0] && !manifest->firmware_max[0])
		return true;
	firmware = json_object_new_object();
	return verity_json_put(object, "firmware", firmware) &&
	       (!manifest->firmware_min[0] ||
		verity_json_put(firmware, "min",
				json_object_new_string(manifest->firmware_min))) &&
	       (!manifest->firmware_max[0] ||
		verity_json_put(firmware, "max",
				json_object_new_string(manifest->firmware_max)));
}

/* Values at their defaults are left out. */
static bool put_optional(struct json_object *object,
			 const struct verity_manifest *manifest)
{
	const char *persistence = verity_persistence_name(manifest->persistence);

	if (manifest->priority &&
	    !verity_json_put(object, "priority", json_object_new_int(manifest->priority)))
		return false;
	if (manifest->epoch &&
	    !verity_json_put(object, "epoch", json_object_new_int64(manifest->epoch)))
		return false;
	if (manifest->persistence != VERITY_PERSISTENT_ALLOWED &&
	    !verity_json_put(object, "persistent", json_object_new_string(persistence)))
		return false;
	if (!verity_manifest_put_limits(manifest, object))
		return false;
	return manifest->built < 0 ||
	       verity_json_put(object, "built", json_object_new_int64(manifest->built));
}

static bool build(const struct verity_manifest *manifest, struct json_object *object)
{
	return verity_json_put(object, "type", json_object_new_string("package")) &&
	       verity_json_put(object, "format", json_object_new_int(1)) &&
	       verity_json_put(object, "name", json_object_new_string(manifest->name)) &&
	       verity_json_put(object, "version",
			       json_object_new_string(manifest->version)) &&
	       verity_json_put(object, "description",
			       json_object_new_string(manifest->description)) &&
	       put_image(object, manifest) && put_optional(object, manifest);
}

int verity_manifest_encode(const struct verity_manifest *manifest, char **ret,
			   struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	cleanup_with(verity_manifest_free_p) struct verity_manifest *check = NULL;
	cleanup_free char *copy = NULL;
	const char *text;
	int r;

	if (!object || !build(manifest, object))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	text = json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	copy = text ? strdup(text) : NULL;
	if (!copy)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");

	/* What no reader would accept is not written: the decoder holds all limits. */
	r = verity_manifest_decode(copy, strlen(copy), &check, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&copy);
	return 0;
}
