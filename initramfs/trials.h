/* SPDX-License-Identifier: MIT */
#pragma once

/* The trials of packages, as a boot sees them; see overlay/record/trials.h. */

#include "initramfs/packages.h"
#include "overlay/record/trials.h"

/* Plain data; borrowed for the call. */
struct trying {
	struct packages_judge judge; /* that they were judged by */
	int record_fd;               /* PERSIST/wmopkg; -1: there is none */
	bool listed[2];              /* by enum overlay_store_kind: the store was read */
	unsigned limit;              /* boots in a row that may fail; 0: no trials */
};

/**
 * trying_begin - count this boot against the packages that it is going to activate, and
 * leave out those that have used up their boots
 *
 * On disk when it returns, so that a boot that ends in the next moment has been counted.
 * What goes wrong is in the kernel log, and costs the trials alone.
 *
 * Return: how many packages were quarantined now.
 */
int trying_begin(const struct trying *trying, struct packages *packages);

/**
 * trying_plan - what trying_begin() would do: nothing is stored, nothing logged
 * @trying: .record_fd -1: it is not there yet
 * @ret: the trials as it would leave them; set on success alone; overlay_trials_free()
 *
 * Return: how many packages would be quarantined now; -ENOMEM; -E2BIG.
 */
int trying_plan(const struct trying *trying, struct packages *packages,
		struct overlay_trials *ret, struct verity_error *err) must_check;
