/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * PERSIST/wmopkg/: what the device remembers, beyond a factory reset. Small files, each
 * replaced as a whole: a power cut leaves the old one or the new one.
 */

#include "verity/util/error.h"

#include <stdint.h>

#define OVERLAY_RECORD_FOLDER   "wmopkg"
#define OVERLAY_RECORD_FLOORS   "floors.json"
#define OVERLAY_RECORD_DENYLIST "denylist"
#define OVERLAY_RECORD_UNLOCK   "unlock"
#define OVERLAY_RECORD_TRIALS   "trials.json"

/**
 * overlay_record_open - the folder
 * @persist_fd: PERSIST; borrowed
 * @make:       make it (mode 0700) where it is not there; who only reads leaves no trace
 * @ret:        directory descriptor, the caller's to close; set on success alone
 *
 * Return: 0; -ENOENT where it is not there and is not to be made; -errno.
 */
int overlay_record_open(int persist_fd, bool make, int *ret,
			struct verity_error *err) must_check;

/**
 * overlay_record_lock - wait for other programs that use the records
 * @what:   named where that takes too long
 * @shared: together with others who only read
 * @ret:    to be closed; not to be asked for while it is held
 *
 * Return: 0; -EBUSY after some seconds; -errno.
 */
int overlay_record_lock(int record_fd, const char *what, bool shared, int *ret,
			struct verity_error *err) must_check;

/**
 * overlay_record_set_aside - rename what is no sound record to NAME.broken, to be looked
 * into, where nobody is in its way; an older one of that name goes
 */
int overlay_record_set_aside(int record_fd, const char *name,
			     struct verity_error *err) must_check;

/**
 * overlay_record_clear_folder - set a folder aside that is where a file is to be, so that
 * overlay_record_replace() can put one there
 *
 * Return: 0, also where there is none; -errno.
 */
int overlay_record_clear_folder(int record_fd, const char *name,
				struct verity_error *err) must_check;

/**
 * overlay_record_load - the whole of one file
 * @max: most bytes to take
 * @ret: set on success alone; free(); a 0 follows the last byte
 *
 * Return: 0; -ENOENT; -EFBIG; -EINVAL (NOT_A_FILE) for a link and all else that is not a
 * regular file; -errno.
 */
int overlay_record_load(int record_fd, const char *name, size_t max, char **ret,
			size_t *ret_size, struct verity_error *err) must_check;

/**
 * overlay_record_replace - write a file whole, for good when this returns 0
 *
 * A link in its place is replaced, not followed; a folder there is an error.
 */
int overlay_record_replace(int record_fd, const char *name, const void *bytes,
			   size_t size, struct verity_error *err) must_check;

/**
 * overlay_record_overwrite - write a file whole in the place that it has already, where
 * overlay_record_replace() finds no room for a new one beside it
 *
 * A power cut meanwhile may leave a mixture, which is why this is the second choice.
 *
 * Return: 0; -ENOENT; -ENOSPC, the file as it was, where it needs more room than it has;
 * -EINVAL (NOT_A_FILE); -errno.
 */
int overlay_record_overwrite(int record_fd, const char *name, const void *bytes,
			     size_t size, struct verity_error *err) must_check;

/**
 * overlay_record_remove - delete a file, for good when this returns 0
 *
 * Return: 0, also where there is none; -errno.
 */
int overlay_record_remove(int record_fd, const char *name,
			  struct verity_error *err) must_check;
