/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The loader's cache, /etc/ld.so.cache: which file a library's name stands for. Both
 * formats, ld.so-1.7.0 (also of uClibc) and glibc-ld.so.cache1.1, which may follow the
 * first in one file (glibc, sysdeps/generic/dl-cache.h).
 */

#include "verity/util/error.h"

#include <stddef.h>

#define OVERLAY_LD_CACHE_BYTES_MAX (16U << 20)
#define OVERLAY_LD_CACHE_MAX       65536 /* entries */

/**
 * overlay_ld_cache_find - the files that the cache has for a name
 * @bytes: the whole of it; a 0 follows the last of @size
 * @big:   byte order of the programs
 * @take:  called for each, of all architectures and processors; a negative return ends it
 *
 * What is malformed ends the search: the loader uses none of it either.
 *
 * Return: 0; what take() returned.
 */
int overlay_ld_cache_find(const char *bytes, size_t size, bool big, const char *name,
			  int (*take)(void *context, const char *path),
			  void *context) must_check;
