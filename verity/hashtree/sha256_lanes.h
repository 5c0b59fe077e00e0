/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * SHA-256 (FIPS 180-4) of several messages of one length at the same time. One message
 * leaves instructions for SHA idle half of the time and more, since each round waits for
 * the one before; and without them, vectors have room for one message in each element.
 * OpenSSL, which hashes everything else here, has no such call.
 */

#include "verity/util/sizes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_CHUNK_BYTES 64
#define SHA256_STATE_WORDS 8
#define SHA256_LANES_MAX   8
#define SHA256_KINDS_MAX   5

/* The state of a message of which a whole number of chunks has been taken. */
struct verity_sha256_state {
	uint32_t words[SHA256_STATE_WORDS];
};

/* Instructions, and for how many messages at a time they are used. */
struct verity_sha256_kind {
	const char *name; /* for a person */
	unsigned lanes;
	bool (*present)(void); /* on this processor; may take some microseconds */

	/* Take @chunks chunks of 64 bytes of each message; only where it is present. */
	void (*take)(struct verity_sha256_state *states, const uint8_t *const *messages,
		     size_t chunks);
};

/*
 * Those for processors of this architecture, the fastest first. The last has no lanes.
 * Blocks that are too few for one are for the next, and the rest for OpenSSL.
 */
extern const struct verity_sha256_kind verity_sha256_kinds[SHA256_KINDS_MAX + 1];

/* The constants of the rounds. */
extern const uint32_t verity_sha256_k[64] __attribute__((aligned(16)));

/**
 * verity_sha256_start - the state before the first chunk
 */
struct verity_sha256_state verity_sha256_start(void);

/*
 * Messages are blocks that follow each other: bring what is hashed next into the cache.
 * It comes from memory where a file is mapped. The same places of eight blocks and of the
 * next eight do not fit the first level together.
 */
static inline void verity_sha256_ahead(const uint8_t *chunk, unsigned lanes)
{
	const uint8_t *next = chunk + (size_t)lanes * VERITY_BLOCK;

	if (lanes > 4)
		__builtin_prefetch(next, 0, 2);
	else
		__builtin_prefetch(next);
}
