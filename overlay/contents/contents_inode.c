/* SPDX-License-Identifier: MIT */

/*
 * The inodes of squashfs 4.0, as far as they matter here (Linux
 * fs/squashfs/squashfs_fs.h; sqfs/inode.h has the same). libsquashfs reads them whole: a
 * file's list of blocks is as long as the file claims to be, and is not asked for here.
 */

#include <endian.h>
#include <string.h>

#include <sqfs/inode.h>

#include "overlay/contents/contents_private.h"

#define BASE_BYTES 16 /* type, mode, uid, gid (16 bits each), time, number (32) */

/* A folder's listing is as long as its size says, less these for "." and "..". */
#define LISTING_EXTRA 3

static uint32_t get32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

static uint16_t get16(const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return le16toh(value);
}

#define NOWHERE 0xff /* no such field */

/* Where in what follows the base a type of inode has what; in bytes. */
static const struct layout {
	uint8_t bytes;
	uint8_t attributes;
	enum overlay_contents_kind kind;
} layouts[] = {
	[SQFS_INODE_DIR] = {16, NOWHERE, OVERLAY_CONTENTS_FOLDER},
	[SQFS_INODE_FILE] = {16, NOWHERE, OVERLAY_CONTENTS_FILE},
	[SQFS_INODE_SLINK] = {8, NOWHERE, OVERLAY_CONTENTS_LINK},
	[SQFS_INODE_BDEV] = {8, NOWHERE, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_CDEV] = {8, NOWHERE, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_FIFO] = {4, NOWHERE, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_SOCKET] = {4, NOWHERE, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_EXT_DIR] = {24, 20, OVERLAY_CONTENTS_FOLDER},
	[SQFS_INODE_EXT_FILE] = {40, 36, OVERLAY_CONTENTS_FILE},
	[SQFS_INODE_EXT_SLINK] = {8, NOWHERE, OVERLAY_CONTENTS_LINK},
	[SQFS_INODE_EXT_BDEV] = {12, 8, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_EXT_CDEV] = {12, 8, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_EXT_FIFO] = {8, 4, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_EXT_SOCKET] = {8, 4, OVERLAY_CONTENTS_SPECIAL},
};

#define LAYOUT_COUNT (sizeof(layouts) / sizeof(layouts[0]))
#define LAYOUT_BYTES 40 /* of the longest */

static void decode_folder(bool extended, const uint8_t *body, struct contents_inode *ret)
{
	uint32_t size = extended ? get32(body + 4) : get16(body + 8);

	ret->listing_block = get32(body + (extended ? 8 : 0));
	ret->listing_offset = get16(body + (extended ? 18 : 10));
	ret->listing_bytes = size > LISTING_EXTRA ? size - LISTING_EXTRA : 0;
}

static void decode(uint16_t type, const uint8_t *body, struct contents_inode *ret)
{
	const struct layout *layout = &layouts[type];

	ret->kind = layout->kind;
	ret->attributes = layout->attributes == NOWHERE
				  ? CONTENTS_NO_ATTRIBUTES
				  : get32(body + layout->attributes);
	if (layout->kind == OVERLAY_CONTENTS_FOLDER)
		decode_folder(type == SQFS_INODE_EXT_DIR, body, ret);
	if (layout->kind == OVERLAY_CONTENTS_LINK)
		ret->target_bytes = get32(body + 4);
	/* What overlayfs takes for a whiteout: a character device 0/0. */
	if ((type == SQFS_INODE_CDEV || type == SQFS_INODE_EXT_CDEV) &&
	    get32(body + 4) == 0)
		ret->kind = OVERLAY_CONTENTS_WHITEOUT;
}

int contents_inode_read(struct contents_image *image, uint64_t place,
			struct contents_inode *ret, struct verity_error *err)
{
	struct contents_inode inode = {0};
	uint8_t base[BASE_BYTES];
	uint8_t body[LAYOUT_BYTES];
	uint16_t type = 0;
	int code;

	if (place >> 48)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: an inode lies outside of it");
	code = sqfs_meta_reader_seek(image->inodes,
				     image->super.inode_table_start + (place >> 16),
				     place & 0xffff);
	if (code == 0)
		code = sqfs_meta_reader_read(image->inodes, base, sizeof(base));
	if (code == 0) {
		type = get16(base);
		if (type == 0 || type >= LAYOUT_COUNT)
			return verity_fail(err, VERITY_E_BAD_IMAGE,
					   "image: an inode of a type (%u) that is not "
					   "known",
					   (unsigned)type);
		code = sqfs_meta_reader_read(image->inodes, body, layouts[type].bytes);
	}
	if (code != 0)
		return contents_image_fail(image, code, "an inode", err);
	inode.number = get32(base + 12);
	decode(type, body, &inode);
	*ret = inode;
	return 0;
}
