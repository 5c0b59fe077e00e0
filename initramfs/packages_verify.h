/* SPDX-License-Identifier: MIT */
#pragma once

/* Verifies the packages of a boot side by side, and puts what is accepted in order. */

#include "initramfs/hints.h"
#include "initramfs/packages.h"
#include "overlay/config/bootconf.h"

/*
 * How packages are verified; all borrowed, for the lifetime of the process where a job of
 * @budget is stuck.
 */
struct verify_context {
	const struct overlay_store *store;
	const struct verity_policy *policy;
	struct boot_budget *budget;
	const struct hints *hints;
};

/**
 * packages_load - list and verify what is installed; there is no order yet
 * @ret: filled on success only; packages_free()
 *
 * PERSIST first, then what DATA has of the last good set, then the rest of DATA. A
 * package that is refused, whose storage does not answer, or for which a limit leaves no
 * space, is no failure: the reason is in its state. A store that cannot be listed counts
 * as empty.
 */
int packages_load(const struct verify_context *context,
		  const struct overlay_bootconf *bootconf, struct packages *ret,
		  struct verity_error *err) must_check;

/**
 * packages_verify_again - verify a package with another policy, and leave it out; for the
 * verdict and the reason of its state
 */
void packages_verify_again(struct packages *packages,
			   const struct verify_context *context, size_t index);
