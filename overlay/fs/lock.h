/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Locks between programs of the same user, in most cases root. A lock is a file of mode
 * 0600 in a folder of mode 0700: nobody else can open it, so that no lock, lease or watch
 * of another user holds up a program, also not one on the folder that it protects, which
 * that user may have opened while its mode was wider.
 */

#include "verity/util/error.h"

#include <stdbool.h>

#define OVERLAY_LOCK_FOLDER "lock" /* within the run folder */
#define OVERLAY_LOCK_STORE  "packages"
#define OVERLAY_LOCK_BOOT   "activate"

#define OVERLAY_LOCK_WAIT_MS 5000 /* as long as most programs wait */

/**
 * overlay_lock_folder_open - the folder RUN/lock, which is made where it does not exist
 * @run: path of the run folder, made where it does not exist
 * @ret: directory descriptor, the caller's to close; set on success only
 *
 * Return: 0; -errno.
 */
int overlay_lock_folder_open(const char *run, int *ret,
			     struct verity_error *err) must_check;

/**
 * overlay_lock_take - take a lock, after waiting for who has it
 * @dirfd:   folder of the lock; borrowed
 * @name:    its file: made where it does not exist, replaced where it is no file, or one
 *           that another user may have opened
 * @busy:    what the message says where another program has it; its name and number
 *           follow where they can be read
 * @shared:  together with other programs that take it so
 * @wait_ms: 0: not at all
 * @ret:     closing it unlocks; the lock is not recursive
 *
 * Where no file can be made, on a volume that is full or read-only, the folder itself is
 * locked.
 *
 * Return: 0; -EBUSY after @wait_ms; -errno.
 */
int overlay_lock_take(int dirfd, const char *name, const char *busy, bool shared,
		      unsigned wait_ms, int *ret, struct verity_error *err) must_check;

/**
 * overlay_folder_protect - keep other users out of a folder: mode 0700
 * @fd:     the folder; borrowed
 * @parent: the folder it lies in; borrowed
 *
 * For root, a folder in one of root's also becomes root's. A folder that belongs to
 * another user, or lies on a volume that is read-only, stays as it is.
 */
void overlay_folder_protect(int fd, int parent);
