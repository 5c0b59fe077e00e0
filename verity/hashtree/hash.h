/* SPDX-License-Identifier: MIT */
#pragma once

/* The salted SHA-256 that dm-verity's hash type 1 uses: H(salt, block). */

#include "verity/util/cleanup.h"
#include "verity/util/error.h"
#include "verity/util/sizes.h"

#include <stddef.h>
#include <stdint.h>

struct verity_hasher;

/**
 * verity_hasher_new - a hasher for one thread
 * @salt: copied
 * @ret:  set on success only; free with verity_hasher_free()
 */
int verity_hasher_new(const uint8_t *salt, size_t salt_bytes, struct verity_hasher **ret,
		      struct verity_error *err) must_check;

void verity_hasher_free(struct verity_hasher *hasher);

DEFINE_CLEANUP(struct verity_hasher, verity_hasher_free);

/**
 * verity_hasher_blocks - the digests of blocks that lie one after the other
 * @blocks: @count times VERITY_BLOCK bytes
 * @ret:    @count digests
 *
 * Several at a time where the processor can, with OpenSSL where it cannot.
 */
int verity_hasher_blocks(struct verity_hasher *hasher, const uint8_t *blocks,
			 size_t count, uint8_t (*ret)[VERITY_DIGEST_BYTES],
			 struct verity_error *err) must_check;

/* What the context of a crew whose workers hash begins with. */
struct verity_salt {
	const uint8_t *bytes; /* borrowed */
	size_t count;
};

/**
 * verity_hash_begin, verity_hash_end - begin and end of such a crew
 * (verity/util/parallel.h)
 * @context: begins with a struct verity_salt
 * @worker:  begins with a struct verity_hasher *, which is made and freed
 */
int verity_hash_begin(void *context, void *worker, struct verity_error *err) must_check;
void verity_hash_end(void *worker);

struct verity_sha256_kind; /* verity/hashtree/sha256_lanes.h */

/**
 * verity_hasher_use - use only this kind of instructions, for tests
 * @kind: one that is present; NULL: none, OpenSSL hashes everything
 */
void verity_hasher_use(struct verity_hasher *hasher,
		       const struct verity_sha256_kind *kind);
