/* SPDX-License-Identifier: MIT */

/* Remembers which images were read. */

#include "installer/device/read_images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verity/util/io.h"

#define FILE_NAME "read-images"

static int64_t nanoseconds(const struct timespec *time)
{
	return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

/* Without the package's id. */
static struct read_image identify(const struct stat *st)
{
	return (struct read_image){
		.device = st->st_dev,
		.inode = st->st_ino,
		.bytes = (uint64_t)st->st_size,
		.modified_ns = nanoseconds(&st->st_mtim),
		.changed_ns = nanoseconds(&st->st_ctim),
	};
}

int read_images_load(const char *run, struct read_images **ret, struct verity_error *err)
{
	struct read_images *images = calloc(1, sizeof(*images));
	cleanup_fd int folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = -1;
	size_t bytes;
	struct stat st;

	if (!images)
		return verity_no_memory(err);
	*ret = images;
	if (folder < 0 ||
	    verity_io_open(folder, FILE_NAME, O_RDONLY | O_NOFOLLOW, &fd, &st, NULL) < 0)
		return 0;
	bytes = (size_t)st.st_size;
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH) ||
	    bytes > sizeof(images->items) || bytes % sizeof(images->items[0]) != 0 ||
	    verity_io_read(fd, images->items, bytes, 0, NULL) < 0)
		return 0;
	images->count = bytes / sizeof(images->items[0]);
	return 0;
}

/* Not the package's id, which is the last member. */
static bool is_same(const struct read_image *a, const struct read_image *b)
{
	return memcmp(a, b, offsetof(struct read_image, id)) == 0;
}

static const struct read_image *find(const struct read_images *images,
				     const struct read_image *file)
{
	for (size_t i = 0; i < images->count; i++)
		if (is_same(&images->items[i], file))
			return &images->items[i];
	return NULL;
}

void read_images_add(struct read_images *images, int fd,
		     const uint8_t id[static VERITY_DIGEST_BYTES])
{
	struct read_image item;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return;
	item = identify(&st);
	memcpy(item.id, id, VERITY_DIGEST_BYTES);
	if (images->count == READ_IMAGES_MAX)
		memmove(images->items, images->items + 1,
			--images->count * sizeof(images->items[0]));
	images->items[images->count++] = item;
	images->changed = true;
}

void read_images_store(const char *run, const struct read_images *images)
{
	cleanup_fd int folder = -1;

	if (!images->changed)
		return;
	folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder >= 0)
		(void)!verity_io_replace(folder, FILE_NAME, 0600, images->items,
					 images->count * sizeof(images->items[0]), NULL);
}

int read_images_open(struct read_images *images, int folder, const char *file,
		     const struct verity_policy *policy, struct verity_package **ret,
		     struct verity_error *err)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	struct verity_policy quick = *policy;
	struct read_image before = {0}, opened = {0};
	const struct read_image *known;
	const uint8_t *id;
	struct stat st;
	int r;

	if (fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) == 0)
		before = identify(&st);
	quick.lazy = find(images, &before);
	r = verity_package_open(folder, file, &quick, &package, err);
	if (r < 0)
		return r;
	if (fstat(verity_package_fd(package), &st) == 0)
		opened = identify(&st);
	id = verity_package_judgement(package)->id;
	known = find(images, &opened);
	if (quick.lazy && !(known && memcmp(known->id, id, sizeof(known->id)) == 0))
		r = verity_package_read_image(package, policy->threads, err);
	else if (!known && verity_package_verified(package) && is_same(&before, &opened))
		read_images_add(images, verity_package_fd(package), id);
	if (r == 0)
		*ret = steal_ptr(&package);
	return r;
}
