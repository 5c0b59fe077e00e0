/* SPDX-License-Identifier: MIT */
#pragma once

/* Space on a file system, reserved before it is needed. */

#include "verity/util/error.h"

#include <stdint.h>

/**
 * overlay_reserve - reserve space for a file that is going to be written
 * @fd:       the file, open for writing; its length does not change
 * @folder:   that it lies in; borrowed; for the message
 * @bytes:    that it is going to have
 * @replaced: bytes of the file that it replaces in the end
 *
 * Return: 0, also where the file system cannot reserve and there is enough now; -ENOSPC
 * (NO_ROOM) with what is needed, free and missing, and on which file system; -errno.
 */
int overlay_reserve(int fd, int folder, uint64_t bytes, uint64_t replaced,
		    struct verity_error *err) must_check;
