/* SPDX-License-Identifier: MIT */
/* Prints the audit log for people and for programs. */
#include "overlay/record/audit.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "overlay/record/audit_files.h"
#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

#define WIDTH      80 /* columns of a serial console */
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

static void print_line(struct json_object *object, FILE *out)
{
	struct json_object *value;
	time_t when = json_object_object_get_ex(object, "time", &value)
			      ? (time_t)json_object_get_int64(value)
			      : 0;
	char text[TEXT_MAX], at[32] = "?";
	size_t width = WIDTH - TEXT_START;
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(at, sizeof(at), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "%-19s %5s %-8s ", at, get(object, "boot"), get(object, "user"));
	describe(object, text);
	if (!text[0])
		fprintf(out, "%s\n", get(object, "event"));
	else
		fprintf(out, "%-13s ", get(object, "event"));
	for (const char *rest = text; *rest; width = WIDTH - INDENT) {
		size_t bytes = fit(rest, width);

		fprintf(out, "%.*s\n", (int)bytes, rest);
		rest += bytes;
		rest += strspn(rest, " ");
		if (*rest)
			fprintf(out, "%*s", INDENT, "");
	}
}

/* What is not a line is not printed; overlay_audit_verify() tells where it is. */
static void print_file(const char *bytes, size_t size, bool json, FILE *out)
{
	const char *end;

	for (; size && (end = memchr(bytes, '\n', size)); bytes = end + 1) {
		cleanup_with(json_object_put_p) struct json_object *object = NULL;
		size_t length = (size_t)(end - bytes);

		size -= length + 1;
		if (!verity_text_printable(bytes, length) ||
		    verity_json_parse(bytes, length, &object, NULL) < 0) {
			if (!json)
				fputs("(a line that cannot be read)\n", out);
			continue;
		}
		if (json)
			fprintf(out, "%.*s\n", (int)length, bytes);
		else
			print_line(object, out);
	}
}

int overlay_audit_print(int record_fd, bool json, FILE *out, struct verity_error *err)
{
	cleanup_with(overlay_audit_files_free) struct overlay_audit_files files = {
		.old = NULL};
	int lock = -1;
	int r = overlay_record_lock(record_fd, "audit log", true, &lock, err);

	if (r < 0)
		return r;
	r = overlay_audit_read(record_fd, 0, &files, err);
	close(lock); /* a person may page through the output for hours */
	if (r < 0)
		return r;
	if (!files.old && !files.log)
		return verity_fail(
			err, VERITY_E_NOT_FOUND,
			"there is no audit log yet (what is done is written to it)");
	if (!json)
		fprintf(out, "%-19s %5s %-8s %-13s %s\n", "TIME (UTC)", "BOOT", "USER",
			"EVENT", "PACKAGE: VERDICT / REASON");
	print_file(files.old, files.old_bytes, json, out);
	print_file(files.log, files.log_bytes, json, out);
	return ferror(out) ? verity_fail_errno(err, EIO, "output") : 0;
}
