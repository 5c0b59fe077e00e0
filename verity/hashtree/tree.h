/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The dm-verity hash tree, type 1, sha256, 4096-byte blocks, no super block: geometry,
 * building and checking. Bytes are those of `veritysetup format --no-superblock`.
 * Source: Linux Documentation/admin-guide/device-mapper/verity.rst.
 *
 * A hash block holds 128 digests. A *leaf* is a hash block of level 0 together with the
 * up to 128 data blocks it covers: the unit in which images are read and checked. The
 * levels above the leaves are small (1/16384 of the image) and stay in memory once
 * checked, so no byte is trusted that was read twice.
 */

#include "verity/hashtree/hash.h"
#include "verity/util/cleanup.h"
#include "verity/util/error.h"
#include "verity/util/sizes.h"

#include <stddef.h>
#include <stdint.h>

#define VERITY_HASHES_PER_BLOCK (VERITY_BLOCK / VERITY_DIGEST_BYTES)
#define VERITY_LEAF_BYTES       ((uint64_t)VERITY_HASHES_PER_BLOCK * VERITY_BLOCK)
#define VERITY_LEVELS_MAX       8
#define VERITY_LEAVES_MAX       4 /* read at a time, and hashed by as many lanes */

/* Level 0 holds the digests of data blocks; the last level is one block. */
struct verity_geometry {
	uint64_t data_blocks;
	uint64_t tree_blocks;                     /* 0 where data_blocks is 1 */
	unsigned levels;                          /* 0 where data_blocks is 1 */
	uint64_t level_blocks[VERITY_LEVELS_MAX]; /* blocks of each level */
	uint64_t level_start[VERITY_LEVELS_MAX];  /* first block, from the tree's start */
};

/* What an image must match: the part of the manifest that the hashes need. */
struct verity_root {
	const uint8_t *salt; /* borrowed */
	size_t salt_bytes;
	uint8_t hash[VERITY_DIGEST_BYTES];
};

/* Where the blocks are: a file, and the offsets of tree and image in it. */
struct verity_blocks {
	int fd;               /* borrowed */
	uint64_t tree_start;  /* bytes */
	uint64_t image_start; /* bytes */
};

/**
 * verity_geometry_compute - the shape of the tree over @data_blocks
 * @data_blocks: 1 .. VERITY_IMAGE_MAX / VERITY_BLOCK
 */
struct verity_geometry verity_geometry_compute(uint64_t data_blocks);

/**
 * verity_tree_build - hash an image and write its tree
 * @blocks:   image_start is read, tree_start is written
 * @threads:  how many threads hash, 1 or more
 * @ret_hash: the root hash, set on success only
 *
 * Return: 0; -errno for I/O; -ENOMEM.
 */
int verity_tree_build(const struct verity_blocks *blocks,
		      const struct verity_geometry *geometry, const uint8_t *salt,
		      size_t salt_bytes, unsigned threads,
		      uint8_t ret_hash[static VERITY_DIGEST_BYTES],
		      struct verity_error *err) must_check;

/* The checked levels above the leaves; see verity_upper_load(). */
struct verity_upper;

/**
 * verity_upper_load - read and check every tree level above level 0
 * @ret: set on success only; free with verity_upper_free(). @root is copied but its
 * salt, which is borrowed
 *
 * Return: 0; -EBADMSG where a block does not match (err says level and block); -errno for
 * I/O; -ENOMEM.
 */
int verity_upper_load(const struct verity_blocks *blocks,
		      const struct verity_geometry *geometry,
		      const struct verity_root *root, struct verity_upper **ret,
		      struct verity_error *err) must_check;

void verity_upper_free(struct verity_upper *upper);

DEFINE_CLEANUP(struct verity_upper, verity_upper_free);

/*
 * Leaves that follow each other. The check of a whole file and the stream both use it, so
 * both compare an image with the same hashes.
 */
struct verity_leaf {
	uint64_t number;      /* of the first hash block in level 0 */
	uint64_t data_blocks; /* of the whole image; for messages, as the next */
	uint64_t image_start; /* bytes */

	/* Checked digests of successive data blocks; one where the tree has no level. */
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
 * verity_leaf_check_blocks - compare data blocks of the image with their leaf
 * @first: number of the first one in the image; all @count of them, up to
 *         VERITY_HASHES_PER_BLOCK, lie in these leaves
 * @data:  @count times VERITY_BLOCK bytes
 *
 * Return: 0; -EBADMSG (IMAGE_MISMATCH), naming the first that does not match.
 */
int verity_leaf_check_blocks(const struct verity_leaf *leaf, struct verity_hasher *hasher,
			     uint64_t first, const uint8_t *data, size_t count,
			     struct verity_error *err) must_check;

/**
 * verity_tree_verify - check a whole tree and image
 * @threads: how many threads hash, 1 or more; memory is about 0.5 MiB for each
 *
 * The image is mapped where it can be, and hashed without a copy. SIGBUS gets a handler.
 *
 * Return: 0; -EBADMSG where a block does not match (err says which); -errno for I/O.
 */
int verity_tree_verify(const struct verity_blocks *blocks,
		       const struct verity_geometry *geometry,
		       const struct verity_root *root, unsigned threads,
		       struct verity_error *err) must_check;

/**
 * verity_tree_verify_first - check what leads to the image's first block, and that block
 *
 * The levels above the leaves, the first leaf's hash block and data block 0, where a
 * file system has its super block; nothing else is read. Costs 1/16384 of the image.
 *
 * Return: as verity_tree_verify().
 */
int verity_tree_verify_first(const struct verity_blocks *blocks,
			     const struct verity_geometry *geometry,
			     const struct verity_root *root,
			     struct verity_error *err) must_check;
