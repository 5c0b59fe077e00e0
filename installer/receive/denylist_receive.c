/* SPDX-License-Identifier: MIT */
/* Fetching a deny list, and putting it in force. */
#include "installer/receive/denylist_receive.h"

#include <errno.h>
#include <inttypes.h>

#include "installer/common/report.h"
#include "installer/device/audit.h"
#include "installer/receive/statement_receive.h"

/* @why: of a refusal */
static void audit(struct device *device, const struct source *source,
		  const struct verity_denylist *denylist, const struct verity_error *why)
{
	char detail[64 + SOURCE_PLACE_MAX];
	struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_DENYLIST,
					    .source = source_came_from(source),
					    .detail = detail,
					    .reason = why};

	if (why) {
		entry.event = OVERLAY_AUDIT_REFUSE;
		entry.detail = "deny list";
	} else {
		entry.signer = verity_denylist_signer(denylist)->subject;
		snprintf(detail, sizeof(detail), "number %" PRIu32 ", %zu entr%s%s%s",
			 verity_denylist_text(denylist)->number,
			 verity_denylist_text(denylist)->count,
			 verity_denylist_text(denylist)->count == 1 ? "y" : "ies",
			 source->place[0] ? ", " : "", source->place);
	}
	audit_add(device, &entry);
}

int denylist_receive(struct device *device, struct source *source, FILE *out,
		     struct verity_error *err)
{
	struct verity_error why, replaced = {VERITY_OK, ""};
	cleanup_free char *bytes = NULL;
	struct overlay_trust *trust;
	size_t size;
	int r = device_trust(device, &trust, err);

	if (r < 0)
		return r;
	r = statement_receive(source, out, &bytes, &size, err);
	if (r < 0 && r != -EBADMSG)
		return verity_context(err, r, "%s", source->where);
	if (r == 0)
		r = overlay_trust_set_denylist(trust, bytes, size, &replaced, err);
	if (r != 0)
		audit(device, source, overlay_trust_policy(trust)->denylist,
		      r < 0 ? err : NULL);
	if (r < 0)
		return verity_context(err, r, "%s", source->where);
	if (replaced.code != VERITY_OK)
		report_warning("%s: %s", source->where, replaced.message);
	if (overlay_trust_keep(trust, &why) < 0)
		report_warning("%s", why.message);
	return r;
}
