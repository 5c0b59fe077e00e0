/* SPDX-License-Identifier: MIT */
#pragma once

/* The packages of one boot: listed, judged, ordered. */

#include "initramfs/boot_budget.h"
#include "overlay/config/bootconf.h"
#include "overlay/record/state.h"
#include "overlay/store/order.h"
#include "verity/package/package.h"

struct packages {
	struct overlay_state
		state; /* .entries: one for each installed package, by name */
	struct verity_package **judged; /* beside .entries; NULL: not to be activated */
	uint8_t (
		*ids)[VERITY_DIGEST_BYTES]; /* beside .entries; the id of its judgement */
	struct overlay_order_item *order;   /* what to activate, the one on top first */
	size_t order_count;
	uint64_t *left_us;         /* beside .entries; of the box of each package */
	struct patience *patience; /* borrowed */
};

/* How packages are judged; all borrowed. */
struct packages_judge {
	const struct overlay_store *store;
	const struct verity_policy *policy;
	struct patience *patience;
};

/**
 * packages_load - list and judge what is installed, and put what is accepted in order
 * @judge: what it borrows must stay for as long as the process where @judge->patience
 *         says that a job is stuck
 * @ret:   filled on success alone; packages_free()
 *
 * What is wrong with a package is in its state, and is no failure; nor is one whose
 * storage does not answer.
 */
int packages_load(const struct packages_judge *judge,
		  const struct overlay_bootconf *bootconf, struct packages *ret,
		  struct verity_error *err) must_check;

void packages_free(struct packages *packages);

/**
 * packages_refuse - leave a package out after all
 */
void packages_refuse(struct packages *packages, size_t index,
		     const struct verity_error *reason);

/**
 * packages_judge_all - judge those that were listed; for packages_load()
 */
int packages_judge_all(struct packages *packages, const struct packages_judge *judge,
		       struct verity_error *err) must_check;

/**
 * packages_judge_one - judge a package anew, within what is left of its box
 */
int packages_judge_one(struct packages *packages, const struct packages_judge *judge,
		       size_t index, struct verity_error *err) must_check;

/**
 * packages_judge_again - judge a package that is not to be activated after all by another
 * policy, for the verdict and the reason of its state
 */
void packages_judge_again(struct packages *packages, const struct packages_judge *judge,
			  size_t index);
