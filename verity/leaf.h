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
 * verity_leaf_check_block - hold data block number @block of the image to its leaf
 *
 * Return: 0; -EBADMSG (IMAGE_MISMATCH).
 */
int verity_leaf_check_block(const struct verity_leaf *leaf, struct verity_hasher *hasher,
			    uint64_t block, const uint8_t *data,
			    struct verity_error *err) must_check;
