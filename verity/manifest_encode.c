/* SPDX-License-Identifier: MIT */
#include "verity/manifest.h"

#include <json.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cleanup.h"
#include "verity/hex.h"

static void json_object_put_p(struct json_object **object)
{
	json_object_put(*object);
}

DEFINE_CLEANUP(struct verity_manifest, verity_manifest_free);

/* Takes @value, also where it fails: NULL values mean that memory ran out. */
static int add(struct json_object *object, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(object, key, value) == 0)
		return 0;
	json_object_put(value);
	return verity_fail(NULL, VERITY_E_NO_MEMORY, "out of memory");
}

static struct json_object *hex_new(const uint8_t *bytes, size_t count)
{
	char text[2 * VERITY_SALT_MAX + 1];

	verity_hex_encode(bytes, count, text);
	return json_object_new_string(text);
}

static int add_kernel_signature(struct json_object *image,
				const struct verity_manifest *manifest)
{
	cleanup_free char *text = NULL;

	if (!manifest->kernel_signature)
		return 0;
	text = malloc(manifest->kernel_signature_bytes * 4 / 3 + 5);
	if (!text)
		return verity_fail(NULL, VERITY_E_NO_MEMORY, "out of memory");
	EVP_EncodeBlock((unsigned char *)text, manifest->kernel_signature,
			(int)manifest->kernel_signature_bytes);
	return add(image, "kernel_signature", json_object_new_string(text));
}

static int add_image(struct json_object *object, const struct verity_manifest *manifest)
{
	struct json_object *image = json_object_new_object();

	if (add(object, "image", image) < 0 ||
	    add(image, "bytes", json_object_new_uint64(manifest->image_bytes)) < 0 ||
	    add(image, "hash", json_object_new_string("sha256")) < 0 ||
	    add(image, "salt", hex_new(manifest->salt, manifest->salt_bytes)) < 0 ||
	    add(image, "root_hash",
		hex_new(manifest->root_hash, sizeof(manifest->root_hash))) < 0)
		return verity_fail(NULL, VERITY_E_NO_MEMORY, "out of memory");
	return add_kernel_signature(image, manifest);
}

static int add_compatible(struct json_object *object,
			  const struct verity_manifest *manifest)
{
	struct json_object *list;

	if (!manifest->compatible_count)
		return 0;
	list = json_object_new_array();
	if (add(object, "compatible", list) < 0)
		return verity_fail(NULL, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < manifest->compatible_count; i++) {
		struct json_object *glob =
			json_object_new_string(manifest->compatible[i]);

		if (!glob || json_object_array_add(list, glob) < 0) {
			json_object_put(glob);
			return verity_fail(NULL, VERITY_E_NO_MEMORY, "out of memory");
		}
	}
	return 0;
}

static int add_firmware(struct json_object *object,
			const struct verity_manifest *manifest)
{
	struct json_object *firmware;
	int r = 0;

	if (!manifest->firmware_min[0] && !manifest->firmware_max[0])
		return 0;
	firmware = json_object_new_object();
	r = add(object, "firmware", firmware);
	if (r == 0 && manifest->firmware_min[0])
		r = add(firmware, "min", json_object_new_string(manifest->firmware_min));
	if (r == 0 && manifest->firmware_max[0])
		r = add(firmware, "max", json_object_new_string(manifest->firmware_max));
	return r;
}

/* Values at their defaults are left out. */
static int add_optional(struct json_object *object,
			const struct verity_manifest *manifest)
{
	int r = 0;

	if (manifest->priority)
		r = add(object, "priority", json_object_new_int(manifest->priority));
	if (r == 0 && manifest->epoch)
		r = add(object, "epoch", json_object_new_int64(manifest->epoch));
	if (r == 0 && manifest->persistence != VERITY_PERSISTENT_ALLOWED)
		r = add(object, "persistent",
			json_object_new_string(
				verity_persistence_name(manifest->persistence)));
	if (r == 0)
		r = add_compatible(object, manifest);
	if (r == 0)
		r = add_firmware(object, manifest);
	if (r == 0 && manifest->built >= 0)
		r = add(object, "built", json_object_new_int64(manifest->built));
	return r;
}

static int build(const struct verity_manifest *manifest, struct json_object *object)
{
	if (add(object, "type", json_object_new_string("package")) < 0 ||
	    add(object, "format", json_object_new_int(1)) < 0 ||
	    add(object, "name", json_object_new_string(manifest->name)) < 0 ||
	    add(object, "version", json_object_new_string(manifest->version)) < 0 ||
	    add(object, "description", json_object_new_string(manifest->description)) <
		    0 ||
	    add_image(object, manifest) < 0)
		return verity_fail(NULL, VERITY_E_NO_MEMORY, "out of memory");
	return add_optional(object, manifest);
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

	if (!object || build(manifest, object) < 0)
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
