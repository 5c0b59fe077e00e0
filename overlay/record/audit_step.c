/* SPDX-License-Identifier: MIT */
/* Keeps the lines of a step, and writes those that were cut off. */
#include "overlay/record/audit_step.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <string.h>

#include "overlay/record/audit.h"
#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_table.h"

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

#define LINE struct overlay_audit_step_line
#define STEP struct overlay_audit_step

static const char *const event_names[] = {
#define X(event, name) [OVERLAY_AUDIT_##event] = name,
	OVERLAY_AUDIT_EVENTS(X)
#undef X
};

static const char *const code_names[] = {[VERITY_OK] = "ok",
#define X(code, name, ...) [VERITY_E_##code] = name,
					 VERITY_ERRORS(X)
#undef X
};

static const struct verity_json_field line_fields[] = {
	VERITY_JSON_NAME("event", LINE, event, event_names),
	VERITY_JSON_TEXT("package", LINE, package.name, .presence = VERITY_JSON_OPTIONAL,
			 .valid = verity_name_valid),
	VERITY_JSON_BOOL("persistent", LINE, package.kind),
	VERITY_JSON_TEXT("version", LINE, version, .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_TEXT("verdict", LINE, verdict, .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_HEX("id", LINE, id, .presence = VERITY_JSON_OPTIONAL,
			.counted = offsetof(LINE, id_bytes)),
	VERITY_JSON_TEXT("signer", LINE, signer, .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_TEXT("source", LINE, source, .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_TEXT("detail", LINE, detail, .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_NAME("code", LINE, reason.code, code_names,
			 .presence = VERITY_JSON_OPTIONAL, .absent = VERITY_OK),
	VERITY_JSON_TEXT("message", LINE, reason.message,
			 .presence = VERITY_JSON_OPTIONAL),
	{.key = NULL},
};

static const struct verity_json_field line_item = {.type = VERITY_JSON_IS_OBJECT,
						   .fields = line_fields};

static const struct verity_json_field step_fields[] = {
	VERITY_JSON_WORD("type", "audit-step"),
	VERITY_JSON_FORMAT("format", 1),
	VERITY_JSON_TEXT("user", STEP, user, .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_INTEGER("time", STEP, time, .max = INT64_MAX),
	VERITY_JSON_INTEGER("after", STEP, after, .max = OVERLAY_AUDIT_NUMBER_MAX),
	VERITY_JSON_LIST("lines", STEP, lines, count, &line_item, OVERLAY_AUDIT_STEP_MAX),
	{.key = NULL},
};

void overlay_audit_step_free(struct overlay_audit_step *step)
{
	free(step->lines);
	*step = (struct overlay_audit_step){.count = 0};
}

int overlay_audit_step_decode(const void *bytes, size_t size,
			      struct overlay_audit_step *ret, struct verity_error *err)
{
	cleanup_with(overlay_audit_step_free) struct overlay_audit_step step = {0};
	int r = verity_json_decode(bytes, size, step_fields, VERITY_E_BAD_RECORD, &step,
				   err);

	for (size_t i = 0; r == 0 && i < step.count; i++)
		if (step.lines[i].id_bytes % VERITY_DIGEST_BYTES != 0)
			r = verity_fail(err, VERITY_E_BAD_RECORD, "id: not a digest");
	if (r < 0)
		return r;
	*ret = step;
	step = (struct overlay_audit_step){.count = 0};
	return 0;
}

#define COPY(to, from) copy(from, sizeof(to) - 1, to)

/* As a line of the log would have it: see overlay_audit_text_cut(). */
static void copy(const char *text, size_t max, char *ret)
{
	size_t size = text ? overlay_audit_text_cut(text, max) : 0;

	if (size > 0)
		memcpy(ret, text, size);
	ret[size] = '\0';
}

static void take(const struct overlay_audit_entry *entry, LINE *ret)
{
	*ret = (LINE){.event = entry->event};
	if (entry->package)
		ret->package = *entry->package;
	COPY(ret->version, entry->version);
	COPY(ret->verdict, entry->verdict);
	COPY(ret->signer, entry->signer);
	COPY(ret->source, entry->source);
	COPY(ret->detail, entry->detail);
	if (entry->reason && entry->reason->code != VERITY_OK)
		ret->reason = *entry->reason;
	if (entry->id) {
		memcpy(ret->id, entry->id, sizeof(ret->id));
		ret->id_bytes = sizeof(ret->id);
	}
}

static struct overlay_audit_entry entry_of(const LINE *line)
{
	return (struct overlay_audit_entry){
		.event = line->event,
		.package = line->package.name[0] ? &line->package : NULL,
		.version = line->version,
		.verdict = line->verdict,
		.id = line->id_bytes ? line->id : NULL,
		.signer = line->signer,
		.source = line->source,
		.detail = line->detail,
		.reason = &line->reason,
	};
}

static int digest_of(const void *bytes, size_t size,
		     uint8_t ret[static VERITY_DIGEST_BYTES], struct verity_error *err)
{
	return EVP_Digest(bytes, size, ret, NULL, EVP_sha256(), NULL) == 1
		       ? 0
		       : verity_no_memory(err);
}

int overlay_audit_step_keep(int record_fd, int64_t now, const char *user,
			    const struct overlay_audit_entry *entries, size_t count,
			    uint8_t ret[static VERITY_DIGEST_BYTES],
			    struct verity_error *err)
{
	cleanup_with(overlay_audit_step_free) struct overlay_audit_step step = {
		.time = now > 0 ? now : 0};
	char unused[2 * VERITY_DIGEST_BYTES + 1];
	cleanup_free char *text = NULL;
	int r;

	if (count > OVERLAY_AUDIT_STEP_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY, "more than %d lines of a step",
				   OVERLAY_AUDIT_STEP_MAX);
	step.lines = calloc(count + 1, sizeof(*step.lines));
	if (!step.lines)
		return verity_no_memory(err);
	COPY(step.user, user);
	for (step.count = 0; step.count < count; step.count++)
		take(&entries[step.count], &step.lines[step.count]);
	/* A log that is missing or damaged begins with the next line. */
	r = overlay_audit_mark(record_fd, &step.after, unused, err);
	if (r < 0 && r != -ENOENT && !overlay_record_is_damage(r))
		return r;
	if (r < 0)
		step.after = 0;
	r = verity_json_encode(&step, step_fields, VERITY_JSON_COMPACT, &text, err);
	if (r == 0 && strlen(text) > OVERLAY_AUDIT_STEP_BYTES)
		r = verity_fail(err, VERITY_E_TOO_MANY,
				"the lines of a step have more than %d bytes",
				OVERLAY_AUDIT_STEP_BYTES);
	if (r == 0)
		r = digest_of(text, strlen(text), ret, err);
	return r < 0 ? r
		     : overlay_record_put(record_fd, OVERLAY_RECORD_AUDIT_STEP, text,
					  strlen(text), err);
}

/* Of the lines, and what of them the log has. */
struct seen {
	const struct overlay_audit_step *step;
	size_t first; /* that is not known to be there */
	int r;
};

static bool is_there(const struct overlay_audit_step *step, size_t index,
		     const char *line, size_t size, int *ret_r)
{
	const struct overlay_audit_entry entry = entry_of(&step->lines[index]);
	const struct overlay_audit_stamp stamp = {.user = step->user};
	const struct overlay_audit_link none = {.number = 0};
	char text[OVERLAY_AUDIT_LINE_MAX + 1];
	struct overlay_audit_link unused;
	int r = overlay_audit_line_encode(&entry, &stamp, 1, &none, text, &unused, NULL);

	if (r < 0)
		*ret_r = r;
	return r == 0 && overlay_audit_line_same(text, strlen(text), line, size);
}

/*
 * They are written in their order, so where the log has one, it has had those before it
 * as well, although it may have made room for newer ones since.
 */
static void look(void *context, const char *line, size_t size, struct json_object *object)
{
	struct seen *seen = context;
	struct overlay_audit_link link;
	size_t at = seen->first;

	(void)object;
	if (overlay_audit_line_decode(line, size, &link, NULL) < 0 ||
	    link.number <= seen->step->after)
		return;
	while (seen->r == 0 && at < seen->step->count &&
	       !is_there(seen->step, at, line, size, &seen->r))
		at++;
	if (at < seen->step->count)
		seen->first = at + 1;
}

static int write_missing(int record_fd, size_t max_bytes,
			 const struct overlay_audit_step *step, struct verity_error *err)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit = NULL;
	cleanup_free struct overlay_audit_entry *entries =
		calloc(step->count + 1, sizeof(*entries));
	struct seen seen = {.step = step};
	int r;

	if (!entries)
		return verity_no_memory(err);
	r = overlay_audit_each(record_fd, SIZE_MAX, false, look, &seen, err);
	if (r == -ENOENT)
		r = 0;
	if (r == 0 && seen.r < 0)
		r = verity_no_memory(err);
	for (size_t i = 0; i < step->count; i++)
		entries[i] = entry_of(&step->lines[i]);
	if (r == 0 && seen.first < step->count) {
		r = overlay_audit_open(record_fd, max_bytes, step->time, step->user,
				       &audit, err);
		if (r == 0)
			r = overlay_audit_append(audit, entries + seen.first,
						 step->count - seen.first, err);
	}
	return r;
}

int overlay_audit_step_finish(int record_fd, size_t max_bytes,
			      const uint8_t digest[static VERITY_DIGEST_BYTES],
			      struct verity_error *err)
{
	cleanup_with(overlay_audit_step_free) struct overlay_audit_step step = {0};
	uint8_t found[VERITY_DIGEST_BYTES] = {0};
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = overlay_record_load(record_fd, OVERLAY_RECORD_AUDIT_STEP,
				    OVERLAY_AUDIT_STEP_BYTES, &bytes, &size, err);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = digest_of(bytes, size, found, err);
	if (r < 0 || memcmp(found, digest, sizeof(found)) != 0)
		return r;
	r = overlay_audit_step_decode(bytes, size, &step, err);
	if (r == 0)
		r = write_missing(record_fd, max_bytes, &step, err);
	return r < 0 ? r : overlay_audit_step_forget(record_fd, err);
}

int overlay_audit_step_forget(int record_fd, struct verity_error *err)
{
	return overlay_record_remove(record_fd, OVERLAY_RECORD_AUDIT_STEP, err);
}
