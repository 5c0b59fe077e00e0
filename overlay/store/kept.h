/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What was changed in the stores since the boot, and can be undone: RUN/changes, which is
 * gone after a reboot, as are the files that were kept for it.
 *
 * What is removed or replaced stays in the folder of its store under a name that no
 * package has, and that every boot, also one of an older version, deletes as what an
 * installation left: `._CHANGE_NAME.wmopkg.new`. The record is written before the step,
 * so what never took place is seen by what lies in the stores.
 */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"
#include "verity/util/name.h"

#include <stdint.h>
#include <sys/stat.h>

#define OVERLAY_KEPT_PREFIX     "._" /* of their names; no package has it */
#define OVERLAY_KEPT_MAX        2048 /* items; of more, the oldest are forgotten */
#define OVERLAY_KEPT_FILE_BYTES 96   /* of the name of a kept file, with the ending 0 */

/* Why an item cannot be undone. */
enum overlay_kept_lost {
	OVERLAY_KEPT_WHOLE,       /* it can */
	OVERLAY_KEPT_ROOM,        /* its file was deleted to make room */
	OVERLAY_KEPT_UNABLE,      /* its file could not be kept */
	OVERLAY_KEPT_FOLDER,      /* it was a folder, not a package */
	OVERLAY_KEPT_QUARANTINED, /* its quarantine has ended */
};

/* A file, also after it was renamed; .inode 0: none. */
struct overlay_kept_id {
	uint64_t inode, bytes;
	int64_t modified_ns;
};

/* What a change did to one name. Plain data; two of the same change are of other names.
 */
struct overlay_kept_item {
	uint32_t change; /* its number, from 1; the last ones are of the last change */
	uint32_t kind;   /* enum overlay_store_kind of the new file, where there is one */
	struct overlay_kept_id made;      /* the new file; none: it was removed */
	struct overlay_kept_id before[2]; /* by kind: what lay there */
	enum overlay_kept_lost lost;
	char name[VERITY_NAME_MAX + 1];
};

/* { 0 } is nothing. */
struct overlay_kept {
	struct overlay_kept_item *items; /* owned */
	size_t count;
};

void overlay_kept_free(struct overlay_kept *kept);

/**
 * overlay_kept_lock - lock the record from load to store, after waiting for who has it
 * @run: the run folder
 * @ret: closing it unlocks; set on success only
 */
int overlay_kept_lock(const char *run, int *ret, struct verity_error *err) must_check;

/**
 * overlay_kept_load - what is recorded; nothing where there is no record, or one that
 * others may have written
 * @ret: overlay_kept_free()
 *
 * Return: 0; -ENOMEM.
 */
int overlay_kept_load(const char *run, struct overlay_kept *ret,
		      struct verity_error *err) must_check;

/**
 * overlay_kept_store - write the record
 *
 * Where that fails there is none any more: an older one would not have the last change.
 */
int overlay_kept_store(const char *run, const struct overlay_kept *kept,
		       struct verity_error *err) must_check;

/**
 * overlay_kept_store_undone - write the record without a change that was undone
 *
 * Where that fails the older one stays: that it was undone is seen in the stores, too.
 */
void overlay_kept_store_undone(const char *run, const struct overlay_kept *kept);

/**
 * overlay_kept_forget - delete the record
 */
void overlay_kept_forget(const char *run);

/**
 * overlay_kept_add - add an item at the end; where there are too many, the first goes
 *
 * Return: 0; -ENOMEM.
 */
int overlay_kept_add(struct overlay_kept *kept, const struct overlay_kept_item *item,
		     struct verity_error *err) must_check;

/**
 * overlay_kept_find - the item of a change that is about @name; NULL if there is none
 */
struct overlay_kept_item *overlay_kept_find(const struct overlay_kept *kept,
					    uint32_t change, const char *name);

bool overlay_kept_equal(const struct overlay_kept_item *a,
			const struct overlay_kept_item *b);

/**
 * overlay_kept_identify - the file that was looked at
 */
struct overlay_kept_id overlay_kept_identify(const struct stat *st);

bool overlay_kept_same(const struct overlay_kept_id *a, const struct overlay_kept_id *b);

/**
 * overlay_kept_delete - delete an item of @kept
 */
void overlay_kept_delete(struct overlay_kept *kept, struct overlay_kept_item *item);

/**
 * overlay_kept_file - the name under which its file is kept, in either store
 */
void overlay_kept_file(const struct overlay_kept_item *item,
		       char ret[static OVERLAY_KEPT_FILE_BYTES]);

/**
 * overlay_kept_has - whether a file of a store is kept for an item
 * @kind: enum overlay_store_kind
 */
bool overlay_kept_has(const struct overlay_kept *kept, uint32_t kind, const char *file);

/**
 * overlay_kept_explain - why an item cannot be undone
 * @lost: not OVERLAY_KEPT_WHOLE
 */
const char *overlay_kept_explain(enum overlay_kept_lost lost);
