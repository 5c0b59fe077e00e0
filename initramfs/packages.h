/* SPDX-License-Identifier: MIT */
#pragma once

/* The packages of one boot, from the list of the stores to the order of the stack. */

#include "initramfs/boot_budget.h"
#include "overlay/record/state.h"
#include "overlay/store/order.h"
#include "verity/package/package.h"

/*
 * Who comes first in line where there is not enough time, memory or space for all. What
 * one store holds never costs the other anything.
 */
enum boot_rank {
	BOOT_RANK_PERSIST,
	BOOT_RANK_GOOD,     /* on DATA, and in the last good set */
	BOOT_RANK_STRANGER, /* on DATA, and new, or not for this device at all */
	BOOT_RANKS,
};

/* One installed package. */
struct boot_package {
	struct overlay_state_entry *state; /* borrowed, of struct packages */
	struct verity_package *verified;   /* owned; NULL: not to be activated */
	uint8_t id[VERITY_DIGEST_BYTES];   /* of its judgement; zeros: not known */
	uint64_t left_us;                  /* of its time to be verified and attached */
	enum boot_rank rank;
	bool whole;     /* all of it was verified that has to be */
	bool duplicate; /* another file of this package counts */
	bool moved;     /* that is the persistent one of its name: it is left of a move */
	bool read;      /* its head was read, whatever came of it */
	bool good;      /* the last good set has this very package */
	unsigned depth; /* of what it needs; see struct overlay_related */
};

struct packages {
	struct overlay_state state;       /* .entries: one for each package, by name */
	struct boot_package *items;       /* .state.count of them, in the same order */
	struct overlay_order_item *order; /* what to activate, the one on top first */
	size_t order_count;
	bool listed[2];             /* by enum overlay_store_kind: the store was read */
	struct boot_budget *budget; /* borrowed */
};

/**
 * packages_new - no packages yet, and space for all that two stores may have
 * @budget: borrowed
 * @ret:    filled on success only; packages_free()
 *
 * Return: 0; -ENOMEM.
 */
int packages_new(struct boot_budget *budget, struct packages *ret,
		 struct verity_error *err) must_check;

/**
 * packages_add - add what a survey lists; nothing is verified yet
 */
void packages_add(struct packages *packages, const struct overlay_survey *survey,
		  enum boot_rank rank);

/**
 * packages_sort - sort by name; before there is an order
 *
 * Return: 0; -ENOMEM.
 */
int packages_sort(struct packages *packages, struct verity_error *err) must_check;

/**
 * packages_sum_up - take files out of the list that are no packages, and count them
 *
 * The first few of each store stay, so that a person sees what is wrong with them. What
 * is left of a move is no package either, and is not counted.
 */
void packages_sum_up(struct packages *packages);

/**
 * packages_at - the package at position @position of the order
 */
struct boot_package *packages_at(const struct packages *packages, size_t position);

/**
 * packages_refuse - do not activate a package
 */
void packages_refuse(struct boot_package *package, const struct verity_error *reason);

/**
 * packages_put_in_order - make the order anew, of what is to be activated
 */
void packages_put_in_order(struct packages *packages);

/**
 * packages_refuse_all - activate none of those that would be
 */
void packages_refuse_all(struct packages *packages, const struct verity_error *reason);

/* Plain data. */
struct packages_memory {
	uint64_t bytes;   /* for all packages together; UINT64_MAX: no limit */
	unsigned percent; /* of the memory that the device has: key memory_percent */
};

/**
 * packages_limit - leave out what a stack has no layer for, or the device no memory
 *
 * Those come first that come first in line; see enum boot_rank. The order is made anew.
 */
void packages_limit(struct packages *packages, const struct packages_memory *memory);

/**
 * packages_relate - leave out what cannot be active with the others, or not without one
 * that is left out; see overlay_relations_settle()
 *
 * Asked again whenever others have been left out since. The order is made anew.
 *
 * Return: 0; -ENOMEM.
 */
int packages_relate(struct packages *packages, struct verity_error *err) must_check;

void packages_free(struct packages *packages);
