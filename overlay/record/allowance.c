/* SPDX-License-Identifier: MIT */
/* Decides whether Allow Untrusted and downgrades count. */
#include "overlay/record/allowance.h"

void overlay_allowance_decide(const struct overlay_allowance_inputs *inputs,
			      struct overlay_allowance *ret)
{
	struct overlay_allowance allowance = {.untrusted = false};
	const struct verity_error *fault = &allowance.unlock_fault;
	unsigned allows = 0;

	if (inputs->unlock &&
	    verity_unlock_check(inputs->unlock, inputs->serial, inputs->now,
				&allowance.unlock_fault) == 0)
		allows = verity_unlock_text(inputs->unlock)->allows;
	allowance.downgrade = (allows & VERITY_ALLOW_DOWNGRADE) != 0;
	allowance.untrusted = inputs->asked && (!inputs->anchor->present ||
						(allows & VERITY_ALLOW_UNTRUSTED) != 0);
	allowance.locked = inputs->asked && !allowance.untrusted;
	if (allowance.locked && fault->code != VERITY_OK)
		verity_fail(&allowance.why, VERITY_E_LOCKED,
			    "Allow Untrusted does not count on this device: %s",
			    fault->message);
	else if (allowance.locked && allows)
		verity_fail(&allowance.why, VERITY_E_LOCKED,
			    "Allow Untrusted does not count on this device: its unlock "
			    "statement does not allow it");
	else if (allowance.locked)
		verity_fail(&allowance.why, VERITY_E_LOCKED,
			    "Allow Untrusted does not count on this device without an "
			    "unlock statement (serial number: %s): %s",
			    inputs->serial[0] ? inputs->serial : "not known",
			    inputs->anchor->text);
	*ret = allowance;
}
