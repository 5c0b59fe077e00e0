/* SPDX-License-Identifier: MIT */
#pragma once

/* The trial of a package: whether the device has completed a boot with it. */

#include "installer/device/installed.h"

enum trial_state {
	TRIAL_NONE,        /* not known, or trials are off */
	TRIAL_COMING,      /* begins with the next boot */
	TRIAL_RUNNING,     /* no boot with the package was completed yet */
	TRIAL_PASSED,      /* one was */
	TRIAL_QUARANTINED, /* too many were not */
	TRIAL_SUSPECT,     /* too many were not, and others may be the cause */
};

struct trial {
	enum trial_state state;
	unsigned boots_left; /* TRIAL_RUNNING: after this one, before it is quarantined */
};

/**
 * trial_find - the trial of an installed package that was opened
 * @ret: always filled; TRIAL_NONE where it cannot be read
 */
void trial_find(struct device *device, const struct installed *item, struct trial *ret);
