/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "installer/commands/statement_json.h"
#include "installer/common/describe.h"
#include "verity/util/json_write.h"

#define STATEMENT_FORMAT 1

static void put_reason(struct verity_json_writer *json, const char *key,
		       const struct verity_error *reason)
{
	verity_json_reason(json, key, reason,
			   reason ? verity_code_hint(reason->code) : NULL);
}

int unlock_json(struct device *device, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	struct verity_error why = {VERITY_OK, ""};
	const struct verity_unlock *unlock;
	struct overlay_trust *trust;
	const char *serial;
	bool counts;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	serial = device_identity(device)->serial;
	unlock = overlay_trust_unlock(trust);
	verity_json_int(&json, "format", STATEMENT_FORMAT);
	verity_json_some_text(&json, "serial", serial);
	if (unlock) {
		verity_json_open(&json, "statement");
		verity_unlock_put(&json, verity_unlock_text(unlock));
		describe_put_signer(&json, "signer", verity_unlock_signer(unlock));
		verity_json_close(&json);
	}
	counts = unlock && verity_unlock_check(unlock, serial, overlay_trust_time(trust),
					       &why) == 0;
	verity_json_bool(&json, "unlocked", counts);
	put_reason(&json, "reason", &why);
	verity_json_bool(&json, "allow_untrusted",
			 overlay_trust_policy(trust)->allow_untrusted);
	put_reason(&json, "locked", overlay_trust_locked(trust));
	return verity_json_print(&json, stdout, err);
}

int denylist_json(struct device *device, struct verity_error *err)
{
	static const struct verity_denylist_text none = {.number = 0};
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	const struct verity_denylist *denylist;
	struct overlay_trust *trust;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	denylist = overlay_trust_denylist(trust);
	verity_json_int(&json, "format", STATEMENT_FORMAT);
	verity_denylist_put(&json, denylist ? verity_denylist_text(denylist) : &none);
	if (denylist)
		describe_put_signer(&json, "signer", verity_denylist_signer(denylist));
	return verity_json_print(&json, stdout, err);
}
