/* SPDX-License-Identifier: MIT */
/* Limits of a request, and the way from its bytes to frames. */
#include "installer/web/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "installer/request/stall.h"
#include "installer/web/frame.h"
#include "installer/web/multipart.h"
#include "installer/web/urlencoded.h"
#include "overlay/fs/clock.h"
#include "verity/util/cleanup.h"

#define POLL_MS    1000
#define FORM_MS    20000 /* for all of a form without a file */
#define PIECE_MAX  FRAME_BYTES_MAX
#define SPEED_HINT "check the connection to the device, then try again"

struct reader {
	const struct reader_job *job;
	int out;
	uint64_t left; /* bytes of the body to come */
	struct stall stall;
	int64_t deadline_ms; /* of the whole body; 0: none */
	size_t fields;
	bool has_file, in_file;
	struct frame frame;
	struct multipart_part part; /* that is being read */
	size_t value_bytes;
	struct multipart multipart;
	char value[FIELD_VALUE_MAX];
	char piece[PIECE_MAX];
	size_t held; /* bytes of the file in @bytes, behind the head of a frame */
	uint8_t bytes[FRAME_HEAD + FRAME_CONTENT_MAX];
};

static int64_t now_ms(void)
{
	return (int64_t)(overlay_clock_us() / 1000);
}

static int write_all(int out, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t count = write(out, at, size);

		if (count < 0 && errno != EINTR)
			return -errno;
		if (count > 0) {
			at += count;
			size -= (size_t)count;
		}
	}
	return 0;
}

/* Nobody hears why, if nobody reads it. */
static int send_frame(struct reader *reader, struct verity_error *err)
{
	size_t size = frame_encode(&reader->frame, reader->bytes);
	int r = write_all(reader->out, reader->bytes, size);

	return r < 0 ? verity_fail_errno(err, -r, "pipe") : 0;
}

static int send_field(struct reader *reader, struct verity_error *err)
{
	if (reader->fields++ == FIELDS_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "the request has more than %d fields (send fewer)",
				   FIELDS_MAX);
	reader->frame.type = FRAME_FIELD;
	return send_frame(reader, err);
}

static int send_fields(struct reader *reader, const char *text, struct verity_error *err)
{
	int r;

	if (strlen(text) > URLENCODED_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "the query has more than %u bytes (shorten it)",
				   URLENCODED_MAX);
	while ((r = urlencoded_next(&text, &reader->frame.field, err)) == 1)
		if ((r = send_field(reader, err)) < 0)
			break;
	return r;
}

/* Only the time that the client takes counts, not that of a slow storage. */
static int wait_body(struct reader *reader, struct verity_error *err)
{
	struct pollfd input = {.fd = reader->job->body, .events = POLLIN};
	int64_t begin = now_ms();
	int r = 0;

	reader->stall.heard_ms = begin;
	while (r == 0 && poll(&input, 1, POLL_MS) <= 0) {
		r = stall_check(&reader->stall, now_ms(), err);
		if (r == 0 && reader->deadline_ms && now_ms() > reader->deadline_ms)
			r = -ETIMEDOUT;
	}
	if (r == 0 && reader->deadline_ms && now_ms() > reader->deadline_ms)
		r = -ETIMEDOUT;
	return r < 0 ? verity_fail(err, VERITY_E_TIMED_OUT,
				   "the browser sent nothing, or too slowly (" SPEED_HINT
				   ")")
		     : 0;
}

/* Return: bytes read; 0 at the end; -errno. */
static long read_body(struct reader *reader, char *ret, size_t room,
		      struct verity_error *err)
{
	size_t wanted = reader->left < room ? (size_t)reader->left : room;
	ssize_t count;
	int r;

	if (wanted == 0)
		return 0;
	do {
		r = wait_body(reader, err);
		count = r < 0 ? 0 : read(reader->job->body, ret, wanted);
	} while (r == 0 && count < 0 && errno == EINTR);
	if (r < 0)
		return r;
	if (count <= 0)
		return verity_fail(err, VERITY_E_LOST,
				   "the connection ended before the whole form came");
	reader->left -= (uint64_t)count;
	stall_hear(&reader->stall, now_ms(), count);
	return count;
}

static int read_form(struct reader *reader, struct verity_error *err)
{
	size_t used = 0;
	long count;

	if (reader->left > URLENCODED_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "the form has more than %u bytes (shorten it)",
				   URLENCODED_MAX);
	reader->deadline_ms = now_ms() + FORM_MS;
	while ((count = read_body(reader, reader->piece + used, URLENCODED_MAX - used,
				  err)) > 0)
		used += (size_t)count;
	if (count < 0)
		return (int)count;
	reader->piece[used] = '\0';
	if (strlen(reader->piece) != used)
		return verity_fail(err, VERITY_E_USAGE, "the form has a zero byte");
	return send_fields(reader, reader->piece, err);
}

static int begin_part(void *context, const struct multipart_part *part,
		      struct verity_error *err)
{
	struct reader *reader = context;

	/* What is decided before the file is read is in the fields before it. */
	if (reader->has_file)
		return verity_fail(err, VERITY_E_USAGE,
				   "the form has something after its file");
	reader->part = *part;
	reader->value_bytes = 0;
	if (!part->is_file)
		return 0;
	if (!part->file[0])
		return verity_fail(err, VERITY_E_USAGE,
				   "no file was chosen (choose a .wmopkg file)");
	reader->has_file = reader->in_file = true;
	reader->frame.type = FRAME_FILE;
	memcpy(reader->frame.file, part->file, sizeof(reader->frame.file));
	return send_frame(reader, err);
}

static int end_part(struct reader *reader, struct verity_error *err)
{
	struct field *field = &reader->frame.field;

	if (reader->in_file) {
		reader->in_file = false;
		return 0;
	}
	if (!field_set_name(field, reader->part.name, strlen(reader->part.name)) ||
	    !field_set_value(field, reader->value, reader->value_bytes))
		return verity_fail(err, VERITY_E_USAGE,
				   "%s: the text has characters that cannot be printed",
				   reader->part.name);
	return send_field(reader, err);
}

static int send_held(struct reader *reader, struct verity_error *err)
{
	size_t size = reader->held;
	int r;

	if (size == 0)
		return 0;
	reader->held = 0;
	reader->frame.type = FRAME_BYTES;
	reader->frame.size = size;
	size += frame_encode(&reader->frame, reader->bytes);
	r = write_all(reader->out, reader->bytes, size);
	return r < 0 ? verity_fail_errno(err, -r, "pipe") : 0;
}

/* A piece of a file ends at each '\r': sent alone it would cost more than its bytes. */
static int hold(struct reader *reader, const char *bytes, size_t count,
		struct verity_error *err)
{
	int r = 0;

	while (r == 0 && count > 0) {
		size_t room = FRAME_BYTES_MAX - reader->held;
		size_t size = count < room ? count : room;

		memcpy(reader->bytes + FRAME_HEAD + reader->held, bytes, size);
		reader->held += size;
		bytes += size;
		count -= size;
		if (reader->held == FRAME_BYTES_MAX)
			r = send_held(reader, err);
	}
	return r;
}

static int take_part(void *context, const char *bytes, size_t count,
		     struct verity_error *err)
{
	struct reader *reader = context;

	if (!bytes)
		return end_part(reader, err);
	if (reader->in_file)
		return hold(reader, bytes, count, err);
	if (count > sizeof(reader->value) - reader->value_bytes)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%s: over %d bytes (shorten it)", reader->part.name,
				   FIELD_VALUE_MAX);
	memcpy(reader->value + reader->value_bytes, bytes, count);
	reader->value_bytes += count;
	return 0;
}

static int read_multipart(struct reader *reader, struct verity_error *err)
{
	const struct multipart_hooks hooks = {begin_part, take_part, reader};
	long count = 0;
	int r = multipart_begin(&reader->multipart, reader->job->type, &hooks, err);

	if (r == 0 && reader->left > reader->job->bytes_max)
		r = verity_fail(
			err, VERITY_E_TOO_MANY,
			"the file is larger than any package can be (check that this is a package)");
	while (r == 0 && (count = read_body(reader, reader->piece, sizeof(reader->piece),
					    err)) > 0) {
		int sent;

		r = multipart_feed(&reader->multipart, reader->piece, (size_t)count, err);
		/* At once, and ahead of what is wrong behind it. */
		sent = send_held(reader, r < 0 ? NULL : err);
		r = r < 0 ? r : sent;
	}
	if (r == 0 && count < 0)
		r = (int)count;
	return r < 0 ? r : multipart_end(&reader->multipart, err);
}

/* As RFC 9110 has it: digits, and nothing else. */
static bool read_length(const char *text, uint64_t *ret)
{
	uint64_t length = 0;

	if (!text || !text[0] || strlen(text) > 18)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		length = length * 10 + (uint64_t)(*text - '0');
	}
	*ret = length;
	return true;
}

static bool is_type(const char *type, const char *wanted)
{
	size_t size = strlen(wanted);

	return type && strncasecmp(type, wanted, size) == 0 &&
	       (!type[size] || strchr("; \t", type[size]));
}

static int read_request(struct reader *reader, struct verity_error *err)
{
	const struct reader_job *job = reader->job;
	int r = job->query ? send_fields(reader, job->query, err) : 0;

	if (r < 0 || !job->has_body)
		return r;
	if (!read_length(job->length, &reader->left))
		return verity_fail(err, VERITY_E_USAGE,
				   "the request does not say how long it is");
	stall_begin(&reader->stall, now_ms());
	if (is_type(job->type, "application/x-www-form-urlencoded"))
		return read_form(reader, err);
	if (is_type(job->type, "multipart/form-data"))
		return read_multipart(reader, err);
	return verity_fail(err, VERITY_E_UNSUPPORTED, "the request is not a form");
}

int reader_run(const struct reader_job *job, int out)
{
	cleanup_free struct reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (!reader)
		return 1;
	reader->job = job;
	reader->out = out;
	r = read_request(reader, &reader->frame.error);
	reader->frame.type = r < 0 ? FRAME_FAILED : FRAME_END;
	(void)!send_frame(reader, NULL);
	return r < 0;
}
