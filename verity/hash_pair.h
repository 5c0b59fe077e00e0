/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Two salted blocks at a time: what verity/hash.c does where the processor can. It needs
 * no OpenSSL, so that it can be tried by itself on any processor.
 */

#include "verity/manifest.h"
#include "verity/sha256_pair.h"

struct verity_hash_pair {
	const uint8_t *salt; /* borrowed */
	size_t salt_bytes;
	struct verity_sha256_state salted; /* the whole chunks of the salt taken */
	size_t salt_left;                  /* bytes of the salt that are not in @salted */
};

/**
 * verity_hash_pair_begin - take the salt, once for all blocks
 * @salt: borrowed for as long as the result is used
 *
 * Only where verity_sha256_pair_available().
 */
struct verity_hash_pair verity_hash_pair_begin(const uint8_t *salt, size_t salt_bytes);

/**
 * verity_hash_pair_blocks - the digests of two blocks, the one after the other
 * @blocks: 2 * VERITY_BLOCK bytes, aligned to nothing
 */
void verity_hash_pair_blocks(const struct verity_hash_pair *pair, const uint8_t *blocks,
			     uint8_t (*ret)[VERITY_DIGEST_BYTES]);
