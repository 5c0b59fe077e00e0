/* SPDX-License-Identifier: MIT */
#pragma once

/* Whole reads and writes at a place in a file. */

#include "verity/util/error.h"

#include <stdint.h>

/**
 * verity_io_read - read exactly @count bytes at @place
 *
 * Return: 0; -EIO where the file ends before; -errno.
 */
int verity_io_read(int fd, void *bytes, size_t count, uint64_t place,
		   struct verity_error *err) must_check;

/**
 * verity_io_write - write all @count bytes at @place
 */
int verity_io_write(int fd, const void *bytes, size_t count, uint64_t place,
		    struct verity_error *err) must_check;

/**
 * verity_io_copy - copy @count bytes between files, inside the kernel where it can
 */
int verity_io_copy(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t count,
		   struct verity_error *err) must_check;

/**
 * verity_io_load - the whole of a small file
 * @dirfd: folder that @name is relative to, or AT_FDCWD
 * @max:   most bytes to take; more is an error
 * @ret:   set on success alone; free(); a 0 follows the last byte
 *
 * Return: 0; -EINVAL (NOT_A_FILE) for anything but a regular file or what the kernel
 * shows as one; -EFBIG; -errno.
 */
int verity_io_load(int dirfd, const char *name, size_t max, char **ret, size_t *ret_size,
		   struct verity_error *err) must_check;

/**
 * verity_io_load_fd - likewise, of an open file, from where it stands
 * @name: for messages
 */
int verity_io_load_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_size,
		      struct verity_error *err) must_check;
