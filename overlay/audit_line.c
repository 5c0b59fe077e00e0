/* SPDX-License-Identifier: MIT */
#include "overlay/audit_line.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/hex.h"
#include "verity/json_value.h"
#include "verity/manifest.h"
#include "verity/text.h"

#define HEX_CHARS (2 * OVERLAY_AUDIT_DIGEST_BYTES)
#define TEXT_MAX  512 /* bytes of one text in a line */

static const char number_key[] = "{\"number\":";
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
		      uint8_t ret[static OVERLAY_AUDIT_DIGEST_BYTES])
{
	return EVP_Digest(bytes, size, ret, NULL, EVP_sha256(), NULL) == 1;
}

/* A text from outside, cut and made printable; nothing where there is none. */
static bool put_text(struct json_object *object, const char *key, const char *text)
{
	char plain[TEXT_MAX];

	if (!text || !text[0])
		return true;
	snprintf(plain, sizeof(plain), "%s", text);
	return verity_json_put(object, key,
			       json_object_new_string(verity_text_plain(plain)));
}

static bool put_package(struct json_object *object,
			const struct overlay_audit_entry *entry)
{
	char hex[2 * VERITY_DIGEST_BYTES + 1] = "";
	bool persistent;

	if (entry->id)
		verity_hex_encode(entry->id, VERITY_DIGEST_BYTES, hex);
	if (!entry->package)
		return put_text(object, "id", hex);
	persistent = entry->package->kind == OVERLAY_PERSISTENT;
	return put_text(object, "package", entry->package->name) &&
	       verity_json_put(object, "persistent",
			       json_object_new_boolean(persistent)) &&
	       put_text(object, "version", entry->version) &&
	       put_text(object, "verdict", entry->verdict) && put_text(object, "id", hex);
}

static bool put_reason(struct json_object *object, const struct verity_error *reason)
{
	return !reason || reason->code == VERITY_OK ||
	       (put_text(object, "code", verity_code_name(reason->code)) &&
		put_text(object, "message", reason->message));
}

static struct json_object *object_of(const struct overlay_audit_entry *entry,
				     const struct overlay_audit_stamp *stamp,
				     const struct overlay_audit_link *after)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	char prev[HEX_CHARS + 1];

	verity_hex_encode(after->digest, OVERLAY_AUDIT_DIGEST_BYTES, prev);
	if (!object ||
	    !verity_json_put(object, "number",
			     json_object_new_uint64(after->number + 1)) ||
	    !verity_json_put(object, "boot", json_object_new_uint64(stamp->boot)) ||
	    !verity_json_put(object, "time", json_object_new_int64(stamp->time)) ||
	    !put_text(object, "user", stamp->user) ||
	    !put_text(object, "event", overlay_audit_event_name(entry->event)) ||
	    !put_package(object, entry) || !put_text(object, "signer", entry->signer) ||
	    !put_text(object, "source", entry->source) ||
	    !put_reason(object, entry->reason) ||
	    !put_text(object, "detail", entry->detail) ||
	    !verity_json_put(object, "prev", json_object_new_string(prev)))
		return NULL;
	return steal_ptr(&object);
}

int overlay_audit_line_encode(const struct overlay_audit_entry *entry,
			      const struct overlay_audit_stamp *stamp,
			      const struct overlay_audit_link *after,
			      char ret[static OVERLAY_AUDIT_LINE_MAX + 1],
			      struct overlay_audit_link *ret_link,
			      struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		object_of(entry, stamp, after);
	char hex[HEX_CHARS + 1];
	const char *body;
	size_t size;

	body = object ? json_object_to_json_string_ext(
				object,
				JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)
		      : NULL;
	size = body ? strlen(body) - 1 : 0; /* without the closing brace */
	if (!body || !digest_of(body, size, ret_link->digest))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	verity_hex_encode(ret_link->digest, OVERLAY_AUDIT_DIGEST_BYTES, hex);
	if (snprintf(ret, OVERLAY_AUDIT_LINE_MAX + 1, "%.*s%s%s\"}\n", (int)size, body,
		     digest_key, hex) > OVERLAY_AUDIT_LINE_MAX)
		return verity_fail(err, VERITY_E_AUDIT, "the line is too long");
	ret_link->number = after->number + 1;
	memcpy(ret_link->prev, after->digest, OVERLAY_AUDIT_DIGEST_BYTES);
	return 0;
}

/* KEY and 64 hex digits at the end of the line; @size becomes what comes before. */
static bool take_tail(const char *line, size_t *size, const char *key, const char *end,
		      uint8_t ret[static OVERLAY_AUDIT_DIGEST_BYTES])
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
	       verity_hex_decode(hex, ret, OVERLAY_AUDIT_DIGEST_BYTES, &count) == 0;
}

static bool take_number(const char *line, size_t size, uint64_t *ret)
{
	size_t at = strlen(number_key);
	uint64_t number = 0;

	if (size <= at || memcmp(line, number_key, at) != 0)
		return false;
	for (; at < size && line[at] >= '0' && line[at] <= '9'; at++) {
		if (number > (UINT64_MAX - 9) / 10)
			return false;
		number = number * 10 + (uint64_t)(line[at] - '0');
	}
	*ret = number;
	return number > 0 && at < size && line[at] == ',';
}

int overlay_audit_line_decode(const char *line, size_t size,
			      struct overlay_audit_link *ret, struct verity_error *err)
{
	struct overlay_audit_link link;
	uint8_t digest[OVERLAY_AUDIT_DIGEST_BYTES];
	size_t body = size;

	if (size > OVERLAY_AUDIT_LINE_MAX)
		return bad(err, "it is too long for a line of this log");
	if (!take_tail(line, &body, digest_key, "\"}", link.digest))
		return bad(err, "it does not end with a digest");
	if (!digest_of(line, body, digest))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (memcmp(digest, link.digest, sizeof(digest)) != 0)
		return bad(err, "its digest does not match: it was changed");
	if (!take_number(line, body, &link.number) ||
	    !take_tail(line, &body, prev_key, "\"", link.prev))
		return bad(err, "it is not a line of this log");
	*ret = link;
	return 0;
}

static int check_link(const struct overlay_audit_link *before,
		      const struct overlay_audit_link *link, struct verity_error *err)
{
	if (link->number != before->number + 1)
		return verity_fail(err, VERITY_E_AUDIT,
				   "number %" PRIu64 " comes after %" PRIu64
				   ": lines were removed or moved",
				   link->number, before->number);
	if (memcmp(link->prev, before->digest, sizeof(link->prev)) != 0)
		return bad(err, "it does not belong to the line before: one of the two "
				"was replaced");
	return 0;
}

void overlay_audit_scan(const char *bytes, size_t size,
			const struct overlay_audit_link *after, uint64_t look,
			struct overlay_audit_scan *ret,
			struct overlay_audit_link *ret_look)
{
	const struct overlay_audit_link *before = after;
	struct overlay_audit_scan scan = {.lines = 0};

	*ret_look = (struct overlay_audit_link){.number = 0};
	while (scan.good_bytes < size) {
		const char *line = bytes + scan.good_bytes;
		const char *end = memchr(line, '\n', size - scan.good_bytes);
		struct overlay_audit_link link;

		scan.torn = !end;
		if (!end || overlay_audit_line_decode(line, (size_t)(end - line), &link,
						      &scan.fault) < 0)
			break;
		if (before && check_link(before, &link, &scan.fault) < 0)
			break;
		if (scan.lines++ == 0)
			scan.first = link;
		scan.last = link;
		before = &scan.last;
		if (link.number == look)
			*ret_look = link;
		scan.good_bytes += (size_t)(end - line) + 1;
	}
	*ret = scan;
}
