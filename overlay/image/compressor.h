/* SPDX-License-Identifier: MIT */
#pragma once

/* Compressors that an image may be written with. */

#include "verity/util/error.h"

#include <sqfs/compressor.h>
#include <stdbool.h>

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
 * @expand:      for the other direction
 *
 * Return: 0 and @ret, sqfs_destroy(); an SQFS_ERROR.
 */
int image_compressor_new(SQFS_COMPRESSOR id, size_t block_bytes, bool expand,
			 sqfs_compressor_t **ret) must_check;
