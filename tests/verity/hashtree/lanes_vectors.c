/* SPDX-License-Identifier: MIT */

/*
 * Several salted blocks at a time, held to digests that were made elsewhere. Needs
 * nothing but a C library, so that it can be built for another processor and run by an
 * emulator; see test_lanes_arm.py.
 *
 * Standard input is records: the length of the salt in two bytes, big-endian, the salt,
 * eight blocks, their digests. Status 0: all are right with each kind of instructions
 * that the processor has; 1: one is not, or the input is cut; 3: the processor has none.
 */

#include <stdbool.h>
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

static bool is_right(const struct record *record, const struct verity_sha256_kind *kind,
		     size_t shift)
{
	static uint8_t room[BLOCKS * VERITY_BLOCK + SHIFTS] __attribute__((aligned(64)));
	struct verity_hash_lanes hash =
		verity_hash_lanes_begin(kind, record->salt, record->salt_bytes);
	uint8_t digests[BLOCKS][VERITY_DIGEST_BYTES];

	memcpy(room + shift, record->blocks, sizeof(record->blocks));
	for (unsigned i = 0; i < BLOCKS; i += kind->lanes)
		verity_hash_lanes_blocks(&hash, kind,
					 room + shift + (size_t)i * VERITY_BLOCK,
					 digests + i);
	return memcmp(digests, record->wanted, sizeof(digests)) == 0;
}

int main(void)
{
	const struct verity_sha256_kind *kinds[SHA256_KINDS_MAX], *kind;
	static struct record record;
	unsigned count = 0, used = 0;
	int r;

	for (kind = verity_sha256_kinds; kind->lanes; kind++)
		if (kind->present())
			kinds[used++] = kind;
	while (used && (r = read_record(&record)) > 0) {
		for (unsigned i = 0; i < used; i++)
			if (!is_right(&record, kinds[i], count % SHIFTS)) {
				printf("%s, record %u, a salt of %zu bytes: wrong\n",
				       kinds[i]->name, count, record.salt_bytes);
				return 1;
			}
		count++;
	}
	if (used && r < 0) {
		puts("the input is cut");
		return 1;
	}
	for (unsigned i = 0; i < used; i++)
		printf("%s: %u at a time: %u records are right\n", kinds[i]->name,
		       kinds[i]->lanes, count);
	if (!used)
		puts("several at a time: not available");
	return used ? 0 : 3;
}
