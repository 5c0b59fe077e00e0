/* SPDX-License-Identifier: MIT */
#include "overlay/record/audit_head.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "overlay/record/record.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"
#include "verity/util/json.h"

#define HEAD_BYTES_MAX 1024

static int bad(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_AUDIT, OVERLAY_AUDIT_HEAD ": it was changed");
}

static bool take_number(struct json_object *object, const char *key, uint64_t *ret)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_int) ||
	    json_object_get_int64(value) < 0 ||
	    json_object_get_int64(value) > OVERLAY_AUDIT_NUMBER_MAX)
		return false;
	*ret = (uint64_t)json_object_get_int64(value);
	return true;
}

static bool take_digest(struct json_object *object, uint8_t *ret)
{
	struct json_object *value;
	size_t count;

	return json_object_object_get_ex(object, "digest", &value) &&
	       json_object_is_type(value, json_type_string) &&
	       verity_hex_decode(json_object_get_string(value), ret,
				 OVERLAY_AUDIT_DIGEST_BYTES, &count) == 0 &&
	       count == OVERLAY_AUDIT_DIGEST_BYTES;
}

static bool encode(const struct overlay_audit_head *head, char ret[static HEAD_BYTES_MAX])
{
	char hex[2 * OVERLAY_AUDIT_DIGEST_BYTES + 1];
	uint8_t check[OVERLAY_AUDIT_DIGEST_BYTES];
	size_t size;

	verity_hex_encode(head->digest, sizeof(head->digest), hex);
	snprintf(ret, HEAD_BYTES_MAX,
		 "{\"boot\":%" PRIu64 ",\"first\":%" PRIu64 ",\"last\":%" PRIu64
		 ",\"digest\":\"%s\"",
		 head->boot, head->first, head->last, hex);
	size = strlen(ret);
	if (EVP_Digest(ret, size, check, NULL, EVP_sha256(), NULL) != 1)
		return false;
	verity_hex_encode(check, sizeof(check), hex);
	snprintf(ret + size, HEAD_BYTES_MAX - size, ",\"check\":\"%s\"}\n", hex);
	return true;
}

int overlay_audit_head_decode(const char *text, size_t size,
			      struct overlay_audit_head *ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct overlay_audit_head head = {.boot = 0};
	char again[HEAD_BYTES_MAX];
	int r = verity_json_parse(text, size, &object, err);

	if (r == -EBADMSG)
		return bad(err);
	if (r < 0)
		return r;
	if (!take_number(object, "boot", &head.boot) ||
	    !take_number(object, "first", &head.first) ||
	    !take_number(object, "last", &head.last) ||
	    !take_digest(object, head.digest) || head.first == 0 ||
	    head.first - 1 > head.last)
		return bad(err);
	/* There is one way to write it: any other was not ours. */
	if (!encode(&head, again))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
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

	if (!encode(head, text))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	return overlay_record_replace(record_fd, OVERLAY_AUDIT_HEAD, text, strlen(text),
				      err);
}
