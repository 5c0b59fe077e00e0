/* SPDX-License-Identifier: MIT */
#pragma once

/* The salted SHA-256 that dm-verity's hash type 1 uses: H(salt, block). */

#include "verity/manifest.h"

struct verity_hasher;

/**
 * verity_hasher_new - a hasher for one thread
 * @salt: copied
 * @ret:  set on success alone; free with verity_hasher_free()
 */
int verity_hasher_new(const uint8_t *salt, size_t salt_bytes, struct verity_hasher **ret,
		      struct verity_error *err) must_check;

void verity_hasher_free(struct verity_hasher *hasher);

/**
 * verity_hasher_block - the digest of one block of VERITY_BLOCK bytes
 */
int verity_hasher_block(struct verity_hasher *hasher, const uint8_t *block,
			uint8_t ret[static VERITY_DIGEST_BYTES],
			struct verity_error *err) must_check;

/**
 * verity_hasher_matches - whether a block has the digest @expected
 *
 * Return: 1 yes, 0 no, -errno.
 */
int verity_hasher_matches(struct verity_hasher *hasher, const uint8_t *block,
			  const uint8_t expected[static VERITY_DIGEST_BYTES],
			  struct verity_error *err) must_check;
