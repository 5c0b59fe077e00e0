/* SPDX-License-Identifier: MIT */

/*
 * Two salted blocks at a time, held to digests that were made elsewhere. Needs nothing
 * but a C library, so that it can be built for another processor and run by an emulator;
 * see test_pair_arm.py.
 *
 * Standard input is records: the length of the salt in two bytes, big-endian, the salt,
 * two blocks, their digests. Status 0: all are right; 1: one is not, or the input is cut;
 * 3: this processor hashes no pairs.
 */

#include <stdio.h>
#include <string.h>

#include "verity/hashtree/hash_lanes.h"

#define BLOCKS SHA256_LANES_MAX
#define SHIFTS 17 /* places from which the blocks are taken, past one that is aligned */

struct record {
	uint8_t salt[VERITY_SALT_MAX];
	size_t salt_bytes;
	uint8_t blocks[BLOCKS * VERITY_BLOCK];
	uint8_t wanted[BLOCKS][VERITY_DIGEST_BYTES];
};

/* Returns 1; 0 at the end; -1 where a record is cut. */
static int read_record(struct record *record)
{
	uint8_t length[2];
	size_t n = fread(length, 1, sizeof(length), stdin);

	if (n == 0)
		return 0;
	record->salt_bytes = (size_t)length[0] << 8 | length[1];
	if (n != sizeof(length) || record->salt_bytes > sizeof(record->salt) ||
	    fread(record->salt, 1, record->salt_bytes, stdin) != record->salt_bytes ||
	    fread(record->blocks, 1, sizeof(record->blocks), stdin) !=
		    sizeof(record->blocks) ||
	    fread(record->wanted, 1, sizeof(record->wanted), stdin) !=
		    sizeof(record->wanted))
		return -1;
	return 1;
}

static int is_right(const struct record *record, unsigned lanes, size_t shift)
{
	static uint8_t room[BLOCKS * VERITY_BLOCK + SHIFTS] __attribute__((aligned(64)));
	struct verity_hash_lanes hash =
		verity_hash_lanes_begin(record->salt, record->salt_bytes);
	uint8_t digests[BLOCKS][VERITY_DIGEST_BYTES];

	memcpy(room + shift, record->blocks, sizeof(record->blocks));
	for (unsigned i = 0; i < BLOCKS; i += lanes)
		verity_hash_lanes_blocks(&hash, room + shift + (size_t)i * VERITY_BLOCK,
					 lanes, digests + i);
	return memcmp(digests, record->wanted, sizeof(digests)) == 0;
}

int main(void)
{
	static struct record record;
	unsigned most = verity_sha256_lanes();
	unsigned count = 0;
	int r;

	if (!most) {
		puts("several at a time: not available");
		return 3;
	}
	while ((r = read_record(&record)) > 0) {
		if (!is_right(&record, 2, count % SHIFTS) ||
		    !is_right(&record, most, count % SHIFTS)) {
			printf("record %u, a salt of %zu bytes: wrong\n", count,
			       record.salt_bytes);
			return 1;
		}
		count++;
	}
	if (r < 0)
		puts("the input is cut");
	else
		printf("up to %u at a time: %u records are right\n", most, count);
	return r < 0;
}
