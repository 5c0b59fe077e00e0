/* SPDX-License-Identifier: MIT */
#pragma once

/* Whole reads and writes at an offset, small files as a whole, and atomic replacement. */

#include "verity/util/error.h"

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/**
 * verity_io_read - read exactly @count bytes at @offset
 *
 * Return: 0; -EIO where the file ends before; -errno.
 */
int verity_io_read(int fd, void *bytes, size_t count, uint64_t offset,
		   struct verity_error *err) must_check;

/**
 * verity_io_write - write all @count bytes at @offset
 */
int verity_io_write(int fd, const void *bytes, size_t count, uint64_t offset,
		    struct verity_error *err) must_check;

/**
 * verity_io_copy - copy @count bytes between files, inside the kernel where it can
 */
int verity_io_copy(int from_fd, uint64_t from, int to_fd, uint64_t to, uint64_t count,
		   struct verity_error *err) must_check;

/**
 * verity_io_open - open a regular file, and nothing else
 * @dirfd:  directory that @name is relative to, or AT_FDCWD
 * @flags:  O_RDONLY, O_WRONLY or O_RDWR; O_NOFOLLOW: a final link is no file; O_CREAT: a
 *          file that is missing is created, with mode 0600
 * @ret:    set on success only; has O_CLOEXEC and O_NONBLOCK
 * @ret_st: what @name is, also with NOT_A_FILE; may be NULL
 *
 * All that comes from a disk is opened by this: opening a device, a pipe or a terminal
 * has effects of its own (a watchdog starts, a tape rewinds, a writer goes on), so it is
 * opened after its type is known, and it is what that type was seen of.
 *
 * Return: 0; -EINVAL (NOT_A_FILE) for anything but a regular file; -ESTALE where it was
 * replaced meanwhile; -errno.
 */
int verity_io_open(int dirfd, const char *name, int flags, int *ret, struct stat *ret_st,
		   struct verity_error *err) must_check;

/**
 * verity_io_load - the whole of a small file
 * @dirfd: directory that @name is relative to, or AT_FDCWD
 * @max:   the most bytes to read; more is an error
 * @ret:   set on success only; free(); a 0 follows the last byte
 *
 * Return: 0; -EINVAL (NOT_A_FILE) for anything but a regular file; -EFBIG; -errno.
 */
int verity_io_load(int dirfd, const char *name, size_t max, char **ret, size_t *ret_size,
		   struct verity_error *err) must_check;

/**
 * verity_io_load_fd - likewise, of an open file, from its file position
 * @name: for messages
 */
int verity_io_load_fd(int fd, const char *name, size_t max, char **ret, size_t *ret_size,
		      struct verity_error *err) must_check;

/**
 * verity_io_replace - create a file, or replace it atomically and durably
 * @dirfd: directory of the file; borrowed
 * @name:  a name without slashes
 * @mode:  of the new file, before the umask
 *
 * Writes `.NAME.new` (which it removes first, and after a failure), fsyncs it, renames it
 * to @name and fsyncs the directory: after a power cut the file has its old or its new
 * content. No link is followed. On failure the old file is untouched, except where only
 * the last fsync failed.
 *
 * Return: 0; -ENAMETOOLONG; -errno.
 */
int verity_io_replace(int dirfd, const char *name, mode_t mode, const void *bytes,
		      size_t count, struct verity_error *err) must_check;
