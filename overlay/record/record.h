/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * PERSIST/wmopkg/: what the device remembers, beyond a factory reset. Small files, each
 * replaced as a whole: a power cut leaves the old one or the new one.
 *
 * Whoever had the storage in hand can have left anything there. None of it may keep a
 * record from being written: not a folder with files in it, not an immutable or
 * append-only flag. So all records are changed by these functions.
 */

#include "verity/util/error.h"

#include <stdint.h>

#define OVERLAY_RECORD_FOLDER        "wmopkg"
#define OVERLAY_RECORD_FLOORS        "floors.json"
#define OVERLAY_RECORD_DENYLIST      "denylist"
#define OVERLAY_RECORD_DENYLIST_COPY "denylist.copy"
#define OVERLAY_RECORD_UNLOCK        "unlock"
#define OVERLAY_RECORD_SET           "set"
#define OVERLAY_RECORD_CATALOG       "catalog"
#define OVERLAY_RECORD_CATALOG_SEEN  "catalog.json"
#define OVERLAY_RECORD_AUDIT_STEP    "audit.step"
#define OVERLAY_RECORD_TRIALS        "trials.json"
#define OVERLAY_RECORD_GOOD          "good.json"
#define OVERLAY_RECORD_BEGUN         "begun"
#define OVERLAY_RECORD_UNCHECKED     "unchecked"

/**
 * overlay_record_open - the folder
 * @persist_fd: PERSIST; borrowed
 * @make:       create it where it is missing, and make its mode 0700; false to leave no
 *              trace
 * @ret:        directory descriptor, the caller's to close; set on success only
 *
 * Return: 0; -ENOENT where it is missing and is not to be created; -errno.
 */
int overlay_record_open(int persist_fd, bool make, int *ret,
			struct verity_error *err) must_check;

/**
 * overlay_record_lock - lock the records, after waiting for other programs
 * @what:   named in the message where that takes too long
 * @shared: together with other programs that only read
 * @ret:    closing it unlocks; the lock is not recursive
 *
 * Return: 0; -EBUSY after some seconds, with the process that has it; -errno.
 */
int overlay_record_lock(int record_fd, const char *what, bool shared, int *ret,
			struct verity_error *err) must_check;

/**
 * overlay_record_unprotect - clear the immutable and append-only flags of a record and of
 * the folder
 *
 * The functions below do this themselves, where the kernel does not permit a change.
 */
void overlay_record_unprotect(int record_fd, const char *name);

/**
 * overlay_record_set_aside - rename a damaged record to NAME.broken, for an
 * investigation; what had that name before is deleted, also a folder with all in it
 */
int overlay_record_set_aside(int record_fd, const char *name,
			     struct verity_error *err) must_check;

/**
 * overlay_record_clear_folder - set a folder aside that has the name of a record, so that
 * overlay_record_replace() can write the file
 *
 * Return: 0, also where there is none; -errno.
 */
int overlay_record_clear_folder(int record_fd, const char *name,
				struct verity_error *err) must_check;

/**
 * overlay_record_load - read a whole file
 * @max: limit of its bytes
 * @ret: set on success only; free(); a 0 follows the last byte
 *
 * What the disk does not give is read a second time: a failure that passes is not taken
 * for damage.
 *
 * Return: 0; -ENOENT; -EFBIG; -EINVAL (NOT_A_FILE) for a link and whatever else is not a
 * regular file; -errno.
 */
int overlay_record_load(int record_fd, const char *name, size_t max, char **ret,
			size_t *ret_size, struct verity_error *err) must_check;

/**
 * overlay_record_is_damage - whether the record itself is damaged, and stays so
 * @r: -errno of overlay_record_load(), or of its decoder
 *
 * A record that nobody can read must not keep a device from writing a new one for good.
 * Any other failure, as too many open files, says nothing about it.
 */
bool overlay_record_is_damage(int r);

/**
 * overlay_record_replace - write a whole file; it is durable when this returns 0
 *
 * A link of that name is replaced, not followed; a folder is an error. What has the
 * temporary name of verity_io_replace() is deleted, also a folder with all in it.
 */
int overlay_record_replace(int record_fd, const char *name, const void *bytes,
			   size_t size, struct verity_error *err) must_check;

/**
 * overlay_record_put - overlay_record_replace(), whatever has the name: a folder is set
 * aside
 */
int overlay_record_put(int record_fd, const char *name, const void *bytes, size_t size,
		       struct verity_error *err) must_check;

/**
 * overlay_record_clean - delete what replacements that were cut off have left
 *
 * By the boot, while no other program writes. It looks at some hundred names: what
 * somebody else has left there in a great number stays.
 */
void overlay_record_clean(int record_fd);

/**
 * overlay_record_overwrite - write a whole file in place, where overlay_record_replace()
 * finds no space for a second one
 *
 * A power cut meanwhile may leave a mixture of old and new, so this is the second choice.
 *
 * Return: 0; -ENOENT; -ENOSPC, the file as it was, where it needs more room than it has;
 * -EINVAL (NOT_A_FILE); -errno.
 */
int overlay_record_overwrite(int record_fd, const char *name, const void *bytes,
			     size_t size, struct verity_error *err) must_check;

/**
 * overlay_record_keep - overlay_record_replace(), or on a full volume
 * overlay_record_overwrite(): for what has to be written at each boot
 */
int overlay_record_keep(int record_fd, const char *name, const void *bytes, size_t size,
			struct verity_error *err) must_check;

/**
 * overlay_record_remove - delete a file; it is durable when this returns 0
 *
 * Return: 0, also where there is none; -errno.
 */
int overlay_record_remove(int record_fd, const char *name,
			  struct verity_error *err) must_check;
