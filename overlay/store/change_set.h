/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Several packages installed and removed as one step, over both stores: a power cut
 * leaves all of the old ones or all of the new ones. The new files are completed beside
 * the old ones, a list of the changes is written (the step), the changes are made, the
 * list is deleted. A boot, and the next program that changes a store, make what is left
 * of them.
 */

#include "overlay/store/store.h"

struct overlay_change_set;

/**
 * overlay_change_set_log_found - how a set that was cut off is logged, where this program
 * completes it; without it, it is not
 * @log: borrowed; must outlive the store
 */
void overlay_change_set_log_found(struct overlay_store *store,
				  const struct overlay_change_set_log *log);

/**
 * overlay_change_set_new - begin; holds the locks of both stores until it is freed
 * @ret: set on success only; overlay_change_set_free(), which leaves nothing of what was
 *       not committed
 *
 * Return: 0; -EBUSY while another program installs; -EIO (WAITING_SET) while an earlier
 * set is not complete: its lists would be lost, and with them half of it; -errno.
 */
int overlay_change_set_new(struct overlay_store *store, struct overlay_change_set **ret,
			   struct verity_error *err) must_check;

void overlay_change_set_free(struct overlay_change_set *set);
DEFINE_CLEANUP(struct overlay_change_set, overlay_change_set_free);

/**
 * overlay_change_set_add - install a package, replacing one of this name in either store
 * @ret: to write it to, and to reserve room; owned by @set
 *
 * Return: 0; -EEXIST (OTHER_NAME) for a second one of this name; -errno.
 */
int overlay_change_set_add(struct overlay_change_set *set, enum overlay_store_kind kind,
			   const char *name, struct overlay_incoming **ret,
			   struct verity_error *err) must_check;

/**
 * overlay_change_set_drop - the one that was added last is not installed after all
 */
void overlay_change_set_drop(struct overlay_change_set *set);

/**
 * overlay_change_set_remove - remove an installed package
 */
int overlay_change_set_remove(struct overlay_change_set *set,
			      const struct overlay_entry *entry,
			      struct verity_error *err) must_check;

/**
 * overlay_change_set_commit - make all changes, as one that can be undone
 * @digest: of what is kept to be logged with the step; part of the step; NULL: nothing is
 * @log:    writes it; NULL: nothing is logged
 *
 * Return: 0 when it will be so after a power cut; -errno: nothing is changed, or, where
 * @ret_begun is set, the rest is done by the next boot or the next change.
 */
int overlay_change_set_commit(struct overlay_change_set *set, const uint8_t *digest,
			      const struct overlay_change_set_log *log, bool *ret_begun,
			      struct verity_error *err) must_check;

/**
 * overlay_change_set_recover - complete a set that was committed and then cut off, if
 * there is one; for who is about to read the stores
 *
 * Return: 0, also where there is none; -EBUSY while another program installs; -errno.
 */
int overlay_change_set_recover(struct overlay_store *store,
			       struct verity_error *err) must_check;

/**
 * overlay_change_set_waiting - why a set that was cut off could not be completed when
 * this program last locked the stores
 *
 * It may also be one that was never committed, whose other half is in a store that is not
 * there.
 *
 * Return: WAITING_SET, with the reason; NULL where there is none; borrowed.
 */
const struct verity_error *overlay_change_set_waiting(const struct overlay_store *store);
