/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Checking leaves: hash blocks of level 0 that follow each other, and the data blocks
 * they cover. Used by the check of a whole file and by the stream, so both hold an image
 * to the same thing.
 */

#include "verity/hashtree/hash.h"
#include "verity/hashtree/tree.h"

#define VERITY_LEAVES_MAX 4 /* that are read at a time, and hashed by as many lanes */

struct verity_leaf {
	uint64_t number;      /* of the first hash block in level 0 */
	uint64_t data_blocks; /* of the whole image; for messages, as the next */
	uint64_t image_start; /* bytes */

	/* Checked, for one data block after the other; one where the tree has no level.
	 */
	uint8_t hashes[VERITY_LEAVES_MAX * VERITY_BLOCK];
};

/**
 * verity_leaf_load - read and check the hash blocks of leaves
 * @count: of leaves, 1 .. VERITY_LEAVES_MAX, from @number on
 */
int verity_leaf_load(const struct verity_upper *upper, const struct verity_blocks *blocks,
		     struct verity_hasher *hasher, uint64_t number, size_t count,
		     struct verity_leaf *ret, struct verity_error *err) must_check;

/**
 * verity_leaf_check_blocks - hold data blocks of the image to their leaf
 * @first: number of the first one in the image; all @count of them, up to
 *         VERITY_HASHES_PER_BLOCK, lie in these leaves
 * @data:  @count times VERITY_BLOCK bytes
 *
 * Return: 0; -EBADMSG (IMAGE_MISMATCH), naming the first that does not match.
 */
int verity_leaf_check_blocks(const struct verity_leaf *leaf, struct verity_hasher *hasher,
			     uint64_t first, const uint8_t *data, size_t count,
			     struct verity_error *err) must_check;
