/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Checking one leaf: the hash block of level 0 and the data blocks it covers. Used by the
 * check of a whole file and by the stream, so both hold an image to the same thing.
 */

#include "verity/hash.h"
#include "verity/tree.h"

struct verity_leaf {
	uint64_t number;              /* of the hash block in level 0 */
	uint64_t data_blocks;         /* of the whole image; for messages, as the next */
	uint64_t image_start;         /* bytes */
	uint8_t hashes[VERITY_BLOCK]; /* checked; one digest where the tree has no level
				       */
};

/**
 * verity_leaf_load - read and check the hash block of a leaf
 */
int verity_leaf_load(const struct verity_upper *upper, const struct verity_blocks *blocks,
		     struct verity_hasher *hasher, uint64_t number,
		     struct verity_leaf *ret, struct verity_error *err) must_check;

/**
 * verity_leaf_check_blocks - hold data blocks of the image to their leaf
 * @first: number of the first one in the image; all @count of them lie in this leaf
 * @data:  @count times VERITY_BLOCK bytes
 *
 * Return: 0; -EBADMSG (IMAGE_MISMATCH), naming the first that does not match.
 */
int verity_leaf_check_blocks(const struct verity_leaf *leaf, struct verity_hasher *hasher,
			     uint64_t first, const uint8_t *data, size_t count,
			     struct verity_error *err) must_check;
