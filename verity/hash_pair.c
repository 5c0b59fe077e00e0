/* SPDX-License-Identifier: MIT */
#include "verity/hash_pair.h"

#include <endian.h>
#include <string.h>

/* The end of a message: what is left of the block, a one bit, zeros, its length in bits.
 */
#define TAIL_MAX (2 * SHA256_CHUNK_BYTES)

struct verity_hash_pair verity_hash_pair_begin(const uint8_t *salt, size_t salt_bytes)
{
	struct verity_sha256_state states[2] = {verity_sha256_start(),
						verity_sha256_start()};
	const uint8_t *const salts[2] = {salt, salt};

	verity_sha256_pair_take(states, salts, salt_bytes / SHA256_CHUNK_BYTES);
	return (struct verity_hash_pair){salt, salt_bytes, states[0],
					 salt_bytes % SHA256_CHUNK_BYTES};
}

/* Returns how many chunks the tail has. */
static size_t make_tail(const struct verity_hash_pair *pair, const uint8_t *rest,
			size_t rest_bytes, uint8_t ret[static TAIL_MAX])
{
	uint64_t bits = htobe64((pair->salt_bytes + VERITY_BLOCK) * 8);
	size_t size = rest_bytes + 1 + sizeof(bits) <= SHA256_CHUNK_BYTES
			      ? SHA256_CHUNK_BYTES
			      : TAIL_MAX;

	memset(ret, 0, TAIL_MAX);
	memcpy(ret, rest, rest_bytes);
	ret[rest_bytes] = 0x80;
	memcpy(ret + size - sizeof(bits), &bits, sizeof(bits));
	return size / SHA256_CHUNK_BYTES;
}

static void put_digest(const struct verity_sha256_state *state, uint8_t *ret)
{
	for (size_t i = 0; i < SHA256_STATE_WORDS; i++) {
		uint32_t word = htobe32(state->words[i]);

		memcpy(ret + i * sizeof(word), &word, sizeof(word));
	}
}

/*
 * Salt and block do not meet at the border of a chunk: the first chunk is put together of
 * the end of the salt and the start of the block, the others are taken where they lie.
 */
void verity_hash_pair_blocks(const struct verity_hash_pair *pair, const uint8_t *blocks,
			     uint8_t (*ret)[VERITY_DIGEST_BYTES])
{
	struct verity_sha256_state states[2] = {pair->salted, pair->salted};
	const uint8_t *salt = pair->salt + pair->salt_bytes - pair->salt_left;
	size_t first = pair->salt_left ? SHA256_CHUNK_BYTES - pair->salt_left : 0;
	size_t chunks = (VERITY_BLOCK - first) / SHA256_CHUNK_BYTES;
	size_t end = first + chunks * SHA256_CHUNK_BYTES;
	uint8_t border[2][SHA256_CHUNK_BYTES], tail[2][TAIL_MAX];
	const uint8_t *const borders[2] = {border[0], border[1]};
	const uint8_t *const middles[2] = {blocks + first, blocks + VERITY_BLOCK + first};
	const uint8_t *const tails[2] = {tail[0], tail[1]};
	size_t tail_chunks = 0;

	for (size_t i = 0; i < 2; i++) {
		const uint8_t *block = blocks + i * VERITY_BLOCK;

		memcpy(border[i], salt, pair->salt_left);
		memcpy(border[i] + pair->salt_left, block, first);
		tail_chunks = make_tail(pair, block + end, VERITY_BLOCK - end, tail[i]);
	}
	verity_sha256_pair_take(states, borders, first ? 1 : 0);
	verity_sha256_pair_take(states, middles, chunks);
	verity_sha256_pair_take(states, tails, tail_chunks);
	put_digest(&states[0], ret[0]);
	put_digest(&states[1], ret[1]);
}
