/* SPDX-License-Identifier: MIT */
#pragma once

/* Sound packages in memory, as the tests of their readers need them. */

#include <stdbool.h>

#include "tests/verity/keys.h"
#include "verity/format/format.h"

struct sample {
	uint8_t *bytes; /* to be freed */
	size_t size;
	struct verity_layout layout;
};

/**
 * sample_make - a package of an image of @data_blocks blocks, no two of them the same
 */
struct sample sample_make(const struct keys *keys, uint64_t data_blocks, bool is_signed);
