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
#define TEXT_MAX   OVERLAY_AUDIT_LINE_MAX

/* Borrowed; "" where the line does not have it. */
static const char *get(struct json_object *object, const char *key)
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

/* What happened, in the words of the commands. */
static void describe(struct json_object *object, char text[static TEXT_MAX])
{
	bool persistent = strcmp(get(object, "persistent"), "true") == 0;
	const char *version = get(object, "version"), *verdict = get(object, "verdict");
	const char *package = get(object, "package"), *code = get(object, "code");

	snprintf(text, TEXT_MAX, "%s%s%s%s%s%s", package, version[0] ? " " : "", version,
		 persistent ? " (persistent)" : "", verdict[0] ? ": " : "", verdict);
	add(text, "", get(object, "count"));
	if (get(object, "count")[0])
		snprintf(text + strlen(text), TEXT_MAX - strlen(text), " %s",
			 get(object, "detail"));
	else
		add(text, "", get(object, "detail"));
	add(text, code, code[0] ? ": " : "");
	if (code[0])
		snprintf(text + strlen(text), TEXT_MAX - strlen(text), "%s",
			 get(object, "message"));
	add(text, "from ", get(object, "source"));
	/* Of a signer that is not trusted, the name is only what the package says. */
	add(text,
	    strcmp(get(object, "code"), "untrusted-signer") == 0 ? "it says by "
								 : "signed by ",
	    get(object, "signer"));
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

/* @width: of the whole line; 0: no limit */
static void print_line(struct json_object *object, size_t width, FILE *out)
{
	struct json_object *value;
	time_t when = json_object_object_get_ex(object, "time", &value)
			      ? (time_t)json_object_get_int64(value)
			      : 0;
	char text[TEXT_MAX], at[32] = "?";
	size_t room = width ? width - TEXT_START : SIZE_MAX;
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "%-19s %5s %-8s ", at, get(object, "boot"), get(object, "user"));
	describe(object, text);
	if (!text[0])
		fprintf(out, "%s\n", get(object, "event"));
	else
		fprintf(out, "%-13s ", get(object, "event"));
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
				return verity_fail(err, VERITY_E_NO_MEMORY,
						   "out of memory");
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

/* What is not a line is not printed; overlay_audit_verify() tells where it is. */
static void print_part(const struct part *part, bool json, size_t width, FILE *out)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;

	if (!verity_text_printable(part->bytes, part->size) ||
	    verity_json_parse(part->bytes, part->size, &object, NULL) < 0) {
		if (!json)
			fputs("(a line that cannot be read)\n", out);
		return;
	}
	if (json)
		fprintf(out, "%.*s\n", (int)part->size, part->bytes);
	else
		print_line(object, width, out);
}

int overlay_audit_print(int record_fd, bool json, size_t last, size_t width, FILE *out,
			struct verity_error *err)
{
	struct overlay_audit_files files[OVERLAY_AUDIT_RINGS] = {{.old = NULL}};
	cleanup_with(parts_free) struct parts parts = {.items = NULL};
	bool there = false;
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
	if (r == 0 && !json)
		fprintf(out, "%-19s %5s %-8s %-13s %s\n", "TIME (UTC)", "BOOT", "USER",
			"EVENT", "PACKAGE: VERDICT / REASON");
	for (size_t i = parts.count > last ? parts.count - last : 0;
	     r == 0 && i < parts.count; i++)
		print_part(&parts.items[i], json, width, out);
	for (size_t i = 0; i < OVERLAY_AUDIT_RINGS; i++)
		overlay_audit_files_free(&files[i]);
	return r;
}
