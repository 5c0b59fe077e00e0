/* SPDX-License-Identifier: MIT */

/* The shape of a tree, and checking its hash blocks from the root down to the data. */

#include "verity/hashtree/tree.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/io.h"

struct verity_upper {
	struct verity_geometry geometry;
	struct verity_root root;
	uint64_t tree_start; /* bytes; for messages */
	uint8_t *bytes;      /* levels 1 and up, as they lie in the file; all checked */
};

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

void verity_upper_free(struct verity_upper *upper)
{
	if (!upper)
		return;
	free(upper->bytes);
	free(upper);
}

/* Up to VERITY_LEAVES_MAX blocks that follow each other. */
static int check_hash_blocks(const struct verity_upper *upper,
			     struct verity_hasher *hasher, unsigned level, uint64_t first,
			     size_t count, const uint8_t *bytes, struct verity_error *err)
{
	const struct verity_geometry *geometry = &upper->geometry;
	uint8_t digests[VERITY_LEAVES_MAX][VERITY_DIGEST_BYTES];
	const uint8_t *expected = upper->root.hash;
	int r = verity_hasher_blocks(hasher, bytes, count, digests, err);

	if (r < 0)
		return r;
	if (level + 1 < geometry->levels)
		expected = upper->bytes +
			   geometry->level_start[level + 1] * VERITY_BLOCK +
			   first * VERITY_DIGEST_BYTES;
	for (uint64_t i = first; i < first + count; i++)
		if (memcmp(digests[i - first],
			   expected + (i - first) * VERITY_DIGEST_BYTES,
			   sizeof(*digests)) != 0)
			return verity_fail(err, VERITY_E_TREE_MISMATCH,
					   "hash tree: block %" PRIu64 " of %" PRIu64
					   " of level %u, at byte %" PRIu64
					   " of the file, does not match",
					   i, geometry->level_blocks[level], level,
					   upper->tree_start +
						   (geometry->level_start[level] + i) *
							   VERITY_BLOCK);
	return 0;
}

int verity_upper_load(const struct verity_blocks *blocks,
		      const struct verity_geometry *geometry,
		      const struct verity_root *root, struct verity_upper **ret,
		      struct verity_error *err)
{
	cleanup_with(verity_upper_free_p) struct verity_upper *upper =
		malloc(sizeof(*upper));
	cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher = NULL;
	size_t blocks_above = geometry->levels ? (size_t)geometry->level_start[0] : 0;
	size_t size = blocks_above * VERITY_BLOCK;
	int r;

	if (!upper)
		return verity_no_memory(err);
	*upper = (struct verity_upper){*geometry, *root, blocks->tree_start,
				       malloc(size + 1)};
	if (!upper->bytes)
		return verity_no_memory(err);
	r = verity_hasher_new(root->salt, root->salt_bytes, &hasher, err);
	if (r == 0)
		r = verity_io_read(blocks->fd, upper->bytes, size, blocks->tree_start,
				   err);
	/* From the top down, so that every digest is checked before it is used. */
	for (unsigned level = geometry->levels; level-- > 1;)
		for (uint64_t i = 0; r == 0 && i < geometry->level_blocks[level]; i++)
			r = check_hash_blocks(upper, hasher, level, i, 1,
					      upper->bytes +
						      (geometry->level_start[level] + i) *
							      VERITY_BLOCK,
					      err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&upper);
	return 0;
}

int verity_leaf_load(const struct verity_upper *upper, const struct verity_blocks *blocks,
		     struct verity_hasher *hasher, uint64_t number, size_t count,
		     struct verity_leaf *ret, struct verity_error *err)
{
	const struct verity_geometry *geometry = &upper->geometry;
	int r;

	ret->number = number;
	ret->data_blocks = geometry->data_blocks;
	ret->image_start = blocks->image_start;
	if (geometry->levels == 0) {
		memcpy(ret->hashes, upper->root.hash, sizeof(upper->root.hash));
		return 0;
	}
	r = verity_io_read(blocks->fd, ret->hashes, count * VERITY_BLOCK,
			   blocks->tree_start +
				   (geometry->level_start[0] + number) * VERITY_BLOCK,
			   err);
	if (r < 0)
		return r;
	return check_hash_blocks(upper, hasher, 0, number, count, ret->hashes, err);
}

int verity_leaf_check_blocks(const struct verity_leaf *leaf, struct verity_hasher *hasher,
			     uint64_t first, const uint8_t *data, size_t count,
			     struct verity_error *err)
{
	uint8_t digests[VERITY_HASHES_PER_BLOCK][VERITY_DIGEST_BYTES];
	uint64_t index = first - leaf->number * VERITY_HASHES_PER_BLOCK;
	const uint8_t *expected = leaf->hashes + index * VERITY_DIGEST_BYTES;
	int r = verity_hasher_blocks(hasher, data, count, digests, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		if (memcmp(digests[i], expected + i * VERITY_DIGEST_BYTES,
			   sizeof(*digests)) != 0)
			return verity_fail(
				err, VERITY_E_IMAGE_MISMATCH,
				"image: block %" PRIu64 " of %" PRIu64
				", at byte %" PRIu64 " of the file, does not match",
				first + i, leaf->data_blocks,
				leaf->image_start + (first + i) * VERITY_BLOCK);
	return 0;
}
