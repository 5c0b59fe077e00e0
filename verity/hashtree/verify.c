/* SPDX-License-Identifier: MIT */

/* Checking a whole tree and image, by several threads. */

#include "verity/hashtree/tree.h"

#include <stdlib.h>

#include "verity/util/io.h"
#include "verity/util/parallel.h"
#include "verity/util/window.h"

/* How much of an image is read at a time: a part of a leaf, small enough for the cache.
 */
#define PIECE_BLOCKS 32

/* Fewer leaves a thread than this are not grouped: that would leave threads idle. */
#define GROUPS_LEAST 32

struct check {
	struct verity_salt salt; /* first: verity_hash_begin() */
	const struct verity_blocks *blocks;
	const struct verity_geometry *geometry;
	struct verity_upper *upper;
	uint64_t leaves;
	uint64_t group; /* leaves of one item */
};

struct worker {
	struct verity_hasher *hasher; /* first: verity_hash_begin() */
	struct verity_leaf leaf;
	uint8_t piece[PIECE_BLOCKS * VERITY_BLOCK];
};

/* Blocks @block up to @end: at @mapped, or read piece by piece where that is NULL. */
static int verify_blocks(const struct check *check, struct worker *worker, uint64_t block,
			 uint64_t end, const uint8_t *mapped, struct verity_error *err)
{
	const uint8_t *data = mapped ? mapped : worker->piece;
	int r = 0;

	while (r == 0 && block < end) {
		size_t blocks =
			end - block < PIECE_BLOCKS ? (size_t)(end - block) : PIECE_BLOCKS;

		if (!mapped)
			r = verity_io_read(
				check->blocks->fd, worker->piece, blocks * VERITY_BLOCK,
				check->blocks->image_start + block * VERITY_BLOCK, err);
		if (r == 0)
			r = verity_leaf_check_blocks(&worker->leaf, worker->hasher, block,
						     data, blocks, err);
		block += blocks;
		if (mapped)
			data += blocks * VERITY_BLOCK;
	}
	return r;
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
	struct verity_window window;
	int r = verity_leaf_load(check->upper, check->blocks, worker->hasher, first,
				 count, &worker->leaf, err);

	if (r < 0)
		return r;
	if (end > check->geometry->data_blocks)
		end = check->geometry->data_blocks;
	/* A copy would take a third of the time that hashing takes. */
	if (verity_window_open(&window, check->blocks->fd,
			       check->blocks->image_start + block * VERITY_BLOCK,
			       (size_t)(end - block) * VERITY_BLOCK)) {
		r = verify_blocks(check, worker, block, end, window.bytes, err);
		if (verity_window_close(&window))
			return r;
	}
	return verify_blocks(check, worker, block, end, NULL, err);
}

int verity_tree_verify(const struct verity_blocks *blocks,
		       const struct verity_geometry *geometry,
		       const struct verity_root *root, unsigned threads,
		       struct verity_error *err)
{
	struct check check = {.salt = {root->salt, root->salt_bytes},
			      .blocks = blocks,
			      .geometry = geometry};
	const struct verity_crew crew = {&check, sizeof(struct worker), verity_hash_begin,
					 verify_leaves, verity_hash_end};
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
	cleanup_with(verity_upper_free_p) struct verity_upper *upper = NULL;
	cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher = NULL;
	cleanup_free struct verity_leaf *leaf = malloc(sizeof(*leaf));
	uint8_t block[VERITY_BLOCK];
	int r;

	if (!leaf)
		return verity_no_memory(err);
	r = verity_upper_load(blocks, geometry, root, &upper, err);
	if (r == 0)
		r = verity_hasher_new(root->salt, root->salt_bytes, &hasher, err);
	if (r == 0)
		r = verity_leaf_load(upper, blocks, hasher, 0, 1, leaf, err);
	if (r == 0)
		r = verity_io_read(blocks->fd, block, sizeof(block), blocks->image_start,
				   err);
	if (r == 0)
		r = verity_leaf_check_blocks(leaf, hasher, 0, block, 1, err);
	return r;
}
