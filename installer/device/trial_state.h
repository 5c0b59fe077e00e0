/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether a package has yet to prove that the device boots with it. */

#include "installer/device/installed.h"

enum trial_state {
	TRIAL_NONE,        /* nothing is known of it, or there are no trials */
	TRIAL_COMING,      /* the next boot begins it */
	TRIAL_RUNNING,     /* no boot with it was completed yet */
	TRIAL_PASSED,      /* one was */
	TRIAL_QUARANTINED, /* too many were not */
};

struct trial {
	enum trial_state state;
	unsigned boots_left; /* TRIAL_RUNNING: after this one, before it is quarantined */
};

/**
 * trial_find - what is kept of an installed package that was opened
 * @ret: filled always: what cannot be read is not known
 */
void trial_find(struct device *device, const struct installed *item, struct trial *ret);

/**
 * trial_state_name - "none", "coming", "running", "passed", "quarantined"
 */
const char *trial_state_name(enum trial_state state);
