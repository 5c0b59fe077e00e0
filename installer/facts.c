/* SPDX-License-Identifier: MIT */
#include "installer/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "installer/report.h"
#include "verity/hex.h"

void facts_format_time(int64_t when, char ret[static 32])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(ret, 32, "%" PRId64, when);
}

static void print_time(const char *label, int64_t when)
{
	char text[32];

	facts_format_time(when, text);
	printf("%s: %s\n", label, text);
}

static void print_hex(const char *label, const uint8_t *bytes, size_t count)
{
	char text[2 * VERITY_SALT_MAX + 1];

	verity_hex_encode(bytes, count, text);
	printf("%s: %s\n", label, text);
}

static void print_limits(const struct verity_manifest *manifest)
{
	for (size_t i = 0; i < manifest->compatible_count; i++)
		printf("Compatible: %s\n", manifest->compatible[i]);
	if (manifest->firmware_min[0])
		printf("Firmware from: %s\n", manifest->firmware_min);
	if (manifest->firmware_max[0])
		printf("Firmware to: %s\n", manifest->firmware_max);
}

static void print_manifest(const struct verity_manifest *manifest)
{
	printf("Identity: %s\n", manifest->name);
	printf("Version: %s\n", manifest->version);
	printf("Description: %s\n", manifest->description);
	printf("Persistence: %s\n", verity_persistence_name(manifest->persistence));
	printf("Priority: %d\n", manifest->priority);
	printf("Epoch: %" PRIu32 "\n", manifest->epoch);
	print_limits(manifest);
	if (manifest->built >= 0)
		print_time("Built", manifest->built);
	printf("Image bytes: %" PRIu64 "\n", manifest->image_bytes);
	print_hex("Salt", manifest->salt, manifest->salt_bytes);
	print_hex("Root hash", manifest->root_hash, sizeof(manifest->root_hash));
}

void facts_print(const struct verity_judgement *judgement,
		 const struct verity_layout *layout)
{
	const struct verity_error *reason = verity_judgement_reason(judgement);
	const struct verity_manifest *manifest = verity_judgement_manifest(judgement);
	const struct verity_signer *signer = verity_judgement_signer(judgement);

	printf("Verification: %s\n",
	       verity_verdict_name(verity_judgement_verdict(judgement)));
	if (reason->code != VERITY_OK) {
		printf("Reason: ");
		report_plain(stdout, reason->message);
		printf(" (%s)\n", verity_code_name(reason->code));
	}
	if (signer)
		printf("Signer: %s\n", signer->subject);
	if (signer && signer->signed_at >= 0)
		print_time("Signed at", signer->signed_at);
	if (manifest)
		print_manifest(manifest);
	if (layout)
		printf("File bytes: %" PRIu64 "\n", layout->file_bytes);
}

/* Takes @value, also where it fails; NULL means that memory ran out. */
static int add(struct json_object *object, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(object, key, value) == 0)
		return 0;
	json_object_put(value);
	return verity_fail(NULL, VERITY_E_NO_MEMORY, "out of memory");
}

static int add_text(struct json_object *object, const char *key, const char *text)
{
	return add(object, key, json_object_new_string(text));
}

static int add_hex(struct json_object *object, const char *key, const uint8_t *bytes,
		   size_t count)
{
	char text[2 * VERITY_SALT_MAX + 1];

	verity_hex_encode(bytes, count, text);
	return add_text(object, key, text);
}

static int add_reason(struct json_object *object, const struct verity_error *reason)
{
	struct json_object *child;

	if (reason->code == VERITY_OK)
		return 0;
	child = json_object_new_object();
	if (add(object, "reason", child) < 0 ||
	    add_text(child, "code", verity_code_name(reason->code)) < 0)
		return -1;
	return add_text(child, "message", reason->message);
}

static int add_signer(struct json_object *object, const struct verity_signer *signer)
{
	struct json_object *child;

	if (!signer)
		return 0;
	child = json_object_new_object();
	if (add(object, "signer", child) < 0 ||
	    add_text(child, "subject", signer->subject) < 0)
		return -1;
	return signer->signed_at < 0 ? 0
				     : add(child, "signed_at",
					   json_object_new_int64(signer->signed_at));
}

static int add_limits(struct json_object *object, const struct verity_manifest *manifest)
{
	struct json_object *list, *firmware;

	if (manifest->compatible_count) {
		list = json_object_new_array();
		if (add(object, "compatible", list) < 0)
			return -1;
		for (size_t i = 0; i < manifest->compatible_count; i++)
			if (json_object_array_add(
				    list,
				    json_object_new_string(manifest->compatible[i])) < 0)
				return -1;
	}
	if (!manifest->firmware_min[0] && !manifest->firmware_max[0])
		return 0;
	firmware = json_object_new_object();
	if (add(object, "firmware", firmware) < 0 ||
	    (manifest->firmware_min[0] &&
	     add_text(firmware, "min", manifest->firmware_min) < 0))
		return -1;
	return manifest->firmware_max[0]
		       ? add_text(firmware, "max", manifest->firmware_max)
		       : 0;
}

static int add_image(struct json_object *object, const struct verity_manifest *manifest)
{
	struct json_object *image = json_object_new_object();

	if (add(object, "image", image) < 0 ||
	    add(image, "bytes", json_object_new_uint64(manifest->image_bytes)) < 0 ||
	    add_hex(image, "salt", manifest->salt, manifest->salt_bytes) < 0)
		return -1;
	return add_hex(image, "root_hash", manifest->root_hash,
		       sizeof(manifest->root_hash));
}

static int add_manifest(struct json_object *object,
			const struct verity_manifest *manifest)
{
	if (!manifest)
		return 0;
	if (add_text(object, "name", manifest->name) < 0 ||
	    add_text(object, "version", manifest->version) < 0 ||
	    add_text(object, "description", manifest->description) < 0 ||
	    add_text(object, "persistent",
		     verity_persistence_name(manifest->persistence)) < 0 ||
	    add(object, "priority", json_object_new_int(manifest->priority)) < 0 ||
	    add(object, "epoch", json_object_new_int64(manifest->epoch)) < 0 ||
	    add_limits(object, manifest) < 0 || add_image(object, manifest) < 0)
		return -1;
	return manifest->built < 0
		       ? 0
		       : add(object, "built", json_object_new_int64(manifest->built));
}

int facts_add_json(struct json_object *object, const struct verity_judgement *judgement,
		   const struct verity_layout *layout, struct verity_error *err)
{
	const char *verdict = verity_verdict_name(verity_judgement_verdict(judgement));

	if (add_text(object, "verdict", verdict) < 0 ||
	    add_reason(object, verity_judgement_reason(judgement)) < 0 ||
	    add_signer(object, verity_judgement_signer(judgement)) < 0 ||
	    add_manifest(object, verity_judgement_manifest(judgement)) < 0 ||
	    (layout &&
	     add(object, "file_bytes", json_object_new_uint64(layout->file_bytes)) < 0))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	return 0;
}
