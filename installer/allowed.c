/* SPDX-License-Identifier: MIT */
#include "installer/allowed.h"

#include "installer/report.h"

static void warn(const struct verity_error *why)
{
	const char *hint = verity_code_hint(why->code);

	report_warning("%s%s%s%s", why->message, hint ? " (" : "", hint ? hint : "",
		       hint ? ")" : "");
}

void allowed_warn(struct device *device)
{
	struct overlay_trust *trust;
	struct verity_error unused;

	if (device_trust(device, &trust, &unused) < 0)
		return;
	if (overlay_trust_locked(trust))
		warn(overlay_trust_locked(trust));
	else if (overlay_trust_policy(trust)->allow_untrusted)
		report_warning("Allow Untrusted is set: packages of any origin may be "
			       "active");
	else if (device_allowed_late(device))
		report_warning("Allow Untrusted was set after this boot, and counts from "
			       "the next one on");
}
