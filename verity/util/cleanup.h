/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Ownership that ends with the scope. A variable declared with one of these is released
 * on every way out; steal_*() hands what it holds to someone else.
 */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup_with(func) __attribute__((cleanup(func)))

/* The static inline wrapper that cleanup_with() needs for a destructor taking one
 * pointer. */
#define DEFINE_CLEANUP(type, destructor)                                                 \
	static inline void destructor##_p(type **object)                                 \
	{                                                                                \
		destructor(*object);                                                     \
	}                                                                                \
	struct verity_swallow_semicolon

static inline void cleanup_fd_p(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free_p(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_file_p(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define cleanup_fd   cleanup_with(cleanup_fd_p)
#define cleanup_free cleanup_with(cleanup_free_p)
#define cleanup_file cleanup_with(cleanup_file_p)

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define steal_ptr(pointer)                                                               \
	({                                                                               \
		typeof(*(pointer)) *place_ = &(*(pointer));                              \
		typeof(*(pointer)) taken_ = *place_;                                     \
		*place_ = NULL;                                                          \
		taken_;                                                                  \
	})
