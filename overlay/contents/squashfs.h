/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The inodes, listings and extended attributes of an image of squashfs 4.0 (Linux
 * fs/squashfs/squashfs_fs.h), read with libsquashfs. An image may be hostile: each size
 * in it is checked before it is used, and the number of reads is limited.
 */

#include <sqfs/meta_reader.h>
#include <sqfs/super.h>

#include "overlay/contents/list.h"

struct squashfs {
	sqfs_file_t *file;
	sqfs_compressor_t *compressor;
	sqfs_super_t super;
	sqfs_meta_reader_t *inodes;
	sqfs_meta_reader_t *listings;
	sqfs_meta_reader_t *xattrs; /* NULL if the image has none */
	uint64_t xattrs_start;      /* byte of the first block of keys and values */
	uint32_t xattr_sets;

	sqfs_meta_reader_t *owners; /* numbers of users and groups */
	struct squashfs_owner {
		uint16_t index; /* in their table */
		bool known;
		uint32_t number;
	} owner; /* that was read last: most files have one and the same */

	/* The set that was read last: folders often share one. */
	struct squashfs_xattr_set {
		uint32_t index;
		bool known, opaque, redirected;
	} last;
};

#define SQUASHFS_NO_XATTRS UINT32_MAX

struct squashfs_inode {
	enum overlay_contents_kind kind; /* FOLDER, opaque or not */
	uint32_t number;
	uint32_t xattrs; /* index of its set, or SQUASHFS_NO_XATTRS */

	/* Of a folder: its permissions, its owner as places in a table, its listing. */
	uint16_t mode, uid_index, gid_index;
	uint32_t listing_block; /* bytes from the start of the listings */
	uint16_t listing_offset;
	uint32_t listing_bytes;

	/* Of a link: the length of the target, which @inodes reads next. */
	uint32_t target_bytes;
};

/**
 * squashfs_open - read the super block and set up the readers
 * @fd:    borrowed, must outlive @ret
 * @start: byte of @fd at which the image starts; nothing after its @bytes is read
 * @reads: limit on calls to the file
 * @ret:   set on success only; squashfs_close()
 *
 * Return: 0; -EBADMSG (BAD_IMAGE); -EOPNOTSUPP (UNSUPPORTED) for a compressor that
 * libsquashfs does not have; -E2BIG (TOO_MANY) for too many reads; -errno.
 */
int squashfs_open(int fd, uint64_t start, uint64_t bytes, uint64_t reads,
		  struct squashfs *ret, struct verity_error *err) must_check;

void squashfs_close(struct squashfs *image);

/**
 * squashfs_read - the next bytes of one of the readers
 * @what: what is read, for the message
 */
int squashfs_read(const struct squashfs *image, sqfs_meta_reader_t *reader,
		  const char *what, void *ret, size_t count,
		  struct verity_error *err) must_check;

/**
 * squashfs_seek - set the position of one of the readers
 * @start:     byte of the image that the reader's table starts at
 * @reference: offset of a metadata block from there << 16 | offset in the block
 */
int squashfs_seek(const struct squashfs *image, sqfs_meta_reader_t *reader,
		  const char *what, uint64_t start, uint64_t reference,
		  struct verity_error *err) must_check;

/**
 * squashfs_inode_read - decode the inode at @reference
 */
int squashfs_inode_read(const struct squashfs *image, uint64_t reference,
			struct squashfs_inode *ret, struct verity_error *err) must_check;

/**
 * squashfs_owner_read - the number of a user or group
 * @index: its place in the table
 */
int squashfs_owner_read(struct squashfs *image, uint16_t index, uint32_t *ret,
			struct verity_error *err) must_check;

/**
 * squashfs_xattrs_read - what a set of extended attributes says to overlayfs
 * @index: number of the set
 * @ret:   copied from @image->last
 */
int squashfs_xattrs_read(struct squashfs *image, uint32_t index,
			 struct squashfs_xattr_set *ret,
			 struct verity_error *err) must_check;
