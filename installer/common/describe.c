/* SPDX-License-Identifier: MIT */
#include "installer/common/describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

#define LABEL_WIDTH 13 /* of the longest; a hash behind it ends within 80 columns */
#define LINE_BYTES  2048

void describe_format_time(int64_t when, char ret[static 32])
{
	time_t seconds = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    strftime(ret, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(ret, 32, "%" PRId64, when);
}

void describe_line(const char *label, const char *format, ...)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	char text[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	layout_printf(stdout, &layout, LABEL_WIDTH + 2, "%*s: %s",
		      layout.width ? LABEL_WIDTH : 0, label, text);
}

static void print_time(const char *label, int64_t when)
{
	char text[32];

	describe_format_time(when, text);
	describe_line(label, "%s", text);
}

static void print_hex(const char *label, const uint8_t *bytes, size_t count)
{
	char text[2 * VERITY_SALT_MAX + 1];

	verity_hex_encode(bytes, count, text);
	describe_line(label, "%s", text);
}

static void print_limits(const struct verity_manifest *manifest)
{
	for (size_t i = 0; i < manifest->compatible_count; i++)
		describe_line("Compatible", "%s", manifest->compatible[i]);
	if (manifest->firmware_min[0])
		describe_line("Firmware from", "%s", manifest->firmware_min);
	if (manifest->firmware_max[0])
		describe_line("Firmware to", "%s", manifest->firmware_max);
}

void describe_print_image(const struct verity_manifest *manifest, const uint32_t *floor)
{
	describe_line("Persistence", "%s",
		      verity_persistence_name(manifest->persistence));
	describe_line("Priority", "%d", manifest->priority);
	describe_line("Epoch", "%" PRIu32, manifest->epoch);
	if (floor)
		describe_line("Epoch floor", "%" PRIu32, *floor);
	print_limits(manifest);
	if (manifest->built >= 0)
		print_time("Built", manifest->built);
	describe_line("Image bytes", "%" PRIu64, manifest->image_bytes);
	print_hex("Salt", manifest->salt, manifest->salt_bytes);
	print_hex("Root hash", manifest->root_hash, sizeof(manifest->root_hash));
	describe_line("Kernel signed", "%s", manifest->kernel_signature ? "yes" : "no");
}

void describe_print_signers(const struct verity_signatures *signatures)
{
	for (size_t i = 0; i < signatures->count; i++) {
		const struct verity_signer *signer = &signatures->signers[i];

		describe_line("Signer", "%s", signer->subject);
		if (signer->anchor[0])
			describe_line("Trusted by", "%s", signer->anchor);
		print_hex("Signer key", signer->key_id, sizeof(signer->key_id));
		if (signer->signed_at >= 0)
			print_time("Signed at", signer->signed_at);
	}
}

void describe_print_verdict(enum verity_verdict verdict,
			    const struct verity_error *reason)
{
	describe_line("Verification", "%s", verity_verdict_name(verdict));
	if (reason->code != VERITY_OK)
		describe_line("Reason", "%s (%s)", reason->message,
			      verity_code_name(reason->code));
}

void describe_print(const struct verity_judgement *judgement,
		    const struct verity_layout *layout)
{
	const struct verity_manifest *manifest = verity_judgement_manifest(judgement);

	describe_print_verdict(verity_judgement_verdict(judgement),
			       verity_judgement_reason(judgement));
	describe_print_signers(verity_judgement_signatures(judgement));
	if (manifest) {
		describe_line("Identity", "%s", manifest->name);
		describe_line("Version", "%s", manifest->version);
		describe_line("Description", "%s", manifest->description);
		describe_print_image(manifest, NULL);
	}
	if (layout)
		describe_line("File bytes", "%" PRIu64, layout->file_bytes);
}

static bool put_text(struct json_object *object, const char *key, const char *text)
{
	return verity_json_put(object, key, json_object_new_string(text));
}

static bool put_hex(struct json_object *object, const char *key, const uint8_t *bytes,
		    size_t count)
{
	char text[2 * VERITY_SALT_MAX + 1];

	verity_hex_encode(bytes, count, text);
	return put_text(object, key, text);
}

bool describe_put_reason(struct json_object *object, const char *key,
			 const struct verity_error *reason, const char *hint)
{
	char plain[VERITY_MESSAGE_MAX];
	struct json_object *child;

	if (reason->code == VERITY_OK)
		return true;
	snprintf(plain, sizeof(plain), "%s", reason->message);
	child = json_object_new_object();
	return verity_json_put(object, key, child) &&
	       put_text(child, "code", verity_code_name(reason->code)) &&
	       put_text(child, "message", verity_text_plain(plain)) &&
	       (!hint || put_text(child, "hint", hint));
}

/* A file's name may hold any byte; JSON may not. */
static bool put_plain(struct json_object *object, const char *key, const char *text)
{
	char plain[VERITY_KEYRING_NAME_MAX + 1];

	snprintf(plain, sizeof(plain), "%s", text);
	return put_text(object, key, verity_text_plain(plain));
}

struct json_object *describe_signer(const struct verity_signer *signer)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();

	if (!object || !put_text(object, "subject", signer->subject) ||
	    !put_hex(object, "key", signer->key_id, sizeof(signer->key_id)) ||
	    (signer->anchor[0] && !put_plain(object, "trusted_by", signer->anchor)) ||
	    (signer->signed_at >= 0 &&
	     !verity_json_put(object, "signed_at",
			      json_object_new_int64(signer->signed_at))))
		return NULL;
	return steal_ptr(&object);
}

bool describe_put_signers(struct json_object *object,
			  const struct verity_signatures *signatures)
{
	struct json_object *list;

	if (signatures->count == 0)
		return true;
	list = json_object_new_array();
	if (!verity_json_put(object, "signers", list))
		return false;
	for (size_t i = 0; i < signatures->count; i++)
		if (!verity_json_append(list, describe_signer(&signatures->signers[i])))
			return false;
	return verity_json_put(object, "signer",
			       describe_signer(&signatures->signers[0]));
}

static bool put_image(struct json_object *object, const struct verity_manifest *manifest)
{
	struct json_object *image = json_object_new_object();

	return verity_json_put(object, "image", image) &&
	       verity_json_put(image, "bytes",
			       json_object_new_uint64(manifest->image_bytes)) &&
	       put_hex(image, "salt", manifest->salt, manifest->salt_bytes) &&
	       put_hex(image, "root_hash", manifest->root_hash,
		       sizeof(manifest->root_hash));
}

static bool put_manifest(struct json_object *object,
			 const struct verity_manifest *manifest)
{
	const char *persistence;

	if (!manifest)
		return true;
	persistence = verity_persistence_name(manifest->persistence);
	return put_text(object, "name", manifest->name) &&
	       put_text(object, "version", manifest->version) &&
	       put_text(object, "description", manifest->description) &&
	       put_text(object, "persistent", persistence) &&
	       verity_json_put(object, "priority",
			       json_object_new_int(manifest->priority)) &&
	       verity_json_put(object, "epoch", json_object_new_int64(manifest->epoch)) &&
	       verity_manifest_put_limits(manifest, object) &&
	       put_image(object, manifest) &&
	       verity_json_put(
		       object, "kernel_signature",
		       json_object_new_boolean(manifest->kernel_signature != NULL)) &&
	       (manifest->built < 0 ||
		verity_json_put(object, "built", json_object_new_int64(manifest->built)));
}

bool describe_put_verdict(struct json_object *object, enum verity_verdict verdict,
			  const struct verity_error *reason)
{
	return put_text(object, "verdict", verity_verdict_name(verdict)) &&
	       describe_put_reason(object, "reason", reason, NULL);
}

int describe_add_json(struct json_object *object,
		      const struct verity_judgement *judgement,
		      const struct verity_layout *layout, struct verity_error *err)
{
	if (describe_put_verdict(object, verity_judgement_verdict(judgement),
				 verity_judgement_reason(judgement)) &&
	    describe_put_signers(object, verity_judgement_signatures(judgement)) &&
	    put_manifest(object, verity_judgement_manifest(judgement)) &&
	    (!layout || verity_json_put(object, "file_bytes",
					json_object_new_uint64(layout->file_bytes))))
		return 0;
	return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
}
