/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The compressions of a tar archive. Whoever reads a tar archive stops at its end, which
 * is before that of the compressed data: so a damaged file could become a package.
 */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"

struct archive;

/**
 * image_filters_add - let @archive read gzip, xz, zstd, bzip2, lz4, lzma and lzip
 *
 * Those only that this libarchive has built in: it starts no program.
 *
 * Return: 0; -ENOMEM.
 */
int image_filters_add(struct archive *archive) must_check;

/**
 * image_compressed_check - check a whole compressed file, to its last checksum
 * @fd: regular file; borrowed, its offset is used
 *
 * A file that is not compressed is good, and only its beginning is read.
 *
 * Return: 0; -EINVAL (BAD_TREE) where it is damaged or ends too early; -errno.
 */
int image_compressed_check(int fd, struct verity_error *err) must_check;
