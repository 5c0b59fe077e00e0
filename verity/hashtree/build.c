/* SPDX-License-Identifier: MIT */
#include "verity/hashtree/tree.h"

#include <stdlib.h>
#include <string.h>

#include "verity/hashtree/hash.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/parallel.h"

/* Hash blocks to be made from the blocks below them: one level of the tree. */
struct level {
	int fd;
	uint64_t below_start; /* bytes */
	uint64_t below_blocks;
	uint64_t start; /* bytes */
	const uint8_t *salt;
	size_t salt_bytes;
};

struct worker {
	struct verity_hasher *hasher;
	uint8_t below[VERITY_LEAF_BYTES];
};

static void worker_free(void *pointer)
{
	struct worker *worker = pointer;

	if (!worker)
		return;
	verity_hasher_free(worker->hasher);
	free(worker);
}

static int worker_new(void *context, void **ret, struct verity_error *err)
{
	const struct level *level = context;
	struct worker *worker = malloc(sizeof(*worker));
	int r;

	if (!worker)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = verity_hasher_new(level->salt, level->salt_bytes, &worker->hasher, err);
	if (r < 0) {
		free(worker);
		return r;
	}
	*ret = worker;
	return 0;
}

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

static int hash_at(const struct level *level, uint8_t ret[static VERITY_DIGEST_BYTES],
		   struct verity_error *err)
{
	uint8_t block[VERITY_BLOCK], digest[1][VERITY_DIGEST_BYTES];
	struct verity_hasher *hasher;
	int r = verity_io_read(level->fd, block, sizeof(block), level->below_start, err);

	if (r == 0)
		r = verity_hasher_new(level->salt, level->salt_bytes, &hasher, err);
	if (r < 0)
		return r;
	r = verity_hasher_blocks(hasher, block, 1, digest, err);
	if (r == 0)
		memcpy(ret, digest[0], sizeof(digest[0]));
	verity_hasher_free(hasher);
	return r;
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
		.salt = salt,
		.salt_bytes = salt_bytes,
	};
	const struct verity_crew crew = {&level, worker_new, build_block, worker_free};

	for (unsigned i = 0; i < geometry->levels; i++) {
		int r;

		level.start =
			blocks->tree_start + geometry->level_start[i] * VERITY_BLOCK;
		r = verity_parallel(&crew, geometry->level_blocks[i],
				    verity_parallel_threads(threads), err);
		if (r < 0)
			return verity_context(err, r, "hash tree");
		level.below_start = level.start;
		level.below_blocks = geometry->level_blocks[i];
	}
	return hash_at(&level, ret_hash, err);
}
