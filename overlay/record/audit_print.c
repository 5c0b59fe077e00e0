/* SPDX-License-Identifier: MIT */
/* Prints the audit log for people and for programs. */
#include "overlay/record/audit.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "overlay/record/audit_files.h"
#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

#define TEXT_START 49 /* what the columns before it take */
#define INDENT     4  /* of the lines that the text goes on in */
#define TEXT_MAX   OVERLAY_AUDIT_TEXT_BYTES

const char *overlay_audit_get(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value)
		       ? json_object_get_string(value)
		       : "";
}

/* Adds LABEL and VALUE, after " / " unless it is the first; nothing for "". */
static void add(char *text, const char *label, const char *value)
{
	size_t used = strlen(text);

	if (value[0])
		snprintf(text + used, TEXT_MAX - used, "%s%s%s", used ? " / " : "", label,
			 value);
}

void overlay_audit_describe(struct json_object *object, char text[static TEXT_MAX])
{
	bool persistent = strcmp(overlay_audit_get(object, "persistent"), "true") == 0;
	const char *version = overlay_audit_get(object, "version"),
		   *verdict = overlay_audit_get(object, "verdict");
	const char *package = overlay_audit_get(object, "package"),
		   *code = overlay_audit_get(object, "code");

	snprintf(text, TEXT_MAX, "%s%s%s%s%s%s", package, version[0] ? " " : "", version,
		 persistent ? " (persistent)" : "", verdict[0] ? ": " : "", verdict);
	add(text, "", overlay_audit_get(object, "count"));
	if (overlay_audit_get(object, "count")[0])
		snprintf(text + strlen(text), TEXT_MAX - strlen(text), " %s",
			 overlay_audit_get(object, "detail"));
	else
		add(text, "", overlay_audit_get(object, "detail"));
	add(text, code, code[0] ? ": " : "");
	if (code[0])
		snprintf(text + strlen(text), TEXT_MAX - strlen(text), "%s",
			 overlay_audit_get(object, "message"));
	add(text, "from ", overlay_audit_get(object, "source"));
	/* Of a signer that is not trusted, the name is only what the package says. */
	add(text,
	    strcmp(overlay_audit_get(object, "code"), "untrusted-signer") == 0
		    ? "it says by "
		    : "signed by ",
	    overlay_audit_get(object, "signer"));
}

/* Bytes of @text that take up to @width columns, whole words where there are any. */
static size_t fit(const char *text, size_t width)
{
	size_t bytes = 0, columns = 0, words = 0;

	for (; text[bytes]; bytes++) {
		if (text[bytes] == ' ')
			words = bytes;
		if (((unsigned char)text[bytes] & 0xc0) != 0x80 && columns++ == width)
			return words ? words : bytes;
	}
	return bytes;
}

void overlay_audit_format_time(struct json_object *object,
			       char ret[static OVERLAY_AUDIT_TIME_BYTES])
{
	struct json_object *value;
	time_t when = json_object_object_get_ex(object, "time", &value)
			      ? json_object_get_int64(value)
			      : 0;
	struct tm tm;

	if (!gmtime_r(&when, &tm) ||
	    strftime(ret, OVERLAY_AUDIT_TIME_BYTES, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(ret, OVERLAY_AUDIT_TIME_BYTES, "?");
}

/* @width: of the whole line; 0: no limit */
static void print_line(struct json_object *object, size_t width, FILE *out)
{
	char text[TEXT_MAX], at[OVERLAY_AUDIT_TIME_BYTES];
	size_t room = width ? width - TEXT_START : SIZE_MAX;

	overlay_audit_format_time(object, at);
	fprintf(out, "%-19s %5s %-8s ", at, overlay_audit_get(object, "boot"),
		overlay_audit_get(object, "user"));
	overlay_audit_describe(object, text);
	if (!text[0])
		fprintf(out, "%s\n", overlay_audit_get(object, "event"));
	else
		fprintf(out, "%-13s ", overlay_audit_get(object, "event"));
	for (const char *rest = text; *rest; room = width - INDENT) {
		size_t bytes = fit(rest, room);

		fprintf(out, "%.*s\n", (int)bytes, rest);
		rest += bytes;
		rest += strspn(rest, " ");
		if (*rest)
			fprintf(out, "%*s", INDENT, "");
	}
}

/* A part of a file that ends with a newline. */
struct part {
	const char *bytes;
	size_t size; /* without the newline */
	uint64_t number;
};

struct parts {
	struct part *items; /* owned */
	size_t count;
};

static void parts_free(struct parts *parts)
{
	free(parts->items);
}

/* What is no line stays behind the line before it. */
static int add_parts(const char *bytes, size_t size, struct parts *parts,
		     struct verity_error *err)
{
	uint64_t number = 0;
	const char *end;

	for (; size && (end = memchr(bytes, '\n', size)); bytes = end + 1) {
		struct part part = {bytes, (size_t)(end - bytes), number};
		struct overlay_audit_link link;

		size -= part.size + 1;
		if (overlay_audit_line_decode(bytes, part.size, &link, NULL) == 0)
			part.number = number = link.number;
		if ((parts->count & (parts->count - 1)) == 0) { /* full at powers of 2 */
			size_t room = parts->count ? parts->count * 2 : 1;
			struct part *grown =
				reallocarray(parts->items, room, sizeof(*grown));

			if (!grown)
				return verity_no_memory(err);
			parts->items = grown;
		}
		parts->items[parts->count++] = part;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct part *left = a, *right = b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return left->bytes < right->bytes ? -1 : left->bytes > right->bytes;
}

/* What is not a line has no object; overlay_audit_verify() tells where it is. */
static int take_part(const struct part *part,
		     void (*take)(void *context, const char *line, size_t size,
				  struct json_object *object),
		     void *context, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;

	if (verity_text_printable(part->bytes, part->size) &&
	    verity_json_parse(part->bytes, part->size, &object, NULL) == -ENOMEM)
		return verity_no_memory(err);
	take(context, part->bytes, part->size, object);
	return 0;
}

int overlay_audit_each(int record_fd, size_t last, bool newest_first,
		       void (*take)(void *context, const char *line, size_t size,
				    struct json_object *object),
		       void *context, struct verity_error *err)
{
	struct overlay_audit_files files[OVERLAY_AUDIT_RINGS] = {{.old = NULL}};
	cleanup_with(parts_free) struct parts parts = {.items = NULL};
	bool there = false;
	size_t skipped;
	int lock = -1;
	int r = overlay_record_lock(record_fd, "audit log", true, &lock, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < OVERLAY_AUDIT_RINGS; i++) {
		r = overlay_audit_read(record_fd, (enum overlay_audit_ring)i, 0,
				       &files[i], err);
		there = there || files[i].old || files[i].log;
		if (r == 0)
			r = add_parts(files[i].old, files[i].old_bytes, &parts, err);
		if (r == 0)
			r = add_parts(files[i].log, files[i].log_bytes, &parts, err);
	}
	if (lock >= 0)
		close(lock); /* a person may page through the output for hours */
	if (r == 0 && !there)
		r = verity_fail(
			err, VERITY_E_NOT_FOUND,
			"there is no audit log yet (what is done is written to it)");
	if (r == 0 && parts.count > 1)
		qsort(parts.items, parts.count, sizeof(*parts.items), compare);
	skipped = parts.count > last ? parts.count - last : 0;
	for (size_t i = skipped; r == 0 && i < parts.count; i++)
		r = take_part(
			&parts.items[newest_first ? parts.count - 1 - (i - skipped) : i],
			take, context, err);
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++)
		overlay_audit_files_free(&files[i]);
	return r;
}

struct printing {
	FILE *out;
	bool json;
	size_t width;
	bool begun;
};

static void print_head(struct printing *printing)
{
	if (!printing->json && !printing->begun)
		fprintf(printing->out, "%-19s %5s %-8s %-13s %s\n", "TIME (UTC)", "BOOT",
			"USER", "EVENT", "PACKAGE: VERDICT / REASON");
	printing->begun = true;
}

static void print_part(void *context, const char *line, size_t size,
		       struct json_object *object)
{
	struct printing *printing = context;

	print_head(printing);
	if (object && printing->json)
		fprintf(printing->out, "%.*s\n", (int)size, line);
	else if (object)
		print_line(object, printing->width, printing->out);
	else if (!printing->json)
		fputs("(a line that cannot be read)\n", printing->out);
}

int overlay_audit_print(int record_fd, bool json, size_t last, size_t width, FILE *out,
			struct verity_error *err)
{
	struct printing printing = {.out = out, .json = json, .width = width};
	int r = overlay_audit_each(record_fd, last, false, print_part, &printing, err);

	if (r == 0)
		print_head(&printing);
	return r;
}
