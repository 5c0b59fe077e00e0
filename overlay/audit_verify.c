/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "overlay/audit_private.h"
#include "verity/cleanup.h"
#include "verity/json_value.h"
#include "verity/text.h"

static void files_free_p(struct overlay_audit_files *files)
{
	overlay_audit_files_free(files);
}

static bool exists(int record_fd, const char *name)
{
	return faccessat(record_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool exists_any(int record_fd)
{
	return exists(record_fd, OVERLAY_AUDIT_LOG) ||
	       exists(record_fd, OVERLAY_AUDIT_OLD) || overlay_audit_aside(record_fd);
}

/* A break that has been noticed stays one until somebody has taken it away. */
static int check_aside(int record_fd, struct verity_error *err)
{
	const char *name = overlay_audit_aside(record_fd);

	if (!name)
		return 0;
	return verity_fail(err, VERITY_E_AUDIT,
			   "the log was broken once, and what it was is kept in %s until "
			   "that is taken away",
			   name);
}

int overlay_audit_verify(int record_fd, struct overlay_audit_check *ret,
			 struct verity_error *err)
{
	cleanup_with(files_free_p) struct overlay_audit_files files = {.old = NULL};
	cleanup_fd int lock = -1;
	struct overlay_audit_head head = {.boot = 0};
	int r = overlay_audit_lock(record_fd, true, &lock, err);

	if (r < 0)
		return r;
	r = overlay_audit_head_load(record_fd, &head, err);
	if (r == -ENOENT && exists_any(record_fd))
		return verity_fail(err, VERITY_E_AUDIT,
				   OVERLAY_AUDIT_HEAD ": it is gone");
	if (r == 0)
		r = overlay_audit_read(record_fd, head.last, &files, err);
	if (r == 0)
		r = overlay_audit_check_files(&files, &head, err);
	if (r == 0)
		r = check_aside(record_fd, err);
	if (r < 0)
		return r;
	ret->lines = files.old_scan.lines + files.scan.lines;
	ret->first = overlay_audit_oldest(&files)->number;
	ret->last = overlay_audit_newest(&files)->number;
	return 0;
}

/* Borrowed; "" where the line does not have it. */
static const char *get(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value)
		       ? json_object_get_string(value)
		       : "";
}

static void print_time(struct json_object *object, FILE *out)
{
	struct json_object *value;
	time_t when = json_object_object_get_ex(object, "time", &value)
			      ? (time_t)json_object_get_int64(value)
			      : 0;
	char text[32] = "?";
	struct tm tm;

	if (gmtime_r(&when, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(out, "%s", text);
}

static void print_line(struct json_object *object, FILE *out)
{
	static const char *const words[] = {"package", "version", "verdict", "code",
					    "detail",  "source",  NULL};

	print_time(object, out);
	fprintf(out, " %5s  %-8s %-13s", get(object, "boot"), get(object, "user"),
		get(object, "event"));
	for (size_t i = 0; words[i]; i++)
		if (get(object, words[i])[0])
			fprintf(out, " %s", get(object, words[i]));
	fputc('\n', out);
}

static int print_file(const char *bytes, size_t size, bool json, FILE *out,
		      struct verity_error *err)
{
	const char *end;

	for (; size && (end = memchr(bytes, '\n', size)); bytes = end + 1) {
		cleanup_with(json_object_put_p) struct json_object *object = NULL;
		size_t length = (size_t)(end - bytes);

		size -= length + 1;
		if (!verity_text_printable(bytes, length) ||
		    verity_json_parse(bytes, length, &object, NULL) < 0) {
			fputs("(a line that cannot be read)\n", out);
			continue;
		}
		if (json)
			fprintf(out, "%.*s\n", (int)length, bytes);
		else
			print_line(object, out);
	}
	if (ferror(out))
		return verity_fail_errno(err, EIO, "output");
	return 0;
}

int overlay_audit_print(int record_fd, bool json, FILE *out, struct verity_error *err)
{
	cleanup_with(files_free_p) struct overlay_audit_files files = {.old = NULL};
	cleanup_fd int lock = -1;
	int r = overlay_audit_lock(record_fd, true, &lock, err);

	if (r == 0)
		r = overlay_audit_read(record_fd, 0, &files, err);
	if (r < 0)
		return r;
	if (!files.old && !files.log)
		return verity_fail(err, VERITY_E_NOT_FOUND, "there is no audit log yet");
	if (!json)
		fputs("TIME (UTC)           BOOT  USER     EVENT\n", out);
	r = print_file(files.old, files.old_bytes, json, out, err);
	return r < 0 ? r : print_file(files.log, files.log_bytes, json, out, err);
}
