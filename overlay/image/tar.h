/* SPDX-License-Identifier: MIT */
#pragma once

/* One pass over an archive's entries (libarchive). */

#include "overlay/image/tree.h"

#include <archive.h>
#include <locale.h>

struct image_tar {
	struct archive *archive;
	locale_t locale; /* that names pass through unchanged in */
	locale_t previous;
	uint64_t entry; /* number of the current one, from 0 */
};

/**
 * image_tar_open - begin a pass, from the start of the file
 * @fd:  regular file, plain or compressed; borrowed, its offset is used
 * @ret: set on success alone; end with image_tar_close_p()
 */
int image_tar_open(int fd, struct image_tar *ret, struct verity_error *err) must_check;

void image_tar_close_p(struct image_tar *tar);

/**
 * image_tar_next - go to the next entry
 *
 * Return: 1 and @ret, borrowed until the next call; 0 after the last; -EINVAL (BAD_TREE)
 * where there is no archive or it is damaged.
 */
int image_tar_next(struct image_tar *tar, struct archive_entry **ret,
		   struct verity_error *err) must_check;

/**
 * image_tar_fail - BAD_TREE or NO_MEMORY with libarchive's own words
 * @path: the entry; NULL where it is about the archive
 */
int image_tar_fail(const struct image_tar *tar, const char *path,
		   struct verity_error *err);
