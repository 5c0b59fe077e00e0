/* SPDX-License-Identifier: MIT */

/*
 * squashfs 4.0 (Linux fs/squashfs/squashfs_fs.h, xattr_id.c, xattr.c), as far as it
 * matters to overlayfs. libsquashfs reads inodes and sets of attributes whole: the list
 * of blocks of a file is as long as the file claims to be. So this decodes them itself.
 */
#include "overlay/contents/squashfs.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sqfs/block.h>
#include <sqfs/compressor.h>
#include <sqfs/error.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/xattr.h>

#include "verity/util/io.h"
#include "verity/util/le32.h"

#define FRAGMENTS_PER_BLOCK 512 /* of the list of fragments: 8 KiB of 16 bytes each */

/* The image within the package, as a file of libsquashfs. */
struct image_part {
	sqfs_file_t base;
	int fd;
	uint64_t start, bytes;
	uint64_t reads; /* left */
	int failed;     /* errno of the first read that failed; 0 */
};

static int part_read(sqfs_file_t *base, sqfs_u64 offset, void *buffer, size_t size)
{
	struct image_part *part = (struct image_part *)(void *)base;
	int r = -E2BIG;

	if (offset > part->bytes || size > part->bytes - offset)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	if (part->reads > 0) {
		part->reads--;
		r = verity_io_read(part->fd, buffer, size, part->start + offset, NULL);
	}
	if (r < 0 && part->failed == 0)
		part->failed = -r;
	return r < 0 ? SQFS_ERROR_IO : 0;
}

static sqfs_u64 part_size(const sqfs_file_t *base)
{
	return ((const struct image_part *)(const void *)base)->bytes;
}

static void part_destroy(sqfs_object_t *object)
{
	free(object);
}

/* @code: what a function of libsquashfs returned */
static int check(const struct squashfs *image, int code, const char *what,
		 struct verity_error *err)
{
	int failed = ((const struct image_part *)(void *)image->file)->failed;

	if (code == 0)
		return 0;
	if (code == SQFS_ERROR_ALLOC)
		return verity_no_memory(err);
	if (failed == E2BIG)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "image: listing its folders takes too many reads");
	if (failed)
		return verity_fail_errno(err, failed, "image: %s", what);
	return verity_fail(err, VERITY_E_BAD_IMAGE, "image: %s cannot be read: %s", what,
			   code == SQFS_ERROR_OUT_OF_BOUNDS ? "outside of its bounds"
			   : code == SQFS_ERROR_COMPRESSOR  ? "cannot be decompressed"
							    : "damaged");
}

static int bad_xattrs(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_BAD_IMAGE,
			   "image: extended attributes outside of it");
}

static int open_xattrs(struct squashfs *image, struct verity_error *err)
{
	struct {
		uint64_t start; /* of the first block of keys and values */
		uint32_t sets, unused;
	} table;
	uint64_t offset = image->super.xattr_id_table_start;
	int r;

	if (offset == UINT64_MAX)
		return 0;
	r = check(image, image->file->read_at(image->file, offset, &table, sizeof(table)),
		  "a table", err);
	if (r < 0)
		return r;
	image->xattrs_start = le64toh(table.start);
	image->xattr_sets = le32toh(table.sets);
	if (image->xattrs_start >= offset || offset > image->super.bytes_used)
		return bad_xattrs(err);
	image->xattrs = sqfs_meta_reader_create(image->file, image->compressor,
						image->xattrs_start, offset);
	return image->xattrs ? 0 : verity_no_memory(err);
}

/* Behind the listings, and within the image. */
static bool is_table(const sqfs_super_t *super, uint64_t start, uint64_t bytes)
{
	return start > super->directory_table_start && start <= super->bytes_used &&
	       bytes <= super->bytes_used - start;
}

/* Where the kernel looks for them, whether this reads them or not. */
static bool are_tables_inside(const sqfs_super_t *super, uint64_t image_bytes)
{
	uint64_t blocks = super->fragment_entry_count / FRAGMENTS_PER_BLOCK +
			  (super->fragment_entry_count % FRAGMENTS_PER_BLOCK != 0);

	return super->bytes_used <= image_bytes &&
	       super->inode_table_start < super->directory_table_start &&
	       super->directory_table_start <= super->bytes_used &&
	       (blocks == 0 || is_table(super, super->fragment_table_start,
					blocks * sizeof(uint64_t))) &&
	       (super->export_table_start == UINT64_MAX ||
		is_table(super, super->export_table_start, sizeof(uint64_t)));
}

static int open_tables(struct squashfs *image, struct verity_error *err)
{
	sqfs_super_t *super = &image->super;
	sqfs_compressor_config_t config;
	int code = sqfs_super_read(super, image->file);

	if (code != 0 && ((struct image_part *)(void *)image->file)->failed)
		return check(image, code, "the super block", err);
	if (code != 0)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: not a squashfs image of version 4.0");
	if (!are_tables_inside(super, part_size(image->file)))
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: its tables lie outside of it");
	code = sqfs_compressor_config_init(&config, super->compression_id,
					   super->block_size, SQFS_COMP_FLAG_UNCOMPRESS);
	if (code == 0)
		code = sqfs_compressor_create(&config, &image->compressor);
	if (code != 0 && code != SQFS_ERROR_ALLOC)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "image: unknown compressor (%u)",
				   (unsigned)super->compression_id);
	if (code == 0 && super->flags & SQFS_FLAG_COMPRESSOR_OPTIONS)
		code = image->compressor->read_options(image->compressor, image->file);
	if (code != 0)
		return check(image, code, "the options of the compressor", err);
	image->inodes = sqfs_meta_reader_create(image->file, image->compressor,
						super->inode_table_start,
						super->directory_table_start);
	image->listings =
		sqfs_meta_reader_create(image->file, image->compressor,
					super->directory_table_start, super->bytes_used);
	/* Blocks of numbers lie before their table, behind all listings. */
	if (super->id_table_start > super->directory_table_start &&
	    super->id_table_start < super->bytes_used)
		image->owners = sqfs_meta_reader_create(image->file, image->compressor,
							super->directory_table_start,
							super->id_table_start);
	if (!image->inodes || !image->listings)
		return verity_no_memory(err);
	return open_xattrs(image, err);
}

int squashfs_open(int fd, uint64_t start, uint64_t bytes, uint64_t reads,
		  struct squashfs *ret, struct verity_error *err)
{
	struct squashfs image = {.file = NULL};
	struct image_part *part = malloc(sizeof(*part));
	int r;

	if (!part)
		return verity_no_memory(err);
	/* Nothing that reads an image writes to it or changes its size. */
	*part = (struct image_part){
		.base = {.base = {.destroy = part_destroy},
			 .read_at = part_read,
			 .get_size = part_size},
		.fd = fd,
		.start = start,
		.bytes = bytes,
		.reads = reads,
	};
	image.file = &part->base;
	r = open_tables(&image, err);
	if (r == 0)
		*ret = image;
	else
		squashfs_close(&image);
	return r;
}

void squashfs_close(struct squashfs *image)
{
	void *objects[] = {image->xattrs, image->owners,     image->listings,
			   image->inodes, image->compressor, image->file};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (objects[i])
			sqfs_destroy(objects[i]);
	*image = (struct squashfs){.file = NULL};
}

int squashfs_read(const struct squashfs *image, sqfs_meta_reader_t *reader,
		  const char *what, void *ret, size_t count, struct verity_error *err)
{
	return check(image, sqfs_meta_reader_read(reader, ret, count), what, err);
}

int squashfs_seek(const struct squashfs *image, sqfs_meta_reader_t *reader,
		  const char *what, uint64_t start, uint64_t reference,
		  struct verity_error *err)
{
	if (reference >> 48)
		return verity_fail(err, VERITY_E_BAD_IMAGE, "image: %s outside of it",
				   what);
	return check(image,
		     sqfs_meta_reader_seek(reader, start + (reference >> 16),
					   reference & 0xffff),
		     what, err);
}

/* Inodes: type, mode, uid, gid (16 bits each), time, number (32), then by type: */
#define BASE_BYTES 16
#define BODY_MAX   40   /* of the longest */
#define NONE       0xff /* no such field */

static const struct inode_type {
	uint8_t body_bytes;
	uint8_t xattrs; /* offset of the index in the body; NONE */
	enum overlay_contents_kind kind;
} inode_types[] = {
	[SQFS_INODE_DIR] = {16, NONE, OVERLAY_CONTENTS_FOLDER},
	[SQFS_INODE_FILE] = {16, NONE, OVERLAY_CONTENTS_FILE},
	[SQFS_INODE_SLINK] = {8, NONE, OVERLAY_CONTENTS_LINK},
	[SQFS_INODE_BDEV] = {8, NONE, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_CDEV] = {8, NONE, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_FIFO] = {4, NONE, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_SOCKET] = {4, NONE, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_EXT_DIR] = {24, 20, OVERLAY_CONTENTS_FOLDER},
	[SQFS_INODE_EXT_FILE] = {40, 36, OVERLAY_CONTENTS_FILE},
	[SQFS_INODE_EXT_SLINK] = {8, NONE, OVERLAY_CONTENTS_LINK},
	[SQFS_INODE_EXT_BDEV] = {12, 8, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_EXT_CDEV] = {12, 8, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_EXT_FIFO] = {8, 4, OVERLAY_CONTENTS_SPECIAL},
	[SQFS_INODE_EXT_SOCKET] = {8, 4, OVERLAY_CONTENTS_SPECIAL},
};

/* The size of a listing counts "." and "..", which are not in it. */
#define LISTING_EXTRA 3

static uint16_t get16(const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return le16toh(value);
}

int squashfs_inode_read(const struct squashfs *image, uint64_t reference,
			struct squashfs_inode *ret, struct verity_error *err)
{
	struct squashfs_inode inode = {.xattrs = SQUASHFS_NO_XATTRS};
	const struct inode_type *type;
	uint8_t base[BASE_BYTES];
	uint8_t body[BODY_MAX];
	uint16_t number;
	int r = squashfs_seek(image, image->inodes, "an inode",
			      image->super.inode_table_start, reference, err);

	if (r == 0)
		r = squashfs_read(image, image->inodes, "an inode", base, sizeof(base),
				  err);
	if (r < 0)
		return r;
	number = get16(base);
	if (number == 0 || number >= sizeof(inode_types) / sizeof(inode_types[0]))
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: an inode of an unknown type (%u)",
				   (unsigned)number);
	type = &inode_types[number];
	r = squashfs_read(image, image->inodes, "an inode", body, type->body_bytes, err);
	if (r < 0)
		return r;
	inode.number = verity_le32_get(base + 12);
	inode.kind = type->kind;
	if (type->xattrs != NONE)
		inode.xattrs = verity_le32_get(body + type->xattrs);
	if (type->kind == OVERLAY_CONTENTS_FOLDER) {
		bool extended = number == SQFS_INODE_EXT_DIR;
		uint32_t size = extended ? verity_le32_get(body + 4) : get16(body + 8);

		inode.mode = get16(base + 2) & 07777;
		inode.uid_index = get16(base + 4);
		inode.gid_index = get16(base + 6);
		inode.listing_block = verity_le32_get(body + (extended ? 8 : 0));
		inode.listing_offset = get16(body + (extended ? 18 : 10));
		inode.listing_bytes = size > LISTING_EXTRA ? size - LISTING_EXTRA : 0;
	}
	if (type->kind == OVERLAY_CONTENTS_LINK)
		inode.target_bytes = verity_le32_get(body + 4);
	/* A whiteout of overlayfs is a character device 0/0. */
	if ((number == SQFS_INODE_CDEV || number == SQFS_INODE_EXT_CDEV) &&
	    verity_le32_get(body + 4) == 0)
		inode.kind = OVERLAY_CONTENTS_WHITEOUT;
	*ret = inode;
	return 0;
}

#define OWNERS_PER_BLOCK (SQFS_META_BLOCK_SIZE / sizeof(uint32_t))

int squashfs_owner_read(struct squashfs *image, uint16_t index, uint32_t *ret,
			struct verity_error *err)
{
	struct squashfs_owner *owner = &image->owner;
	uint64_t block;
	uint32_t number;
	int r;

	if (owner->known && owner->index == index) {
		*ret = owner->number;
		return 0;
	}
	if (!image->owners || index >= image->super.id_count)
		return verity_fail(err, VERITY_E_BAD_IMAGE, "image: no owner number %u",
				   (unsigned)index);
	r = check(image,
		  image->file->read_at(image->file,
				       image->super.id_table_start +
					       index / OWNERS_PER_BLOCK * sizeof(block),
				       &block, sizeof(block)),
		  "a table", err);
	if (r == 0)
		r = check(
			image,
			sqfs_meta_reader_seek(image->owners, le64toh(block),
					      index % OWNERS_PER_BLOCK * sizeof(number)),
			"an owner", err);
	if (r == 0)
		r = squashfs_read(image, image->owners, "an owner", &number,
				  sizeof(number), err);
	if (r < 0)
		return r;
	*owner = (struct squashfs_owner){index, true, le32toh(number)};
	*ret = owner->number;
	return 0;
}

/*
 * Extended attributes: a table of the blocks of ids; each id has the reference of a set
 * of keys and values (64 bits), how many they are and how many bytes (32 bits each).
 */
#define TABLE_BYTES   16
#define ID_BYTES      16
#define IDS_PER_BLOCK (SQFS_META_BLOCK_SIZE / ID_BYTES)
#define KEYS_MAX      256   /* in a set */
#define VALUE_MAX     65536 /* bytes, the kernel's limit */

#define TYPE_OUT_OF_LINE 0x0100 /* the value is the reference of the value */
#define TYPE_MASK        0x00ff
#define TYPE_TRUSTED     1

static int read_xattr(const struct squashfs *image, void *ret, size_t count,
		      struct verity_error *err)
{
	return squashfs_read(image, image->xattrs, "an extended attribute", ret, count,
			     err);
}

static int seek_xattr(const struct squashfs *image, uint64_t reference,
		      struct verity_error *err)
{
	return squashfs_seek(image, image->xattrs, "an extended attribute",
			     image->xattrs_start, reference, err);
}

/* Seeks to the first key of set @index. */
static int find_set(const struct squashfs *image, uint32_t index, uint32_t *ret_keys,
		    struct verity_error *err)
{
	uint64_t block;
	uint8_t id[ID_BYTES];
	uint64_t reference;
	int r;

	if (!image->xattrs || index >= image->xattr_sets)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: no set %" PRIu32 " of extended attributes",
				   index);
	r = check(image,
		  image->file->read_at(image->file,
				       image->super.xattr_id_table_start + TABLE_BYTES +
					       index / IDS_PER_BLOCK * sizeof(block),
				       &block, sizeof(block)),
		  "a table", err);
	if (r < 0)
		return r;
	block = le64toh(block);
	if (block < image->xattrs_start || (block - image->xattrs_start) >> 32)
		return bad_xattrs(err);
	r = seek_xattr(image,
		       (block - image->xattrs_start) << 16 |
			       index % IDS_PER_BLOCK * ID_BYTES,
		       err);
	if (r == 0)
		r = read_xattr(image, id, sizeof(id), err);
	if (r < 0)
		return r;
	*ret_keys = verity_le32_get(id + 8);
	if (*ret_keys > KEYS_MAX)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: %" PRIu32
				   " extended attributes of one file; limit: %d",
				   *ret_keys, KEYS_MAX);
	memcpy(&reference, id, sizeof(reference));
	return seek_xattr(image, le64toh(reference), err);
}

/* The length of a value and its first byte; the rest is skipped. */
static int read_value(const struct squashfs *image, uint32_t *ret_bytes, char *ret_first,
		      struct verity_error *err)
{
	char skipped[256];
	uint32_t left = 0;
	int r = read_xattr(image, &left, sizeof(left), err);

	left = le32toh(left);
	if (r == 0 && left > VALUE_MAX)
		r = verity_fail(err, VERITY_E_BAD_IMAGE,
				"image: an extended attribute of %" PRIu32
				" bytes; limit: %d",
				left, VALUE_MAX);
	*ret_bytes = left;
	for (bool first = true; r == 0 && left > 0; first = false) {
		uint32_t piece = left < sizeof(skipped) ? left : sizeof(skipped);

		r = read_xattr(image, skipped, piece, err);
		if (r == 0 && first)
			*ret_first = skipped[0];
		left -= piece;
	}
	return r;
}

/* A value that many keys share, and back to where the keys go on. */
static int read_shared_value(const struct squashfs *image, uint32_t *ret_bytes,
			     char *ret_first, struct verity_error *err)
{
	struct {
		uint32_t bytes;
		uint64_t reference;
	} __attribute__((packed)) head;
	sqfs_u64 back_block;
	size_t back_offset;
	int r = read_xattr(image, &head, sizeof(head), err);

	if (r < 0)
		return r;
	if (le32toh(head.bytes) != sizeof(head.reference))
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: the reference of an extended attribute has "
				   "%" PRIu32 " bytes",
				   le32toh(head.bytes));
	sqfs_meta_reader_get_position(image->xattrs, &back_block, &back_offset);
	r = seek_xattr(image, le64toh(head.reference), err);
	if (r == 0)
		r = read_value(image, ret_bytes, ret_first, err);
	if (r < 0)
		return r;
	return check(image, sqfs_meta_reader_seek(image->xattrs, back_block, back_offset),
		     "an extended attribute", err);
}

static int read_key(const struct squashfs *image, struct squashfs_xattr_set *set,
		    struct verity_error *err)
{
	char key[OVERLAY_CONTENTS_NAME_MAX + 1];
	uint16_t head[2] = {0}; /* type, bytes of the key without its prefix */
	uint32_t value_bytes = 0;
	char first = '\0';
	size_t key_bytes;
	int r = read_xattr(image, head, sizeof(head), err);

	if (r < 0)
		return r;
	head[0] = le16toh(head[0]);
	key_bytes = le16toh(head[1]);
	if (key_bytes >= sizeof(key))
		return verity_fail(
			err, VERITY_E_BAD_IMAGE,
			"image: an extended attribute with a name of %zu bytes",
			key_bytes);
	r = read_xattr(image, key, key_bytes, err);
	if (r == 0)
		r = (head[0] & TYPE_OUT_OF_LINE ? read_shared_value : read_value)(
			image, &value_bytes, &first, err);
	key[key_bytes] = '\0';
	if (r < 0 || (head[0] & TYPE_MASK) != TYPE_TRUSTED || strlen(key) != key_bytes)
		return r;
	if (strcmp(key, "overlay.opaque") == 0)
		set->opaque = value_bytes == 1 && first == 'y';
	if (strcmp(key, "overlay.redirect") == 0 || strcmp(key, "overlay.metacopy") == 0)
		set->redirected = true;
	return 0;
}

int squashfs_xattrs_read(struct squashfs *image, uint32_t index,
			 struct squashfs_xattr_set *ret, struct verity_error *err)
{
	if (!image->last.known || image->last.index != index) {
		struct squashfs_xattr_set set = {.index = index, .known = true};
		uint32_t keys = 0;
		int r = find_set(image, index, &keys, err);

		for (uint32_t i = 0; r == 0 && i < keys; i++)
			r = read_key(image, &set, err);
		if (r < 0)
			return r;
		image->last = set;
	}
	*ret = image->last;
	return 0;
}
