/* SPDX-License-Identifier: MIT */

/* Salt, block and padding cut into the chunks of SHA-256, for several blocks at once. */

#include "verity/hashtree/hash_lanes.h"

#include <endian.h>
#include <string.h>

/* The end of a message: what is left of the block, a one bit, zeros, its length in bits.
 */
#define TAIL_MAX (2 * SHA256_CHUNK_BYTES)

struct verity_hash_lanes verity_hash_lanes_begin(const struct verity_sha256_kind *kind,
						 const uint8_t *salt, size_t salt_bytes)
{
	struct verity_sha256_state states[SHA256_LANES_MAX];
	const uint8_t *salts[SHA256_LANES_MAX];

	for (unsigned i = 0; i < kind->lanes; i++) {
		states[i] = verity_sha256_start();
		salts[i] = salt;
	}
	kind->take(states, salts, salt_bytes / SHA256_CHUNK_BYTES);
	return (struct verity_hash_lanes){salt, salt_bytes, states[0],
					  salt_bytes % SHA256_CHUNK_BYTES};
}

/* Returns how many chunks the tail has. */
static size_t make_tail(const struct verity_hash_lanes *hash, const uint8_t *rest,
			size_t rest_bytes, uint8_t ret[static TAIL_MAX])
{
	uint64_t bits = htobe64((hash->salt_bytes + VERITY_BLOCK) * 8);
	size_t size = rest_bytes + 1 + sizeof(bits) <= SHA256_CHUNK_BYTES
			      ? SHA256_CHUNK_BYTES
			      : TAIL_MAX;

	memset(ret, 0, TAIL_MAX);
	memcpy(ret, rest, rest_bytes);
	ret[rest_bytes] = 0x80;
	memcpy(ret + size - sizeof(bits), &bits, sizeof(bits));
	return size / SHA256_CHUNK_BYTES;
}

/*
 * Salt and block do not meet at the border of a chunk: the first chunk is put together of
 * the end of the salt and the start of the block, the others are read in place.
 */
void verity_hash_lanes_blocks(const struct verity_hash_lanes *hash,
			      const struct verity_sha256_kind *kind,
			      const uint8_t *blocks, uint8_t (*ret)[VERITY_DIGEST_BYTES])
{
	struct verity_sha256_state states[SHA256_LANES_MAX];
	const uint8_t *salt = hash->salt + hash->salt_bytes - hash->salt_left;
	size_t first = hash->salt_left ? SHA256_CHUNK_BYTES - hash->salt_left : 0;
	size_t chunks = (VERITY_BLOCK - first) / SHA256_CHUNK_BYTES;
	size_t end = first + chunks * SHA256_CHUNK_BYTES;
	uint8_t border[SHA256_LANES_MAX][SHA256_CHUNK_BYTES];
	uint8_t tail[SHA256_LANES_MAX][TAIL_MAX];
	const uint8_t *borders[SHA256_LANES_MAX];
	const uint8_t *middles[SHA256_LANES_MAX];
	const uint8_t *tails[SHA256_LANES_MAX];
	size_t tail_chunks = 0;

	for (unsigned i = 0; i < kind->lanes; i++) {
		const uint8_t *block = blocks + (size_t)i * VERITY_BLOCK;

		states[i] = hash->salted;
		memcpy(border[i], salt, hash->salt_left);
		memcpy(border[i] + hash->salt_left, block, first);
		tail_chunks = make_tail(hash, block + end, VERITY_BLOCK - end, tail[i]);
		borders[i] = border[i];
		middles[i] = block + first;
		tails[i] = tail[i];
	}
	kind->take(states, borders, first ? 1 : 0);
	kind->take(states, middles, chunks);
	kind->take(states, tails, tail_chunks);
	for (unsigned i = 0; i < kind->lanes; i++)
		for (size_t k = 0; k < SHA256_STATE_WORDS; k++) {
			uint32_t word = htobe32(states[i].words[k]);

			memcpy(ret[i] + k * sizeof(word), &word, sizeof(word));
		}
}
