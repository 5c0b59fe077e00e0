/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The installed set: DATA/packages and PERSIST/packages. The directories are the truth;
 * there is no database. An add is written to a dot-named file in the same folder, synced,
 * renamed, and the directory synced: a power cut leaves the old set or the new set.
 *
 * The two stores are two file systems, and a package moves from one to the other in one
 * step all the same: where both hold a name, the persistent one is the package, and the
 * ordinary one is what is left of a move. So to become persistent the rename in PERSIST
 * is the step, and to become ordinary the unlink in PERSIST is. What is left goes with
 * the next boot that accepts the persistent one, or with its removal: anything else of
 * that name on PERSIST takes nothing from DATA.
 *
 * With a run folder, what is removed or replaced is kept until the next boot, and a
 * change can be undone: see overlay/store/kept.h.
 *
 * The folders have mode 0700, and what lies in them 0600. Whoever writes to them makes
 * that so, whatever it was before and whatever the umask.
 */

#include "overlay/store/kept.h"
#include "verity/util/cleanup.h"
#include "verity/util/name.h"
#include "verity/util/sizes.h"

#include <stddef.h>
#include <stdint.h>

enum overlay_store_kind {
	OVERLAY_ORDINARY,   /* DATA: wiped by a factory reset */
	OVERLAY_PERSISTENT, /* PERSIST: survives it */
};

#define OVERLAY_STORE_FOLDER "packages" /* within DATA and PERSIST */

#define OVERLAY_FILE_BYTES 80 /* of the name of a package file, with the ending 0 */

struct overlay_store;

struct overlay_entry {
	char name[VERITY_NAME_MAX + 1]; /* the installed name */
	enum overlay_store_kind kind;
};

/* What is said of DATA if they are */
#define OVERLAY_STORE_IS_ONE                                                             \
	"is the same folder as persist, and counts as missing (configure two)"

/*
 * How a set of changes is logged: once its changes are made, and before what says so is
 * deleted, so that a step that was cut off is logged by who completes it. That may call
 * @write again.
 */
struct overlay_change_set_log {
	/* @digest: see overlay_change_set_commit(), change_set.h */
	void (*write)(void *context, const uint8_t digest[static VERITY_DIGEST_BYTES]);
	void *context; /* of that; borrowed */
};

/**
 * overlay_store_is_one - whether DATA and PERSIST are one folder, by a mistake in the
 * configuration
 */
bool overlay_store_is_one(int data_fd, int persist_fd);

/**
 * overlay_store_open - open both stores
 * @data_fd, @persist_fd: the DATA and PERSIST folders; borrowed for the call; -1 where
 * there is none (then that store is empty, and adding to it fails); where both are one
 * folder, it is PERSIST, and there is no DATA
 * @ret: set on success only; free with overlay_store_free()
 *
 * A `packages` folder that does not exist is an empty store; an add makes it.
 */
int overlay_store_open(int data_fd, int persist_fd, struct overlay_store **ret,
		       struct verity_error *err) must_check;

void overlay_store_free(struct overlay_store *store);
DEFINE_CLEANUP(struct overlay_store, overlay_store_free);

/**
 * overlay_store_set_run - where the lock of both stores lies: in RUN/lock
 * @run: path of the run folder; borrowed as long as @store
 *
 * Nothing is made there before the lock is taken. Without it each folder is locked by a
 * file in it.
 */
void overlay_store_set_run(struct overlay_store *store, const char *run);

/**
 * overlay_store_list - all installed packages, by name
 * @ret: array of *@ret_count, set on success only; free()
 *
 * Files whose names are not those of packages are ignored. Of a name that both stores
 * have, the persistent one is listed, unless it is a folder.
 */
int overlay_store_list(const struct overlay_store *store, struct overlay_entry **ret,
		       size_t *ret_count, struct verity_error *err) must_check;

/**
 * overlay_store_find - the installed package called @name
 *
 * Return: 0; -ENOENT (NOT_FOUND).
 */
int overlay_store_find(const struct overlay_store *store, const char *name,
		       struct overlay_entry *ret, struct verity_error *err) must_check;

/**
 * overlay_store_folder - the folder an entry lies in; borrowed, -1 where there is none
 */
int overlay_store_folder(const struct overlay_store *store, enum overlay_store_kind kind);

/**
 * overlay_store_is_there - whether there is a volume for a store, with a folder or
 * without
 */
bool overlay_store_is_there(const struct overlay_store *store,
			    enum overlay_store_kind kind);

/**
 * overlay_entry_compare - by name, the persistent one first; for qsort()
 */
int overlay_entry_compare(const void *a, const void *b);

/**
 * overlay_entry_file - the file name of an entry: NAME.wmopkg
 */
void overlay_entry_file(const struct overlay_entry *entry,
			char ret[static OVERLAY_FILE_BYTES]);

/**
 * overlay_entry_name - the name of the entry whose file is called @file
 *
 * Return: false where it is no file name of a package.
 */
bool overlay_entry_name(const char *file, char ret[static VERITY_NAME_MAX + 1]);

/* A package on its way in. Freed before its commit, it leaves nothing behind. */
struct overlay_incoming;

/**
 * overlay_incoming_new - make room for a package that will be called @name
 * @ret: set on success only; free with overlay_incoming_free()
 *
 * Clears leftovers of installs that were cut off. Holds the locks of both stores until
 * freed.
 *
 * Return: 0; -EBUSY while another program installs; -errno.
 */
int overlay_incoming_new(struct overlay_store *store, enum overlay_store_kind kind,
			 const char *name, struct overlay_incoming **ret,
			 struct verity_error *err) must_check;

void overlay_incoming_free(struct overlay_incoming *incoming);
DEFINE_CLEANUP(struct overlay_incoming, overlay_incoming_free);

/**
 * overlay_incoming_fd - the file to write to, open for reading and writing; borrowed
 */
int overlay_incoming_fd(const struct overlay_incoming *incoming);

/**
 * overlay_incoming_reserve - set aside room for @bytes on the store's file system
 *
 * What it replaces is kept until the new one is complete: there must be space for both.
 *
 * Return: 0; -ENOSPC (NO_ROOM) with what is needed, what is there and where.
 */
int overlay_incoming_reserve(struct overlay_incoming *incoming, uint64_t bytes,
			     struct verity_error *err) must_check;

/**
 * overlay_incoming_commit - sync the file and give it its name, replacing an older one in
 * either store
 *
 * A power cut at any moment leaves the old one or the new one.
 *
 * A persistent one that an ordinary one replaces has to be deleted: where that cannot be
 * done, nothing is replaced.
 *
 * Return: 0 when it will be there after a power cut; -errno: what was there before is,
 * and only where a folder could not be synced after the step it may be the new one.
 */
int overlay_incoming_commit(struct overlay_incoming *incoming,
			    struct verity_error *err) must_check;

/**
 * overlay_store_remove - take a package out, for good when this returns 0; with what is
 * left of it in the other store
 *
 * A folder of that name, which is no package, is deleted with all that is in it.
 * Where the package itself cannot be deleted, nothing is. DATA without such a file does
 * not hold up the removal of a persistent package, also when it is read-only.
 */
int overlay_store_remove(struct overlay_store *store, const struct overlay_entry *entry,
			 struct verity_error *err) must_check;

/**
 * overlay_store_clear_moved - delete what is left in DATA of a package that was moved to
 * PERSIST, and was verified there
 *
 * Return: 0 where it is gone for good, also where there was none; -errno.
 */
int overlay_store_clear_moved(struct overlay_store *store, const char *name,
			      struct verity_error *err) must_check;

/**
 * overlay_store_last_change - the last change since the boot: all that one program did
 * through its store
 * @ret: its items, none where there is no such change; overlay_kept_free()
 */
int overlay_store_last_change(const struct overlay_store *store, struct overlay_kept *ret,
			      struct verity_error *err) must_check;

/**
 * overlay_store_find_kept - what lay in a store before an item
 * @ret: its name: the one under which it is kept, or its own, where a program was killed
 *       between the two steps of a move
 *
 * Return: whether it is there, and as it was.
 */
bool overlay_store_find_kept(const struct overlay_store *store,
			     const struct overlay_kept_item *item,
			     enum overlay_store_kind kind,
			     char ret[static OVERLAY_KEPT_FILE_BYTES]);

/**
 * overlay_store_undo_check - whether an item can be undone: all that was kept is there,
 * and nothing has changed the package since
 *
 * Return: 0; -EOPNOTSUPP (UNSUPPORTED).
 */
int overlay_store_undo_check(const struct overlay_store *store,
			     const struct overlay_kept_item *item,
			     struct verity_error *err) must_check;

/**
 * overlay_store_undo - make of a package what it was before an item of the last change
 *
 * A power cut at any moment leaves the package as it is or as it was. The locks of both
 * stores are taken.
 *
 * Return: 0 when it will be so after a power cut; -EBUSY while another program
 * installs, or where one has undone it; -EOPNOTSUPP (UNSUPPORTED) where it cannot be
 * undone; -errno.
 */
int overlay_store_undo(struct overlay_store *store, const struct overlay_kept_item *item,
		       struct verity_error *err) must_check;

/**
 * overlay_store_make_room - delete the oldest file that is kept in a store, so that its
 * change cannot be undone any more
 * @held: inodes that are in use, whose room would not become free
 *
 * Return: whether there was one.
 */
bool overlay_store_make_room(struct overlay_store *store, enum overlay_store_kind kind,
			     const uint64_t *held, size_t held_count) must_check;

/**
 * overlay_store_room - how many bytes overlay_store_make_room() could free in all
 */
uint64_t overlay_store_room(struct overlay_store *store, enum overlay_store_kind kind,
			    const uint64_t *held, size_t held_count);

/**
 * overlay_store_ended_quarantine - what was installed through this store has ended the
 * quarantine of what it replaced, which therefore must not come back
 */
void overlay_store_ended_quarantine(struct overlay_store *store, const char *name);

/**
 * overlay_store_clean - delete what interrupted installs left behind in one store, and
 * what is kept of earlier changes: for a boot
 *
 * The work has a limit: of thousands of them a part is deleted, and the next call, or the
 * next install, goes on.
 *
 * Return: how many unfinished installations were deleted; -EBUSY while another program
 * installs; -errno.
 */
int overlay_store_clean(struct overlay_store *store, enum overlay_store_kind kind,
			struct verity_error *err) must_check;
