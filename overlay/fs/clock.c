/* SPDX-License-Identifier: MIT */
/* Names of the steps. */
#include "overlay/fs/clock.h"

static const char *const names[OVERLAY_STEPS] = {
	[OVERLAY_STEP_PREPARE] = "prepare", [OVERLAY_STEP_VOLUMES] = "volumes",
	[OVERLAY_STEP_RESET] = "reset",     [OVERLAY_STEP_TRUST] = "trust",
	[OVERLAY_STEP_JUDGE] = "judge",     [OVERLAY_STEP_TRY] = "try",
	[OVERLAY_STEP_ATTACH] = "attach",   [OVERLAY_STEP_STACK] = "stack",
	[OVERLAY_STEP_RECORD] = "record",   [OVERLAY_STEP_SEED] = "seed",
};

const char *overlay_step_name(enum overlay_step step)
{
	return names[step];
}
