/* SPDX-License-Identifier: MIT */

/* The names of the verdicts. */

#include "verity/package/judge.h"

const char *const verity_verdict_names[VERITY_VERDICTS] = {
	[VERITY_SIGNED] = "Signed",       [VERITY_UNSIGNED] = "Unsigned",
	[VERITY_UNTRUSTED] = "Untrusted", [VERITY_INVALID] = "Invalid",
	[VERITY_REVOKED] = "Revoked",     [VERITY_INCOMPATIBLE] = "Incompatible",
	[VERITY_DOWNGRADE] = "Downgrade", [VERITY_QUARANTINED] = "Quarantined",
};

const char *verity_verdict_name(enum verity_verdict verdict)
{
	return verity_verdict_names[verdict];
}
