/* SPDX-License-Identifier: MIT */
#pragma once

/* The parts of overlay_contents_read(), and what tests and fuzzing reach in for. */

#include "overlay/contents/contents.h"

#include <sqfs/meta_reader.h>
#include <sqfs/super.h>
#include <stdint.h>

/* How much one image may cost. */
struct contents_limits {
	size_t entries;
	size_t text_bytes;
	uint64_t reads; /* calls to the file: about two for a block of 8 KiB */
};

/**
 * contents_read_image - list the image that lies at @start of @fd
 * @bytes: of the image; nothing is read beyond
 */
int contents_read_image(int fd, uint64_t start, uint64_t bytes,
			const struct contents_limits *limits,
			struct overlay_contents *ret,
			struct verity_error *err) must_check;

/* A list on its way: entries in any order, the room for more, and its limits. */
struct contents_list {
	struct overlay_contents contents;
	size_t room;       /* entries */
	size_t text_bytes; /* so far */
	const struct contents_limits *limits;
};

/**
 * contents_list_add - add an entry
 * @folder: path it lies in; "" for the root
 * @name:   @name_bytes of it, without an ending 0; what no path may hold is refused
 * @ret:    the entry, until the next is added; its path set, the rest zero
 */
int contents_list_add(struct contents_list *list, const char *folder, const char *name,
		      size_t name_bytes, struct overlay_contents_entry **ret,
		      struct verity_error *err) must_check;

/**
 * contents_list_text - room for a text of @bytes that lives as long as the list
 * @ret: @bytes + 1, zero
 */
int contents_list_text(struct contents_list *list, size_t bytes, char **ret,
		       struct verity_error *err) must_check;

/**
 * contents_list_seal - sort it
 *
 * Return: 0; -EBADMSG where a path stands twice.
 */
int contents_list_seal(struct contents_list *list, struct verity_error *err) must_check;

/* An open image. */
struct contents_image {
	sqfs_file_t *file;
	sqfs_compressor_t *expander;
	sqfs_super_t super;
	sqfs_meta_reader_t *inodes;
	sqfs_meta_reader_t *listings;
	sqfs_meta_reader_t *attributes; /* NULL where it has none, like the rest */
	uint64_t attributes_start;      /* of the first block of keys and values */
	uint32_t attributes_count;      /* sets of them */

	/* The set looked at last: folders often share one. */
	struct {
		uint32_t index;
		bool known, opaque, redirected;
	} last;
};

/**
 * contents_image_open - read the super block and set up the readers
 * @fd: borrowed, must outlive the image
 */
int contents_image_open(int fd, uint64_t start, uint64_t bytes, uint64_t reads,
			struct contents_image *ret, struct verity_error *err) must_check;

void contents_image_close(struct contents_image *image);

/**
 * contents_image_fail - fill @err from what a libsquashfs function returned
 *
 * Return: the errno of a read that failed; -E2BIG where there were too many; -ENOMEM;
 * -EBADMSG.
 */
int contents_image_fail(const struct contents_image *image, int code, const char *what,
			struct verity_error *err);

/**
 * contents_image_read - bytes of the image itself
 */
int contents_image_read(const struct contents_image *image, uint64_t place, void *ret,
			size_t count, struct verity_error *err) must_check;

/**
 * contents_attributes_open - find the table of attributes, where there is one
 */
int contents_attributes_open(struct contents_image *image,
			     struct verity_error *err) must_check;

/**
 * contents_attributes_look - what the set @index has to say to overlayfs
 */
int contents_attributes_look(struct contents_image *image, uint32_t index,
			     bool *ret_opaque, bool *ret_redirected,
			     struct verity_error *err) must_check;

#define CONTENTS_NO_ATTRIBUTES UINT32_MAX

/* What matters of an inode here. */
struct contents_inode {
	enum overlay_contents_kind kind; /* FOLDER, opaque or not */
	uint32_t number;
	uint32_t attributes; /* index of its set, or CONTENTS_NO_ATTRIBUTES */

	/* Of a folder: where its listing is. */
	uint32_t listing_block; /* bytes from the start of the listings */
	uint16_t listing_offset;
	uint32_t listing_bytes;

	/* Of a link: its length; the reader stands at its first byte. */
	uint32_t target_bytes;
};

/**
 * contents_inode_read - decode an inode
 * @place: block, from the start of the inodes, << 16 | offset within it
 */
int contents_inode_read(struct contents_image *image, uint64_t place,
			struct contents_inode *ret, struct verity_error *err) must_check;
