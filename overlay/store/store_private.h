/* SPDX-License-Identifier: MIT */
#pragma once

/* What the files of the store share. */

#include "overlay/store/kept.h"
#include "overlay/store/store.h"
#include "verity/util/cleanup.h"

#define KINDS  2
#define FOLDER OVERLAY_STORE_FOLDER

/* A package on its way in is `.NAME.wmopkg.new`. */
#define NEW_PREFIX "."
#define NEW_SUFFIX ".wmopkg.new"

struct overlay_store {
	struct {
		int base;   /* DATA or PERSIST; -1: not there */
		int folder; /* `packages` within it; -1: not made yet */
	} kinds[KINDS];
	const char *run; /* borrowed; NULL: each folder has its own lock */
	uint32_t change; /* number of what is done through this store; 0: nothing yet */
	struct verity_error waits;                /* see overlay_change_set_waiting() */
	const struct overlay_change_set_log *log; /* see overlay_change_set_log_found() */
};

/* -1: there is none. */
struct store_lock {
	int held[KINDS];    /* the locks; only the first where both folders have one */
	int folders[KINDS]; /* descriptors of our own of both folders */
	bool unfinished;    /* a set that was committed waits for its new files */
};

#define STORE_UNLOCKED                                                                   \
	(struct store_lock)                                                              \
	{                                                                                \
		.held = {-1, -1}, .folders = { -1, -1 }                                  \
	}

/* The record of changes, while one is made. */
struct keeping {
	struct overlay_store *store;
	int lock; /* -1: nothing is recorded or kept */
	struct overlay_kept kept;
	struct overlay_kept_item *item; /* the last of @kept; NULL as @lock */
};

struct overlay_incoming {
	struct overlay_store *store; /* borrowed */
	struct store_lock lock;
	bool in_set; /* the lock is that of the set, and so is what happens when it fails
		      */
	enum overlay_store_kind kind;
	int folder; /* the one of @kind, borrowed from @lock */
	int fd;
	char file[VERITY_NAME_MAX + sizeof(NEW_PREFIX NEW_SUFFIX)]; /* "" once renamed */
	char final[OVERLAY_FILE_BYTES];
};

/**
 * store_name - of a store, as in the configuration
 */
const char *store_name(enum overlay_store_kind kind);

/**
 * store_open_folder - open `packages` of one store, if it is there by now: another
 * program may have made it since the store was opened
 */
int store_open_folder(struct overlay_store *store, size_t kind,
		      struct verity_error *err) must_check;

/**
 * store_is_misspelt - whether @folder finds @file although it lists only another spelling
 * of it: on vfat and exfat, and in a folder of ext4 that was made so, upper and lower
 * case are the same
 * @ret_listed: that spelling
 */
bool store_is_misspelt(int folder, const char *file,
		       char ret_listed[static OVERLAY_FILE_BYTES]);

/**
 * store_lock_both - keep every other program from installing and cleaning
 * @ret: set also on failure; store_unlock()
 *
 * Both folders are locked, whichever is meant: a package may move from one to the other.
 * Who makes a folder does so before, so that of two programs one finds the other's.
 *
 * Return: 0; -EBUSY while another program installs; -errno.
 */
int store_lock_both(struct overlay_store *store, struct store_lock *ret,
		    struct verity_error *err) must_check;

void store_unlock(struct store_lock *lock);

/**
 * store_clear_both - delete what interrupted installs left in both stores
 * @kind: the store where a failure counts
 *
 * What is kept of earlier changes stays.
 */
int store_clear_both(struct overlay_store *store, const struct store_lock *lock,
		     enum overlay_store_kind kind, struct verity_error *err) must_check;

/**
 * store_identify - by kind: what lies there under a name
 * @ret_folder: whether one of them is a folder
 */
void store_identify(const struct overlay_store *store, const char *file,
		    struct overlay_kept_id ret[static KINDS], bool *ret_folder);

/**
 * keeping_begin - record a change before it is made
 * @made: the new file of @entry; NULL: it is removed
 * @ret:  keeping_end()
 *
 * Where that cannot be done, nothing is kept, and there is no record: without this
 * change, an undo would be of the one before it.
 */
void keeping_begin(struct overlay_store *store, const struct overlay_entry *entry,
		   const struct stat *made, struct keeping *ret);

void keeping_end(struct keeping *keeping);

/**
 * keeping_cancel - the change was not made
 */
void keeping_cancel(struct keeping *keeping);

/**
 * keep_replaced - a second name for what the rename of a new file is going to replace
 */
void keep_replaced(struct keeping *keeping, int folder, const char *file);

/**
 * store_put_away - take a file out of a store, in one step: it gets another name where it
 * can be kept, and is deleted otherwise
 * @keeping: NULL: it is not kept
 *
 * Return: 0; -errno.
 */
int store_put_away(struct keeping *keeping, int folder, const char *file);

/**
 * store_can_delete - whether a file can be deleted; known before anything is changed in
 * the other store. A store without the file need not be writable.
 *
 * Return: 1: @file is there and can be deleted; 0: it is not there; -errno: it is there
 * and stays, also as a folder.
 */
int store_can_delete(int folder, const char *file);

/**
 * store_make_folder - the folder and its name on disk, before anything is promised about
 * what lies in it
 */
int store_make_folder(struct overlay_store *store, enum overlay_store_kind kind,
		      struct verity_error *err) must_check;

/**
 * store_incoming_in_set - as overlay_incoming_new(), with the lock of a set of changes
 * @lock: held as long as @ret
 */
int store_incoming_in_set(struct overlay_store *store, const struct store_lock *lock,
			  enum overlay_store_kind kind, const char *name,
			  struct overlay_incoming **ret,
			  struct verity_error *err) must_check;

struct set_journal;

/**
 * store_make_changes - make the changes of a set that are not made yet
 * @keep: so that they can be undone
 */
int store_make_changes(struct overlay_store *store, const struct set_journal *journal,
		       bool keep, struct verity_error *err) must_check;

/**
 * store_recover - complete the set of changes that was begun, if there is one; under the
 * lock
 */
int store_recover(struct overlay_store *store, struct verity_error *err) must_check;
