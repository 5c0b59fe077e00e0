/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "installer/commands/statement_json.h"
#include "installer/common/describe.h"
#include "installer/common/describe_statement.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"

#define STATEMENT_FORMAT 1

static bool put_boolean(struct json_object *object, const char *key, bool value)
{
	return verity_json_put(object, key, json_object_new_boolean(value));
}

static bool put_reason(struct json_object *object, const char *key,
		       const struct verity_error *reason)
{
	return !reason ||
	       describe_put_reason(object, key, reason, verity_code_hint(reason->code));
}

static bool put_statement(struct json_object *object, const struct verity_unlock *unlock)
{
	struct json_object *child = json_object_new_object();
	const char *serial = verity_unlock_serial(unlock);
	int64_t until = verity_unlock_not_after(unlock);

	return verity_json_put(object, "statement", child) &&
	       describe_put_allowed(child, verity_unlock_allows(unlock)) &&
	       verity_json_put(child, "serial", json_object_new_string(serial)) &&
	       verity_json_put(child, "not_after", json_object_new_int64(until)) &&
	       verity_json_put(child, "signer",
			       describe_signer(verity_unlock_signer(unlock)));
}

static bool put_unlock(struct json_object *object, const char *serial,
		       const struct overlay_trust *trust)
{
	const struct verity_unlock *unlock = overlay_trust_unlock(trust);
	struct verity_error why;

	if (!unlock)
		return put_boolean(object, "unlocked", false);
	if (!put_statement(object, unlock))
		return false;
	if (verity_unlock_check(unlock, serial, overlay_trust_time(trust), &why) == 0)
		return put_boolean(object, "unlocked", true);
	return put_boolean(object, "unlocked", false) &&
	       put_reason(object, "reason", &why);
}

/* @whole: nothing of it was out of memory */
static int print(struct json_object *object, bool whole, struct verity_error *err)
{
	if (!whole)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}

int unlock_json(struct device *device, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	struct overlay_trust *trust;
	const char *serial;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	serial = device_identity(device)->serial;
	return print(
		object,
		object &&
			verity_json_put(object, "format",
					json_object_new_int(STATEMENT_FORMAT)) &&
			(!serial[0] || verity_json_put(object, "serial",
						       json_object_new_string(serial))) &&
			put_unlock(object, serial, trust) &&
			put_boolean(object, "allow_untrusted",
				    overlay_trust_policy(trust)->allow_untrusted) &&
			put_reason(object, "locked", overlay_trust_locked(trust)),
		err);
}

static bool put_denylist(struct json_object *object, const struct verity_denylist *list)
{
	uint32_t number = list ? verity_denylist_number(list) : 0;
	struct json_object *entries = json_object_new_array();

	if (!verity_json_put(object, "number", json_object_new_int64(number)) ||
	    !verity_json_put(object, "deny", entries))
		return false;
	for (size_t i = 0; list && i < verity_denylist_count(list); i++)
		if (!verity_json_append(entries,
					describe_deny(verity_denylist_at(list, i))))
			return false;
	return !list || verity_json_put(object, "signer",
					describe_signer(verity_denylist_signer(list)));
}

int denylist_json(struct device *device, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	struct overlay_trust *trust;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	return print(object,
		     object &&
			     verity_json_put(object, "format",
					     json_object_new_int(STATEMENT_FORMAT)) &&
			     put_denylist(object, overlay_trust_denylist(trust)),
		     err);
}
