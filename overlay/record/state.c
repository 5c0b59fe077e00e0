/* SPDX-License-Identifier: MIT */
/* Reads and writes RUN/state.json. */
#include "overlay/record/state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/mkdir.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/json_table.h"

#define FORMAT       1
#define PACKAGES_MAX 2048 /* entries; 6 MiB of them */

static_assert(OVERLAY_ORDINARY == 0 && OVERLAY_PERSISTENT == 1,
	      "`persistent` is the store");

static const char *const code_names[] = {[VERITY_OK] = "ok",
#define X(code, name, ...) [VERITY_E_##code] = name,
					 VERITY_ERRORS(X)
#undef X
};

static const struct verity_json_field reason_fields[] = {
	VERITY_JSON_NAME("code", struct verity_error, code, code_names),
	VERITY_JSON_TEXT("message", struct verity_error, message),
	{.key = NULL},
};

static const struct verity_json_field device_fields[] = {
	VERITY_JSON_TEXT("model", struct overlay_identity, model),
	VERITY_JSON_TEXT("serial", struct overlay_identity, serial),
	VERITY_JSON_TEXT("firmware", struct overlay_identity, firmware),
	{.key = NULL},
};

static const struct verity_json_field file_fields[] = {
	VERITY_JSON_INTEGER("inode", struct overlay_file_id, inode, .max = -1),
	VERITY_JSON_INTEGER("bytes", struct overlay_file_id, bytes, .max = -1),
	VERITY_JSON_INTEGER("changed_ns", struct overlay_file_id, changed_ns,
			    .min = INT64_MIN, .max = INT64_MAX),
	{.key = NULL},
};

static const struct verity_json_field span_fields[] = {
	VERITY_JSON_INTEGER("start_us", struct overlay_span, start_us,
			    .max = OVERLAY_CLOCK_MAX),
	VERITY_JSON_INTEGER("end_us", struct overlay_span, end_us,
			    .max = OVERLAY_CLOCK_MAX),
	{.key = NULL},
};

static const char *check_span(const void *object)
{
	const struct overlay_span *span = object;

	return span->start_us > span->end_us ? "it ends before it begins" : NULL;
}

static const struct verity_json_field step_field = {
	.type = VERITY_JSON_IS_OBJECT, .fields = span_fields, .check = check_span};

/* A step that an older initramfs does not have did not take place. */
static int get_steps(struct verity_json_reader *reader, struct json_object *value,
		     void *member)
{
	struct overlay_span *steps = member;
	struct json_object *step;
	int r = 0;

	if (!json_object_is_type(value, json_type_object))
		return verity_json_bad(reader, "not an object");
	for (unsigned i = 0; r == 0 && i < OVERLAY_STEPS; i++) {
		const char *name = overlay_step_name((enum overlay_step)i);

		if (json_object_object_get_ex(value, name, &step))
			r = verity_json_get(reader, name, step, &step_field, &steps[i]);
	}
	return r;
}

static void put_steps(struct verity_json_writer *json, const char *key,
		      const void *member)
{
	const struct overlay_span *steps = member;

	verity_json_open(json, key);
	for (unsigned i = 0; i < OVERLAY_STEPS; i++) {
		verity_json_open(json, overlay_step_name((enum overlay_step)i));
		verity_json_put_fields(json, span_fields, &steps[i]);
		verity_json_close(json);
	}
	verity_json_close(json);
}

#define ENTRY struct overlay_state_entry

static const struct verity_json_field entry_fields[] = {
	VERITY_JSON_TEXT("name", ENTRY, entry.name, .valid = verity_name_valid),
	VERITY_JSON_BOOL("persistent", ENTRY, entry.kind),
	VERITY_JSON_OBJECT("file", ENTRY, file, file_fields),
	VERITY_JSON_TEXT("identity", ENTRY, identity),
	VERITY_JSON_TEXT("version", ENTRY, version),
	VERITY_JSON_TEXT("description", ENTRY, description),
	VERITY_JSON_HEX("root_hash", ENTRY, root_hash, .presence = VERITY_JSON_LATER),
	VERITY_JSON_NAME("verification", ENTRY, verdict, verity_verdict_names),
	VERITY_JSON_BOOL("active", ENTRY, active),
	VERITY_JSON_OBJECT("reason", ENTRY, reason, reason_fields),
	VERITY_JSON_OBJECT("judging", ENTRY, judging, span_fields, .check = check_span,
			   .presence = VERITY_JSON_LATER),
	VERITY_JSON_OBJECT("attaching", ENTRY, attaching, span_fields,
			   .check = check_span, .presence = VERITY_JSON_LATER),
	{.key = NULL},
};

static const struct verity_json_field entry_item = {.type = VERITY_JSON_IS_OBJECT,
						    .fields = entry_fields};

static const struct verity_json_field unlisted_fields[] = {
	VERITY_JSON_INTEGER("junk", struct overlay_unlisted, junk, .max = -1),
	VERITY_JSON_INTEGER("links", struct overlay_unlisted, links, .max = -1),
	VERITY_JSON_INTEGER("over", struct overlay_unlisted, over, .max = -1),
	{.key = NULL},
};

#define UNLISTED struct overlay_unlisted_stores

struct overlay_unlisted_stores {
	struct overlay_unlisted kinds[2];
};

static const struct verity_json_field stores_fields[] = {
	VERITY_JSON_OBJECT("data", UNLISTED, kinds[OVERLAY_ORDINARY], unlisted_fields),
	VERITY_JSON_OBJECT("persist", UNLISTED, kinds[OVERLAY_PERSISTENT],
			   unlisted_fields),
	{.key = NULL},
};

static const struct verity_json_field state_fields[] = {
	VERITY_JSON_FORMAT("format", FORMAT),
	VERITY_JSON_BOOL("safe", struct overlay_state, safe),
	VERITY_JSON_BOOL("allow_untrusted", struct overlay_state, allow_untrusted),
	VERITY_JSON_OBJECT("locked", struct overlay_state, locked, reason_fields,
			   .presence = VERITY_JSON_LATER),
	VERITY_JSON_OBJECT("anchor", struct overlay_state, anchor, overlay_anchor_fields,
			   .presence = VERITY_JSON_LATER),
	VERITY_JSON_OBJECT("device", struct overlay_state, identity, device_fields,
			   .presence = VERITY_JSON_LATER),
	VERITY_JSON_INTEGER("boot", struct overlay_state, boot, .max = -1,
			    .presence = VERITY_JSON_LATER),
	VERITY_JSON_INTEGER("denylist", struct overlay_state, denylist, .max = UINT32_MAX,
			    .presence = VERITY_JSON_LATER),
	VERITY_JSON_OBJECT("stack", struct overlay_state, stack, reason_fields),
	{.key = "steps",
	 .type = VERITY_JSON_IS_CUSTOM,
	 .presence = VERITY_JSON_LATER,
	 .offset = offsetof(struct overlay_state, steps),
	 .decode = get_steps,
	 .encode = put_steps},
	VERITY_JSON_OBJECT("unlisted", struct overlay_state, unlisted, stores_fields,
			   .presence = VERITY_JSON_LATER),
	VERITY_JSON_LIST("packages", struct overlay_state, entries, count, &entry_item,
			 PACKAGES_MAX),
	{.key = NULL},
};

int overlay_state_encode(const struct overlay_state *state, char **ret,
			 struct verity_error *err)
{
	if (state->count > PACKAGES_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY, "%zu packages", state->count);
	return verity_json_encode(state, state_fields, VERITY_JSON_SPACED, ret, err);
}

int overlay_state_decode(const char *text, size_t size, struct overlay_state *ret,
			 struct verity_error *err)
{
	cleanup_with(overlay_state_free) struct overlay_state state = {0};
	int r;

	if (size > OVERLAY_STATE_MAX) {
		verity_fail(err, VERITY_E_IO, "state: over %d bytes", OVERLAY_STATE_MAX);
		return -EBADMSG;
	}
	r = verity_json_decode(text, size, state_fields, VERITY_E_IO, &state, err);
	if (r < 0)
		return verity_context(err, r, "state");
	*ret = state;
	state = (struct overlay_state){0};
	return 0;
}

void overlay_state_free(struct overlay_state *state)
{
	free(state->entries);
	state->entries = NULL;
	state->count = 0;
}

int overlay_state_write(const char *run, const struct overlay_state *state,
			struct verity_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_fd int folder = -1;
	size_t size;
	int r = overlay_state_encode(state, &text, err);

	if (r == 0)
		r = overlay_folder_make(run, 0755, err);
	if (r < 0)
		return r;
	folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return verity_fail_errno(err, errno, "%s", run);
	size = strlen(text);
	text[size] = '\n'; /* in place of the 0 */
	r = verity_io_replace(folder, OVERLAY_STATE_FILE, 0644, text, size + 1, err);
	return r < 0 ? verity_context(err, r, "%s", run) : 0;
}

int overlay_state_read(const char *run, struct overlay_state *ret,
		       struct verity_error *err)
{
	cleanup_free char *text = NULL;
	cleanup_fd int folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t size;
	int r;

	if (folder < 0)
		return verity_fail_errno(err, errno, "%s", run);
	r = verity_io_load(folder, OVERLAY_STATE_FILE, OVERLAY_STATE_MAX, &text, &size,
			   err);
	if (r == 0)
		r = overlay_state_decode(text, size, ret, err);
	return r < 0 ? verity_context(err, r, "%s", run) : 0;
}

const struct overlay_state_entry *overlay_state_find(const struct overlay_state *state,
						     const struct overlay_entry *entry)
{
	for (size_t i = 0; i < state->count; i++)
		if (state->entries[i].entry.kind == entry->kind &&
		    strcmp(state->entries[i].entry.name, entry->name) == 0)
			return &state->entries[i];
	return NULL;
}

void overlay_file_id_take(const struct stat *st, struct overlay_file_id *ret)
{
	ret->inode = st->st_ino;
	ret->bytes = (uint64_t)st->st_size;
	ret->changed_ns = st->st_ctim.tv_sec * INT64_C(1000000000) + st->st_ctim.tv_nsec;
}

int overlay_file_id_get(int fd, struct overlay_file_id *ret, struct verity_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return verity_fail_errno(err, errno, "package file");
	overlay_file_id_take(&st, ret);
	return 0;
}

bool overlay_file_id_equal(const struct overlay_file_id *a,
			   const struct overlay_file_id *b)
{
	return a->inode == b->inode && a->bytes == b->bytes &&
	       a->changed_ns == b->changed_ns;
}

bool overlay_state_is_junk(enum verity_verdict verdict, const char *identity,
			   enum verity_code code)
{
	if (verdict != VERITY_INVALID || identity[0])
		return false;
	switch (code) {
	case VERITY_E_NOT_A_FILE:
	case VERITY_E_BAD_MAGIC:
	case VERITY_E_WRONG_TYPE:
	case VERITY_E_BAD_SIZES:
	case VERITY_E_BAD_LENGTH:
	case VERITY_E_BAD_SIGNATURE:
	case VERITY_E_BAD_MANIFEST:
		return true;
	default:
		return false;
	}
}
