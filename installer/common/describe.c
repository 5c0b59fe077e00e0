/* SPDX-License-Identifier: MIT */
/* Describing a package and its verdict. */
#include "installer/common/describe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "verity/util/hex.h"
#include "verity/util/text.h"

#define LABEL_WIDTH 13 /* of the longest; a hash behind it ends within 80 columns */
#define LINE_BYTES  2048

static const struct describe_listener *listener;

void describe_listen(const struct describe_listener *to)
{
	listener = to;
}

void describe_line(const char *label, const char *format, ...)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	char text[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (listener)
		listener->take(listener->context, label, verity_text_plain(text));
	else
		layout_printf(stdout, &layout, LABEL_WIDTH + 2, "%*s: %s",
			      layout.width ? LABEL_WIDTH : 0, label, text);
}

static void print_time(const char *label, int64_t when)
{
	char text[32];

	verity_text_format_time(when, text);
	describe_line(label, "%s", text);
}

static void print_hex(const char *label, const uint8_t *bytes, size_t count)
{
	char text[2 * VERITY_SALT_MAX + 1];

	verity_hex_encode(bytes, count, text);
	describe_line(label, "%s", text);
}

void describe_print_image(const struct verity_manifest *manifest, const uint32_t *floor,
			  bool detail)
{
	describe_line("Persistence", "%s",
		      verity_persistence_name(manifest->persistence));
	describe_line("Priority", "%d", manifest->priority);
	describe_line("Epoch", "%" PRIu32, manifest->epoch);
	if (floor)
		describe_line("Epoch floor", "%" PRIu32, *floor);
	for (size_t i = 0; i < manifest->compatible_count; i++)
		describe_line("Compatible", "%s", manifest->compatible[i]);
	if (manifest->firmware_min[0])
		describe_line("Firmware from", "%s", manifest->firmware_min);
	if (manifest->firmware_max[0])
		describe_line("Firmware to", "%s", manifest->firmware_max);
	for (size_t i = 0; i < manifest->needs_count; i++) {
		char need[VERITY_NEED_BYTES];

		verity_need_format(&manifest->needs[i], need);
		describe_line("Needs", "%s", need);
	}
	for (size_t i = 0; i < manifest->conflicts_count; i++)
		describe_line("Conflicts", "%s", manifest->conflicts[i]);
	if (manifest->built >= 0)
		print_time("Built", manifest->built);
	if (!detail)
		return;
	describe_line("Image bytes", "%" PRIu64, manifest->image_bytes);
	print_hex("Salt", manifest->salt, manifest->salt_bytes);
	print_hex("Root hash", manifest->root_hash, sizeof(manifest->root_hash));
	describe_line("Kernel signed", "%s", manifest->kernel_signature ? "yes" : "no");
}

void describe_print_signers(const struct verity_signatures *signatures, bool detail)
{
	for (size_t i = 0; i < signatures->count; i++) {
		const struct verity_signer *signer = &signatures->signers[i];

		describe_line("Signer", "%s", signer->subject);
		if (signer->anchor[0])
			describe_line("Trusted by", "%s", signer->anchor);
		if (detail)
			print_hex("Signer key", signer->key_id, sizeof(signer->key_id));
		if (signer->signed_at >= 0)
			print_time("Signed at", signer->signed_at);
		if (signer->stamped_at >= 0) {
			print_time("Timestamp", signer->stamped_at);
			describe_line("Timestamp by", "%s", signer->stamped_by);
		}
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
	const struct verity_manifest *manifest = judgement->manifest;

	describe_print_verdict(judgement->verdict, &judgement->reason);
	describe_print_signers(&judgement->signatures, true);
	if (manifest) {
		describe_line("Identity", "%s", manifest->name);
		describe_line("Version", "%s", manifest->version);
		describe_line("Description", "%s", manifest->description);
		describe_print_image(manifest, NULL, true);
	}
	if (layout)
		describe_line("File bytes", "%" PRIu64, layout->file_bytes);
}

void describe_put_signer(struct verity_json_writer *json, const char *key,
			 const struct verity_signer *signer)
{
	verity_json_open(json, key);
	verity_json_text(json, "subject", signer->subject);
	verity_json_hex(json, "key", signer->key_id, sizeof(signer->key_id));
	verity_json_some_text(json, "trusted_by", signer->anchor);
	if (signer->signed_at >= 0)
		verity_json_int(json, "signed_at", signer->signed_at);
	if (signer->stamped_at >= 0) {
		verity_json_int(json, "timestamp", signer->stamped_at);
		verity_json_text(json, "timestamp_by", signer->stamped_by);
	}
	verity_json_close(json);
}

void describe_put_signers(struct verity_json_writer *json,
			  const struct verity_signatures *signatures)
{
	if (signatures->count == 0)
		return;
	verity_json_open_list(json, "signers");
	for (size_t i = 0; i < signatures->count; i++)
		describe_put_signer(json, NULL, &signatures->signers[i]);
	verity_json_close(json);
	describe_put_signer(json, "signer", &signatures->signers[0]);
}

static void put_manifest(struct verity_json_writer *json,
			 const struct verity_manifest *manifest)
{
	verity_json_text(json, "name", manifest->name);
	verity_json_text(json, "version", manifest->version);
	verity_json_text(json, "description", manifest->description);
	verity_json_text(json, "persistent",
			 verity_persistence_name(manifest->persistence));
	verity_json_int(json, "priority", manifest->priority);
	verity_json_uint(json, "epoch", manifest->epoch);
	verity_manifest_put_limits(json, manifest);
	verity_json_open(json, "image");
	verity_json_uint(json, "bytes", manifest->image_bytes);
	verity_json_hex(json, "salt", manifest->salt, manifest->salt_bytes);
	verity_json_hex(json, "root_hash", manifest->root_hash,
			sizeof(manifest->root_hash));
	verity_json_close(json);
	verity_json_bool(json, "kernel_signature", manifest->kernel_signature != NULL);
	if (manifest->built >= 0)
		verity_json_int(json, "built", manifest->built);
}

void describe_put_verdict(struct verity_json_writer *json, enum verity_verdict verdict,
			  const struct verity_error *reason)
{
	verity_json_text(json, "verdict", verity_verdict_name(verdict));
	verity_json_reason(json, "reason", reason, NULL);
}

void describe_put_judgement(struct verity_json_writer *json,
			    const struct verity_judgement *judgement,
			    const struct verity_layout *layout)
{
	const struct verity_manifest *manifest = judgement->manifest;

	describe_put_verdict(json, judgement->verdict, &judgement->reason);
	describe_put_signers(json, &judgement->signatures);
	if (manifest)
		put_manifest(json, manifest);
	if (layout)
		verity_json_uint(json, "file_bytes", layout->file_bytes);
}
