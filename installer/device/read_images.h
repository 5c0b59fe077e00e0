/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * RUN/read-images: the package files whose whole image was read in this boot, and matched
 * its manifest. Reading takes seconds for each package on a small device. A file is
 * known by device, inode, size and times, so one that was written to or replaced is read
 * again. All else about it is judged anew: signature, key ring, deny list. Only commands
 * that print read this, never a boot, which lets dm-verity check every block.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verity/package/package.h"

#define READ_IMAGES_MAX 1024

struct read_image {
	uint64_t device, inode, bytes;
	int64_t modified_ns, changed_ns;
	uint8_t id[VERITY_DIGEST_BYTES]; /* of the package */
};

/* Plain data, the oldest first. */
struct read_images {
	struct read_image items[READ_IMAGES_MAX];
	size_t count;
	bool changed; /* since it was loaded */
};

/**
 * read_images_load - what is known; nothing where there is no such file, or one that
 * others may have written
 * @run: folder
 * @ret: free()
 *
 * Return: 0; -ENOMEM.
 */
int read_images_load(const char *run, struct read_images **ret,
		     struct verity_error *err) must_check;

/**
 * read_images_add - the whole image of the file that is open was read, and matched
 * @id: of the package
 */
void read_images_add(struct read_images *images, int fd,
		     const uint8_t id[static VERITY_DIGEST_BYTES]);

/**
 * read_images_store - write it, if it was changed; a failure only costs time
 */
void read_images_store(const char *run, const struct read_images *images);

/**
 * read_images_open - as verity_package_open(), but without reading an image that is known
 * to match
 */
int read_images_open(struct read_images *images, int folder, const char *file,
		     const struct verity_policy *policy, struct verity_package **ret,
		     struct verity_error *err) must_check;
