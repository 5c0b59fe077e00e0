/* SPDX-License-Identifier: MIT */
#pragma once

/* The insides of a store, for the files that work on it. */

#include "overlay/store/store.h"

#define OVERLAY_KINDS        2
#define OVERLAY_STORE_FOLDER "packages"

/* A package on its way in is `.NAME.wmopkg.new`; one at a time, under the lock. */
#define OVERLAY_NEW_PREFIX "."
#define OVERLAY_NEW_SUFFIX ".wmopkg.new"

struct overlay_store {
	int base[OVERLAY_KINDS];   /* DATA and PERSIST; -1: not there */
	int folder[OVERLAY_KINDS]; /* `packages` within them; -1: not made yet */
};

/* Descriptors of our own of both folders: they carry the locks. -1: there is none. */
struct overlay_store_lock {
	int folder[OVERLAY_KINDS];
};

/**
 * overlay_store_lock - keep every other program from installing and cleaning
 * @ret: set on success alone; overlay_store_unlock()
 *
 * Both folders are locked whichever is meant: a package may move from one to the other.
 * Who makes a folder does so before, so that of two programs one finds the other's.
 *
 * Return: 0; -EBUSY; -errno.
 */
int overlay_store_lock(struct overlay_store *store, struct overlay_store_lock *ret,
		       struct verity_error *err) must_check;

void overlay_store_unlock(struct overlay_store_lock *lock);

/**
 * overlay_store_clear - delete what nobody who holds the lock has left there: files that
 * were never renamed, and what a move of a package left in the ordinary store
 *
 * Return: how many files were deleted; -errno.
 */
int overlay_store_clear(const struct overlay_store_lock *lock,
			struct verity_error *err) must_check;
