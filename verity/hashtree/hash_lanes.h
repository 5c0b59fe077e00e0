/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Several salted blocks at a time: what verity/hashtree/hash.c does where the processor
 * can. It needs no OpenSSL, so that it can be tried by itself on any processor.
 */

#include "verity/hashtree/sha256_lanes.h"
#include "verity/util/sizes.h"

struct verity_hash_lanes {
	const uint8_t *salt; /* borrowed */
	size_t salt_bytes;
	struct verity_sha256_state salted; /* the whole chunks of the salt taken */
	size_t salt_left;                  /* bytes of the salt that are not in @salted */
};

/**
 * verity_hash_lanes_begin - take the salt, once for all blocks
 * @kind: any that is present
 * @salt: borrowed for as long as the result is used
 */
struct verity_hash_lanes verity_hash_lanes_begin(const struct verity_sha256_kind *kind,
						 const uint8_t *salt, size_t salt_bytes);

/**
 * verity_hash_lanes_blocks - the digests of blocks, one after the other
 * @kind:   any that is present
 * @blocks: @kind->lanes * VERITY_BLOCK bytes, aligned to nothing
 * @ret:    as many digests
 */
void verity_hash_lanes_blocks(const struct verity_hash_lanes *hash,
			      const struct verity_sha256_kind *kind,
			      const uint8_t *blocks, uint8_t (*ret)[VERITY_DIGEST_BYTES]);
