/* SPDX-License-Identifier: MIT */
/* Encodes one line of the audit log, and follows the chain of lines. */
#include "overlay/record/audit_line.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cms/cms.h"
#include "verity/format/manifest.h"
#include "verity/util/hex.h"
#include "verity/util/json_write.h"
#include "verity/util/text.h"

#define HEX_CHARS (2 * VERITY_DIGEST_BYTES)

#define MESSAGE_MAX VERITY_MESSAGE_MAX
#define FRAME_MAX   640 /* keys, numbers and digests */

/* Quotes and backslashes take two bytes in JSON. */
static_assert(2 * (OVERLAY_AUDIT_USER_MAX + VERITY_NAME_MAX + VERITY_VERSION_MAX +
		   OVERLAY_AUDIT_SIGNER_MAX + OVERLAY_AUDIT_SOURCE_MAX +
		   OVERLAY_AUDIT_DETAIL_MAX + MESSAGE_MAX + 3 * OVERLAY_AUDIT_WORD_MAX) +
			      FRAME_MAX <=
		      OVERLAY_AUDIT_LINE_MAX,
	      "every line fits");

static const char number_key[] = "{\"number\":";
static const char boot_key[] = ",\"boot\":";
static const char time_key[] = ",\"time\":";
static const char user_key[] = ",\"user\":";
static const char prev_key[] = ",\"prev\":\"";
static const char digest_key[] = ",\"digest\":\"";

static const char *const event_names[] = {
#define X(event, name) [OVERLAY_AUDIT_##event] = name,
	OVERLAY_AUDIT_EVENTS(X)
#undef X
};

const char *overlay_audit_event_name(enum overlay_audit_event event)
{
	return event_names[event];
}

static int bad(struct verity_error *err, const char *why)
{
	return verity_fail(err, VERITY_E_AUDIT, "%s", why);
}

static bool digest_of(const char *bytes, size_t size,
		      uint8_t ret[static VERITY_DIGEST_BYTES])
{
	return EVP_Digest(bytes, size, ret, NULL, EVP_sha256(), NULL) == 1;
}

size_t overlay_audit_text_cut(const char *text, size_t max)
{
	size_t size = strlen(text);

	/* Not in the middle of a character: then no other one would be shown. */
	if (size > max)
		for (size = max; size > 0 && ((uint8_t)text[size] & 0xc0) == 0x80;)
			size--;
	return size;
}

/* A text from outside, cut to @max bytes; nothing where there is none. */
static void put_text(struct verity_json_writer *json, const char *key, const char *text,
		     size_t max)
{
	char cut[MESSAGE_MAX + 1];
	size_t size = text ? overlay_audit_text_cut(text, max) : 0;

	if (size == 0)
		return;
	memcpy(cut, text, size);
	cut[size] = '\0';
	verity_json_text(json, key, cut);
}

static void put_line(struct verity_json_writer *json,
		     const struct overlay_audit_entry *entry,
		     const struct overlay_audit_stamp *stamp, uint64_t number,
		     const struct overlay_audit_link *after)
{
	verity_json_uint(json, "number", number);
	verity_json_uint(json, "boot", stamp->boot);
	verity_json_int(json, "time", stamp->time);
	put_text(json, "user", stamp->user, OVERLAY_AUDIT_USER_MAX);
	put_text(json, "event", overlay_audit_event_name(entry->event),
		 OVERLAY_AUDIT_WORD_MAX);
	if (entry->package) {
		put_text(json, "package", entry->package->name, VERITY_NAME_MAX);
		verity_json_bool(json, "persistent",
				 entry->package->kind == OVERLAY_PERSISTENT);
		put_text(json, "version", entry->version, VERITY_VERSION_MAX);
		put_text(json, "verdict", entry->verdict, OVERLAY_AUDIT_WORD_MAX);
	}
	if (entry->id)
		verity_json_hex(json, "id", entry->id, VERITY_DIGEST_BYTES);
	put_text(json, "signer", entry->signer, OVERLAY_AUDIT_SIGNER_MAX);
	put_text(json, "source", entry->source, OVERLAY_AUDIT_SOURCE_MAX);
	if (entry->reason && entry->reason->code != VERITY_OK) {
		put_text(json, "code", verity_code_name(entry->reason->code),
			 OVERLAY_AUDIT_WORD_MAX);
		put_text(json, "message", entry->reason->message, MESSAGE_MAX);
	}
	put_text(json, "detail", entry->detail, OVERLAY_AUDIT_DETAIL_MAX);
	if (entry->count)
		verity_json_uint(json, "count", entry->count);
	verity_json_hex(json, "prev", after->digest, VERITY_DIGEST_BYTES);
}

int overlay_audit_line_encode(const struct overlay_audit_entry *entry,
			      const struct overlay_audit_stamp *stamp, uint64_t number,
			      const struct overlay_audit_link *after,
			      char ret[static OVERLAY_AUDIT_LINE_MAX + 1],
			      struct overlay_audit_link *ret_link,
			      struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	struct overlay_audit_link link = {number, stamp->boot, stamp->time, {0}, {0}};
	cleanup_free char *body = NULL;
	char hex[HEX_CHARS + 1];
	size_t size;
	int r;

	put_line(&json, entry, stamp, number, after);
	r = verity_json_finish(&json, VERITY_JSON_COMPACT, &body, err);
	if (r < 0)
		return r;
	size = strlen(body) - 1; /* without the closing brace */
	if (!digest_of(body, size, link.digest))
		return verity_no_memory(err);
	verity_hex_encode(link.digest, VERITY_DIGEST_BYTES, hex);
	if (snprintf(ret, OVERLAY_AUDIT_LINE_MAX + 1, "%.*s%s%s\"}\n", (int)size, body,
		     digest_key, hex) > OVERLAY_AUDIT_LINE_MAX)
		return verity_fail(err, VERITY_E_AUDIT, "the line is too long");
	memcpy(link.prev, after->digest, VERITY_DIGEST_BYTES);
	*ret_link = link;
	return 0;
}

/* KEY and 64 hex digits at the end of the line; @size becomes what comes before. */
static bool take_tail(const char *line, size_t *size, const char *key, const char *end,
		      uint8_t ret[static VERITY_DIGEST_BYTES])
{
	size_t tail = strlen(key) + HEX_CHARS + strlen(end), count;
	char hex[HEX_CHARS + 1];
	const char *at;

	if (*size < tail)
		return false;
	at = line + *size - tail;
	if (memcmp(at, key, strlen(key)) != 0 ||
	    memcmp(at + strlen(key) + HEX_CHARS, end, strlen(end)) != 0)
		return false;
	memcpy(hex, at + strlen(key), HEX_CHARS);
	hex[HEX_CHARS] = '\0';
	*size -= tail;
	return strspn(hex, "0123456789abcdef") == HEX_CHARS &&
	       verity_hex_decode(hex, ret, VERITY_DIGEST_BYTES, &count) == 0;
}

/* KEY and a number at *@at, which becomes what comes after. */
static bool take_number(const char *line, size_t size, size_t *at, const char *key,
			uint64_t *ret)
{
	size_t end = *at + strlen(key), first = end;
	uint64_t number = 0;

	if (size <= end || memcmp(line + *at, key, strlen(key)) != 0)
		return false;
	for (; end < size && line[end] >= '0' && line[end] <= '9'; end++) {
		number = number * 10 + (uint64_t)(line[end] - '0');
		if (number > OVERLAY_AUDIT_NUMBER_MAX)
			return false;
	}
	*at = end;
	*ret = number;
	return end > first && end < size && line[end] == ',';
}

int overlay_audit_line_decode(const char *line, size_t size,
			      struct overlay_audit_link *ret, struct verity_error *err)
{
	struct overlay_audit_link link;
	uint8_t digest[VERITY_DIGEST_BYTES];
	size_t body = size, at = 0;
	uint64_t time = 0;

	/* With its newline. */
	if (size >= OVERLAY_AUDIT_LINE_MAX)
		return bad(err, "it is too long for a line of this log");
	if (!take_tail(line, &body, digest_key, "\"}", link.digest))
		return bad(err, "it does not end with a digest");
	if (!digest_of(line, body, digest))
		return verity_no_memory(err);
	if (memcmp(digest, link.digest, sizeof(digest)) != 0)
		return bad(err, "its digest does not match: it was changed");
	if (!take_number(line, body, &at, number_key, &link.number) || link.number == 0 ||
	    !take_number(line, body, &at, boot_key, &link.boot) ||
	    !take_tail(line, &body, prev_key, "\"", link.prev) ||
	    !verity_text_printable(line, body))
		return bad(err, "it is not a line of this log");
	(void)take_number(line, body, &at, time_key, &time);
	link.time = (int64_t)time;
	*ret = link;
	return 0;
}

/* From the user to before the digests: all but number, boot, time and chain. */
static const char *find_content(const char *line, size_t size, size_t *ret_size)
{
	const char *begin = memmem(line, size, user_key, strlen(user_key));
	size_t left = begin ? size - (size_t)(begin - line) : 0;
	const char *end = begin ? memmem(begin, left, prev_key, strlen(prev_key)) : NULL;

	*ret_size = end ? (size_t)(end - begin) : 0;
	return begin;
}

bool overlay_audit_line_same(const char *a, size_t a_size, const char *b, size_t b_size)
{
	size_t a_content, b_content;
	const char *ours = find_content(a, a_size, &a_content);
	const char *theirs = find_content(b, b_size, &b_content);

	return a_content > 0 && a_content == b_content &&
	       memcmp(ours, theirs, a_content) == 0;
}

/*
 * The line at the start of @bytes, which must follow @before unless that is NULL; its
 * length with the newline, 0 where there is no such line.
 */
static size_t take_line(const char *bytes, size_t size,
			const struct overlay_audit_link *before,
			struct overlay_audit_link *ret, struct verity_error *err)
{
	const char *end = memchr(bytes, '\n', size);
	struct overlay_audit_link link;

	if (!end) {
		bad(err, "it was cut off");
		return 0;
	}
	if (overlay_audit_line_decode(bytes, (size_t)(end - bytes), &link, err) < 0)
		return 0;
	if (before && (link.number <= before->number ||
		       (link.number != before->number + 1 &&
			memcmp(link.prev, before->digest, sizeof(link.prev)) != 0))) {
		verity_fail(err, VERITY_E_AUDIT,
			    "number %" PRIu64 " comes after %" PRIu64
			    ": lines were removed or moved",
			    link.number, before->number);
		return 0;
	}
	if (before && memcmp(link.prev, before->digest, sizeof(link.prev)) != 0) {
		bad(err, "it does not belong to the line before: one of the two was "
			 "replaced");
		return 0;
	}
	*ret = link;
	return (size_t)(end - bytes) + 1;
}

void overlay_audit_scan(const char *bytes, size_t size,
			const struct overlay_audit_link *after, uint64_t wanted,
			struct overlay_audit_scan *ret,
			struct overlay_audit_link *ret_wanted)
{
	const struct overlay_audit_link *before = after;
	struct overlay_audit_scan scan = {.lines = 0};
	struct overlay_audit_link link;

	*ret_wanted = (struct overlay_audit_link){.number = 0};
	while (scan.good_bytes < size) {
		size_t left = size - scan.good_bytes;
		size_t taken = take_line(bytes + scan.good_bytes, left, before, &link,
					 &scan.fault);

		if (!taken) {
			/* A power cut leaves a line without its end, or zeros where the
			 * file grew before its bytes came. A whole line that does not
			 * belong to the chain was written by something else. */
			scan.torn = !memchr(bytes + scan.good_bytes, '\n', left) ||
				    memchr(bytes + scan.good_bytes, '\0', left);
			break;
		}
		if (scan.lines++ == 0)
			scan.first = link;
		scan.last = link;
		before = &scan.last;
		if (link.number == wanted) {
			*ret_wanted = link;
			scan.wanted_line = scan.lines;
		}
		scan.good_bytes += taken;
	}
	*ret = scan;
}
