/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Several changes of packages that are one step: lists of them, one in each store, which
 * are written once all new files are complete, and deleted once each change is made. Who
 * finds them makes the changes that are left; without them, new files are what an
 * installation left.
 *
 * Each list is about its own store. That of DATA counts where that of PERSIST names its
 * digest, so that the one of PERSIST is the step; where nothing changes on PERSIST, it
 * counts alone.
 *
 * They are hints, like all that no key of the ring has signed. They name no paths, and a
 * file only by its first bytes: what has changed since is left alone. And what one store
 * holds deletes nothing in the other.
 */

#include "overlay/store/store.h"
#include "verity/util/error.h"
#include "verity/util/sizes.h"

#define SET_JOURNAL_FILE  ".set.wmopkg" /* no package has this name */
#define SET_JOURNAL_BYTES (256 * 1024)
#define SET_JOURNAL_MAX   1024 /* changes */

/* A file, by what it holds. All zero: it is no regular file, or its disk is damaged. */
struct set_file {
	uint64_t bytes;
	uint8_t head[VERITY_DIGEST_BYTES]; /* digest of the first 64 KiB */
};

/* One change of one store. Plain data. */
struct set_change {
	struct overlay_entry entry;
	bool removes;         /* false: @file is its new file */
	struct set_file file; /* of what is removed, or is new */
};

/* { 0 } is none. */
struct set_journal {
	struct set_change *changes; /* owned */
	size_t count;
	bool alone; /* of DATA: it counts without one on PERSIST */
	uint8_t other[VERITY_DIGEST_BYTES]; /* of PERSIST: digest of the one on DATA */
	size_t other_bytes;                 /* 0: there is none */
	/* Of the list that is the step: digest of what is to be logged with it. */
	uint8_t log[VERITY_DIGEST_BYTES];
	size_t log_bytes;                    /* 0: nothing is */
	uint8_t digest[VERITY_DIGEST_BYTES]; /* of this one; set where it is read or
						written */
};

void set_journal_free(struct set_journal *journal);

/**
 * set_journal_add - add a change at the end
 *
 * Return: 0; -E2BIG (TOO_MANY); -ENOMEM.
 */
int set_journal_add(struct set_journal *journal, const struct set_change *change,
		    struct verity_error *err) must_check;

/**
 * set_journal_decode - read the file
 * @kind: of the store that it lies in
 * @ret:  set_journal_free(); set on success only
 *
 * Return: 0; -EBADMSG (BAD_RECORD); -ENOMEM.
 */
int set_journal_decode(const void *bytes, size_t size, enum overlay_store_kind kind,
		       struct set_journal *ret, struct verity_error *err) must_check;

/**
 * set_journal_is_there - whether a store has one, or may have, whatever is in it
 * @folder: -1: no
 */
bool set_journal_is_there(int folder);

/**
 * set_journal_load - read it from the folder of a store; nothing where there is none, or
 * no whole one
 * @ret: set_journal_free()
 *
 * Return: 1: there is one; 0: none; -errno: it cannot be read now.
 */
int set_journal_load(int folder, enum overlay_store_kind kind, struct set_journal *ret,
		     struct verity_error *err) must_check;

/**
 * set_journal_store - write it, for good when this returns 0
 */
int set_journal_store(int folder, struct set_journal *journal,
		      struct verity_error *err) must_check;

/**
 * set_journal_delete - all changes are made, for good
 */
int set_journal_delete(int folder, struct verity_error *err) must_check;

/**
 * set_file_identify - what lies under a name
 * @ret: all zero where it is not 1
 *
 * Return: 1; 0: nothing does; -errno: it cannot be read now.
 */
int set_file_identify(int folder, const char *name, struct set_file *ret) must_check;

bool set_file_same(const struct set_file *a, const struct set_file *b);
