/* SPDX-License-Identifier: MIT */
#include "overlay/audit_head.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "overlay/record.h"
#include "verity/cleanup.h"
#include "verity/hex.h"
#include "verity/json_value.h"

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
	    json_object_get_int64(value) < 0)
		return false;
	*ret = json_object_get_uint64(value);
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

int overlay_audit_head_decode(const char *text, size_t size,
			      struct overlay_audit_head *ret, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct overlay_audit_head head = {.boot = 0};
	int r = verity_json_parse(text, size, &object, err);

	if (r == -EBADMSG)
		return bad(err);
	if (r < 0)
		return r;
	if (!take_number(object, "boot", &head.boot) ||
	    !take_number(object, "first", &head.first) ||
	    !take_number(object, "last", &head.last) ||
	    !take_digest(object, head.digest) || head.first > head.last)
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
	char hex[2 * OVERLAY_AUDIT_DIGEST_BYTES + 1], text[HEAD_BYTES_MAX];

	verity_hex_encode(head->digest, sizeof(head->digest), hex);
	snprintf(text, sizeof(text),
		 "{\"boot\":%" PRIu64 ",\"first\":%" PRIu64 ",\"last\":%" PRIu64
		 ",\"digest\":\"%s\"}\n",
		 head->boot, head->first, head->last, hex);
	return overlay_record_replace(record_fd, OVERLAY_AUDIT_HEAD, text, strlen(text),
				      err);
}
