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

#define HEAD_BYTES_MAX 1024

static int bad(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_AUDIT, OVERLAY_AUDIT_HEAD ": it was changed");
}

static const struct verity_json_field head_fields[] = {
	VERITY_JSON_INTEGER("boot", struct overlay_audit_head, boot,
			    .max = OVERLAY_AUDIT_NUMBER_MAX),
	VERITY_JSON_INTEGER("first", struct overlay_audit_head, first, .min = 1,
			    .max = OVERLAY_AUDIT_NUMBER_MAX),
	VERITY_JSON_INTEGER("last", struct overlay_audit_head, last,
			    .max = OVERLAY_AUDIT_NUMBER_MAX),
	VERITY_JSON_HEX("digest", struct overlay_audit_head, digest),
	{.key = NULL},
};

static int encode(const struct overlay_audit_head *head, char ret[static HEAD_BYTES_MAX],
		  struct verity_error *err)
{
	char hex[2 * VERITY_DIGEST_BYTES + 1];
	uint8_t check[VERITY_DIGEST_BYTES];
	cleanup_free char *text = NULL;
	size_t size;
	int r = verity_json_encode(head, head_fields, VERITY_JSON_COMPACT, &text, err);

	if (r < 0)
		return r;
	size = strlen(text) - 1; /* without the closing brace */
	if (EVP_Digest(text, size, check, NULL, EVP_sha256(), NULL) != 1)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	verity_hex_encode(check, sizeof(check), hex);
	snprintf(ret, HEAD_BYTES_MAX, "%.*s,\"check\":\"%s\"}\n", (int)size, text, hex);
	return 0;
}

int overlay_audit_head_decode(const char *text, size_t size,
			      struct overlay_audit_head *ret, struct verity_error *err)
{
	struct overlay_audit_head head = {.boot = 0};
	char again[HEAD_BYTES_MAX];
	int r = verity_json_decode(text, size, head_fields, VERITY_E_AUDIT, &head, NULL);

	if (r == -EBADMSG || (r == 0 && head.first - 1 > head.last))
		return bad(err);
	if (r < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	/* There is one way to write it: any other was not ours. */
	r = encode(&head, again, err);
	if (r < 0)
		return r;
	if (strlen(again) != size || memcmp(again, text, size) != 0)
		return bad(err);
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

	if (r == -EFBIG || r == -EINVAL)
		return bad(err);
	return r < 0 ? r : overlay_audit_head_decode(text, size, ret, err);
}

int overlay_audit_head_store(int record_fd, const struct overlay_audit_head *head,
			     struct verity_error *err)
{
	char text[HEAD_BYTES_MAX];

	int r = encode(head, text, err);

	return r < 0 ? r
		     : overlay_record_replace(record_fd, OVERLAY_AUDIT_HEAD, text,
					      strlen(text), err);
}
