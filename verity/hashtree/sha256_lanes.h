/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * SHA-256 (FIPS 180-4) of several messages of one length at the same time, on processors
 * with instructions for it, those of x86-64 and of ARMv8: one stream leaves half of their
 * SHA units idle and more, since each round waits for the one before. OpenSSL, which
 * hashes everything else here, has no such call.
 */

#include <stddef.h>
#include <stdint.h>

#define SHA256_CHUNK_BYTES 64
#define SHA256_STATE_WORDS 8
#define SHA256_LANES_MAX   4

/* The state of a message of which a whole number of chunks has been taken. */
struct verity_sha256_state {
	uint32_t words[SHA256_STATE_WORDS];
};

/* The constants of the rounds. */
extern const uint32_t verity_sha256_k[64] __attribute__((aligned(16)));

/**
 * verity_sha256_lanes - how many messages this processor takes best at a time
 *
 * Return: 4; 2; 0 where it has no such instructions. Nothing below may be called then.
 */
unsigned verity_sha256_lanes(void);

/**
 * verity_sha256_start - the state before the first chunk
 */
struct verity_sha256_state verity_sha256_start(void);

/**
 * verity_sha256_lanes_take - take @chunks chunks of 64 bytes of each of several messages
 * @lanes: how many: 2, or verity_sha256_lanes()
 */
void verity_sha256_lanes_take(struct verity_sha256_state *states,
			      const uint8_t *const *messages, unsigned lanes,
			      size_t chunks);
