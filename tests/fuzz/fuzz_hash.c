/* SPDX-License-Identifier: MIT */

/* Salt of any length, then blocks: two at a time must be what OpenSSL makes of them. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "verity/hash.h"

#define BLOCKS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t blocks[BLOCKS * VERITY_BLOCK];
	uint8_t ours[BLOCKS][VERITY_DIGEST_BYTES], theirs[BLOCKS][VERITY_DIGEST_BYTES];
	struct verity_hasher *hasher;
	size_t salt_bytes;

	if (size < 2)
		return 0;
	salt_bytes = data[0] + (data[1] & 1u);
	data += 2;
	size -= 2;
	if (salt_bytes > size)
		salt_bytes = size;
	require(verity_hasher_new(data, salt_bytes, &hasher, NULL) == 0);
	for (size_t i = 0; i < sizeof(blocks); i++)
		blocks[i] = size ? (uint8_t)(data[i % size] + i / size) : 0;
	require(verity_hasher_blocks(hasher, blocks, BLOCKS, ours, NULL) == 0);
	verity_hasher_portable(hasher);
	require(verity_hasher_blocks(hasher, blocks, BLOCKS, theirs, NULL) == 0);
	require(memcmp(ours, theirs, sizeof(ours)) == 0);
	verity_hasher_free(hasher);
	return 0;
}
