/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * SHA-256 (FIPS 180-4) of two messages of one length at the same time, on processors with
 * instructions for it, those of x86-64 and of ARMv8: one stream leaves half of their SHA
 * units idle, since each round waits for the one before. OpenSSL, which hashes everything
 * else here, has no such call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_CHUNK_BYTES 64
#define SHA256_STATE_WORDS 8

/* The state of a message of which a whole number of chunks has been taken. */
struct verity_sha256_state {
	uint32_t words[SHA256_STATE_WORDS];
};

/* The constants of the rounds. */
extern const uint32_t verity_sha256_k[64] __attribute__((aligned(16)));

/**
 * verity_sha256_pair_available - whether this processor can
 *
 * Nothing below may be called where it cannot.
 */
bool verity_sha256_pair_available(void);

/**
 * verity_sha256_start - the state before the first chunk
 */
struct verity_sha256_state verity_sha256_start(void);

/**
 * verity_sha256_pair_take - take @chunks chunks of 64 bytes of each of two messages
 */
void verity_sha256_pair_take(struct verity_sha256_state states[static 2],
			     const uint8_t *const messages[static 2], size_t chunks);
