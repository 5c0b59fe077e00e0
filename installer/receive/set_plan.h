/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a set would change: its packages beside those that are installed. Made before
 * anything is fetched, and completed as heads and packages arrive.
 */

#include "installer/receive/install_run.h"
#include "verity/statement/package_set.h"

/* What an installed file says of itself: good enough to compare, and for nothing else. */
struct set_present {
	bool there;
	bool readable;
	bool damaged; /* this boot, or `show`, found that its image is not whole */
	struct overlay_entry entry;
	uint32_t epoch;
	char identity[VERITY_NAME_MAX + 1]; /* "" where unreadable, like the next two */
	char version[VERITY_VERSION_MAX + 1];
	uint8_t root_hash[VERITY_DIGEST_BYTES];
	struct verity_error inactive; /* why it is not active; code VERITY_OK: it is */
};

/* One package of the set, or an installed one that it does not name. */
struct set_item {
	const struct verity_set_package *wanted; /* NULL: it is not named; borrowed */
	struct set_present present;
	bool met;  /* it is installed as wanted */
	bool seen; /* the next two are known: its head has arrived */
	char identity[VERITY_NAME_MAX + 1];
	char version[VERITY_VERSION_MAX + 1]; /* of what comes */
	struct source *source;                /* owned; NULL: not opened */
	struct install *install;              /* owned; NULL: not fetched */
};

/* { 0 } is none. */
struct set_plan {
	struct device *device;                /* borrowed, like the next two */
	struct overlay_store *store;          /* both stores */
	const struct verity_package_set *set; /* outlives the plan */
	struct set_item *items; /* owned; those of the set, in its order, come first */
	size_t count;
};

enum set_action {
	SET_NONE,
	SET_INSTALL,
	SET_REPLACE, /* also where it moves to the other store */
	SET_REMOVE,
};

/**
 * set_plan_make - compare a set with what is installed
 * @set: borrowed; must outlive the plan
 * @ret: set on success only; set_plan_free()
 *
 * Changes nothing and fetches nothing. Cost: the preamble of each installed package, and
 * what installed_list_read() reads.
 *
 * Return: 0; -EINVAL (BAD_SET) where the set names no source for what is not there;
 * -EPERM (REQUIRED) where the device does not start without what would be removed;
 * -errno.
 */
int set_plan_make(struct device *device, const struct verity_package_set *set,
		  struct set_plan *ret, struct verity_error *err) must_check;

void set_plan_free(struct set_plan *plan);

/**
 * set_plan_check_same - whether the stores still hold what the plan was made with; with
 * the stores locked
 *
 * Return: 0; -EBUSY; -errno.
 */
int set_plan_check_same(const struct set_plan *plan, struct verity_error *err) must_check;

/**
 * set_plan_fail_changed - fail: what is installed is not what it was
 *
 * Return: -EBUSY.
 */
int set_plan_fail_changed(struct verity_error *err);

/**
 * set_plan_action - what is done with one package, as far as is known
 */
enum set_action set_plan_action(const struct set_plan *plan, const struct set_item *item);

/**
 * set_plan_removals - how many packages would be removed
 */
size_t set_plan_removals(const struct set_plan *plan);

/**
 * set_item_name - its installed name; borrowed
 */
const char *set_item_name(const struct set_item *item);

/**
 * set_item_kind - the store that the set wants it in
 */
enum overlay_store_kind set_item_kind(const struct set_item *item);

/**
 * set_item_in_store - whether it is installed in the store that the set wants
 */
bool set_item_in_store(const struct set_item *item);

/**
 * set_package_compare - whether a package is the one that the set names
 *
 * Return: 0; -EINVAL (BAD_SET) with the difference.
 */
int set_package_compare(const struct verity_set_package *wanted, const char *version,
			const uint8_t root_hash[static VERITY_DIGEST_BYTES],
			struct verity_error *err) must_check;
