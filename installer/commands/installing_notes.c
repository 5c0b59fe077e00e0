/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "installer/commands/install_private.h"
#include "installer/common/report.h"
#include "installer/device/audit.h"
#include "overlay/config/anchor.h"

/* On what it depends that a package is active which is not plainly Signed. */
static const char *condition_of(struct device *device, enum verity_verdict verdict)
{
	if (verdict == VERITY_DOWNGRADE)
		return "it is active only as long as an unlock statement allows it";
	if (overlay_anchor_holds(device_config(device)->anchor, OVERLAY_EFI_PATH))
		return "it is active only where the boot configuration says Allow "
		       "Untrusted, and as long as an unlock statement allows it";
	return "it is active only where the boot configuration says Allow Untrusted";
}

static void tell_condition(const struct installing *installing,
			   const struct verity_judgement *judgement)
{
	enum verity_verdict verdict = verity_judgement_verdict(judgement);

	if (verdict != VERITY_SIGNED)
		report_warning("%s: %s: %s; %s", source_name(installing->source),
			       verity_verdict_name(verdict),
			       verity_judgement_reason(judgement)->message,
			       condition_of(installing->device, verdict));
}

void installing_tell(const struct installing *installing)
{
	const struct verity_judgement *judgement =
		verity_stream_judgement(installing->stream);
	char replaces[512];

	printf("    PKG: %s\n", verity_verdict_name(verity_judgement_verdict(judgement)));
	tell_condition(installing, judgement);
	replacing_format(&installing->replaced, verity_judgement_manifest(judgement),
			 installing->kind, replaces);
	if (replaces[0])
		puts(replaces);
}

void installing_audit(const struct installing *installing, bool installed,
		      const struct verity_error *why)
{
	const struct verity_judgement *judgement =
		verity_stream_judgement(installing->stream);
	struct overlay_entry package = {.kind = installing->kind};
	struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_INSTALL,
					    .package = &package,
					    .source = source_where(installing->source)};

	if (!installed && (!judgement || verity_judgement_accepted(judgement)))
		return;
	snprintf(package.name, sizeof(package.name), "%s",
		 source_name(installing->source));
	entry.reason = judgement ? verity_judgement_reason(judgement) : NULL;
	if (!installed) {
		entry.event = OVERLAY_AUDIT_REFUSE;
		if (!entry.reason || entry.reason->code == VERITY_OK)
			entry.reason = why;
	}
	auditing_add_judged(installing->device, entry, judgement);
}

void installing_remember(const struct installing *installing)
{
	struct overlay_trust *trust;
	struct verity_error why;
	int r = device_trust(installing->device, &trust, &why);

	if (r == 0)
		r = overlay_trust_seen(trust, verity_stream_judgement(installing->stream),
				       false, &why);
	if (r == 0)
		r = overlay_trust_keep(trust, &why);
	if (r < 0)
		report_warning("%s", why.message);
}
