/* SPDX-License-Identifier: MIT */
/*
 * The data of the files. Whole blocks of a hole never pass through libsquashfs's block
 * processor, which would copy and search gigabytes of zeros: they are left out and put
 * into the block list afterwards.
 */
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
	writer->offset = 0;
	inode->data_done = true;
	return 0;
}

static int append(struct image_writer *writer, const void *bytes, size_t count,
		  struct verity_error *err)
{
	int r = sqfs_block_processor_append(writer->data, bytes, count);

	if (r != 0)
		return image_writer_fail(writer, err, r, "data");
	writer->offset += count;
	return 0;
}

static int run_add(struct image_inode *inode, uint64_t block, uint64_t count)
{
	struct image_run *runs = inode->runs;
	size_t n = inode->run_count;

	if (n > 0 && runs[n - 1].block + runs[n - 1].count == block) {
		runs[n - 1].count += count;
		return 0;
	}
	/* Doubles at each power of two. */
	if ((n & (n - 1)) == 0)
		runs = reallocarray(runs, n ? 2 * n : 1, sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	inode->runs = runs;
	inode->runs[inode->run_count++] = (struct image_run){block, count};
	return 0;
}

/* Zeros up to the start of a block, whole blocks that cost nothing, and zeros again. */
static int skip(struct image_writer *writer, uint64_t end, struct verity_error *err)
{
	int r = 0;

	while (r == 0 && writer->offset < end) {
		uint64_t count = end - writer->offset;
		uint64_t into = writer->offset % IMAGE_BLOCK;
		uint64_t room = IMAGE_BLOCK - into;

		if (into > 0 || count < IMAGE_BLOCK) {
			r = append(writer, writer->zeros,
				   (size_t)(count < room ? count : room), err);
			continue;
		}
		count /= IMAGE_BLOCK;
		if (run_add(writer->current, writer->offset / IMAGE_BLOCK, count) < 0)
			return verity_fail_errno(err, ENOMEM, "image");
		writer->offset += count * IMAGE_BLOCK;
	}
	return r;
}

int image_data_put(struct image_writer *writer, uint64_t offset, const void *bytes,
		   size_t count, struct verity_error *err)
{
	int r = skip(writer, offset, err);

	return r == 0 && count > 0 ? append(writer, bytes, count, err) : r;
}

int image_data_end(struct image_writer *writer, struct verity_error *err)
{
	int r = skip(writer, writer->current->bytes, err);

	if (r < 0)
		return r;
	r = sqfs_block_processor_end_file(writer->data);
	writer->current = NULL;
	return r == 0 ? 0 : image_writer_fail(writer, err, r, "data");
}

/* Completes the block list: a 0 for each block of each run. */
static int inode_expand(struct image_inode *inode)
{
	sqfs_inode_generic_t *from = inode->packed, *to;
	size_t count = sqfs_inode_get_file_block_count(from), read = 0, written = 0;
	uint64_t holes = 0;
	int r;

	for (size_t i = 0; i < inode->run_count; i++)
		holes += inode->runs[i].count;
	if (holes > (SIZE_MAX - sizeof(*to)) / sizeof(to->extra[0]) - count)
		return -ENOMEM;
	to = calloc(1, sizeof(*to) + (count + (size_t)holes) * sizeof(to->extra[0]));
	if (!to)
		return -ENOMEM;
	memcpy(to, from, sizeof(*to));
	for (size_t i = 0; i < inode->run_count; i++) {
		while (written < inode->runs[i].block)
			to->extra[written++] = from->extra[read++];
		written += (size_t)inode->runs[i].count;
	}
	while (read < count)
		to->extra[written++] = from->extra[read++];
	to->payload_bytes_used = (uint32_t)(written * sizeof(to->extra[0]));
	to->payload_bytes_available = to->payload_bytes_used;
	free(from);
	inode->packed = to;

	/* First the extended form, which has room for the size. */
	r = sqfs_inode_make_extended(to);
	if (r == 0) {
		to->data.file_ext.sparse += holes * IMAGE_BLOCK;
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
