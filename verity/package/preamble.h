/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The front of a package file: head, manifest, signature and padding. For
 * verity/package/package.c, which goes on to judge it, and verity/package/inspect.c,
 * which does not.
 */

#include "verity/format/format.h"

/**
 * verity_front_open - open a package file
 * @name:      relative to @dirfd; a final link is not followed where that is not AT_FDCWD
 * @ret:       read-only; the caller's to close; set on success only
 * @ret_bytes: length of the file
 *
 * Return: 0; -EINVAL (NOT_A_FILE) for anything but a regular file; -errno.
 */
int verity_front_open(int dirfd, const char *name, int *ret, uint64_t *ret_bytes,
		      struct verity_error *err) must_check;

/**
 * verity_front_read - read it, as long as its head says it is
 * @ret: room for VERITY_FRONT_MAX bytes
 *
 * Return: 0; -EBADMSG; -errno.
 */
int verity_front_read(int fd, uint64_t file_bytes, uint8_t *ret,
		      struct verity_head *ret_head,
		      struct verity_error *reason) must_check;
