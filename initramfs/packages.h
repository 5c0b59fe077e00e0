/* SPDX-License-Identifier: MIT */
#pragma once

/* The packages of one boot: listed, judged, ordered. */

#include "overlay/bootconf.h"
#include "overlay/config.h"
#include "overlay/order.h"
#include "overlay/state.h"
#include "verity/package.h"

struct packages {
	struct overlay_state
		state; /* .entries: one for each installed package, by name */
	struct verity_package **judged; /* beside .entries; NULL: not to be activated */
	uint8_t (*ids)[VERITY_DIGEST_BYTES]; /* beside .entries; verity_judgement_id() */
	struct overlay_order_item *order;    /* what to activate, the one on top first */
	size_t order_count;
};

/**
 * packages_load - list and judge what is installed, and put what is accepted in order
 * @verify: how much of each is read; in safe mode, where none is mounted, the least
 * @ret: filled on success alone; packages_free()
 *
 * What is wrong with a package is in its state, and is no failure.
 */
int packages_load(const struct overlay_store *store, const struct verity_policy *policy,
		  const struct overlay_bootconf *bootconf, enum overlay_verify verify,
		  struct packages *ret, struct verity_error *err) must_check;

void packages_free(struct packages *packages);

/**
 * packages_refuse - leave a package out after all
 */
void packages_refuse(struct packages *packages, size_t index,
		     const struct verity_error *reason);

/**
 * packages_judge_again - judge a package that is not to be activated after all by another
 * policy, for the verdict and the reason of its state
 */
void packages_judge_again(struct packages *packages, const struct overlay_store *store,
			  const struct verity_policy *policy, size_t index);
