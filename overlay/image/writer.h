/* SPDX-License-Identifier: MIT */
#pragma once

/* The parts of a squashfs image on their way into a file (libsquashfs). */

#include "overlay/image/file_tree.h"

#include <sqfs/block_processor.h>
#include <sqfs/block_writer.h>
#include <sqfs/compressor.h>
#include <sqfs/dir_writer.h>
#include <sqfs/frag_table.h>
#include <sqfs/id_table.h>
#include <sqfs/io.h>
#include <sqfs/meta_writer.h>
#include <sqfs/super.h>
#include <sqfs/xattr_writer.h>

#define IMAGE_BLOCK 131072 /* bytes of a squashfs data block */

struct image_writer {
	sqfs_file_t *file;
	int failed; /* errno of the first operation on @file that failed */
	sqfs_compressor_t *compressor;
	sqfs_compressor_t *expander; /* reads fragments back, to compare them */
	sqfs_super_t super;
	sqfs_frag_table_t *fragments;
	sqfs_block_writer_t *blocks;
	sqfs_block_processor_t *data;
	sqfs_id_table_t *ids;
	sqfs_xattr_writer_t *xattrs;
	sqfs_meta_writer_t *inodes;
	sqfs_meta_writer_t *listings;
	sqfs_dir_writer_t *folders;
	uint8_t *zeros; /* a block of them */

	/* The file whose data is being written. */
	struct image_inode *current;
	uint64_t offset; /* bytes taken, with holes */
};

/**
 * image_writer_new - begin an image
 * @fd:         empty regular file, read-write; borrowed, must outlive the writer
 * @compressor: name; NULL for zstd
 * @threads:    0: one for each processor
 * @date:       0 .. 4294967295, the image's own time
 * @ret:        set on success only; free with image_writer_free()
 *
 * Return: 0; -EOPNOTSUPP (UNSUPPORTED) for an unknown compressor; -errno.
 */
int image_writer_new(int fd, const char *compressor, unsigned threads, uint32_t date,
		     struct image_writer **ret, struct verity_error *err) must_check;

void image_writer_free(struct image_writer *writer);
DEFINE_CLEANUP(struct image_writer, image_writer_free);

/**
 * image_writer_fail - fill @err from what a libsquashfs function returned
 *
 * Return: the errno of the failed write where there was one; -ENOMEM; -EIO.
 */
int image_writer_fail(const struct image_writer *writer, struct verity_error *err,
		      int code, const char *what);

/*
 * The data of one file after the other, each from its start to its end. What is left out
 * between two puts, or after the last, is a hole: whole blocks of it cost nothing.
 */
int image_data_begin(struct image_writer *writer, struct image_inode *inode,
		     struct verity_error *err) must_check;
int image_data_put(struct image_writer *writer, uint64_t offset, const void *bytes,
		   size_t count, struct verity_error *err) must_check;
int image_data_end(struct image_writer *writer, struct verity_error *err) must_check;

/**
 * image_data_finish - wait for the threads, write what is left, complete the inodes
 */
int image_data_finish(struct image_writer *writer, struct image_tree *tree,
		      struct verity_error *err) must_check;

/**
 * image_meta_write - write inodes, folders, tables and super block
 * @tree:      sealed, all its data written and finished
 * @ret_bytes: length of the image
 */
int image_meta_write(struct image_writer *writer, struct image_tree *tree,
		     uint64_t *ret_bytes, struct verity_error *err) must_check;
