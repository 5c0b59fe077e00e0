/* SPDX-License-Identifier: MIT */
#include "overlay/image/file.h"

#include <errno.h>
#include <sqfs/error.h>
#include <stdlib.h>
#include <unistd.h>

/* libsquashfs calls it from the thread that feeds it alone. */
struct image_file {
	sqfs_file_t base;
	int fd;
	sqfs_u64 bytes;
	int failed; /* errno */
};

static struct image_file *file_of(sqfs_file_t *base)
{
	return (struct image_file *)(void *)base;
}

static int file_fail(struct image_file *file, int errno_value)
{
	if (file->failed == 0)
		file->failed = errno_value;
	return SQFS_ERROR_IO;
}

static int file_read(sqfs_file_t *base, sqfs_u64 place, void *buffer, size_t size)
{
	struct image_file *file = file_of(base);
	char *to = buffer;

	while (size > 0) {
		ssize_t n = pread(file->fd, to, size, (off_t)place);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return file_fail(file, n < 0 ? errno : EIO);
		to += n;
		place += (sqfs_u64)n;
		size -= (size_t)n;
	}
	return 0;
}

static int file_write(sqfs_file_t *base, sqfs_u64 place, const void *buffer, size_t size)
{
	struct image_file *file = file_of(base);
	const char *from = buffer;

	while (size > 0) {
		ssize_t n = pwrite(file->fd, from, size, (off_t)place);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return file_fail(file, n < 0 ? errno : EIO);
		from += n;
		place += (sqfs_u64)n;
		size -= (size_t)n;
	}
	if (place > file->bytes)
		file->bytes = place;
	return 0;
}

static sqfs_u64 file_size(const sqfs_file_t *base)
{
	return ((const struct image_file *)(const void *)base)->bytes;
}

static int file_truncate(sqfs_file_t *base, sqfs_u64 size)
{
	struct image_file *file = file_of(base);

	if (ftruncate(file->fd, (off_t)size) < 0)
		return file_fail(file, errno);
	file->bytes = size;
	return 0;
}

static void file_destroy(sqfs_object_t *object)
{
	free(object);
}

sqfs_file_t *image_file_new(int fd)
{
	struct image_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->fd = fd;
	file->base.base.destroy = file_destroy;
	file->base.read_at = file_read;
	file->base.write_at = file_write;
	file->base.get_size = file_size;
	file->base.truncate = file_truncate;
	return &file->base;
}

int image_file_errno(const sqfs_file_t *file)
{
	return ((const struct image_file *)(const void *)file)->failed;
}
