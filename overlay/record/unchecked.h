/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The check of DATA's file system that did not end: by its limit of time, a power cut or
 * a watchdog. Such a file system is not checked again at the next boot, but at the one
 * after that, or whoever wrote it could delay every boot, and whoever wrote the note keep
 * a sound one read-only. It is known by what the next complete check changes in its
 * super block, in PERSIST/wmopkg/unchecked.
 */

#include "verity/util/error.h"

#include <stdbool.h>
#include <stdint.h>

/* UUID, time of the last check, number of mounts since then. */
#define OVERLAY_UNCHECKED_BYTES 22

/**
 * overlay_unchecked_read - what says which file system it is, and when it was checked
 * @fd:  its device, open for reading; borrowed
 * @ret: set on success only
 *
 * Of ext2, ext3 and ext4. Source: Linux fs/ext4/ext4.h, struct ext4_super_block.
 *
 * Return: 0; -EIO (IO).
 */
int overlay_unchecked_read(int fd, uint8_t ret[static OVERLAY_UNCHECKED_BYTES],
			   struct verity_error *err) must_check;

/**
 * overlay_unchecked_store - note that the check of a file system begins
 * @spent: instead, that a boot has done without: the next one checks it
 */
int overlay_unchecked_store(int record_fd, const uint8_t id[OVERLAY_UNCHECKED_BYTES],
			    bool spent, struct verity_error *err) must_check;

/**
 * overlay_unchecked_is - whether the check of the file system on a device was begun, and
 * no check of it has ended since: then it is to be mounted read-only
 * @record_fd: -1: no records
 */
bool overlay_unchecked_is(int record_fd, const char *device);

/**
 * overlay_unchecked_has - the same by what overlay_unchecked_read() said
 * @ret_spent: whether a boot has done without a check; may be NULL
 */
bool overlay_unchecked_has(int record_fd, const uint8_t id[OVERLAY_UNCHECKED_BYTES],
			   bool *ret_spent);

/**
 * overlay_unchecked_exists - whether there is such a note, of any file system
 */
bool overlay_unchecked_exists(int record_fd);
