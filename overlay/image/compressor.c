/* SPDX-License-Identifier: MIT */
/* Compressors by name, and one that keeps blocks which compression made larger. */
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
	sqfs_compressor_t *real; /* owned */
};

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

static sqfs_s32 compressor_block(sqfs_compressor_t *base, const sqfs_u8 *in,
				 sqfs_u32 size, sqfs_u8 *out, sqfs_u32 out_size)
{
	sqfs_s32 r = real_of(base)->do_block(real_of(base), in, size, out, out_size);

	return r > 0 && (sqfs_u32)r >= size ? 0 : r;
}

static void compressor_destroy(sqfs_object_t *object)
{
	sqfs_destroy(real_of(object));
	free(object);
}

static sqfs_object_t *compressor_wrap(sqfs_compressor_t *real);

static sqfs_object_t *compressor_copy(const sqfs_object_t *object)
{
	return compressor_wrap(sqfs_copy(real_of(object)));
}

/* Takes @real, which may be NULL. Return: NULL where memory ran out. */
static sqfs_object_t *compressor_wrap(sqfs_compressor_t *real)
{
	struct compressor *compressor = real ? malloc(sizeof(*compressor)) : NULL;

	if (!compressor) {
		sqfs_destroy(real);
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
	sqfs_compressor_t *real;
	int r = sqfs_compressor_config_init(&config, id, block_bytes,
					    expand ? SQFS_COMP_FLAG_UNCOMPRESS : 0);

	if (r == 0)
		r = sqfs_compressor_create(&config, &real);
	if (r != 0)
		return r;
	*ret = expand ? real : (sqfs_compressor_t *)compressor_wrap(real);
	return *ret ? 0 : SQFS_ERROR_ALLOC;
}
