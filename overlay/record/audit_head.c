/* SPDX-License-Identifier: MIT */
/* Reads and writes audit.head. */
#include "overlay/record/audit_head.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/json_table.h"

#define HEAD_BYTES_MAX 4096
#define FORMAT         2

static int bad(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_AUDIT, OVERLAY_AUDIT_HEAD ": it was changed");
}

#define NUMBER(key_, type_, member_, ...)                                                \
	VERITY_JSON_INTEGER(key_, type_, member_, .max = OVERLAY_AUDIT_NUMBER_MAX,       \
			    __VA_ARGS__)
#define TIME(key_, type_, member_)                                                       \
	VERITY_JSON_INTEGER(key_, type_, member_, .min = INT64_MIN, .max = INT64_MAX)

static const struct verity_json_field end_fields[] = {
	NUMBER("first", struct overlay_audit_end, first),
	NUMBER("last", struct overlay_audit_end, last),
	VERITY_JSON_HEX("digest", struct overlay_audit_end, digest),
	NUMBER("dropped", struct overlay_audit_end, dropped),
	NUMBER("dropped_last", struct overlay_audit_end, dropped_last),
	TIME("dropped_time", struct overlay_audit_end, dropped_time),
	{.key = NULL},
};

static const struct verity_json_field head_fields[] = {
	VERITY_JSON_FORMAT("format", FORMAT),
	NUMBER("boot", struct overlay_audit_head, boot),
	NUMBER("last", struct overlay_audit_head, last),
	VERITY_JSON_OBJECT("changes", struct overlay_audit_head,
			   rings[OVERLAY_AUDIT_CHANGES], end_fields),
	VERITY_JSON_OBJECT("refusals", struct overlay_audit_head,
			   rings[OVERLAY_AUDIT_REFUSALS], end_fields),
	VERITY_JSON_OBJECT("boots", struct overlay_audit_head, rings[OVERLAY_AUDIT_BOOTS],
			   end_fields),
	NUMBER("recorded", struct overlay_audit_head, recorded),
	NUMBER("set_boot", struct overlay_audit_head, set_boot),
	VERITY_JSON_HEX("set", struct overlay_audit_head, set),
	NUMBER("repeats", struct overlay_audit_head, repeats),
	TIME("repeats_time", struct overlay_audit_head, repeats_time),
	NUMBER("lost", struct overlay_audit_head, lost),
	{.key = NULL},
};

/* All lines were in one ring. */
static const struct verity_json_field old_fields[] = {
	NUMBER("boot", struct overlay_audit_head, boot),
	NUMBER("first", struct overlay_audit_head, rings[OVERLAY_AUDIT_CHANGES].first,
	       .min = 1),
	NUMBER("last", struct overlay_audit_head, rings[OVERLAY_AUDIT_CHANGES].last),
	VERITY_JSON_HEX("digest", struct overlay_audit_head,
			rings[OVERLAY_AUDIT_CHANGES].digest),
	{.key = NULL},
};

static int encode(const struct overlay_audit_head *head,
		  const struct verity_json_field *fields, char ret[static HEAD_BYTES_MAX],
		  struct verity_error *err)
{
	char hex[2 * VERITY_DIGEST_BYTES + 1];
	uint8_t check[VERITY_DIGEST_BYTES];
	cleanup_free char *text = NULL;
	size_t size;
	int r = verity_json_encode(head, fields, VERITY_JSON_COMPACT, &text, err);

	if (r < 0)
		return r;
	size = strlen(text) - 1; /* without the closing brace */
	if (EVP_Digest(text, size, check, NULL, EVP_sha256(), NULL) != 1)
		return verity_no_memory(err);
	verity_hex_encode(check, sizeof(check), hex);
	snprintf(ret, HEAD_BYTES_MAX, "%.*s,\"check\":\"%s\"}\n", (int)size, text, hex);
	return 0;
}

/* There is one way to write it: any other was not ours. */
static int decode(const char *text, size_t size, const struct verity_json_field *fields,
		  struct overlay_audit_head *ret, struct verity_error *err)
{
	struct overlay_audit_head head = {.boot = 0};
	char again[HEAD_BYTES_MAX];
	int r = verity_json_decode(text, size, fields, VERITY_E_AUDIT, &head, NULL);

	if (r == -EBADMSG)
		return bad(err);
	if (r < 0)
		return verity_no_memory(err);
	r = encode(&head, fields, again, err);
	if (r < 0)
		return r;
	if (strlen(again) != size || memcmp(again, text, size) != 0)
		return bad(err);
	*ret = head;
	return 0;
}

/* Before the first line of a chain, .first was the number that it was to have. */
static int take_old(struct overlay_audit_head *head, struct verity_error *err)
{
	struct overlay_audit_end *end = &head->rings[OVERLAY_AUDIT_CHANGES];

	if (end->first - 1 > end->last)
		return bad(err);
	head->last = end->last;
	head->recorded = head->boot;
	if (end->first > 1) {
		end->dropped = end->first - 1;
		end->dropped_last = end->first - 1;
	}
	if (end->first > end->last)
		*end = (struct overlay_audit_end){.first = 0};
	return 0;
}

int overlay_audit_head_decode(const char *text, size_t size,
			      struct overlay_audit_head *ret, struct verity_error *err)
{
	struct overlay_audit_head head;
	int r = decode(text, size, head_fields, &head, err);

	if (r == -EBADMSG) {
		r = decode(text, size, old_fields, &head, err);
		if (r == 0)
			r = take_old(&head, err);
	}
	for (size_t i = 0; r == 0 && i < OVERLAY_AUDIT_RINGS; i++)
		if (head.rings[i].first > head.rings[i].last ||
		    head.rings[i].last > head.last)
			r = bad(err);
	if (r < 0)
		return r;
	*ret = head;
	return 0;
}

int overlay_audit_head_load(int record_fd, struct overlay_audit_head *ret,
			    struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = overlay_record_load(record_fd, OVERLAY_AUDIT_HEAD, HEAD_BYTES_MAX, &text,
				    &size, err);

	if (overlay_record_is_damage(r))
		return r == -EFBIG || r == -EINVAL
			       ? bad(err)
			       : verity_fail(err, VERITY_E_AUDIT,
					     OVERLAY_AUDIT_HEAD ": it cannot be read");
	return r < 0 ? r : overlay_audit_head_decode(text, size, ret, err);
}

int overlay_audit_head_store(int record_fd, const struct overlay_audit_head *head,
			     struct verity_error *err)
{
	char text[HEAD_BYTES_MAX];
	int r = encode(head, head_fields, text, err);

	return r < 0 ? r
		     : overlay_record_keep(record_fd, OVERLAY_AUDIT_HEAD, text,
					   strlen(text), err);
}
