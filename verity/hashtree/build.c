/* SPDX-License-Identifier: MIT */

/* Hashing an image and writing its tree, level by level, by several threads. */

#include "verity/hashtree/tree.h"

#include <string.h>

#include "verity/util/io.h"
#include "verity/util/parallel.h"

/* Hash blocks to be made from the blocks below them: one level of the tree. */
struct level {
	struct verity_salt salt; /* first: verity_hash_begin() */
	int fd;
	uint64_t below_start; /* bytes */
	uint64_t below_blocks;
	uint64_t start; /* bytes */
};

struct worker {
	struct verity_hasher *hasher; /* first: verity_hash_begin() */
	uint8_t below[VERITY_LEAF_BYTES];
};

/* One hash block: the digests of up to 128 blocks, then zeros. */
static int build_block(void *context, void *pointer, uint64_t item,
		       struct verity_error *err)
{
	const struct level *level = context;
	struct worker *worker = pointer;
	uint8_t hashes[VERITY_HASHES_PER_BLOCK][VERITY_DIGEST_BYTES] = {0};
	uint64_t first = item * VERITY_HASHES_PER_BLOCK;
	uint64_t left = level->below_blocks - first;
	size_t blocks =
		left < VERITY_HASHES_PER_BLOCK ? (size_t)left : VERITY_HASHES_PER_BLOCK;
	int r;

	r = verity_io_read(level->fd, worker->below, blocks * VERITY_BLOCK,
			   level->below_start + first * VERITY_BLOCK, err);
	if (r == 0)
		r = verity_hasher_blocks(worker->hasher, worker->below, blocks, hashes,
					 err);
	if (r < 0)
		return r;
	return verity_io_write(level->fd, hashes, sizeof(hashes),
			       level->start + item * VERITY_BLOCK, err);
}

int verity_tree_build(const struct verity_blocks *blocks,
		      const struct verity_geometry *geometry, const uint8_t *salt,
		      size_t salt_bytes, unsigned threads,
		      uint8_t ret_hash[static VERITY_DIGEST_BYTES],
		      struct verity_error *err)
{
	struct level level = {
		.fd = blocks->fd,
		.below_start = blocks->image_start,
		.below_blocks = geometry->data_blocks,
		.salt = {salt, salt_bytes},
	};
	const struct verity_crew crew = {&level, sizeof(struct worker), verity_hash_begin,
					 build_block, verity_hash_end};
	cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher = NULL;
	uint8_t top[VERITY_BLOCK], digest[1][VERITY_DIGEST_BYTES];
	int r;

	for (unsigned i = 0; i < geometry->levels; i++) {
		level.start =
			blocks->tree_start + geometry->level_start[i] * VERITY_BLOCK;
		r = verity_parallel(&crew, geometry->level_blocks[i],
				    verity_parallel_threads(threads), err);
		if (r < 0)
			return verity_context(err, r, "hash tree");
		level.below_start = level.start;
		level.below_blocks = geometry->level_blocks[i];
	}
	/* The root is the digest of the top block, or of the only data block. */
	r = verity_io_read(level.fd, top, sizeof(top), level.below_start, err);
	if (r == 0)
		r = verity_hasher_new(salt, salt_bytes, &hasher, err);
	if (r == 0)
		r = verity_hasher_blocks(hasher, top, 1, digest, err);
	if (r == 0)
		memcpy(ret_hash, digest[0], sizeof(digest[0]));
	return r;
}
