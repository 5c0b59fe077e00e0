/* SPDX-License-Identifier: MIT */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sqfs/compressor.h>
#include <sqfs/error.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>

#include "overlay/contents/contents_private.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

/* The image within the package, as libsquashfs wants to see a file. */
struct image_part {
	sqfs_file_t base;
	int fd;
	uint64_t start, bytes;
	uint64_t reads; /* left */
	int failed;     /* errno */
};

static struct image_part *part_of(sqfs_file_t *base)
{
	return (struct image_part *)(void *)base;
}

static int part_fail(struct image_part *part, int errno_value)
{
	if (part->failed == 0)
		part->failed = errno_value;
	return SQFS_ERROR_IO;
}

static int part_read(sqfs_file_t *base, sqfs_u64 place, void *buffer, size_t size)
{
	struct image_part *part = part_of(base);
	int r;

	if (place > part->bytes || size > part->bytes - place)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	if (part->reads == 0)
		return part_fail(part, E2BIG);
	part->reads--;
	r = verity_io_read(part->fd, buffer, size, part->start + place, NULL);
	return r < 0 ? part_fail(part, -r) : 0;
}

static int part_write(sqfs_file_t *base, sqfs_u64 place, const void *buffer, size_t size)
{
	(void)place;
	(void)buffer;
	(void)size;
	return part_fail(part_of(base), EROFS);
}

static sqfs_u64 part_size(const sqfs_file_t *base)
{
	return ((const struct image_part *)(const void *)base)->bytes;
}

static int part_truncate(sqfs_file_t *base, sqfs_u64 size)
{
	(void)size;
	return part_fail(part_of(base), EROFS);
}

static void part_destroy(sqfs_object_t *object)
{
	free(object);
}

static sqfs_file_t *part_new(int fd, uint64_t start, uint64_t bytes, uint64_t reads)
{
	struct image_part *part = calloc(1, sizeof(*part));

	if (!part)
		return NULL;
	part->fd = fd;
	part->start = start;
	part->bytes = bytes;
	part->reads = reads;
	part->base.base.destroy = part_destroy;
	part->base.read_at = part_read;
	part->base.write_at = part_write;
	part->base.get_size = part_size;
	part->base.truncate = part_truncate;
	return &part->base;
}

int contents_image_fail(const struct contents_image *image, int code, const char *what,
			struct verity_error *err)
{
	int failed = image->file ? part_of(image->file)->failed : 0;

	if (code == SQFS_ERROR_ALLOC)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (failed == E2BIG)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "image: its folders take too many reads to list");
	if (failed)
		return verity_fail_errno(err, failed, "image: %s", what);
	return verity_fail(err, VERITY_E_BAD_IMAGE, "image: %s cannot be read: %s", what,
			   code == SQFS_ERROR_OUT_OF_BOUNDS ? "outside of its bounds"
			   : code == SQFS_ERROR_COMPRESSOR
				   ? "not what the compressor wrote"
				   : "damaged");
}

int contents_image_read(const struct contents_image *image, uint64_t place, void *ret,
			size_t count, struct verity_error *err)
{
	int code = image->file->read_at(image->file, place, ret, count);

	return code == 0 ? 0 : contents_image_fail(image, code, "a table", err);
}

static int read_super(struct contents_image *image, struct verity_error *err)
{
	sqfs_super_t *super = &image->super;
	int code = sqfs_super_read(super, image->file);

	if (code != 0 && part_of(image->file)->failed)
		return contents_image_fail(image, code, "the super block", err);
	if (code != 0)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: it is no squashfs of version 4.0");
	if (super->bytes_used > part_size(image->file) ||
	    super->inode_table_start >= super->directory_table_start ||
	    super->directory_table_start > super->bytes_used)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: its tables lie outside of it");
	return 0;
}

static int open_expander(struct contents_image *image, struct verity_error *err)
{
	const sqfs_super_t *super = &image->super;
	sqfs_compressor_config_t config;
	int code =
		sqfs_compressor_config_init(&config, super->compression_id,
					    super->block_size, SQFS_COMP_FLAG_UNCOMPRESS);

	if (code == 0)
		code = sqfs_compressor_create(&config, &image->expander);
	if (code == SQFS_ERROR_ALLOC)
		return contents_image_fail(image, code, "", err);
	if (code != 0)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "image: written with a compressor (%u) that is not "
				   "known here",
				   (unsigned)super->compression_id);
	if (!(super->flags & SQFS_FLAG_COMPRESSOR_OPTIONS))
		return 0;
	code = image->expander->read_options(image->expander, image->file);
	return code == 0 ? 0
			 : contents_image_fail(image, code, "the compressor's options",
					       err);
}

void contents_image_close(struct contents_image *image)
{
	if (image->attributes)
		sqfs_destroy(image->attributes);
	if (image->listings)
		sqfs_destroy(image->listings);
	if (image->inodes)
		sqfs_destroy(image->inodes);
	if (image->expander)
		sqfs_destroy(image->expander);
	if (image->file)
		sqfs_destroy(image->file);
	*image = (struct contents_image){0};
}

static int open_readers(struct contents_image *image, struct verity_error *err)
{
	const sqfs_super_t *super = &image->super;

	image->inodes = sqfs_meta_reader_create(image->file, image->expander,
						super->inode_table_start,
						super->directory_table_start);
	image->listings =
		sqfs_meta_reader_create(image->file, image->expander,
					super->directory_table_start, super->bytes_used);
	if (!image->inodes || !image->listings)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	return contents_attributes_open(image, err);
}

int contents_image_open(int fd, uint64_t start, uint64_t bytes, uint64_t reads,
			struct contents_image *ret, struct verity_error *err)
{
	struct contents_image image = {.file = part_new(fd, start, bytes, reads)};
	int r = 0;

	if (!image.file)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = read_super(&image, err);
	if (r == 0)
		r = open_expander(&image, err);
	if (r == 0)
		r = open_readers(&image, err);
	if (r == 0)
		*ret = image;
	else
		contents_image_close(&image);
	return r;
}
