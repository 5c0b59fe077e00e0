/* SPDX-License-Identifier: MIT */
/* Compressors by name, and one that keeps blocks which compression would make larger. */
#include "overlay/image/compressor.h"

#include <sqfs/error.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	SQFS_COMPRESSOR id;
} compressors[] = {
	{"zstd", SQFS_COMP_ZSTD},
	{"xz", SQFS_COMP_XZ},
	{"gzip", SQFS_COMP_GZIP},
	{"lz4", SQFS_COMP_LZ4},
};

/*
 * libsquashfs's lz4 (1.2) hands over blocks that it made larger, where there is room for
 * them: a table of 4 bytes becomes a "compressed" one of 5, which the kernel reads and
 * unsquashfs calls corrupt. This one wraps it and keeps such blocks as they were.
 */
struct compressor {
	sqfs_compressor_t base;
	sqfs_compressor_t *real;  /* owned */
	sqfs_compressor_t *quick; /* owned; NULL: it has no quick way to try */
};

#define QUICK_LEVEL 1
#define SAMPLE_STEP 13 /* one byte in so many is looked at */

static sqfs_compressor_t *real_of(const void *base)
{
	return ((const struct compressor *)base)->real;
}

static void compressor_configuration(const sqfs_compressor_t *base,
				     sqfs_compressor_config_t *config)
{
	real_of(base)->get_configuration(real_of(base), config);
}

static int compressor_write_options(sqfs_compressor_t *base, sqfs_file_t *file)
{
	return real_of(base)->write_options(real_of(base), file);
}

static int compressor_read_options(sqfs_compressor_t *base, sqfs_file_t *file)
{
	return real_of(base)->read_options(real_of(base), file);
}

/* Whether all bytes are about as frequent, as in what is compressed or encrypted. */
static bool is_even(const sqfs_u8 *in, sqfs_u32 size)
{
	uint32_t counts[256] = {0};
	uint64_t squares = 0, count = 0;

	for (sqfs_u32 i = 0; i < size; i += SAMPLE_STEP, count++)
		counts[in[i]]++;
	for (size_t i = 0; i < 256; i++)
		squares += (uint64_t)counts[i] * counts[i];
	return squares * 256 <= count * count / 16 * 17;
}

/*
 * zstd at the level of libsquashfs works a hundred times as long as at level 1 on what
 * does not compress, and finds out the same.
 */
static bool is_in_vain(const struct compressor *compressor, const sqfs_u8 *in,
		       sqfs_u32 size, sqfs_u8 *out, sqfs_u32 out_size)
{
	sqfs_compressor_t *quick = compressor->quick;
	sqfs_s32 r;

	if (!quick || !is_even(in, size))
		return false;
	r = quick->do_block(quick, in, size, out, out_size);
	return r == 0 || (r > 0 && (sqfs_u32)r >= size);
}

static sqfs_s32 compressor_block(sqfs_compressor_t *base, const sqfs_u8 *in,
				 sqfs_u32 size, sqfs_u8 *out, sqfs_u32 out_size)
{
	sqfs_s32 r;

	if (is_in_vain((const struct compressor *)base, in, size, out, out_size))
		return 0;
	r = real_of(base)->do_block(real_of(base), in, size, out, out_size);
	return r > 0 && (sqfs_u32)r >= size ? 0 : r;
}

static void compressor_destroy(sqfs_object_t *object)
{
	sqfs_destroy(((struct compressor *)object)->quick);
	sqfs_destroy(real_of(object));
	free(object);
}

static sqfs_object_t *compressor_wrap(sqfs_compressor_t *real, sqfs_compressor_t *quick);

static sqfs_object_t *compressor_copy(const sqfs_object_t *object)
{
	const struct compressor *compressor = (const struct compressor *)object;
	sqfs_compressor_t *quick = NULL;

	if (compressor->quick) {
		quick = sqfs_copy(compressor->quick);
		if (!quick)
			return NULL;
	}
	return compressor_wrap(sqfs_copy(compressor->real), quick);
}

/* Takes both; @real may be NULL. Return: NULL where memory ran out. */
static sqfs_object_t *compressor_wrap(sqfs_compressor_t *real, sqfs_compressor_t *quick)
{
	struct compressor *compressor = real ? malloc(sizeof(*compressor)) : NULL;

	if (!compressor) {
		sqfs_destroy(real);
		sqfs_destroy(quick);
		return NULL;
	}
	*compressor = (struct compressor){
		.base.base.destroy = compressor_destroy,
		.base.base.copy = compressor_copy,
		.base.get_configuration = compressor_configuration,
		.base.write_options = compressor_write_options,
		.base.read_options = compressor_read_options,
		.base.do_block = compressor_block,
		.real = real,
		.quick = quick,
	};
	return &compressor->base.base;
}

int image_compressor_find(const char *name, SQFS_COMPRESSOR *ret,
			  struct verity_error *err)
{
	for (size_t i = 0; i < sizeof(compressors) / sizeof(compressors[0]); i++) {
		if (strcmp(compressors[i].name, name) == 0) {
			*ret = compressors[i].id;
			return 0;
		}
	}
	return verity_fail(err, VERITY_E_USAGE,
			   "unknown compressor '%.32s'; expected zstd, xz, gzip or lz4",
			   name);
}

int image_compressor_new(SQFS_COMPRESSOR id, size_t block_bytes, bool expand,
			 sqfs_compressor_t **ret)
{
	sqfs_compressor_config_t config;
	sqfs_compressor_t *real, *quick = NULL;
	int r = sqfs_compressor_config_init(&config, id, block_bytes,
					    expand ? SQFS_COMP_FLAG_UNCOMPRESS : 0);

	if (r == 0)
		r = sqfs_compressor_create(&config, &real);
	if (r == 0 && !expand && id == SQFS_COMP_ZSTD) {
		config.level = QUICK_LEVEL;
		r = sqfs_compressor_create(&config, &quick);
		if (r != 0)
			sqfs_destroy(real);
	}
	if (r != 0)
		return r;
	*ret = expand ? real : (sqfs_compressor_t *)compressor_wrap(real, quick);
	return *ret ? 0 : SQFS_ERROR_ALLOC;
}
