/* SPDX-License-Identifier: MIT */
#pragma once

/* The compressors that an image may be written with. */

#include "verity/util/error.h"

#include <sqfs/compressor.h>

/**
 * image_compressor_find - the compressor called @name: zstd, xz, gzip or lz4
 *
 * Return: 0; -EOPNOTSUPP (UNSUPPORTED) with the known names in the message.
 */
int image_compressor_find(const char *name, SQFS_COMPRESSOR *ret,
			  struct verity_error *err) must_check;

/**
 * image_compressor_new - make a compressor of @id with its own defaults
 * @block_bytes: of a data block
 *
 * Return: 0 and @ret, sqfs_destroy(); an SQFS_ERROR.
 */
int image_compressor_new(SQFS_COMPRESSOR id, size_t block_bytes,
			 sqfs_compressor_t **ret) must_check;

/**
 * image_expander_new - the same, to expand what it compressed
 */
int image_expander_new(SQFS_COMPRESSOR id, size_t block_bytes,
		       sqfs_compressor_t **ret) must_check;
