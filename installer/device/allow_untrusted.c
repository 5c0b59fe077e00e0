/* SPDX-License-Identifier: MIT */

/* Warnings and hints about Allow Untrusted. */

#include "installer/device/allow_untrusted.h"

#include "installer/common/report.h"

const char *allow_untrusted_hint(struct device *device, enum verity_code code)
{
	struct overlay_trust *trust;
	struct verity_error unused;

	if ((code != VERITY_E_NO_SIGNATURE && code != VERITY_E_UNTRUSTED_SIGNER) ||
	    device_trust(device, &trust, &unused) < 0)
		return verity_code_hint(code);
	if (overlay_trust_locked(trust))
		return "install one signed for this device, or ask for an unlock "
		       "statement";
	if (device_allowed_late(device))
		return overlay_trust_anchor(trust)->present
			       ? "reboot first: Allow Untrusted counts from the next boot "
				 "on, if an unlock statement allows it"
			       : "reboot first: Allow Untrusted counts from the next boot on";
	if (overlay_trust_anchor(trust)->present)
		return "install one signed for this device, or set Allow Untrusted, which "
		       "requires an unlock statement here, too";
	return verity_code_hint(code);
}

void allow_untrusted_warn(struct device *device)
{
	struct overlay_trust *trust;
	struct verity_error unused;

	if (device_trust(device, &trust, &unused) < 0)
		return;
	if (overlay_trust_locked(trust))
		report_warning("%s", overlay_trust_locked(trust)->message);
	else if (overlay_trust_policy(trust)->allow_untrusted)
		report_warning("Allow Untrusted is set: packages of any origin may be "
			       "active");
	else if (device_allowed_late(device))
		report_warning("Allow Untrusted was set after this boot, and counts from "
			       "the next one on");
}
