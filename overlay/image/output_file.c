/* SPDX-License-Identifier: MIT */
/* The output file of libsquashfs, over a descriptor, with the errno of what failed. */
#include "overlay/image/output_file.h"
#include "verity/util/io.h"

#include <errno.h>
#include <sqfs/error.h>
#include <stdlib.h>
#include <unistd.h>

/* libsquashfs calls it from one thread only. */
struct image_file {
	sqfs_file_t base;
	int fd;
	sqfs_u64 bytes;
	int *failed; /* borrowed: errno */
};

static struct image_file *file_of(sqfs_file_t *base)
{
	return (struct image_file *)(void *)base;
}

static int file_result(struct image_file *file, int r)
{
	if (r < 0 && *file->failed == 0)
		*file->failed = -r;
	return r < 0 ? SQFS_ERROR_IO : 0;
}

static int file_read(sqfs_file_t *base, sqfs_u64 offset, void *buffer, size_t size)
{
	struct image_file *file = file_of(base);

	return file_result(file, verity_io_read(file->fd, buffer, size, offset, NULL));
}

static int file_write(sqfs_file_t *base, sqfs_u64 offset, const void *buffer, size_t size)
{
	struct image_file *file = file_of(base);
	int r = verity_io_write(file->fd, buffer, size, offset, NULL);

	if (r == 0 && offset + size > file->bytes)
		file->bytes = offset + size;
	return file_result(file, r);
}

static sqfs_u64 file_size(const sqfs_file_t *base)
{
	return ((const struct image_file *)(const void *)base)->bytes;
}

static int file_truncate(sqfs_file_t *base, sqfs_u64 size)
{
	struct image_file *file = file_of(base);
	int r = ftruncate(file->fd, (off_t)size) < 0 ? -errno : 0;

	if (r == 0)
		file->bytes = size;
	return file_result(file, r);
}

static void file_destroy(sqfs_object_t *object)
{
	free(object);
}

sqfs_file_t *image_file_new(int fd, int *ret_failed)
{
	struct image_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->fd = fd;
	file->failed = ret_failed;
	file->base.base.destroy = file_destroy;
	file->base.read_at = file_read;
	file->base.write_at = file_write;
	file->base.get_size = file_size;
	file->base.truncate = file_truncate;
	return &file->base;
}
