/* SPDX-License-Identifier: MIT */

/* Processors that have no pair of ours: OpenSSL hashes everything. */

#include "verity/sha256_pair.h"

#include <assert.h>

bool verity_sha256_pair_available(void)
{
	return false;
}

void verity_sha256_pair_take(struct verity_sha256_state states[static 2],
			     const uint8_t *const messages[static 2], size_t chunks)
{
	(void)states;
	(void)messages;
	(void)chunks;
	assert(!"verity_sha256_pair_available() said no");
}
