/* SPDX-License-Identifier: MIT */

/*
 * Salt of any length, then any number of blocks, from anywhere in memory: several at a
 * time, with each kind of instructions, must be what OpenSSL makes of them.
 */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "verity/hashtree/hash.h"
#include "verity/hashtree/sha256_lanes.h"

#define BLOCKS 15
#define SHIFTS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[BLOCKS * VERITY_BLOCK + SHIFTS];
	uint8_t ours[BLOCKS + 1][VERITY_DIGEST_BYTES] = {0};
	uint8_t theirs[BLOCKS + 1][VERITY_DIGEST_BYTES] = {0};
	struct verity_hasher *hasher;
	size_t salt_bytes, count;
	uint8_t *blocks;

	if (size < 3)
		return 0;
	salt_bytes = data[0] + (data[1] & 1u);
	count = (data[1] >> 1) % (BLOCKS + 1);
	blocks = room + data[2] % SHIFTS;
	data += 3;
	size -= 3;
	if (salt_bytes > size)
		salt_bytes = size;
	require(verity_hasher_new(data, salt_bytes, &hasher, NULL) == 0);
	for (size_t i = 0; i < count * VERITY_BLOCK; i++)
		blocks[i] = size ? (uint8_t)(data[i % size] + i / size) : 0;
	require(verity_hasher_blocks(hasher, blocks, count, ours, NULL) == 0);
	verity_hasher_use(hasher, NULL);
	require(verity_hasher_blocks(hasher, blocks, count, theirs, NULL) == 0);
	require(memcmp(ours, theirs, sizeof(ours)) == 0);
	for (const struct verity_sha256_kind *kind = verity_sha256_kinds; kind->lanes;
	     kind++) {
		if (!kind->present())
			continue;
		verity_hasher_use(hasher, kind);
		require(verity_hasher_blocks(hasher, blocks, count, ours, NULL) == 0);
		require(memcmp(ours, theirs, sizeof(ours)) == 0);
	}
	verity_hasher_free(hasher);
	return 0;
}
