/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether unsigned and untrusted packages, and downgrades, are allowed: a pure decision.
 */

#include "overlay/config/anchor.h"
#include "verity/statement/unlock.h"

/* Plain data; borrowed. */
struct overlay_allowance_inputs {
	bool asked; /* the boot configuration says Allow Untrusted */
	const struct overlay_anchor_result *anchor;
	const struct verity_unlock *unlock; /* the one that is kept; NULL: none */
	const char *serial;                 /* of this device; "" where it is not known */
	int64_t now;                        /* device time, seconds since 1970 */
};

struct overlay_allowance {
	bool untrusted;
	bool downgrade;
	bool locked;                      /* Allow Untrusted is set, and does not count */
	struct verity_error why;          /* why it is locked */
	struct verity_error unlock_fault; /* why the unlock statement does not count */
};

/**
 * overlay_allowance_decide - Allow Untrusted counts where it is asked for and nothing
 * anchors the device, or an unlock statement lets it; a downgrade where one lets it
 */
void overlay_allowance_decide(const struct overlay_allowance_inputs *inputs,
			      struct overlay_allowance *ret);
