/* SPDX-License-Identifier: MIT */

/*
 * The attributes of squashfs 4.0 (Linux fs/squashfs/squashfs_fs.h, xattr_id.c, xattr.c;
 * sqfs/xattr.h has the same): a table of the places of blocks of ids, each id the place
 * of a set of keys and values. Of all that, what overlayfs looks at.
 */

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include <sqfs/block.h>
#include <sqfs/xattr.h>

#include "overlay/contents/contents_private.h"

#define TABLE_NONE    UINT64_MAX
#define TABLE_BYTES   16 /* place of the first block of keys (64 bits), ids, nothing */
#define ID_BYTES      16 /* place of the set (64 bits), keys in it, bytes of it (32) */
#define IDS_PER_BLOCK (SQFS_META_BLOCK_SIZE / ID_BYTES)
#define KEYS_MAX      256   /* in a set */
#define VALUE_MAX     65536 /* bytes, the kernel's limit */

#define TYPE_OUT_OF_LINE 0x0100 /* the value is the place of the value */
#define TYPE_MASK        0x00ff
#define TYPE_TRUSTED     1

int contents_attributes_open(struct contents_image *image, struct verity_error *err)
{
	const sqfs_super_t *super = &image->super;
	uint64_t table = super->xattr_id_table_start;
	uint64_t start;
	uint32_t count;
	uint8_t raw[TABLE_BYTES];
	int r;

	if (table == TABLE_NONE)
		return 0;
	r = contents_image_read(image, table, raw, sizeof(raw), err);
	if (r < 0)
		return r;
	memcpy(&start, raw, sizeof(start));
	memcpy(&count, raw + 8, sizeof(count));
	image->attributes_start = le64toh(start);
	image->attributes_count = le32toh(count);
	if (image->attributes_start >= table || table > super->bytes_used)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: its attributes lie outside of it");
	image->attributes = sqfs_meta_reader_create(image->file, image->expander,
						    image->attributes_start, table);
	if (!image->attributes)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	return 0;
}

static int take(struct contents_image *image, void *ret, size_t count,
		struct verity_error *err)
{
	int code = sqfs_meta_reader_read(image->attributes, ret, count);

	return code == 0 ? 0 : contents_image_fail(image, code, "an attribute", err);
}

static int take32(struct contents_image *image, uint32_t *ret, struct verity_error *err)
{
	uint32_t raw;
	int r = take(image, &raw, sizeof(raw), err);

	if (r == 0)
		*ret = le32toh(raw);
	return r;
}

/* @place: block, from the first one of keys, << 16 | offset within it */
static int go_to(struct contents_image *image, uint64_t place, struct verity_error *err)
{
	int code;

	if (place >> 48)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: an attribute lies outside of it");
	code = sqfs_meta_reader_seek(image->attributes,
				     image->attributes_start + (place >> 16),
				     place & 0xffff);
	return code == 0 ? 0 : contents_image_fail(image, code, "an attribute", err);
}

static int find_set(struct contents_image *image, uint32_t index, uint64_t *ret_place,
		    uint32_t *ret_keys, struct verity_error *err)
{
	uint64_t block;
	uint64_t raw;
	int r;

	if (!image->attributes || index >= image->attributes_count)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: it has no attributes number %" PRIu32, index);
	r = contents_image_read(image,
				image->super.xattr_id_table_start + TABLE_BYTES +
					index / IDS_PER_BLOCK * sizeof(block),
				&block, sizeof(block), err);
	if (r < 0)
		return r;
	block = le64toh(block);
	if (block < image->attributes_start)
		return verity_fail(
			err, VERITY_E_BAD_IMAGE,
			"image: attributes number %" PRIu32 " lie outside of it", index);
	block -= image->attributes_start;
	if (block >> 32)
		return verity_fail(
			err, VERITY_E_BAD_IMAGE,
			"image: attributes number %" PRIu32 " lie outside of it", index);
	r = go_to(image, block << 16 | index % IDS_PER_BLOCK * ID_BYTES, err);
	if (r == 0)
		r = take(image, &raw, sizeof(raw), err);
	if (r == 0)
		r = take32(image, ret_keys, err);
	if (r == 0)
		*ret_place = le64toh(raw);
	return r;
}

static int check_value(uint32_t bytes, struct verity_error *err)
{
	if (bytes <= VALUE_MAX)
		return 0;
	return verity_fail(err, VERITY_E_BAD_IMAGE,
			   "image: an attribute of %" PRIu32
			   " bytes, where there are %d at most",
			   bytes, VALUE_MAX);
}

/* The first byte of a value, and how many there are; what follows is passed over. */
static int take_value(struct contents_image *image, uint32_t *ret_bytes, char *ret_first,
		      struct verity_error *err)
{
	char passed[256];
	uint32_t bytes = 0;
	int r = take32(image, &bytes, err);

	if (r == 0)
		r = check_value(bytes, err);
	*ret_bytes = bytes;
	for (bool first = true; r == 0 && bytes > 0; first = false) {
		uint32_t piece = bytes < sizeof(passed) ? bytes : sizeof(passed);

		r = take(image, passed, piece, err);
		if (r == 0 && first)
			*ret_first = passed[0];
		bytes -= piece;
	}
	return r;
}

/* A value that is written once for many keys, and the way back to where we were. */
static int take_value_elsewhere(struct contents_image *image, uint32_t *ret_bytes,
				char *ret_first, struct verity_error *err)
{
	sqfs_u64 back_block;
	size_t back_offset;
	uint64_t place = 0;
	uint32_t bytes = 0;
	int code, r = take32(image, &bytes, err);

	if (r == 0 && bytes != sizeof(place))
		r = verity_fail(err, VERITY_E_BAD_IMAGE,
				"image: the place of an attribute has %" PRIu32 " bytes",
				bytes);
	if (r == 0)
		r = take(image, &place, sizeof(place), err);
	if (r < 0)
		return r;
	sqfs_meta_reader_get_position(image->attributes, &back_block, &back_offset);
	r = go_to(image, le64toh(place), err);
	if (r == 0)
		r = take_value(image, ret_bytes, ret_first, err);
	if (r < 0)
		return r;
	code = sqfs_meta_reader_seek(image->attributes, back_block, back_offset);
	return code == 0 ? 0 : contents_image_fail(image, code, "an attribute", err);
}

static bool key_is(const char *key, size_t bytes, const char *name)
{
	return bytes == strlen(name) && memcmp(key, name, bytes) == 0;
}

static int take_key(struct contents_image *image, struct verity_error *err)
{
	char key[OVERLAY_CONTENTS_NAME_MAX];
	uint16_t head[2] = {0}; /* type, bytes of the key without its prefix */
	uint32_t value_bytes = 0;
	char first = '\0';
	size_t key_bytes;
	int r = take(image, head, sizeof(head), err);

	if (r < 0)
		return r;
	head[0] = le16toh(head[0]);
	key_bytes = le16toh(head[1]);
	if (key_bytes > sizeof(key))
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: an attribute with a name of %zu bytes",
				   key_bytes);
	r = take(image, key, key_bytes, err);
	if (r == 0 && head[0] & TYPE_OUT_OF_LINE)
		r = take_value_elsewhere(image, &value_bytes, &first, err);
	else if (r == 0)
		r = take_value(image, &value_bytes, &first, err);
	if (r < 0 || (head[0] & TYPE_MASK) != TYPE_TRUSTED)
		return r;
	if (key_is(key, key_bytes, "overlay.opaque"))
		image->last.opaque = value_bytes == 1 && first == 'y';
	if (key_is(key, key_bytes, "overlay.redirect") ||
	    key_is(key, key_bytes, "overlay.metacopy"))
		image->last.redirected = true;
	return 0;
}

static int read_set(struct contents_image *image, uint32_t index,
		    struct verity_error *err)
{
	uint64_t place = 0;
	uint32_t keys = 0;
	int r = find_set(image, index, &place, &keys, err);

	if (r == 0 && keys > KEYS_MAX)
		r = verity_fail(err, VERITY_E_BAD_IMAGE,
				"image: %" PRIu32 " attributes of one file, where there "
				"are %d at most",
				keys, KEYS_MAX);
	if (r == 0)
		r = go_to(image, place, err);
	image->last.opaque = image->last.redirected = false;
	for (uint32_t i = 0; r == 0 && i < keys; i++)
		r = take_key(image, err);
	return r;
}

int contents_attributes_look(struct contents_image *image, uint32_t index,
			     bool *ret_opaque, bool *ret_redirected,
			     struct verity_error *err)
{
	int r = 0;

	if (!image->last.known || image->last.index != index) {
		image->last.known = false;
		r = read_set(image, index, err);
	}
	if (r < 0)
		return r;
	image->last.known = true;
	image->last.index = index;
	*ret_opaque = image->last.opaque;
	*ret_redirected = image->last.redirected;
	return 0;
}
