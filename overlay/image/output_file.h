/* SPDX-License-Identifier: MIT */
#pragma once

/* A descriptor as libsquashfs wants to see it. */

#include <sqfs/io.h>

/**
 * image_file_new - wrap a file
 * @fd:         an empty file; borrowed
 * @ret_failed: 0; set to the errno of the first operation that fails; must outlive the
 *              object
 *
 * Return: NULL where memory ran out; sqfs_destroy().
 */
sqfs_file_t *image_file_new(int fd, int *ret_failed);
