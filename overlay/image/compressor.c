/* SPDX-License-Identifier: MIT */
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
 * unsquashfs calls corrupt. This one goes in between and keeps such blocks as they were.
 */
struct compressor {
	sqfs_compressor_t base;
	sqfs_compressor_t *real;
};

static struct compressor *compressor_of(sqfs_compressor_t *base)
{
	return (struct compressor *)(void *)base;
}

static const struct compressor *compressor_seen(const void *base)
{
	return base;
}

static void compressor_configuration(const sqfs_compressor_t *base,
				     sqfs_compressor_config_t *config)
{
	const sqfs_compressor_t *real = compressor_seen(base)->real;

	real->get_configuration(real, config);
}

static int compressor_write_options(sqfs_compressor_t *base, sqfs_file_t *file)
{
	sqfs_compressor_t *real = compressor_of(base)->real;

	return real->write_options(real, file);
}

static int compressor_read_options(sqfs_compressor_t *base, sqfs_file_t *file)
{
	sqfs_compressor_t *real = compressor_of(base)->real;

	return real->read_options(real, file);
}

static sqfs_s32 compressor_block(sqfs_compressor_t *base, const sqfs_u8 *in,
				 sqfs_u32 size, sqfs_u8 *out, sqfs_u32 out_size)
{
	sqfs_compressor_t *real = compressor_of(base)->real;
	sqfs_s32 r = real->do_block(real, in, size, out, out_size);

	return r > 0 && (sqfs_u32)r >= size ? 0 : r;
}

static void compressor_destroy(sqfs_object_t *object)
{
	struct compressor *compressor = (struct compressor *)(void *)object;

	sqfs_destroy(compressor->real);
	free(compressor);
}

static sqfs_object_t *compressor_copy(const sqfs_object_t *object)
{
	const struct compressor *from = compressor_seen(object);
	struct compressor *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *from;
	copy->real = sqfs_copy(from->real);
	if (!copy->real) {
		free(copy);
		return NULL;
	}
	return &copy->base.base;
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
	return verity_fail(
		err, VERITY_E_UNSUPPORTED,
		"no compressor is called '%.32s'; there are zstd, xz, gzip, lz4", name);
}

static int real_new(SQFS_COMPRESSOR id, size_t block_bytes, sqfs_u16 flags,
		    sqfs_compressor_t **ret)
{
	sqfs_compressor_config_t config;
	int r = sqfs_compressor_config_init(&config, id, block_bytes, flags);

	return r == 0 ? sqfs_compressor_create(&config, ret) : r;
}

int image_expander_new(SQFS_COMPRESSOR id, size_t block_bytes, sqfs_compressor_t **ret)
{
	return real_new(id, block_bytes, SQFS_COMP_FLAG_UNCOMPRESS, ret);
}

int image_compressor_new(SQFS_COMPRESSOR id, size_t block_bytes, sqfs_compressor_t **ret)
{
	struct compressor *compressor = calloc(1, sizeof(*compressor));
	int r;

	if (!compressor)
		return SQFS_ERROR_ALLOC;
	r = real_new(id, block_bytes, 0, &compressor->real);
	if (r != 0) {
		free(compressor);
		return r;
	}
	compressor->base.base.destroy = compressor_destroy;
	compressor->base.base.copy = compressor_copy;
	compressor->base.get_configuration = compressor_configuration;
	compressor->base.write_options = compressor_write_options;
	compressor->base.read_options = compressor_read_options;
	compressor->base.do_block = compressor_block;
	*ret = &compressor->base;
	return 0;
}
