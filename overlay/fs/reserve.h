/* SPDX-License-Identifier: MIT */
#pragma once

/* Room on a file system, asked for before it is needed. */

#include "verity/util/error.h"

#include <stdint.h>

struct overlay_room {
	int folder;        /* that the file lies in; borrowed; for the message */
	uint64_t bytes;    /* that it is going to have */
	uint64_t replaced; /* bytes of the file that it takes the place of in the end */
};

/**
 * overlay_room_reserve - set aside room for a file that is going to be written
 * @fd: the file, open for writing; its length stays what it is
 *
 * Return: 0, also where the file system cannot set room aside and there is enough now;
 * -ENOSPC (NO_ROOM) with what is needed, what is there, what is missing, and on which
 * file system; -errno.
 */
int overlay_room_reserve(int fd, const struct overlay_room *wanted,
			 struct verity_error *err) must_check;
