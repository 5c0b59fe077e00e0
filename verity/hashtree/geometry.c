/* SPDX-License-Identifier: MIT */
#include "verity/hashtree/tree.h"

#include <assert.h>

struct verity_geometry verity_geometry_compute(uint64_t data_blocks)
{
	struct verity_geometry geometry = {.data_blocks = data_blocks};
	uint64_t below = data_blocks;

	assert(data_blocks >= 1 && data_blocks <= VERITY_IMAGE_MAX / VERITY_BLOCK);
	while (below > 1) {
		assert(geometry.levels < VERITY_LEVELS_MAX);
		below = (below + VERITY_HASHES_PER_BLOCK - 1) / VERITY_HASHES_PER_BLOCK;
		geometry.level_blocks[geometry.levels++] = below;
	}
	/* The top level comes first in the file. */
	for (unsigned level = geometry.levels; level-- > 0;) {
		geometry.level_start[level] = geometry.tree_blocks;
		geometry.tree_blocks += geometry.level_blocks[level];
	}
	return geometry;
}
