/* SPDX-License-Identifier: MIT */
#pragma once

/* A descriptor as libsquashfs wants to see it. */

#include <sqfs/io.h>

/**
 * image_file_new - wrap @fd, an empty file; borrowed
 *
 * Return: NULL where memory ran out; sqfs_destroy().
 */
sqfs_file_t *image_file_new(int fd);

/**
 * image_file_errno - the errno of the first operation that failed; 0 where none did
 */
int image_file_errno(const sqfs_file_t *file);
