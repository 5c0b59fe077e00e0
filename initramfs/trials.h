/* SPDX-License-Identifier: MIT */
#pragma once

/* The trials of packages at a boot; see overlay/record/trials.h. */

#include "initramfs/packages_verify.h"
#include "overlay/record/trials.h"

/* Plain data; borrowed for the call. */
struct trials_context {
	struct verify_context verify; /* that the packages were verified with */
	int record_fd;                /* PERSIST/wmopkg; -1: there is none */
	unsigned limit;               /* boots in a row that may fail; 0: no trials */
	const struct overlay_config *config; /* which packages are required */
};

/**
 * trials_begin - count this boot for the packages that will be activated, and leave out
 * those that have used up their boots
 *
 * Synced when it returns, so that a boot that ends in the next moment has been counted.
 * What fails is in the kernel log, and affects the trials only.
 */
void trials_begin(const struct trials_context *context, struct packages *packages);

/**
 * trials_plan - what trials_begin() would do: nothing is stored, nothing logged
 * @context: .record_fd -1: it does not exist yet
 * @ret:     the trials as they would be; set on success only; overlay_trials_free()
 *
 * Return: 0; -ENOMEM; -E2BIG.
 */
int trials_plan(const struct trials_context *context, struct packages *packages,
		struct overlay_trials *ret, struct verity_error *err) must_check;
