/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The paths in the image of a package, read with libsquashfs and without a mount. Only
 * wmopkg has this: libsquashfs is no part of a boot.
 */

#include "overlay/contents/list.h"
#include "verity/package/package.h"

/**
 * overlay_contents_read - list the image of a verified package
 * @ret: set on success only; overlay_contents_free()
 *
 * An image that was allowed without a trusted signature is listed as well: all sizes in
 * it are checked before they are used. Names are as they stand in the image: any bytes
 * but '/' and NUL. Reads the image's inodes and listings once, and no file data. Memory:
 * 32 bytes and the length of its path for each entry, half as much again while it is
 * read, and about 1 MiB for the compressor.
 *
 * Return: 0; -EBADMSG (BAD_IMAGE) for a malformed image; -E2BIG (TOO_MANY) for more paths
 * than a limit; -EOPNOTSUPP (UNSUPPORTED) for a compressor that libsquashfs does not
 * have; -errno.
 */
int overlay_contents_read(const struct verity_verified *verified,
			  struct overlay_contents *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_contents_read_within - the same, and no more than is left
 * @left: how much may be read; its entries and bytes are lowered by what was read, to
 *        nothing where they were too few; its reads are those of each image
 */
int overlay_contents_read_within(const struct verity_verified *verified,
				 struct contents_limits *left,
				 struct overlay_contents *ret,
				 struct verity_error *err) must_check;

/**
 * overlay_contents_check - whether a device could list an image that was just made
 * @fd:    the image from its start; borrowed
 * @bytes: its length
 *
 * Return: as overlay_contents_read().
 */
int overlay_contents_check(int fd, uint64_t bytes, struct verity_error *err) must_check;

/**
 * contents_read_image - list the image at byte @start of @fd; for tests and fuzzing, too
 * @bytes: of the image; nothing is read beyond
 */
int contents_read_image(int fd, uint64_t start, uint64_t bytes,
			const struct contents_limits *limits,
			struct overlay_contents *ret,
			struct verity_error *err) must_check;
