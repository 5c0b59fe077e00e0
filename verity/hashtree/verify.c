/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "verity/hashtree/leaf.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/parallel.h"

/* How much of an image is read at a time; a part of a leaf, small to stay in the cache.
 */
#define PIECE_BLOCKS 32

/* Leaves for each thread from which on they are taken in groups: few leave threads idle.
 */
#define GROUPS_LEAST 32

struct check {
	const struct verity_blocks *blocks;
	const struct verity_geometry *geometry;
	const struct verity_root *root;
	struct verity_upper *upper;
	uint64_t leaves;
	uint64_t group; /* leaves of one item */
};

struct worker {
	struct verity_hasher *hasher;
	struct verity_leaf leaf;
	uint8_t piece[PIECE_BLOCKS * VERITY_BLOCK];
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
	const struct check *check = context;
	struct worker *worker = malloc(sizeof(*worker));
	int r;

	if (!worker)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = verity_hasher_new(check->root->salt, check->root->salt_bytes, &worker->hasher,
			      err);
	if (r < 0) {
		free(worker);
		return r;
	}
	*ret = worker;
	return 0;
}

static int verify_piece(const struct check *check, struct worker *worker, uint64_t first,
			size_t blocks, struct verity_error *err)
{
	int r = verity_io_read(check->blocks->fd, worker->piece, blocks * VERITY_BLOCK,
			       check->blocks->image_start + first * VERITY_BLOCK, err);

	if (r < 0)
		return r;
	return verity_leaf_check_blocks(&worker->leaf, worker->hasher, first,
					worker->piece, blocks, err);
}

static int verify_leaves(void *context, void *pointer, uint64_t item,
			 struct verity_error *err)
{
	const struct check *check = context;
	struct worker *worker = pointer;
	uint64_t first = item * check->group;
	uint64_t left = check->leaves - first;
	size_t count = (size_t)(left < check->group ? left : check->group);
	uint64_t block = first * VERITY_HASHES_PER_BLOCK;
	uint64_t end = block + count * VERITY_HASHES_PER_BLOCK;
	int r = verity_leaf_load(check->upper, check->blocks, worker->hasher, first,
				 count, &worker->leaf, err);

	if (end > check->geometry->data_blocks)
		end = check->geometry->data_blocks;
	while (r == 0 && block < end) {
		size_t blocks =
			end - block < PIECE_BLOCKS ? (size_t)(end - block) : PIECE_BLOCKS;

		r = verify_piece(check, worker, block, blocks, err);
		block += blocks;
	}
	return r;
}

int verity_tree_verify(const struct verity_blocks *blocks,
		       const struct verity_geometry *geometry,
		       const struct verity_root *root, unsigned threads,
		       struct verity_error *err)
{
	struct check check = {.blocks = blocks, .geometry = geometry, .root = root};
	const struct verity_crew crew = {&check, worker_new, verify_leaves, worker_free};
	int r = verity_upper_load(blocks, geometry, root, &check.upper, err);

	if (r < 0)
		return r;
	threads = verity_parallel_threads(threads);
	check.leaves = geometry->levels ? geometry->level_blocks[0] : 1;
	check.group = check.leaves / threads < GROUPS_LEAST ? 1 : VERITY_LEAVES_MAX;
	r = verity_parallel(&crew, (check.leaves + check.group - 1) / check.group,
			    threads, err);
	verity_upper_free(check.upper);
	return r;
}

int verity_tree_verify_first(const struct verity_blocks *blocks,
			     const struct verity_geometry *geometry,
			     const struct verity_root *root, struct verity_error *err)
{
	struct check check = {.blocks = blocks, .geometry = geometry, .root = root};
	struct worker *worker;
	void *pointer;
	int r = verity_upper_load(blocks, geometry, root, &check.upper, err);

	if (r < 0)
		return r;
	r = worker_new(&check, &pointer, err);
	if (r == 0) {
		worker = pointer;
		r = verity_leaf_load(check.upper, blocks, worker->hasher, 0, 1,
				     &worker->leaf, err);
		if (r == 0)
			r = verify_piece(&check, worker, 0, 1, err);
		worker_free(worker);
	}
	verity_upper_free(check.upper);
	return r;
}
