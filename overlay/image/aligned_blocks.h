/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where blocks of data lie in an image: so that two versions of a tree have most blocks
 * of 4096 bytes in common, those that a device has from the older one.
 */

#include <sqfs/block_writer.h>
#include <sqfs/io.h>

/**
 * image_aligned_blocks_new - a block writer that aligns some of its blocks
 * @file:   borrowed, must outlive the object
 * @blocks: does the rest; owned from now on, also on failure
 *
 * Return: NULL where memory ran out; sqfs_destroy().
 */
sqfs_block_writer_t *image_aligned_blocks_new(sqfs_file_t *file,
					      sqfs_block_writer_t *blocks);
