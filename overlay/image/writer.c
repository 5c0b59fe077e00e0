/* SPDX-License-Identifier: MIT */
/* The parts of libsquashfs that write an image, from its super block to its tables. */
#include "overlay/image/writer.h"
#include "overlay/image/aligned_blocks.h"
#include "overlay/image/compressor.h"
#include "overlay/image/output_file.h"

#include <errno.h>
#include <sched.h>
#include <sqfs/error.h>

#define THREADS_MAX 256

int image_writer_fail(const struct image_writer *writer, struct verity_error *err,
		      int code, const char *what)
{
	if (writer->failed)
		return verity_fail_errno(err, writer->failed, "image: %s", what);
	if (code == SQFS_ERROR_ALLOC)
		return verity_fail_errno(err, ENOMEM, "image: %s", what);
	if (code == SQFS_ERROR_OVERFLOW)
		return verity_fail(err, VERITY_E_BAD_TREE,
				   "image: %s: more than squashfs can hold", what);
	return verity_fail(err, VERITY_E_IO, "image: %s: libsquashfs error %d", what,
			   code);
}

static int writer_begin(struct image_writer *writer, SQFS_COMPRESSOR id, uint32_t date,
			const char *name, struct verity_error *err)
{
	int r = image_compressor_new(id, IMAGE_BLOCK, false, &writer->compressor);

	if (r == 0)
		r = image_compressor_new(id, IMAGE_BLOCK, true, &writer->expander);
	if (r == SQFS_ERROR_UNSUPPORTED)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "libsquashfs was built without %s", name);
	if (r != 0)
		return image_writer_fail(writer, err, r, name);
	r = sqfs_super_init(&writer->super, IMAGE_BLOCK, date, id);
	if (r == 0)
		r = sqfs_super_write(&writer->super, writer->file);
	if (r == 0)
		r = writer->compressor->write_options(writer->compressor, writer->file);
	if (r < 0)
		return image_writer_fail(writer, err, r, "super block");
	if (r > 0)
		writer->super.flags |= SQFS_FLAG_COMPRESSOR_OPTIONS;
	return 0;
}

static int writer_parts(struct image_writer *writer, unsigned threads,
			struct verity_error *err)
{
	sqfs_block_processor_desc_t desc = {.size = sizeof(desc)};
	sqfs_block_writer_t *blocks;
	int r;

	writer->fragments = sqfs_frag_table_create(0);
	blocks = sqfs_block_writer_create(writer->file, SQFS_DEVBLK_SIZE, 0);
	writer->blocks = blocks ? image_aligned_blocks_new(writer->file, blocks) : NULL;
	writer->ids = sqfs_id_table_create(0);
	writer->xattrs = sqfs_xattr_writer_create(0);
	writer->inodes = sqfs_meta_writer_create(writer->file, writer->compressor, 0);
	writer->listings = sqfs_meta_writer_create(writer->file, writer->compressor,
						   SQFS_META_WRITER_KEEP_IN_MEMORY);
	if (writer->listings)
		writer->folders = sqfs_dir_writer_create(writer->listings, 0);
	if (!writer->fragments || !writer->blocks || !writer->ids || !writer->xattrs ||
	    !writer->inodes || !writer->folders)
		return verity_fail_errno(err, ENOMEM, "image");
	desc.max_block_size = IMAGE_BLOCK;
	desc.num_workers = threads;
	/* So that no thread ever waits for the one that reads, at 128 KiB each. */
	desc.max_backlog = 10 * threads + 20;
	desc.cmp = writer->compressor;
	desc.wr = writer->blocks;
	desc.tbl = writer->fragments;
	desc.file = writer->file;
	desc.uncmp = writer->expander;
	r = sqfs_block_processor_create_ex(&desc, &writer->data);
	return r == 0 ? 0 : image_writer_fail(writer, err, r, "threads");
}

int image_writer_new(int fd, const char *compressor, unsigned threads, uint32_t date,
		     struct image_writer **ret, struct verity_error *err)
{
	cleanup_with(image_writer_free_p) struct image_writer *writer = NULL;
	const char *name = compressor ? compressor : "zstd";
	SQFS_COMPRESSOR id = SQFS_COMP_ZSTD;
	cpu_set_t set;
	int r = image_compressor_find(name, &id, err);

	if (r < 0)
		return r;
	/* Those this process may run on: a CI job often has fewer than the host. */
	if (threads == 0 && sched_getaffinity(0, sizeof(set), &set) == 0)
		threads = (unsigned)CPU_COUNT(&set);
	if (threads == 0 || threads > THREADS_MAX)
		threads = threads == 0 ? 1 : THREADS_MAX;
	writer = calloc(1, sizeof(*writer));
	if (writer)
		writer->zeros = calloc(1, IMAGE_BLOCK);
	if (writer && writer->zeros)
		writer->file = image_file_new(fd, &writer->failed);
	if (!writer || !writer->file)
		return verity_fail_errno(err, ENOMEM, "image");
	r = writer_begin(writer, id, date, name, err);
	if (r == 0)
		r = writer_parts(writer, threads, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&writer);
	return 0;
}

void image_writer_free(struct image_writer *writer)
{
	if (!writer)
		return;
	sqfs_destroy(writer->folders);
	sqfs_destroy(writer->listings);
	sqfs_destroy(writer->inodes);
	sqfs_destroy(writer->xattrs);
	sqfs_destroy(writer->ids);
	sqfs_destroy(writer->data);
	sqfs_destroy(writer->blocks);
	sqfs_destroy(writer->fragments);
	sqfs_destroy(writer->expander);
	sqfs_destroy(writer->compressor);
	sqfs_destroy(writer->file);
	free(writer->zeros);
	free(writer);
}
