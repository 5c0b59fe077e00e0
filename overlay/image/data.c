/* SPDX-License-Identifier: MIT */
/*
 * The data of the files. Whole blocks of a hole never pass through libsquashfs's block
 * processor, which would copy and search gigabytes of zeros: they are left out and put
 * into the block list afterwards.
 */
#include "overlay/image/image.h"
#include "overlay/image/writer.h"

#include <assert.h>
#include <errno.h>
#include <sqfs/inode.h>
#include <string.h>

int image_data_begin(struct image_writer *writer, struct image_inode *inode,
		     struct verity_error *err)
{
	int r;

	assert(!writer->current);
	r = sqfs_block_processor_begin_file(writer->data, &inode->packed, NULL, 0);
	if (r != 0)
		return image_writer_fail(writer, err, r, "data");
	writer->current = inode;
	writer->place = 0;
	inode->data_done = true;
	return 0;
}

int image_data_write(struct image_writer *writer, const void *bytes, size_t count,
		     struct verity_error *err)
{
	int r = sqfs_block_processor_append(writer->data, bytes, count);

	if (r != 0)
		return image_writer_fail(writer, err, r, "data");
	writer->place += count;
	return 0;
}

static int run_add(struct image_inode *inode, uint64_t block, uint64_t count)
{
	struct image_run *last = NULL, *grown;

	if (inode->run_count > 0)
		last = &inode->runs[inode->run_count - 1];
	if (last && last->block + last->count == block) {
		last->count += count;
		return 0;
	}
	/* Doubles at each power of two. */
	if ((inode->run_count & (inode->run_count - 1)) == 0) {
		size_t room = inode->run_count ? 2 * inode->run_count : 1;

		grown = reallocarray(inode->runs, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		inode->runs = grown;
	}
	inode->runs[inode->run_count++] = (struct image_run){block, count};
	return 0;
}

/* Zeros up to the next block's start, or all of them. */
static int hole_write(struct image_writer *writer, uint64_t *count,
		      struct verity_error *err)
{
	uint64_t room = OVERLAY_IMAGE_BLOCK - writer->place % OVERLAY_IMAGE_BLOCK;
	uint64_t part = *count < room ? *count : room;

	*count -= part;
	return image_data_write(writer, writer->zeros, (size_t)part, err);
}

int image_data_hole(struct image_writer *writer, uint64_t count, struct verity_error *err)
{
	uint64_t blocks;
	int r = 0;

	if (count > 0 && writer->place % OVERLAY_IMAGE_BLOCK != 0)
		r = hole_write(writer, &count, err);
	blocks = count / OVERLAY_IMAGE_BLOCK;
	if (r == 0 && blocks > 0) {
		if (run_add(writer->current, writer->place / OVERLAY_IMAGE_BLOCK,
			    blocks) < 0)
			return verity_fail_errno(err, ENOMEM, "image");
		writer->place += blocks * OVERLAY_IMAGE_BLOCK;
		count -= blocks * OVERLAY_IMAGE_BLOCK;
	}
	if (r == 0 && count > 0)
		r = hole_write(writer, &count, err);
	return r;
}

int image_data_end(struct image_writer *writer, struct verity_error *err)
{
	int r = sqfs_block_processor_end_file(writer->data);

	writer->current->bytes = writer->place;
	writer->current = NULL;
	return r == 0 ? 0 : image_writer_fail(writer, err, r, "data");
}

/* Copies the block list, with a 0 for each block of each run. */
static void list_expand(const struct image_inode *inode, const sqfs_inode_generic_t *from,
			size_t taken, sqfs_inode_generic_t *to)
{
	size_t read = 0, written = 0;

	for (size_t i = 0; i < inode->run_count; i++) {
		while (written < inode->runs[i].block)
			to->extra[written++] = from->extra[read++];
		/* The zeros are calloc()'s. */
		written += (size_t)inode->runs[i].count;
	}
	while (read < taken)
		to->extra[written++] = from->extra[read++];
}

static int inode_expand(struct image_inode *inode)
{
	sqfs_inode_generic_t *from = inode->packed, *to;
	size_t taken = sqfs_inode_get_file_block_count(from);
	uint64_t holes = 0;
	size_t total;
	int r;

	for (size_t i = 0; i < inode->run_count; i++)
		holes += inode->runs[i].count;
	if (holes > (SIZE_MAX - sizeof(*to)) / sizeof(to->extra[0]) - taken)
		return -ENOMEM;
	total = taken + (size_t)holes;
	to = calloc(1, sizeof(*to) + total * sizeof(to->extra[0]));
	if (!to)
		return -ENOMEM;
	memcpy(to, from, sizeof(*to));
	list_expand(inode, from, taken, to);
	to->payload_bytes_used = (uint32_t)(total * sizeof(to->extra[0]));
	to->payload_bytes_available = to->payload_bytes_used;
	free(from);
	inode->packed = to;

	/* First what makes it extended, so that the size has its place. */
	r = sqfs_inode_make_extended(to);
	if (r == 0) {
		to->data.file_ext.sparse += holes * OVERLAY_IMAGE_BLOCK;
		r = sqfs_inode_set_file_size(to, inode->bytes);
	}
	return r == 0 ? 0 : -EIO;
}

int image_data_finish(struct image_writer *writer, struct image_tree *tree,
		      struct verity_error *err)
{
	int r = sqfs_block_processor_finish(writer->data);

	if (r != 0)
		return image_writer_fail(writer, err, r, "data");
	for (struct image_inode *inode = tree->inodes; inode; inode = inode->next) {
		if (inode->run_count == 0 || !inode->packed)
			continue;
		r = inode_expand(inode);
		if (r < 0)
			return verity_fail_errno(err, -r, "image: data");
	}
	return 0;
}
