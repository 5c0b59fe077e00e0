/* SPDX-License-Identifier: MIT */
/*
 * squashfs packs compressed blocks one after the other, at any byte. If one file changes,
 * all that follows moves, and no block of 4096 bytes is the same any more. Here each file
 * that has blocks of its own begins at a multiple of 4096, and so do some of the blocks
 * in which the ends of files and small files are together. What lies between two of these
 * places depends on itself only.
 *
 * A place costs 2048 bytes on average. For a large file that is little; a block of small
 * files is often not much larger itself. So of those the content decides which ones begin
 * at such a place: the same ones in both versions.
 */
#include "overlay/image/aligned_blocks.h"

#include <sqfs/block.h>
#include <stdint.h>
#include <stdlib.h>

#define ALIGNMENT 4096

/* Bytes of compressed small files between two places, on average: 2.5 % are lost. */
#define PLACE_EACH 81920

struct aligned_blocks {
	sqfs_block_writer_t base;
	sqfs_block_writer_t *blocks;
	sqfs_file_t *file;
};

static void destroy(sqfs_object_t *object)
{
	struct aligned_blocks *aligned = (struct aligned_blocks *)object;

	sqfs_destroy(aligned->blocks);
	free(aligned);
}

static int align(sqfs_file_t *file)
{
	static const uint8_t zeros[ALIGNMENT];
	sqfs_u64 size = file->get_size(file);
	size_t missing = (size_t)(-size % ALIGNMENT);

	return missing ? file->write_at(file, size, zeros, missing) : 0;
}

static int write_data_block(sqfs_block_writer_t *base, void *user, sqfs_u32 size,
			    sqfs_u32 checksum, sqfs_u32 flags, const sqfs_u8 *data,
			    sqfs_u64 *location)
{
	struct aligned_blocks *aligned = (struct aligned_blocks *)base;
	sqfs_block_writer_t *blocks = aligned->blocks;
	int r = 0;

	if (flags & SQFS_BLK_FRAGMENT_BLOCK ? checksum % PLACE_EACH < size
					    : flags & SQFS_BLK_FIRST_BLOCK)
		r = align(aligned->file);
	return r
		       ?: blocks->write_data_block(blocks, user, size, checksum, flags,
						   data, location);
}

static sqfs_u64 get_block_count(const sqfs_block_writer_t *base)
{
	const sqfs_block_writer_t *blocks = ((const struct aligned_blocks *)base)->blocks;

	return blocks->get_block_count(blocks);
}

sqfs_block_writer_t *image_aligned_blocks_new(sqfs_file_t *file,
					      sqfs_block_writer_t *blocks)
{
	struct aligned_blocks *aligned = calloc(1, sizeof(*aligned));

	if (!aligned) {
		sqfs_destroy(blocks);
		return NULL;
	}
	*aligned = (struct aligned_blocks){
		.base = {.base = {.destroy = destroy},
			 .write_data_block = write_data_block,
			 .get_block_count = get_block_count},
		.blocks = blocks,
		.file = file,
	};
	return &aligned->base;
}
