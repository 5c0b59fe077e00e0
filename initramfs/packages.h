/* SPDX-License-Identifier: MIT */
#pragma once

/* The packages of one boot, from the list of the stores to the order of the stack. */

#include "initramfs/boot_budget.h"
#include "overlay/record/state.h"
#include "overlay/store/order.h"
#include "verity/package/package.h"

/* One installed package. */
struct boot_package {
	struct overlay_state_entry *state; /* borrowed, of struct packages */
	struct verity_package *verified;   /* owned; NULL: not to be activated */
	uint8_t id[VERITY_DIGEST_BYTES];   /* of its judgement; zeros: not known */
	uint64_t left_us;                  /* of its time to be verified and attached */
	bool waits;                        /* a large one, verified in a second run */
};

struct packages {
	struct overlay_state state;       /* .entries: one for each package, by name */
	struct boot_package *items;       /* .state.count of them, in the same order */
	struct overlay_order_item *order; /* what to activate, the one on top first */
	size_t order_count;
	struct boot_budget *budget; /* borrowed */
};

/**
 * packages_list - list what is installed; nothing is verified yet
 * @budget: borrowed
 * @ret:    filled on success only; packages_free()
 */
int packages_list(const struct overlay_store *store, struct boot_budget *budget,
		  struct packages *ret, struct verity_error *err) must_check;

/**
 * packages_at - the package at position @position of the order
 */
struct boot_package *packages_at(const struct packages *packages, size_t position);

/**
 * packages_refuse - do not activate a package
 */
void packages_refuse(struct boot_package *package, const struct verity_error *reason);

void packages_free(struct packages *packages);
